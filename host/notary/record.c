/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/record_parts.h"
#include "host/base/when.h"
#include "host/notary/attempts.h"
#include "host/repo/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rota_err rota_records_open(const char *state, struct rota_records **out, struct rota_fail *why)
{
	struct rota_records *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		abort();
	r->revocations.now_s = rota_when_now();
	if ((size_t)snprintf(r->dir, sizeof(r->dir), "%s/records", state) < sizeof(r->dir)) {
		if (rota_file_mkdirs(r->dir, 0700, why) == ROTA_OK) {
			*out = r;
			return ROTA_OK;
		}
	} else {
		rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", state);
	}
	free(r);
	return why->err;
}

void rota_records_free(struct rota_records *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->role_count; i++) {
		json_decref(r->roles[i]->content);
		json_decref(r->roles[i]->files);
		free(r->roles[i]);
	}
	for (size_t i = 0; i < r->campaign_count; i++)
		json_decref(r->campaigns[i].body);
	free(r->campaigns);
	free(r->roles);
	free(r->hashes);
	free(r->counters);
	free(r->slots);
	digestset_free(&r->used, NULL);
	digestset_free(&r->releases, NULL);
	digestset_free(&r->births, NULL);
	rota_revocations_free(&r->revocations);
	digestset_free(&r->artifacts, free);
	digestset_free(&r->attempts, free);
	free(r);
}

/* ---- asking ---- */

/* FNV-1a of both names. */
static uint32_t hash_of(const char *scope, const char *role)
{
	uint32_t hash = 2166136261u;

	for (; *scope; scope++)
		hash = (hash ^ (uint8_t)*scope) * 16777619u;
	for (hash *= 16777619u; *role; role++)
		hash = (hash ^ (uint8_t)*role) * 16777619u;
	return hash;
}

struct rota_record_role *rota_records_role(
	struct rota_records *r, const char *scope, const char *role)
{
	uint32_t hash = hash_of(scope, role);

	for (size_t i = 0; i < r->role_count; i++)
		if (r->hashes[i] == hash && strcmp(r->roles[i]->scope, scope) == 0 &&
			strcmp(r->roles[i]->role, role) == 0)
			return r->roles[i];
	return NULL;
}

bool rota_records_knows(const struct rota_records *r, const char *scope)
{
	for (size_t i = 0; i < r->role_count; i++)
		if (r->roles[i]->begun && strcmp(r->roles[i]->scope, scope) == 0)
			return true;
	return false;
}

/* Something was asked for, so all that was to be adopted is. */
static void begin_scope(struct rota_records *r, struct rota_span scope)
{
	for (size_t i = 0; i < r->role_count && scope.len < sizeof(r->roles[i]->scope); i++)
		if (rota_span_eq(scope, rota_span(r->roles[i]->scope, scope.len)) &&
			r->roles[i]->scope[scope.len] == 0) {
			r->roles[i]->begun = true;
			return;
		}
}

bool rota_records_used(const struct rota_records *r, const uint8_t ask[static ROTA_DIGEST_LEN])
{
	return digestset_find(&r->used, ask) != NULL;
}

/* Who may bring artifacts of one scope says nothing of another's: each counts where it was posted. So does a release. */
static void scoped_key(const char *scope, const uint8_t sha256[static ROTA_DIGEST_LEN],
	uint8_t out[static ROTA_DIGEST_LEN])
{
	struct rota_bytes both = { 0 };

	rota_bytes_add(&both, rota_span(sha256, ROTA_DIGEST_LEN));
	rota_bytes_add_text(&both, scope);
	rota_digest_of(rota_bytes_span(&both), out);
	rota_bytes_free(&both);
}

bool rota_records_release(const struct rota_records *r, const char *scope,
	const uint8_t sha256[static ROTA_DIGEST_LEN])
{
	uint8_t key[ROTA_DIGEST_LEN];

	scoped_key(scope, sha256, key);
	return digestset_find(&r->releases, key) != NULL;
}

const struct rota_artifact *rota_records_artifact(const struct rota_records *r, const char *scope,
	const uint8_t sha256[static ROTA_DIGEST_LEN])
{
	uint8_t key[ROTA_DIGEST_LEN];
	const struct digestset_slot *slot;

	scoped_key(scope, sha256, key);
	slot = digestset_find(&r->artifacts, key);
	return slot ? slot->value : NULL;
}

const struct rota_record_attempt *rota_records_attempt(
	const struct rota_records *r, const uint8_t key[static ROTA_DIGEST_LEN])
{
	const struct digestset_slot *slot = digestset_find(&r->attempts, key);

	return slot ? slot->value : NULL;
}

