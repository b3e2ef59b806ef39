/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/series.h"
#include "host/base/when.h"
#include "host/sign/p256.h"

#include <string.h>

#define AHEAD_S 600 /* SPEC 4.5 */

static const char *const online[] = { "snapshot", "timestamp" };

/* What one root says that the one before the series does not. */
struct turn {
	uint64_t version, issued_s, from_s, end_s, expires_s;
	struct rota_series_pair pair;
};

static json_t *role_of(const json_t *root, const char *name)
{
	return json_object_get(json_object_get(root, "roles"), name);
}

static bool names(const json_t *root, const char *role, const char *id)
{
	const json_t *ids = json_object_get(role_of(root, role), "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *one = json_string_value(json_array_get(ids, i));

		if (one && strcmp(one, id) == 0)
			return true;
	}
	return false;
}

/* Without the keys that none but the online roles have. */
static void drop_online_keys(json_t *root)
{
	json_t *keys = json_object_get(root, "keys"), *key;
	const char *id;
	void *next;

	json_object_foreach_safe(keys, next, id, key)
	{
		if (!names(root, "root", id) && !names(root, "targets", id))
			json_object_del(keys, id);
	}
}

static void seat(json_t *root, const char *role, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	json_object_set_new(json_object_get(root, "keys"), id, rota_p256_key_object(point));
	json_object_set_new(role_of(root, role), "keyids", json_pack("[s]", id));
}

static void put_time(json_t *root, const char *name, uint64_t at)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at, text);
	json_object_set_new(root, name, json_string(text));
}

/* The root of a turn: all else is as in `before`. */
static json_t *make_root(const json_t *before, const struct turn *t)
{
	json_t *root = json_deep_copy(before);

	drop_online_keys(root);
	seat(root, "snapshot", t->pair.snapshot);
	seat(root, "timestamp", t->pair.timestamp);
	json_object_set_new(root, "version", json_integer((json_int_t)t->version));
	put_time(root, "x-rota-issued", t->issued_s);
	put_time(root, "x-rota-not-before", t->from_s);
	put_time(root, "x-rota-slot-end", t->end_s);
	put_time(root, "expires", t->expires_s);
	return root;
}

static enum rota_err one_signature(const json_t *before, struct rota_fail *why)
{
	for (size_t i = 0; i < 2; i++)
		if (json_integer_value(json_object_get(role_of(before, online[i]), "threshold")) !=
			1)
			return rota_fail(why, ROTA_ERR_UNSUPPORTED,
				"role %s needs other than 1 signature; a slot has one key for it "
				"(SPEC 23.1)",
				online[i]);
	return ROTA_OK;
}

static enum rota_err check_plan(const struct rota_series_plan *plan, struct rota_fail *why)
{
	if (plan->slots < 1 || plan->slots >= ROTA_SERIES_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "a series has 1 to %d slots (SPEC 23.1)",
			ROTA_SERIES_MAX - 1);
	if (plan->period_s < ROTA_SERIES_PERIOD_MIN_S || plan->period_s > ROTA_SERIES_PERIOD_MAX_S)
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "a slot lasts 2 hours to 30 days (SPEC 23.1)");
	if (plan->landing_s < ROTA_SERIES_PERIOD_MIN_S ||
		plan->landing_s > ROTA_SERIES_LANDING_MAX_S)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"the landing root lives 2 hours to 90 days (SPEC 23.1)");
	return ROTA_OK;
}

enum rota_err rota_series_make(const json_t *before, const struct rota_series_plan *plan,
	const struct rota_series_pair *pairs, json_t **roots, struct rota_fail *why)
{
	uint64_t version = (uint64_t)json_integer_value(json_object_get(before, "version"));

	ROTA_TRY(check_plan(plan, why));
	ROTA_TRY(one_signature(before, why));
	*roots = json_array();
	for (unsigned i = 0; i <= plan->slots; i++) {
		bool landing = i == plan->slots;
		struct turn t = { .version = version + 1 + i,
			.issued_s = plan->issued_s,
			.from_s = plan->from_s + i * plan->period_s,
			.pair = pairs[i] };

		t.end_s = t.from_s + (landing ? plan->landing_s : plan->period_s);
		t.expires_s = t.end_s + (landing ? 0 : ROTA_SERIES_GRACE_S);
		json_array_append_new(*roots, make_root(before, &t));
	}
	return ROTA_OK;
}

