/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/update_parts.h -- what the parts of an update cycle share; nobody else includes it.
 *
 * update.c          the machinery: begin, wants and answers
 * update_events.c   events, commits, how a cycle ends
 * update_boot.c     what to make of the boot; confirm and revert
 * update_retire.c   retirements and revocations: what is over
 * update_bound.c    whether the journals are the newest; signed time
 * update_policy.c   rollout policy and release: what to install, and whether
 * update_install.c  components into slots, trials
 * update_order.c    recovery orders: looked for first, and followed to their end
 * update_steps.c    the table of states
 * update_keys.h     data keys, where a device has them: files and states of their own
 *
 * A state either acts at once or wants something. Both end by naming the state that comes next.
 */
#ifndef ROTA_UPDATE_UPDATE_PARTS_H
#define ROTA_UPDATE_UPDATE_PARTS_H

#include "rota/update/update.h"

enum rota_update_state {
	ROTA_UP_BOUND,
	ROTA_UP_ORDER,
	ROTA_UP_JUDGE,
	ROTA_UP_HEALTH,
	ROTA_UP_CONFIRM,
	ROTA_UP_REVERT,
	ROTA_UP_KEEP,
	ROTA_UP_REFRESH,
	ROTA_UP_ORDER_LOOK,
	ROTA_UP_ORDER_RECORD,
	ROTA_UP_ORDER_NEXT,
	ROTA_UP_ORDER_ROOT,
	ROTA_UP_ORDER_KEEP,
	ROTA_UP_SESSION,
	ROTA_UP_FIND_TICKET_KEYS,
	ROTA_UP_FIND_RETIREMENTS,
	ROTA_UP_RETIREMENTS,
	ROTA_UP_FIND_REVOCATIONS,
	ROTA_UP_REVOCATIONS,
	ROTA_UP_SEEK_POLICY,
	ROTA_UP_FIND_TIME,
	ROTA_UP_TIME,
	ROTA_UP_REFRESH_TIMED,
	ROTA_UP_FIND_POLICY,
	ROTA_UP_POLICY,
	ROTA_UP_FIND_RELEASE,
	ROTA_UP_RELEASE,
	ROTA_UP_PROOF,
	ROTA_UP_COMPONENT,
	ROTA_UP_WRITE,
	ROTA_UP_ASK,
	ROTA_UP_REBOOT,
	ROTA_UP_IDLE,
	ROTA_UP_STOPPED,
	ROTA_UP_COUNT,
	ROTA_UP_KEYS = ROTA_UP_COUNT /* of a device that has data keys: update_keys.h */
};

struct rota_update_step {
	const char *name; /* for the drawing in docs/ */
	const char *
		word; /* for events and outcomes; a role, where its metadata failed, stands in for it */
	enum rota_update_want_kind want; /* where act is NULL */

	enum rota_update_state (*act)(struct rota_update *u);

	/* The session's wants are passed through until it has what was asked for, or failed; or until this says that
	 * it has come far enough, or NULL. */
	bool (*until)(struct rota_update *u);
	enum rota_update_state (*found)(struct rota_update *u);
	enum rota_update_state (*lacking)(
		struct rota_update *u); /* no role lists it; NULL: a refusal */

	/* Adds to what is wanted; or NULL. */
	void (*ask)(const struct rota_update *u, struct rota_update_want *want);

	/* A target, or the time, is read. */
	enum rota_err (*feed)(struct rota_update *u, struct rota_span piece);

	/* A target, time or health: how it ended. */
	enum rota_update_state (*done)(struct rota_update *u, enum rota_err how);
};

extern const struct rota_update_step rota_update_steps[ROTA_UP_COUNT];

/* The step at hand, of this table or of the one behind it (update_keys.h). */
const struct rota_update_step *rota_update_step(const struct rota_update *u);

/* ---- update_events.c ---- */

/* Note an event, to go out with the next commit. */
void rota_update_note(struct rota_update *u, enum rota_event_kind kind, struct rota_why why);

/* Make the state durable, if it changed, and hand out what was noted. */
enum rota_err rota_update_commit(struct rota_update *u);

/* What events and the outcome speak of from here. release NULL: of none; version 0: not known yet. */
void rota_update_about(
	struct rota_update *u, const uint8_t *release, uint64_t version, uint8_t attempt);

/* The cycle ends here. The event that tells is noted and committed; the same trouble as at the last cycle is
 * not told again. */
enum rota_update_state rota_update_stop(
	struct rota_update *u, enum rota_err err, enum rota_clause clause);
enum rota_update_state rota_update_idle(struct rota_update *u, enum rota_clause clause);
enum rota_update_state rota_update_reboot(struct rota_update *u);

/* Seconds since 1970 for records and events: 0 where no clock can be trusted. */
uint64_t rota_update_clock(const struct rota_update *u);

/* ---- update.c ---- */

/* Begin to read a target. path stays in use; a decoder is set up by the caller. */
void rota_update_read(struct rota_update *u, struct rota_span path, uint64_t length,
	const uint8_t sha256[static ROTA_SHA256_LEN]);

/* Look for ROLE/PRODUCT.json, which the role of that name lists. */
enum rota_err rota_update_find(struct rota_update *u, struct rota_span role);

/* One piece of a target into the hash: ROTA_ERR_LENGTH as soon as it is too long. */
enum rota_err rota_update_take(struct rota_update *u, struct rota_span piece);

/* The target is over: whether length and digest are those listed (TUF 5.7.3), then what its decoder said. */
struct rota_why rota_update_verdict(struct rota_update *u, enum rota_err how);

/* A session from what is trusted, at this time; what the one before held is released. */
enum rota_err rota_update_session(struct rota_update *u, struct rota_time start);

/* ---- update_bound.c ---- */

