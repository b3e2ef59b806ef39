/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/backkeys.h"
#include "host/campaign/part.h"
#include "host/sign/p256.h"
#include "rota/base/mem.h"
#include "rota/trust/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- its three files ---- */

static enum rota_err open_one(const struct rota_backkeys *r, const char *kind, int *fd,
	uint64_t *len, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s.%s", r->name, kind);
	return rota_file_open(path, fd, len, why);
}

static enum rota_err open_export(struct rota_backkeys *r, struct rota_fail *why)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN];
	uint64_t len;

	ROTA_TRY(open_one(r, "export", &r->export_fd, &len, why));
	ROTA_TRY(rota_part_pread(r->export_fd, 0, ROTA_BUF(head), r->name, why));
	if (rota_export_decode(head, &r->rows) == ROTA_OK &&
		len == ROTA_EXPORT_HEAD_LEN + (uint64_t)r->rows.count * ROTA_ROW_LEN)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s.export: damaged", r->name);
}

static enum rota_err open_keys(struct rota_backkeys *r, struct rota_fail *why)
{
	struct rota_keyfile_source source;
	uint64_t len;

	ROTA_TRY(open_one(r, "keys", &r->keys_fd, &len, why));
	source = rota_keyfile_fd(&r->keys_fd);
	ROTA_TRY(rota_keyfile_open(&r->tree, &source, r->crypto, why));
	return r->tree.len == len ? ROTA_OK
				  : rota_fail(why, ROTA_ERR_CORRUPT, "%s.keys: damaged", r->name);
}

/* Of the tree that the bundles are of. */
static enum rota_err open_copies(struct rota_backkeys *r, struct rota_fail *why)
{
	uint64_t len;

