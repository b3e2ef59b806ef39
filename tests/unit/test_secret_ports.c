/* SPDX-License-Identifier: Apache-2.0 */
/* What every port of rota/port/aead.h and rota/port/p256.h must do alike; linked once with each. Vectors: AES-GCM from
 * the submission to NIST (McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, cases 1 to 4 and 13 to
 * 16); ECDH from Wycheproof (github.com/C2SP/wycheproof, testvectors_v1/ecdh_secp256r1_ecpoint_test.json, by tcId);
 * ECDSA from RFC 6979 A.2.5. */
#include "tests/unit/hexbytes.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"

/* AES-GCM ------------------------------------------------------------------------------------------- */

#define KEY_A "feffe9928665731c6d6a8f9467308308"
#define IV_A "cafebabefacedbaddecaf888"
#define PLAIN_A                                                                                    \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24" \
	"49a6b525b16aedf5aa0de657ba637b39"
#define AAD_A "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define ZEROS_12 "000000000000000000000000"
#define ZEROS_16 "00000000000000000000000000000000"
#define SEALED_128                                                                                 \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a" \
	"ac84aa051ba30b396a0aac973d58e091"
#define SEALED_256                                                                                 \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10" \
	"56828838c5f61e6393ba7a0abcc9f662"

#define TEXT_MAX 64

static const struct {
	const char *name, *key, *nonce, *plain, *aad, *sealed, *tag;
} gcm[] = {
	{ "case 1: nothing", ZEROS_16, ZEROS_12, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "case 2: a block", ZEROS_16, ZEROS_12, ZEROS_16, "", "0388dace60b6a392f328c2b971b2fe78",
		"ab6e47d42cec13bdf53a67b21257bddf" },
	{ "case 3: four blocks", KEY_A, IV_A, PLAIN_A "1aafd255", "", SEALED_128 "473f5985",
		"4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ "case 4: a part of a block, and data beside it", KEY_A, IV_A, PLAIN_A, AAD_A, SEALED_128,
		"5bc94fbc3221a5db94fae95ae7121a47" },
	{ "case 13: 256 bit, nothing", ZEROS_16 ZEROS_16, ZEROS_12, "", "", "",
		"530f8afbc74536b9a963b4f1c4cb738b" },
	{ "case 14: 256 bit, a block", ZEROS_16 ZEROS_16, ZEROS_12, ZEROS_16, "",
		"cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "case 15: 256 bit, four blocks", KEY_A KEY_A, IV_A, PLAIN_A "1aafd255", "",
		SEALED_256 "898015ad", "b094dac5d93471bdec1a502270e3cc6c" },
	{ "case 16: 256 bit, all of it", KEY_A KEY_A, IV_A, PLAIN_A, AAD_A, SEALED_256,
		"76fc6ece0f4e1768cddf8853bb2d551b" },
};

TEST(gcm_gives_the_published_texts_and_takes_them_back)
{
	uint8_t key[32], nonce[ROTA_AEAD_NONCE_LEN], plain[TEXT_MAX], aad[TEXT_MAX];
	uint8_t sealed[TEXT_MAX], want_tag[ROTA_AEAD_TAG_LEN], tag[ROTA_AEAD_TAG_LEN];
	uint8_t text[TEXT_MAX];

	for (size_t i = 0; i < sizeof(gcm) / sizeof(gcm[0]); i++) {
		struct rota_span secret = test_hex_span(gcm[i].key, ROTA_BUF(key));
		struct rota_span clear = test_hex_span(gcm[i].plain, ROTA_BUF(plain));
		struct rota_span beside = test_hex_span(gcm[i].aad, ROTA_BUF(aad));
		struct rota_buf data = rota_buf(text, clear.len);
		struct rota_aead_key k;

		ROW(gcm[i].name);
		CHECK_EQ(test_hex(gcm[i].nonce, ROTA_BUF(nonce)).len, sizeof(nonce));
		CHECK_EQ(test_hex(gcm[i].sealed, ROTA_BUF(sealed)).len, clear.len);
		CHECK_EQ(test_hex(gcm[i].tag, ROTA_BUF(want_tag)).len, sizeof(want_tag));
		CHECK_OK(test_aead->begin(&k, secret));
		for (int again = 0; again < 2; again++) { /* one prepared key, both ways, twice */
			memcpy(text, plain, clear.len);
			CHECK_OK(test_aead->seal(&k, nonce, beside, data, tag));
			CHECK_MEM(text, sealed, clear.len);
			CHECK_MEM(tag, want_tag, sizeof(tag));
			CHECK_OK(test_aead->open(&k, nonce, beside, data, tag));
			CHECK_MEM(text, plain, clear.len);
		}
		test_aead->end(&k);
	}
}

