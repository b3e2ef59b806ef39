/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/sealer.h"
#include "host/base/apart.h"
#include "host/base/frame.h"
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/holder.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* A network HSM behind a bad line. */
#define DEADLINE_MS 30000
#define OVERHEAD (ROTA_SEALER_NONCE_LEN + ROTA_SEALER_TAG_LEN)
/* An order: what to do (u8), length of aad (u16), aad, and what it is done to. */
#define ORDER_MAX (3 + ROTA_SEALER_AAD_MAX + OVERHEAD + ROTA_SEALER_MAX)

struct sealer_plan {
	const struct rota_pkcs11_token *token;
	const char *so_pin_file, *key;
};

/* ---- in the process that holds the token ---- */

static enum rota_err seal(struct module *m, CK_OBJECT_HANDLE key, struct rota_span aad,
	struct rota_span in, struct rota_bytes *out, struct rota_fail *why)
{
	size_t len = in.len + ROTA_SEALER_TAG_LEN;
	CK_RV rv;

	if (getrandom(out->p, ROTA_SEALER_NONCE_LEN, 0) != ROTA_SEALER_NONCE_LEN)
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
	rv = module_gcm(m, key, true, rota_span(out->p, ROTA_SEALER_NONCE_LEN), aad, in,
		out->p + ROTA_SEALER_NONCE_LEN, &len);
	if (rv != CKR_OK)
		return ck_fail(why, rv, "sealing");
	out->len = ROTA_SEALER_NONCE_LEN + len;
	return ROTA_OK;
}

static enum rota_err unseal(struct module *m, CK_OBJECT_HANDLE key, struct rota_span aad,
	struct rota_span in, struct rota_bytes *out, struct rota_fail *why)
{
	const struct rota_span nonce = rota_span(in.p, ROTA_SEALER_NONCE_LEN);

	CK_RV rv;

	if (in.len < OVERHEAD)
		return rota_fail(why, ROTA_ERR_CORRUPT, "too short to have been sealed");
	out->len = in.len; /* some modules ask for more room than they use */
	rv = module_gcm(m, key, false, nonce, aad, rota_span(in.p + nonce.len, in.len - nonce.len),
		out->p, &out->len);
	if (ck_lost(rv) && rv != CKR_GENERAL_ERROR) /* which some say of a wrong tag */
		return ck_fail(why, rv, "opening");
	if (rv != CKR_OK)
		return rota_fail(why, ROTA_ERR_CORRUPT, "it was not sealed here, or as another");
	return ROTA_OK;
}

static enum rota_err obey(struct module *m, CK_OBJECT_HANDLE key, struct rota_span order,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(order);
	uint8_t encrypt = rota_read_u8(&r);
	struct rota_span aad = rota_read_span(&r, rota_read_le16(&r));
	struct rota_span in;

	if (order.len < 3 + aad.len)
		return rota_fail(why, ROTA_ERR_FORMAT, "an order that is cut short");
	in = rota_span(order.p + 3 + aad.len, order.len - 3 - aad.len);
	out->room = in.len + OVERHEAD;
	out->p = calloc(1, out->room + 1);
	if (!out->p)
		abort();
	return encrypt ? seal(m, key, aad, in, out, why) : unseal(m, key, aad, in, out, why);
}

/* false: nobody orders any more. */
static bool serve(struct module *m, CK_OBJECT_HANDLE key, int fd)
{
	struct rota_bytes order, done = { 0 };
	struct rota_fail why = { 0 }, ignored;
	bool told;

	do
		why.err = rota_frame_read(fd, ORDER_MAX, INT_MAX, &order, &why);
	while (why.err == ROTA_ERR_TIMEOUT);
	if (why.err != ROTA_OK)
		return false;
	why.err = obey(m, key, rota_bytes_span(&order), &done, &why);
	rota_bytes_wipe(&order);
	told = rota_frame_say(fd, &why, DEADLINE_MS, &ignored) == ROTA_OK &&
		(why.err != ROTA_OK ||
			rota_frame_write(fd, rota_bytes_span(&done), DEADLINE_MS, &ignored) ==
				ROTA_OK);
	rota_bytes_wipe(&done);
	return told;
}

static enum rota_err begin(const struct sealer_plan *plan, struct module *m, CK_OBJECT_HANDLE *key,
	struct rota_fail *why)
{
	CK_ULONG count = 0;

	ROTA_TRY(rota_apart("rota-token", NULL, plan->token->lock, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	ROTA_TRY(holder_login(m, plan->token, 0, why));
	ROTA_TRY(module_find(m, CKO_SECRET_KEY, plan->key, key, &count, why));
	if (count == 1)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s AES key '%s'", count ? "more than one" : "no",
		plan->key);
}

static void sealer_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	CK_OBJECT_HANDLE key = 0;
	struct module m = { 0 };

