/* SPDX-License-Identifier: Apache-2.0 */
/* ports/tpm2/objects.h -- the key objects of a device in its TPM: where they lie, what they are made like, their Names.
 *
 * All lie at persistent handles, so that nothing of them is on a disk, and each call loads at most one object beside.
 */
#ifndef PORTS_TPM2_OBJECTS_H
#define PORTS_TPM2_OBJECTS_H

#include "ports/tpm2/tpm2.h"
#include "rota/codec/rom.h"
#include "rota/port/rot.h"

/* SPEC 28.3: the storage root, and after it the keys by enum rota_rot_key. */
#define ROTA_ROT_TPM_ROOT 0x81018520u

/* What they are made like. */
extern const TPM2B_PUBLIC rota_tpm2_root_template;
extern const TPM2B_PUBLIC rota_tpm2_sign_template;
extern const TPM2B_PUBLIC rota_tpm2_agree_template;
extern const TPM2B_PUBLIC rota_tpm2_quote_template;

/* The object at a persistent handle, by its public area, of which nothing is checked. ROTA_ERR_CORRUPT: there is none. */
ROTA_MUST_USE enum rota_err rota_tpm2_find(
	const struct rota_tpm2 *tpm, TPM2_HANDLE handle, ESYS_TR *object);

/* Whether two keys are made alike: all of their public areas but the points. */
bool rota_tpm2_alike(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b);

/* 0x000B || SHA-256 of the public area (TPM 2.0 part 1, 16). */
ROTA_MUST_USE enum rota_err rota_tpm2_name(const TPMT_PUBLIC *public,
	const struct rota_crypto *crypto, uint8_t name[static ROTA_ROM_ROOT_NAME_LEN]);

/* Points and signatures: a TPM leaves zeros off that lead a number. ROTA_ERR_IO: longer than the curve has. */
ROTA_MUST_USE enum rota_err rota_tpm2_point(
	const TPMS_ECC_POINT *from, uint8_t point[static ROTA_P256_KEY_LEN]);
ROTA_MUST_USE enum rota_err rota_tpm2_number(
	const TPM2B_ECC_PARAMETER *from, uint8_t number[static 32]);
ROTA_MUST_USE enum rota_err rota_tpm2_signature(
	const TPMT_SIGNATURE *from, uint8_t sig[static ROTA_P256_SIG_LEN]);

#endif
