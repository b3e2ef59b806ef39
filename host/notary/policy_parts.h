/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/policy_parts.h -- what policy.c asks, and policy_load.c and policy_rules.c fill. Private to these. */
#ifndef HOST_NOTARY_POLICY_PARTS_H
#define HOST_NOTARY_POLICY_PARTS_H

#include "host/notary/policy.h"

/* state, socket, remote_socket; client_ca, crl, certificate, key */
#define POLICY_PATHS 7
#define POLICY_SECTION_MAX 64 /* "KIND NAME": longer ones are cut, and have no settings */

struct client {
	const char *name;
	struct rota_identity who;
};

struct rota_policy {
	struct rota_ini ini; /* names and words point into it */
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_policy_daemon daemon;
	struct rota_policy_log log;
	struct rota_authdir scopes[ROTA_POLICY_SCOPES_MAX];
	struct rota_policy_urls urls[ROTA_POLICY_SCOPES_MAX]; /* beside each */
	struct client clients[ROTA_POLICY_SECTIONS_MAX];
	struct rota_officer officers[ROTA_POLICY_SECTIONS_MAX];
	struct rota_named_key builders[ROTA_NAMED_KEYS_MAX];
	struct rota_rule rules[ROTA_POLICY_SECTIONS_MAX];
	struct rota_policy_registry registries[ROTA_POLICY_SCOPES_MAX];
	size_t registry_count;
	size_t scope_count, client_count, officer_count, builder_count, rule_count;
	/* what relative names became; a folder and two files of each scope, and those of [daemon] and [remote] */
	char *paths[3 * ROTA_POLICY_SCOPES_MAX + POLICY_PATHS];
	size_t path_count;
};

/* Each section [rule NAME]. Scopes, clients, officers and builders are loaded. */
ROTA_MUST_USE enum rota_err policy_load_rules(struct rota_policy *p, struct rota_fail *why);

/* "FILE: [SECTION] KEY WHAT"; gives ROTA_ERR_FORMAT. */
enum rota_err policy_wrong(const struct rota_policy *p, struct rota_fail *why, const char *section,
	const char *key, const char *what);

/* "KIND NAME" of the n-th section of a kind, and NAME; false: there is none. */
bool policy_section(const struct rota_policy *p, const char *kind, size_t n,
	char section[static POLICY_SECTION_MAX], const char **name);

/* Whether `words`, between blanks, has this one. */
bool policy_has_word(const char *words, const char *word);

/* The next of the words; its length into *len, 0 at the end. */
const char *policy_next_word(const char *at, size_t *len);

#endif
