/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL port against published vectors: FIPS 180-4's SHA-256 examples, RFC 6979 A.2.5 (P-256,
 * SHA-256, "sample") and A.2.6 (P-384, SHA-384, "sample"), RFC 8032 7.1 (Ed25519, tests 1 and 3), Wycheproof's
 * rsa_pss_2048_sha256_mgf1_32 (tests 5 and 108), and against what must be refused. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"
#include "tests/unit/test.h"

#include <pthread.h>

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

static const char p384_key[] = "04"
			       "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
			       "def8f0ea9055866064a254515480bc13"
			       "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1"
			       "288b231c3ae0d4fe7344fd2533264720";
static const char p384_sig[] = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
			       "81a648152e44acf96e36dd1e80fabe46"
			       "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
			       "a329c145786e679e7b82c71a38628ac8";

static enum rota_err p384(struct rota_span key, struct rota_span sig, struct rota_span message)
{
	struct rota_verify v;

	ROTA_TRY(c->verify_begin(c->ctx, &v, ROTA_ALG_ECDSA_P384, key, sig));
	for (size_t i = 0; i < message.len; i++)
		c->verify_update(&v, rota_span_slice(message, i, 1));
	return c->verify_finish(&v);
}

TEST(p384_verifies_and_refuses)
{
	uint8_t key[97], sig[96], odd[97];

	bytes(p384_key, ROTA_BUF(key));
	bytes(p384_sig, ROTA_BUF(sig));
	CHECK_OK(p384(ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_STR("sample")));
	CHECK_EQ(p384(ROTA_SPAN(key), ROTA_SPAN(sig), ROTA_STR("Sample")), ROTA_ERR_SIGNATURE);
	CHECK_EQ(p384(ROTA_SPAN(key), ROTA_SPAN(sig), rota_span(NULL, 0)), ROTA_ERR_SIGNATURE);
	memcpy(odd, sig, 96);
	odd[95] ^= 1;
	CHECK_EQ(p384(ROTA_SPAN(key), rota_span(odd, 96), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
	CHECK_EQ(p384(ROTA_SPAN(key), rota_span(sig, 95), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
	memset(odd, 0, 96);
	CHECK_EQ(p384(ROTA_SPAN(key), rota_span(odd, 96), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
	memcpy(odd, key, 97);
	odd[96] ^= 1; /* off the curve */
	CHECK_EQ(p384(ROTA_SPAN(odd), ROTA_SPAN(sig), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
	memcpy(odd, key, 97);
	odd[0] = 0x06; /* hybrid form, y even */
	CHECK_EQ(p384(ROTA_SPAN(odd), ROTA_SPAN(sig), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
	odd[0] = 0x02; /* compressed form */
	CHECK_EQ(p384(rota_span(odd, 49), ROTA_SPAN(sig), ROTA_STR("sample")), ROTA_ERR_SIGNATURE);
}

static const char rsa_key[] = "3082010a0282010100a2b451a07d0aa5f96e455671513550514a8a5b462ebef7"
			      "17094fa1fee82224e637f9746d3f7cafd31878d80325b6ef5a1700f65903b469"
			      "429e89d6eac8845097b5ab393189db92512ed8a7711a1253facd20f79c15e824"
			      "7f3d3e42e46e48c98e254a2fe9765313a03eff8f17e1a029397a1fa26a8dce26"
			      "f490ed81299615d9814c22da610428e09c7d9658594266f5c021d0fceca08d94"
			      "5a12be82de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0"
			      "f1126422f590975a1969816f48698bcbba1b4d9cae79d460d8f9f85e7975005d"
			      "9bc22c4e5ac0f7c1a45d12569a62807d3b9a02e5a530e773066f453d1f5b4c2e"
			      "9cf7820283f742b9d50203010001";
static const char rsa_sig[] = "599724adc1bae31e84eb6e1399cd90cd67f48b432c63719b600402384aaea9b2"
			      "1ee864cdcf259029180877c847a223912b0647f066a59a65df6c2d3a6675b145"
			      "0f0b05185cee486bfac56cfded182babcefe60568a6954f026cb2f59002a2f75"
			      "5e9bce49793f280d89822c9bd3a06a7ad2209c3d6cab7c1f74c8bbf4bf374e7a"
			      "e8a539fccb83a78cff96a4f538adeba0869659d0e9647d98f96cb55d9cb7e584"
			      "40c4c9d85b8e9dc602e909e29e45f2b82ded44f40e9ceb1292da20063967e3a1"
			      "16f4aeb202863cea523f215b8ec7fc4f6a22cd8652ed661e33803f3fa1be966f"
			      "a8754cc7b0fa894cee0f045efba14c4f4a1d7cb837cea69e30522526b8a5878f";
/* a PKCS #1 v1.5 signature of "123400" by the same key */
static const char rsa_v15_sig[] =
	"1758eb94588e6fc4f50c1be1afcaa41027869f304cad513b1fb12c2f446d63cd"
	"c05c4830a7e3e630da7b2da4f7867cc173bf6420f9732277282596de41ded32e"
	"21d0cc31441174da8765f57419c7764ea758f55bc17646eb100c435d1ac0eed6"
	"fc7ba6de5f832094ee2f479979765e05ac9976788db3c241a9e32a0da864f001"
	"9a87646ba623d63f4411af5dee1be9ec488c7e3e1b231479de70b9ac5f78a17b"
	"1f4120aece45f26c07e7bb345fdfeb05e14bcaacc614672a465fc523624cb19f"
	"66f9c6c3f642b832ca44cb25176d679f0e05606c3fed022cac24c2bf960a406d"
	"48818e3eb7ed53b0446032469047dfed95fc18088c92d91d93722c47f88163a8";

static enum rota_err rsa(const char *text, struct rota_span key, struct rota_span sig)
{
	uint8_t digest[32];

	rota_sha256_of(c, rota_span_cstr(text), digest);
	return c->verify_digest(c->ctx, ROTA_ALG_RSA_PSS, key, sig, digest);
}

TEST(rsa_verifies_and_refuses)
{
	uint8_t key[270 + 1], sig[256], bad[256];
	struct rota_span whole = rota_span(key, 270);

	bytes(rsa_key, rota_buf(key, 270));
	key[270] = 0;
	bytes(rsa_sig, ROTA_BUF(sig));
	CHECK_OK(rsa("Message", whole, ROTA_SPAN(sig)));
	CHECK_EQ(rsa("message", whole, ROTA_SPAN(sig)), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rsa("Message", whole, rota_span(sig, 255)), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rsa("Message", ROTA_SPAN(key), ROTA_SPAN(sig)), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rsa("Message", rota_span(key, 269), ROTA_SPAN(sig)), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rsa("Message", rota_span(NULL, 0), ROTA_SPAN(sig)), ROTA_ERR_SIGNATURE);
	memcpy(bad, sig, 256);
	bad[128] ^= 1;
	CHECK_EQ(rsa("Message", whole, ROTA_SPAN(bad)), ROTA_ERR_SIGNATURE);
	bytes(rsa_v15_sig, ROTA_BUF(bad));
	CHECK_EQ(rsa("123400", whole, ROTA_SPAN(bad)), ROTA_ERR_SIGNATURE);
}

/* Threads compute side by side, and each leaves nothing behind when it ends. */
#define THREADS 4
#define ROUNDS 20

struct pair {
	uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
	bool good;
};

static void *agree_often(void *of)
{
	struct pair *own = of;

	own->good = true;
	for (int i = 0; i < ROUNDS; i++) {
		const struct rota_p256 *p256 = &rota_p256_openssl;
		uint8_t enc[ROTA_P256_KEY_LEN], theirs[32], ours[32], sig[64];

		own->good = own->good && p256->make(NULL, own->secret, own->point) == ROTA_OK &&
			p256->ephemeral(NULL, own->point, enc, theirs) == ROTA_OK &&
			p256->agree(NULL, own->secret, enc, ours) == ROTA_OK &&
			memcmp(ours, theirs, sizeof(ours)) == 0 &&
			p256->sign(NULL, own->secret, ours, sig) == ROTA_OK &&
			c->verify_digest(NULL, ROTA_ALG_ECDSA_P256, ROTA_SPAN(own->point),
				ROTA_SPAN(sig), ours) == ROTA_OK;
	}
	return NULL;
}

TEST(p256_keys_in_threads)
{
	pthread_t thread[THREADS];
	struct pair pair[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_OK(pthread_create(&thread[i], NULL, agree_often, &pair[i]));
	for (int i = 0; i < THREADS; i++) {
		CHECK_OK(pthread_join(thread[i], NULL));
		CHECK(pair[i].good);
		for (int k = 0; k < i; k++)
			CHECK(memcmp(pair[i].secret, pair[k].secret, sizeof(pair[i].secret)) != 0);
	}
}

TESTS(T(sha256_gives_the_published_digests), T(sha256_context_is_a_value),
	T(p256_verifies_and_refuses), T(p256_refuses_odd_forms), T(ed25519_verifies_and_refuses),
	T(ed25519_message_has_a_limit), T(p384_verifies_and_refuses), T(rsa_verifies_and_refuses),
	T(p256_keys_in_threads))
