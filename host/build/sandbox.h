/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/sandbox.h -- a command in namespaces of its own: no network, no home, nothing of the machine but /usr
 * (SPEC 26.3).
 *
 * It sees a root made for it: /usr, read-only; /etc/alternatives and /etc/ld.so.cache, read-only, since compilers are
 * found through them; four devices; an empty /tmp; its own /proc; and /build, which is the caller's folder and all that
 * it leaves behind. It has one user (1000), one host name, a fixed environment, no privileges and no further
 * namespaces; no keyring, no kind of socket that reaches past its network namespace, no terminal. When it ends or is
 * ended, everything that it started ends.
 *
 * /build should lie where other users cannot go: what the command makes there belongs to the caller, and may be setuid.
 */
#ifndef HOST_BUILD_SANDBOX_H
#define HOST_BUILD_SANDBOX_H

#include "host/base/fail.h"

#include <stdint.h>

struct rota_sandbox {
	const char *build; /* folder that is /build; absolute */
	const char *root; /* an empty folder, for the root to be mounted on: seen in there only */
	const char *const *argv; /* NULL-ended; argv[0] is looked for in /usr/bin */
	uint64_t epoch_s; /* SOURCE_DATE_EPOCH */
	uint32_t timeout_s; /* then it is killed */
};

/* Run it; its output goes to standard error, '?' for control characters. A plain user may call it where the kernel lets him.
 * ROTA_ERR_UNSUPPORTED: namespaces are refused here; nothing ran. ROTA_ERR_DENIED: it did not end with status 0.
 * ROTA_ERR_TIMEOUT. */
ROTA_MUST_USE enum rota_err rota_sandbox_run(
	const struct rota_sandbox *plan, struct rota_fail *why);

#endif
