/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/bundle_show.h -- a verified bundle for a person to read: each part, and every value that signing it changes. */
#ifndef APPS_ROTA_BUNDLE_SHOW_H
#define APPS_ROTA_BUNDLE_SHOW_H

#include "host/repo/bundle_view.h"

/* One value that changes, as rota_bundle_sink tells it, in lines: minus what was, plus what will be. Nothing of it moves the
 * cursor or turns the line around. */
void bundle_show_change(const char *path, const json_t *was, const json_t *now);

/* A line "NAME TEXT", the text between quotes; for the same reason. */
void bundle_show_text(const char *name, const char *text);

/* On standard output; `json`: as a list for programs. */
void bundle_show(const struct rota_bundle_view *view, uint64_t now, bool json);

#endif
