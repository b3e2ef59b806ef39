/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/digest.h -- SHA-256 on Linux, through OpenSSL.
 *
 * A running digest can be asked for its value and fed on.
 */
#ifndef HOST_BASE_DIGEST_H
#define HOST_BASE_DIGEST_H

#include "host/base/feed.h"

#define ROTA_DIGEST_LEN 32
#define ROTA_DIGEST_HEX (2 * ROTA_DIGEST_LEN + 1) /* digits and NUL */

struct rota_digest; /* running */

/* Never NULL: without SHA-256 or memory the program ends. */
struct rota_digest *rota_digest_new(void);
void rota_digest_add(struct rota_digest *d, struct rota_span data);
void rota_digest_get(const struct rota_digest *d, uint8_t out[static ROTA_DIGEST_LEN]);
void rota_digest_free(struct rota_digest *d);

void rota_digest_of(struct rota_span data, uint8_t out[static ROTA_DIGEST_LEN]);
void rota_digest_hex(struct rota_span data, char out[static ROTA_DIGEST_HEX]);

/* Length and digest of a file, streamed. */
ROTA_MUST_USE enum rota_err rota_digest_file(const char *path, const struct rota_progress *progress,
	uint64_t *len, uint8_t out[static ROTA_DIGEST_LEN], struct rota_fail *why);

#endif
