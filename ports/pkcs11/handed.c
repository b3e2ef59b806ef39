/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/handed.h"
#include "host/base/apart.h"
#include "host/base/file.h"
#include "host/base/frame.h"
#include "ports/pkcs11/holder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAWN 16 /* random bytes of a PIN */

struct handed_plan {
	const struct rota_pkcs11_token *token;
	const char *const *keys;
	const struct rota_user *user; /* who empties it; NULL: stay */
};

static enum rota_err draw(struct pin *pin, struct rota_fail *why)
{
	uint8_t raw[DRAWN];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
	rota_hex(ROTA_SPAN(raw), pin->text);
	pin->len = 2 * sizeof(raw);
	explicit_bzero(raw, sizeof(raw));
	return ROTA_OK;
}

static enum rota_err hand_over(int keeper, const struct pin_pair *p, struct rota_fail *why)
{
	char text[ROTA_HANDED_MAX];
	int len = snprintf(text, sizeof(text), "%s\n%s\n", p->user.text, p->so.text);
	enum rota_err err =
		rota_frame_write(keeper, rota_span(text, (size_t)len), PIN_KEEPER_MS, why);

	explicit_bzero(text, sizeof(text));
	ROTA_TRY(err);
	return rota_frame_hear(keeper, PIN_KEEPER_MS, why);
}

/* ---- made ---- */

static enum rota_err make_keys(struct module *m, const struct handed_plan *plan,
	const struct pin *pin, struct holder_key *made, struct rota_fail *why)
{
	ROTA_TRY(module_login(m, plan->token->label, pin, why));
	for (size_t i = 0; i < 2; i++) {
		struct module_key key;

		if (module_generate(m, plan->keys[i], why) != ROTA_OK ||
			module_key(m, plan->keys[i], &key, why) != ROTA_OK)
			return rota_fail_in(why, "key %s", plan->keys[i]);
		memcpy(made[i].point, key.point, sizeof(key.point));
	}
	return ROTA_OK;
}

static enum rota_err make(struct module *m, const struct handed_plan *plan, int keeper,
	struct holder_key *made, struct rota_fail *why)
{
	struct pin_pair p = { .user = { .len = 0 } };
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	err = draw(&p.user, why);
	if (err == ROTA_OK)
		err = draw(&p.so, why);
	if (err == ROTA_OK)
		err = hand_over(keeper, &p, why);
	if (err == ROTA_OK)
		err = holder_load(m, plan->token, why);
	if (err == ROTA_OK)
		err = module_claim(m, plan->token->label, &p.so, &p.user, why);
	if (err == ROTA_OK)
		err = make_keys(m, plan, &p.user, made, why);
	pin_pair_wipe(&p);
	return err;
}

static void make_run(const struct holder_fds *fds, const void *plan)
{
	struct holder_key made[2] = { 0 };
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = make(&m, plan, fds->in, made, &why);
	module_end(&m);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
	for (size_t i = 0; i < 2; i++)
		(void)send(fds->report, &made[i], sizeof(made[i]), MSG_NOSIGNAL);
}

/* ---- taken ---- */

static enum rota_err take(const struct handed_plan *plan, int keeper, struct rota_fail *why)
{
	struct rota_bytes pins;
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	if (chdir(plan->token->dir) != 0)
		return rota_fail_errno(why, errno, "cannot enter %s", plan->token->dir);
	ROTA_TRY(rota_frame_read(keeper, ROTA_HANDED_MAX, PIN_KEEPER_MS, &pins, why));
	err = rota_file_write(plan->token->pin_file, rota_bytes_span(&pins), 0600, why);
	rota_bytes_wipe(&pins);
	ROTA_TRY(err);
	return rota_frame_write(keeper, ROTA_STR(""), PIN_KEEPER_MS, why);
}

static void take_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };

	why.err = take(plan, fds->in, &why);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

/* ---- released ---- */

