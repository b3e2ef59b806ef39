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

static bool signed_by(const struct rota_image_info *info, const struct rota_image_signature *sig,
	const struct rota_rom_key *key, const struct rota_crypto *crypto)
{
	return key->alg == ROTA_ALG_ECDSA_P256 && /* what TLV 0x22 holds */
		crypto->verify_digest(crypto->ctx, key->alg, key->raw, ROTA_SPAN(sig->raw),
			info->digest) == ROTA_OK;
}

/* Bits from `bit` on of the `count` keys at `key` that signed the image; *named: a pair names one of them. */
static uint8_t signers(const struct rota_image_info *info, const struct rota_rom_key *key,
	uint8_t count, uint8_t bit, const struct rota_crypto *crypto, bool *named)
{
	uint8_t found = 0;

	for (uint8_t k = 0; k < count; k++) {
		for (uint8_t i = 0; i < info->signature_count; i++) {
			const struct rota_image_signature *sig = &info->signature[i];

			if (!rota_span_eq(key[k].hash, ROTA_SPAN(sig->key_hash)))
				continue;
			*named = true;
			if (signed_by(info, sig, &key[k], crypto))
				found |= (uint8_t)(1u << (bit + k));
		}
	}
	return found;
}

static bool is_image(const struct rota_image_info *info, const uint8_t *digest)
{
	return digest != NULL &&
		rota_span_eq(ROTA_SPAN(info->digest), rota_span(digest, ROTA_SHA256_LEN));
}

/* Every signature is looked at, not the first good one alone: whether a key may be retired is decided by what
 * the others vouch for (SPEC 10.6). */
static enum rota_err check_signatures(
	const struct rota_image_info *info, const struct rota_boot_policy *policy, uint8_t *keys)
{
	const struct rota_rom *rom = policy->rom;
	uint8_t floor = policy->key_floor < rom->key_count ? policy->key_floor : rom->key_count;
	bool named = false;

	*keys = signers(info, &rom->key[floor], (uint8_t)(rom->key_count - floor), floor,
		policy->crypto, &named);
	*keys |= signers(info, policy->added, policy->added_count, ROTA_BOOT_KEY_ADDED,
		policy->crypto, &named);
	if (is_image(info, policy->order) || is_image(info, policy->before))
		*keys |= 1u << ROTA_BOOT_KEY_ORDER;
	if (*keys != 0)
		return ROTA_OK;
	return named ? ROTA_ERR_SIGNATURE : ROTA_ERR_DENIED;
}

enum rota_err rota_boot_image_check(
	const struct rota_image_info *info, const struct rota_boot_policy *policy, uint8_t *keys)
{
	const struct rota_rom *rom = policy->rom;

	if (!rota_span_eq(rota_name_span(&info->product), rom->product))
		return ROTA_ERR_PRODUCT;
	if (!for_hardware(info, rom->hardware))
		return ROTA_ERR_HARDWARE;
	if (info->counter < policy->counter || info->counter < rom->counter)
		return ROTA_ERR_COUNTER;
	return check_signatures(info, policy, keys);
}
