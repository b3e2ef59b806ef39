/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/judge_parts.h"
#include "host/base/when.h"
#include "host/notary/refusal.h"
#include "host/repo/chain.h"
#include "host/repo/judge.h"
#include "host/repo/metadata.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"

#include <stdlib.h>
#include <string.h>

#define WHAT_MAX 8192 /* bytes of a body that goes into the log as it is (SPEC 21.3) */
#define SLOT_SLACK_S 3600 /* SPEC 4.5 */

/* What is signed online, and by which part it is judged. A role that is not here is not signed by the daemon. */
static const struct {
	const char *role;
	enum rota_err (*judge)(struct trial *t, struct rota_fail *why);
} parts[] = {
	{ "snapshot", judge_snapshot },
	{ "timestamp", judge_timestamp },
	{ "ci", judge_listing },
	{ "rollouts", judge_listing },
	{ "revocations", judge_listing },
	{ "time", judge_no_targets },
	{ "keys-link", judge_listing },
	{ "keys-store", judge_listing },
};

/* The code for what host/repo/judge.h found. */
static enum rota_err refused(struct rota_fail *why)
{
	switch ((int)why->err) {
	case ROTA_ERR_VERSION:
		return rota_refuse_as(why, ROTA_REFUSED_VERSION);
	case ROTA_ERR_TIME:
	case ROTA_ERR_EXPIRED:
		return rota_refuse_as(why, ROTA_REFUSED_TIME);
	default:
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	}
}

bool judge_digest_of(const json_t *entry, uint8_t out[static ROTA_DIGEST_LEN])
{
	return rota_unhex(rota_judge_text(json_object_get(entry, "hashes"), "sha256"),
		rota_buf(out, ROTA_DIGEST_LEN));
}

/* The same bytes as were signed last: an answer that was lost (SPEC 18.7). */
static bool is_again(const struct trial *t, const uint8_t message[static ROTA_DIGEST_LEN])
{
	return t->was && memcmp(t->was->message, message, ROTA_DIGEST_LEN) == 0;
}

static enum rota_err judge_version(const struct trial *t, struct rota_fail *why)
{
	bool top =
		strcmp(t->duty->name, "snapshot") == 0 || strcmp(t->duty->name, "timestamp") == 0;
	uint64_t last = t->was ? t->was->version : 0;

	if (last && rota_chain_version(t->now) == last)
		return rota_refuse(why, ROTA_REFUSED_REPLAY,
			"version %llu of role %s was signed with other bytes",
			(unsigned long long)last, t->duty->name);
	if (rota_judge_common(t->now, top ? t->duty->name : "targets", last + 1, why) != ROTA_OK)
		return refused(why);
	return ROTA_OK;
}

static enum rota_err judge_times(const struct trial *t, struct rota_fail *why)
{
	if (rota_judge_lifetime(t->now, t->duty->name, t->rule->lifetime_s, why) != ROTA_OK)
		return rota_refuse_as(why,
			why->err == ROTA_ERR_TIME ? ROTA_REFUSED_LIFETIME : ROTA_REFUSED_MEMBER);
	if (rota_judge_times(t->now, t->was ? t->was->issued_s : 0, t->j->now, why) != ROTA_OK)
		return refused(why);
	return ROTA_OK;
}

/* The newest root from the anchor on; again only when there is one after it, which is looked for once in a second. */
static enum rota_err look_at_root(
	const struct trial *t, struct rota_record_slot *slot, struct rota_fail *why)
{
	char next[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	uint64_t newest;
	json_t *root;

	if (slot->version && slot->looked_s == t->j->now)
		return ROTA_OK;
	slot->looked_s = t->j->now;
	rota_store_path(t->dir, "root", slot->version + 1, false, next);
	if (slot->version && !rota_file_exists(next))
		return ROTA_OK;
	ROTA_TRY(rota_store_newest(t->dir, "root", false, &newest, why));
	ROTA_TRY(rota_store_verified(t->dir, "root", newest, &file, &root, why));
	rota_bytes_free(&file);
	slot->version = newest;
	if (!rota_when_parse(rota_judge_text(root, "x-rota-slot-end"), &slot->to_s))
		slot->to_s = 0;
	if (!rota_when_parse(rota_judge_text(root, "x-rota-not-before"), &slot->from_s))
		slot->from_s = 0;
	json_decref(root);
	return ROTA_OK;
}

/* What the newest root's keys sign lies in its slot, if it has one (SPEC 4.5). */
static enum rota_err judge_slot(const struct trial *t, struct rota_fail *why)
{
	struct rota_record_slot *slot = rota_records_slot(t->j->records, t->ask->scope);
	uint64_t issued, expires;

	if (t->duty - rota_duties >= ROTA_DUTY_TOP_COUNT)
		return ROTA_OK;
	ROTA_TRY(look_at_root(t, slot, why));
	if (!slot->to_s || !rota_metadata_times(t->now, &issued, &expires) ||
		(issued + SLOT_SLACK_S >= slot->from_s && issued <= slot->to_s + SLOT_SLACK_S))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_SLOT,
		"role %s is issued at %s, outside the slot of root %llu", t->duty->name,
		rota_judge_text(t->now, "x-rota-issued"), (unsigned long long)slot->version);
}

