/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of secrets, confirmation keys and wrapped keys: what they are made of, and what does not open. */
#include "host/campaign/confirm.h"
#include "host/campaign/copies.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/mem.h"
#include "tests/unit/test.h"

#define DEVICES 5
#define LEN (ROTA_COPIES_OVERHEAD + DEVICES * ROTA_SECRET_LEN)

static uint8_t campaign_key[ROTA_KEYWRAP_KEY_LEN] = "a campaign key";

static struct rota_copies head(void)
{
	struct rota_copies h = { .tree = 3,
		.purpose = 1,
		.cipher = 2,
		.generation = 70000,
		.size = 5000,
		.activation_s = 1800000000 };

	memset(h.campaign, 'c', sizeof(h.campaign));
	memset(h.salt, 's', sizeof(h.salt));
	memset(h.wrapped, 'w', sizeof(h.wrapped));
	return h;
}

static struct rota_copies_key key(void)
{
	struct rota_copies_key k = {
		.crypto = &rota_crypto_openssl, .aead = &rota_aead_openssl, .key = campaign_key
	};
	struct rota_copies h = head();

	rota_copies_encode(&h, k.head);
	return k;
}

static void plain(uint8_t chunk[static LEN])
{
	for (size_t i = 0; i < LEN; i++)
		chunk[i] = (uint8_t)i;
}

TEST(a_head_is_what_it_says_or_none)
{
	uint8_t bytes[ROTA_COPIES_HEAD_LEN];
	struct rota_copies want = head(), got = { 0 };

	rota_copies_encode(&want, bytes);
	CHECK_OK(rota_copies_decode(bytes, &got));
	CHECK_MEM(&got, &want, sizeof(got));
	for (size_t at = 0; at < sizeof(bytes); at++) {
		bytes[at] ^= 4;
		CHECK_EQ(rota_copies_decode(bytes, &got),
			at == 7 ? ROTA_ERR_UNSUPPORTED : ROTA_ERR_FORMAT);
		bytes[at] ^= 4;
	}
}

TEST(a_chunk_opens_under_its_own_key_alone)
{
	struct rota_copies_key k = key(), other = k;
	uint8_t chunk[LEN], sealed[LEN], want[LEN];

	plain(want);
	plain(sealed);
	CHECK_OK(rota_copies_seal(&k, 7, ROTA_BUF(sealed)));
	memcpy(chunk, sealed, LEN);
	CHECK_OK(rota_copies_open(&k, 7, ROTA_BUF(chunk)));
	CHECK_MEM(chunk, want, LEN - ROTA_AEAD_TAG_LEN);
	memcpy(chunk, sealed, LEN);
	CHECK_EQ(rota_copies_open(&k, 6, ROTA_BUF(chunk)), ROTA_ERR_SIGNATURE);
	other.head[10] ^= 1; /* another campaign's file */
	memcpy(chunk, sealed, LEN);
	CHECK_EQ(rota_copies_open(&other, 7, ROTA_BUF(chunk)), ROTA_ERR_SIGNATURE);
	for (size_t at = 0; at < LEN; at++) {
		memcpy(chunk, sealed, LEN);
		chunk[at] ^= 1;
		CHECK_EQ(rota_copies_open(&k, 7, ROTA_BUF(chunk)), ROTA_ERR_SIGNATURE);
	}
	for (size_t len = 0; len <= ROTA_COPIES_OVERHEAD; len++)
		CHECK_EQ(rota_copies_open(&k, 7, rota_buf(chunk, len)), ROTA_ERR_FORMAT);
}

/* Key and nonce of a chunk are of one attempt: with another salt nothing is the same, key stream included. */
TEST(another_attempt_has_another_key)
{
	struct rota_copies_key k = key();
	uint8_t first[LEN], second[LEN];

	plain(first);
	plain(second);
	second[0] ^= 1;
	CHECK_OK(rota_copies_seal(&k, 7, ROTA_BUF(first)));
	CHECK_OK(rota_copies_seal(&k, 7, ROTA_BUF(second)));
	for (size_t at = ROTA_COPIES_SALT_LEN; at + 16 <= LEN; at += 16)
		CHECK(memcmp(first + at, second + at, 16) != 0);
}

TEST(where_a_chunk_lies)
{
	static const struct {
		uint32_t size, chunks, last;
	} rows[] = { { 1, 1, 1 }, { 1023, 1, 1023 }, { 1024, 1, 1024 }, { 1025, 2, 1 },
		{ 1u << 24, 16384, 1024 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t last = rows[i].chunks - 1;

		CHECK_EQ(rota_copies_chunks(rows[i].size), rows[i].chunks);
		CHECK_EQ(rota_copies_devices(rows[i].size, last), rows[i].last);
		CHECK_EQ(rota_copies_len(rows[i].size),
			rota_copies_at(last) + ROTA_COPIES_OVERHEAD +
				(uint64_t)rows[i].last * ROTA_SECRET_LEN);
	}
	CHECK_EQ(rota_copies_at(1), 140 + 16 + 32768 + 16);
}

TEST(confirmation_keys_have_a_head_of_their_own)
{
	struct rota_confirm want = { .tree = 2, .size = 1000000 }, got = { 0 };
	uint8_t bytes[ROTA_CONFIRM_HEAD_LEN];

	memset(want.campaign, 'c', 32);
	memset(want.root, 'r', 32);
	rota_confirm_encode(&want, bytes);
	CHECK_OK(rota_confirm_decode(bytes, 128 + 32000000, &got));
	CHECK_MEM(&got, &want, sizeof(got));
	CHECK_EQ(rota_confirm_decode(bytes, 128 + 31999999, &got), ROTA_ERR_LENGTH);
	CHECK_EQ(rota_confirm_at(1), 160);
	for (size_t at = 0; at < sizeof(bytes); at++) {
		bytes[at] ^= 4;
		CHECK_EQ(rota_confirm_decode(bytes, 128 + 32000000, &got),
			at == 8 ? ROTA_ERR_UNSUPPORTED : ROTA_ERR_FORMAT);
		bytes[at] ^= 4;
	}
}

TESTS(T(a_head_is_what_it_says_or_none), T(a_chunk_opens_under_its_own_key_alone),
	T(another_attempt_has_another_key), T(where_a_chunk_lies),
	T(confirmation_keys_have_a_head_of_their_own))
