/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/check.h"

static bool for_hardware(const struct rota_image_info *info, struct rota_span hardware)
{
	for (uint8_t i = 0; i < info->hardware_count; i++) {
		if (rota_span_eq(rota_name_span(&info->hardware[i]), hardware))
			return true;
	}
	return false;
}

/* The ROM key that a pair names, or NULL. */
static const struct rota_rom_key *named_key(
	const struct rota_rom *rom, const struct rota_image_signature *sig)
{
	for (uint8_t i = 0; i < rom->key_count; i++) {
		if (rota_span_eq(rom->key[i].hash, ROTA_SPAN(sig->key_hash)))
			return &rom->key[i];
	}
	return NULL;
}

static enum rota_err check_signatures(const struct rota_image_info *info,
	const struct rota_rom *rom, const struct rota_crypto *crypto)
{
	enum rota_err verdict = ROTA_ERR_DENIED;

	for (uint8_t i = 0; i < info->signature_count; i++) {
		const struct rota_image_signature *sig = &info->signature[i];
		const struct rota_rom_key *key = named_key(rom, sig);

		if (key == NULL)
			continue;
		verdict = ROTA_ERR_SIGNATURE;
		if (key->alg == ROTA_ALG_ECDSA_P256 && /* what TLV 0x22 holds */
			crypto->verify_digest(crypto->ctx, key->alg, key->raw, ROTA_SPAN(sig->raw),
				info->digest) == ROTA_OK)
			return ROTA_OK;
	}
	return verdict;
}

enum rota_err rota_boot_image_check(const struct rota_image_info *info, const struct rota_rom *rom,
	uint32_t counter, const struct rota_crypto *crypto)
{
	if (!rota_span_eq(rota_name_span(&info->product), rom->product))
		return ROTA_ERR_PRODUCT;
	if (!for_hardware(info, rom->hardware))
		return ROTA_ERR_HARDWARE;
	if (info->counter < counter || info->counter < rom->counter)
		return ROTA_ERR_COUNTER;
	return check_signatures(info, rom, crypto);
}
