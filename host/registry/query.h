/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/query.h -- which devices somebody means (SPEC 30.7).
 *
 *     all
 *     group=field and channel=production and not region=eu
 *     hardware=board-a and not serial in broken.txt
 *
 * Words between blanks. Each term is NAME=VALUE or NAME in FILE, `not` turns it round, and all terms must hold. Names:
 * channel, group, hardware, id, owner, region, serial, state. A file has one value a line. VALUE may be empty: of whom
 * nothing was said there.
 */
#ifndef HOST_REGISTRY_QUERY_H
#define HOST_REGISTRY_QUERY_H

#include "host/port/regdb.h"

#define ROTA_QUERY_TEXT_MAX 256 /* SPEC 32.1: it stands in the request that officers read */
#define ROTA_QUERY_TERMS_MAX 16
#define ROTA_QUERY_LIST_MAX (64u * 1024 * 1024) /* bytes of a file: a million ids */

struct rota_query;

/* `why` names the word that is wrong. */
ROTA_MUST_USE enum rota_err rota_query_parse(
	const char *text, struct rota_query **out, struct rota_fail *why);
void rota_query_free(struct rota_query *q); /* NULL is allowed */

bool rota_query_matches(const struct rota_query *q, const struct rota_reg_device *device);

#endif
