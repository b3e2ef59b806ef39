/* SPDX-License-Identifier: Apache-2.0 */
/* Files of key bundles, opened and searched. A fuzzer finds no CRC and no root, so the file is made up as it is read:
 * the input says its size, the two entries of the fan-out that anybody reads, how the head was damaged, whether bundles
 * know their place, and the bytes of all else, over and over. Nothing is ever read outside of the length in the head. */
#include "host/campaign/bundlefile.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/reader.h"
#include "rota/crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	uint8_t head[ROTA_KEYFILE_HEAD_LEN], pair[8];
	bool placed; /* bundles begin as those of their places do */
	struct rota_span rest;
	uint64_t end;
};

static uint8_t byte_of(const struct input *in, uint64_t at)
{
	uint32_t index = (uint32_t)((at - ROTA_KEYFILE_BUNDLES_AT) / ROTA_KEYBUNDLE_LEN);
	const uint8_t begin[] = { 1, 1, (uint8_t)index, (uint8_t)(index >> 8), 0, 0 };
	uint64_t in_bundle = (at - ROTA_KEYFILE_BUNDLES_AT) % ROTA_KEYBUNDLE_LEN;

	return in->placed && in_bundle < sizeof(begin) ? begin[in_bundle]
						       : in->rest.p[at % in->rest.len];
}

static enum rota_err read_input(void *ctx, uint64_t off, struct rota_buf to, struct rota_fail *why)
{
	const struct input *in = ctx;

	(void)why;
	if (off + to.len > in->end)
		abort();
	for (size_t i = 0; i < to.len; i++)
		to.p[i] = off < ROTA_KEYFILE_HEAD_LEN   ? in->head[off + i]
			: off < ROTA_KEYFILE_BUNDLES_AT ? in->pair[i]
							: byte_of(in, off + i);
	return ROTA_OK;
}

/* A head of `size` bundles with the root that the last row leads to. */
static void make_head(struct input *in, uint32_t size)
{
	struct rota_keyfile f = { .size = size };
	unsigned levels = rota_keyfile_levels(size);
	bool two = rota_keyfile_nodes(size, levels - 1) > 128;
	uint8_t row[2][ROTA_SHA256_LEN];

	in->end = rota_keyfile_level_at(size, levels);
	(void)read_input(in, in->end - (two ? 64 : 32), rota_buf(row, two ? 64 : 32), NULL);
	if (two)
		rota_merkle_node(&rota_crypto_openssl, row[0], row[1], row[0]);
	memcpy(f.root, row[0], sizeof(f.root));
	rota_keyfile_head(&f, in->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN], proof[ROTA_KEYBUNDLE_PROOF_MAX][ROTA_SHA256_LEN], count;
	struct rota_reader r = rota_reader(rota_span(data, len));
	struct input in = { 0 };
	struct rota_keyfile_source source = { &in, read_input };
	struct rota_keyfile f;
	struct rota_fail why;
	uint32_t index, size = rota_read_le32(&r) % ROTA_KEYBUNDLE_SIZE_MAX + 1;
	uint8_t at = rota_read_u8(&r), flip = rota_read_u8(&r), locator[ROTA_KEYBUNDLE_LOCATOR_LEN];

	in.placed = (rota_read_u8(&r) & 1) != 0;
	rota_read_bytes(&r, ROTA_BUF(locator));
	rota_read_bytes(&r, ROTA_BUF(in.pair));
	in.rest = r.rest;
	if (r.failed || in.rest.len == 0)
		return 0;
	make_head(&in, size);
	in.head[at % ROTA_KEYFILE_HEAD_LEN] ^= flip;
	if ((rota_keyfile_open(&f, &source, &rota_crypto_openssl, &why) == ROTA_OK) != (flip == 0))
		abort();
	if (flip == 0 &&
		rota_keyfile_find(&f, locator, &index, bundle, proof, &count, &why) == ROTA_OK &&
		(index >= size || count > ROTA_KEYBUNDLE_PROOF_MAX ||
			memcmp(&bundle[6], locator, sizeof(locator)) != 0))
		abort();
	return 0;
}
