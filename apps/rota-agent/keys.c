/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/keys.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

void agent_keys_again(struct agent_keys *k)
{
	k->found = rota_keyslots_open(&k->slots, &k->file.port, &k->archive.port);
}

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
	agent_keys_again(k);
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
