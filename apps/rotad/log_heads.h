/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/log_heads.h -- what a device signed of its log, for an auditor (SPEC 13.6). */
#ifndef APPS_ROTAD_LOG_HEADS_H
#define APPS_ROTAD_LOG_HEADS_H

#include "apps/rotad/config.h"

#include <stdbool.h>

/* Print the signed heads of `device` (64 hex digits) that the database keeps, each verified anew under its certificate, and
 * that under the CA as of when it came. Also while rotad runs. An exit status: 1 where one does not hold, two are of one
 * count, or there is none; errors are one line on standard error. */
int log_heads(const struct config *c, const char *device, bool json);

#endif
