/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/gate.h"
#include "apps/rota-signd/gate_certificate.h"
#include "host/base/when.h"
#include "host/notary/record.h"
#include "host/notary/rows.h"
#include "host/notary/vouch.h"

#include <string.h>

/* Between when an entry says that it was made and its arrival here: the first start adopts for long. */
#define AT_MAX_S 600

/* A message under a key, as what it was approved: the next reader of the log believes the version. */
static void what_of(const struct rota_leaf *leaf, uint8_t out[static ROTA_DIGEST_LEN])
{
	uint8_t all[sizeof(leaf->message) + sizeof(leaf->key) + sizeof(leaf->version)];

	memcpy(all, leaf->message, sizeof(leaf->message));
	memcpy(all + sizeof(leaf->message), leaf->key, sizeof(leaf->key));
	memcpy(all + sizeof(leaf->message) + sizeof(leaf->key), &leaf->version,
		sizeof(leaf->version));
	rota_digest_of(ROTA_SPAN(all), out);
}

/* Something is adopted until the first file of the scope is signed, and never again (SPEC 19.6). */
static enum rota_err check_opened(
	const struct gate *g, const struct rota_leaf *leaf, struct rota_fail *why)
{
	uint8_t scope[ROTA_DIGEST_LEN];

	rota_digest_of(leaf->scope, scope);
	if (leaf->kind != ROTA_LEAF_OPENED || !digestset_find(&g->begun, scope))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT, "an adoption when all was adopted");
}

bool gate_begins(const struct rota_leaf *leaf, uint8_t scope[static ROTA_DIGEST_LEN])
{
	rota_digest_of(leaf->scope, scope);
	return leaf->kind == ROTA_LEAF_GRANTED && leaf->version != 0;
}

enum rota_err gate_remember(
	void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record)
{
	static const char none[] = "\"approvals\":[],";
	struct gate *g = ctx;
	uint8_t what[ROTA_DIGEST_LEN];

	(void)index;
	if (gate_begins(leaf, what))
		digestset_add(&g->begun, what);
	ROTA_TRY(rota_revocations_entry(&g->revoked, leaf, record));
	if (leaf->kind != ROTA_LEAF_GRANTED || memmem(record.p, record.len, none, sizeof(none) - 1))
		return ROTA_OK;
	what_of(leaf, what);
	digestset_add(&g->approved, what);
	return ROTA_OK;
}

/* A device installs what an entry names by its path (SPEC 22.3): that is a release of this scope's people, recorded under
 * their role, whose rules guard it (SPEC 20.4). */
static bool is_place(const struct rota_leaf *leaf)
{
	struct rota_span folder = ROTA_STR("releases/"), rest = leaf->path;

	if (leaf->kind == ROTA_LEAF_GRANTED)
		return leaf->path.len == 0;
	if (leaf->kind != ROTA_LEAF_RELEASE &&
		(leaf->kind != ROTA_LEAF_OPENED || leaf->path.len == 0))
		return true;
	if (!rota_span_eq(leaf->role, ROTA_STR("releases")) || !rota_span_starts(rest, folder))
		return false;
	rest = rota_span_skip(rest, folder.len);
	return rota_span_starts(rest, leaf->scope) && rest.len > leaf->scope.len &&
		rest.p[leaf->scope.len] == '/';
}

/* Rules guard scopes by their names, soaks are counted by when something was entered: both are what they are. What was
 * asked for and refused may have been of any scope; settings are entered here. */
static bool is_now_and_ours(const struct plan *plan, const struct rota_leaf *leaf)
{
	uint64_t now = rota_when_now(), at = leaf->at_s;

	if ((at > now ? at - now : now - at) > AT_MAX_S || leaf->kind == ROTA_LEAF_POLICY)
		return false;
	return leaf->kind == ROTA_LEAF_REFUSED || leaf->kind == ROTA_LEAF_FAILED ||
		plan_is_scope(plan, leaf);
}

/* A token signs after these alone. */
static bool is_signed(const struct rota_leaf *leaf)
{
	return rota_leaf_is_signed(leaf->kind);
}

/* An authority's keys sign certificates and its lists, and no other ones do. */
static bool is_authoritys(const struct rota_leaf *leaf)
{
	return rota_span_eq(leaf->role, ROTA_STR("device-ca")) ||
		rota_span_eq(leaf->role, ROTA_STR("operational-ca"));
}

/* What is signed is what the entry says, by the key that it says, and only by keys of whom it says. */
static enum rota_err check(const struct plan *plan, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_fail *why)
{
	if (!is_now_and_ours(plan, leaf))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"an entry of another time, of a scope that there is not, or of settings");
	if (!is_place(leaf))
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "an entry with a path that is not its own");
	if (order->count == 0)
		return !is_signed(leaf) ? ROTA_OK
					: rota_fail(why, ROTA_ERR_ARGUMENT, "a grant of nothing");
	if (!is_signed(leaf) || order->count > ROTA_ANSWER_SIGS_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "only what is granted is signed");
	if (is_authoritys(leaf) != (leaf->kind != ROTA_LEAF_GRANTED))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"an authority signs certificates, and nobody else does");
	for (size_t i = 0; i < order->count; i++)
		if (!plan_is_seat(plan, leaf, order->holder[i], order->key[i]))
			return rota_fail(why, ROTA_ERR_ARGUMENT,
				"a key of somebody else than the entry says");
	if (memcmp(leaf->key, plan->holders[order->holder[0]].id[order->key[0]],
		    sizeof(leaf->key)) != 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "the entry names another key");
	return ROTA_OK;
}

