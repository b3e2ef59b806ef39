/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/client_parts.h -- what client.c does for client_campaign.c, client_certificate.c and client_rows.c. Private to
 * these. */
#ifndef HOST_NOTARY_CLIENT_PARTS_H
#define HOST_NOTARY_CLIENT_PARTS_H

#include "host/notary/client.h"

/* GET of an object of exactly these members, which the caller decrefs. */
ROTA_MUST_USE enum rota_err client_get(struct rota_client *c, const char *path, size_t max,
	const char *members, json_t **out, struct rota_fail *why);

/* POST a request whose answer is long, at most `max` bytes: its text, which the caller frees. Anything but a yes is an error as
 * rota_client_verdict(); ROTA_ERR_BUSY also where the daemon's log is away. */
ROTA_MUST_USE enum rota_err client_post_long(struct rota_client *c, struct rota_span ask,
	size_t max, struct rota_bytes *text, struct rota_fail *why);

/* A list of digests in hex, at most `most`. `what` they are, for the sentence. */
ROTA_MUST_USE enum rota_err client_digests(const struct rota_client *c, const json_t *list,
	size_t most, uint8_t (*digests)[ROTA_DIGEST_LEN], size_t *count, const char *what,
	struct rota_fail *why);

/* The request whose text stands in `ask` of what the daemon shows. ROTA_ERR_HASH: another than of that digest. */
ROTA_MUST_USE enum rota_err client_read_ask(const json_t *whole,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_ask *ask, struct rota_fail *why);

#endif
