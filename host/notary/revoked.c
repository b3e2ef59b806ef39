/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/revoked.h"
#include "host/base/json.h"
#include "host/identity/cert.h"
#include "host/notary/policy.h"
#include "host/pki/tbs.h"
#include "host/repo/judge.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

static bool is_word(struct rota_span span, const char *word)
{
	return rota_span_eq(span, rota_span_cstr(word));
}

/* What a set knows something by: names with their lengths before them, so that no two are one text. */
static void key_of(const char *what, struct rota_span scope, struct rota_span bytes,
	uint8_t out[static ROTA_DIGEST_LEN])
{
	const uint8_t len = (uint8_t)scope.len; /* at most ROTA_LEAF_NAME_MAX */
	struct rota_digest *digest = rota_digest_new();

	rota_digest_add(digest, rota_span(what, strlen(what) + 1));
	rota_digest_add(digest, rota_span(&len, 1));
	rota_digest_add(digest, scope);
	rota_digest_add(digest, bytes);
	rota_digest_get(digest, out);
	rota_digest_free(digest);
}

bool rota_revoked_serial_ok(struct rota_span s)
{
	return s.len > 0 && s.len <= ROTA_REVOKED_SERIAL_MAX && s.p[0] < 0x80 &&
		(s.p[0] != 0 || (s.len > 1 && s.p[1] >= 0x80));
}

/* ---- lists ---- */

static struct revoked_list *find(
	const struct rota_revocations *r, struct rota_span scope, struct rota_span role)
{
	for (size_t i = 0; i < r->list_count; i++)
		if (is_word(scope, r->lists[i].scope) && is_word(role, r->lists[i].role))
			return &r->lists[i];
	return NULL;
}

static struct revoked_list *list_of(
	struct rota_revocations *r, struct rota_span scope, struct rota_span role)
{
	struct revoked_list *list = find(r, scope, role);

	if (list)
		return list;
	r->lists = realloc(r->lists, (r->list_count + 1) * sizeof(*r->lists));
	if (!r->lists)
		abort();
	list = &r->lists[r->list_count++];
	*list = (struct revoked_list){ .number = 0 };
	memcpy(list->scope, scope.p, scope.len); /* rota_leaf_decode() bounds both */
	memcpy(list->role, role.p, role.len);
	return list;
}

static void add(struct revoked_list *list, struct rota_span serial, uint64_t at_s, uint64_t ends_s)
{
	struct revoked_entry *e;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		list->entries = realloc(list->entries, list->room * sizeof(*list->entries));
		if (!list->entries)
			abort();
	}
	e = &list->entries[list->count++];
	*e = (struct revoked_entry){ .what = { .len = (uint8_t)serial.len, .at_s = at_s },
		.ends_s = ends_s };
	memcpy(e->what.serial, serial.p, serial.len);
}

/* Once. */
static void revoke(struct rota_revocations *r, struct rota_span scope, struct rota_span role,
	struct rota_span serial, uint64_t at_s, uint64_t ends_s)
{
	uint8_t key[ROTA_DIGEST_LEN];

	key_of(is_word(role, "device-ca") ? "device-ca" : "operational-ca", scope, serial, key);
	if (digestset_find(&r->over, key))
		return;
	digestset_add(&r->over, key);
	add(list_of(r, scope, role), serial, at_s, ends_s);
}

/* ---- certificates ---- */

static void forget_ended(struct rota_revocations *r, uint64_t now)
{
	size_t left = 0;

	for (size_t i = 0; i < r->issued_count; i++)
		if (r->issued[i].ends_s + ROTA_CRL_KEPT_S > now)
			r->issued[left++] = r->issued[i];
	r->issued_count = left;
}

static void remember(struct rota_revocations *r, const struct revoked_issued *one, uint64_t now)
{
	if (r->issued_count == r->issued_room)
		forget_ended(r, now);
	if (r->issued_count == r->issued_room) {
		r->issued_room = r->issued_room ? r->issued_room / 2 * 3 : 64;
		r->issued = realloc(r->issued, r->issued_room * sizeof(*r->issued));
		if (!r->issued)
			abort();
	}
	r->issued[r->issued_count++] = *one;
}

