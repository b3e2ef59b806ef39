/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/config.h -- seald.ini(5).
 *
 *     [seald]  product, state, threads, lock; signd, authority, inbox, outbox, poll: for campaigns that the signing daemon has
 *     [token]  module, label, pin_file, so_pin_file, environment
 *     [serve], [service NAME]: services.h
 */
#ifndef APPS_ROTA_SEALD_CONFIG_H
#define APPS_ROTA_SEALD_CONFIG_H

#include "apps/rota-seald/services.h"
#include "host/base/file.h"
#include "host/base/ini.h"
#include "ports/pkcs11/pkcs11.h"

struct config {
	struct rota_ini ini; /* owns the texts */
	const char *product;
	/* NULL: not set */
	const char *state; /* folder: books, keys that the token wrapped, campaigns */
	const char *signd; /* socket of the signing daemon */
	const char *authority; /* directory with rota.ini, staging and repository */
	const char *inbox; /* folder: exports that came */
	const char *outbox; /* folder: what rotad serves */
	unsigned poll_s; /* between two looks of `run` */
	unsigned threads;
	bool lock; /* memory is kept out of the swap */
	struct rota_pkcs11_token token;
	struct services services;
	const char *so_pin_file; /* where `make` makes the token, else NULL */
};

/* ROTA_ERR_FORMAT, ROTA_ERR_NOT_FOUND: the sentence names file, section and key. */
ROTA_MUST_USE enum rota_err config_load(
	const char *path, struct config *out, struct rota_fail *why);

void config_free(struct config *c);

/* What a verb needs of [seald]: ROTA_ERR_NOT_FOUND where it is not set. */
ROTA_MUST_USE enum rota_err config_needs(
	const struct config *c, const char *key, const char *value, struct rota_fail *why);

/* State and token, which all verbs but `publish` and `nginx` take. */
ROTA_MUST_USE enum rota_err config_needs_token(const struct config *c, struct rota_fail *why);

/* STATE/NAME.key: a key that the token wrapped. */
void config_wrapped(const struct config *c, const char *name, char out[static ROTA_FILE_PATH_MAX]);

/* STATE/campaigns, and in it ID.TREE.KIND of a campaign. */
void config_campaigns(const struct config *c, char out[static ROTA_FILE_PATH_MAX]);
void config_campaign(const struct config *c, const uint8_t id[static 32], unsigned tree,
	const char *kind, char out[static ROTA_FILE_PATH_MAX]);

#endif
