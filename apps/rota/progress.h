/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/progress.h -- a bar on a terminal, nothing elsewhere. */
#ifndef APPS_ROTA_PROGRESS_H
#define APPS_ROTA_PROGRESS_H

#include "host/base/digest.h"

struct progress {
	const char *title;
	int shown; /* per cent on the screen, -1 none */
	bool on;
	struct rota_progress port; /* hand this on; its ctx is this struct */
};

void progress_begin(struct progress *p, const char *title);

/* Wipe the bar away. */
void progress_end(struct progress *p);

#endif
