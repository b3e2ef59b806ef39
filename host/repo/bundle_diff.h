/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_diff.h -- what signing an item of a bundle changes, for a person to read.
 *
 * Computed from the very objects that are verified and signed, value by value: whatever differs between the file
 * that counts now and the one to be signed is told, and so is every value of a new text that goes with it. There is
 * no list of what matters, so nothing can be left out of it.
 */
#ifndef HOST_REPO_BUNDLE_DIFF_H
#define HOST_REPO_BUNDLE_DIFF_H

#include "host/repo/bundle_view.h"

struct rota_bundle_sink {
	void *ctx;
	/* One value (no object, no list): its path of names and numbers, between blanks, and what it was and will be;
	 * NULL where it was not or will not be. The path is printable ASCII, the values are as they came. */
	void (*change)(void *ctx, const char *path, const json_t *was, const json_t *now);
};

/* How two values differ, below `name` (NULL: at the top); NULL is what was not or will not be. */
void rota_bundle_compare(const char *name, const json_t *was, const json_t *now,
	const struct rota_bundle_sink *sink);

void rota_bundle_diff(const struct rota_bundle_view *view, const struct rota_bundle_item *item,
	const struct rota_bundle_sink *sink);

#endif
