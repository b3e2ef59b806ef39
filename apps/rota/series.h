/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/series.h -- what the verbs of a series have in common. */
#ifndef APPS_ROTA_SERIES_H
#define APPS_ROTA_SERIES_H

#include "apps/rota/session.h"
#include "host/base/digest.h"
#include "host/series/emergency.h"

/* Sign these with the tokens of root and keep them behind *before: all of them are there, or none. */
ROTA_MUST_USE enum rota_err series_sign(struct session *s, json_t **before, const json_t *roots);

/* The same of files that are signed: list of envelopes. */
ROTA_MUST_USE enum rota_err series_put(struct session *s, json_t **before, const json_t *envelopes);

/* What follows once they are there: their keys are written down, and what a keeper is to have goes there. */
ROTA_MUST_USE enum rota_err series_finish(struct session *s, const json_t *roots);

/* The file of an emergency (SPEC 23.9): *e and the digest of its first line, *file with the approvals behind it. ROTA_ERR_PRODUCT. */
ROTA_MUST_USE enum rota_err series_read_emergency(struct session *s, const char *path,
	struct rota_emergency *e, struct rota_bytes *file, uint8_t digest[static ROTA_DIGEST_LEN]);

/* An entry SERIES of the signing log, where there is one. Takes `what`. */
ROTA_MUST_USE enum rota_err series_record(struct session *s, json_t *what);

/* What somebody typed, in ASCII: nothing of it moves the cursor. */
void series_print_text(const char *text);

#endif
