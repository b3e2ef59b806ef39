/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/schedule.h -- how long data keys are used, and when the next ones are to be asked for (SPEC 39).
 *
 * A generation is used from its activation on. Its *period* is what NIST SP 800-57 part 1 calls originator usage: how long
 * anything new is sealed with it; what was sealed is read for longer. The next campaign begins a *lead* before the period
 * ends, so that its stages and its activation fall into it. Pure functions: all times are the caller's.
 */
#ifndef HOST_CAMPAIGN_SCHEDULE_H
#define HOST_CAMPAIGN_SCHEDULE_H

#include "host/base/fail.h"
#include "rota/codec/keys.h"

#define ROTA_PERIOD_LEAST_S ((uint64_t)86400) /* a campaign takes days */
#define ROTA_PERIOD_MOST_S ((uint64_t)730 * 86400) /* SP 800-57 part 1, table 1: two years */
#define ROTA_LEAD_S ((uint64_t)14 * 86400) /* by default */
#define ROTA_AHEAD_MOST_S ((uint64_t)90 * 86400) /* SPEC 32.5: an activation that devices take */

/* Default period of a purpose, in seconds; 0: a purpose that is not known here. */
uint64_t rota_period_of(uint8_t purpose);

/* Stages, activation and overlap of a campaign that begins at `now`, where nobody says otherwise: SPEC 39.3. Of c->purpose and
 * c->emergency. */
void rota_schedule_plan(struct rota_key_campaign *c, uint64_t now_s);

/* "10000@0s,100000@1d,1000000@3d": shares in ppm, and how long after now_s they open. ROTA_ERR_FORMAT: not so, or not what
 * SPEC 32.3 allows. */
ROTA_MUST_USE enum rota_err rota_schedule_stages(
	struct rota_key_campaign *c, const char *text, uint64_t now_s, struct rota_fail *why);

enum rota_keydue {
	ROTA_KEYDUE_NEVER, /* no campaign of it, and nobody said that there is to be one */
	ROTA_KEYDUE_FINE,
	ROTA_KEYDUE_COMING, /* the next one was asked for */
	ROTA_KEYDUE_NOW,
	ROTA_KEYDUE_WANTED, /* devices have used their keys up (SPEC 31.7) */
	ROTA_KEYDUE_OVER, /* the period is over */
};

struct rota_keydue_facts {
	uint64_t now_s, period_s, lead_s;
	uint64_t activation_s; /* of the newest generation that is listed; 0: none was */
	uint64_t wanting; /* devices that use it and ask for another */
	bool wished; /* rota.ini names the purpose */
	bool coming; /* one is asked for or approved, and not listed yet */
};

struct rota_keydue_verdict {
	enum rota_keydue due;
	uint64_t from_s, end_s; /* when it is, or was, to begin; when the period ends; 0: unknown */
};

struct rota_keydue_verdict rota_schedule_judge(const struct rota_keydue_facts *f);

/* "never", "fine", "coming", "due", "wanted", "over" */
const char *rota_keydue_word(enum rota_keydue due);

/* Whether a campaign is to be asked for now. */
bool rota_keydue_is(enum rota_keydue due);

/* Whether a generation is one that devices destroy at all, when `newest` is the newest that any of them has proved (SPEC 38.2). */
bool rota_schedule_retires(uint32_t generation, uint32_t newest);

/* When the last device will have proved, if the others come as those came that did: `done` of `all` since begin_s, all stages
 * open at open_s. 0: nothing is known. */
uint64_t rota_schedule_end(
	uint64_t begin_s, uint64_t open_s, uint64_t now_s, uint64_t done, uint64_t all);

#endif
