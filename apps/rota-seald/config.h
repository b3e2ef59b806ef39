/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/config.h -- seald.ini.
 *
 *     [seald]  product, state, threads
 *     [token]  module, label, pin_file, so_pin_file, environment
 */
#ifndef APPS_ROTA_SEALD_CONFIG_H
#define APPS_ROTA_SEALD_CONFIG_H

#include "host/base/ini.h"
#include "ports/pkcs11/pkcs11.h"

struct config {
	struct rota_ini ini; /* owns the texts */
	const char *product;
	const char *state; /* folder: books, and keys that the token wrapped */
	unsigned threads;
	struct rota_pkcs11_token token;
	const char *so_pin_file; /* where `make` makes the token, else NULL */
};

/* ROTA_ERR_FORMAT, ROTA_ERR_NOT_FOUND: the sentence names file, section and key. */
ROTA_MUST_USE enum rota_err config_load(
	const char *path, struct config *out, struct rota_fail *why);

void config_free(struct config *c);

#endif