static enum rota_err judge_metadata(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	t->now = json_object_get(t->ask->body, "signed");
	t->was = rota_records_role(t->j->records, t->ask->scope, t->ask->role);
	rota_digest_of(t->ask->signed_, out->leaf.message);
	out->leaf.version = rota_chain_version(t->now);
	if (t->was && t->was->missing)
		return rota_refuse(why, ROTA_REFUSED_LOG,
			"the log has version %llu of role %s, and its text is gone from the "
			"daemon's state",
			(unsigned long long)t->was->version, t->ask->role);
	out->again = is_again(t, out->leaf.message);
	if (out->again)
		return ROTA_OK;
	ROTA_TRY(judge_version(t, why));
	ROTA_TRY(judge_times(t, why));
	ROTA_TRY(judge_slot(t, why));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(parts[i].role, t->ask->role) == 0)
			return parts[i].judge(t, why);
	return rota_refuse(why, ROTA_REFUSED_ROLE, "role %s is signed by people", t->ask->role);
}

static enum rota_err judge_kind(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	switch ((int)t->ask->kind) {
	case ROTA_ASK_METADATA:
		return judge_metadata(t, out, why);
	case ROTA_ASK_IMAGE:
		return judge_image(t, out, why);
	case ROTA_ASK_TIME:
		return judge_time(t, out, why);
	case ROTA_ASK_TICKET:
		return judge_ticket(t, out, why);
	case ROTA_ASK_RECORD:
		return judge_record(t, out, why);
	case ROTA_ASK_BUILD:
		return judge_build(t, out, why);
	case ROTA_ASK_CERTIFICATE:
		return judge_certificate(t, out, why);
	case ROTA_ASK_CAMPAIGN:
		return judge_key_campaign(t, out, why);
	case ROTA_ASK_ROWS:
		return judge_rows(t, out, why);
	case ROTA_ASK_REVOKE:
		return judge_revoke(t, out, why);
	case ROTA_ASK_CRL:
		return judge_crl(t, out, why);
	case ROTA_ASK_OCSP:
		return judge_responder(t, out, why);
	default:
		return rota_refuse(why, ROTA_REFUSED_KIND, "this daemon does not serve kind %s",
			rota_ask_word(t->ask->kind));
	}
}

/* The seats of the party that are online, as many as its threshold. */
static enum rota_err choose_seats(
	const struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const char *name = rota_policy_party(t->ask->kind, t->ask->role);
	const struct rota_party *party = name ? rota_authdir_party(t->dir, name) : NULL;

	out->leaf.role = rota_span_cstr(name ? name : t->ask->role);
	for (size_t i = 0; party && i < party->seat_count && out->seats < party->threshold; i++)
		if (party->seats[i].token->online && out->seats < ROTA_ANSWER_SIGS_MAX)
			out->seat[out->seats++] = &party->seats[i];
	if (!party || out->seats == party->threshold)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_TOKEN, "%u of the %u seats of %s are online",
		out->seats, party->threshold, name);
}

static enum rota_err judge_approvals(
	const struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const struct rota_judge *j = t->j;
	bool used = rota_records_used(j->records, t->ask->digest);

	if (t->rule->approvals == 0 || (out->again && used))
		return ROTA_OK;
	if (used)
		return rota_refuse(why, ROTA_REFUSED_REPLAY,
			"this request was granted, or an officer said no to it; approvals count "
			"once");
	if (t->ask->expires_s && j->now >= t->ask->expires_s)
		return rota_refuse(why, ROTA_REFUSED_EXPIRED, "the request itself has expired");
	out->waits = j->approval_count == 0;
	if (out->waits)
		return ROTA_OK;
	return rota_approvals_check(
		j->policy, t->rule, j->approvals, j->approval_count, t->ask->digest, j->now, why);
}

