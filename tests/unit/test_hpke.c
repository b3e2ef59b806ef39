/* SPDX-License-Identifier: Apache-2.0 */
/* HPKE, once with each port. Vectors: RFC 9180, A.3.1 (base) and A.3.2 (psk), the message of sequence 0: the sender's
 * ephemeral key comes from a test port, and what the key schedule gives is seen where the AEAD takes it. */
#include "rota/crypto/hpke.h"
#include "tests/unit/hexbytes.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"

#define PLAIN "4265617574792069732074727574682c20747275746820626561757479"
#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define AAD "436f756e742d30"
#define TEXT_LEN 29

struct vector {
	const char *name;
	const char *ephemeral, *enc; /* skEm, pkEm */
	const char *secret, *point; /* skRm, pkRm */
	const char *psk, *psk_id;
	const char *key, *nonce; /* key, base_nonce */
	const char *sealed, *tag;
};

static const struct vector vectors[] = {
	{ .name = "A.3.1: base",
		.ephemeral = "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
		.enc = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61"
		       "a1a"
		       "f4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
		.secret = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
		.point = "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4"
			 "cf9"
			 "69b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
		.psk = "",
		.psk_id = "",
		.key = "868c066ef58aae6dc589b6cfdd18f97e",
		.nonce = "4e0bc5018beba4bf004cca59",
		.sealed = "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f2",
		.tag = "0b6c7f9076ac232e3ab2523f39513434" },
	{ .name = "A.3.2: psk",
		.ephemeral = "57427244f6cc016cddf1c19c8973b4060aa13579b4c067fd5d93a5d74e32a90f",
		.enc = "04305d35563527bce037773d79a13deabed0e8e7cde61eecee403496959e89e4d0ca7017266"
		       "96d"
		       "1485137ccb5341b3c1c7aaee90a4a02449725e744b1193b53b5f",
		.secret = "438d8bcef33b89e0e9ae5eb0957c353c25a94584b0dd59c991372a75b43cb661",
		.point = "040d97419ae99f13007a93996648b2674e5260a8ebd2b822e84899cd52d87446ea394ca76"
			 "223"
			 "b76639eccdf00e1967db10ade37db4e7db476261fcc8df97c5ffd1",
		.psk = "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82",
		.psk_id = "456e6e796e20447572696e206172616e204d6f726961",
		.key = "55d9eb9d26911d4c514a990fa8d57048",
		.nonce = "b595dc6b2d7e2ed23af529b1",
		.sealed = "90c4deb5b75318530194e4bb62f890b019b1397bbf9d0d6eb918890e1f",
		.tag = "b2be1ac2603193b60a49c2126b75d0eb" },
};

/* An AEAD port that remembers what it was given ------------------------------------------------------ */

static uint8_t seen_key[32], seen_nonce[ROTA_AEAD_NONCE_LEN];
static size_t seen_key_len;
static int begun, ended;
static enum rota_err begin_answer;

static enum rota_err watch_begin(struct rota_aead_key *k, struct rota_span key)
{
	if (begin_answer != ROTA_OK)
		return begin_answer;
	memcpy(seen_key, key.p, key.len);
	seen_key_len = key.len;
	begun++;
	return test_aead->begin(k, key);
}

static void watch_end(struct rota_aead_key *k)
{
	ended++;
	test_aead->end(k);
}

static enum rota_err watch_seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	memcpy(seen_nonce, nonce, sizeof(seen_nonce));
	return test_aead->seal(k, nonce, aad, data, tag);
}

static enum rota_err watch_open(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	memcpy(seen_nonce, nonce, sizeof(seen_nonce));
	return test_aead->open(k, nonce, aad, data, tag);
}

static const struct rota_aead watching = {
	.begin = watch_begin, .end = watch_end, .seal = watch_seal, .open = watch_open
};

/* The two sides -------------------------------------------------------------------------------------- */

static struct {
	uint8_t ephemeral[32], enc[ROTA_HPKE_ENC_LEN], secret[32], point[ROTA_P256_KEY_LEN];
	uint8_t psk_bytes[32], psk_id_bytes[22], info_bytes[20], aad_bytes[7];
	uint8_t plain[TEXT_LEN], sealed[TEXT_LEN], tag[ROTA_AEAD_TAG_LEN];
	struct rota_hpke_psk psk;
	struct rota_hpke_text text;
	struct rota_hpke hpke;
} of; /* the vector under test */

