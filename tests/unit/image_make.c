/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/image_make.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/writer.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *pkeys[IMAGE_MAKE_KEYS];
static struct image_key keys[IMAGE_MAKE_KEYS];

static void must(int good)
{
	if (!good)
		abort(); /* the test's own tools fail: nothing can be said */
}

const struct image_key *image_key(int n)
{
	struct image_key *key = &keys[n];
	uint8_t *spki = key->spki;
	size_t len;

	if (pkeys[n] != NULL)
		return key;
	pkeys[n] = EVP_EC_gen("P-256");
	must(pkeys[n] != NULL && i2d_PUBKEY(pkeys[n], NULL) <= (int)sizeof(key->spki));
	key->spki_len = (size_t)i2d_PUBKEY(pkeys[n], &spki);
	rota_sha256_of(&rota_crypto_openssl, rota_span(key->spki, key->spki_len), key->hash);
	must(EVP_PKEY_get_octet_string_param(
		     pkeys[n], "pub", key->point, sizeof(key->point), &len) == 1);
	must(len == sizeof(key->point));
	return key;
}

static size_t sign(int n, const uint8_t digest[static 32], uint8_t sig[static 80])
{
	EVP_PKEY_CTX *ctx = (image_key(n), EVP_PKEY_CTX_new(pkeys[n], NULL));
	size_t len = 80;

	must(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		EVP_PKEY_sign(ctx, sig, &len, digest, 32) == 1);
	EVP_PKEY_CTX_free(ctx);
	return len;
}

static void tlv(struct rota_writer *w, uint16_t type, struct rota_span value)
{
	rota_write_le16(w, type);
	rota_write_le16(w, (uint16_t)value.len);
	rota_write_span(w, value);
}

/* TLVs that fit nowhere; false when the letter is another. */
static bool odd_tlv(struct rota_writer *w, char letter)
{
	static const uint8_t long_value[200];

	switch (letter) {
	case 'x':
		tlv(w, 0x60, ROTA_STR("what"));
		return true;
	case 'l':
		tlv(w, 0x60, ROTA_SPAN(long_value));
		return true;
	case 'z':
		tlv(w, 0x60, ROTA_STR(""));
		return true;
	default:
		return false;
	}
}

static void protected_tlv(struct rota_writer *w, const struct image_spec *spec, char letter)
{
	uint8_t counter[4];
	struct rota_writer c = rota_writer(ROTA_BUF(counter));

	rota_write_le32(&c, spec->counter);
	switch (letter) {
	case 'c':
		tlv(w, ROTA_IMAGE_TLV_COUNTER, ROTA_SPAN(counter));
		break;
	case 'C':
		tlv(w, ROTA_IMAGE_TLV_COUNTER, rota_span(counter, 3));
		break;
	case 'p':
		tlv(w, ROTA_IMAGE_TLV_PRODUCT,
			spec->product ? rota_span_cstr(spec->product) : ROTA_STR("sensor"));
		break;
	case 'P':
		tlv(w, ROTA_IMAGE_TLV_PRODUCT, ROTA_STR("Sensor"));
		break;
	case 'h':
		tlv(w, ROTA_IMAGE_TLV_HARDWARE, ROTA_STR("demo-1"));
		break;
	case 'H':
		tlv(w, ROTA_IMAGE_TLV_HARDWARE, ROTA_STR("demo 1"));
		break;
	default:
		must(odd_tlv(w, letter));
	}
}

static void tail_tlv(struct rota_writer *w, const uint8_t digest[static 32], char letter)
{
	static const uint8_t zeros[32];
	uint8_t sig[80];

	switch (letter) {
	case 'd':
		tlv(w, ROTA_IMAGE_TLV_SHA256, rota_span(digest, 32));
		break;
	case 'D':
		tlv(w, ROTA_IMAGE_TLV_SHA256, ROTA_SPAN(zeros));
		break;
	case 'k':
	case 'K':
		tlv(w, ROTA_IMAGE_TLV_KEY_HASH, ROTA_SPAN(image_key(letter == 'K')->hash));
		break;
	case 't':
		tlv(w, ROTA_IMAGE_TLV_KEY_HASH, rota_span(image_key(0)->hash, 31));
		break;
	case 's':
	case 'S':
		tlv(w, ROTA_IMAGE_TLV_ECDSA_SIG, rota_span(sig, sign(letter == 'S', digest, sig)));
		break;
	case 'b':
		tlv(w, ROTA_IMAGE_TLV_ECDSA_SIG, rota_span(zeros, 8));
		break;
	default:
		must(odd_tlv(w, letter));
	}
}

static void area(struct rota_writer *w, uint16_t magic, struct rota_span tlvs)
{
	rota_write_le16(w, magic);
	rota_write_le16(w, (uint16_t)(4 + tlvs.len));
	rota_write_span(w, tlvs);
}

static void header(struct rota_writer *w, const struct image_spec *spec, size_t protected_len)
{
	rota_write_le32(w, 0x96F3B83D);
	rota_write_le32(w, 0);
	rota_write_le16(w, 32);
	rota_write_le16(w, (uint16_t)(4 + protected_len));
	rota_write_le32(w, (uint32_t)spec->payload.len);
	rota_write_le32(w, 0);
	rota_write_u8(w, (uint8_t)(spec->version >> 56));
	rota_write_u8(w, (uint8_t)(spec->version >> 48));
	rota_write_le16(w, (uint16_t)(spec->version >> 32));
	rota_write_le32(w, (uint32_t)spec->version);
	rota_write_le32(w, 0);
}

size_t image_make(const struct image_spec *spec, uint8_t *room)
{
	uint8_t inner[2048], digest[32];
	struct rota_writer w = rota_writer(rota_buf(room, IMAGE_MAKE_MAX));
	struct rota_writer tlvs = rota_writer(ROTA_BUF(inner));
	struct rota_span out;

	for (const char *p = spec->protected_recipe ? spec->protected_recipe : "cph"; *p; p++)
		protected_tlv(&tlvs, spec, *p);
	header(&w, spec, rota_writer_span(&tlvs).len);
	rota_write_span(&w, spec->payload);
	area(&w, 0x6908, rota_writer_span(&tlvs));
	rota_sha256_of(&rota_crypto_openssl, rota_writer_span(&w), digest);
	tlvs = rota_writer(ROTA_BUF(inner));
	for (const char *p = spec->tail_recipe ? spec->tail_recipe : "dks"; *p; p++)
		tail_tlv(&tlvs, digest, *p);
	area(&w, 0x6907, rota_writer_span(&tlvs));
	must(rota_writer_end(&w, &out) == ROTA_OK);
	return out.len;
}

struct rota_rom image_rom(int count)
{
	static const uint8_t digest[32] = { 0x5A };
	struct rota_rom rom = {
		.product = ROTA_STR("sensor"),
		.hardware = ROTA_STR("demo-1"),
		.key_count = (uint8_t)count,
		.recovery_sha256 = ROTA_SPAN(digest),
		.device_id = ROTA_STR("00112233445566778899aabbccddeeff"
				      "00112233445566778899aabbccddeeff"),
		.root_sha256 = ROTA_SPAN(digest),
		.idevid_spki = rota_span(image_key(0)->spki, image_key(0)->spki_len),
	};

	for (int i = 0; i < count; i++)
		rom.key[i] = (struct rota_rom_key){
			.alg = ROTA_ALG_ECDSA_P256,
			.hash = ROTA_SPAN(image_key(i)->hash),
			.raw = ROTA_SPAN(image_key(i)->point),
		};
	return rom;
}
