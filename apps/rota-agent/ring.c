/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/ring.h"
#include "host/base/crc.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"

#include <string.h>

#define OPEN_MS 30000
#define CALL_MS 2000 /* of a call: an answer that says busy is better than none */
#define KEY_MAX 32
#define RESERVE 65536u /* seals at a time: one commit for so many */

/* ---- following the agent ---- */

/* One number for all bytes of a journal: times of files are coarser than two commits. */
static enum rota_err sum(const struct rota_flash *f, uint32_t *crc)
{
	uint8_t piece[4096];
	uint64_t size = rota_flash_size(f->run);

	for (uint32_t at = 0; at < size; at += (uint32_t)sizeof(piece)) {
		ROTA_TRY(f->read(f->ctx, at, ROTA_BUF(piece)));
		*crc = rota_crc32_fast(*crc, ROTA_SPAN(piece));
	}
	return ROTA_OK;
}

static enum rota_err sum_all(const struct agent_ring *r, uint32_t *crc)
{
	*crc = 0;
	ROTA_TRY(sum(&r->keys.file.port, crc));
	return sum(&r->keys.archive.port, crc);
}

static enum rota_err lock(struct agent_ring *r, uint32_t within_ms)
{
	enum rota_err err = rota_flash_file_lock(&r->keys.file, within_ms);

	return err == ROTA_ERR_TIMEOUT ? ROTA_ERR_BUSY : err;
}

/* Under the lock: both journals of one moment. */
static enum rota_err read_again(struct agent_ring *r)
{
	agent_keys_read(&r->keys);
	if (r->keys.slots.phase < ROTA_KEYSLOTS_LOADED)
		return r->keys.found == ROTA_OK ? ROTA_ERR_CORRUPT : r->keys.found;
	return sum_all(r, &r->crc);
}

static enum rota_err follow(struct agent_ring *r)
{
	uint32_t crc;
	enum rota_err err;

	ROTA_TRY(sum_all(r, &crc));
	if (crc == r->crc && r->keys.slots.phase >= ROTA_KEYSLOTS_LOADED)
		return ROTA_OK;
	ROTA_TRY(lock(r, CALL_MS));
	err = read_again(r);
	rota_flash_file_unlock(&r->keys.file);
	return err;
}

/* ---- what the vault asks ---- */

/* 0: that generation is not held. */
static uint8_t cipher_of(const struct agent_ring *r, uint32_t generation)
{
	const struct rota_keyslots *k = &r->keys.slots;
	const struct rota_key_slot *slot =
		rota_keystate_generation(&k->state, r->purpose, generation);

	if (slot != NULL)
		return slot->cipher;
	for (uint8_t i = 0; i < k->archived_count; i++)
		if (k->archived[i].purpose == r->purpose && k->archived[i].generation == generation)
			return k->archived[i].cipher;
	return 0;
}

static enum rota_err derive(const struct agent_ring *r, enum rota_key_use use, bool seals,
	uint32_t generation, const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN],
	struct rota_record_key *out)
{
	const struct rota_keyslots *k = &r->keys.slots;
	const struct rota_datakey of = { r->purpose, cipher_of(r, generation), generation,
		k->device };
	uint8_t bytes[KEY_MAX];
	struct rota_buf room = rota_buf(bytes, rota_datakey_len(use, of.cipher));
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (of.cipher != 0)
		err = rota_keyslots_key(k, r->purpose, generation, use, seals, room);
	if (err == ROTA_OK)
		err = rota_record_key_begin(out, &rota_crypto_openssl, &rota_aead_openssl,
			rota_span(room.p, room.len), &of, use, epoch);
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

/* While a cycle holds the journals, what opens by those of before opens; what does not is no verdict. */
static enum rota_err find(struct agent_ring *r, enum rota_key_use use, bool seals,
	uint32_t generation, const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN],
	struct rota_record_key *out)
{
	enum rota_err followed, err;

	pthread_mutex_lock(&r->use);
	err = followed = follow(r);
	if (followed == ROTA_OK || followed == ROTA_ERR_BUSY)
		err = derive(r, use, seals, generation, epoch, out);
	pthread_mutex_unlock(&r->use);
	return err != ROTA_OK && followed != ROTA_OK ? followed : err;
}

static enum rota_err key(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	return find(ctx, ROTA_USE_RECORD, seals, generation, epoch, out);
}

enum rota_err agent_ring_key(struct agent_ring *r, enum rota_key_use use, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], struct rota_record_key *out)
{
	return find(r, use, use == ROTA_USE_UP, generation, epoch, out);
}

