/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-witness/config.h -- witness.ini.
 *
 *     [witness]  name, listen, logs, state
 *     [token]    module, label, pin_file, so_pin_file, environment, key
 */
#ifndef APPS_ROTA_WITNESS_CONFIG_H
#define APPS_ROTA_WITNESS_CONFIG_H

#include "host/base/ini.h"

struct config {
	struct rota_ini ini; /* owns the texts */
	const char *name; /* of its key: goes into every cosignature */
	const char *listen; /* 127.0.0.1:PORT, [::1]:PORT or unix:PATH */
	const char *logs; /* file: whose checkpoints it cosigns (host/log/policy.h) */
	const char *state; /* file: what it cosigned */
	const char *module, *label, *pin_file, *environment, *key; /* its token */
	const char *so_pin_file; /* where --make makes the token, else NULL */
};

/* ROTA_ERR_FORMAT, ROTA_ERR_NOT_FOUND: the sentence names file, section and key. */
ROTA_MUST_USE enum rota_err config_load(
	const char *path, struct config *out, struct rota_fail *why);

void config_free(struct config *c);

#endif
