/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/prove.h"
#include "host/base/file.h"
#include "host/log/walk.h"
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/trust/logproof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
	struct rota_log_wanted *wanted;
	size_t count;
};

static bool fits(const struct rota_log_wanted *w, const struct rota_leaf *leaf)
{
	return rota_span_is(leaf->path, w->path) &&
		(w->any || memcmp(leaf->digest, w->sha256, ROTA_SHA256_LEN) == 0);
}

static enum rota_err look(void *ctx, const struct rota_log_entry *e, struct rota_fail *why)
{
	const struct search *s = ctx;

	(void)why;
	if (e->leaf.kind != ROTA_LEAF_RELEASE && e->leaf.kind != ROTA_LEAF_GRANTED)
		return ROTA_OK;
	for (size_t i = 0; i < s->count; i++) {
		struct rota_log_wanted *w = &s->wanted[i];

		if (!fits(w, &e->leaf))
			continue;
		w->found = true;
		w->index = e->index;
		memcpy(w->sha256, e->leaf.digest, sizeof(w->sha256));
		memcpy(w->leaf, e->bytes.p, e->bytes.len);
		w->leaf_len = e->bytes.len;
	}
	return ROTA_OK;
}

enum rota_err rota_log_find(const struct rota_tiles *files, uint64_t size,
	struct rota_log_wanted *wanted, size_t count, struct rota_fail *why)
{
	struct search s = { .wanted = wanted, .count = count };
	const struct rota_log_visitor visitor = { .ctx = &s, .take = look };

	return rota_log_walk(files, size, &visitor, why);
}

static void add_base64(struct rota_bytes *out, struct rota_span bytes)
{
	uint8_t letters[(ROTA_LEAF_MAX + 2) / 3 * 4];
	size_t len = 0;

	/* there is room for the longest leaf */
	(void)!rota_base64_encode(bytes, ROTA_BUF(letters), &len);
	rota_bytes_add(out, rota_span(letters, len));
	rota_bytes_add_text(out, "\n");
}

static enum rota_err check(const struct rota_crypto *crypto, const struct rota_log_wanted *w,
	struct rota_span hashes, const struct rota_checkpoint *at, struct rota_fail *why)
{
	uint8_t leaf[ROTA_SHA256_LEN], root[ROTA_SHA256_LEN];
	enum rota_err err;

	rota_merkle_leaf(crypto, rota_span(w->leaf, w->leaf_len), leaf);
	err = rota_merkle_inclusion(crypto, w->index, at->size, leaf, hashes, root);
	if (err == ROTA_OK && memcmp(root, at->root, sizeof(root)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH,
		"the tiles do not give the root that was signed; see: rota audit verify");
}

enum rota_err rota_log_prove(const struct rota_crypto *crypto, const struct rota_tiles *files,
	const struct rota_log_wanted *w, struct rota_span note, const struct rota_checkpoint *at,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_bytes hashes = { 0 };
	enum rota_err err = rota_tiles_inclusion(crypto, files, w->index, at->size, &hashes, why);

	if (err == ROTA_OK)
		err = check(crypto, w, rota_bytes_span(&hashes), at, why);
	if (err == ROTA_OK) {
		rota_bytes_add_text(out, "c2sp.org/tlog-proof@v1\nextra ");
		add_base64(out, rota_span(w->leaf, w->leaf_len));
		rota_bytes_print(out, "index %" PRIu64 "\n", w->index);
		for (size_t i = 0; i < hashes.len; i += ROTA_SHA256_LEN)
			add_base64(out, rota_span(hashes.p + i, ROTA_SHA256_LEN));
		rota_bytes_add_text(out, "\n");
		rota_bytes_add(out, note);
	}
	rota_bytes_free(&hashes);
	if (err == ROTA_OK && out->len > ROTA_LOGPROOF_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"the proof has %zu bytes, devices take %d: too many cosignatures", out->len,
			ROTA_LOGPROOF_MAX);
	return err;
}

void rota_log_proof_path(
	const uint8_t sha256[static ROTA_SHA256_LEN], char out[static ROTA_LOG_PROOF_PATH_MAX])
{
	char hex[2 * ROTA_SHA256_LEN + 1];

	rota_hex(rota_span(sha256, ROTA_SHA256_LEN), hex);
	snprintf(out, ROTA_LOG_PROOF_PATH_MAX, "proofs/%s.tlog-proof", hex);
}

enum rota_err rota_log_proof_place(const char *folder, const struct rota_log_wanted *wanted,
	struct rota_span proof, char **path, struct rota_fail *why)
{
	char name[ROTA_LOG_PROOF_PATH_MAX];
	char *proofs = rota_text("%s/proofs", folder);
	enum rota_err err = rota_file_mkdirs(proofs, 0755, why);

	free(proofs);
	rota_log_proof_path(wanted->sha256, name);
	*path = rota_text("%s/%s", folder, name);
	return err == ROTA_OK ? rota_file_write(*path, proof, 0644, why) : err;
}
