/* SPDX-License-Identifier: Apache-2.0 */
/* host/recovery/lineport.h -- the protocol of rota/link/line.h over a serial device or a pseudo terminal.
 *
 * The line is set to raw bytes at 115,200 baud. Deadlines count from the last sign of life of the other end, so that a
 * long pack takes its time and a dead line does not.
 */
#ifndef HOST_RECOVERY_LINEPORT_H
#define HOST_RECOVERY_LINEPORT_H

#include "host/base/digest.h"
#include "rota/link/line.h"

#include <signal.h>
#include <termios.h>

struct rota_lineport {
	int fd; /* -1: closed */
	char path[256];
	struct termios before; /* put back when it is closed */
	struct rota_line_receiver receiver;
	char text[ROTA_FRAME_DATA_MAX]; /* of the verdict */
	const volatile sig_atomic_t
		*stop; /* not NULL: what runs ends soon after it became non-zero */
};

/* ROTA_ERR_FORMAT: `path` is no terminal. */
ROTA_MUST_USE enum rota_err rota_lineport_open(
	struct rota_lineport *l, const char *path, struct rota_fail *why);
void rota_lineport_close(struct rota_lineport *l);

/* The receiving end: wait for a pack and write it to `to_fd`, which is emptied when a transfer begins anew.
 * wait_s: for the first sign of a sender, 0: for ever; then quiet_s without one ends it (ROTA_ERR_TIMEOUT).
 * most: longest pack (ROTA_ERR_LIMIT, which the sender is told). */
ROTA_MUST_USE enum rota_err rota_lineport_receive(struct rota_lineport *l, int to_fd, uint64_t most,
	unsigned wait_s, unsigned quiet_s, struct rota_fail *why);

/* Then tell the sender what became of it: for a few seconds each of its questions is answered. */
void rota_lineport_tell(struct rota_lineport *l, enum rota_err verdict, const char *text);

/* The sending end: send `len` bytes of `from_fd` and wait for the verdict, which is the result; `why` then has the
 * receiver's text. ROTA_ERR_TIMEOUT: no answer for quiet_s seconds, or no verdict for verdict_s. */
ROTA_MUST_USE enum rota_err rota_lineport_send(struct rota_lineport *l, int from_fd, uint64_t len,
	unsigned quiet_s, unsigned verdict_s, const struct rota_progress *progress,
	struct rota_fail *why);

#endif
