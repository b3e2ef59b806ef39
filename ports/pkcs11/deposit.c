/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/deposit.h"
#include "host/base/apart.h"
#include "host/base/frame.h"
#include "ports/pkcs11/holder.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A network HSM behind a bad line; and for all keys of a fleet to be destroyed. */
#define DEADLINE_MS 30000
#define DESTROY_MS 3600000
#define LABEL_MAX 64
#define ANSWER_LEN 4
/* What to do (u8); to put: id, two keys. */
#define ORDER_PUT 1
#define ORDER_DESTROY 2
#define ORDER_MAX (1 + ROTA_DEPOSIT_ID_LEN + 2 * ROTA_DEPOSIT_KEY_LEN)

struct deposit_plan {
	const struct rota_pkcs11_token *token;
	char label[2][LABEL_MAX];
};

/* ---- in the process that holds the token ---- */

struct keeping {
	const struct deposit_plan *plan;
	struct module m;
	struct module_ids there[2];
};

static enum rota_err put(struct keeping *k, struct rota_reader *r, struct rota_fail *why)
{
	struct rota_span id = rota_read_span(r, ROTA_DEPOSIT_ID_LEN);
	enum rota_err err = ROTA_OK;

	for (int i = 0; i < 2; i++)
		ROTA_TRY(module_ids_clean(&k->m, &k->there[i], why));
	for (int i = 0; i < 2 && err == ROTA_OK; i++) {
		struct rota_span from = rota_read_span(r, ROTA_DEPOSIT_KEY_LEN);
		uint8_t value[MODULE_SECRET_LEN];

		if (from.len != sizeof(value))
			return rota_fail(why, ROTA_ERR_FORMAT, "an order that is cut short");
		if (module_ids_have(&k->there[i], id.p))
			continue;
		memcpy(value, from.p, sizeof(value));
		err = module_secret_put(&k->m, k->plan->label[i], id.p, value, why);
		rota_wipe(value, sizeof(value));
	}
	return err;
}

static enum rota_err destroy(struct keeping *k, uint32_t *count, struct rota_fail *why)
{
	for (int i = 0; i < 2; i++) {
		uint32_t some;

		ROTA_TRY(module_secret_destroy(&k->m, k->plan->label[i], &some, why));
		*count += some;
	}
	return ROTA_OK;
}

static enum rota_err obey(
	struct keeping *k, struct rota_span order, uint32_t *count, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(order);

	*count = 0;
	switch (rota_read_u8(&r)) {
	case ORDER_PUT:
		return put(k, &r, why);
	case ORDER_DESTROY:
		return destroy(k, count, why);
	default:
		return rota_fail(why, ROTA_ERR_FORMAT, "no order");
	}
}

/* false: nobody orders any more. */
static bool serve(struct keeping *k, int fd)
{
	uint8_t answer[ANSWER_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(answer));
	struct rota_fail why = { 0 }, ignored;
	struct rota_bytes order;
	uint32_t count;

	do
		why.err = rota_frame_read(fd, ORDER_MAX, INT_MAX, &order, &why);
	while (why.err == ROTA_ERR_TIMEOUT);
	if (why.err != ROTA_OK)
		return false;
	why.err = obey(k, rota_bytes_span(&order), &count, &why);
	rota_bytes_wipe(&order);
	rota_write_le32(&w, count);
	return rota_frame_say(fd, &why, DEADLINE_MS, &ignored) == ROTA_OK &&
		(why.err != ROTA_OK ||
			rota_frame_write(fd, ROTA_SPAN(answer), DEADLINE_MS, &ignored) == ROTA_OK);
}

static enum rota_err begin(struct keeping *k, struct rota_fail *why)
{
	ROTA_TRY(rota_apart("rota-token", NULL, k->plan->token->lock, why));
	ROTA_TRY(holder_load(&k->m, k->plan->token, why));
	ROTA_TRY(holder_login(&k->m, k->plan->token, 0, why));
	for (int i = 0; i < 2; i++)
		ROTA_TRY(module_secret_ids(&k->m, k->plan->label[i], &k->there[i], why));
	return ROTA_OK;
}

