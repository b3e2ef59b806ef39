/* SPDX-License-Identifier: Apache-2.0 */
/* A whole TUF session: the input is the answers to its fetches, each a big-endian length (u16) and so many bytes;
 * a length of 0 is "no such file". So that the fuzzer reaches what lies behind signatures and digests, every
 * signature verifies here and all files have one digest; names and keys keep their own. Root never goes back,
 * and a session ends. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/reader.h"
#include "rota/update/session.h"

#include <stdlib.h>
#include <string.h>

#define BITS_AT 32 /* where a running digest of OpenSSL (SHA256_CTX) counts its bits, u32 */
#define FILE_LEN 100 /* bytes: what is shorter is a name or a key */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN])
{
	uint32_t bits;

	memcpy(&bits, (const uint8_t *)h->opaque + BITS_AT, sizeof(bits));
	rota_crypto_openssl.sha256_final(h, out);
	if (bits / 8 > FILE_LEN)
		memset(out, 0x5a, ROTA_SHA256_LEN);
}

static enum rota_err always(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	(void)ctx, (void)alg, (void)key, (void)sig, (void)digest;
	return ROTA_OK;
}

static void answer(struct rota_session *s, struct rota_span file)
{
	enum rota_err err = file.len == 0 ? ROTA_ERR_NOT_FOUND : rota_session_feed(s, file);

	rota_session_fetched(s, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t room[16384];
	const struct rota_crypto crypto = { .algs = rota_crypto_openssl.algs,
		.sha256_init = rota_crypto_openssl.sha256_init,
		.sha256_update = rota_crypto_openssl.sha256_update,
		.sha256_final = final,
		.verify_digest = always };
	struct rota_reader r = rota_reader(rota_span(data, len));
	struct rota_trusted kept = { .root_version = 1 };
	struct rota_session_config config = { &crypto, &rota_limits_m3, { 1800000000, true },
		true };
	struct rota_session s;
	struct rota_want w;

	memset(kept.root_sha256, 0x5a, ROTA_SHA256_LEN);
	if (rota_session_init(&s, &config, &kept, ROTA_BUF(room)) != ROTA_OK)
		abort();
	for (unsigned steps = 0; !r.failed; steps++) {
		const struct rota_trusted *now = rota_session_trusted(&s);

		rota_session_want(&s, &w);
		if (now->root_version < kept.root_version || steps > len + 1000)
			abort();
		kept = *now;
		if (w.kind == ROTA_WANT_KEEP)
			rota_session_kept(&s, ROTA_OK);
		else if (w.kind == ROTA_WANT_FETCH)
			answer(&s, rota_read_span(&r, rota_read_be16(&r)));
		else if (w.kind != ROTA_WANT_NOTHING ||
			rota_session_find(&s, ROTA_STR("rollouts"),
				ROTA_STR("rollouts/lamp.json")) != ROTA_OK)
			break;
	}
	rota_session_drop(&s);
	return 0;
}
