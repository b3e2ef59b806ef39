/* SPDX-License-Identifier: Apache-2.0 */
/* host/tuf/intake.h -- one metadata file into the session, as it arrives, whatever its spelling.
 *
 * A canonical file goes through in pieces and is never held, however long it is. What the session refuses as
 * malformed may be another tool's spelling: from there on its bytes are only counted, and when the whole file
 * lies on disk it is respelled (host/adapter) and fed anew. So each file is asked for once, and only one that is
 * spelled otherwise has to fit ROTA_RESPELL_MAX (SPEC 4.9).
 */
#ifndef HOST_TUF_INTAKE_H
#define HOST_TUF_INTAKE_H

#include "host/base/fail.h"
#include "rota/update/session.h"

struct rota_tuf_intake {
	struct rota_session *session; /* which wants a file */
	uint64_t len; /* bytes taken */
	bool misspelt;
};

/* The next bytes, as they came. ROTA_ERR_LIMIT: not canonical, and longer than the adapter takes; else what the
 * session refuses them for. */
ROTA_MUST_USE enum rota_err rota_tuf_intake_take(
	struct rota_tuf_intake *in, struct rota_span piece, struct rota_fail *why);

/* The file has ended and lies at `path` as it came.
 * sha256  the digest that it must have, or NULL: a file of another one is not respelled */
ROTA_MUST_USE enum rota_err rota_tuf_intake_end(
	struct rota_tuf_intake *in, const char *path, const uint8_t *sha256, struct rota_fail *why);

/* Both, for a file that lies on disk. ROTA_ERR_NOT_FOUND: there is none. */
ROTA_MUST_USE enum rota_err rota_tuf_intake_file(
	struct rota_tuf_intake *in, const char *path, const uint8_t *sha256, struct rota_fail *why);

#endif