/* The sender's, which draws nothing. */
static enum rota_err fixed_ephemeral(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t enc[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	const struct rota_p256 *real = ctx;

	memcpy(enc, of.enc, sizeof(of.enc));
	return real->agree(real->ctx, of.ephemeral, peer, dh);
}

/* The receiver's, in software. */
static enum rota_err soft_dh(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	const struct rota_p256 *real = test_p256();

	return real->agree(real->ctx, ctx, peer, dh);
}

static const struct rota_agreement receiver = {
	.ctx = of.secret, .point = of.point, .dh = soft_dh
};

static bool load(const struct vector *v)
{
	of.psk = (struct rota_hpke_psk){ test_hex_span(v->psk, ROTA_BUF(of.psk_bytes)),
		test_hex_span(v->psk_id, ROTA_BUF(of.psk_id_bytes)) };
	of.text = (struct rota_hpke_text){ test_hex_span(INFO, ROTA_BUF(of.info_bytes)),
		test_hex_span(AAD, ROTA_BUF(of.aad_bytes)) };
	of.hpke = (struct rota_hpke){ test_crypto, &watching };
	begin_answer = ROTA_OK;
	begun = ended = 0;
	ROW(v->name);
	return test_hex(v->ephemeral, ROTA_BUF(of.ephemeral)).len == sizeof(of.ephemeral) &&
		test_hex(v->enc, ROTA_BUF(of.enc)).len == sizeof(of.enc) &&
		test_hex(v->secret, ROTA_BUF(of.secret)).len == sizeof(of.secret) &&
		test_hex(v->point, ROTA_BUF(of.point)).len == sizeof(of.point) &&
		test_hex(PLAIN, ROTA_BUF(of.plain)).len == sizeof(of.plain) &&
		test_hex(v->sealed, ROTA_BUF(of.sealed)).len == sizeof(of.sealed) &&
		test_hex(v->tag, ROTA_BUF(of.tag)).len == sizeof(of.tag) &&
		of.text.info.len == 20 && of.text.aad.len == 7;
}

static enum rota_err open_it(uint8_t *data)
{
	memcpy(data, of.sealed, sizeof(of.sealed));
	return rota_hpke_open(
		&of.hpke, &receiver, of.enc, &of.psk, &of.text, rota_buf(data, TEXT_LEN), of.tag);
}

static bool schedule_is(const struct vector *v)
{
	uint8_t key[16], nonce[ROTA_AEAD_NONCE_LEN];

	return test_hex(v->key, ROTA_BUF(key)).len == sizeof(key) &&
		test_hex(v->nonce, ROTA_BUF(nonce)).len == sizeof(nonce) &&
		seen_key_len == sizeof(key) && memcmp(seen_key, key, sizeof(key)) == 0 &&
		memcmp(seen_nonce, nonce, sizeof(nonce)) == 0 && begun == ended;
}

TEST(seals_as_the_rfc)
{
	const struct rota_p256 fixed = { .ctx = (void *)(uintptr_t)test_p256(),
		.ephemeral = fixed_ephemeral };

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t data[TEXT_LEN], enc[ROTA_HPKE_ENC_LEN], tag[ROTA_AEAD_TAG_LEN];

		CHECK(load(&vectors[i]));
		memcpy(data, of.plain, sizeof(data));
		CHECK_OK(rota_hpke_seal(
			&of.hpke, &fixed, of.point, &of.psk, &of.text, ROTA_BUF(data), enc, tag));
		CHECK(schedule_is(&vectors[i]));
		CHECK_MEM(enc, of.enc, sizeof(enc));
		CHECK_MEM(data, of.sealed, sizeof(data));
		CHECK_MEM(tag, of.tag, sizeof(tag));
	}
}

TEST(opens_as_the_rfc)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t data[TEXT_LEN];

		CHECK(load(&vectors[i]));
		CHECK_OK(open_it(data));
		CHECK(schedule_is(&vectors[i]));
		CHECK_MEM(data, of.plain, sizeof(data));
	}
}

TEST(seals_to_a_key_and_opens_with_it_and_never_the_same_twice)
{
	const struct rota_p256 *p256 = test_p256();

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t first[ROTA_HPKE_ENC_LEN], data[TEXT_LEN];

		CHECK(load(&vectors[i]));
		for (int again = 0; again < 2; again++) {
			memcpy(of.sealed, of.plain, sizeof(of.sealed));
			CHECK_OK(rota_hpke_seal(&of.hpke, p256, of.point, &of.psk, &of.text,
				ROTA_BUF(of.sealed), of.enc, of.tag));
			CHECK(memcmp(of.sealed, of.plain, sizeof(of.plain)) != 0);
			CHECK_OK(open_it(data));
			CHECK_MEM(data, of.plain, sizeof(data));
			CHECK(again == 0 || memcmp(first, of.enc, sizeof(first)) != 0);
			memcpy(first, of.enc, sizeof(first));
		}
	}
}