/* A bit anywhere: what comes out is refused, and nothing of the plaintext stays. */
TEST(gcm_refuses_what_was_changed_and_leaves_zeros)
{
	static const uint8_t zeros[TEXT_MAX];
	uint8_t key[16] = { 1 }, nonce[ROTA_AEAD_NONCE_LEN] = { 2 }, aad[20] = { 3 };
	uint8_t sealed[37], tag[ROTA_AEAD_TAG_LEN], got[sizeof(sealed)];
	struct rota_aead_key k;

	memset(sealed, 'x', sizeof(sealed));
	CHECK_OK(test_aead->begin(&k, ROTA_SPAN(key)));
	CHECK_OK(test_aead->seal(&k, nonce, ROTA_SPAN(aad), ROTA_BUF(sealed), tag));
	for (size_t part = 0; part < 4; part++) {
		struct rota_buf of[] = { ROTA_BUF(sealed), ROTA_BUF(tag), ROTA_BUF(nonce),
			ROTA_BUF(aad) };

		for (size_t at = 0; at < of[part].len; at++) {
			memcpy(got, sealed, sizeof(got));
			(part == 0 ? got : of[part].p)[at] ^= (uint8_t)(1u << (at % 8));
			CHECK_EQ(test_aead->open(&k, nonce, ROTA_SPAN(aad), ROTA_BUF(got), tag),
				ROTA_ERR_SIGNATURE);
			CHECK_MEM(got, zeros, sizeof(got));
			if (part != 0)
				of[part].p[at] ^= (uint8_t)(1u << (at % 8));
		}
	}
	memcpy(got, sealed, sizeof(got));
	CHECK_OK(test_aead->open(&k, nonce, ROTA_SPAN(aad), ROTA_BUF(got), tag));
	CHECK_EQ(got[36], 'x');
	test_aead->end(&k);
}

TEST(gcm_takes_keys_of_two_lengths)
{
	static const size_t others[] = { 0, 15, 17, 24, 31, 33 };
	uint8_t key[33] = { 0 };
	struct rota_aead_key k;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK_EQ(test_aead->begin(&k, rota_span(key, others[i])), ROTA_ERR_UNSUPPORTED);
}

/* ECDH ---------------------------------------------------------------------------------------------- */

#define SECRET_1 "0612465c89a023ab17855b0a6bcebfd3febb53aef84138647b5352e02c10c346"
#define SECRET_3 "0a0d622a47e48f6bc1038ace438c6f528aa00ad2bd1da5f13ee46bf5f633d71a"
#define SECRET_292 "809c461d8b39163537ff8f5ef5b977e4cdb980e70e38a7ee0b37cc876729e9ff"
#define SECRET_332 "7e4aa54f714bf01df85c50269bea3a86721f84afe74f7b41ea58abcf3474e88d"
#define POINT_315                                                                                  \
	"0431028f3377fc8f2b1967edaab90213acad0da9f50897f08f57537f78f116744743a1930189363bbde2ac4c" \
	"bd1649cdc6f451add71dd2f16a8a867f2b17caa16b"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define PRIME_LESS_1 "ffffffff00000001000000000000000000000000fffffffffffffffffffffffe"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_LESS_2 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f"

