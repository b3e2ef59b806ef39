/* SPDX-License-Identifier: Apache-2.0 */
/* host/ceremony/transcript.h -- what is written down of a ceremony (SPEC 24.4).
 *
 * Lines of canonical JSON. Each names, by SHA-256, the lines that nothing had followed when it was written: so no line
 * can be changed or taken away from before another one, and copies that several people took with them are joined
 * again. It is no proof against who holds the only copy: the log has its digest.
 */
#ifndef HOST_CEREMONY_TRANSCRIPT_H
#define HOST_CEREMONY_TRANSCRIPT_H

#include "host/base/digest.h"
#include "host/base/json.h"

/* A line of each of a hundred people, with the keys of all roles. */
#define ROTA_TRANSCRIPT_MAX (1024 * 1024)
#define ROTA_TRANSCRIPT_LINES_MAX 256

struct rota_transcript {
	json_t *lines; /* list; owned */
	json_t *digests; /* of them, as hex; owned */
};

/* With no line. */
void rota_transcript_begin(struct rota_transcript *t);
void rota_transcript_free(struct rota_transcript *t);

/* ROTA_ERR_HASH: a line was changed, or one before another is gone. ROTA_ERR_FORMAT, ROTA_ERR_LIMIT: it is no
 * transcript. On failure there is nothing to free. */
ROTA_MUST_USE enum rota_err rota_transcript_parse(
	struct rota_span text, struct rota_transcript *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_transcript_load(
	const char *path, struct rota_transcript *out, struct rota_fail *why);

/* Add `line` (taken over): an object with text `did` and whatever else; `before` is set here. */
ROTA_MUST_USE enum rota_err rota_transcript_add(
	struct rota_transcript *t, json_t *line, struct rota_fail *why);

/* Take over the lines of another copy that are not here. ROTA_ERR_HASH: it is of another ceremony. */
ROTA_MUST_USE enum rota_err rota_transcript_join(
	struct rota_transcript *to, const struct rota_transcript *from, struct rota_fail *why);

/* All of it as it is stored; the caller frees. */
ROTA_MUST_USE enum rota_err rota_transcript_text(
	const struct rota_transcript *t, struct rota_bytes *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_transcript_save(
	const struct rota_transcript *t, const char *path, struct rota_fail *why);

#endif
