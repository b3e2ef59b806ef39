/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, and what has to be true before anything is changed. A call changes the state in RAM and commits it; when
 * that fails RAM is read from flash anew, since only flash knows whether the commit happened. */
#include "rota/store/keyslots_parts.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

#define WRAPPED_AAD_LEN (1 + 4 + 32) /* SPEC 28.5 */

/* ---- journals ---- */

static enum rota_err load_archive(struct rota_keyslots *k)
{
	struct rota_span payload;
	enum rota_err err = rota_journal_load(&k->archive, k->scratch, &payload);

	k->archived_count = 0;
	k->archive_lost = false;
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	if (err == ROTA_ERR_LIMIT)
		return ROTA_ERR_UNSUPPORTED; /* a longer payload is of a later release */
	if (err == ROTA_OK)
		err = rota_key_archive_decode(payload, k->archived, &k->archived_count);
	k->archive_lost = err == ROTA_ERR_CORRUPT || err == ROTA_ERR_FORMAT;
	return k->archive_lost ? ROTA_OK : err;
}

static enum rota_err load_keys(struct rota_keyslots *k)
{
	struct rota_span payload;
	enum rota_err err = rota_journal_load(&k->keys, k->scratch, &payload);

	if (err == ROTA_ERR_LIMIT)
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(err);
	err = rota_keystate_decode(payload, &k->state);
	return err == ROTA_ERR_FORMAT ? ROTA_ERR_CORRUPT : err;
}

/* Where both journals are open. */
static enum rota_err load(struct rota_keyslots *k)
{
	enum rota_err err;

	k->phase = ROTA_KEYSLOTS_CLOSED;
	ROTA_TRY(load_archive(k));
	err = load_keys(k);
	if (err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_CORRUPT)
		k->phase = ROTA_KEYSLOTS_BLANK;
	ROTA_TRY(err);
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++)
		k->spent[i] = k->state.of[i].used;
	k->phase = ROTA_KEYSLOTS_LOADED;
	return ROTA_OK;
}

static bool fits(const struct rota_flash *flash)
{
	for (unsigned i = 0; i < ROTA_FLASH_RUNS_MAX; i++) {
		if (flash->run[i].count > 0 &&
			flash->run[i].sector_len < 2u * ROTA_JOURNAL_PAYLOAD_MAX)
			return false;
	}
	return true;
}

enum rota_err rota_keyslots_open(
	struct rota_keyslots *k, const struct rota_flash *keys, const struct rota_flash *archive)
{
	k->phase = ROTA_KEYSLOTS_CLOSED;
	k->busy = false;
	if (k->scratch.len < ROTA_KEYSTATE_LEN_MAX || !fits(keys) || !fits(archive))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_journal_open(&k->keys, keys, ROTA_JOURNAL_KEYS));
	ROTA_TRY(rota_journal_open(&k->archive, archive, ROTA_JOURNAL_ARCHIVE));
	return load(k);
}

enum rota_err rota_keyslots_failed(struct rota_keyslots *k, enum rota_err err)
{
	if (rota_keyslots_open(k, k->keys.flash, k->archive.flash) != ROTA_OK)
		k->phase = ROTA_KEYSLOTS_CLOSED; /* until the caller opens it again */
	return err;
}

enum rota_err rota_keyslots_commit(struct rota_keyslots *k)
{
	struct rota_span payload;
	enum rota_err err = rota_keystate_encode(&k->state, k->scratch, &payload);

	if (err == ROTA_OK)
		err = rota_journal_commit(&k->keys, payload);
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

enum rota_err rota_keyslots_commit_archive(struct rota_keyslots *k)
{
	struct rota_span payload;
	enum rota_err err =
		rota_key_archive_encode(k->archived, k->archived_count, k->scratch, &payload);

	if (err == ROTA_OK)
		err = rota_journal_commit(&k->archive, payload);
	if (err != ROTA_OK)
		return rota_keyslots_failed(k, err);
	k->archive_lost = false;
	return ROTA_OK;
}

/* SPEC 9.6: device journal, this one, boot journal, counter. */
enum rota_err rota_keyslots_commit_rise(struct rota_keyslots *k)
{
	const struct rota_key_rise *rise = k->rise;
	enum rota_err err;

	if (rise == NULL)
		return rota_keyslots_commit(k);
	err = rise->begin(rise->ctx, &k->state.binding);
	if (err != ROTA_OK)
		return rota_keyslots_failed(k, err);
	ROTA_TRY(rota_keyslots_commit(k));
	err = rise->end(rise->ctx);
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

enum rota_err rota_keyslots_ready(const struct rota_keyslots *k)
{
	bool gone = (k->state.flags & ROTA_KEYS_GONE) != 0;