static const struct {
	const char *name, *secret, *peer, *shared;
} exchanges[] = {
	{ "1: normal case", SECRET_1,
		"0462d5bd3372af75fe85a040715d0f502428e07046868b0bfdfa61d731afe44f26ac333a93a9e70a81"
		"cd5a"
		"95b5bf8d13990eb741c8c38872b4a07d275a014e30cf",
		"53020d908b0219328b658b525f26780e3ae12bcd952bb25a93bc0895e1714285" },
	{ "3: the shared x is 0", SECRET_3,
		"0458fd4168a87795603e2b04390285bdca6e57de6027fe211dd9d25e2212d29e62080d36bd224d7405"
		"5092"
		"95eed02a17150e03b314f96da37445b0d1d29377d12c",
		ZERO },
	{ "4: the shared x is p - 3", SECRET_3,
		"04a1ecc24bf0d0053d23f5fd80ddf1735a1925039dc1176c581a7e795163c8b9ba2cb5a4e4d5109f45"
		"2757"
		"5e3137b83d79a9bcb3faeff90d2aca2bed71bb523e7e",
		"ffffffff00000001000000000000000000000000fffffffffffffffffffffffc" },
	{ "7: the shared x is 2^64", SECRET_3,
		"042424f9d7ba0a89ce3c7c1e8f15dfd83004d86680967a82cbf9bb6b11dae5fd72e05c3687187b1cf2"
		"8438"
		"a17a7469fa3b094b7d6f36cccc3492c0b0a61fab2a38",
		"0000000000000000000000000000000000000000000000010000000000000000" },
	{ "292: y = 1 on the way", SECRET_292,
		"04e06eaa73f6feae45417d859bbad4bc404b2885bcd213ebace594e16f4970e0c411ed3323a3d7afc7"
		"0762"
		"39884307f91849ed5f5e36b6171d309c81344c53e06d",
		"ccea969d40fa42933f4fbdc4cabe2185f8a452996254c1f4e0dde5e14feeea8d" },
	{ "315: secret 3", "0000000000000000000000000000000000000000000000000000000000000003",
		POINT_315, "85a0b58519b28e70a694ec5198f72c4bfdabaa30a70f7143b5b1cd7536f716ca" },
	{ "318: 255 bits set", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		POINT_315, "ea9350b2490a2010c7abf43fb1a38be729a2de375ea7a6ac34ff58cc87e51b6c" },
	{ "319: one bit set", "8000000000000000000000000000000000000000000000000000000000000000",
		POINT_315, "34eed3f6673d340b6f716913f6dfa36b5ac85fa667791e2d6a217b0c0b7ba807" },
	{ "328: minus 3", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254e",
		POINT_315, "85a0b58519b28e70a694ec5198f72c4bfdabaa30a70f7143b5b1cd7536f716ca" },
	{ "329: minus 2", ORDER_LESS_2, POINT_315,
		"027b013a6f166db655d69d643c127ef8ace175311e667dff2520f5b5c75b7659" },
	{ "330: CVE-2017-8932", "2a265f8bcbdcaf94d58519141e578124cb40d64a501fba9c11847b28965bc737",
		"04023819813ac969847059028ea88a1f30dfbcde03fc791d3a252c6b41211882eaf93e4ae433cc12cf"
		"2a43"
		"fc0ef26400c0e125508224cdb649380f25479148a4ad",
		"4d4de80f1534850d261075997e3049321a0864082d24a917863366c0724f5ae3" },
	{ "331: CVE-2017-8932", "313f72ff9fe811bf573176231b286a3bdb6f1b14e05c40146590727a71c3bccd",
		"04cc11887b2d66cbae8f4d306627192522932146b42f01d3c6f92bd5c8ba739b06a2f08a029cd06b46"
		"1830"
		"85bae9248b0ed15b70280c7ef13a457f5af382426031",
		"831c3f6b5f762d2f461901577af41354ac5f228c2591f84f8a6e51e2e3f17991" },
};

