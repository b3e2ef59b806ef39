/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/bar.h -- a bar on a terminal that shows how far something long has come; nothing elsewhere.
 *
 *     copying [########............]  40 %
 *     download [########............]  40 %  40.0 of 100.0 MB  8.0 MB/s  0:07
 *
 * It is drawn over and over on one line of the stream that the program gives, at most ten times a second and not in the
 * first tenth, so that what is soon done shows none, and wiped away at the end. One at a time on a stream, and
 * whatever else is to be written there waits for rota_bar_end().
 */
#ifndef HOST_BASE_BAR_H
#define HOST_BASE_BAR_H

#include "host/base/digest.h"

#include <stdio.h>

struct rota_bar {
	FILE *out; /* NULL: nothing is drawn */
	const char *what;
	bool bytes; /* of a transfer */
	bool drawn; /* it stands on the line */
	uint64_t from; /* bytes that were there before */
	uint64_t from_ms, last_ms; /* its beginning, the last drawing */
	struct rota_progress port; /* to hand on; its ctx is this struct */
};

/* what  stays in use; a word of the program's own, as terminals obey control characters
 * out   may be NULL; where it is no terminal nothing is drawn */
void rota_bar_begin(struct rota_bar *b, FILE *out, const char *what);

/* The same of bytes, of which `from` are there already: with rate and the time that is left. */
void rota_bar_begin_bytes(struct rota_bar *b, FILE *out, const char *what, uint64_t from);

/* So much is done of all; as port.step. */
void rota_bar_step(struct rota_bar *b, uint64_t done, uint64_t all);

/* Wipe it away; a further step draws it again. A bar that never began, all of it 0, is fine too. */
void rota_bar_end(struct rota_bar *b);

#endif
