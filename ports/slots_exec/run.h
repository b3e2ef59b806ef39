/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_exec/run.h -- one run of a script: started in its own process group, fed, waited for with a
 * deadline, and killed with all it started when that passes. */
#ifndef PORTS_SLOTS_EXEC_RUN_H
#define PORTS_SLOTS_EXEC_RUN_H

#include "ports/slots_exec/slots_exec.h"

/* A variable for the script, `NAME=value`; "" for none. */
#define RUN_VARIABLE_MAX 128

struct run {
	pid_t pid;
	int pidfd;
	int to_fd; /* its standard input, or -1 */
	int from_fd; /* its standard output, or -1 */
};

/* Start `SCRIPT verb`. `feed`: standard input is a pipe (else /dev/null), and output is dropped (else it is
 * a pipe). ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED, ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err run_start(struct run *r, const struct rota_slots_exec_config *config,
	const char *verb, const char *variable, bool feed);

/* Feed all of `data`. ROTA_ERR_TIMEOUT: no progress for `deadline_ms`. ROTA_ERR_IO: it reads no more. */
ROTA_MUST_USE enum rota_err run_feed(struct run *r, struct rota_span data, uint32_t deadline_ms);

/* Collect its output in `room` (NUL-terminated; room.len >= 1) and wait for its end; *status is its exit
 * status. It is gone afterwards, whatever is returned. ROTA_ERR_TIMEOUT, ROTA_ERR_LIMIT: printed more than
 * fits; ROTA_ERR_IO: it was killed by somebody else. */
ROTA_MUST_USE enum rota_err run_end(
	struct run *r, struct rota_buf room, uint32_t deadline_ms, int *status);

/* Kill it and all of its process group. */
void run_kill(struct run *r);

#endif