static void count_today(struct rota_revocations *r, const struct rota_leaf *leaf)
{
	uint64_t day = leaf->at_s / DAY_S;
	struct digestset_slot *slot;
	uint8_t key[ROTA_DIGEST_LEN];

	if (day < r->day)
		return;
	if (day > r->day)
		digestset_free(&r->today, NULL);
	r->day = day;
	key_of("today", leaf->scope, ROTA_SPAN(leaf->digest), key);
	slot = digestset_add(&r->today, key);
	slot->value = (void *)((uintptr_t)slot->value + 1);
}

/* Of an LDevID: its serial stands in what was signed. */
static bool on_issued(
	struct rota_revocations *r, const struct rota_leaf *leaf, const json_t *record)
{
	const char *text = rota_judge_text(json_object_get(record, "certificate"), "tbs");
	struct revoked_issued one = { .ends_s = leaf->version };
	uint8_t tbs[ROTA_TBS_MAX];
	size_t len = strlen(text) / 2;
	struct rota_cert cert;

	if (len > sizeof(tbs) || !rota_unhex(text, rota_buf(tbs, len)) ||
		rota_cert_tbs_read(rota_span(tbs, len), &cert) != ROTA_OK ||
		cert.serial.len != sizeof(one.serial))
		return false;
	memcpy(one.device, leaf->digest, sizeof(one.device));
	memcpy(one.serial, cert.serial.p, sizeof(one.serial));
	remember(r, &one, leaf->at_s);
	return true;
}

/* ---- revocations ---- */

/* With the device all its certificates for logins. */
static void revoke_device(struct rota_revocations *r, const struct rota_leaf *leaf)
{
	uint8_t key[ROTA_DIGEST_LEN];

	key_of("device", leaf->scope, ROTA_SPAN(leaf->digest), key);
	digestset_add(&r->over, key);
	for (size_t i = 0; i < r->issued_count; i++)
		if (memcmp(r->issued[i].device, leaf->digest, sizeof(r->issued[i].device)) == 0)
			revoke(r, leaf->scope, ROTA_STR("operational-ca"),
				ROTA_SPAN(r->issued[i].serial), leaf->at_s, r->issued[i].ends_s);
}

static bool on_revoked(
	struct rota_revocations *r, const struct rota_leaf *leaf, const json_t *record)
{
	const char *text = rota_judge_text(json_object_get(record, "what"), "serial");
	uint8_t serial[ROTA_REVOKED_SERIAL_MAX];
	size_t len = strlen(text) / 2;

	if (len > sizeof(serial) || !rota_unhex(text, rota_buf(serial, len)) ||
		!rota_revoked_serial_ok(rota_span(serial, len)))
		return false;
	revoke(r, leaf->scope, leaf->role, rota_span(serial, len), leaf->at_s, UINT64_MAX);
	if (is_word(leaf->role, "device-ca"))
		revoke_device(r, leaf);
	return true;
}

static bool is_login(const struct rota_leaf *leaf)
{
	return leaf->kind == ROTA_LEAF_ISSUED && is_word(leaf->role, "operational-ca");
}

enum rota_err rota_revocations_entry(
	struct rota_revocations *r, const struct rota_leaf *leaf, struct rota_span record)
{
	struct rota_fail why;
	json_t *value;
	bool good;

