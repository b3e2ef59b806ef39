/* SPDX-License-Identifier: Apache-2.0 */
/* host/tuf/client.h -- a TUF client for any repository: a session to the letter, wired to files and HTTP.
 *
 * What is fetched: N+1.root.json until there is none, timestamp.json, and of the rest what is not at hand: the
 * trusted files in the metadata directory are used again where they have the listed digest, or, where none is
 * listed, the listed version. Each file is streamed to the core (host/tuf/intake.h), and is kept as it was
 * fetched.
 *
 * After an error only rota_tuf_close() is useful; what was verified stays, and the next client goes on there.
 */
#ifndef HOST_TUF_CLIENT_H
#define HOST_TUF_CLIENT_H

#include "host/fetch/fetch.h"
#include "host/tuf/trust.h"

struct rota_tuf_settings {
	const struct rota_metadir *metadir; /* open; in use until close, as all of these */
	const struct rota_crypto *crypto;
	struct rota_fetch *fetch;
	struct rota_fetch_server server; /* of the metadata */
	uint32_t file_s; /* deadline of one metadata file */
	uint32_t roots; /* that one refresh walks at most (TUF 5.3.3) */
	uint64_t now_s; /* the fixed update start time (TUF 5.1) */
};

struct rota_tuf_client;

/* From what the metadata directory has. NULL: `why` says why not. */
struct rota_tuf_client *rota_tuf_open(
	const struct rota_tuf_settings *settings, struct rota_fail *why);

/* TUF 5.3 to 5.6: `why` names file, clause and what it demands. */
ROTA_MUST_USE enum rota_err rota_tuf_refresh(struct rota_tuf_client *c, struct rota_fail *why);

/* After a refresh: what a role that may sign it says of `path` (TUF 5.6.7). Any number of times, until one
 * fails. The target is valid until the next call. */
ROTA_MUST_USE enum rota_err rota_tuf_find(struct rota_tuf_client *c, const char *path,
	const struct rota_target **out, struct rota_fail *why);

/* Whether targets' names carry their digest. */
bool rota_tuf_consistent(const struct rota_tuf_client *c);

void rota_tuf_close(struct rota_tuf_client *c);

#endif
