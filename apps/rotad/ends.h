/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/ends.h -- when what was signed for a while runs out: revocation lists (SPEC 29.7) and the certificate of the OCSP responder (29.8),
 * for /metrics. `rota registry lists` brings the next ones. */
#ifndef APPS_ROTAD_ENDS_H
#define APPS_ROTAD_ENDS_H

#include "apps/rotad/responder.h"

/* So long before the end it is told: a list lasts a week at most, and is to be renewed twice in it; a certificate lasts three months. */
#define ENDS_LIST_SOON_S ((uint64_t)2 * 86400)
#define ENDS_CERTIFICATE_SOON_S ((uint64_t)14 * 86400)
/* Lists of one file: one for each CA, of which there are two while one takes the place of the other. */
#define ENDS_LISTS_MAX 8

struct evbuffer;

/* Of one worker; zeroed. */
struct ends {
	struct stat seen; /* the file of lists, when it was read */
	size_t count;
	struct {
		char issuer[65];
		uint64_t at_s; /* 0: it does not say */
	} list[ENDS_LISTS_MAX];
};

/* The file is read when it changed. */
void ends_add(struct ends *e, const struct config *c, struct evbuffer *to);

#endif
