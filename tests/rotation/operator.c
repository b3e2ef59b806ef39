/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rotation/operator.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600
#define DAY_S 86400
#define YEAR_S (365 * DAY_S)
#define PERIOD_S (6 * HOUR_S)
#define LANDING_S (90 * DAY_S)
#define THIEF_AHEAD 1000000 /* versions; numbers of microcontrollers end at 2^32 */

/* A test that cannot be made is no test. */
static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "rotation: %s\n", what);
	abort();
}

/* ---- keys and files ---- */

static void make_key(struct operator_key *key)
{
	key->pkey = EVP_EC_gen("P-256");
	need(key->pkey && rota_p256_of_pkey(key->pkey, key->point), "no key");
}

static void add_signature(
	json_t *list, const struct operator_key *key, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	struct rota_seat_sig sig;
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);

	memcpy(sig.key, key->point, sizeof(sig.key));
	need(ctx && EVP_PKEY_sign_init(ctx) == 1 &&
			EVP_PKEY_sign(ctx, der, &len, digest, ROTA_DIGEST_LEN) == 1 &&
			rota_der_ecdsa_decode(
				rota_span(der, len), rota_buf(sig.sig, sizeof(sig.sig))) == ROTA_OK,
		"no signature");
	EVP_PKEY_CTX_free(ctx);
	json_array_append_new(list, rota_envelope_signature(&sig));
}

/* The file that these keys sign; takes `content`. */
static void seal(json_t *content, const struct operator_key *const *keys, size_t count,
	struct rota_bytes *file)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	json_t *list = json_array(), *whole;
	struct rota_fail why;

	need(rota_envelope_digest(content, digest, &why) == ROTA_OK, "no digest");
	for (size_t i = 0; i < count; i++)
		add_signature(list, keys[i], digest);
	whole = json_pack("{s:o,s:o}", "signatures", list, "signed", content);
	rota_bytes_free(file);
	need(rota_json_encode(whole, ROTA_JSON_FILE, file, &why) == ROTA_OK, "no file");
	json_decref(whole);
}

static void put_time(json_t *content, const char *name, uint64_t at)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at, text);
	json_object_set_new(content, name, json_string(text));
}

static void stamp(
	json_t *content, const char *type, uint64_t version, uint64_t now_s, uint64_t life_s)
{
	json_object_set_new(content, "_type", json_string(type));
	json_object_set_new(content, "spec_version", json_string("1.0.34"));
	json_object_set_new(content, "version", json_integer((json_int_t)version));
	put_time(content, "x-rota-issued", now_s);
	put_time(content, "expires", now_s + life_s);
}

static void add_key(json_t *keys, json_t *ids, const struct operator_key *key)
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(key->point, id);
	json_object_set_new(keys, id, rota_p256_key_object(key->point));
	json_array_append_new(ids, json_string(id));
}

static json_t *entry_of(const struct operator_file *f)
{
	char hex[ROTA_DIGEST_HEX];

	rota_digest_hex(rota_bytes_span(&f->file), hex);
	return json_pack("{s:{s:s},s:I,s:I}", "hashes", "sha256", hex, "length",
		(json_int_t)f->file.len, "version", (json_int_t)f->version);
}

/* ---- roots ---- */

static struct operator_root *newest(struct operator* o)
{
	return &o->root[o->signed_to];
}

/* Behind the newest root; takes `content`. Signed by two root keys of those that count before it and after. */
static struct operator_root *add_root(struct operator* o, json_t *content)
{
	struct operator_root *r = &o->root[++o->signed_to];
	const struct operator_key *keys[] = { &o->root_key[1], &o->root_key[2] };
	struct rota_timeline t = { 0 };

	need(o->signed_to + 1 < OPERATOR_ROOTS_MAX, "too many roots");
	r->content = json_incref(content);
	need(rota_timeline_add(&t, content, &o->why) == ROTA_OK, o->why.text);
	r->slot = t.at[0];
	seal(content, keys, 2, &r->file);
	return r;
}

static json_t *plain_root(struct operator* o, const struct operator_root *online, uint64_t now_s)
{
	json_t *keys = json_object(), *roles = json_object();
	json_t *content =
		json_pack("{s:b,s:o,s:o}", "consistent_snapshot", 1, "keys", keys, "roles", roles);
	json_t *ids[4];

	for (size_t i = 0; i < 4; i++)
		ids[i] = json_array();
	for (unsigned i = 0; i < 3; i++)
		add_key(keys, ids[0], &o->root_key[o->root_first + i]);
	add_key(keys, ids[1], &online->snapshot);
	add_key(keys, ids[2], &o->targets_key);
	add_key(keys, ids[3], &online->timestamp);
	json_object_set_new(
		roles, "root", json_pack("{s:o,s:i}", "keyids", ids[0], "threshold", 2));
	json_object_set_new(
		roles, "snapshot", json_pack("{s:o,s:i}", "keyids", ids[1], "threshold", 1));
	json_object_set_new(
		roles, "targets", json_pack("{s:o,s:i}", "keyids", ids[2], "threshold", 1));
	json_object_set_new(
		roles, "timestamp", json_pack("{s:o,s:i}", "keyids", ids[3], "threshold", 1));
	stamp(content, "root", o->signed_to + 1, now_s, YEAR_S);
	put_time(content, "x-rota-not-before", now_s);
	return content;
}

