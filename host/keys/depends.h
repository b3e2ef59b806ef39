/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/depends.h -- what stands on a key: the role files that count now and carry its signature. */
#ifndef HOST_KEYS_DEPENDS_H
#define HOST_KEYS_DEPENDS_H

#include "host/keys/keys.h"

/* For each of rota_keys_at(), how many of the published files of SPEC 3.2's roles; the caller frees. A file that
 * cannot be read counts for none. */
unsigned *rota_keys_depends(const struct rota_authdir *dir, const struct rota_keys *k);

#endif
