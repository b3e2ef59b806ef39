/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with a key bundle: what is read whole reads the same in single bytes, and leads to the same root; head and
 * bundle are written again as they were. */
#include "rota/trust/keyanswer.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err walk(struct rota_keyanswer *a, struct rota_span in, size_t piece,
	uint8_t root[static ROTA_SHA256_LEN])
{
	rota_keyanswer_begin(a, &rota_crypto_openssl);
	for (size_t at = 0; at < in.len; at += piece)
		ROTA_TRY(rota_keyanswer_feed(a, rota_span_slice(in, at, piece)));
	return rota_keyanswer_end(a, root);
}

static bool same_again(const uint8_t bundle[static ROTA_KEYBUNDLE_LEN])
{
	uint8_t again[ROTA_KEYBUNDLE_LEN];
	struct rota_keybundle b;

	if (rota_keybundle_decode(rota_span(bundle, ROTA_KEYBUNDLE_LEN), &b) != ROTA_OK)
		return false;
	rota_keybundle_encode(&b, again);
	return memcmp(again, bundle, sizeof(again)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rota_keyanswer a, b;
	uint8_t one[ROTA_SHA256_LEN], two[ROTA_SHA256_LEN], head[ROTA_KEYANSWER_HEAD_LEN];
	enum rota_err err = walk(&a, rota_span(data, len), len, one);

	if (walk(&b, rota_span(data, len), 1, two) != err)
		abort();
	if (err != ROTA_OK)
		return 0;
	rota_keyanswer_head_encode(&a.head, head);
	if (memcmp(one, two, sizeof(one)) != 0 || memcmp(head, data, sizeof(head)) != 0 ||
		memcmp(a.bundle, &data[sizeof(head)], sizeof(a.bundle)) != 0 ||
		len > ROTA_KEYANSWER_MAX || !same_again(a.bundle))
		abort();
	return 0;
}
