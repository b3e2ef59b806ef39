/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/keeper_config.h -- keeper.ini: where a keeper keeps, whom it answers, whose approvals open all.
 *
 *     [keeper]              dir, socket, product; users by name or number: client = who makes and publishes the series; daemon = as
 *                           whom rota-signd connects, which then gets the PINs (without it, the client does)
 *     [token]               module, label, pin_file, so_pin_file, environment, key (default series)
 *     [emergency]           approvals: how many officers (default 2)
 *     [officer NAME]        key
 */
#ifndef APPS_ROTA_SIGND_KEEPER_CONFIG_H
#define APPS_ROTA_SIGND_KEEPER_CONFIG_H

#include "host/sign/authdir.h"
#include "ports/pkcs11/pkcs11.h"

struct keeper_config {
	struct rota_ini ini;
	const char *dir, *socket, *product, *key, *so_pin_file;
	uid_t client, daemon;
	bool has_daemon;
	struct rota_pkcs11_token token; /* its relative names are below dir */
	struct rota_named_key officers[ROTA_NAMED_KEYS_MAX];
	size_t officer_count;
	unsigned approvals;
};

/* The error names section and key. */
ROTA_MUST_USE enum rota_err keeper_config_load(
	const char *path, struct keeper_config *out, struct rota_fail *why);

#endif
