/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/earlier.h"
#include "host/base/digest.h"
#include "host/campaign/part.h"
#include "rota/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_sealed(const char *dir, const char *id, unsigned tree)
{
	char path[ROTA_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.%u.sealed", dir, id, tree);
	return rota_file_exists(path);
}

/* ---- one tree ---- */

static enum rota_err open_kind(
	const struct rota_earlier_tree *t, const char *kind, int *fd, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX + 8];
	uint64_t len;
	enum rota_err err;

	snprintf(path, sizeof(path), "%s.%s", t->name, kind);
	err = rota_file_open(path, fd, &len, why);
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s is gone, of a tree that is sealed", path);
}

static enum rota_err open_copies(struct rota_earlier_tree *t, struct rota_fail *why)
{
	struct rota_copies head;

	ROTA_TRY(open_kind(t, "copies", &t->copies_fd, why));
	ROTA_TRY(rota_part_pread(t->copies_fd, 0, ROTA_BUF(t->head), t->name, why));
	if (rota_copies_decode(t->head, &head) != ROTA_OK || head.tree != t->file.tree ||
		head.size != t->file.size ||
		memcmp(head.campaign, t->file.campaign, sizeof(head.campaign)) != 0)
		return rota_fail(
			why, ROTA_ERR_CORRUPT, "%s.copies: damaged, or of another tree", t->name);
	memcpy(t->wrapped, head.wrapped, sizeof(t->wrapped));
	return ROTA_OK;
}

static enum rota_err open_tree(struct rota_earlier *e, struct rota_earlier_tree *t,
	const uint8_t campaign[static 32], unsigned tree, struct rota_fail *why)
{
	struct rota_keyfile_source source;

	ROTA_TRY(open_kind(t, "keys", &t->keys_fd, why));
	source = rota_keyfile_fd(&t->keys_fd);
	ROTA_TRY(rota_keyfile_open(&t->file, &source, e->crypto, why));
	if (t->file.tree != tree ||
		memcmp(t->file.campaign, campaign, sizeof(t->file.campaign)) != 0)
		return rota_fail(why, ROTA_ERR_CORRUPT, "%s.keys: of another tree", t->name);
	ROTA_TRY(open_copies(t, why));
	e->devices += t->file.size;
	return ROTA_OK;
}

/* ---- all of them ---- */

static enum rota_err open_all(struct rota_earlier *e, const char *dir,
	const uint8_t campaign[static 32], unsigned tree, struct rota_fail *why)
{
	char id[65];

	rota_hex(rota_span(campaign, 32), id);
	for (unsigned n = tree + 1; n < ROTA_KEYS_TREES_MAX; n++)
		if (is_sealed(dir, id, n))
			return rota_fail(why, ROTA_ERR_STATE,
				"tree %u of this campaign is sealed, and trees ascend: tree %u "
				"would "
				"never be listed",
				n, tree);
	if (tree > 0 && !is_sealed(dir, id, 0))
		return rota_fail(why, ROTA_ERR_STATE,
			"tree 0 of this campaign is not sealed: a supplement is for devices "
			"that it has not");
	for (unsigned n = 0; n < tree; n++) {
		struct rota_earlier_tree *t = &e->tree[e->count];

		if (!is_sealed(dir, id, n))
			continue;
		t->keys_fd = t->copies_fd = -1;
		snprintf(t->name, sizeof(t->name), "%s/%s.%u", dir, id, n);
		e->count++;
		ROTA_TRY(open_tree(e, t, campaign, n, why));
	}
	return ROTA_OK;
}

enum rota_err rota_earlier_open(struct rota_earlier *e, const char *dir,
	const uint8_t campaign[static 32], unsigned tree, const struct rota_crypto *crypto,
	const struct rota_aead *aead, struct rota_fail *why)
{
	enum rota_err err;

	*e = (struct rota_earlier){ .crypto = crypto, .aead = aead };
	if (tree > 0) {
		e->tree = calloc(tree, sizeof(e->tree[0]));
		if (!e->tree)
			abort();
	}
	err = open_all(e, dir, campaign, tree, why);
	if (err != ROTA_OK)
		rota_earlier_close(e);
	return err;
}