/* Read counter and journals, and judge: before the session begins. */
void rota_bound_look(struct rota_update *u);

/* The change at hand must not be undone by old flash: the next commit binds it. Where there is no counter, and in a
 * restored device, nothing. */
void rota_update_bind(struct rota_update *u);

/* The device journal holds a rise: finish it, boot journal first. Else nothing. */
enum rota_err rota_bound_finish(struct rota_update *u);

/* The session may have come to a root with other keys of its own. */
void rota_bound_watch(struct rota_update *u);

/* A restored device has refreshed. */
enum rota_update_state rota_bound_recover(struct rota_update *u);

/* Recovery orders have been looked for: on to the refresh, unless what it changed could not be bound now. */
enum rota_update_state rota_bound_session(struct rota_update *u);

enum rota_update_state rota_up_bound(struct rota_update *u);
bool rota_up_time_keys(struct rota_update *u);
enum rota_update_state rota_up_time_ask(struct rota_update *u);
enum rota_err rota_up_time_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_time_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_rebound(struct rota_update *u);

/* ---- update_watchdog.c ---- */

/* The device has a watchdog that is to hear of refreshes. */
bool rota_update_watched(const struct rota_update *u);

/* Look for the keys of `time`. */
enum rota_update_state rota_watchdog_look(struct rota_update *u);
enum rota_update_state rota_up_ticket_keys(struct rota_update *u);
enum rota_update_state rota_up_ticket_keys_lacking(struct rota_update *u);

/* ---- update_boot.c ---- */

enum rota_update_state rota_up_judge(struct rota_update *u);
enum rota_update_state rota_up_health(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_confirm(struct rota_update *u);
enum rota_update_state rota_up_revert(struct rota_update *u);

/* The device's slots with this tag, or NULL. */
const struct rota_slots *rota_update_slots(const struct rota_update *u, const uint8_t *tag);

/* Members of sets that were asked for a trial: they start together. */
enum rota_err rota_update_switch(struct rota_update *u);

/* `pending` is what the device runs: into the records, and the event that says so. */
enum rota_err rota_update_installed(struct rota_update *u);

/* A release that waits for a boot, or runs on trial, was withdrawn. */
enum rota_update_state rota_update_give_up(struct rota_update *u);
enum rota_update_state rota_up_keep(struct rota_update *u);

/* ---- update_retire.c ---- */

/* `next`, when it is known what is over, or cannot be in this cycle; first go and look. */
enum rota_update_state rota_update_weigh(struct rota_update *u, enum rota_update_state next);
bool rota_update_is_weighed(const struct rota_update *u);

/* It is known, or cannot be: the state that waited for it. */
enum rota_update_state rota_update_weighed(struct rota_update *u);

/* On the way there something failed: what waits does so no longer; else the cycle ends here. */
enum rota_update_state rota_update_trouble(
	struct rota_update *u, enum rota_err err, enum rota_clause clause);

/* The policy's release, unless it was withdrawn. */
enum rota_update_state rota_update_consider(struct rota_update *u);

/* Look for what is retired, then for what is revoked. */
enum rota_update_state rota_update_retirements(struct rota_update *u);
enum rota_update_state rota_up_refreshed(struct rota_update *u);
enum rota_update_state rota_up_retirements_found(struct rota_update *u);
enum rota_update_state rota_up_retirements_lacking(struct rota_update *u);
enum rota_err rota_up_retirements_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_retirements_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_revocations_found(struct rota_update *u);
enum rota_update_state rota_up_revocations_lacking(struct rota_update *u);
enum rota_err rota_up_revocations_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_revocations_done(struct rota_update *u, enum rota_err how);

/* ---- update_policy.c ---- */

/* Fetch the release that the policy names. */
enum rota_update_state rota_update_choose(struct rota_update *u);
enum rota_update_state rota_up_seek_policy(struct rota_update *u);
enum rota_update_state rota_up_policy_found(struct rota_update *u);
enum rota_update_state rota_up_policy_lacking(struct rota_update *u);
enum rota_err rota_up_policy_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_policy_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_release_found(struct rota_update *u);
enum rota_err rota_up_release_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_release_done(struct rota_update *u, enum rota_err how);
void rota_up_proof_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_err rota_up_proof_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_proof_done(struct rota_update *u, enum rota_err how);

/* ---- update_install.c ---- */

/* Decide what of the release is to be written where, or to go on with; commit it. */
enum rota_update_state rota_update_plan(struct rota_update *u);
enum rota_update_state rota_up_component(struct rota_update *u);
enum rota_err rota_up_write_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_write_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_ask(struct rota_update *u);

/* ---- update_order.c ---- */

/* First of all: a trial of an order's image that the boot stage began by itself is ours. */
enum rota_update_state rota_up_order(struct rota_update *u);

/* Is there a new order? Then what is to be done for the one that is held, and only then the session. */
enum rota_update_state rota_up_order_begin(struct rota_update *u);
void rota_up_order_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_err rota_up_order_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_order_done(struct rota_update *u, enum rota_err how);
void rota_up_record_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_err rota_up_record_feed(struct rota_update *u, struct rota_span piece);
enum rota_update_state rota_up_record_done(struct rota_update *u, enum rota_err how);
enum rota_update_state rota_up_order_next(struct rota_update *u);
void rota_up_root_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_update_state rota_up_root_done(struct rota_update *u, enum rota_err how);
void rota_up_keep_ask(const struct rota_update *u, struct rota_update_want *want);
enum rota_update_state rota_up_keep_done(struct rota_update *u, enum rota_err how);
void rota_up_write_ask(const struct rota_update *u, struct rota_update_want *want);

/* Whether what is pending is an order's image: boot gives it several tries. */
bool rota_update_order_tried(const struct rota_update *u);

#endif