/* ---- the private record (SPEC 21.3) ---- */

/* Of a member that is not the first. */
static void add_name(struct rota_bytes *to, const char *name)
{
	rota_bytes_add_text(to, ",\"");
	rota_bytes_add_text(to, name);
	rota_bytes_add_text(to, "\":");
}

static enum rota_err add_text(
	struct rota_bytes *to, const char *name, const char *text, struct rota_fail *why)
{
	add_name(to, name);
	return rota_json_add_string(rota_span_cstr(text), to, why);
}

static enum rota_err add_value(
	struct rota_bytes *to, const char *name, const json_t *value, struct rota_fail *why)
{
	if (!value)
		return ROTA_OK;
	add_name(to, name);
	return rota_json_add(value, to, why);
}

static enum rota_err add_approvals(
	struct rota_bytes *to, const struct rota_judge *j, struct rota_fail *why)
{
	rota_bytes_add_text(to, "{\"approvals\":[");
	for (size_t i = 0; i < j->approval_count; i++) {
		struct rota_bytes text = { 0 };
		enum rota_err err;

		rota_approval_write(&j->approvals[i], &text);
		if (i > 0)
			rota_bytes_add_byte(to, ',');
		err = rota_json_add_string(rota_bytes_span(&text), to, why);
		rota_bytes_free(&text);
		ROTA_TRY(err);
	}
	rota_bytes_add_byte(to, ']');
	return ROTA_OK;
}

/* Whether what is signed stands in a file as it is signed: it has no control character (SPEC 2.3). */
static bool is_signed_text(const struct rota_ask *ask)
{
	for (size_t i = 0; i < ask->signed_.len; i++)
		if (ask->signed_.p[i] < ' ')
			return false;
	return ask->signed_.len > 0;
}

/* The body, or where it is long, its digest. */
static enum rota_err add_what(
	struct rota_bytes *to, const struct rota_ask *ask, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes text = { 0 };
	enum rota_err err;

	if (ask->bytes.len <= WHAT_MAX && is_signed_text(ask)) {
		rota_bytes_add_text(to, ",\"what\":{\"signed\":");
		rota_bytes_add(to, ask->signed_);
		rota_bytes_add_byte(to, '}');
		return ROTA_OK;
	}
	if (ask->bytes.len <= WHAT_MAX) /* and the body is part of them */
		return add_value(to, "what", ask->body, why);
	err = rota_json_add(ask->body, &text, why);
	if (text.len > WHAT_MAX) {
		rota_digest_hex(rota_bytes_span(&text), hex);
		rota_bytes_print(to, ",\"what\":{\"sha256\":\"%s\"}", hex);
	} else {
		rota_bytes_add_text(to, ",\"what\":");
		rota_bytes_add(to, rota_bytes_span(&text));
	}
	rota_bytes_free(&text);
	return err;
}

/* Written member by member in our spelling: a daemon writes thousands a second. */
static enum rota_err write_record(
	const struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	char ask[ROTA_DIGEST_HEX], id[2 * sizeof(t->ask->id) + 1];
	struct rota_bytes *to = &out->record;

	rota_hex(ROTA_SPAN(t->ask->digest), ask);
	rota_hex(ROTA_SPAN(t->ask->id), id);
	ROTA_TRY(add_approvals(to, t->j, why));
	ROTA_TRY(add_text(to, "ask", ask, why));
	ROTA_TRY(add_value(to, "attempts", t->attempts, why));
	ROTA_TRY(add_value(to, "build", t->build, why));
	ROTA_TRY(add_value(to, "certificate", t->certificate, why));
	ROTA_TRY(add_text(to, "client", t->j->client, why));
	ROTA_TRY(add_text(to, "id", id, why));
	ROTA_TRY(add_text(to, "kind", rota_ask_word(t->ask->kind), why));
	ROTA_TRY(add_text(to, "reason", t->ask->reason, why));
	ROTA_TRY(add_text(to, "rule", t->rule->name, why));
	ROTA_TRY(add_what(to, t->ask, why));
	rota_bytes_add_byte(to, '}');
	return ROTA_OK;
}

static enum rota_err judge_all(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	ROTA_TRY(judge_kind(t, out, why));
	ROTA_TRY(choose_seats(t, out, why));
	ROTA_TRY(judge_approvals(t, out, why));
	return write_record(t, out, why);
}