enum rota_err rota_series_end(const json_t *newest, const struct rota_series_pair *pair,
	uint64_t now, uint64_t lifetime_s, json_t **root, struct rota_fail *why)
{
	const struct turn t = {
		.version = (uint64_t)json_integer_value(json_object_get(newest, "version")) + 1,
		.issued_s = now,
		.from_s = now,
		.expires_s = now + lifetime_s,
		.pair = *pair,
	};

	ROTA_TRY(one_signature(newest, why));
	*root = make_root(newest, &t);
	json_object_del(*root, "x-rota-slot-end");
	return ROTA_OK;
}

/* ---- the judge ---- */

static bool read_time(const json_t *root, const char *name, uint64_t *at)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && rota_when_parse(text, at);
}

static bool read_point(
	const json_t *root, const char *role, uint8_t point[static ROTA_P256_KEY_LEN])
{
	const json_t *ids = json_object_get(role_of(root, role), "keyids");
	const char *id = json_string_value(json_array_get(ids, 0));

	return id &&
		rota_p256_of_object(json_object_get(json_object_get(root, "keys"), id), point) ==
		ROTA_OK;
}

/* Read the turn, make its root, and see that it is this very one. */
static enum rota_err read_turn(
	const json_t *before, const json_t *root, struct turn *t, struct rota_fail *why)
{
	json_t *made;
	bool same;

	t->version = (uint64_t)json_integer_value(json_object_get(root, "version"));
	if (!read_time(root, "x-rota-issued", &t->issued_s) ||
		!read_time(root, "x-rota-not-before", &t->from_s) ||
		!read_time(root, "x-rota-slot-end", &t->end_s) ||
		!read_time(root, "expires", &t->expires_s) ||
		!read_point(root, "snapshot", t->pair.snapshot) ||
		!read_point(root, "timestamp", t->pair.timestamp))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"root %llu of the series lacks a time or an online key (SPEC 23.1)",
			(unsigned long long)t->version);
	made = make_root(before, t);
	same = json_equal(made, root);
	json_decref(made);
	if (!same)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"root %llu of the series changes more than version, times and the keys of "
			"snapshot and timestamp (SPEC 23.1)",
			(unsigned long long)t->version);
	return ROTA_OK;
}

/* Issued once, all of them; ahead of nobody. */
static enum rota_err judge_issued(
	const json_t *before, const struct turn *first, uint64_t now, struct rota_fail *why)
{
	uint64_t issued = 0, from = 0;

	if (!read_time(before, "x-rota-issued", &issued) ||
		!read_time(before, "x-rota-not-before", &from))
		return rota_fail(why, ROTA_ERR_FORMAT, "the root before the series has no times");
	if (json_object_get(before, "x-rota-slot-end") && !rota_root_lands(before))
		return rota_fail(why, ROTA_ERR_STATE,
			"a series follows its predecessor's landing root; root %lld is of a slot "
			"(SPEC 23.8)",
			(long long)json_integer_value(json_object_get(before, "version")));
	if (first->issued_s < issued || first->issued_s > now + AHEAD_S)
		return rota_fail(why, ROTA_ERR_TIME,
			"the series is issued before the root that it follows, or ahead of this "
			"machine's clock");
	if (first->from_s < from || first->from_s < first->issued_s)
		return rota_fail(why, ROTA_ERR_TIME,
			"the first slot begins before the series is issued, or before the root "
			"that it follows");
	if (first->end_s <= now)
		return rota_fail(why, ROTA_ERR_EXPIRED,
			"the first slot of the series is over; prepare it again");
	return ROTA_OK;
}

