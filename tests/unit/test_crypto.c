/* SPDX-License-Identifier: Apache-2.0 */
/* What every port of rota/port/crypto.h must do alike; linked once per port, which is named by the build
 * in TEST_CRYPTO_HEADER and TEST_CRYPTO. Vectors: SHA-256 from FIPS 180-4's examples and NIST's long
 * message of a million 'a'; ECDSA P-256 from RFC 6979 A.2.5. */
#include TEST_CRYPTO_HEADER
#include "rota/base/hex.h"
#include "tests/unit/test.h"

static const struct rota_crypto *const port = &TEST_CRYPTO;

/* SHA-256 ------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *piece;
	unsigned repeat;
	const char *digest;
} digests[] = {
	{ "empty", "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "24 bits", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "448 bits: padding takes a block of its own",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "896 bits: two blocks",
		"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	{ "a million 'a', 50 at a time", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		20000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

TEST(sha256_gives_the_published_digests)
{
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		struct rota_sha256 h;
		uint8_t want[ROTA_SHA256_LEN], got[ROTA_SHA256_LEN];

		ROW(digests[i].name);
		CHECK_OK(rota_hex_decode(rota_span_cstr(digests[i].digest), ROTA_BUF(want)));
		port->sha256_init(&h);
		for (unsigned n = 0; n < digests[i].repeat; n++)
			port->sha256_update(&h, rota_span_cstr(digests[i].piece));
		port->sha256_final(&h, got);
		CHECK_MEM(got, want, sizeof(want));
	}
}

TEST(a_running_sha256_is_a_value_and_goes_on_after_final)
{
	struct rota_sha256 h, snapshot;
	uint8_t first[ROTA_SHA256_LEN], whole[ROTA_SHA256_LEN], got[ROTA_SHA256_LEN];

	rota_sha256_of(port, ROTA_STR("abc"), first);
	rota_sha256_of(port, ROTA_STR("abcdef"), whole);
	port->sha256_init(&h);
	port->sha256_update(&h, ROTA_STR("abc"));
	snapshot = h;
	port->sha256_final(&h, got);
	CHECK_MEM(got, first, sizeof(got));
	port->sha256_update(&h, ROTA_STR("def"));
	port->sha256_final(&h, got);
	CHECK_MEM(got, whole, sizeof(got));
	port->sha256_update(&snapshot, ROTA_STR("def"));
	port->sha256_final(&snapshot, got);
	CHECK_MEM(got, whole, sizeof(got));
}

TEST(sha256_takes_an_empty_span_without_a_pointer)
{
	struct rota_sha256 h;
	uint8_t want[ROTA_SHA256_LEN], got[ROTA_SHA256_LEN];

	rota_sha256_of(port, ROTA_STR("abc"), want);
	port->sha256_init(&h);
	port->sha256_update(&h, rota_span(NULL, 0));
	port->sha256_update(&h, ROTA_STR("abc"));
	port->sha256_update(&h, rota_span(NULL, 0));
	port->sha256_final(&h, got);
	CHECK_MEM(got, want, sizeof(got));
}

/* Pieces of 1 to 70 bytes, so that each place in a block is where one ends. */
TEST(sha256_does_not_depend_on_the_pieces)
{
	uint8_t message[256], whole[ROTA_SHA256_LEN], got[ROTA_SHA256_LEN];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
	rota_sha256_of(port, ROTA_SPAN(message), whole);
	for (size_t piece = 1; piece <= 70; piece++) {
		struct rota_sha256 h;

		port->sha256_init(&h);
		for (size_t at = 0; at < sizeof(message); at += piece)
			port->sha256_update(&h, rota_span_slice(ROTA_SPAN(message), at, piece));
		port->sha256_final(&h, got);
		CHECK_MEM(got, whole, sizeof(got));
	}
}

/* ECDSA P-256 --------------------------------------------------------------------------------------- */

#define KEY_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define KEY_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define SAMPLE_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define SAMPLE_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define TEST_R "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
#define TEST_S "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
/* The curve's group order and field prime (FIPS 186-4 D.1.2.3). */
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
struct signature {
	const char *reason;
	const char *key;
	const char *sig;
	const char *message;
	enum rota_err want;
};

