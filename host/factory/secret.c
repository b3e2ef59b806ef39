/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/secret.h"
#include "rota/crypto/factory.h"

#include <string.h>

#define INFO_LEN (sizeof(ROTA_FACTORY_PREFIX) - 1 + ROTA_DEVICE_LEN)

/* HPKE's info: prefix || device id */
static void info_of(const uint8_t device[static ROTA_DEVICE_LEN], uint8_t out[static INFO_LEN])
{
	memcpy(out, ROTA_FACTORY_PREFIX, sizeof(ROTA_FACTORY_PREFIX) - 1);
	memcpy(out + sizeof(ROTA_FACTORY_PREFIX) - 1, device, ROTA_DEVICE_LEN);
}

void rota_factory_secret_digest(const struct rota_crypto *crypto,
	const uint8_t to[static ROTA_P256_KEY_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	const uint8_t sealed[static ROTA_FACTORY_SEALED_LEN], uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR(ROTA_SECRET_PREFIX));
	crypto->sha256_update(&h, rota_span(to, ROTA_P256_KEY_LEN));
	crypto->sha256_update(&h, rota_span(device, ROTA_DEVICE_LEN));
	crypto->sha256_update(&h, rota_span(sealed, ROTA_FACTORY_SEALED_LEN));
	crypto->sha256_final(&h, out);
}

enum rota_err rota_factory_secret_seal(const struct rota_hpke *hpke, const struct rota_p256 *p256,
	const struct rota_rot *rot, const uint8_t to[static ROTA_P256_KEY_LEN],
	const uint8_t device[static ROTA_DEVICE_LEN], const uint8_t psk[static ROTA_PSK_LEN],
	uint8_t out[static ROTA_FACTORY_SECRET_LEN])
{
	const struct rota_hpke_psk none = { 0 };
	uint8_t info[INFO_LEN], digest[ROTA_SHA256_LEN], *data = out + ROTA_HPKE_ENC_LEN;
	const struct rota_hpke_text text = { .info = ROTA_SPAN(info) };

	info_of(device, info);
	memcpy(data, psk, ROTA_PSK_LEN);
	ROTA_TRY(rota_hpke_seal(hpke, p256, to, &none, &text, rota_buf(data, ROTA_PSK_LEN), out,
		data + ROTA_PSK_LEN));
	rota_factory_secret_digest(hpke->crypto, to, device, out, digest);
	return rot->sign(rot->ctx, ROTA_ROT_IDENTITY, digest, out + ROTA_FACTORY_SEALED_LEN);
}

enum rota_err rota_factory_secret_check(const struct rota_crypto *crypto,
	const uint8_t identity[static ROTA_P256_KEY_LEN],
	const uint8_t to[static ROTA_P256_KEY_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	struct rota_span secret)
{
	uint8_t digest[ROTA_SHA256_LEN];

	if (secret.len != ROTA_FACTORY_SECRET_LEN)
		return ROTA_ERR_FORMAT;
	rota_factory_secret_digest(crypto, to, device, secret.p, digest);
	return crypto->verify_digest(crypto->ctx, ROTA_ALG_ECDSA_P256,
		rota_span(identity, ROTA_P256_KEY_LEN),
		rota_span_skip(secret, ROTA_FACTORY_SEALED_LEN), digest);
}

enum rota_err rota_factory_secret_open(const struct rota_hpke *hpke,
	const struct rota_agreement *own, const uint8_t device[static ROTA_DEVICE_LEN],
	const uint8_t secret[static ROTA_FACTORY_SECRET_LEN], uint8_t psk[static ROTA_PSK_LEN])
{
	const struct rota_hpke_psk none = { 0 };
	const uint8_t *data = secret + ROTA_HPKE_ENC_LEN;
	uint8_t info[INFO_LEN];
	const struct rota_hpke_text text = { .info = ROTA_SPAN(info) };

	info_of(device, info);
	memcpy(psk, data, ROTA_PSK_LEN);
	return rota_hpke_open(
		hpke, own, secret, &none, &text, rota_buf(psk, ROTA_PSK_LEN), data + ROTA_PSK_LEN);
}
