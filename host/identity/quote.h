/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/quote.h -- whether PCRs showed what a device says, by the quote of its TPM (SPEC 28.3).
 *
 * Believed are: a signature by the quote key over an attestation of the TPM's own making, for this nonce, over these
 * PCRs; a quote key made like the one template, a primary of the endorsement hierarchy; the identity's word that this
 * is its TPM's. The identity signs what its device asks it to: a device that is broken into can vouch for a key made in
 * software. So who can, compares `key_name` with the one that this device had in the factory; it never changes.
 */
#ifndef HOST_IDENTITY_QUOTE_H
#define HOST_IDENTITY_QUOTE_H

#include "rota/port/crypto.h"

#define ROTA_QUOTE_NAME_LEN 34

struct rota_quote {
	uint8_t key_name[ROTA_QUOTE_NAME_LEN]; /* of the quote key */
	uint8_t pcrs_sha256[ROTA_SHA256_LEN]; /* over the values of the PCRs, ascending */
	uint64_t clock_ms; /* that the TPM ran */
	uint32_t resets, restarts;
};

/* identity: the device's public key. pcrs: as they were asked for.
 * ROTA_ERR_FORMAT: not the layout, another kind of attestation, other PCRs, or another kind of quote key.
 * ROTA_ERR_HASH: for another nonce. ROTA_ERR_SIGNATURE: by another key, or another identity. */
ROTA_MUST_USE enum rota_err rota_quote_verify(const struct rota_crypto *crypto,
	const uint8_t identity[static ROTA_P256_KEY_LEN], const uint8_t nonce[static 32],
	uint32_t pcrs, struct rota_span quote, struct rota_quote *out);

#endif