const struct rota_record_campaign *rota_records_campaign_at(const struct rota_records *r, size_t n)
{
	return n < r->campaign_count ? &r->campaigns[n] : NULL;
}

const struct rota_record_campaign *rota_records_campaign(
	const struct rota_records *r, const uint8_t id[static ROTA_DIGEST_LEN])
{
	for (size_t i = 0; i < r->campaign_count; i++)
		if (memcmp(r->campaigns[i].id, id, ROTA_DIGEST_LEN) == 0)
			return &r->campaigns[i];
	return NULL;
}

void rota_records_settle_campaign(struct rota_records *r, const uint8_t id[static ROTA_DIGEST_LEN])
{
	for (size_t i = 0; i < r->campaign_count; i++)
		if (memcmp(r->campaigns[i].id, id, ROTA_DIGEST_LEN) == 0)
			r->campaigns[i].durable = true;
}

const struct rota_revocations *rota_records_revocations(const struct rota_records *r)
{
	return &r->revocations;
}

/* A device's hardware serial, its key, or both: what a birth is known by. */
static void birth_key(const char *scope, const char *serial, const uint8_t *point,
	uint8_t out[static ROTA_DIGEST_LEN])
{
	struct rota_bytes all = { 0 };

	rota_bytes_add_byte(&all, serial ? (point ? 3 : 1) : 2);
	if (point)
		rota_bytes_add(&all, rota_span(point, ROTA_P256_KEY_LEN));
	if (serial) { /* with their zero bytes: no two pairs are one text */
		rota_bytes_add(&all, rota_span(scope, strlen(scope) + 1));
		rota_bytes_add(&all, rota_span(serial, strlen(serial) + 1));
	}
	rota_digest_of(rota_bytes_span(&all), out);
	rota_bytes_free(&all);
}

enum rota_birth rota_records_birth(const struct rota_records *r, const char *scope,
	const char *serial, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	uint8_t both[ROTA_DIGEST_LEN], one[ROTA_DIGEST_LEN], other[ROTA_DIGEST_LEN];

	birth_key(scope, serial, point, both);
	birth_key(scope, serial, NULL, one);
	birth_key(scope, NULL, point, other);
	if (digestset_find(&r->births, both))
		return ROTA_BIRTH_SAME;
	return digestset_find(&r->births, one) || digestset_find(&r->births, other)
		? ROTA_BIRTH_OTHER
		: ROTA_BIRTH_NEW;
}

static struct counter *find_counter(const struct rota_records *r, const char *scope)
{
	for (size_t i = 0; i < r->counter_count; i++)
		if (strcmp(r->counters[i].scope, scope) == 0)
			return &r->counters[i];
	return NULL;
}

uint32_t rota_records_counter(const struct rota_records *r, const char *scope)
{
	const struct counter *c = find_counter(r, scope);

	return c ? c->counter : 0;
}

struct rota_record_slot *rota_records_slot(struct rota_records *r, const char *scope)
{
	struct rota_record_slot *slot;

	for (size_t i = 0; i < r->slot_count; i++)
		if (strcmp(r->slots[i].scope, scope) == 0)
			return &r->slots[i];
	r->slots = realloc(r->slots, (r->slot_count + 1) * sizeof(*r->slots));
	if (!r->slots)
		abort();
	slot = &r->slots[r->slot_count++];
	*slot = (struct rota_record_slot){ 0 };
	snprintf(slot->scope, sizeof(slot->scope), "%s", scope);
	return slot;
}

/* ---- entries ---- */

static void name_of(struct rota_span from, char to[static 33])
{
	size_t len = from.len < 32 ? from.len : 32;

	memcpy(to, from.p, len);
	to[len] = 0;
}

static void on_role(struct rota_records *r, const struct rota_leaf *leaf)
{
	struct rota_record_role *one;
	char scope[33], role[33];

	name_of(leaf->scope, scope);
	name_of(leaf->role, role);
	one = rota_records_role(r, scope, role);
	if (!one) {
		one = calloc(1, sizeof(*one));
		r->roles =
			realloc(r->roles, (r->role_count + 1) * sizeof(struct rota_record_role *));
		r->hashes = realloc(r->hashes, (r->role_count + 1) * sizeof(*r->hashes));
		if (!one || !r->roles || !r->hashes)
			abort();
		r->hashes[r->role_count] = hash_of(scope, role);
		r->roles[r->role_count++] = one;
		memcpy(one->scope, scope, sizeof(scope));
		memcpy(one->role, role, sizeof(role));
	}
	one->begun |= leaf->kind != ROTA_LEAF_OPENED;
	one->version = leaf->version;
	one->file_len = 0;
	memcpy(one->message, leaf->message, sizeof(one->message));
}