void operator_emergency(struct operator* o, uint64_t now_s, bool replace)
{
	struct operator_root online = { 0 }, *r;

	make_key(&online.snapshot);
	make_key(&online.timestamp);
	if (replace) {
		o->root_first++;
		json_array_append_new(o->changed, json_integer((json_int_t)o->signed_to + 1));
	}
	r = add_root(o, plain_root(o, &online, now_s));
	r->snapshot = online.snapshot;
	r->timestamp = online.timestamp;
}

void operator_series(struct operator* o, uint64_t now_s, uint64_t from_s, unsigned slots)
{
	const struct rota_series_plan plan = { .issued_s = now_s,
		.from_s = from_s,
		.period_s = PERIOD_S,
		.slots = slots,
		.landing_s = LANDING_S };
	static struct rota_series_pair pairs[ROTA_SERIES_MAX];
	const json_t *before = newest(o)->content;
	uint64_t first = o->signed_to + 1;
	json_t *roots;

	for (unsigned i = 0; i <= slots; i++) {
		struct operator_root *r = &o->root[first + i];

		make_key(&r->snapshot);
		make_key(&r->timestamp);
		memcpy(pairs[i].snapshot, r->snapshot.point, ROTA_P256_KEY_LEN);
		memcpy(pairs[i].timestamp, r->timestamp.point, ROTA_P256_KEY_LEN);
	}
	need(rota_series_make(before, &plan, pairs, &roots, &o->why) == ROTA_OK, o->why.text);
	need(rota_series_judge(before, roots, YEAR_S, now_s, &o->why) == ROTA_OK, o->why.text);
	for (size_t i = 0; i <= slots; i++)
		(void)add_root(o, json_incref(json_array_get(roots, i)));
	json_decref(roots);
}

/* ---- what is online ---- */

/* All roots from `from` on that are signed. */
static void timeline(const struct operator* o, uint64_t from, struct rota_timeline *t)
{
	struct rota_fail why;

	*t = (struct rota_timeline){ 0 };
	for (uint64_t v = from; v <= o->signed_to; v++)
		need(rota_timeline_put(t, &o->root[v].slot, &why) == ROTA_OK, why.text);
}

/* The roots whose turn it is. */
static void due_at(
	struct operator* o, uint64_t now_s, struct rota_timeline *t, struct rota_due *due)
{
	timeline(o, o->live, t);
	rota_timeline_due(t, now_s, due);
	need(due->signers > 0, "nobody signs");
	while (o->live < t->at[due->sign[0]].version)
		o->live++;
}

/* Computed here without the timeline, which it judges. */
uint64_t operator_retires(const struct operator* o, uint64_t version)
{
	uint64_t end_s = o->root[version].slot.end_s;

	for (uint64_t v = version + 1; v <= o->signed_to; v++)
		if (o->root[v].slot.from_s < end_s)
			end_s = o->root[v].slot.from_s;
	return end_s == ROTA_SLOT_OPEN ? end_s : end_s + HOUR_S;
}

static void bring_snapshot(
	struct operator* o, uint64_t now_s, const struct operator_key *const *keys, size_t count)
{
	json_t *meta = json_pack("{s:o,s:o}", "releases.json", entry_of(&o->releases),
		"targets.json", entry_of(&o->targets));
	json_t *content = json_pack("{s:o}", "meta", meta);

	o->snapshot.version++;
	o->snapshot_issued_s = now_s;
	stamp(content, "snapshot", o->snapshot.version, now_s, DAY_S);
	seal(content, keys, count, &o->snapshot.file);
}

