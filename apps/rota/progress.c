/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR 40

static void step(void *ctx, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;
	int percent = total ? (int)(done * 100 / total) : 100;
	char bar[BAR + 1];

	if (!p->on || percent == p->shown)
		return;
	p->shown = percent > 100 ? 100 : percent;
	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)(p->shown * BAR / 100));
	bar[BAR] = 0;
	fprintf(stderr, "\r%s [%s] %3d %%", p->title, bar, p->shown);
	fflush(stderr);
}

void progress_begin(struct progress *p, const char *title)
{
	*p = (struct progress){ .title = title, .shown = -1, .on = isatty(STDERR_FILENO) == 1 };
	p->port = (struct rota_progress){ .ctx = p, .step = step };
}

void progress_end(struct progress *p)
{
	if (p->on && p->shown >= 0)
		fprintf(stderr, "\r\033[K");
	p->shown = -1;
}
