/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/arena.h -- cut the caller's workspace into the arrays that a context needs.
 *
 * Only ever grows; nothing is given back but the whole. The error sticks, as in the writer.
 */
#ifndef ROTA_BASE_ARENA_H
#define ROTA_BASE_ARENA_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_arena {
	struct rota_buf rest;
	size_t wanted; /* bytes asked for so far, alignment included: what would have sufficed */
	bool failed;
};

struct rota_arena rota_arena(struct rota_buf workspace);

/* `len` zeroed bytes, aligned for any type of this library; NULL once there was too little room. */
void *rota_arena_place(struct rota_arena *a, size_t len);

/* The same as room; empty once there was too little. */
static inline struct rota_buf rota_arena_take(struct rota_arena *a, size_t len)
{
	void *at = rota_arena_place(a, len);

	return rota_buf(at, at != NULL ? len : 0);
}

/* ROTA_OK, or ROTA_ERR_LIMIT when something did not fit. */
ROTA_MUST_USE enum rota_err rota_arena_end(const struct rota_arena *a);

#endif
