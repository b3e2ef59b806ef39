/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/bootaccess.h"

static enum rota_err journal_begin(void *ctx, struct rota_bootstate *out)
{
	return rota_bootstate_load(ctx, out);
}

static enum rota_err journal_commit(void *ctx, const struct rota_bootstate *state)
{
	return rota_bootstate_commit(ctx, state);
}

static void journal_end(void *ctx)
{
	(void)ctx;
}

struct rota_boot_access rota_boot_access_journal(struct rota_journal *j)
{
	return (struct rota_boot_access){
		.ctx = j,
		.begin = journal_begin,
		.commit = journal_commit,
		.end = journal_end,
	};
}
