/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/keys.h"
#include "apps/rota-agent/say.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/purpose.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whoever else has the lock writes two numbers with it. */
#define LOCK_MS 60000

/* SPEC 34.1: sectors of 4,096 bytes; four of them halve the wear of two. */
static const struct rota_flash_geometry geometry = {
	.run = { { .sector_len = 4096, .count = 4 } },
	.write_len = 16,
};

static enum rota_err open_file(
	struct rota_flash_file *f, int dir, const char *name, bool make, struct rota_fail *why)
{
	enum rota_err err = make ? rota_flash_file_create(dir, name, &geometry) : ROTA_OK;

	if (err == ROTA_ERR_BUSY)
		err = ROTA_OK; /* it is there */
	if (err == ROTA_OK && make && fsync(dir) != 0)
		err = ROTA_ERR_IO;
	if (err == ROTA_OK)
		err = rota_flash_file_open(f, dir, name, &geometry);
	if (err == ROTA_OK)
		return ROTA_OK;
	f->fd = -1;
	return rota_fail(why, err, "%s of the state cannot be used: %s", name, rota_err_str(err));
}

static enum rota_err open_files(
	struct agent_keys *k, const char *state, bool make, struct rota_fail *why)
{
	int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rota_err err;

	k->file.fd = k->archive.fd = -1;
	if (dir < 0)
		return rota_fail_errno(why, errno, "cannot open %s", state);
	/* The archive first: where the key journal is, it is. */
	err = open_file(&k->archive, dir, AGENT_ARCHIVE_FILE, make, why);
	if (err == ROTA_OK)
		err = open_file(&k->file, dir, AGENT_KEYS_FILE, make, why);
	close(dir);
	return err;
}

void agent_keys_read(struct agent_keys *k)
{
	k->found = rota_keyslots_open(&k->slots, &k->file.port, &k->archive.port);
}

/* ---- the lock ---- */

static enum rota_err hold(struct agent_keys *k)
{
	enum rota_err err = rota_flash_file_lock(&k->file, LOCK_MS);

	if (err == ROTA_OK)
		return ROTA_OK;
	k->slots.phase = ROTA_KEYSLOTS_CLOSED;
	k->slots.busy = true;
	k->found = err == ROTA_ERR_TIMEOUT ? ROTA_ERR_BUSY : err;
	return k->found;
}

void agent_keys_again(struct agent_keys *k)
{
	if (hold(k) == ROTA_OK)
		agent_keys_read(k);
}

void agent_keys_release(struct agent_keys *k)
{
	if (k->open)
		rota_flash_file_unlock(&k->file);
}

/* Nobody settles or unsettles them but this process. */
enum rota_err agent_keys_resume(struct agent_keys *k)
{
	uint8_t phase = k->slots.phase;

	if (!k->open)
		return ROTA_OK;
	ROTA_TRY(hold(k));
	if (phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_OK;
	agent_keys_read(k);
	if (k->slots.phase == ROTA_KEYSLOTS_LOADED)
		k->slots.phase = phase;
	return k->found;
}

/* ---- what is said of them ---- */

static void look(const struct agent_keys *k, struct rota_key_held out[static ROTA_PURPOSES_MAX])
{
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		out[i] = (struct rota_key_held){ 0 };
		if (k->slots.phase >= ROTA_KEYSLOTS_LOADED)
			rota_keyslots_held(&k->slots, (uint8_t)(i + 1), &out[i]);
	}
}

void agent_keys_note(struct agent_keys *k)
{
	look(k, k->noted);
}

static void say_held(const char *purpose, const struct rota_key_held *held)
{
	const uint32_t numbers[] = { held->active, held->staged, held->proved, held->oldest };
	char text[4][12] = { { 0 } };

	for (unsigned i = 0; i < 4; i++)
		if (numbers[i] != 0)
			snprintf(text[i], sizeof(text[i]), "%" PRIu32, numbers[i]);
	say("keys",
		(struct say_field[]){ { "purpose", purpose }, { "active", text[0] },
			{ "staged", text[1] }, { "proved", text[2] },
			{ "oldest", held->oldest != 0 ? text[3] : "none" }, { NULL, NULL } });
}

void agent_keys_say(struct agent_keys *k)
{
	struct rota_key_held now[ROTA_PURPOSES_MAX];

	if (!k->open || k->slots.phase < ROTA_KEYSLOTS_LOADED)
		return;
	look(k, now);
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		const char *word = rota_purpose_word((uint8_t)(i + 1));

		if (word != NULL && memcmp(&now[i], &k->noted[i], sizeof(now[i])) != 0)
			say_held(word, &now[i]);
	}
}

/* ---- opening ---- */

enum rota_err agent_keys_open(struct agent_keys *k, const struct agent_config *config,
	const struct rota_rot *rot, const uint8_t device[static ROTA_SHA256_LEN], bool make,
	struct rota_fail *why)
{
	enum rota_err err;

	*k = (struct agent_keys){ 0 };
	memcpy(k->device, device, sizeof(k->device));
	k->open = true;
	err = open_files(k, config->state, make, why);
	if (err != ROTA_OK) {
		agent_keys_close(k);
		return err;
	}
	k->slots.rot = rot;
	k->slots.crypto = &rota_crypto_openssl;
	k->slots.device = k->device;
	k->slots.scratch = ROTA_BUF(k->scratch);
	agent_keys_read(k);
	return ROTA_OK;
}

void agent_keys_close(struct agent_keys *k)
{
	if (k->open && k->file.fd >= 0)
		rota_flash_file_close(&k->file);
	if (k->open && k->archive.fd >= 0)
		rota_flash_file_close(&k->archive);
	k->open = false;
}
