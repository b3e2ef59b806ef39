/* SPDX-License-Identifier: Apache-2.0 */
/* host/ceremony/fingerprint.h -- what people at two machines read to each other (SPEC 24.2).
 *
 * A hundred bits of a digest over all that is to be signed: nobody finds a second bundle that has them, and nobody
 * reads more aloud without losing the place. The alphabet has no letter that is taken for a digit or another letter.
 */
#ifndef HOST_CEREMONY_FINGERPRINT_H
#define HOST_CEREMONY_FINGERPRINT_H

#include "host/repo/bundle.h"

#define ROTA_FINGERPRINT_LEN 25 /* "XXXX-XXXX-XXXX-XXXX-XXXX" and NUL */

/* Of all that the bundle would have signed, whoever signed it already. */
ROTA_MUST_USE enum rota_err rota_fingerprint(const struct rota_bundle *bundle,
	char out[static ROTA_FINGERPRINT_LEN], struct rota_fail *why);

/* Of the roots of a series (SPEC 23.2), `signed` each. */
ROTA_MUST_USE enum rota_err rota_fingerprint_series(
	const json_t *roots, char out[static ROTA_FINGERPRINT_LEN], struct rota_fail *why);

/* Whether somebody typed this fingerprint: case, hyphens and blanks do not count, O is 0, I and L are 1. */
bool rota_fingerprint_is(const char *typed, const char *fingerprint);

#endif
