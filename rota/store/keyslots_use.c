/* SPDX-License-Identifier: Apache-2.0 */
/* What keys are used for: deriving, the archive for reading, and the counts that nonces and limits hang on. */
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/store/keyslots_parts.h"

/* Seals that are reserved at a time: one commit for so many (SPEC 34.1). */
#define USED_STEP (UINT64_C(1) << 16)
#define SEALS_MAX (UINT64_C(1) << 32) /* SPEC 31.7 */
#define SEALS_RENEW (UINT64_C(1) << 31)

/* ---- the archive ---- */

/* Uses that a key in the archive is still good for: those that read. */
static uint8_t reading_uses(uint8_t purpose)
{
	switch (purpose) {
	case ROTA_PURPOSE_TELEMETRY:
	case ROTA_PURPOSE_LINK:
		return 1u << ROTA_USE_DOWN | 1u << ROTA_USE_RECORD;
	case ROTA_PURPOSE_STORAGE:
		return 1u << ROTA_USE_RECORD;
	case ROTA_PURPOSE_FIRMWARE:
		return 1u << ROTA_USE_WRAP;
	default:
		return 1u << ROTA_USE_AUTH;
	}
}

enum rota_err rota_keyslots_archive(
	struct rota_keyslots *k, const struct rota_key_slot *slot, uint8_t uses)
{
	struct rota_key_archived a = { .purpose = slot->purpose,
		.cipher = slot->cipher,
		.uses = uses | reading_uses(slot->purpose),
		.generation = slot->generation };
	uint8_t i = 0;

	if (k->archived_count == ROTA_KEY_ARCHIVE_MAX)
		return ROTA_ERR_FULL;
	while (i < k->archived_count &&
		(k->archived[i].purpose < a.purpose ||
			(k->archived[i].purpose == a.purpose &&
				k->archived[i].generation < a.generation)))
		i++;
	memcpy(a.wrapped, slot->wrapped, sizeof(a.wrapped));
	memmove(&k->archived[i + 1], &k->archived[i], (size_t)(k->archived_count - i) * sizeof(a));
	k->archived[i] = a;
	k->archived_count++;
	return ROTA_OK;
}

void rota_keyslots_unarchive(struct rota_keyslots *k, uint8_t i)
{
	k->archived_count--;
	memmove(&k->archived[i], &k->archived[i + 1],
		(size_t)(k->archived_count - i) * sizeof(k->archived[0]));
}

/* ---- keys ---- */

/* Where the secret of a generation lies. */
struct found {
	const uint8_t *wrapped; /* NULL: nowhere */
	uint32_t generation;
	uint8_t cipher;
	uint8_t uses; /* bits */
	bool seals;
};

static struct found in_slots(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];
		bool active = slot->state == ROTA_KEY_IN_USE;

		if (slot->purpose == purpose &&
			(generation == 0 ? active : slot->generation == generation))
			return (struct found){ slot->wrapped, slot->generation, slot->cipher, 0xFF,
				active };
	}
	return (struct found){ NULL, 0, 0, 0, false };
}

static struct found in_archive(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	for (uint8_t i = 0; i < k->archived_count; i++) {
		const struct rota_key_archived *a = &k->archived[i];

		if (a->purpose == purpose && a->generation == generation)
			return (struct found){ a->wrapped, a->generation, a->cipher, a->uses,
				false };
	}
	return (struct found){ NULL, 0, 0, 0, false };
}

enum rota_err rota_keyslots_key(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation,
	enum rota_key_use use, bool seals, struct rota_buf out)
{
	struct found f = in_slots(k, purpose, generation);
	uint8_t secret[ROTA_SECRET_LEN];
	struct rota_datakey of;
	enum rota_err err;

	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if (f.wrapped == NULL)
		f = in_archive(k, purpose, generation);
	if (f.wrapped == NULL)
		return ROTA_ERR_NOT_FOUND;
	if ((seals && !f.seals) || (f.uses >> use & 1) == 0)
		return ROTA_ERR_DENIED;
	of = (struct rota_datakey){ purpose, f.cipher, f.generation, k->device };
	err = rota_keyslots_unwrap(k, &of, f.wrapped, secret);
	if (err == ROTA_OK)
		err = rota_datakey_derive(k->crypto, secret, &of, use, out);
	rota_wipe(secret, sizeof(secret));
	return err;
}

static void note_held(struct rota_key_held *held, uint32_t generation, bool proved)
{
	if (proved && generation > held->proved)
		held->proved = generation;
	if (held->oldest == 0 || generation < held->oldest)
		held->oldest = generation;
}

