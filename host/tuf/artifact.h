/* SPDX-License-Identifier: Apache-2.0 */
/* host/tuf/artifact.h -- a verified target as a file (TUF 5.7).
 *
 * It lies in one flat directory under its whole path, percent-encoded, so that no path leads out of it: "a/b" is
 * DIR/a%2Fb. It gets that name after its last byte was verified; until then it is a temporary file beside.
 * Those of killed clients are removed.
 *
 * On a file system that ignores case two paths may be one file. Of the targets of one run none replaces another.
 */
#ifndef HOST_TUF_ARTIFACT_H
#define HOST_TUF_ARTIFACT_H

#include "host/base/digest.h"
#include "host/fetch/fetch.h"
#include "rota/update/session.h"

struct rota_tuf_artifact {
	const char *path; /* as its role lists it */
	const struct rota_target *target;
	bool consistent; /* its file on the server is DIR/HASH.NAME (TUF 5.7.3) */
	const char *const *before; /* paths of the targets of this run that lie there already */
	size_t before_count;
	const struct rota_progress *progress; /* counts bytes; or NULL */
};

/* Fetch it into `dir`, which is made where it is not; nothing is asked when the file there has the listed
 * length and digest already.
 * total_s  deadline of the transfer
 * Errors are those of rota_fetch_get(), ROTA_ERR_LENGTH and ROTA_ERR_HASH of TUF 5.7.3 among them; and
 * ROTA_ERR_IO: its file is that of a target before. */
ROTA_MUST_USE enum rota_err rota_tuf_artifact_get(const struct rota_tuf_artifact *a,
	struct rota_fetch *fetch, const struct rota_fetch_server *server, const char *dir,
	uint32_t total_s, struct rota_fail *why);

#endif
