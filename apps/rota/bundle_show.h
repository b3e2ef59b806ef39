/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/bundle_show.h -- a verified bundle for a person to read: each part, and every value that signing it changes. */
#ifndef APPS_ROTA_BUNDLE_SHOW_H
#define APPS_ROTA_BUNDLE_SHOW_H

#include "host/repo/bundle_view.h"

/* On standard output; `json`: as a list for programs. */
void bundle_show(const struct rota_bundle_view *view, uint64_t now, bool json);

#endif
