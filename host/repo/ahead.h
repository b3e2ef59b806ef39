/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/ahead.h -- roots that are signed ahead of their time, where the authority keeps them (SPEC 23).
 *
 *     DIR/series/N.root.json
 *     DIR/series/N.slot.json     of a slot whose keys lie in a token of their own: from when until when. Its root may be with a
 *                                keeper, sealed until its hour
 *     DIR/series/N.pin           the PINs of that token, from its hour on, where no daemon holds it
 *     DIR/series/N.held          a daemon holds it, or held it
 *     DIR/series/making          the first version of a series that is being put there; without its end it is not there
 *
 * A root stays there from its ceremony until its keys are over, also while it is published; so who opens this has all
 * whose turn may come, and the root before them, which lies in the repository. Under DIR/lock. Each was verified
 * when it was put there, and is again before it is published.
 */
#ifndef HOST_REPO_AHEAD_H
#define HOST_REPO_AHEAD_H

#include "host/base/bytes.h"
#include "host/series/timeline.h"
#include "host/sign/authdir.h"

struct rota_ahead {
	struct rota_timeline timeline; /* empty: no series */
	json_t *root
		[ROTA_TIMELINE_MAX]; /* `signed`, by place on the timeline; NULL: a keeper has it */
	bool kept[ROTA_TIMELINE_MAX]; /* its keys lie in a token of their own */
	bool open
		[ROTA_TIMELINE_MAX]; /* and its time has begun: its PIN is here, or a daemon holds it */
};

/* For rota_ahead_close(). */
ROTA_MUST_USE enum rota_err rota_ahead_open(
	const struct rota_authdir *dir, struct rota_ahead *out, struct rota_fail *why);
void rota_ahead_close(struct rota_ahead *a);

/* rota_timeline_due() of what is here: no key of a root that is sealed signs, and none from it on is published. */
void rota_ahead_due(const struct rota_ahead *a, uint64_t now, struct rota_due *out);

/* The newest root that is signed, ahead or published; verified where it is published. The caller decrefs. */
ROTA_MUST_USE enum rota_err rota_ahead_newest(
	const struct rota_authdir *dir, json_t **root, struct rota_fail *why);

/* ROTA_ERR_STATE while roots wait, or the newest is of a series: an ordinary root, made as ever, would take the version of one
 * that is signed already, or drop the keys that sign. */
ROTA_MUST_USE enum rota_err rota_ahead_none(const struct rota_authdir *dir, struct rota_fail *why);

/* Around putting a series there, whose first version is `first`; what a run that was cut off left goes. */
ROTA_MUST_USE enum rota_err rota_ahead_begin(
	const struct rota_authdir *dir, uint64_t first, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_ahead_end(const struct rota_authdir *dir, struct rota_fail *why);

/* Keep the next one, which carries the thresholds of `*before` and its own; *before becomes it. ROTA_ERR_THRESHOLD,
 * ROTA_ERR_VERSION as rota_chain_succeed(). */
ROTA_MUST_USE enum rota_err rota_ahead_put(const struct rota_authdir *dir, json_t **before,
	struct rota_span file, struct rota_fail *why);

/* The keys of that slot lie in a token of their own; said before its root is put there. */
ROTA_MUST_USE enum rota_err rota_ahead_keep(const struct rota_authdir *dir, uint64_t version,
	uint64_t from_s, uint64_t until_s, struct rota_fail *why);

/* The file of a root that waits here. */
ROTA_MUST_USE enum rota_err rota_ahead_file(const struct rota_authdir *dir, uint64_t version,
	struct rota_bytes *out, struct rota_fail *why);

/* A keeper has it: what is here of its text goes. */
ROTA_MUST_USE enum rota_err rota_ahead_sealed(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why);

/* A keeper gave it back; that before it is here, or published. `for_good`: in an emergency, without its PIN, so that its turn must
 * never come. ROTA_ERR_THRESHOLD, ROTA_ERR_VERSION. */
ROTA_MUST_USE enum rota_err rota_ahead_arrived(const struct rota_authdir *dir, uint64_t version,
	struct rota_span file, bool for_good, struct rota_fail *why);

/* A daemon holds the token of that slot, whose root is here. */
ROTA_MUST_USE enum rota_err rota_ahead_held(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why);

/* Of the token of that slot: its label, and the file with its PINs, below the directory. */
#define ROTA_AHEAD_NAME_MAX 64
void rota_ahead_token(uint64_t version, char label[static ROTA_AHEAD_NAME_MAX],
	char pin_file[static ROTA_AHEAD_NAME_MAX]);
bool rota_ahead_kept(const struct rota_authdir *dir, uint64_t version);
/* Whether that file is here. */
bool rota_ahead_pin(const struct rota_authdir *dir, uint64_t version);

/* Publish all up to `version` in order. */
ROTA_MUST_USE enum rota_err rota_ahead_publish(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why);

/* Forget a root whose keys are destroyed. */
ROTA_MUST_USE enum rota_err rota_ahead_drop(
	const struct rota_authdir *dir, uint64_t version, struct rota_fail *why);

#endif