static void on_counter(struct rota_records *r, const char *scope, const json_t *record)
{
	json_int_t counter =
		json_integer_value(json_object_get(json_object_get(record, "what"), "counter"));
	struct counter *c = find_counter(r, scope);

	if (!c) {
		r->counters = realloc(r->counters, (r->counter_count + 1) * sizeof(*r->counters));
		if (!r->counters)
			abort();
		c = &r->counters[r->counter_count++];
		*c = (struct counter){ 0 };
		snprintf(c->scope, sizeof(c->scope), "%s", scope);
	}
	if (counter > (json_int_t)c->counter)
		c->counter = (uint32_t)counter;
}

static void on_attempts(struct rota_records *r, const json_t *attempts, uint64_t at_s)
{
	for (size_t i = 0; i < json_array_size(attempts); i++) {
		struct rota_attempt attempt;
		struct rota_record_attempt *t;
		struct digestset_slot *slot;

		if (!rota_attempt_of_json(json_array_get(attempts, i), &attempt))
			continue;
		slot = digestset_add(&r->attempts, attempt.key);
		t = slot->value;
		if (!t) {
			t = slot->value = calloc(1, sizeof(*t));
			if (!t)
				abort();
			t->since_s = 0;
		}
		if (t->since_s == 0 || attempt.open > t->open) {
			t->open = attempt.open;
			t->since_s = at_s;
			memcpy(t->stages, attempt.stages, sizeof(t->stages));
		}
		t->aborted |= attempt.aborted;
	}
}

static bool on_artifact(struct rota_records *r, const char *scope, const json_t *record)
{
	uint8_t key[ROTA_DIGEST_LEN];
	struct rota_artifact *a = malloc(sizeof(*a));
	struct digestset_slot *slot;

	if (!a)
		abort();
	if (!rota_artifact_of_json(json_object_get(record, "artifact"), a)) {
		free(a);
		return false;
	}
	scoped_key(scope, a->sha256, key);
	slot = digestset_add(&r->artifacts, key);
	free(slot->value);
	slot->value = a;
	return true;
}

static void on_release(struct rota_records *r, const struct rota_leaf *leaf)
{
	uint8_t key[ROTA_DIGEST_LEN];
	char scope[33];

	name_of(leaf->scope, scope);
	scoped_key(scope, leaf->digest, key);
	digestset_add(&r->releases, key);
}

/* Its id is the digest of what was asked for, of which this is the body. */
static bool on_campaign(struct rota_records *r, const struct rota_leaf *leaf, const json_t *record)
{
	const json_t *body = json_object_get(record, "what");
	struct rota_record_campaign *c;

	if (!json_is_string(json_object_get(body, "purpose")))
		return false;
	r->campaigns = realloc(r->campaigns, (r->campaign_count + 1) * sizeof(*r->campaigns));
	if (!r->campaigns)
		abort();
	c = &r->campaigns[r->campaign_count++];
	*c = (struct rota_record_campaign){ .body = json_incref((json_t *)(uintptr_t)body) };
	memcpy(c->id, leaf->digest, sizeof(c->id));
	name_of(leaf->scope, c->scope);
	name_of(leaf->role, c->role);
	return true;
}

/* An IDevID was issued: neither its serial nor its key for another one. */
static bool on_issued(struct rota_records *r, const struct rota_leaf *leaf, const json_t *record)
{
	const json_t *certificate = json_object_get(record, "certificate");
	const char *serial = rota_judge_text(certificate, "name");
	uint8_t point[ROTA_P256_KEY_LEN], key[ROTA_DIGEST_LEN];
	char scope[33];

	name_of(leaf->scope, scope);
	if (!*serial || !rota_unhex(rota_judge_text(certificate, "point"), ROTA_BUF(point)))
		return false;
	birth_key(scope, serial, point, key);
	digestset_add(&r->births, key);
	birth_key(scope, serial, NULL, key);
	digestset_add(&r->births, key);
	birth_key(scope, NULL, point, key);
	digestset_add(&r->births, key);
	return true;
}

static bool is_birth(const struct rota_leaf *leaf)
{
	return leaf->kind == ROTA_LEAF_ISSUED && rota_span_eq(leaf->role, ROTA_STR("device-ca"));
}

/* What a private record adds to its leaf. */
static enum rota_err on_record(
	struct rota_records *r, const struct rota_leaf *leaf, const json_t *record)
{
	uint8_t ask[ROTA_DIGEST_LEN];
	char scope[33];

