/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/log_scene.h"
#include "host/log/head.h"
#include "host/log/tiles.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/der.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rota_crypto *const crypto = &rota_crypto_openssl;

static void leaf_of(uint64_t n, struct rota_leaf *leaf)
{
	*leaf = (struct rota_leaf){ .kind = ROTA_LEAF_GRANTED,
		.at_s = 1700000000 + n,
		.version = n,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("timestamp") };
	memset(leaf->message, (int)(n % 251), sizeof(leaf->message));
}

static size_t record_of(uint64_t n, char what, char *to, size_t room)
{
	return (size_t)snprintf(
		to, room, "{\"id\":%llu,\"reason\":\"%c\"}", (unsigned long long)n, what);
}

bool log_scene_add_other(struct rota_log *log, uint64_t n, char what)
{
	struct rota_fail why;
	struct rota_leaf leaf;
	uint64_t index = 0;
	char record[64];
	size_t len = record_of(n, what, record, sizeof(record));

	leaf_of(n, &leaf);
	return rota_log_append(log, &leaf, rota_span(record, len), &index, &why) == ROTA_OK &&
		index == n;
}

bool log_scene_add(struct rota_log *log, uint64_t n)
{
	return log_scene_add_other(log, n, 'r');
}

static bool same_leaf(uint64_t n, const struct rota_leaf *leaf)
{
	struct rota_leaf want;

	leaf_of(n, &want);
	return leaf->version == n && leaf->at_s == want.at_s &&
		memcmp(leaf->message, want.message, sizeof(want.message)) == 0 &&
		rota_span_eq(leaf->role, want.role);
}

enum rota_err log_scene_each(
	void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record)
{
	char want[64];
	size_t len = record_of(index, 'r', want, sizeof(want));

	(void)ctx;
	return same_leaf(index, leaf) && rota_span_eq(record, rota_span(want, len))
		? ROTA_OK
		: ROTA_ERR_CORRUPT;
}

bool log_scene_raw(
	const struct log_scene *s, struct rota_span message, uint8_t raw[static ROTA_P256_SIG_LEN])
{
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool well = md != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, s->pkey) == 1 &&
		EVP_DigestSign(md, der, &len, message.p, message.len) == 1 &&
		rota_der_ecdsa_decode(rota_span(der, len), rota_buf(raw, ROTA_P256_SIG_LEN)) ==
			ROTA_OK;

	EVP_MD_CTX_free(md);
	return well;
}

static enum rota_err sign(
	void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why)
{
	struct log_scene *s = ctx;
	uint8_t raw[ROTA_P256_SIG_LEN], room[ROTA_NOTE_LINE_MAX];
	struct rota_span line;

	if (s->refuse)
		return rota_fail(why, ROTA_ERR_IO, "the token is away");
	if (!log_scene_raw(s, text, raw) ||
		rota_note_line(&s->key, 0, ROTA_SPAN(raw), ROTA_BUF(room), &line) != ROTA_OK ||
		rota_checkpoint_read(text, &s->last) != ROTA_OK)
		abort();
	rota_bytes_add(lines, line);
	s->signs++;
	return ROTA_OK;
}

void log_scene_begin(struct log_scene *s, const char *dir)
{
	size_t len = 0;

	*s = (struct log_scene){ .pkey = EVP_EC_gen("P-256") };
	if (s->pkey == NULL ||
		EVP_PKEY_get_octet_string_param(s->pkey, "pub", s->point, sizeof(s->point), &len) !=
			1)
		abort();
	s->key = (struct rota_note_key){ .kind = ROTA_NOTE_LOG_P256,
		.name = ROTA_STR(LOG_SCENE_ORIGIN),
		.raw = ROTA_SPAN(s->point) };
	rota_note_key_id(crypto, &s->key);
	s->log = (struct rota_log_config){ .dir = dir, .crypto = crypto, .each = log_scene_each };
	s->tiler = (struct rota_tiler_config){
		.dir = dir, .origin = LOG_SCENE_ORIGIN, .crypto = crypto, .ctx = s, .sign = sign
	};
}

void log_scene_end(struct log_scene *s)
{
	EVP_PKEY_free(s->pkey);
}

static bool wrong(const char *what, uint64_t n)
{
	printf("the published log: %s %llu\n", what, (unsigned long long)n);
	return false;
}

