/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/arena.h"
#include "rota/base/mem.h"

#define ALIGN sizeof(uint64_t)

struct rota_arena rota_arena(struct rota_buf workspace)
{
	struct rota_arena a = { .rest = workspace, .wanted = 0, .failed = false };
	size_t off = (size_t)((uintptr_t)workspace.p % ALIGN);
	size_t pad = off == 0 ? 0 : ALIGN - off;

	a.wanted = pad;
	a.failed = pad > workspace.len;
	if (!a.failed && pad > 0) /* no arithmetic on the null pointer of an empty workspace */
		a.rest = rota_buf(workspace.p + pad, workspace.len - pad);
	return a;
}

void *rota_arena_place(struct rota_arena *a, size_t len)
{
	size_t need = (len + ALIGN - 1) / ALIGN * ALIGN;
	uint8_t *out = a->rest.p;

	a->wanted += need;
	if (a->failed || need < len || need > a->rest.len) {
		a->failed = true;
		return NULL;
	}
	if (need > 0) {
		memset(out, 0, need);
		a->rest = rota_buf(out + need, a->rest.len - need);
	}
	return out;
}

enum rota_err rota_arena_end(const struct rota_arena *a)
{
	return a->failed ? ROTA_ERR_LIMIT : ROTA_OK;
}
