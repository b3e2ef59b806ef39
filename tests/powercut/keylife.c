/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/keylife.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include "rota/store/vaultring.h"

#include <stdlib.h>
#include <string.h>

#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE

#define UNKNOWN 1 /* needs: every generation */
#define RECORD_LEN 24
#define REWRITE 4096 /* bytes in a turn: all there is */

static void wrong(struct keylife *l, const char *what)
{
	if (l->wrong == NULL)
		l->wrong = what;
}

/* ---- the pool ---- */

static enum rota_err make(void *ctx, uint8_t secret[static ROTA_P256_SECRET_LEN],
	uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct keylife *l = ctx;
	uint32_t i = l->drawn++ % KEY_POOL;

	memcpy(secret, l->secret[i], ROTA_P256_SECRET_LEN);
	memcpy(point, l->point[i], ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

static enum rota_err agree(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	return rota_p256_openssl.agree(rota_p256_openssl.ctx, secret, peer, dh);
}

static enum rota_err sign(void *ctx, const uint8_t secret[static ROTA_P256_SECRET_LEN],
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	(void)ctx;
	return rota_p256_openssl.sign(rota_p256_openssl.ctx, secret, digest, sig);
}

/* One device lives at a time, and an AEAD has no ctx. */
static struct keylife *living;

/* What the application's last look at its vault said; before the first one after a power-up it does not know. */
static uint32_t needs(void *ctx, uint8_t purpose)
{
	(void)ctx;
	return purpose == STO ? living->row.needs : 0;
}

void keylife_init(struct keylife *l, struct maker *m, uint64_t now_s)
{
	memset(l, 0, sizeof(*l));
	key_server_init(&l->server, m, now_s);
	for (int i = 0; i < KEY_POOL; i++) {
		if (rota_p256_openssl.make(rota_p256_openssl.ctx, l->secret[i], l->point[i]) !=
			ROTA_OK)
			abort();
	}
	l->server.pool = (const uint8_t(*)[ROTA_P256_KEY_LEN])l->point;
	l->p256 = (struct rota_p256){ .ctx = l, .make = make, .agree = agree, .sign = sign };
	l->parts = (struct sim_key_parts){
		.p256 = &l->p256, .aead = &rota_aead_openssl, .needs = needs
	};
	memset(l->parts.factory, 0x5A, sizeof(l->parts.factory));
	living = l;
	l->row.needs = UNKNOWN;
	memcpy(l->server.factory, l->parts.factory, sizeof(l->server.factory));
	l->server.has_factory = true;
}

void keylife_enrol(struct keylife *l, struct sim_device *d)
{
	const struct rota_rot *rot = &d->rot.port;

	if (rot->key_point(rot->ctx, ROTA_ROT_IDENTITY, l->server.identity) != ROTA_OK ||
		rot->key_point(rot->ctx, ROTA_ROT_AGREE_0, l->server.agree) != ROTA_OK)
		abort();
}

/* ---- the row ---- */

void keylife_save(const struct keylife *l, struct keylife_row *row)
{
	const struct key_server *s = &l->server;

	*row = l->row;
	row->counter = s->counter;
	row->count = s->count;
	row->nonce = s->nonce;
	row->drawn = l->drawn;
	memcpy(row->proved, s->proved, sizeof(row->proved));
	memcpy(row->agree, s->agree, sizeof(row->agree));
	memcpy(row->highest, l->highest, sizeof(row->highest));
}

void keylife_restore(struct keylife *l, const struct keylife_row *row)
{
	struct key_server *s = &l->server;

	s->counter = row->counter;
	s->count = row->count;
	s->nonce = row->nonce;
	l->drawn = row->drawn;
	memcpy(s->proved, row->proved, sizeof(s->proved));
	memcpy(s->agree, row->agree, sizeof(s->agree));
	memcpy(l->highest, row->highest, sizeof(l->highest));
	l->row = *row;
	l->twice = false;
	l->wrong = NULL;
	living = l;
}

void keylife_power(struct keylife *l)
{
	l->row.needs = UNKNOWN;
}

enum rota_err keylife_answer(
	struct keylife *l, const uint8_t *campaign, struct rota_buf room, struct rota_span *out)
{
	size_t len = 0;
	enum rota_err err = key_server_answer(&l->server, campaign, room.p, &len);

	*out = rota_span(room.p, len);
	return err;
}

enum rota_err keylife_take(struct keylife *l, struct rota_span statement, uint32_t *counter)
{
	enum rota_err err = key_server_take(&l->server, statement, counter);

	if (err == ROTA_ERR_DENIED)
		wrong(l, "a statement is signed wrong, or proves nothing");
	return err;
}

/* ---- judging ---- */

bool keylife_opens(
	const struct keylife *l, const struct sim_device *d, uint8_t purpose, uint32_t generation)
{
	const struct key_campaign *c = NULL;
	struct rota_datakey of = { purpose, ROTA_CIPHER_AES256_GCM, generation, d->key_device };
	uint8_t want[32], got[32];

	for (int i = 0; i < l->server.campaigns; i++) {
		const struct key_campaign *each = &l->server.campaign[i];

		if (each->purpose == purpose && each->generation == generation)
			c = each;
	}
	return c != NULL &&
		rota_datakey_derive(&rota_crypto_openssl, c->secret, &of, ROTA_USE_RECORD,
			ROTA_BUF(want)) == ROTA_OK &&
		rota_keyslots_key(&d->keys, purpose, generation, ROTA_USE_RECORD, false,
			ROTA_BUF(got)) == ROTA_OK &&
		memcmp(want, got, sizeof(want)) == 0;
}

static void judge_purpose(struct keylife *l, const struct sim_device *d, uint8_t purpose)
{
	const struct rota_key_numbers *of = &d->keys.state.of[purpose - 1];
	struct rota_key_held held;

	rota_keyslots_held(&d->keys, purpose, &held);
	if (of->highest < l->highest[purpose - 1])
		wrong(l, "a highest generation fell");
	l->highest[purpose - 1] = of->highest;
	if (held.active != 0 && !keylife_opens(l, d, purpose, held.active))
		wrong(l, "the key in use does not open");
	if (held.oldest != 0 && !keylife_opens(l, d, purpose, held.oldest))
		wrong(l, "the oldest key does not open");
	if (held.proved > l->server.proved[purpose - 1])
		wrong(l, "a key counts as proved that the server never took");
	if (held.active > held.proved)
		wrong(l, "a key is in use that was not proved");
}

static void judge_rot(struct keylife *l, const struct sim_device *d)
{
	const struct rota_keystate *s = &d->keys.state;
	const struct rota_rot *rot = &d->rot.port;
	uint8_t point[ROTA_P256_KEY_LEN];
	bool has = true;

	if (rot->wrap_has(rot->ctx, s->wrap == 0 ? ROTA_ROT_WRAP_1 : ROTA_ROT_WRAP_0, &has) !=
			ROTA_OK ||
		has)
		wrong(l, "a wrap key is left that nothing is under");
	if (s->agree_next == ROTA_KEY_PLACE_NONE &&
		rot->key_point(rot->ctx, s->agree == 0 ? ROTA_ROT_AGREE_1 : ROTA_ROT_AGREE_0,
			point) != ROTA_ERR_NOT_FOUND)
		wrong(l, "an agree key is left that no journal names");
}

/* ---- the vault ---- */

/* A prepared key, and a tag of it behind what the port keeps there. */
#define TAG_AT (sizeof(((struct rota_aead_key *)0)->opaque) / sizeof(uint64_t) - 1)

static uint64_t tag_of(uint64_t seed, struct rota_span bytes)
{
	uint64_t tag = seed ^ UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < bytes.len; i++)
		tag = (tag ^ bytes.p[i]) * UINT64_C(0x100000001b3);
	return tag;
}

static enum rota_err watched_begin(struct rota_aead_key *k, struct rota_span bytes)
{
	enum rota_err err;

	k->opaque[TAG_AT] = 0;
	err = rota_aead_openssl.begin(k, bytes);
	if (k->opaque[TAG_AT] != 0)
		abort(); /* the port needs that room itself */
	k->opaque[TAG_AT] = tag_of(0, bytes);
	return err;
}

static void watched_end(struct rota_aead_key *k)
{
	rota_aead_openssl.end(k);
}

static enum rota_err watched_seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	uint64_t seal = tag_of(k->opaque[TAG_AT], rota_span(nonce, ROTA_AEAD_NONCE_LEN));

	for (uint32_t i = 0; i < living->row.seals; i++) {
		living->twice |= living->seal[i] == seal;
	}
	if (living->row.seals == KEYLIFE_SEALS_MAX)
		abort();
	living->seal[living->row.seals++] = seal;
	if (living->twice)
		wrong(living, "a nonce came twice under one key");
	return rota_aead_openssl.seal(k, nonce, aad, data, tag);
}

