/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/ceremony.h -- what the verbs of a ceremony share: its folder, and what its people do in it.
 *
 * The folder goes from hand to hand, or in copies: `bundle`, what is to be signed and the signatures so far (SPEC 14),
 * and `transcript`, what was done, whose first line has the fingerprint (SPEC 24).
 */
#ifndef APPS_ROTA_CEREMONY_H
#define APPS_ROTA_CEREMONY_H

#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "host/ceremony/fingerprint.h"
#include "host/ceremony/transcript.h"
#include "host/repo/bundle.h"

#define CEREMONY_PATH_MAX 1100

struct ceremony {
	const char *folder;
	struct rota_bundle bundle;
	struct rota_transcript transcript;
	char fingerprint[ROTA_FINGERPRINT_LEN]; /* of this bundle, and as the transcript begins */
};

/* Both files of a folder. ROTA_ERR_HASH: the bundle is not the one that the transcript is of. */
ROTA_MUST_USE enum rota_err ceremony_open(
	const char *folder, struct ceremony *out, struct rota_fail *why);
void ceremony_close(struct ceremony *c);

/* FOLDER/NAME. */
void ceremony_path(const char *folder, const char *name, char out[static CEREMONY_PATH_MAX]);

/* A line for the transcript: what was done, when, by which user of which machine; the caller adds to it. */
json_t *ceremony_line(const char *did, const char *fingerprint, uint64_t now);

/* Thresholds as --threshold and --accept-threshold give them, ROLE=N, in the place of rota.ini's, for this run.
 * ROTA_ERR_ARGUMENT: no such role, no such number, or one that changes who signs it, people or machines. */
ROTA_MUST_USE enum rota_err ceremony_thresholds(struct session *s, const struct opts_list *list);

#endif
