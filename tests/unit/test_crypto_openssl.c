/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL port against published vectors: FIPS 180-4's SHA-256 examples, RFC 6979 A.2.5 (P-256,
 * SHA-256, "sample") and RFC 8032 7.1 (Ed25519, tests 1 and 3), and against what must be refused. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"
#include "tests/unit/test.h"

static const struct rota_crypto *const c = &rota_crypto_openssl;

static const char p256_key[] = "04"
			       "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			       "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char p256_sig[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
			       "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static void bytes(const char *hex, struct rota_buf to)
{
	if (rota_hex_decode(rota_span_cstr(hex), to) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "hex of a vector");
}

TEST(sha256_gives_the_published_digests)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t want[32], got[32];

		ROW(rows[i].text);
		bytes(rows[i].digest, ROTA_BUF(want));
		rota_sha256_of(c, rota_span_cstr(rows[i].text), got);
		CHECK_MEM(got, want, 32);
	}
}

TEST(sha256_context_is_a_value)
{
	struct rota_sha256 h, snapshot;
	uint8_t abc[32], whole[32], got[32];

	rota_sha256_of(c, ROTA_STR("abc"), abc);
	rota_sha256_of(c, ROTA_STR("abcdef"), whole);
	c->sha256_init(&h);
	c->sha256_update(&h, ROTA_STR("abc"));
	snapshot = h;
	c->sha256_final(&h, got);
	CHECK_MEM(got, abc, 32);
	c->sha256_update(&h, ROTA_STR("def")); /* final does not end it */
	c->sha256_final(&h, got);
	CHECK_MEM(got, whole, 32);
	c->sha256_final(&snapshot, got);
	CHECK_MEM(got, abc, 32);
}

static enum rota_err p256(
	const char *text, struct rota_span key, struct rota_span sig, enum rota_alg alg)
{
	uint8_t digest[32];

	rota_sha256_of(c, rota_span_cstr(text), digest);
	return c->verify_digest(c->ctx, alg, key, sig, digest);
}

TEST(p256_verifies_and_refuses)
{
	uint8_t key[65], sig[64], bad[65];

	bytes(p256_key, ROTA_BUF(key));
	bytes(p256_sig, ROTA_BUF(sig));
	CHECK_OK(p256("sample", ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256));
	CHECK_OK(p256("sample", ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256));
	CHECK_EQ(p256("Sample", ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	CHECK_EQ(p256("sample", ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_ALG_ED25519),
		ROTA_ERR_UNSUPPORTED);
	for (size_t i = 0; i < 64; i += 21) {
		memcpy(bad, sig, 64);
		bad[i] ^= 1;
		CHECK_EQ(p256("sample", ROTA_SPAN(key), rota_span(bad, 64), ROTA_ALG_ECDSA_P256),
			ROTA_ERR_SIGNATURE);
	}
}

/* What is not of the raw form, or out of range, is one that does not verify. */
TEST(p256_refuses_odd_forms)
{
	/* the group order: r or s that equals it is out of range */
	static const char order[] =
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	uint8_t key[65], sig[64], odd[65];

	bytes(p256_key, ROTA_BUF(key));
	bytes(p256_sig, ROTA_BUF(sig));
	memcpy(odd, key, 65);
	odd[64] ^= 1;
	CHECK_EQ(p256("sample", ROTA_SPAN(odd), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE); /* off the curve */
	memcpy(odd, key, 65);
	odd[0] = 0x07; /* hybrid form, y odd */
	CHECK_EQ(p256("sample", ROTA_SPAN(odd), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	odd[0] = 0x03; /* compressed form */
	CHECK_EQ(p256("sample", rota_span(odd, 33), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	CHECK_EQ(p256("sample", rota_span(NULL, 0), ROTA_SPAN(sig), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	CHECK_EQ(p256("sample", ROTA_SPAN(key), rota_span(sig, 63), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	memset(odd, 0, 64);
	CHECK_EQ(p256("sample", ROTA_SPAN(key), rota_span(odd, 64), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
	memcpy(odd, sig, 64);
	bytes(order, rota_buf(odd, 32));
	CHECK_EQ(p256("sample", ROTA_SPAN(key), rota_span(odd, 64), ROTA_ALG_ECDSA_P256),
		ROTA_ERR_SIGNATURE);
}

static enum rota_err ed25519(const char *key, const char *sig, struct rota_span message)
{
	struct rota_verify v;
	uint8_t raw_key[32], raw_sig[64];

	bytes(key, ROTA_BUF(raw_key));
	bytes(sig, ROTA_BUF(raw_sig));
	ROTA_TRY(c->verify_begin(
		c->ctx, &v, ROTA_ALG_ED25519, ROTA_SPAN(raw_key), ROTA_SPAN(raw_sig)));
	for (size_t i = 0; i < message.len; i++)
		c->verify_update(&v, rota_span_slice(message, i, 1));
	return c->verify_finish(&v);
}

TEST(ed25519_verifies_and_refuses)
{
	static const char key1[] =
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
	static const char sig1[] =
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
	static const char key3[] =
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
	static const char sig3[] =
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
	static const uint8_t message3[] = { 0xaf, 0x82 };

	CHECK_OK(ed25519(key1, sig1, rota_span(NULL, 0)));
	CHECK_OK(ed25519(key3, sig3, ROTA_SPAN(message3)));
	CHECK_EQ(ed25519(key3, sig3, rota_span(message3, 1)), ROTA_ERR_SIGNATURE);
	CHECK_EQ(ed25519(key1, sig3, ROTA_SPAN(message3)), ROTA_ERR_SIGNATURE);
}

TEST(ed25519_message_has_a_limit)
{
	static uint8_t piece[1 << 20];
	struct rota_verify v;
	uint8_t key[32] = { 1 }, sig[64] = { 0 };

	CHECK_EQ(c->verify_begin(c->ctx, &v, ROTA_ALG_ED25519, rota_span(key, 31), ROTA_SPAN(sig)),
		ROTA_ERR_SIGNATURE);
	CHECK_EQ(c->verify_begin(c->ctx, &v, ROTA_ALG_ECDSA_P256, ROTA_SPAN(key), ROTA_SPAN(sig)),
		ROTA_ERR_UNSUPPORTED);
	CHECK_OK(c->verify_begin(c->ctx, &v, ROTA_ALG_ED25519, ROTA_SPAN(key), ROTA_SPAN(sig)));
	for (size_t i = 0; i < ROTA_CRYPTO_OPENSSL_STAGE_MAX / sizeof(piece); i++)
		c->verify_update(&v, ROTA_SPAN(piece));
	c->verify_update(&v, rota_span(piece, 1));
	CHECK_EQ(c->verify_finish(&v), ROTA_ERR_LIMIT);
}

TESTS(T(sha256_gives_the_published_digests), T(sha256_context_is_a_value),
	T(p256_verifies_and_refuses), T(p256_refuses_odd_forms), T(ed25519_verifies_and_refuses),
	T(ed25519_message_has_a_limit))
