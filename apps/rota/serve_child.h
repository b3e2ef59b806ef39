/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/serve_child.h -- a program that `rota serve` runs and answers for. */
#ifndef APPS_ROTA_SERVE_CHILD_H
#define APPS_ROTA_SERVE_CHILD_H

#include "apps/rota/serve_state.h"

struct serve_child {
	const char *name; /* as people know it */
	const char *const *argv;
	const char *log; /* file for standard output and error, appended to */
	const struct serve_user *user; /* NULL: ours */
	gid_t extra_group; /* beside user's own; 0: none */
	int stop_signal;
	pid_t pid; /* 0: not running */
	int status; /* of waitpid, after its end */
};

/* Start in a process group of its own, with no capability to outlive us: the kernel sends it SIGTERM when we
 * die. Signals that we block are unblocked there. */
ROTA_MUST_USE enum rota_err serve_child_start(struct serve_child *c, struct rota_fail *why);

/* Run to its end; *status is that of waitpid. For `nginx -t`. */
ROTA_MUST_USE enum rota_err serve_child_run(
	struct serve_child *c, int *status, struct rota_fail *why);

/* Ask it to stop, wait at most `seconds`, then kill it and what it started. */
void serve_child_stop(struct serve_child *c, unsigned seconds);

/* If it has ended, take note and return true. */
bool serve_child_ended(struct serve_child *c);

/* The last line at the end of a log that has the text `with`, in `room`; "" when there is none. */
const char *serve_last_line(const char *log, const char *with, char *room, size_t len);

#endif