enum rota_err rota_judge_ask(struct rota_judge *j, const struct rota_rule *rule,
	const struct rota_ask *ask, struct rota_grant *out, struct rota_fail *why)
{
	struct trial t = { .j = j,
		.rule = rule,
		.ask = ask,
		.dir = rota_policy_scope(j->policy, ask->scope),
		.duty = rota_duty_find(ask->role) };
	enum rota_err err;

	*out = (struct rota_grant){ .leaf = { .kind = ROTA_LEAF_GRANTED,
					    .at_s = j->now,
					    .scope = rota_span_cstr(ask->scope) } };
	if (!t.dir || (!t.duty && !rota_policy_issues(ask->role) && !rota_policy_keeps(ask->role)))
		return rota_refuse(
			why, ROTA_REFUSED_ROLE, "no role %s of %s", ask->role, ask->scope);
	err = judge_all(&t, out, why);
	json_decref(t.attempts);
	json_decref(t.build);
	json_decref(t.certificate);
	if (err != ROTA_OK)
		rota_grant_free(out);
	return err;
}

void rota_grant_free(struct rota_grant *g)
{
	rota_bytes_free(&g->record);
	rota_bytes_free(&g->tbs);
	rota_bytes_free(&g->batch);
}

/* Roles whose texts the next request is compared with. */
static const json_t *texts_of(const struct rota_ask *ask)
{
	static const char *const kept[] = { "rollouts", "revocations", "keys-link", "keys-store" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(ask->role, kept[i]) == 0)
			return ask->files;
	return NULL;
}

/* The texts that count after this: those that came, and of what did not change those before. */
static json_t *all_texts(struct rota_judge *j, const struct rota_ask *ask)
{
	const struct rota_record_role *was = rota_records_role(j->records, ask->scope, ask->role);
	json_t *files = texts_of(ask) && was && was->files ? json_copy(was->files) : json_object();

	if (texts_of(ask))
		json_object_update(files, (json_t *)(uintptr_t)texts_of(ask));
	return files;
}

static bool has_text(const struct rota_ask *ask, const struct rota_grant *grant)
{
	return ask->kind == ROTA_ASK_METADATA && !grant->again &&
		strcmp(ask->role, "timestamp") != 0;
}

enum rota_err rota_judge_keep(struct rota_judge *j, const struct rota_ask *ask,
	const struct rota_grant *grant, struct rota_fail *why)
{
	json_t *files;
	enum rota_err err;

	if (ask->kind == ROTA_ASK_CAMPAIGN)
		return rota_records_keep_campaign(
			j->records, ask->digest, rota_bytes_span(&ask->bytes), why);
	if (!has_text(ask, grant))
		return ROTA_OK;
	files = all_texts(j, ask);
	err = rota_records_keep(j->records, ask->scope, ask->role, grant->leaf.version,
		json_object_get(ask->body, "signed"), files, why);
	json_decref(files);
	return err;
}

enum rota_err rota_judge_taken(struct rota_judge *j, const struct rota_ask *ask,
	const struct rota_grant *grant, struct rota_fail *why)
{
	json_t *files = all_texts(j, ask);
	struct rota_record_role *role;
	uint64_t expires;
	enum rota_err err =
		rota_records_entry(j->records, 0, &grant->leaf, rota_bytes_span(&grant->record));

	if (err != ROTA_OK) {
		json_decref(files);
		return rota_fail(why, err, "a private record of our own cannot be read");
	}
	if (ask->kind != ROTA_ASK_METADATA || grant->again) {
		json_decref(files);
		return ROTA_OK;
	}
	role = rota_records_role(j->records, ask->scope, ask->role);
	json_decref(role->content);
	json_decref(role->files);
	role->content =
		has_text(ask, grant) ? json_incref(json_object_get(ask->body, "signed")) : NULL;
	role->files = files;
	if (!rota_metadata_times(json_object_get(ask->body, "signed"), &role->issued_s, &expires))
		role->issued_s = 0;
	return ROTA_OK;
}

void rota_judge_settled(
	struct rota_judge *j, const struct rota_ask *ask, const struct rota_grant *grant)
{
	if (ask->kind == ROTA_ASK_CAMPAIGN)
		rota_records_settle_campaign(j->records, ask->digest);
	if (has_text(ask, grant))
		rota_records_drop(j->records, ask->scope, ask->role, grant->leaf.version - 1);
}
