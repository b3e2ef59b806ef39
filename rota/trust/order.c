/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/order.h"
#include "rota/base/mem.h"

/* Places in the record ascend in the signatures, and no two keys of the record are alike: each signature that
 * verifies is another key's. */
enum rota_err rota_order_signed(const struct rota_order_reader *r, const struct rota_keyset *set,
	const struct rota_crypto *crypto)
{
	uint8_t good = 0;

	for (uint8_t i = 0; i < r->signature_count; i++) {
		const struct rota_order_signature *sig = &r->signature[i];

		if (sig->key >= set->count || set->key[sig->key].alg != ROTA_ALG_ECDSA_P256)
			continue;
		if (crypto->verify_digest(crypto->ctx, ROTA_ALG_ECDSA_P256,
			    ROTA_SPAN(set->key[sig->key].raw), ROTA_SPAN(sig->raw),
			    r->digest) == ROTA_OK)
			good++;
	}
	return good > 0 && good >= set->threshold ? ROTA_OK : ROTA_ERR_THRESHOLD;
}

static bool for_hardware(const struct rota_order *o, struct rota_span hardware)
{
	for (uint8_t i = 0; i < o->hardware_count; i++) {
		if (rota_span_eq(rota_name_span(&o->hardware[i]), hardware))
			return true;
	}
	return false;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ROTA_SHA256_LEN) == 0;
}

static bool for_image(const struct rota_order *o, const uint8_t *digest)
{
	if (o->has_image && same(o->image.digest, digest))
		return true;
	for (uint8_t i = 0; i < o->running_count; i++) {
		if (same(o->running[i], digest))
			return true;
	}
	return false;
}

static bool for_running(const struct rota_order *o, const struct rota_order_facts *facts)
{
	if (o->running_count == 0)
		return true;
	for (uint8_t i = 0; i < facts->running_count; i++) {
		if (for_image(o, facts->running[i]))
			return true;
	}
	return false;
}

enum rota_err rota_order_applies(
	const struct rota_order_reader *r, const struct rota_order_facts *facts)
{
	const struct rota_order *o = &r->order;
	bool resumes = facts->stored != NULL && same(facts->stored, r->file_sha256);

	if (!rota_span_eq(rota_name_span(&o->product), facts->product))
		return ROTA_ERR_PRODUCT;
	if (!for_hardware(o, facts->hardware))
		return ROTA_ERR_HARDWARE;
	if (o->device_count > 0 && !o->names_device)
		return ROTA_ERR_DENIED;
	if (o->epoch < facts->epoch || (o->epoch == facts->epoch && !resumes))
		return ROTA_ERR_VERSION;
	return resumes || for_running(o, facts) ? ROTA_OK : ROTA_ERR_STATE;
}

enum rota_err rota_order_key_floor(
	const struct rota_order *order, const struct rota_rom *rom, uint8_t *floor)
{
	uint8_t to = 0;

	for (uint8_t i = 0; i < order->retire_count; i++) {
		for (uint8_t k = 0; k < rom->key_count; k++) {
			if (!rota_span_eq(rom->key[k].hash, ROTA_SPAN(order->retire[i])))
				continue;
			if (k + 1 == rom->key_count)
				return ROTA_ERR_DENIED;
			to = (uint8_t)(k + 1);
		}
	}
	*floor = to;
	return ROTA_OK;
}

void rota_order_key_hash(const struct rota_crypto *crypto,
	const uint8_t raw[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_SHA256_LEN])
{
	/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } (RFC 5480) up to the point */
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
		0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03,
		0x42, 0x00 };
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_SPAN(head));
	crypto->sha256_update(&h, rota_span(raw, ROTA_P256_KEY_LEN));
	crypto->sha256_final(&h, out);
}
