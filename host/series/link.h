/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/link.h -- the way to a keeper: frames (host/base/frame.h) over a Unix socket, which ssh may forward (SPEC 23.4).
 *
 *     request     what (u8) || version (u64) || other (u64) || the rest
 *     answer      an error and its sentence, or 0; then what the table says
 *
 *     PUT_ROOT    other: when the slot begins; rest: when it ends (u64), the file of the root
 *     PUT_PIN     other and rest the same, without the root; answered at the end only; the next frame is the PINs, from the process
 *                 that made them
 *     TAKE        where no daemon has the slots: answered with two frames more, root and PINs; then waits for an empty one, forgets
 *                 both, answers again
 *     UNDO        the same without the root
 *     ROOT        where one has: the same without the PINs, which stay
 *     LOOK        whether it keeps PINs of the slot
 *     HOLD        from the daemon: answered with one frame more, the PINs
 *     EMPTY       the same; then waits for an empty one, when the token is empty, forgets them, answers again
 *     EMERGENCY   version, other: first and last; rest: what officers approved, a newline, their approvals (20.1), lines; answered
 *                 with a frame for each root, version (u64) before its file, and an empty one behind the last
 *
 * One connection takes any number of requests, one after the other. These are the client's functions; frames with PINs are
 * for other processes (ports/pkcs11/handed.h).
 */
#ifndef HOST_SERIES_LINK_H
#define HOST_SERIES_LINK_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "host/series/timeline.h"

/* A keeper asks its token, which may be far away. */
#define ROTA_LINK_MS 30000

enum rota_link_what {
	ROTA_LINK_PUT_ROOT = 1,
	ROTA_LINK_PUT_PIN,
	ROTA_LINK_TAKE,
	ROTA_LINK_UNDO,
	ROTA_LINK_EMERGENCY,
	ROTA_LINK_ROOT,
	ROTA_LINK_LOOK,
	ROTA_LINK_HOLD,
	ROTA_LINK_EMPTY,
};

#define ROTA_LINK_HEAD 17

/* ROTA_ERR_NET: nobody is there. The caller closes *fd. */
ROTA_MUST_USE enum rota_err rota_link_open(const char *socket, int *fd, struct rota_fail *why);

/* A request without waiting for its answer. */
ROTA_MUST_USE enum rota_err rota_link_ask(int fd, enum rota_link_what what, uint64_t version,
	uint64_t other, struct rota_span rest, struct rota_fail *why);

ROTA_MUST_USE enum rota_err rota_link_put_root(
	int fd, const struct rota_timeslot *slot, struct rota_span root, struct rota_fail *why);

/* The frame with the PINs of that slot is the next, from who made them. */
ROTA_MUST_USE enum rota_err rota_link_put_pin(
	int fd, const struct rota_timeslot *slot, struct rota_fail *why);

/* The root of a slot; the frame with its PINs is the next. Then rota_link_done(). */
ROTA_MUST_USE enum rota_err rota_link_take(
	int fd, uint64_t version, struct rota_bytes *root, struct rota_fail *why);

/* The root alone. rota_link_arrived() when it is durable. */
ROTA_MUST_USE enum rota_err rota_link_root(
	int fd, uint64_t version, struct rota_bytes *root, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_link_arrived(int fd, struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND: it keeps no PINs of that slot. */
ROTA_MUST_USE enum rota_err rota_link_look(int fd, uint64_t version, struct rota_fail *why);

/* HOLD or EMPTY: the frame with the PINs is the next. ROTA_ERR_NOT_FOUND as above; ROTA_ERR_TIME, ROTA_ERR_EXPIRED: not its time. */
ROTA_MUST_USE enum rota_err rota_link_pins(
	int fd, enum rota_link_what what, uint64_t version, struct rota_fail *why);

/* Of a slot that has no root there: the frame with the PINs is the next. ROTA_ERR_NOT_FOUND: it keeps none. */
ROTA_MUST_USE enum rota_err rota_link_undo(int fd, uint64_t version, struct rota_fail *why);

/* The keeper has forgotten what was taken. */
ROTA_MUST_USE enum rota_err rota_link_done(int fd, struct rota_fail *why);

ROTA_MUST_USE enum rota_err rota_link_emergency(int fd, uint64_t first, uint64_t last,
	struct rota_span approved,
	enum rota_err (*each)(
		void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why),
	void *ctx, struct rota_fail *why);

#endif