	return k->phase == ROTA_KEYSLOTS_SETTLED && !gone ? ROTA_OK : ROTA_ERR_STATE;
}

/* ---- wrapped secrets ---- */

static struct rota_span aad_of(const struct rota_keyslots *k, const struct rota_datakey *of,
	uint8_t room[static WRAPPED_AAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(room, WRAPPED_AAD_LEN));

	rota_write_u8(&w, of->purpose);
	rota_write_le32(&w, of->generation);
	rota_write_span(&w, rota_span(k->device, ROTA_DEVICE_LEN));
	return rota_writer_span(&w);
}

enum rota_err rota_keyslots_wrap(const struct rota_keyslots *k, enum rota_rot_wrap place,
	const struct rota_datakey *of, const uint8_t secret[static ROTA_SECRET_LEN],
	uint8_t out[static ROTA_WRAPPED_LEN])
{
	uint8_t room[WRAPPED_AAD_LEN];

	return k->rot->wrap(k->rot->ctx, place, aad_of(k, of, room), secret, out);
}

enum rota_err rota_keyslots_unwrap(const struct rota_keyslots *k, const struct rota_datakey *of,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_SECRET_LEN])
{
	uint8_t room[WRAPPED_AAD_LEN];

	return k->rot->unwrap(k->rot->ctx, aad_of(k, of, room), in, secret);
}

/* The same secret under the wrap key of another place. */
static enum rota_err move(const struct rota_keyslots *k, const struct rota_datakey *of, uint8_t to,
	uint8_t wrapped[static ROTA_WRAPPED_LEN], bool *moved)
{
	uint8_t secret[ROTA_SECRET_LEN], now[ROTA_WRAPPED_LEN];
	enum rota_err err;

	if (wrapped[0] == to)
		return ROTA_OK;
	err = rota_keyslots_unwrap(k, of, wrapped, secret);
	if (err == ROTA_OK)
		err = rota_keyslots_wrap(k, rota_key_wrap(to), of, secret, now);
	rota_wipe(secret, sizeof(secret));
	if (err != ROTA_OK)
		return err;
	memcpy(wrapped, now, sizeof(now));
	*moved = true;
	return ROTA_OK;
}

enum rota_err rota_keyslots_move_archive(struct rota_keyslots *k, uint8_t to, bool *moved)
{
	enum rota_err err = ROTA_OK;

	for (uint8_t i = 0; i < k->archived_count && err == ROTA_OK; i++) {
		struct rota_key_archived *a = &k->archived[i];
		const struct rota_datakey of = { .purpose = a->purpose,
			.generation = a->generation };

		err = move(k, &of, to, a->wrapped, moved);
	}
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

enum rota_err rota_keyslots_move_slots(struct rota_keyslots *k, uint8_t to, bool *moved)
{
	struct rota_keystate *s = &k->state;
	enum rota_err err = ROTA_OK;

	for (uint8_t i = 0; i < s->slot_count && err == ROTA_OK; i++) {
		struct rota_key_slot *slot = &s->slot[i];
		const struct rota_datakey of = { .purpose = slot->purpose,
			.generation = slot->generation };

		err = move(k, &of, to, slot->wrapped, moved);
	}
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

/* ---- what is there ---- */

enum rota_err rota_keyslots_lost(const struct rota_keyslots *k, uint8_t purpose,
	uint32_t generation, const uint8_t wrapped[static ROTA_WRAPPED_LEN], bool *lost)
{
	const struct rota_datakey of = { .purpose = purpose, .generation = generation };
	uint8_t secret[ROTA_SECRET_LEN];
	enum rota_err err = rota_keyslots_unwrap(k, &of, wrapped, secret);

	rota_wipe(secret, sizeof(secret));
	*lost = err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_SIGNATURE;
	return *lost ? ROTA_OK : err;
}

static enum rota_err opens(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation,
	const uint8_t wrapped[static ROTA_WRAPPED_LEN])
{
	bool lost;

	ROTA_TRY(rota_keyslots_lost(k, purpose, generation, wrapped, &lost));
	return lost ? ROTA_ERR_CORRUPT : ROTA_OK;
}

static enum rota_err agree_there(const struct rota_keyslots *k, uint8_t place)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err = k->rot->key_point(k->rot->ctx, rota_key_agree(place), point);