void operator_stamp(struct operator* o, uint64_t now_s)
{
	static struct rota_timeline t;
	const struct operator_key *snapshot[2], *timestamp[2];
	uint64_t signers = 0;
	struct rota_due due;
	json_t *content;

	due_at(o, now_s, &t, &due);
	for (size_t i = 0; i < due.signers; i++) {
		uint64_t version = t.at[due.sign[i]].version;

		snapshot[i] = &o->root[version].snapshot;
		timestamp[i] = &o->root[version].timestamp;
		signers = signers * OPERATOR_ROOTS_MAX + version;
	}
	if (signers != o->signers || now_s - o->snapshot_issued_s >= DAY_S / 3)
		bring_snapshot(o, now_s, snapshot, due.signers);
	o->signers = signers;
	content = json_pack("{s:{s:o}}", "meta", "snapshot.json", entry_of(&o->snapshot));
	stamp(content, "timestamp", ++o->timestamp.version, now_s, DAY_S);
	seal(content, timestamp, due.signers, &o->timestamp.file);
}

void operator_publish(struct operator* o, uint64_t now_s)
{
	static struct rota_timeline t;
	struct rota_due due;
	struct rota_fail why;
	json_t *hint;

	due_at(o, now_s, &t, &due);
	if (due.publish <= o->published)
		return;
	o->published = due.publish;
	hint = json_pack("{s:O,s:I,s:i}", "changed", o->changed, "newest", (json_int_t)o->published,
		"version", 1);
	rota_bytes_free(&o->hint);
	need(rota_json_encode(hint, ROTA_JSON_FILE, &o->hint, &why) == ROTA_OK, why.text);
	json_decref(hint);
}

void operator_release(struct operator* o, uint64_t now_s)
{
	static const char sha256[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	const struct operator_key *targets = &o->targets_key, *releases = &o->releases_key;
	json_t *keys = json_object(), *ids = json_array(), *content;

	add_key(keys, ids, releases);
	content = json_pack("{s:{s:o,s:[{s:o,s:s,s:[s],s:b,s:i}]},s:{}}", "delegations", "keys",
		keys, "roles", "keyids", ids, "name", "releases", "paths", "releases/*/*/*",
		"terminating", 1, "threshold", 1, "targets");
	stamp(content, "targets", ++o->targets.version, now_s, YEAR_S);
	seal(content, &targets, 1, &o->targets.file);
	content = json_pack("{s:{s:{s:{s:s},s:i}}}", "targets", "releases/lamp/2.0.0/release.json",
		"hashes", "sha256", sha256, "length", 0);
	stamp(content, "targets", ++o->releases.version, now_s, YEAR_S);
	seal(content, &releases, 1, &o->releases.file);
	o->signers = 0; /* the snapshot is made anew */
}

void operator_forge(const struct operator* o, uint64_t version, uint64_t issued_s,
	struct operator_file *snapshot, struct operator_file *timestamp)
{
	const struct operator_key *by[] = { &o->root[version].snapshot,
		&o->root[version].timestamp };
	json_t *content = json_pack("{s:{s:o,s:o}}", "meta", "releases.json",
		entry_of(&o->releases), "targets.json", entry_of(&o->targets));

	snapshot->version = o->snapshot.version + THIEF_AHEAD;
	stamp(content, "snapshot", snapshot->version, issued_s, DAY_S);
	seal(content, &by[0], 1, &snapshot->file);
	timestamp->version = o->timestamp.version + THIEF_AHEAD;
	content = json_pack("{s:{s:o}}", "meta", "snapshot.json", entry_of(snapshot));
	stamp(content, "timestamp", timestamp->version, issued_s, DAY_S);
	seal(content, &by[1], 1, &timestamp->file);
}

struct operator* operator_new(uint64_t now_s)
{
	struct operator* o = calloc(1, sizeof(*o));

	need(o, "no memory");
	for (size_t i = 0; i < OPERATOR_ROOT_KEYS; i++)
		make_key(&o->root_key[i]);
	make_key(&o->targets_key);
	make_key(&o->releases_key);
	o->changed = json_array();
	o->live = 1;
	operator_emergency(o, now_s, false);
	operator_release(o, now_s);
	operator_stamp(o, now_s);
	operator_publish(o, now_s);
	return o;
}

static void free_key(struct operator_key *key)
{
	EVP_PKEY_free(key->pkey);
}

void operator_free(struct operator* o)
{
	for (size_t v = 0; v < OPERATOR_ROOTS_MAX; v++) {
		json_decref(o->root[v].content);
		rota_bytes_free(&o->root[v].file);
		free_key(&o->root[v].snapshot);
		free_key(&o->root[v].timestamp);
	}
	for (size_t i = 0; i < OPERATOR_ROOT_KEYS; i++)
		free_key(&o->root_key[i]);
	free_key(&o->targets_key);
	free_key(&o->releases_key);
	json_decref(o->changed);
	rota_bytes_free(&o->targets.file);
	rota_bytes_free(&o->releases.file);
	rota_bytes_free(&o->snapshot.file);
	rota_bytes_free(&o->timestamp.file);
	rota_bytes_free(&o->hint);
	free(o);
}