static uint32_t active_now(const struct agent_ring *r)
{
	struct rota_key_held held;

	rota_keyslots_held(&r->keys.slots, r->purpose, &held);
	return held.active;
}

/* Where it cannot be known now, the one of before: what is sealed with it has it held until the vault was looked at. */
static uint32_t active(void *ctx)
{
	struct agent_ring *r = ctx;
	uint32_t generation;

	pthread_mutex_lock(&r->use);
	(void)!follow(r);
	generation = active_now(r);
	pthread_mutex_unlock(&r->use);
	return generation;
}

/* ---- the numbers ---- */

/* Under the lock, of journals that were read under it. */
static enum rota_err reserve(struct agent_ring *r)
{
	bool renew; /* the agent's statement asks for a new key (SPEC 35.1) */

	ROTA_TRY(rota_keyslots_used(&r->keys.slots, r->purpose, RESERVE, &renew));
	r->left = RESERVE;
	r->left_of = active_now(r);
	return sum_all(r, &r->crc);
}

static enum rota_err reserve_locked(struct agent_ring *r)
{
	enum rota_err err;

	ROTA_TRY(lock(r, CALL_MS));
	err = read_again(r);
	if (err == ROTA_OK)
		err = reserve(r);
	rota_flash_file_unlock(&r->keys.file);
	return err;
}

enum rota_err agent_ring_count(struct agent_ring *r, uint32_t generation)
{
	enum rota_err err = ROTA_OK;

	pthread_mutex_lock(&r->use);
	if (r->left == 0 || r->left_of != generation)
		err = reserve_locked(r);
	if (err == ROTA_OK && r->left_of != generation)
		err = ROTA_ERR_BUSY; /* another one seals by now */
	if (err == ROTA_OK)
		r->left--;
	pthread_mutex_unlock(&r->use);
	return err;
}

static enum rota_err count(void *ctx, uint32_t generation)
{
	return agent_ring_count(ctx, generation);
}

enum rota_err agent_ring_active(struct agent_ring *r, uint32_t *generation)
{
	enum rota_err err;

	pthread_mutex_lock(&r->use);
	err = follow(r);
	*generation = active_now(r);
	pthread_mutex_unlock(&r->use);
	return err == ROTA_OK && *generation == 0 ? ROTA_ERR_NOT_FOUND : err;
}

/* ---- opening ---- */

static enum rota_err draw(struct agent_ring *r, struct rota_record_opening *opening)
{
	uint32_t up_s = (uint32_t)rota_uptime_posix.seconds(rota_uptime_posix.ctx);

	ROTA_TRY(read_again(r));
	if (active_now(r) == 0)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(rota_keyslots_opening(&r->keys.slots, &rota_random_posix, up_s, opening));
	return reserve(r);
}

static enum rota_err begin(
	struct agent_ring *r, struct rota_record_opening *opening, struct rota_fail *why)
{
	enum rota_err err = lock(r, OPEN_MS);

	if (err == ROTA_OK) {
		err = draw(r, opening);
		rota_flash_file_unlock(&r->keys.file);
	}
	switch ((int)err) {
	case ROTA_OK:
		return ROTA_OK;
	case ROTA_ERR_BUSY:
		return rota_fail(why, err, "an update cycle holds the data keys; try again later");
	case ROTA_ERR_NOT_FOUND:
		return rota_fail(why, err, "this device has no data key of that purpose yet");
	default:
		return rota_fail(why, err, "the data keys cannot be used: %s", rota_err_str(err));
	}
}

enum rota_err agent_ring_open(struct agent_ring *r, const struct agent_config *config,
	const struct rota_rot *rot, const uint8_t device[static ROTA_SHA256_LEN], uint8_t purpose,
	struct rota_record_opening *opening, struct rota_fail *why)
{
	enum rota_err err;

	*r = (struct agent_ring){ .purpose = purpose,
		.port = { .ctx = r, .key = key, .active = active, .count = count } };
	ROTA_TRY(agent_keys_open(&r->keys, config, rot, device, false, why));
	pthread_mutex_init(&r->use, NULL);
	err = begin(r, opening, why);
	if (err != ROTA_OK)
		agent_ring_close(r);
	return err;
}

void agent_ring_close(struct agent_ring *r)
{
	if (r->keys.open)
		pthread_mutex_destroy(&r->use);
	agent_keys_close(&r->keys);
}
