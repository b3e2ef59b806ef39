/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/hint.h -- metadata/root-hint.json (SPEC 3.8): which roots a device may pass over.
 *
 * Nobody signs it and nobody believes it: a device takes from it which root to ask for next, and verifies that.
 */
#ifndef HOST_REPO_HINT_H
#define HOST_REPO_HINT_H

#include "host/base/json.h"
#include "host/sign/authdir.h"

#define ROTA_HINT_NAME "root-hint.json"

/* What a device takes; a longer list keeps the newest. */
#define ROTA_HINT_MAX 4096

/* The hint for the roots of the directory `metadata`: its file's bytes. Signatures are not looked at. */
ROTA_MUST_USE enum rota_err rota_hint_make(
	const char *metadata, struct rota_bytes *file, struct rota_fail *why);

/* Make it for the repository, where it is not as it should be. */
ROTA_MUST_USE enum rota_err rota_hint_write(const struct rota_authdir *dir, struct rota_fail *why);

#endif