	why.err = begin(plan, &m, &key, &why);
	if (send(fds->report, &why, sizeof(why), MSG_NOSIGNAL) > 0 && why.err == ROTA_OK)
		while (serve(&m, key, fds->in))
			;
	module_end(&m);
}

/* ---- who orders ---- */

struct sealer {
	int fd;
	pid_t pid;
	unsigned deadline_ms;
	bool lost; /* it may be an answer behind: nothing is asked of it any more */
};

/* An answer that comes too late would be taken for that to the next question. */
static enum rota_err exchange(
	struct sealer *s, struct rota_span order, struct rota_bytes *out, struct rota_fail *why)
{
	enum rota_err err;

	if (s->lost)
		return rota_fail(why, ROTA_ERR_IO,
			"the process that holds the token was late once, and is not asked again");
	s->lost = true;
	ROTA_TRY(rota_frame_write(s->fd, order, s->deadline_ms, why));
	err = rota_frame_hear(s->fd, s->deadline_ms, why);
	if (err == ROTA_OK)
		err = rota_frame_read(s->fd, ORDER_MAX, s->deadline_ms, out, why);
	s->lost = err == ROTA_ERR_TIMEOUT || err == ROTA_ERR_LIMIT;
	return err;
}

static enum rota_err ask(struct sealer *s, bool encrypt, struct rota_span aad, struct rota_span in,
	struct rota_bytes *out, struct rota_fail *why)
{
	uint8_t head[3];
	struct rota_writer w = rota_writer(ROTA_BUF(head));
	struct rota_bytes order = { 0 };
	enum rota_err err;

	if (aad.len > ROTA_SEALER_AAD_MAX || in.len > ROTA_SEALER_MAX + OVERHEAD)
		return rota_fail(why, ROTA_ERR_LIMIT, "%zu bytes are too many to seal", in.len);
	rota_write_u8(&w, encrypt);
	rota_write_le16(&w, (uint16_t)aad.len);
	order.room = sizeof(head) + aad.len + in.len;
	order.p = malloc(order.room + 1); /* in one piece, to be wiped */
	if (!order.p)
		abort();
	rota_bytes_add(&order, rota_writer_span(&w));
	rota_bytes_add(&order, aad);
	rota_bytes_add(&order, in);
	err = exchange(s, rota_bytes_span(&order), out, why);
	rota_bytes_wipe(&order);
	return err;
}

static enum rota_err client_seal(void *ctx, struct rota_span aad, struct rota_span plain,
	struct rota_bytes *out, struct rota_fail *why)
{
	return ask(ctx, true, aad, plain, out, why);
}

static enum rota_err client_open(void *ctx, struct rota_span aad, struct rota_span sealed,
	struct rota_bytes *out, struct rota_fail *why)
{
	return ask(ctx, false, aad, sealed, out, why);
}

static void client_close(void *ctx)
{
	struct sealer *s = ctx;

	holder_end(s->fd, s->pid);
	free(s);
}

enum rota_err rota_pkcs11_sealer_open(const struct rota_pkcs11_token *token, const char *key,
	struct rota_sealer *out, struct rota_fail *why)
{
	const struct sealer_plan plan = { .token = token, .key = key };
	struct sealer *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->deadline_ms = token->patience_ms ? token->patience_ms : DEADLINE_MS;
	if (holder_open(token, sealer_run, &plan, &s->fd, &s->pid, why) != ROTA_OK) {
		free(s);
		return why->err;
	}
	*out = (struct rota_sealer){
		.ctx = s, .seal = client_seal, .open = client_open, .close = client_close
	};
	return ROTA_OK;
}

/* ---- made ---- */

static enum rota_err make(const struct sealer_plan *plan, struct module *m, struct rota_fail *why)
{
	struct pin so_pin, pin = { .len = 0 };
	enum rota_err err;
	CK_SLOT_ID slot;

	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	err = module_slot(m, plan->token->label, &slot, why);
	if (err == ROTA_ERR_NOT_FOUND) {
		err = pin_get(&so_pin, plan->so_pin_file, plan->token->name, why);
		if (err == ROTA_OK)
			err = pin_get(&pin, plan->token->pin_file, plan->token->name, why);
		if (err == ROTA_OK)
			err = module_init_token(m, plan->token->label, &so_pin, &pin, why);
		pin_wipe(&so_pin);
		pin_wipe(&pin);
	}
	ROTA_TRY(err);
	ROTA_TRY(holder_login(m, plan->token, 0, why));
	return module_generate_aes(m, plan->key, why);
}

static void maker_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = make(plan, &m, &why);
	module_end(&m);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

enum rota_err rota_pkcs11_sealer_make(const struct rota_pkcs11_token *token,
	const char *so_pin_file, const char *key, struct rota_fail *why)
{
	const struct sealer_plan plan = { token, so_pin_file, key };

	return holder_once(token, maker_run, &plan, NULL, why);
}