TEST(p256_agrees_on_the_published_secrets)
{
	const struct rota_p256 *p256 = test_p256();

	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		uint8_t secret[32], peer[ROTA_P256_KEY_LEN], want[32], dh[32];

		ROW(exchanges[i].name);
		CHECK_EQ(test_hex(exchanges[i].secret, ROTA_BUF(secret)).len, sizeof(secret));
		CHECK_EQ(test_hex(exchanges[i].peer, ROTA_BUF(peer)).len, sizeof(peer));
		CHECK_EQ(test_hex(exchanges[i].shared, ROTA_BUF(want)).len, sizeof(want));
		CHECK_OK(p256->agree(p256->ctx, secret, peer, dh));
		CHECK_MEM(dh, want, sizeof(want));
	}
}

/* Of a small curve beside the real one, or of its twist: a port that multiplies these gives the secret away, a few
 * bits with each. The last rows are points of the curve, written otherwise. */
static const struct {
	const char *name, *peer;
} strangers[] = {
	{ "332: (0, 0)", "04" ZERO ZERO },
	{ "333: (0, 1)", "04" ZERO ONE },
	{ "334: (0, p - 1)", "04" ZERO PRIME_LESS_1 },
	{ "335: (0, p)", "04" ZERO PRIME },
	{ "336: (1, 0)", "04" ONE ZERO },
	{ "337: (1, 1)", "04" ONE ONE },
	{ "338: (1, p - 1)", "04" ONE PRIME_LESS_1 },
	{ "339: (1, p)", "04" ONE PRIME },
	{ "340: (p - 1, 0)", "04" PRIME_LESS_1 ZERO },
	{ "341: (p - 1, 1)", "04" PRIME_LESS_1 ONE },
	{ "342: (p - 1, p - 1)", "04" PRIME_LESS_1 PRIME_LESS_1 },
	{ "343: (p - 1, p)", "04" PRIME_LESS_1 PRIME },
	{ "344: (p, 0)", "04" PRIME ZERO },
	{ "345: (p, 1)", "04" PRIME ONE },
	{ "346: (p, p - 1)", "04" PRIME PRIME_LESS_1 },
	{ "347: (p, p)", "04" PRIME PRIME },
	{ "350: x of a low order point of the twist",
		"04efdde3b32872a9effcf3b94cbf73aa7b39f9683ece9121b9852167f4e3da609b" ONE },
	{ "a point of the curve whose x is written as x + p, which fits as well",
		"04ffffffff00000001000000000000000000000001000000000000000000000004"
		"459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc" },
	{ "a hybrid point",
		"0731028f3377fc8f2b1967edaab90213acad0da9f50897f08f57537f78f116744743a1930189363bbd"
		"e2ac"
		"4cbd1649cdc6f451add71dd2f16a8a867f2b17caa16b" },
	{ "a compressed one, and zeros",
		"0331028f3377fc8f2b1967edaab90213acad0da9f50897f08f57537f78f1167447" ZERO },
	{ "the point at infinity, and zeros", "00" ZERO ZERO },
};

TEST(p256_takes_no_point_off_the_curve)
{
	const struct rota_p256 *p256 = test_p256();
	uint8_t secret[32], peer[ROTA_P256_KEY_LEN], dh[32], enc[ROTA_P256_KEY_LEN];

	CHECK_EQ(test_hex(SECRET_332, ROTA_BUF(secret)).len, sizeof(secret));
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		ROW(strangers[i].name);
		CHECK_EQ(test_hex(strangers[i].peer, ROTA_BUF(peer)).len, sizeof(peer));
		CHECK_EQ(p256->agree(p256->ctx, secret, peer, dh), ROTA_ERR_FORMAT);
		CHECK_EQ(p256->ephemeral(p256->ctx, peer, enc, dh), ROTA_ERR_FORMAT);
	}
}