	name_of(leaf->scope, scope);
	if (leaf->kind == ROTA_LEAF_BUILD)
		return on_artifact(r, scope, record) ? ROTA_OK : ROTA_ERR_FORMAT;
	if (json_array_size(json_object_get(record, "approvals")) > 0) {
		if (!rota_unhex(rota_judge_text(record, "ask"), ROTA_BUF(ask)))
			return ROTA_ERR_FORMAT;
		digestset_add(&r->used, ask);
	}
	if (is_birth(leaf))
		return on_issued(r, leaf, record) ? ROTA_OK : ROTA_ERR_FORMAT;
	if (leaf->kind == ROTA_LEAF_CAMPAIGN)
		return on_campaign(r, leaf, record) ? ROTA_OK : ROTA_ERR_FORMAT;
	if (strcmp(rota_judge_text(record, "kind"), "image") == 0)
		on_counter(r, scope, record);
	on_attempts(r, json_object_get(record, "attempts"), leaf->at_s);
	return ROTA_OK;
}

/* What an officer refused is not asked for a second time; other refusals are no end. */
static enum rota_err on_refused(struct rota_records *r, struct rota_span record)
{
	static const char officers[] = "\"approval\":";
	uint8_t ask[ROTA_DIGEST_LEN];
	struct rota_fail why;
	json_t *value;
	bool good;

	if (!memmem(record.p, record.len, officers, sizeof(officers) - 1))
		return ROTA_OK;
	ROTA_TRY(rota_json_parse(record, &value, &why));
	good = !json_object_get(value, "approval") ||
		rota_unhex(rota_judge_text(value, "ask"), ROTA_BUF(ask));
	if (good && json_object_get(value, "approval"))
		digestset_add(&r->used, ask);
	json_decref(value);
	return good ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* Of a million timestamps no record is read: nothing in them is asked for later. */
static bool says_more(const struct rota_leaf *leaf, struct rota_span record)
{
	static const char none[] = "\"approvals\":[],";

	return leaf->kind == ROTA_LEAF_BUILD || leaf->kind == ROTA_LEAF_CAMPAIGN ||
		is_birth(leaf) || rota_span_eq(leaf->role, ROTA_STR("rollouts")) ||
		rota_span_eq(leaf->role, ROTA_STR("ci-image")) ||
		!memmem(record.p, record.len, none, sizeof(none) - 1);
}

enum rota_err rota_records_entry(
	void *records, uint64_t index, const struct rota_leaf *leaf, struct rota_span record)
{
	struct rota_records *r = records;
	static const uint8_t events[] = { ROTA_LEAF_BUILD, ROTA_LEAF_RELEASE, ROTA_LEAF_CEREMONY,
		ROTA_LEAF_PROMOTION, ROTA_LEAF_INCIDENT, ROTA_LEAF_KEY, ROTA_LEAF_SERIES,
		ROTA_LEAF_RECONCILED, ROTA_LEAF_CAMPAIGN, ROTA_LEAF_ISSUED, ROTA_LEAF_REVOKED,
		ROTA_LEAF_CRL, ROTA_LEAF_RESPONDER };
	bool granted = leaf->kind == ROTA_LEAF_GRANTED || leaf->kind == ROTA_LEAF_OPENED;
	struct rota_fail why;
	json_t *value;
	enum rota_err err;

	(void)index;
	if (leaf->kind != ROTA_LEAF_OPENED)
		begin_scope(r, leaf->scope);
	if (leaf->kind == ROTA_LEAF_REFUSED)
		return on_refused(r, record);
	ROTA_TRY(rota_revocations_entry(&r->revocations, leaf, record));
	if (leaf->kind == ROTA_LEAF_RELEASE || (leaf->kind == ROTA_LEAF_OPENED && leaf->path.len))
		on_release(r, leaf);
	else if (granted && leaf->version)
		on_role(r, leaf);
	if ((!granted && !memchr(events, leaf->kind, sizeof(events))) || !says_more(leaf, record))
		return ROTA_OK;
	ROTA_TRY(rota_json_parse(record, &value, &why));
	err = on_record(r, leaf, value);
	json_decref(value);
	return err;
}

enum rota_err rota_records_check(const struct rota_leaf *leaf, struct rota_span record)
{
	struct rota_records *none;
	enum rota_err err;

	if (leaf->kind != ROTA_LEAF_REFUSED && leaf->kind != ROTA_LEAF_REVOKED &&
		leaf->kind != ROTA_LEAF_ISSUED && !says_more(leaf, record))
		return ROTA_OK;
	none = calloc(1, sizeof(*none));
	if (!none)
		abort();
	err = rota_records_entry(none, 0, leaf, record);
	rota_records_free(none);
	return err;
}