	ROTA_TRY(open_one(r, "copies", &r->copies_fd, &len, why));
	ROTA_TRY(rota_part_pread(r->copies_fd, 0, ROTA_BUF(r->head_bytes), r->name, why));
	if (rota_copies_decode(r->head_bytes, &r->head) == ROTA_OK &&
		len == rota_copies_len(r->head.size) && r->head.size == r->tree.size &&
		r->head.tree == r->tree.tree &&
		memcmp(r->head.campaign, r->tree.campaign, sizeof(r->head.campaign)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s.copies: damaged, or of another tree", r->name);
}

enum rota_err rota_backkeys_open(struct rota_backkeys *r, const char *name,
	const struct rota_crypto *crypto, const struct rota_aead *aead, struct rota_fail *why)
{
	enum rota_err err;

	*r = (struct rota_backkeys){ .crypto = crypto,
		.aead = aead,
		.export_fd = -1,
		.keys_fd = -1,
		.copies_fd = -1,
		.name = name };
	err = open_export(r, why);
	if (err == ROTA_OK)
		err = open_keys(r, why);
	if (err == ROTA_OK)
		err = open_copies(r, why);
	if (err != ROTA_OK)
		rota_backkeys_close(r);
	return err;
}

void rota_backkeys_close(struct rota_backkeys *r)
{
	int *const fds[] = { &r->export_fd, &r->keys_fd, &r->copies_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* ---- which place ---- */

static enum rota_err read_row(
	const struct rota_backkeys *r, uint32_t n, struct rota_row *out, struct rota_fail *why)
{
	uint8_t bytes[ROTA_ROW_LEN];

	ROTA_TRY(rota_part_pread(r->export_fd, ROTA_EXPORT_HEAD_LEN + (uint64_t)n * ROTA_ROW_LEN,
		ROTA_BUF(bytes), r->name, why));
	if (rota_row_read(bytes, out) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s.export: damaged", r->name);
}

/* Rows ascend by device id. */
static enum rota_err find_row(const struct rota_backkeys *r,
	const uint8_t device[static ROTA_DEVICE_LEN], struct rota_row *out, struct rota_fail *why)
{
	uint32_t from = 0, to = r->rows.count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		int order;

		ROTA_TRY(read_row(r, middle, out, why));
		order = memcmp(out->device, device, ROTA_DEVICE_LEN);
		if (order == 0)
			return ROTA_OK;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s has no such device", r->name);
}

static enum rota_err place_of(const struct rota_backkeys *r, const struct rota_row *row,
	uint32_t *index, struct rota_fail *why)
{
	uint8_t spki[ROTA_P256_SPKI_LEN], locator[ROTA_KEYBUNDLE_LOCATOR_LEN];
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], proof[ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN], count;

	rota_p256_spki(row->identity, spki);
	rota_tag(r->crypto, ROTA_SPAN(r->tree.campaign), ROTA_SPAN(spki), locator);
	return rota_keyfile_find(&r->tree, locator, index, bundle, proof, &count, why);
}

enum rota_err rota_backkeys_find(const struct rota_backkeys *r,
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t *index, struct rota_fail *why)
{
	struct rota_row row;

	ROTA_TRY(find_row(r, device, &row, why));
	return place_of(r, &row, index, why);
}

enum rota_err rota_backkeys_devices(
	const struct rota_backkeys *r, uint8_t (*devices)[ROTA_DEVICE_LEN], struct rota_fail *why)
{
	uint32_t found = 0;

	for (uint32_t n = 0; n < r->rows.count; n++) {
		struct rota_row row;
		uint32_t index;
		enum rota_err err;

		ROTA_TRY(read_row(r, n, &row, why));
		err = place_of(r, &row, &index, why);
		if (err == ROTA_ERR_NOT_FOUND) /* it was left out */
			continue;
		ROTA_TRY(err);
		memcpy(devices[index], row.device, ROTA_DEVICE_LEN);
		found++;
	}
	/* no two rows have one identity, so no two have one place */
	return found == r->tree.size
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_CORRUPT, "%s.export: not that of the tree", r->name);
}

/* ---- what it has there ---- */

bool rota_backkeys_for(uint8_t purpose)
{
	return purpose == ROTA_PURPOSE_TELEMETRY || purpose == ROTA_PURPOSE_LINK;
}

enum rota_err rota_backkeys_unwrap(const struct rota_backkeys *r, const struct rota_sealer *hsm,
	uint8_t key[static ROTA_KEYWRAP_KEY_LEN], struct rota_fail *why)
{
	uint8_t aad[ROTA_COPIES_AAD_LEN];

	rota_copies_aad(r->head.campaign, aad);
	return rota_keywrap_open(hsm, ROTA_SPAN(aad), r->head.wrapped, key, why);
}

enum rota_err rota_backkeys_derive(const struct rota_backkeys *r,
	const uint8_t secret[static ROTA_SECRET_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	struct rota_backkeys_keys *out)
{
	const struct rota_datakey of = { .purpose = r->head.purpose,
		.cipher = r->head.cipher,
		.generation = r->head.generation,
		.device = device };

	out->len = rota_datakey_len(ROTA_USE_UP, r->head.cipher);
	if (out->len == 0 || out->len > sizeof(out->up))
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(rota_datakey_derive(
		r->crypto, secret, &of, ROTA_USE_UP, rota_buf(out->up, out->len)));
	return rota_datakey_derive(
		r->crypto, secret, &of, ROTA_USE_DOWN, rota_buf(out->down, out->len));
}

enum rota_err rota_backkeys_chunk(const struct rota_backkeys *r,
	const uint8_t key[static ROTA_KEYWRAP_KEY_LEN], uint32_t chunk, uint8_t *bytes,
	uint32_t *count, struct rota_fail *why)
{
	struct rota_copies_key copies = { .crypto = r->crypto, .aead = r->aead, .key = key };
	struct rota_buf all;
	enum rota_err err;

	*count = rota_copies_devices(r->head.size, chunk);
	all = rota_buf(bytes, ROTA_COPIES_OVERHEAD + (size_t)*count * ROTA_SECRET_LEN);
	memcpy(copies.head, r->head_bytes, sizeof(copies.head));
	ROTA_TRY(rota_part_pread(r->copies_fd, rota_copies_at(chunk), all, r->name, why));
	err = rota_copies_open(&copies, chunk, all);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s.copies: chunk %u does not open", r->name,
					(unsigned)chunk);
}

/* Out of its chunk, which lies in memory for as long as this takes. */
static enum rota_err take(const struct rota_backkeys *r,
	const uint8_t key[static ROTA_KEYWRAP_KEY_LEN],
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t index,
	struct rota_backkeys_keys *out, struct rota_fail *why)
{
	const size_t at =
		ROTA_COPIES_SALT_LEN + (size_t)(index % ROTA_COPIES_CHUNK) * ROTA_SECRET_LEN;
	uint8_t *bytes = malloc(ROTA_COPIES_CHUNK_LEN);
	uint32_t count;
	enum rota_err err;

	if (!bytes)
		abort();
	err = rota_backkeys_chunk(r, key, index / ROTA_COPIES_CHUNK, bytes, &count, why);
	if (err == ROTA_OK && rota_backkeys_derive(r, bytes + at, device, out) != ROTA_OK)
		err = rota_fail(why, ROTA_ERR_UNSUPPORTED, "%s.copies: no such cipher", r->name);
	rota_wipe(bytes, ROTA_COPIES_CHUNK_LEN);
	free(bytes);
	return err;
}

enum rota_err rota_backkeys_keys(const struct rota_backkeys *r, const struct rota_sealer *hsm,
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t index,
	struct rota_backkeys_keys *out, struct rota_fail *why)
{
	uint8_t key[ROTA_KEYWRAP_KEY_LEN];
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	if (!rota_backkeys_for(r->head.purpose))
		return rota_fail(
			why, ROTA_ERR_DENIED, "%s: no back end gets keys of its purpose", r->name);
	if (index >= r->head.size)
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "%s has no place %u", r->name, (unsigned)index);
	ROTA_TRY(rota_backkeys_unwrap(r, hsm, key, why));
	err = take(r, key, device, index, out, why);
	rota_wipe(key, sizeof(key));
	if (err != ROTA_OK)
		rota_wipe(out, sizeof(*out));
	return err;
}
