/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/feed.h -- a file of any length, piece by piece, and how far it has come.
 *
 * For what is hashed, verified or copied and need not lie in memory.
 */
#ifndef HOST_BASE_FEED_H
#define HOST_BASE_FEED_H

#include "host/base/fail.h"
#include "rota/base/span.h"

#include <stdint.h>

/* Called with bytes done and bytes in all; for progress bars. NULL where nobody looks. */
struct rota_progress {
	void *ctx;
	void (*step)(void *ctx, uint64_t done, uint64_t total);
};

/* The regular file `path` to `take`, from its beginning to its end. An error of `take` ends it and is the result; what
 * `why` says of it is then take's business. */
ROTA_MUST_USE enum rota_err rota_feed_file(const char *path, const struct rota_progress *progress,
	void *ctx, enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why);

#endif
