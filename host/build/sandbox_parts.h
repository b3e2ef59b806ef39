/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/sandbox_parts.h -- what the files of the sandbox share. All of it runs in the process that becomes the
 * command, which has nobody to return an error to: it tells the caller through a pipe, and ends. */
#ifndef HOST_BUILD_SANDBOX_PARTS_H
#define HOST_BUILD_SANDBOX_PARTS_H

#include "host/build/sandbox.h"

#include <stdbool.h>

struct maker {
	const struct rota_sandbox *plan;
	int pipe; /* to the caller; closes by itself at exec */
	int out; /* what the command says goes here */
};

/* Unless `good`, errno and `what` are told, and nothing runs. */
void rota_sandbox_need(const struct maker *m, bool good, const char *what);

/* TEXT into a file that is there. */
void rota_sandbox_put(const struct maker *m, const char *path, const char *text);

/* The root of the new mount namespace: what sandbox.h names, and /build is the current folder. */
void rota_sandbox_root(const struct maker *m);

/* From here on the kernel refuses this process, and all that it starts, what reaches past namespaces: the keyrings of
 * whoever builds, sockets of kinds that every network namespace shares, rings through which a refused call could be
 * made all the same, and calls of another architecture's numbering. */
void rota_sandbox_sieve(const struct maker *m);

#endif