	return err == ROTA_ERR_NOT_FOUND ? ROTA_ERR_CORRUPT : err;
}

/* Whether the root of trust has and opens all that the journals name. */
static enum rota_err look(const struct rota_keyslots *k)
{
	const struct rota_keystate *s = &k->state;
	bool has = false;

	ROTA_TRY(k->rot->wrap_has(k->rot->ctx, rota_key_wrap(s->wrap), &has));
	if (!has || k->archive_lost)
		return ROTA_ERR_CORRUPT;
	ROTA_TRY(agree_there(k, s->agree));
	if (s->agree_next != ROTA_KEY_PLACE_NONE)
		ROTA_TRY(agree_there(k, s->agree_next));
	for (uint8_t i = 0; i < s->slot_count; i++) {
		const struct rota_key_slot *slot = &s->slot[i];

		ROTA_TRY(opens(k, slot->purpose, slot->generation, slot->wrapped));
	}
	for (uint8_t i = 0; i < k->archived_count; i++) {
		const struct rota_key_archived *a = &k->archived[i];

		ROTA_TRY(opens(k, a->purpose, a->generation, a->wrapped));
	}
	return ROTA_OK;
}

/* ---- finishing ---- */

/* A switch that was cut off has put into the archive what its slot still has. */
static bool drop_doubles(struct rota_keyslots *k)
{
	bool dropped = false;

	for (uint8_t i = k->archived_count; i-- > 0;) {
		const struct rota_key_archived *a = &k->archived[i];

		if (rota_keystate_generation(&k->state, a->purpose, a->generation) == NULL)
			continue;
		rota_keyslots_unarchive(k, i);
		dropped = true;
	}
	return dropped;
}

/* SPEC 34.3: what a cut left under the place that is not in force comes back from there, before it is destroyed. */
static enum rota_err tidy_wraps(struct rota_keyslots *k)
{
	bool archive = drop_doubles(k), slots = false;

	ROTA_TRY(rota_keyslots_move_archive(k, k->state.wrap, &archive));
	if (archive)
		ROTA_TRY(rota_keyslots_commit_archive(k));
	ROTA_TRY(rota_keyslots_move_slots(k, k->state.wrap, &slots));
	if (slots)
		ROTA_TRY(rota_keyslots_commit(k));
	return k->rot->wrap_destroy(k->rot->ctx, rota_key_wrap(rota_key_other(k->state.wrap)));
}

enum rota_err rota_keyslots_tidy_agree(struct rota_keyslots *k)
{
	if (k->state.agree_next != ROTA_KEY_PLACE_NONE)
		return ROTA_OK;
	return k->rot->key_destroy(k->rot->ctx, rota_key_agree(rota_key_other(k->state.agree)));
}

/* All keys but the identity. */
static enum rota_err destroy_all(struct rota_keyslots *k)
{
	static const uint8_t keys[] = { ROTA_ROT_AGREE_0, ROTA_ROT_AGREE_1, ROTA_ROT_LDEVID_0,
		ROTA_ROT_LDEVID_1 };
	const struct rota_rot *rot = k->rot;

	for (unsigned i = 0; i < ROTA_ROT_WRAPS; i++)
		ROTA_TRY(rot->wrap_destroy(rot->ctx, (enum rota_rot_wrap)i));
	for (size_t i = 0; i < sizeof(keys); i++)
		ROTA_TRY(rot->key_destroy(rot->ctx, (enum rota_rot_key)keys[i]));
	if (k->archived_count == 0 && !k->archive_lost)
		return ROTA_OK;
	k->archived_count = 0;
	return rota_keyslots_commit_archive(k);
}

enum rota_err rota_keyslots_settle(struct rota_keyslots *k)
{
	if (k->phase == ROTA_KEYSLOTS_SETTLED)
		return ROTA_OK;
	if (k->phase != ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if ((k->state.flags & ROTA_KEYS_GONE) != 0) {
		ROTA_TRY(destroy_all(k));
	} else {
		ROTA_TRY(look(k));
		ROTA_TRY(tidy_wraps(k));
		ROTA_TRY(rota_keyslots_tidy_agree(k));
	}
	k->phase = ROTA_KEYSLOTS_SETTLED;
	return ROTA_OK;
}

/* ---- numbers ---- */

enum rota_err rota_keyslots_bind(struct rota_keyslots *k, uint32_t to)
{
	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if (k->state.binding == to)
		return ROTA_OK;
	k->state.binding = to;
	return rota_keyslots_commit(k);
}