void rota_earlier_close(struct rota_earlier *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		struct rota_earlier_tree *t = &e->tree[i];

		if (t->keys_fd >= 0)
			close(t->keys_fd);
		if (t->copies_fd >= 0)
			close(t->copies_fd);
		rota_wipe(t, sizeof(*t));
	}
	free(e->tree);
	*e = (struct rota_earlier){ 0 };
}

/* ---- who is in them ---- */

enum rota_err rota_earlier_find(const struct rota_earlier *e,
	const uint8_t locator[static ROTA_KEYBUNDLE_LOCATOR_LEN], struct rota_earlier_place *out,
	struct rota_fail *why)
{
	out->tree = NULL;
	for (unsigned i = e->count; i > 0; i--) {
		uint8_t proof[ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN], count;
		enum rota_err err = rota_keyfile_find(&e->tree[i - 1].file, locator, &out->index,
			out->bundle, proof, &count, why);

		if (err == ROTA_ERR_NOT_FOUND)
			continue;
		if (err == ROTA_OK)
			out->tree = &e->tree[i - 1];
		return err;
	}
	return ROTA_OK;
}

/* ---- what they have ---- */

enum rota_err rota_earlier_unwrap(
	struct rota_earlier *e, const struct rota_sealer *hsm, struct rota_fail *why)
{
	for (unsigned i = 0; i < e->count; i++) {
		struct rota_earlier_tree *t = &e->tree[i];
		uint8_t aad[ROTA_COPIES_AAD_LEN];

		rota_copies_aad(t->file.campaign, aad);
		ROTA_TRY(rota_keywrap_open(hsm, ROTA_SPAN(aad), t->wrapped, t->key, why));
	}
	return ROTA_OK;
}

static enum rota_err read_chunk(const struct rota_earlier *e, const struct rota_earlier_tree *t,
	uint32_t chunk, struct rota_earlier_chunk *kept, struct rota_fail *why)
{
	struct rota_copies_key key = { .crypto = e->crypto, .aead = e->aead, .key = t->key };
	const uint32_t count = rota_copies_devices(t->file.size, chunk);
	struct rota_buf all =
		rota_buf(kept->bytes, ROTA_COPIES_OVERHEAD + (size_t)count * ROTA_SECRET_LEN);
	enum rota_err err;

	kept->tree = NULL;
	memcpy(key.head, t->head, sizeof(key.head));
	ROTA_TRY(rota_part_pread(t->copies_fd, rota_copies_at(chunk), all, t->name, why));
	err = rota_copies_open(&key, chunk, all);
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "%s.copies: chunk %u does not open", t->name, (unsigned)chunk);
	kept->tree = t;
	kept->chunk = chunk;
	return ROTA_OK;
}

enum rota_err rota_earlier_secret(const struct rota_earlier *e,
	const struct rota_earlier_place *place, struct rota_earlier_chunk *kept,
	uint8_t secret[static ROTA_SECRET_LEN], struct rota_fail *why)
{
	const uint32_t chunk = place->index / ROTA_COPIES_CHUNK;

	if (place->index >= place->tree->file.size)
		return rota_fail(why, ROTA_ERR_CORRUPT, "%s.keys: damaged", place->tree->name);
	if (kept->tree != place->tree || kept->chunk != chunk)
		ROTA_TRY(read_chunk(e, place->tree, chunk, kept, why));
	memcpy(secret,
		kept->bytes + ROTA_COPIES_SALT_LEN +
			(size_t)(place->index % ROTA_COPIES_CHUNK) * ROTA_SECRET_LEN,
		ROTA_SECRET_LEN);
	return ROTA_OK;
}
