/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_exec/slots_exec.h -- rota/port/slots.h by a script, for what Rota does not boot itself.
 *
 * docs/exec-slots.md is the contract: verbs, environment, output, exit statuses, deadlines. Each call of the
 * port is one run of the script; a write is one run that is fed through a pipe from the first byte to
 * finish(). Such a write cannot be resumed, so `read` is NULL. Not for several threads at once.
 */
#ifndef PORTS_SLOTS_EXEC_SLOTS_EXEC_H
#define PORTS_SLOTS_EXEC_SLOTS_EXEC_H

#include "rota/port/slots.h"

#include <sys/types.h>

/* What a script may print in one run: every key of every verb fits several times. */
#define ROTA_SLOTS_EXEC_OUTPUT_MAX 4096
#define ROTA_SLOTS_EXEC_DEADLINE_MS 60000
#define ROTA_SLOTS_EXEC_DEADLINE_MAX_MS 3600000

/* Strings live as long as the port. */
struct rota_slots_exec_config {
	const char *script; /* absolute path of an executable */
	const char *dir; /* absolute: ROTA_SLOT_DIR, and where the script runs */
	const char *name; /* of the slot: ROTA_SLOT_NAME */
	uint32_t deadline_ms; /* of a run; of a write: without progress. 1 to the maximum above */
};

struct rota_slots_exec {
	struct rota_slots port; /* its ctx is this struct: do not move it while it is open */
	struct rota_slots_exec_config config;
	int writer_pidfd; /* the run that is being fed, or -1 */
	pid_t writer;
	int writer_fd;
	uint64_t end; /* bytes fed to it */
	int exit_status; /* of the last run that ended by itself, for a message; -1: it did not */
};

/* ROTA_ERR_ARGUMENT: a path that is not absolute, or the deadline out of range. ROTA_ERR_NOT_FOUND,
 * ROTA_ERR_DENIED: the script is not there, or not executable; or the directory is not there. */
ROTA_MUST_USE enum rota_err rota_slots_exec_open(
	struct rota_slots_exec *s, const struct rota_slots_exec_config *config);

/* Ends a write that is under way. */
void rota_slots_exec_close(struct rota_slots_exec *s);

#endif
