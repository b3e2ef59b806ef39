/* SPDX-License-Identifier: Apache-2.0 */
/* host/agent/command.h -- run a command that the configuration names, and not longer than it may take.
 *
 * A program and its arguments, or a line for /bin/sh; in a process group of its own, with stdin from /dev/null
 * and no environment but what the caller gives. When its time is over the whole group is killed, and so
 * it is when the command ended and left something running that it did not put into another group.
 */
#ifndef HOST_AGENT_COMMAND_H
#define HOST_AGENT_COMMAND_H

#include "host/base/fail.h"

#include <signal.h>
#include <stdint.h>

/* env: "NAME=value", NULL at its end. stop: as in host/fetch/fetch.h, may be NULL.
 * ROTA_ERR_DENIED: it ended with another status than 0; ROTA_ERR_TIMEOUT: it was killed for its time;
 * ROTA_ERR_BUSY: stopped by a signal; ROTA_ERR_IO: it could not be started. */
ROTA_MUST_USE enum rota_err rota_command_run(const char *line, char *const *env, uint32_t timeout_s,
	const volatile sig_atomic_t *stop, struct rota_fail *why);

/* The same for a program, argv[0] its absolute path, NULL behind the last argument. *status: what it ended with
 * when it ended by itself, of which ROTA_OK says 0 and ROTA_ERR_DENIED another; else -1. */
ROTA_MUST_USE enum rota_err rota_command_exec(char *const *argv, char *const *env,
	uint32_t timeout_s, const volatile sig_atomic_t *stop, int *status, struct rota_fail *why);

#endif
