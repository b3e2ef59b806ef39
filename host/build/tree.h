/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/tree.h -- a source tree, copied so that every copy is alike, and the digest of what was copied.
 *
 * Directories, regular files and symbolic links; anything else is refused, `.git` at the top is left out. Files are
 * 0644 or 0755, by their owner's x, with one time for all: who builds elsewhere gets the same tree. The digest is of
 * contents, kinds and names (SPEC 26.3), not of where or when.
 */
#ifndef HOST_BUILD_TREE_H
#define HOST_BUILD_TREE_H

#include "host/base/digest.h"

#include <stdint.h>

/* Files, directories and links of a source tree; Linux has 90,000. */
#define ROTA_TREE_ENTRIES_MAX 1000000

/* Copy folder `from` to `to`, which must not exist, all times being `epoch_s`.
 * ROTA_ERR_UNSUPPORTED: a device, socket or FIFO. ROTA_ERR_LIMIT: more entries than the maximum, a path too long. */
ROTA_MUST_USE enum rota_err rota_tree_copy(const char *from, const char *to, uint64_t epoch_s,
	uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why);

#endif