/* The times of one turn beside those of the first and of the one before. */
static enum rota_err judge_turn(const struct turn *t, const struct turn *first,
	const struct turn *last, bool landing, struct rota_fail *why)
{
	uint64_t len_s = t->end_s - t->from_s, most_s = ROTA_SERIES_PERIOD_MAX_S;

	if (landing)
		most_s = ROTA_SERIES_LANDING_MAX_S;
	if (t->version != last->version + 1)
		return rota_fail(why, ROTA_ERR_VERSION, "root %llu of the series follows root %llu",
			(unsigned long long)t->version, (unsigned long long)last->version);
	if (t->issued_s != first->issued_s)
		return rota_fail(why, ROTA_ERR_TIME, "root %llu is issued at another time",
			(unsigned long long)t->version);
	if (t != first && t->from_s != last->end_s)
		return rota_fail(why, ROTA_ERR_TIME,
			"the slot of root %llu does not begin where the one before it ends",
			(unsigned long long)t->version);
	if (t->end_s <= t->from_s || len_s < ROTA_SERIES_PERIOD_MIN_S || len_s > most_s ||
		(!landing && len_s != first->end_s - first->from_s))
		return rota_fail(why, ROTA_ERR_TIME,
			"the slot of root %llu is not as long as the others, or as SPEC 23.1 "
			"allows",
			(unsigned long long)t->version);
	if (t->expires_s != t->end_s + (landing ? 0 : ROTA_SERIES_GRACE_S))
		return rota_fail(why, ROTA_ERR_TIME,
			"root %llu does not expire 7 days after its slot, a landing root with it",
			(unsigned long long)t->version);
	return ROTA_OK;
}

/* Add a key to those seen. */
static enum rota_err judge_key(const json_t *before, const uint8_t point[static ROTA_P256_KEY_LEN],
	json_t *seen, struct rota_fail *why)
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	if (json_object_get(seen, id) || json_object_get(json_object_get(before, "keys"), id))
		return rota_fail(why, ROTA_ERR_ROLE,
			"key %s stands in two places; each slot has keys of its own (SPEC 23.1)",
			id);
	json_object_set_new(seen, id, json_true());
	return ROTA_OK;
}

static enum rota_err judge_roots(const json_t *before, const json_t *roots, uint64_t lifetime_s,
	uint64_t now, json_t *seen, struct rota_fail *why)
{
	size_t count = json_array_size(roots);
	struct turn first = { 0 }, last = { 0 }, t;

	last.version = (uint64_t)json_integer_value(json_object_get(before, "version"));
	for (size_t i = 0; i < count; i++, last = t) {
		const struct turn *beginning = i ? &first : &t;

		ROTA_TRY(read_turn(before, json_array_get(roots, i), &t, why));
		if (i == 0)
			ROTA_TRY(judge_issued(before, &t, now, why));
		ROTA_TRY(judge_turn(&t, beginning, &last, i + 1 == count, why));
		ROTA_TRY(judge_key(before, t.pair.snapshot, seen, why));
		ROTA_TRY(judge_key(before, t.pair.timestamp, seen, why));
		if (t.expires_s - t.issued_s > lifetime_s)
			return rota_fail(why, ROTA_ERR_TIME,
				"root %llu would live longer than rota.ini allows role root",
				(unsigned long long)t.version);
		if (i == 0)
			first = t;
	}
	return ROTA_OK;
}

enum rota_err rota_series_judge(const json_t *before, const json_t *roots, uint64_t lifetime_s,
	uint64_t now, struct rota_fail *why)
{
	size_t count = json_array_size(roots);
	enum rota_err err;
	json_t *seen;

	if (count < 2 || count > ROTA_SERIES_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"a series has 2 to %d roots, the landing root among them (SPEC 23.1)",
			ROTA_SERIES_MAX);
	ROTA_TRY(one_signature(before, why));
	seen = json_object();
	err = judge_roots(before, roots, lifetime_s, now, seen, why);
	json_decref(seen);
	return err;
}