static const struct signature signatures[] = {
	{ "RFC 6979, \"sample\"", "04" KEY_X KEY_Y, SAMPLE_R SAMPLE_S, "sample", ROTA_OK },
	{ "RFC 6979, \"test\"", "04" KEY_X KEY_Y, TEST_R TEST_S, "test", ROTA_OK },
	{ "of another message", "04" KEY_X KEY_Y, SAMPLE_R SAMPLE_S, "test", ROTA_ERR_SIGNATURE },
	{ "r of one, s of another", "04" KEY_X KEY_Y, SAMPLE_R TEST_S, "sample",
		ROTA_ERR_SIGNATURE },
	{ "r and s swapped", "04" KEY_X KEY_Y, SAMPLE_S SAMPLE_R, "sample", ROTA_ERR_SIGNATURE },
	{ "r is 0", "04" KEY_X KEY_Y, ZERO SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "s is 0", "04" KEY_X KEY_Y, SAMPLE_R ZERO, "sample", ROTA_ERR_SIGNATURE },
	{ "both are 0", "04" KEY_X KEY_Y, ZERO ZERO, "sample", ROTA_ERR_SIGNATURE },
	{ "r is the order", "04" KEY_X KEY_Y, ORDER SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "s is the order", "04" KEY_X KEY_Y, SAMPLE_R ORDER, "sample", ROTA_ERR_SIGNATURE },
	{ "both beyond the order", "04" KEY_X KEY_Y, ONES ONES, "sample", ROTA_ERR_SIGNATURE },
	{ "no signature", "04" KEY_X KEY_Y, "", "sample", ROTA_ERR_SIGNATURE },
	{ "half a signature", "04" KEY_X KEY_Y, SAMPLE_R, "sample", ROTA_ERR_SIGNATURE },
	{ "a zero byte before r and s", "04" KEY_X KEY_Y, "00" SAMPLE_R "00" SAMPLE_S, "sample",
		ROTA_ERR_SIGNATURE },
	{ "no key", "", SAMPLE_R SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "a key without its first byte", KEY_X KEY_Y, SAMPLE_R SAMPLE_S, "sample",
		ROTA_ERR_SIGNATURE },
	{ "a key and a byte", "04" KEY_X KEY_Y "00", SAMPLE_R SAMPLE_S, "sample",
		ROTA_ERR_SIGNATURE },
	{ "a compressed key", "03" KEY_X, SAMPLE_R SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "a hybrid key", "07" KEY_X KEY_Y, SAMPLE_R SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "the point at infinity", "00", SAMPLE_R SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "a point off the curve", "04" KEY_X KEY_X, SAMPLE_R SAMPLE_S, "sample",
		ROTA_ERR_SIGNATURE },
	{ "a point of zeros", "04" ZERO ZERO, SAMPLE_R SAMPLE_S, "sample", ROTA_ERR_SIGNATURE },
	{ "coordinates beyond the prime", "04" PRIME ONES, SAMPLE_R SAMPLE_S, "sample",
		ROTA_ERR_SIGNATURE },
};

static enum rota_err verify(const struct signature *row)
{
	/* Room for the longest rows above. */
	uint8_t key[ROTA_P256_KEY_LEN + 1], sig[ROTA_P256_SIG_LEN + 2], digest[ROTA_SHA256_LEN];
	struct rota_span key_hex = rota_span_cstr(row->key), sig_hex = rota_span_cstr(row->sig);
	struct rota_buf key_room = rota_buf(key, key_hex.len / 2);
	struct rota_buf sig_room = rota_buf(sig, sig_hex.len / 2);

	if (key_room.len > sizeof(key) || sig_room.len > sizeof(sig))
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_hex_decode(key_hex, key_room));
	ROTA_TRY(rota_hex_decode(sig_hex, sig_room));
	rota_sha256_of(port, rota_span_cstr(row->message), digest);
	return port->verify_digest(port->ctx, ROTA_ALG_ECDSA_P256, rota_span(key, key_room.len),
		rota_span(sig, sig_room.len), digest);
}

TEST(p256_takes_good_signatures_and_no_others)
{
	CHECK(port->algs & 1u << ROTA_ALG_ECDSA_P256);
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		ROW(signatures[i].reason);
		CHECK_EQ(verify(&signatures[i]), signatures[i].want);
	}
}

