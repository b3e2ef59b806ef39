/* SPDX-License-Identifier: Apache-2.0 */
/* A '/' of the pattern matches only a '/' of the path and nothing else does, so the two are matched segment
 * by segment, and within a segment it is enough to go back to its last star: time is at most the product
 * of the two lengths. */
#include "rota/trust/path.h"

bool rota_path_match(struct rota_span pattern, struct rota_span path)
{
	size_t at = 0; /* in pattern */
	size_t star = 0; /* behind the last star of this segment in pattern, if there is one */
	size_t retry = 0; /* where in path that star's run ends */
	size_t i = 0;

	for (;;) {
		int want = at < pattern.len ? pattern.p[at] : -1;
		uint8_t byte;

		if (want == '*') {
			star = ++at;
			retry = i;
			continue;
		}
		if (i == path.len)
			return want < 0;
		byte = path.p[i];
		if (want == byte || (want == '?' && byte != '/')) {
			if (byte == '/')
				star = 0;
			at++;
			i++;
		} else if (star != 0 && path.p[retry] != '/') {
			at = star;
			i = ++retry;
		} else {
			return false;
		}
	}
}
