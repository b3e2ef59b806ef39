/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/quote.h -- what PCRs show, signed by a key that signs nothing but what the TPM itself says (SPEC 28.3).
 *
 *   length of the attestation (u16) || TPMS_ATTEST || signature (64) || point of the quote key (65) ||
 *   signature (64) of the identity over the Name of the quote key (rota/crypto/factory.h)
 *
 * The quote key is a restricted primary of the endorsement hierarchy, so reset counts are in clear. It is made anew for
 * each quote from one template and is the same for the life of the TPM; host/identity/quote.h verifies.
 */
#ifndef PORTS_TPM2_QUOTE_H
#define PORTS_TPM2_QUOTE_H

#include "ports/tpm2/pair.h"

/* Into `room`. ROTA_ERR_ARGUMENT: `pcrs` is 0, or names one above 23. ROTA_ERR_LIMIT: too little room.
 * ROTA_ERR_DENIED: the endorsement hierarchy has a password. ROTA_ERR_NOT_FOUND: there is no identity. */
ROTA_MUST_USE enum rota_err rota_tpm2_quote(const struct rota_tpm2 *tpm,
	const struct rota_crypto *crypto, const uint8_t nonce[static 32], uint32_t pcrs,
	struct rota_buf room, struct rota_span *out);

#endif
