/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_bearssl/secret.h"
#include "rota/base/mem.h"

#include <bearssl.h> /* after mem.h: BearSSL's headers bring the C library's own declarations */

_Static_assert(sizeof(struct rota_aead_key) >= sizeof(br_aes_ct_ctr_keys), "room for a schedule");
_Static_assert(_Alignof(struct rota_aead_key) >= _Alignof(br_aes_ct_ctr_keys), "aligned for it");

static enum rota_err aead_begin(struct rota_aead_key *k, struct rota_span key)
{
	if (key.len != 16 && key.len != 32)
		return ROTA_ERR_UNSUPPORTED;
	br_aes_ct_ctr_init((br_aes_ct_ctr_keys *)k->opaque, key.p, key.len);
	return ROTA_OK;
}

static void aead_end(struct rota_aead_key *k)
{
	rota_wipe(k, sizeof(*k));
}

/* A message up to its tag. BearSSL only reads the schedule, though its pointer to it is not const. */
static void run(br_gcm_context *gcm, const struct rota_aead_key *k, const uint8_t *nonce,
	struct rota_span aad, struct rota_buf data, int encrypt)
{
	br_aes_ct_ctr_keys *keys = (br_aes_ct_ctr_keys *)(uintptr_t)k->opaque;

	br_gcm_init(gcm, &keys->vtable, br_ghash_ctmul32);
	br_gcm_reset(gcm, nonce, ROTA_AEAD_NONCE_LEN);
	if (aad.len > 0)
		br_gcm_aad_inject(gcm, aad.p, aad.len);
	br_gcm_flip(gcm);
	if (data.len > 0)
		br_gcm_run(gcm, encrypt, data.p, data.len);
}

static enum rota_err aead_seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	br_gcm_context gcm;

	run(&gcm, k, nonce, aad, data, 1);
	br_gcm_get_tag(&gcm, tag);
	rota_wipe(&gcm, sizeof(gcm));
	return ROTA_OK;
}

static enum rota_err aead_open(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	br_gcm_context gcm;
	bool good;

	run(&gcm, k, nonce, aad, data, 0);
	good = br_gcm_check_tag(&gcm, tag) == 1;
	rota_wipe(&gcm, sizeof(gcm));
	if (good)
		return ROTA_OK;
	rota_wipe(data.p, data.len);
	return ROTA_ERR_SIGNATURE;
}

const struct rota_aead rota_aead_bearssl = {
	.begin = aead_begin,
	.end = aead_end,
	.seal = aead_seal,
	.open = aead_open,
};