/* The tiles of one level, made from the hashes of the one below, against those that stand there. */
static bool same_level(
	const struct rota_tiles *tiles, int level, const uint8_t *hashes, uint64_t count)
{
	static uint8_t tile[ROTA_TILE_LEN];
	struct rota_fail why;

	for (uint64_t n = 0; n * ROTA_TILE_WIDTH < count; n++) {
		uint64_t left = count - n * ROTA_TILE_WIDTH;
		unsigned width = left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH;

		if (rota_tile_get(tiles, level, n, width, tile, &why) != ROTA_OK)
			return wrong(why.text, n);
		if (memcmp(tile, hashes + n * ROTA_TILE_LEN, width * ROTA_SHA256_LEN) != 0)
			return wrong("another tile", n);
	}
	return true;
}

static uint64_t next_level(uint8_t *hashes, uint64_t count)
{
	for (uint64_t n = 0; n < count / ROTA_TILE_WIDTH; n++) {
		struct rota_merkle_edge edge = { .size = 0 };

		for (unsigned i = 0; i < ROTA_TILE_WIDTH; i++)
			rota_merkle_append(crypto, &edge,
				hashes + (n * ROTA_TILE_WIDTH + i) * ROTA_SHA256_LEN);
		memcpy(hashes + n * ROTA_SHA256_LEN, edge.node[0], ROTA_SHA256_LEN);
	}
	return count / ROTA_TILE_WIDTH;
}

/* Hash each entry into `hashes` and the edge. */
static bool read_entries(const struct rota_tiles *tiles, uint64_t size, uint8_t *hashes,
	struct rota_merkle_edge *edge)
{
	for (uint64_t n = 0; n * ROTA_TILE_WIDTH < size; n++) {
		uint64_t left = size - n * ROTA_TILE_WIDTH;
		unsigned width = left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH;
		struct rota_bytes bundle = { .p = NULL };
		struct rota_span rest, bytes;
		struct rota_fail why;
		bool well = rota_tile_entries(tiles, n, width, &bundle, &why) == ROTA_OK;

		rest = rota_bytes_span(&bundle);
		for (unsigned i = 0; well && i < width; i++) {
			struct rota_leaf leaf;
			uint8_t *hash = hashes + (n * ROTA_TILE_WIDTH + i) * ROTA_SHA256_LEN;

			well = rota_tile_next_entry(&rest, &bytes) == ROTA_OK &&
				rota_leaf_decode(bytes, &leaf) == ROTA_OK &&
				same_leaf(n * ROTA_TILE_WIDTH + i, &leaf);
			if (!well)
				break;
			rota_merkle_leaf(crypto, bytes, hash);
			rota_merkle_append(crypto, edge, hash);
		}
		rota_bytes_free(&bundle);
		if (!well)
			return wrong("another bundle", n);
	}
	return true;
}

bool log_scene_whole(const struct log_scene *s, struct rota_checkpoint *at)
{
	static const struct rota_merkle_edge none;
	char dir[512], path[600];
	struct rota_merkle_edge edge = none;
	struct rota_log_head head;
	struct rota_tiles tiles;
	struct rota_span text;
	struct rota_fail why;
	uint8_t root[ROTA_SHA256_LEN], *hashes;
	uint32_t who = 0;
	uint64_t count;
	bool well;

	snprintf(dir, sizeof(dir), "%s/public", s->log.dir);
	snprintf(path, sizeof(path), "%s/checkpoint", dir);
	tiles = rota_tiles_in(dir);
	if (rota_log_head_read(path, &head, &why) != ROTA_OK)
		return wrong(why.text, 0);
	*at = head.at;
	well = rota_note_open(crypto, rota_bytes_span(&head.note), &s->key, 1, &text, &who) ==
			ROTA_OK &&
		who == 1 && rota_span_is(head.at.origin, LOG_SCENE_ORIGIN);
	rota_log_head_free(&head);
	if (!well)
		return wrong("nobody signed the checkpoint", 0);
	hashes = calloc(at->size + 1, ROTA_SHA256_LEN);
	well = hashes != NULL && read_entries(&tiles, at->size, hashes, &edge);
	count = at->size;
	for (int level = 0; well && count > 0; level++) {
		well = same_level(&tiles, level, hashes, count);
		count = next_level(hashes, count);
	}
	free(hashes);
	rota_merkle_root(crypto, &edge, root);
	if (well && memcmp(root, at->root, sizeof(root)) != 0)
		return wrong("another root", at->size);
	return well;
}
