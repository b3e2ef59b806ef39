/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/metrics.h -- the figures as Prometheus reads them (text format 0.0.4). */
#ifndef APPS_ROTAD_METRICS_H
#define APPS_ROTAD_METRICS_H

#include "apps/rotad/shared.h"

struct evbuffer;

void metrics_add(struct evbuffer *to, struct figures *f);

#endif