static enum rota_err watched_open(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	return rota_aead_openssl.open(k, nonce, aad, data, tag);
}

static const struct rota_aead watched = { watched_begin, watched_end, watched_seal, watched_open };

static void record_of(uint32_t id, uint32_t version, uint8_t out[static RECORD_LEN])
{
	memset(out, (int)(0x10 + id), RECORD_LEN);
	memcpy(out, &version, sizeof(version));
}

/* Each reads as it was left, or as the put that was cut off asked. */
static void read_all(struct keylife *l, const struct sim_device *d, struct rota_vault *v)
{
	uint8_t room[RECORD_LEN], want[RECORD_LEN];
	struct rota_span plain;
	uint32_t version = 0;

	for (uint32_t id = 0; id < KEYLIFE_RECORDS; id++) {
		enum rota_err err = rota_vault_get(v, id, ROTA_BUF(room), &plain);

		if (d->supply.off || (err == ROTA_ERR_NOT_FOUND && l->row.held[id] == 0))
			continue;
		if (err != ROTA_OK || plain.len != RECORD_LEN) {
			wrong(l, "a record cannot be read");
			continue;
		}
		memcpy(&version, plain.p, sizeof(version));
		record_of(id, version, want);
		if ((version != l->row.held[id] && version != l->row.asked[id]) ||
			memcmp(want, plain.p, RECORD_LEN) != 0)
			wrong(l, "a record reads as nobody put it");
		l->row.held[id] = l->row.asked[id] = version;
	}
}

