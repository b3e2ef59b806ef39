/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed records (SPEC 36.1): heads of any bytes, and records that were sealed here and then had these bytes laid over
 * them. What opens must be what was sealed. The first byte says what is done with the rest. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/crypto/record.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 160 /* the longest input and what lies around it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t device[ROTA_DEVICE_LEN], generation_key[32], epoch[ROTA_RECORD_EPOCH_LEN];

static void check_head(struct rota_span in)
{
	struct rota_record_head head;

	if (rota_record_head(in, &head) != ROTA_OK)
		return;
	if (head.length + (size_t)ROTA_RECORD_OVERHEAD != in.len || head.generation == 0)
		abort();
}

/* A record of `plain`, then `over` laid over it from `at` on. */
static void check_open(
	const struct rota_record_key *k, struct rota_span plain, size_t at, struct rota_span over)
{
	struct rota_record_opening o = { .opening = 1 };
	uint8_t sealed[ROOM], room[ROOM];
	size_t len = plain.len + ROTA_RECORD_OVERHEAD;
	struct rota_span got;

	if (plain.len > 0)
		memcpy(sealed + ROTA_RECORD_HEAD_LEN_V1, plain.p, plain.len);
	if (rota_record_seal(k, &rota_aead_openssl, &o, ROTA_STR("place"), ROTA_BUF(sealed),
		    plain.len) != ROTA_OK)
		abort();
	memcpy(room, sealed, len);
	if (at > len || over.len > len - at)
		return;
	if (over.len > 0)
		memcpy(room + at, over.p, over.len);
	if (rota_record_open(k, &rota_aead_openssl, ROTA_STR("place"), rota_buf(room, len), &got) !=
		ROTA_OK) {
		if (got.len != 0 || memcmp(room, sealed, len) == 0)
			abort();
		return;
	}
	if (!rota_span_eq(got, plain) || memcmp(room, sealed, ROTA_RECORD_HEAD_LEN_V1) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct rota_datakey of = {
		.purpose = 1, .cipher = ROTA_CIPHER_AES128_GCM, .generation = 1, .device = device
	};
	static struct rota_record_key k;
	static bool begun;
	size_t half;

	check_head(rota_span(data, len));
	if (len < 2 || len > ROOM - ROTA_RECORD_OVERHEAD)
		return 0;
	if (!begun &&
		rota_record_key_begin(&k, &rota_crypto_openssl, &rota_aead_openssl,
			rota_span(generation_key, 16), &of, ROTA_USE_UP, epoch) != ROTA_OK)
		abort();
	begun = true;
	half = (len - 2) / 2;
	check_open(&k, rota_span(data + 2, half), data[1],
		rota_span(data + 2 + half, data[0] % (len - 1 - half)));
	return 0;
}
