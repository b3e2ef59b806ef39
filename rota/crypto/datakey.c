/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/datakey.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/crypto/hkdf.h"
#include "rota/crypto/hmac.h"

size_t rota_datakey_len(enum rota_key_use use, uint8_t cipher)
{
	switch (use) {
	case ROTA_USE_CONFIRM:
	case ROTA_USE_AUTH:
	case ROTA_USE_PSK:
		return 32;
	case ROTA_USE_UP:
	case ROTA_USE_DOWN:
	case ROTA_USE_RECORD:
	case ROTA_USE_WRAP:
		break;
	default:
		return 0;
	}
	if (cipher == ROTA_CIPHER_AES128_GCM)
		return 16;
	return cipher == ROTA_CIPHER_AES256_GCM ? 32 : 0;
}

void rota_datakey_begin(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], uint8_t prk[static ROTA_HKDF_PRK_LEN])
{
	rota_hkdf_extract(
		crypto, ROTA_STR("rota-keys-v1"), rota_span(secret, ROTA_SECRET_LEN), prk);
}

/* SPEC 31.6, for a length that fits. */
static enum rota_err expand(const struct rota_crypto *crypto, const uint8_t *prk,
	const struct rota_datakey *of, enum rota_key_use use, struct rota_buf out)
{
	uint8_t which[6];
	struct rota_writer w = rota_writer(ROTA_BUF(which));
	const struct rota_span info[] = { ROTA_STR("rota-key-v1"), ROTA_SPAN(which),
		rota_span(of->device, ROTA_DEVICE_LEN) };

	rota_write_u8(&w, of->purpose);
	rota_write_u8(&w, (uint8_t)use);
	rota_write_le32(&w, of->generation);
	return rota_hkdf_expand(crypto, prk, info, sizeof(info) / sizeof(info[0]), out);
}

enum rota_err rota_datakey_expand(const struct rota_crypto *crypto,
	const uint8_t prk[static ROTA_HKDF_PRK_LEN], const struct rota_datakey *of,
	enum rota_key_use use, struct rota_buf out)
{
	if (out.len == 0 || out.len != rota_datakey_len(use, of->cipher))
		return ROTA_ERR_ARGUMENT;
	return expand(crypto, prk, of, use, out);
}

enum rota_err rota_datakey_derive(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], const struct rota_datakey *of,
	enum rota_key_use use, struct rota_buf out)
{
	uint8_t prk[ROTA_HKDF_PRK_LEN];
	enum rota_err err;

	rota_datakey_begin(crypto, secret, prk);
	err = rota_datakey_expand(crypto, prk, of, use, out);
	rota_wipe(prk, sizeof(prk));
	return err;
}

void rota_psk_of_factory(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	uint8_t psk[static ROTA_PSK_LEN])
{
	const struct rota_datakey of = { .device = device };
	uint8_t prk[ROTA_HKDF_PRK_LEN];

	rota_datakey_begin(crypto, secret, prk);
	/* cannot fail: 32 bytes are never too many */
	(void)expand(crypto, prk, &of, ROTA_USE_PSK, rota_buf(psk, ROTA_PSK_LEN));
	rota_wipe(prk, sizeof(prk));
}

void rota_psk_id(const struct rota_crypto *crypto, const uint8_t psk[static ROTA_PSK_LEN],
	uint8_t id[static ROTA_KEY_ID_LEN])
{
	struct rota_hmac h;
	uint8_t mac[ROTA_HMAC_LEN];

	rota_hmac_begin(&h, crypto, rota_span(psk, ROTA_PSK_LEN));
	rota_hmac_update(&h, crypto, ROTA_STR("rota-pskid-v1"));
	rota_hmac_end(&h, crypto, mac);
	memcpy(id, mac, ROTA_KEY_ID_LEN);
}

void rota_agree_id(const struct rota_crypto *crypto, const uint8_t point[static ROTA_P256_KEY_LEN],
	uint8_t id[static ROTA_KEY_ID_LEN])
{
	struct rota_sha256 h;
	uint8_t digest[ROTA_SHA256_LEN];

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR("rota-hpke-v1"));
	crypto->sha256_update(&h, rota_span(point, ROTA_P256_KEY_LEN));
	crypto->sha256_final(&h, digest);
	memcpy(id, digest, ROTA_KEY_ID_LEN);
}
