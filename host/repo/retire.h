/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/retire.h -- retirements and revocations of a product (SPEC 16): what an operator changes in them. */
#ifndef HOST_REPO_RETIRE_H
#define HOST_REPO_RETIRE_H

#include "host/base/digest.h"
#include "host/repo/ledger.h"
#include "rota/codec/retirements.h"

extern const struct rota_ledger_kind rota_retirements_kind;
extern const struct rota_ledger_kind rota_revocations_kind;

/* What a device reads of a retirements file, whatever its hardware. */
ROTA_MUST_USE enum rota_err rota_retirements_read(
	struct rota_retirements_decoder *d, struct rota_span text);

/* What a device says of a revocations file; its product into *product. */
ROTA_MUST_USE enum rota_err rota_revocations_read(struct rota_span text, struct rota_name *product);

/* Raise the counter floor of a hardware id. ROTA_ERR_COUNTER: it is there already, or above: floors never fall. */
ROTA_MUST_USE enum rota_err rota_retire_counter(
	json_t *retirements, const char *hardware, uint32_t counter, struct rota_fail *why);

/* Image keys in ROM before `first` (0 or 1) count no more. ROTA_ERR_COUNTER: so it is already. */
ROTA_MUST_USE enum rota_err rota_retire_boot_key(
	json_t *retirements, unsigned first, struct rota_fail *why);

/* Retire a generation of data keys and all below it: one pair of its purpose stands, the highest (SPEC 38.1). purpose: a word.
 * ROTA_ERR_COUNTER: it is retired already. */
ROTA_MUST_USE enum rota_err rota_retire_generation(
	json_t *retirements, const char *purpose, uint32_t generation, struct rota_fail *why);

/* Up to which generation of a purpose data keys are retired; 0: none is. */
uint32_t rota_retired_generation(const json_t *retirements, const char *purpose);

/* Retire a certificate authority by the SHA-256 of its SubjectPublicKeyInfo. ROTA_ERR_STATE: it is already. */
ROTA_MUST_USE enum rota_err rota_retire_ca(
	json_t *retirements, const uint8_t spki[static ROTA_DIGEST_LEN], struct rota_fail *why);

/* Withdraw a release by the digest of its release.json, or take that back. ROTA_ERR_STATE: so it is already. */
ROTA_MUST_USE enum rota_err rota_withdraw(json_t *revocations,
	const uint8_t release[static ROTA_DIGEST_LEN], bool undo, struct rota_fail *why);

#endif