void rota_keyslots_held(const struct rota_keyslots *k, uint8_t purpose, struct rota_key_held *out)
{
	*out = (struct rota_key_held){ 0 };
	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		if (slot->purpose != purpose)
			continue;
		if (slot->state == ROTA_KEY_IN_USE)
			out->active = slot->generation;
		if (slot->state == ROTA_KEY_STAGED)
			out->staged = slot->generation;
		note_held(out, slot->generation, (slot->flags & ROTA_KEY_PROVED) != 0);
	}
	for (uint8_t i = 0; i < k->archived_count; i++) {
		if (k->archived[i].purpose == purpose)
			note_held(out, k->archived[i].generation, true);
	}
}

/* ---- counts ---- */

/* SPEC 36.3. */
static void draw_epoch(const struct rota_keyslots *k, const uint8_t random[static ROTA_SHA256_LEN],
	uint32_t uptime_s, uint8_t epoch[static ROTA_RECORD_EPOCH_LEN])
{
	uint8_t bytes[ROTA_SHA256_LEN + 8], digest[ROTA_SHA256_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	rota_write_span(&w, rota_span(random, ROTA_SHA256_LEN));
	rota_write_le32(&w, k->state.binding);
	rota_write_le32(&w, uptime_s);
	rota_sha256_of(k->crypto, rota_writer_span(&w), digest);
	memcpy(epoch, digest, ROTA_RECORD_EPOCH_LEN);
}

enum rota_err rota_keyslots_opening(struct rota_keyslots *k, const struct rota_random *random,
	uint32_t uptime_s, struct rota_record_opening *o)
{
	uint8_t bytes[ROTA_SHA256_LEN];

	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if (random == NULL)
		return ROTA_ERR_UNSUPPORTED;
	if (k->state.opening == UINT32_MAX)
		return ROTA_ERR_FULL;
	ROTA_TRY(random->fill(random->ctx, ROTA_BUF(bytes)));
	k->state.opening++;
	ROTA_TRY(rota_keyslots_commit(k)); /* before the first seal */
	*o = (struct rota_record_opening){ .opening = k->state.opening };
	draw_epoch(k, bytes, uptime_s, o->epoch);
	return ROTA_OK;
}

enum rota_err rota_keyslots_used(
	struct rota_keyslots *k, uint8_t purpose, uint32_t seals, bool *renew)
{
	uint64_t spent;

	*renew = false;
	if (k->phase < ROTA_KEYSLOTS_LOADED || (k->state.flags & ROTA_KEYS_GONE) != 0)
		return ROTA_ERR_STATE;
	if (rota_keystate_slot(&k->state, purpose, ROTA_KEY_IN_USE) == NULL)
		return ROTA_ERR_NOT_FOUND;
	spent = k->spent[purpose - 1] + seals;
	*renew = spent >= SEALS_RENEW;
	if (spent > SEALS_MAX)
		return ROTA_ERR_FULL;
	if (spent > k->state.of[purpose - 1].used) {
		k->state.of[purpose - 1].used = (spent + USED_STEP - 1) & ~(USED_STEP - 1);
		ROTA_TRY(rota_keyslots_commit(k));
	}
	k->spent[purpose - 1] = spent;
	return ROTA_OK;
}

static bool says_the_same(const struct rota_key_report *a, const struct rota_key_report *b)
{
	return memcmp(a->all, b->all, sizeof(a->all)) == 0;
}

enum rota_err rota_keyslots_statement(
	struct rota_keyslots *k, const struct rota_key_report *of, uint32_t *number)
{
	struct rota_keystate *s = &k->state;

	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	*number = s->statements;
	if (of != NULL && s->report.at_s != 0 && !s->report.taken && says_the_same(&s->report, of))
		return ROTA_OK; /* a repeat, which the server takes for one */
	if (s->statements == UINT32_MAX)
		return ROTA_ERR_FULL;
	s->statements++;
	if (of != NULL)
		s->report = *of;
	ROTA_TRY(rota_keyslots_commit(k));
	*number = s->statements;
	return ROTA_OK;
}

enum rota_err rota_keyslots_stated(struct rota_keyslots *k)
{
	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	k->state.report.taken = true;
	return rota_keyslots_commit(k);
}

enum rota_err rota_keyslots_outnumbered(struct rota_keyslots *k, uint32_t number)
{
	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if (number < k->state.statements)
		return ROTA_OK;
	k->state.statements = number;
	memset(&k->state.report, 0, sizeof(k->state.report));
	return rota_keyslots_commit(k);
}
