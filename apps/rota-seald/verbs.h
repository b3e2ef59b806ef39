/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/verbs.h -- what rota-seald does, one file a verb.
 *
 * Keys of its token, AES-256 each: `book` and `registry` wrap the key of the psk books and that of the registry's rows, which
 * lie in the state's folder as book.key and registry.key; `copies-PURPOSE` wraps the campaign keys of a purpose, so that who
 * may open those of telemetry has no way to those of storage.
 */
#ifndef APPS_ROTA_SEALD_VERBS_H
#define APPS_ROTA_SEALD_VERBS_H

#include "apps/rota-seald/config.h"
#include "host/base/file.h"

struct arguments {
	const char *request, *export_path, *out; /* NULL: not given */
	unsigned tree;
	bool json;
};

/* What is not there yet: the token's keys, and the two that it wraps. */
ROTA_MUST_USE enum rota_err verb_make(const struct config *c, struct rota_fail *why);

ROTA_MUST_USE enum rota_err verb_seal(
	const struct config *c, const struct arguments *a, struct rota_fail *why);

/* Path of a wrapped key in the state's folder. */
void wrapped_path(const struct config *c, const char *name, char out[static ROTA_FILE_PATH_MAX]);

#endif