/* A bit of anything that the two sides must share. */
TEST(nothing_else_opens)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		static const uint8_t zeros[TEXT_LEN];
		uint8_t data[TEXT_LEN];
		struct {
			const char *what;
			uint8_t *byte;
		} changes[] = {
			{ "another info", &of.info_bytes[19] },
			{ "another aad", &of.aad_bytes[0] },
			{ "another ciphertext", &of.sealed[28] },
			{ "another tag", &of.tag[15] },
			{ "another secret", &of.secret[31] },
			{ "another point in the context", &of.point[64] },
			{ "another psk", &of.psk_bytes[0] },
			{ "another id of the psk", &of.psk_id_bytes[21] },
		};
		size_t count = sizeof(changes) / sizeof(changes[0]);

		CHECK(load(&vectors[i]));
		for (size_t k = 0; k < (of.psk.psk.len > 0 ? count : count - 2); k++) {
			ROW(changes[k].what);
			*changes[k].byte ^= 1;
			CHECK_EQ(open_it(data), ROTA_ERR_SIGNATURE);
			CHECK_MEM(data, zeros, sizeof(data));
			CHECK_EQ(begun, ended);
			*changes[k].byte ^= 1;
			CHECK_OK(open_it(data));
		}
	}
}

TEST(the_two_modes_do_not_open_each_other)
{
	uint8_t data[TEXT_LEN], psk[32] = { 1 };

	CHECK(load(&vectors[1]));
	of.psk = (struct rota_hpke_psk){ { 0 }, { 0 } };
	CHECK_EQ(open_it(data), ROTA_ERR_SIGNATURE);
	CHECK(load(&vectors[0]));
	of.psk = (struct rota_hpke_psk){ ROTA_SPAN(psk), ROTA_STR("id") };
	CHECK_EQ(open_it(data), ROTA_ERR_SIGNATURE);
}

TEST(a_psk_has_an_id_and_32_bytes)
{
	static const uint8_t bytes[32];
	const struct rota_p256 *p256 = test_p256();
	const struct rota_hpke_psk wrong[] = {
		{ ROTA_SPAN(bytes), { 0 } },
		{ { 0 }, ROTA_STR("id") },
		{ rota_span(bytes, 31), ROTA_STR("id") },
	};

	CHECK(load(&vectors[1]));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t data[TEXT_LEN] = { 0 }, enc[ROTA_HPKE_ENC_LEN], tag[ROTA_AEAD_TAG_LEN];

		of.psk = wrong[i];
		CHECK_EQ(open_it(data), ROTA_ERR_ARGUMENT);
		CHECK_EQ(rota_hpke_seal(&of.hpke, p256, of.point, &of.psk, &of.text, ROTA_BUF(data),
				 enc, tag),
			ROTA_ERR_ARGUMENT);
	}
	CHECK_EQ(begun, 0);
}

/* What each multiplication with a secret must refuse first, in the way that whoever holds the secret does. */
TEST(points_off_the_curve_are_refused_on_both_sides)
{
	const struct rota_p256 *p256 = test_p256();
	uint8_t data[TEXT_LEN] = { 0 }, enc[ROTA_HPKE_ENC_LEN], tag[ROTA_AEAD_TAG_LEN];

	CHECK(load(&vectors[0]));
	of.enc[64] ^= 1;
	CHECK_EQ(open_it(data), ROTA_ERR_FORMAT);
	of.point[64] ^= 1;
	CHECK_EQ(rota_hpke_seal(
			 &of.hpke, p256, of.point, &of.psk, &of.text, ROTA_BUF(data), enc, tag),
		ROTA_ERR_FORMAT);
	CHECK_EQ(begun, 0);
}

static enum rota_err zeros_dh(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	(void)peer;
	memset(dh, 0, ROTA_P256_DH_LEN);
	return ROTA_OK;
}

static enum rota_err absent_dh(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx;
	(void)peer;
	(void)dh;
	return ROTA_ERR_IO;
}

TEST(whoever_holds_the_key_may_fail)
{
	struct rota_agreement own = receiver;
	uint8_t data[TEXT_LEN] = { 0 };

	CHECK(load(&vectors[1]));
	own.dh = zeros_dh;
	CHECK_EQ(rota_hpke_open(&of.hpke, &own, of.enc, &of.psk, &of.text, ROTA_BUF(data), of.tag),
		ROTA_ERR_FORMAT);
	own.dh = absent_dh;
	CHECK_EQ(rota_hpke_open(&of.hpke, &own, of.enc, &of.psk, &of.text, ROTA_BUF(data), of.tag),
		ROTA_ERR_IO);
	CHECK_EQ(begun, 0);
	begin_answer = ROTA_ERR_FULL;
	CHECK_EQ(open_it(data), ROTA_ERR_FULL);
	CHECK_EQ(ended, 0);
}

TESTS(T(seals_as_the_rfc), T(opens_as_the_rfc),
	T(seals_to_a_key_and_opens_with_it_and_never_the_same_twice), T(nothing_else_opens),
	T(the_two_modes_do_not_open_each_other), T(a_psk_has_an_id_and_32_bytes),
	T(points_off_the_curve_are_refused_on_both_sides), T(whoever_holds_the_key_may_fail))