/* What officers have to approve, they approved (SPEC 20.4): now, or when the same was signed before. */
static enum rota_err vouch(struct gate *g, const struct rota_leaf *leaf, struct rota_span record,
	struct rota_bytes *ask, struct rota_fail *why)
{
	struct rota_bytes bytes = *ask;
	uint8_t what[ROTA_DIGEST_LEN];
	enum rota_err err;

	if (!rota_vouch_needed(g->plan->policy, leaf))
		return ROTA_OK;
	what_of(leaf, what);
	if (leaf->kind == ROTA_LEAF_GRANTED && digestset_find(&g->approved, what))
		return ROTA_OK;
	*ask = (struct rota_bytes){ 0 };
	err = rota_vouch(g->plan->policy, leaf, record, bytes, rota_when_now(), why);
	if (err == ROTA_OK && leaf->kind == ROTA_LEAF_GRANTED && bytes.len > 0)
		digestset_add(&g->approved, what);
	return err;
}

/* Nothing is taken back from a log: what the next reader of it would stop at is not taken (SPEC 20.4). */
static enum rota_err check_read(struct gate *g, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_fail *why)
{
	g->pending.count = 0;
	if (rota_records_check(leaf, record) == ROTA_OK &&
		pending_entry(&g->pending, 0, leaf, record) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT, "a private record that nobody could read later");
}

/* What was judged after something that was not entered falls with it (message.h). */
static enum rota_err check_round(const struct gate *g, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_fail *why)
{
	if (order->round == g->round || leaf->kind == ROTA_LEAF_REFUSED ||
		leaf->kind == ROTA_LEAF_FAILED)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE, "judged after what was not entered");
}

/* SPEC 20.6: what the registrar gets is what the entry names, where a rule lets somebody ask for it. What follows from it, it sees for itself. */
static enum rota_err check_rows(const struct gate *g, const struct rota_leaf *leaf,
	struct rota_span batch, struct rota_fail *why)
{
	struct rota_span items[ROTA_REGISTRAR_ITEMS_MAX];
	uint8_t digest[ROTA_DIGEST_LEN];
	size_t count;

	if (leaf->kind != ROTA_LEAF_ROWS)
		return ROTA_OK;
	rota_digest_of(batch, digest);
	if (rota_policy_lets(g->plan->policy, leaf->scope, leaf->role, ROTA_ASK_ROWS) &&
		memcmp(digest, leaf->message, sizeof(digest)) == 0 &&
		rota_rows_batch_read(batch, items, &count) == ROTA_OK && count == leaf->version)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT,
		"rows that nobody may ask for, or of other items than the entry names");
}

/* SPEC 20.5, 20.7: what an authority signs, and what it says is over, somebody may ask for and follows from what he asked. */
static enum rota_err check_authority(const struct gate *g, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_span ask, struct rota_fail *why)
{
	static const struct {
		uint8_t leaf;
		enum rota_ask_kind kind;
	} rows[] = {
		{ ROTA_LEAF_ISSUED, ROTA_ASK_CERTIFICATE },
		{ ROTA_LEAF_REVOKED, ROTA_ASK_REVOKE },
		{ ROTA_LEAF_CRL, ROTA_ASK_CRL },
		{ ROTA_LEAF_RESPONDER, ROTA_ASK_OCSP },
	};
	uint64_t now = rota_when_now();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (leaf->kind == rows[i].leaf &&
			!rota_policy_lets(g->plan->policy, leaf->scope, leaf->role, rows[i].kind))
			return rota_fail(why, ROTA_ERR_ARGUMENT,
				"an authority's deed that nobody may ask for");
	if (leaf->kind == ROTA_LEAF_ISSUED)
		return gate_certificate(g->plan, &g->revoked, leaf, record, ask, now, why);
	if (leaf->kind == ROTA_LEAF_RESPONDER)
		return gate_responder(g->plan, leaf, record, ask, now, why);
	if (leaf->kind == ROTA_LEAF_CRL)
		return gate_crl(g->plan, &g->revoked, leaf, record, now, why);
	return ROTA_OK;
}

bool gate_matters(const struct rota_leaf *leaf)
{
	return leaf->kind == ROTA_LEAF_REVOKED || leaf->kind == ROTA_LEAF_CRL;
}

enum rota_err gate_taken(struct gate *g, const struct rota_leaf *leaf, struct rota_span record)
{
	return rota_revocations_entry(&g->revoked, leaf, record);
}

enum rota_err gate_pass(struct gate *g, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_span record, struct rota_bytes *ask,
	struct rota_fail *why)
{
	ROTA_TRY(check_round(g, order, leaf, why));
	ROTA_TRY(check(g->plan, order, leaf, why));
	ROTA_TRY(check_opened(g, leaf, why));
	ROTA_TRY(check_read(g, leaf, record, why));
	ROTA_TRY(check_authority(g, leaf, record, rota_bytes_span(ask), why));
	ROTA_TRY(check_rows(g, leaf, rota_bytes_span(ask), why));
	return vouch(g, leaf, record, ask, why);
}

void gate_begun(struct gate *g, const uint8_t scope[static ROTA_DIGEST_LEN])
{
	digestset_add(&g->begun, scope);
}

void gate_free(struct gate *g)
{
	digestset_free(&g->approved, NULL);
	digestset_free(&g->begun, NULL);
	rota_revocations_free(&g->revoked);
}