static enum rota_err read_pair(const char *file, struct pin_pair *p, struct rota_fail *why)
{
	struct rota_bytes text;
	struct pin first;
	enum rota_err err;

	ROTA_TRY(pin_get(&first, file, file, why)); /* looks at owner and mode */
	pin_wipe(&first);
	ROTA_TRY(rota_file_read(file, ROTA_HANDED_MAX, &text, why));
	err = pin_pair_parse(rota_bytes_span(&text), p, why);
	rota_bytes_wipe(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", file);
}

static enum rota_err release(
	const struct handed_plan *plan, struct module *m, struct rota_fail *why)
{
	struct pin_pair p = { .user = { .len = 0 } };
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	err = read_pair(plan->token->pin_file, &p, why);
	if (err == ROTA_OK)
		err = module_release(m, plan->token->label, &p.so, why);
	pin_pair_wipe(&p);
	return err;
}

static void release_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = release(plan, &m, &why);
	module_end(&m);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

/* ---- emptied, with PINs of a keeper ---- */

/* Both keys go first: what a token calls initialised it may not have written over. */
static enum rota_err destroy_keys(struct module *m, const struct handed_plan *plan,
	const struct pin *pin, struct rota_fail *why)
{
	enum rota_err err = module_login(m, plan->token->label, pin, why);

	if (err != ROTA_OK)
		return err;
	for (size_t i = 0; i < 2 && (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND); i++)
		err = module_destroy(m, plan->keys[i], why);
	module_leave(m);
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* Each step may have been the last one of a run before. */
static enum rota_err empty_token(struct module *m, const struct handed_plan *plan,
	const struct pin_pair *p, struct rota_fail *why)
{
	CK_SLOT_ID slot;
	enum rota_err err = module_slot(m, plan->token->label, &slot, why);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	err = destroy_keys(m, plan, &p->user, why);
	if (err != ROTA_OK && err != ROTA_ERR_DENIED)
		return err;
	return module_release(m, plan->token->label, &p->so, why);
}

static enum rota_err empty(
	struct module *m, const struct handed_plan *plan, int keeper, struct rota_fail *why)
{
	struct pin_pair p;
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", plan->user, false, why));
	ROTA_TRY(pin_hear(&p, keeper, why));
	err = holder_load(m, plan->token, why);
	if (err == ROTA_OK)
		err = empty_token(m, plan, &p, why);
	pin_pair_wipe(&p);
	ROTA_TRY(err);
	return rota_frame_write(keeper, ROTA_STR(""), PIN_KEEPER_MS, why);
}

static void empty_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = empty(&m, plan, fds->in, &why);
	module_end(&m);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

/* ---- who asks for it ---- */

enum rota_err rota_pkcs11_handed_make(const struct rota_pkcs11_token *token, int keeper,
	const char *const keys[static 2], uint8_t (*points)[ROTA_P256_KEY_LEN],
	struct rota_fail *why)
{
	const struct handed_plan plan = { token, keys, NULL };
	struct holder_key made[2];

	ROTA_TRY(holder_with(token, make_run, &plan, keeper, made, 2, why));
	for (size_t i = 0; i < 2; i++)
		memcpy(points[i], made[i].point, ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

enum rota_err rota_pkcs11_handed_take(
	const struct rota_pkcs11_token *token, int keeper, struct rota_fail *why)
{
	const struct handed_plan plan = { .token = token };

	return holder_with(token, take_run, &plan, keeper, NULL, 0, why);
}

enum rota_err rota_pkcs11_handed_release(
	const struct rota_pkcs11_token *token, struct rota_fail *why)
{
	const struct handed_plan plan = { .token = token };

	return holder_once(token, release_run, &plan, NULL, why);
}

enum rota_err rota_pkcs11_handed_empty(const struct rota_pkcs11_token *token,
	const char *const keys[static 2], const struct rota_user *user, int keeper,
	struct rota_fail *why)
{
	const struct handed_plan plan = { token, keys, user };

	return holder_with(token, empty_run, &plan, keeper, NULL, 0, why);
}
