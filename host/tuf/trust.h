/* SPDX-License-Identifier: Apache-2.0 */
/* host/tuf/trust.h -- where trust begins: a root file (TUF 5.2), and a session that starts from it.
 *
 * The limits are those of a machine with gigabytes (SPEC 4.9): the specification itself sets none.
 */
#ifndef HOST_TUF_TRUST_H
#define HOST_TUF_TRUST_H

#include "host/tuf/metadir.h"
#include "rota/update/session.h"

/* A root with a thousand RSA keys, each of which signs. It is held in memory. */
#define ROTA_TUF_ROOT_MAX (512u * 1024)

/* Snapshot and role files are streamed to disk, not held, so that this only bounds what a server may fill the disk
 * with: four million targets at the length that they have in the largest repositories. */
#define ROTA_TUF_META_MAX (1024u * 1024 * 1024)

/* Roots that one refresh walks: pre-signed series change them every few hours, so that 256 are soon behind. */
#define ROTA_TUF_ROOTS_MAX 4096u

/* Points into itself: stays where it is. */
struct rota_tuf_session {
	struct rota_limits limits;
	struct rota_session session;
	uint8_t *workspace;
};

/* Begin with the root file at `root`, in any spelling. ROTA_ERR_NOT_FOUND: it is not there; ROTA_ERR_FORMAT: it is
 * no root. Its signatures are the session's to verify.
 * now_s  the fixed update start time (TUF 5.1) */
ROTA_MUST_USE enum rota_err rota_tuf_session_open(struct rota_tuf_session *s,
	const struct rota_crypto *crypto, const char *root, uint64_t now_s, struct rota_fail *why);

/* Harmless for one that is all zeros. */
void rota_tuf_session_close(struct rota_tuf_session *s);

/* Begin trust with the file at `root`, which must carry the threshold of its own keys: timestamp and snapshot that
 * were trusted before are forgotten. On failure all is as it was. */
ROTA_MUST_USE enum rota_err rota_tuf_begin(const struct rota_metadir *m,
	const struct rota_crypto *crypto, const char *root, struct rota_fail *why);

/* "root.json: signatures below threshold (TUF 5.2: ...); DETAIL": why the session failed over the file `name`. */
enum rota_err rota_tuf_complain(const struct rota_session *s, const char *name,
	const struct rota_fail *detail, struct rota_fail *why);

#endif
