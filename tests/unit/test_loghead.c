/* SPDX-License-Identifier: Apache-2.0 */
/* The signature over the head of a device log: its bytes, the kinds of keys, and whose it is. */
#include "host/identity/loghead.h"
#include "tests/unit/device_cert.h"
#include "tests/unit/test.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "11112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct rota_loghead head = { .count = 0x0102, .head = { 0xaa, 0xbb, [31] = 0xcc } };
static struct rota_fail why;
static struct device_cert cert;
static uint8_t sig[ROTA_LOGHEAD_SIG_MAX];
static size_t sig_len;

static enum rota_err sign(void)
{
	return rota_loghead_sign(cert.key, ROTA_STR(ID), &head, sig, &sig_len, &why);
}

static enum rota_err verify(const char *device, const struct rota_loghead *h)
{
	return rota_loghead_verify(rota_span(cert.der, cert.der_len), rota_span_cstr(device), h,
		rota_span(sig, sig_len));
}

/* SPEC 13.6 */
TEST(what_is_signed_is_these_bytes)
{
	uint8_t out[ROTA_LOGHEAD_MESSAGE_LEN];

	rota_loghead_message(ROTA_STR(ID), &head, out);
	CHECK_EQ(sizeof(out), 115);
	CHECK_MEM(out, "rota-log-v1" ID, 75);
	CHECK_MEM(out + 75, "\x02\x01\0\0\0\0\0\0", 8);
	CHECK_MEM(out + 83, head.head, 32);
}

static const struct {
	const char *why, *text;
	uint64_t count; /* 0: refused */
} texts[] = {
	{ "plain", "27 " HEX64, 27 },
	{ "the greatest", "9007199254740991 " HEX64, 9007199254740991 },
	{ "one more", "9007199254740992 " HEX64, 0 },
	{ "more than fits", "18446744073709551617 " HEX64, 0 },
	{ "none", "0 " HEX64, 0 },
	{ "a zero in front", "07 " HEX64, 0 },
	{ "a sign", "+7 " HEX64, 0 },
	{ "no count", " " HEX64, 0 },
	{ "no blank", "7" HEX64, 0 },
	{ "two blanks", "7  " HEX64, 0 },
	{ "a short head", "7 aabb", 0 },
	{ "a longer head", "7 " HEX64 "00", 0 },
	{ "nothing", "", 0 },
};

TEST(the_text_has_one_form)
{
	struct rota_loghead h;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ROW(texts[i].why);
		CHECK_EQ(rota_loghead_read(texts[i].text, &h), texts[i].count != 0);
		if (texts[i].count)
			CHECK_EQ(h.count, texts[i].count);
		if (texts[i].count)
			CHECK_EQ(h.head[31], 0x1f);
	}
}

static EVP_PKEY *p256(void)
{
	return EVP_EC_gen("P-256");
}

static EVP_PKEY *p384(void)
{
	return EVP_EC_gen("P-384");
}

static EVP_PKEY *p521(void)
{
	return EVP_EC_gen("P-521");
}

static EVP_PKEY *ed25519(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static EVP_PKEY *rsa(void)
{
	return EVP_RSA_gen(2048);
}

static EVP_PKEY *rsa_short(void)
{
	return EVP_RSA_gen(1024);
}

static const struct {
	const char *why;
	EVP_PKEY *(*make)(void);
	enum rota_err err;
} kinds[] = {
	{ "P-256", p256, ROTA_OK },
	{ "P-384", p384, ROTA_OK },
	{ "Ed25519", ed25519, ROTA_OK },
	{ "RSA", rsa, ROTA_OK },
	{ "P-521", p521, ROTA_ERR_UNSUPPORTED },
	{ "RSA of 1024 bits", rsa_short, ROTA_ERR_UNSUPPORTED },
};

TEST(each_kind_of_key_signs)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = kinds[i].make();
		struct rota_loghead other = head;

		ROW(kinds[i].why);
		device_cert_make(&cert, key, ID);
		sig_len = 1; /* of a key that signs nothing: any */
		CHECK_EQ(sign(), kinds[i].err);
		CHECK_EQ(verify(ID, &head), kinds[i].err);
		other.count++;
		CHECK(verify(ID, &other) != ROTA_OK);
		sig[sig_len / 2] ^= 1;
		CHECK(verify(ID, &head) != ROTA_OK);
		EVP_PKEY_free(key);
		device_cert_drop(&cert);
	}
}

TEST(what_is_another_device_s_does_not_count)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *second = EVP_EC_gen("P-256");
	struct rota_loghead other = head;

	device_cert_make(&cert, key, ID);
	CHECK_OK(sign());
	CHECK_OK(verify(ID, &head));
	other.head[31] ^= 1;
	CHECK_EQ(verify(ID, &other), ROTA_ERR_SIGNATURE);
	CHECK_EQ(verify(OTHER, &head), ROTA_ERR_DENIED);
	CHECK_EQ(verify("", &head), ROTA_ERR_DENIED);
	device_cert_drop(&cert);
	device_cert_make(&cert, key, OTHER); /* one key, and the certificate of another device */
	CHECK_EQ(verify(ID, &head), ROTA_ERR_DENIED);
	CHECK_EQ(verify(OTHER, &head), ROTA_ERR_SIGNATURE);
	device_cert_drop(&cert);
	device_cert_make(&cert, second, ID); /* another key under the same name */
	CHECK_EQ(verify(ID, &head), ROTA_ERR_SIGNATURE);
	CHECK_OK(sign());
	CHECK_OK(verify(ID, &head));
	sig_len = 0;
	CHECK_EQ(verify(ID, &head), ROTA_ERR_SIGNATURE);
	cert.der_len--;
	CHECK_EQ(verify(ID, &head), ROTA_ERR_FORMAT);
	device_cert_drop(&cert);
	CHECK_EQ(sign(), ROTA_ERR_NOT_FOUND);
	EVP_PKEY_free(key);
	EVP_PKEY_free(second);
}

TESTS(T(what_is_signed_is_these_bytes), T(the_text_has_one_form), T(each_kind_of_key_signs),
	T(what_is_another_device_s_does_not_count))
