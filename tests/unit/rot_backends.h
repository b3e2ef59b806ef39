/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/rot_backends.h -- every backend of rota/port/rot.h, begun anew for a test. */
#ifndef TESTS_UNIT_ROT_BACKENDS_H
#define TESTS_UNIT_ROT_BACKENDS_H

#include "rota/port/rot.h"

/* Blank; valid until any is begun again. NULL: it cannot be begun here. */
const struct rota_rot *rot_begin_soft(void);
const struct rota_rot *rot_begin_tpm(void);
const struct rota_rot *rot_begin_pkcs11(void);

/* ---- of a token ---- */

/* The same behind p11shim.c in this mood; wrap keys that it cannot have in `wraps`. */
const struct rota_rot *rot_begin_pkcs11_mood(const char *mood, const struct rota_rot *wraps);

/* ---- of a TPM ---- */

/* A TPM that no factory has seen. */
bool rot_begin_blank_tpm(void);

/* Root of trust and its root's Name, over any TCTI; the state folder is the test's. */
const struct rota_rot *rot_open_tpm(const char *tcti, const uint8_t *root_name);
const char *rot_tcti(void); /* of the TPM begun last */
const uint8_t *rot_root_name(void); /* its storage root's */

#endif