/* Every bit of a good signature counts; one of each byte is tried. */
TEST(p256_refuses_a_signature_with_a_bit_flipped)
{
	uint8_t key[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], digest[ROTA_SHA256_LEN];

	CHECK_OK(rota_hex_decode(ROTA_STR("04" KEY_X KEY_Y), ROTA_BUF(key)));
	CHECK_OK(rota_hex_decode(ROTA_STR(SAMPLE_R SAMPLE_S), ROTA_BUF(sig)));
	rota_sha256_of(port, ROTA_STR("sample"), digest);
	for (size_t i = 0; i < sizeof(sig); i += 7) {
		sig[i] ^= (uint8_t)(1u << (i % 8));
		CHECK_EQ(port->verify_digest(port->ctx, ROTA_ALG_ECDSA_P256, ROTA_SPAN(key),
				 ROTA_SPAN(sig), digest),
			ROTA_ERR_SIGNATURE);
		sig[i] ^= (uint8_t)(1u << (i % 8));
	}
	CHECK_OK(port->verify_digest(
		port->ctx, ROTA_ALG_ECDSA_P256, ROTA_SPAN(key), ROTA_SPAN(sig), digest));
}

/* A point with x = 5, and x + p, which fits 32 bytes as well: a port that reduces coordinates instead of
 * refusing them takes both. The signature is G + 2 Q as R, and so is valid for a digest of its own. */
#define SMALL_X "0000000000000000000000000000000000000000000000000000000000000005"
#define SMALL_X_PLUS_P "ffffffff00000001000000000000000000000001000000000000000000000004"
#define SMALL_Y "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc"
#define SMALL_R "cd04104a3ece92b007cfb16983a5792c4d3a49c7065846ac1ba5ece76168f93a"
#define SMALL_S "668208251f67495803e7d8b4c1d2bc96269d24e3832c23560dd2f673b0b47c9d"
#define SMALL_DIGEST "668208251f67495803e7d8b4c1d2bc96269d24e3832c23560dd2f673b0b47c9d"

TEST(p256_refuses_a_coordinate_beyond_the_prime)
{
	uint8_t key[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], digest[ROTA_SHA256_LEN];

	CHECK_OK(rota_hex_decode(ROTA_STR(SMALL_R SMALL_S), ROTA_BUF(sig)));
	CHECK_OK(rota_hex_decode(ROTA_STR(SMALL_DIGEST), ROTA_BUF(digest)));
	CHECK_OK(rota_hex_decode(ROTA_STR("04" SMALL_X SMALL_Y), ROTA_BUF(key)));
	CHECK_OK(port->verify_digest(
		port->ctx, ROTA_ALG_ECDSA_P256, ROTA_SPAN(key), ROTA_SPAN(sig), digest));
	CHECK_OK(rota_hex_decode(ROTA_STR("04" SMALL_X_PLUS_P SMALL_Y), ROTA_BUF(key)));
	CHECK_EQ(port->verify_digest(
			 port->ctx, ROTA_ALG_ECDSA_P256, ROTA_SPAN(key), ROTA_SPAN(sig), digest),
		ROTA_ERR_SIGNATURE);
}

/* The interface ------------------------------------------------------------------------------------- */

TEST(what_a_port_does_not_have_is_unsupported)
{
	static const enum rota_alg not_over_sha256[] = { ROTA_ALG_NONE, ROTA_ALG_ED25519,
		ROTA_ALG_LMS, ROTA_ALG_ML_DSA_44 };
	uint8_t digest[ROTA_SHA256_LEN] = { 0 };

	for (size_t i = 0; i < sizeof(not_over_sha256) / sizeof(not_over_sha256[0]); i++)
		CHECK_EQ(port->verify_digest(port->ctx, not_over_sha256[i], ROTA_STR("key"),
				 ROTA_STR("signature"), digest),
			ROTA_ERR_UNSUPPORTED);
	CHECK((port->algs & 1u << ROTA_ALG_NONE) == 0);
}

TESTS(T(sha256_gives_the_published_digests), T(a_running_sha256_is_a_value_and_goes_on_after_final),
	T(sha256_takes_an_empty_span_without_a_pointer), T(sha256_does_not_depend_on_the_pieces),
	T(p256_takes_good_signatures_and_no_others), T(p256_refuses_a_signature_with_a_bit_flipped),
	T(p256_refuses_a_coordinate_beyond_the_prime), T(what_a_port_does_not_have_is_unsupported))