	if (leaf->kind == ROTA_LEAF_CRL)
		list_of(r, leaf->scope, leaf->role)->number = leaf->version;
	if (is_login(leaf))
		count_today(r, leaf);
	if (leaf->kind != ROTA_LEAF_REVOKED &&
		(!is_login(leaf) || leaf->version + ROTA_CRL_KEPT_S <= r->now_s))
		return ROTA_OK;
	ROTA_TRY(rota_json_parse(record, &value, &why));
	good = is_login(leaf) ? on_issued(r, leaf, value) : on_revoked(r, leaf, value);
	json_decref(value);
	return good ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* ---- asking ---- */

bool rota_revocations_device(const struct rota_revocations *r, const char *scope,
	const uint8_t id[static ROTA_DIGEST_LEN])
{
	uint8_t key[ROTA_DIGEST_LEN];

	key_of("device", rota_span_cstr(scope), rota_span(id, ROTA_DIGEST_LEN), key);
	return digestset_find(&r->over, key) != NULL;
}

bool rota_revocations_serial(const struct rota_revocations *r, const char *scope, const char *role,
	struct rota_span serial)
{
	uint8_t key[ROTA_DIGEST_LEN];

	key_of(role, rota_span_cstr(scope), serial, key);
	return digestset_find(&r->over, key) != NULL;
}

size_t rota_revocations_today(const struct rota_revocations *r, const char *scope,
	const uint8_t id[static ROTA_DIGEST_LEN], uint64_t now)
{
	const struct digestset_slot *slot;
	uint8_t key[ROTA_DIGEST_LEN];

	if (now / DAY_S != r->day)
		return 0;
	key_of("today", rota_span_cstr(scope), rota_span(id, ROTA_DIGEST_LEN), key);
	slot = digestset_find(&r->today, key);
	return slot ? (uintptr_t)slot->value : 0;
}

uint64_t rota_revocations_next(
	const struct rota_revocations *r, const char *scope, const char *role)
{
	const struct revoked_list *list = find(r, rota_span_cstr(scope), rota_span_cstr(role));

	return list ? list->number + 1 : 1;
}

static bool is_listed(const struct revoked_entry *e, uint64_t now)
{
	return e->ends_s == UINT64_MAX || e->ends_s + ROTA_CRL_KEPT_S > now;
}

static size_t count_listed(
	const struct rota_revocations *r, const char *scope, const char *role, uint64_t now)
{
	const struct revoked_list *list = find(r, rota_span_cstr(scope), rota_span_cstr(role));
	size_t count = 0;

	for (size_t i = 0; list && i < list->count; i++)
		count += is_listed(&list->entries[i], now);
	return count;
}

bool rota_revocations_room(const struct rota_revocations *r, const char *scope, const char *role,
	const uint8_t device[static ROTA_DIGEST_LEN], uint64_t now)
{
	size_t more = 0;

	if (count_listed(r, scope, role, now) >= ROTA_REVOKED_MAX)
		return false;
	if (strcmp(role, "device-ca") != 0)
		return true;
	for (size_t i = 0; i < r->issued_count; i++)
		more += memcmp(r->issued[i].device, device, sizeof(r->issued[i].device)) == 0;
	return count_listed(r, scope, "operational-ca", now) + more <= ROTA_REVOKED_MAX;
}

enum rota_err rota_revocations_crl(const struct rota_revocations *r, const char *scope,
	const char *role, struct rota_crl_plan *plan, struct rota_bytes *out, struct rota_fail *why)
{
	const struct revoked_list *list = find(r, rota_span_cstr(scope), rota_span_cstr(role));
	size_t count = list ? list->count : 0;
	struct rota_revoked *all = calloc(count + 1, sizeof(*all));
	enum rota_err err;

	if (!all)
		abort();
	plan->list = all;
	plan->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct revoked_entry *e = &list->entries[i];

		if (is_listed(e, plan->from_s))
			all[plan->count++] = e->what;
	}
	err = rota_crl_tbs(plan, out, why);
	free(all);
	plan->list = NULL;
	return err;
}

void rota_revocations_free(struct rota_revocations *r)
{
	for (size_t i = 0; i < r->list_count; i++)
		free(r->lists[i].entries);
	free(r->lists);
	free(r->issued);
	digestset_free(&r->over, NULL);
	digestset_free(&r->today, NULL);
	*r = (struct rota_revocations){ .now_s = r->now_s };
}
