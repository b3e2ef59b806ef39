/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/series.h -- a series of roots that are signed in one ceremony and count one after the other (SPEC 23).
 *
 * The keys of snapshot and timestamp lie in a server, so they are the ones that are stolen. They live for a slot, six
 * hours as a rule; each slot has its own pair and its own root, which the root's people sign for a month ahead. The last
 * root is the *landing root*: it names a standby pair, and bridges the time to the next series if that is late.
 *
 * A root of a series says nothing but that: it is the root before the series, with another version, other times and
 * another pair of online keys. So making and judging are one function. The maker builds each root from the one
 * before the series; the judge reads version, times and pair out of what it is shown, builds the root that
 * should be there, and refuses any difference. Nothing that a signer was not shown can hide in one root of 121.
 *
 * Roots are `signed` objects. Nothing here signs, reads a clock or a file.
 */
#ifndef HOST_SERIES_SERIES_H
#define HOST_SERIES_SERIES_H

#include "host/base/bytes.h"
#include "host/series/timeline.h"
#include "rota/port/crypto.h"

#define ROTA_SERIES_PERIOD_MIN_S (2 * 3600) /* shorter: three slots sign at once */
#define ROTA_SERIES_PERIOD_MAX_S (30 * 86400)
#define ROTA_SERIES_GRACE_S                                                                        \
	(7 * 86400) /* a root lives on after its slot, for whoever publishes late */
#define ROTA_SERIES_LANDING_MAX_S (90 * 86400)

struct rota_series_plan {
	uint64_t issued_s; /* of the ceremony */
	uint64_t from_s; /* of the first slot */
	uint64_t period_s;
	unsigned slots; /* 1 to ROTA_SERIES_MAX - 1; the landing root comes behind them */
	uint64_t landing_s; /* how long the landing root lives */
};

/* Public halves for one root. */
struct rota_series_pair {
	uint8_t snapshot[ROTA_P256_KEY_LEN];
	uint8_t timestamp[ROTA_P256_KEY_LEN];
};

/* plan->slots + 1 roots into the new list *roots, from as many pairs; `before` is the root that they follow.
 * ROTA_ERR_ARGUMENT: a plan out of bounds. ROTA_ERR_UNSUPPORTED: `before` asks for more than one online signature. */
ROTA_MUST_USE enum rota_err rota_series_make(const json_t *before,
	const struct rota_series_plan *plan, const struct rota_series_pair *pairs, json_t **roots,
	struct rota_fail *why);

/* The ordinary root that ends a series, SPEC 23.9: behind the newest that is signed, with this pair, from now on. The caller
 * decrefs. ROTA_ERR_UNSUPPORTED as above. */
ROTA_MUST_USE enum rota_err rota_series_end(const json_t *newest,
	const struct rota_series_pair *pair, uint64_t now, uint64_t lifetime_s, json_t **root,
	struct rota_fail *why);

/* What a machine of the root's people refuses to sign. `before` is verified already; `lifetime_s` is what its rota.ini
 * gives to root, `now` its clock.
 * ROTA_ERR_FORMAT: a root differs from `before` in more than version, times and online keys.
 * ROTA_ERR_VERSION: versions do not go on. ROTA_ERR_TIME: slots that do not touch, are not of one length, begin too early
 * or last too long; issued ahead, or before `before`. ROTA_ERR_EXPIRED: the first slot is over. ROTA_ERR_ROLE: a key
 * that stands twice, or that `before` names. ROTA_ERR_STATE: `before` is itself within a series.
 * ROTA_ERR_LIMIT: fewer than two roots, or more than ROTA_SERIES_MAX. */
ROTA_MUST_USE enum rota_err rota_series_judge(const json_t *before, const json_t *roots,
	uint64_t lifetime_s, uint64_t now, struct rota_fail *why);

/* For a person, of a series that was judged: what is common once, then a line for each root with its digest. */
ROTA_MUST_USE enum rota_err rota_series_show(
	const json_t *before, const json_t *roots, struct rota_bytes *out, struct rota_fail *why);

#endif