static enum rota_err put_some(struct keylife *l, struct rota_vault *v)
{
	uint8_t bytes[RECORD_LEN];

	for (uint32_t id = 0; id < KEYLIFE_RECORDS; id++) {
		if (l->row.held[id] != 0 && id % 3 != 0) /* those that sleep are rewritten alone */
			continue;
		l->row.asked[id] = l->row.held[id] + 1;
		record_of(id, l->row.asked[id], bytes);
		ROTA_TRY(rota_vault_put(v, id, ROTA_SPAN(bytes)));
		l->row.held[id] = l->row.asked[id];
	}
	return ROTA_OK;
}

static enum rota_err keep_records(struct keylife *l, struct sim_device *d)
{
	struct rota_vault v; /* a cut device lives within a call of the clean one */
	struct rota_vault_place index[16];
	uint8_t room[ROTA_VAULT_ROOM(RECORD_LEN)];
	struct rota_vault_ring ring;
	const struct rota_vault_config config = { .flash = &d->place[SIM_VAULT].port,
		.crypto = &rota_crypto_openssl,
		.aead = &watched,
		.keys = &ring.keys,
		.index = index,
		.index_len = 16,
		.record = ROTA_BUF(room) };
	struct rota_record_opening opening;
	uint32_t left = 0;
	enum rota_err err;

	rota_vault_ring(&ring, &d->keys, &watched, STO);
	ROTA_TRY(rota_keyslots_opening(&d->keys, &d->random, (uint32_t)d->clock_s, &opening));
	ROTA_TRY(rota_vault_open(&v, &config, &opening));
	read_all(l, d, &v);
	err = put_some(l, &v);
	if (err == ROTA_OK)
		err = rota_vault_step(&v, REWRITE, &left);
	if (err == ROTA_OK)
		l->row.needs = rota_vault_needs(&v);
	rota_vault_close(&v);
	return err;
}

static void judge(struct keylife *l, const struct sim_device *d)
{
	if (d->keys.phase != ROTA_KEYSLOTS_SETTLED)
		wrong(l, "data keys are not settled");
	if (d->keys_why.err != ROTA_OK)
		wrong(l, "data keys had trouble");
	judge_purpose(l, d, TEL);
	judge_purpose(l, d, STO);
	judge_rot(l, d);
}

void keylife_application(struct keylife *l, struct sim_device *d)
{
	struct rota_key_held held;

	judge(l, d);
	rota_keyslots_held(&d->keys, STO, &held);
	if (held.active != 0 && keep_records(l, d) != ROTA_OK && !d->supply.off)
		wrong(l, "the vault fails");
}

static uint32_t newest(const struct keylife *l, uint8_t purpose)
{
	uint32_t generation = 0;

	for (int i = 0; i < l->server.campaigns; i++) {
		const struct key_campaign *c = &l->server.campaign[i];

		if (c->purpose == purpose && c->generation > generation)
			generation = c->generation;
	}
	return generation;
}

void keylife_judge_end(struct keylife *l, const struct sim_device *d)
{
	static const uint8_t purposes[] = { TEL, STO };

	for (size_t i = 0; i < sizeof(purposes); i++) {
		uint32_t generation = newest(l, purposes[i]);
		struct rota_key_held held;

		rota_keyslots_held(&d->keys, purposes[i], &held);
		if (held.active != generation || held.staged != 0)
			wrong(l, "another key is in use in the end");
		if (held.oldest != generation - 1)
			wrong(l, "a key is left in the end, or one too many is gone");
		if (l->server.proved[purposes[i] - 1] != generation)
			wrong(l, "the server does not know what is in use");
	}
	if (l->row.needs != newest(l, STO))
		wrong(l, "records are left under an older key in the end");
	for (uint32_t id = 0; id < KEYLIFE_RECORDS; id++) {
		if (l->row.held[id] == 0)
			wrong(l, "a record is missing in the end");
	}
	if (rota_counter_has(&d->counter, ROTA_COUNTER_STATE) &&
		d->keys.state.binding != d->counters.value[ROTA_COUNTER_STATE])
		wrong(l, "the key journal is not bound to the state counter in the end");
}
