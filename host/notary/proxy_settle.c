/* SPDX-License-Identifier: Apache-2.0 */
/* What earlier runs asked for and did not get to keep. */
#include "host/notary/asks.h"
#include "host/notary/proxy_parts.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/repo/turn.h"
#include "host/sign/envelope.h"

#include <string.h>

/* Whom the hands of a series stand before: what he is asked to sign was granted already. */
struct grant {
	struct rota_proxy *r;
	const struct rota_answer *answer;
};

static enum rota_err granted(void *ctx, const struct rota_notary_file *file,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	const struct grant *g = ctx;

	(void)file;
	(void)why;
	*count = g->answer->count;
	memcpy(out, g->answer->sig, g->answer->count * sizeof(*out));
	return ROTA_OK;
}

static enum rota_err record_grant(
	void *ctx, const struct rota_notary_event *event, uint64_t *entry, struct rota_fail *why)
{
	const struct grant *g = ctx;
	const struct rota_notary notary = rota_proxy_notary(g->r);

	return notary.record(notary.ctx, event, entry, why);
}

/* Signed by all whose turn it is, and good under the root that readers have: to its place. */
static enum rota_err keep_whole(struct rota_turn *turn, const struct rota_notary_file *what,
	uint64_t version, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;
	bool reaches;

	ROTA_TRY(rota_turn_reaches(turn, &reaches, why));
	if (!reaches && rota_store_remembers(what->role)) /* the others' keys are no slots' */
		return rota_fail(why, ROTA_ERR_STATE, "roots are to be published first");
	ROTA_TRY(rota_envelope_sign(turn->desk.notary, what, &file, why));
	err = rota_metadata_keep(&turn->desk, what->role, version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

/* So that versions go on, whatever becomes of this one. */
static enum rota_err remember(struct rota_desk *desk, const struct rota_notary *notary,
	const struct rota_notary_file *what, uint64_t version, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_envelope_sign(notary, what, &file, why));
	err = rota_store_stage(desk->dir, what->role, version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

/* The file that this answer makes of the request. */
static enum rota_err keep(struct rota_proxy *r, struct rota_desk *desk, const struct rota_ask *ask,
	uint64_t version, const struct rota_answer *answer, struct rota_fail *why)
{
	struct grant g = { r, answer };
	const struct rota_notary notary = { .ctx = &g, .sign = granted, .record = record_grant };
	const struct rota_notary_file what = { .party = rota_authdir_party(desk->dir, ask->role),
		.role = ask->role,
		.content = json_object_get(ask->body, "signed") };
	struct rota_desk its = *desk;
	struct rota_fail later;
	struct rota_turn turn;
	enum rota_err err;

	its.notary = &notary;
	ROTA_TRY(rota_turn_open(&its, &turn, why));
	if (turn.ahead.timeline.count && rota_store_remembers(ask->role)) {
		/* What cannot have all signatures now has no place: the next publish signs the next version (SPEC 23.6),
		 * and says what is wrong. */
		err = remember(desk, &notary, &what, version, why);
		if (err == ROTA_OK)
			(void)keep_whole(&turn, &what, version, &later);
	} else {
		err = keep_whole(&turn, &what, version, why);
	}
	rota_turn_close(&turn);
	return err;
}

/* *done: nothing is left to ask for. */
static enum rota_err settle(struct rota_proxy *r, struct rota_desk *desk,
	const struct rota_ask *ask, bool *done, struct rota_fail *why)
{
	uint64_t version = rota_chain_version(json_object_get(ask->body, "signed")), newest;
	struct rota_answer answer = { 0 };
	uint8_t digest[ROTA_DIGEST_LEN];
	enum rota_err err;

	ROTA_TRY(rota_store_newest(r->dir, ask->role, true, &newest, why));
	*done = newest >= version;
	if (*done)
		return ROTA_OK;
	rota_digest_of(ask->signed_, digest);
	err = proxy_ask(r, rota_bytes_span(&ask->bytes), digest, &answer, why);
	if (err == ROTA_ERR_BUSY && answer.kind == ROTA_ANSWER_PENDING)
		return ROTA_OK;
	*done = err != ROTA_OK && answer.kind == ROTA_ANSWER_REFUSED &&
		!rota_client_may_stand(&answer) && err != ROTA_ERR_BUSY;
	if (err == ROTA_OK) {
		/* What is signed and has no place now, as while keys change, may have one later; it stands in nobody's way. */
		*done = keep(r, desk, ask, version, &answer, &r->unkept) == ROTA_OK;
		if (!*done)
			rota_fail_in(&r->unkept,
				"role %s, version %llu, was signed and is kept for later",
				ask->role, (unsigned long long)version);
	}
	return err == ROTA_OK ? err
			      : rota_fail_in(why, "role %s, version %llu, asked for before",
					ask->role, (unsigned long long)version);
}

struct settling {
	struct rota_proxy *r;
	struct rota_desk *desk;
};

static enum rota_err settle_one(void *ctx, const struct rota_ask *ask, struct rota_fail *why)
{
	struct settling *s = ctx;
	char hex[ROTA_DIGEST_HEX];
	bool done = false;
	enum rota_err err = settle(s->r, s->desk, ask, &done, why);

	rota_hex(ROTA_SPAN(ask->digest), hex);
	if (done)
		rota_asks_remove(s->r->dir, hex);
	return err;
}

enum rota_err rota_proxy_settle(struct rota_proxy *r, struct rota_desk *desk, struct rota_fail *why)
{
	struct settling s = { .r = r, .desk = desk };

	return rota_asks_each(r->dir, settle_one, &s, why);
}
