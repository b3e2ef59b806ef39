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

/* Who keeps them asks a token of its own. */
#define KEEPER_MS 30000
#define DRAWN 16 /* random bytes of a PIN */

struct handed_plan {
	const struct rota_pkcs11_token *token;
	const char *const *keys;
};

struct pair {
	struct pin pin, so_pin;
};

static void wipe(struct pair *p)
{
	pin_wipe(&p->pin);
	pin_wipe(&p->so_pin);
}

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

static enum rota_err hand_over(int keeper, const struct pair *p, struct rota_fail *why)
{
	char text[ROTA_HANDED_MAX];
	int len = snprintf(text, sizeof(text), "%s\n%s\n", p->pin.text, p->so_pin.text);
	enum rota_err err = rota_frame_write(keeper, rota_span(text, (size_t)len), KEEPER_MS, why);

	explicit_bzero(text, sizeof(text));
	ROTA_TRY(err);
	return rota_frame_hear(keeper, KEEPER_MS, why);
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
	struct pair p = { { .len = 0 }, { .len = 0 } };
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	err = draw(&p.pin, why);
	if (err == ROTA_OK)
		err = draw(&p.so_pin, why);
	if (err == ROTA_OK)
		err = hand_over(keeper, &p, why);
	if (err == ROTA_OK)
		err = holder_load(m, plan->token, why);
	if (err == ROTA_OK)
		err = module_claim(m, plan->token->label, &p.so_pin, &p.pin, why);
	if (err == ROTA_OK)
		err = make_keys(m, plan, &p.pin, made, why);
	wipe(&p);
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
	ROTA_TRY(rota_frame_read(keeper, ROTA_HANDED_MAX, KEEPER_MS, &pins, why));
	err = rota_file_write(plan->token->pin_file, rota_bytes_span(&pins), 0600, why);
	rota_bytes_wipe(&pins);
	ROTA_TRY(err);
	return rota_frame_write(keeper, ROTA_STR(""), KEEPER_MS, why);
}

static void take_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };

	why.err = take(plan, fds->in, &why);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

/* ---- released ---- */

/* Both lines. */
static enum rota_err read_pair(const char *file, struct pair *p, struct rota_fail *why)
{
	char second[ROTA_HANDED_MAX];
	struct rota_bytes text;
	enum rota_err err;
	size_t at;

	ROTA_TRY(pin_get(&p->pin, file, file, why)); /* looks at owner and mode */
	ROTA_TRY(rota_file_read(file, ROTA_HANDED_MAX, &text, why));
	at = strcspn((const char *)text.p, "\n");
	snprintf(second, sizeof(second), "%s", (const char *)text.p + at + (at < text.len));
	rota_bytes_wipe(&text);
	second[strcspn(second, "\n")] = 0;
	p->so_pin.len = strlen(second);
	memcpy(p->so_pin.text, second, p->so_pin.len + 1);
	err = p->so_pin.len
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_FORMAT, "%s lacks the security officer's PIN", file);
	explicit_bzero(second, sizeof(second));
	return err;
}

static enum rota_err release(
	const struct handed_plan *plan, struct module *m, struct rota_fail *why)
{
	struct pair p = { { .len = 0 }, { .len = 0 } };
	enum rota_err err;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	err = read_pair(plan->token->pin_file, &p, why);
	if (err == ROTA_OK)
		err = module_release(m, plan->token->label, &p.so_pin, why);
	wipe(&p);
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

/* ---- who asks for it ---- */

enum rota_err rota_pkcs11_handed_make(const struct rota_pkcs11_token *token, int keeper,
	const char *const keys[static 2], uint8_t (*points)[ROTA_P256_KEY_LEN],
	struct rota_fail *why)
{
	const struct handed_plan plan = { token, keys };
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