static void deposit_run(const struct holder_fds *fds, const void *plan)
{
	struct keeping k = { .plan = plan };
	struct rota_fail why = { 0 };

	why.err = begin(&k, &why);
	if (send(fds->report, &why, sizeof(why), MSG_NOSIGNAL) > 0 && why.err == ROTA_OK)
		while (serve(&k, fds->in))
			;
	module_end(&k.m);
	module_ids_free(&k.there[0]);
	module_ids_free(&k.there[1]);
}

/* ---- who orders ---- */

struct rota_pkcs11_deposit {
	int fd;
	pid_t pid;
};

enum rota_err rota_pkcs11_deposit_open(const struct rota_pkcs11_token *token, const char *first,
	const char *second, struct rota_pkcs11_deposit **out, struct rota_fail *why)
{
	struct deposit_plan plan = { .token = token };
	struct rota_pkcs11_deposit *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	snprintf(plan.label[0], sizeof(plan.label[0]), "%s", first);
	snprintf(plan.label[1], sizeof(plan.label[1]), "%s", second);
	if (holder_open(token, deposit_run, &plan, &d->fd, &d->pid, why) != ROTA_OK) {
		free(d);
		return why->err;
	}
	*out = d;
	return ROTA_OK;
}

void rota_pkcs11_deposit_close(struct rota_pkcs11_deposit *d)
{
	holder_end(d->fd, d->pid);
	free(d);
}

/* After an error that was not told it is not asked again: nobody goes on behind one. */
static enum rota_err ask(struct rota_pkcs11_deposit *d, struct rota_span order,
	unsigned deadline_ms, uint32_t *count, struct rota_fail *why)
{
	struct rota_bytes answer;
	struct rota_reader r;
	enum rota_err err;

	ROTA_TRY(rota_frame_write(d->fd, order, DEADLINE_MS, why));
	ROTA_TRY(rota_frame_hear(d->fd, deadline_ms, why));
	ROTA_TRY(rota_frame_read(d->fd, ANSWER_LEN, DEADLINE_MS, &answer, why));
	r = rota_reader(rota_bytes_span(&answer));
	*count = rota_read_le32(&r);
	err = rota_reader_end(&r);
	rota_bytes_free(&answer);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "an answer that is none");
}

/* With zeros behind it. */
static void write_key(struct rota_writer *w, struct rota_span key)
{
	rota_write_span(w, key);
	rota_write_fill(w, 0, ROTA_DEPOSIT_KEY_LEN - key.len);
}

enum rota_err rota_pkcs11_deposit_put(struct rota_pkcs11_deposit *d,
	const uint8_t id[static ROTA_DEPOSIT_ID_LEN], struct rota_span first,
	struct rota_span second, struct rota_fail *why)
{
	uint8_t order[ORDER_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(order));
	uint32_t count;
	enum rota_err err;

	if (first.len == 0 || first.len > ROTA_DEPOSIT_KEY_LEN || second.len == 0 ||
		second.len > ROTA_DEPOSIT_KEY_LEN)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "a key has 1 to %d bytes", ROTA_DEPOSIT_KEY_LEN);
	rota_write_u8(&w, ORDER_PUT);
	rota_write_span(&w, rota_span(id, ROTA_DEPOSIT_ID_LEN));
	write_key(&w, first);
	write_key(&w, second);
	err = ask(d, rota_writer_span(&w), DEADLINE_MS, &count, why);
	rota_wipe(order, sizeof(order));
	return err;
}

enum rota_err rota_pkcs11_deposit_destroy(
	struct rota_pkcs11_deposit *d, uint32_t *count, struct rota_fail *why)
{
	const uint8_t order[] = { ORDER_DESTROY };

	*count = 0;
	return ask(d, ROTA_SPAN(order), DESTROY_MS, count, why);
}
