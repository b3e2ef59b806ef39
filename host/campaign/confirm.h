/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/confirm.h -- confirmation keys of a tree's devices: all that a server gets of the secrets (SPEC 37.3).
 *
 *     ID.TREE.confirm = head (128 bytes) || keys of 32 bytes, in the order of the tree
 *
 * The head is that of the bundle file (33.4) with another magic, no tiles and records of 32 bytes. A server that has
 * such a key sees whether a device has the secret, and nothing follows from it to any other key.
 */
#ifndef HOST_CAMPAIGN_CONFIRM_H
#define HOST_CAMPAIGN_CONFIRM_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_CONFIRM_HEAD_LEN 128
#define ROTA_CONFIRM_KEY_LEN 32

struct rota_confirm {
	uint8_t campaign[32], root[32]; /* of the bundles */
	uint16_t tree;
	uint32_t size;
};

void rota_confirm_encode(const struct rota_confirm *c, uint8_t out[static ROTA_CONFIRM_HEAD_LEN]);

/* `file_len` is what the file has. ROTA_ERR_FORMAT: no such head, or a damaged one; ROTA_ERR_LENGTH: the file has
 * another length; ROTA_ERR_UNSUPPORTED: another version. */
ROTA_MUST_USE enum rota_err rota_confirm_decode(const uint8_t in[static ROTA_CONFIRM_HEAD_LEN],
	uint64_t file_len, struct rota_confirm *out);

/* Where the key of device `index` begins, and, of index `size`, the length of the file. */
uint64_t rota_confirm_at(uint32_t index);

#endif
