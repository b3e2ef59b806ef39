/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/keys.h -- key campaigns at the front: each device its own bundle (SPEC 33.6, 35.2).
 *
 *     GET /api/v1/keys/CAMPAIGN
 *
 * Below [keys] directory lie `campaigns`, where rota-seald's files are put (host/registry/keyshelf.h), and `nonce.key`, the secret
 * of the nonces. A worker looks the device up in the database, on a connection of its own that only reads: whose bundle it is
 * follows from the identity there.
 */
#ifndef APPS_ROTAD_KEYS_H
#define APPS_ROTAD_KEYS_H

#include "apps/rotad/shared.h"
#include "host/campaign/row.h"
#include "host/http/head.h"
#include "host/registry/keyshelf.h"
#include "ports/db_sqlite/registry.h"

struct worker;

/* What a nonce is for (SPEC 35.2). */
#define KEYS_NONCE "prove"

/* Of one worker. */
struct keys {
	struct rota_db_sqlite *sqlite; /* for looking */
	struct rota_regdb reg;
	struct rota_keyshelf *shelf; /* NULL where no [keys] are set */
	bool failed; /* the last look into files or database; it was said */
};

/* The folders, and the secret, drawn at the first start. `out` is begun with it, for all workers to copy.
 * ROTA_ERR_DENIED: others can read the secret's file. ROTA_ERR_FORMAT: it is none. */
ROTA_MUST_USE enum rota_err keys_prepare(
	const struct config *c, struct rota_hmac *out, struct rota_fail *why);

/* The database is there. Release with keys_close(), after a failure too. */
ROTA_MUST_USE enum rota_err keys_open(
	struct keys *k, const struct config *c, struct rota_fail *why);
void keys_close(struct keys *k);

/* A device of the fleet. ROTA_ERR_NOT_FOUND: it is unknown. ROTA_ERR_DENIED: it left, and *out and *row are what it was. Else the database's, which is said. */
ROTA_MUST_USE enum rota_err keys_device(struct worker *w,
	const uint8_t id[static ROTA_DEVICE_ID_LEN], struct rota_reg_device *out,
	struct rota_row *row);

/* Say an error once until it is well again. */
void keys_failed(struct worker *w, const struct rota_fail *why);

/* For a gate (conn.h); `worker` is a struct worker. */
size_t keys_direct(
	void *worker, const struct rota_http_head *head, struct rota_span in, struct rota_buf out);

#endif