TEST(p256_takes_no_secret_out_of_range)
{
	static const char *const none[] = { ZERO, ORDER,
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" };
	const struct rota_p256 *p256 = test_p256();
	uint8_t secret[32], peer[ROTA_P256_KEY_LEN], out[ROTA_P256_SIG_LEN];

	CHECK_EQ(test_hex(POINT_315, ROTA_BUF(peer)).len, sizeof(peer));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		ROW(none[i]);
		CHECK_EQ(test_hex(none[i], ROTA_BUF(secret)).len, sizeof(secret));
		CHECK_EQ(p256->agree(p256->ctx, secret, peer, out), ROTA_ERR_ARGUMENT);
		CHECK_EQ(p256->sign(p256->ctx, secret, peer, out), ROTA_ERR_ARGUMENT);
	}
}

TEST(p256_makes_pairs_that_agree_with_each_other)
{
	const struct rota_p256 *p256 = test_p256();
	uint8_t a[32], b[32], point_a[ROTA_P256_KEY_LEN], point_b[ROTA_P256_KEY_LEN];
	uint8_t enc[ROTA_P256_KEY_LEN], ours[32], theirs[32];

	CHECK_OK(p256->make(p256->ctx, a, point_a));
	CHECK_OK(p256->make(p256->ctx, b, point_b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_OK(p256->agree(p256->ctx, a, point_b, ours));
	CHECK_OK(p256->agree(p256->ctx, b, point_a, theirs));
	CHECK_MEM(ours, theirs, sizeof(ours));
	CHECK_OK(p256->ephemeral(p256->ctx, point_a, enc, theirs));
	CHECK(memcmp(ours, theirs, sizeof(ours)) != 0);
	CHECK_OK(p256->agree(p256->ctx, a, enc, ours));
	CHECK_MEM(ours, theirs, sizeof(ours));
}

/* ECDSA --------------------------------------------------------------------------------------------- */

#define SIGNER "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define SIGNER_POINT                                                                               \
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                       \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static const struct {
	const char *message, *sig;
} signatures[] = {
	{ "sample",
		"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ "test",
		"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
};

TEST(p256_signs_what_verifies)
{
	const struct rota_p256 *p256 = test_p256();
	uint8_t secret[32], point[ROTA_P256_KEY_LEN], digest[32], want[64], sig[64];

	CHECK_EQ(test_hex(SIGNER, ROTA_BUF(secret)).len, sizeof(secret));
	CHECK_EQ(test_hex(SIGNER_POINT, ROTA_BUF(point)).len, sizeof(point));
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		ROW(signatures[i].message);
		CHECK_EQ(test_hex(signatures[i].sig, ROTA_BUF(want)).len, sizeof(want));
		rota_sha256_of(test_crypto, rota_span_cstr(signatures[i].message), digest);
		CHECK_OK(p256->sign(p256->ctx, secret, digest, sig));
		CHECK_OK(test_crypto->verify_digest(test_crypto->ctx, ROTA_ALG_ECDSA_P256,
			ROTA_SPAN(point), ROTA_SPAN(sig), digest));
		CHECK(!test_signs_alike || memcmp(sig, want, sizeof(sig)) == 0);
	}
}

TESTS(T(gcm_gives_the_published_texts_and_takes_them_back),
	T(gcm_refuses_what_was_changed_and_leaves_zeros), T(gcm_takes_keys_of_two_lengths),
	T(p256_agrees_on_the_published_secrets), T(p256_takes_no_point_off_the_curve),
	T(p256_takes_no_secret_out_of_range), T(p256_makes_pairs_that_agree_with_each_other),
	T(p256_signs_what_verifies))
