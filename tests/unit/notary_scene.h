/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/notary_scene.h -- a signing daemon's rules over the authority of bundle_scene.h: rota.ini and signd.ini as
 * files, officers whose keys are the offline tokens'.
 *
 * Clients: uid 1000 engineer, 1001 chief (whose rollouts take two approvals), 1002 clerk (no rule), and from afar, by a key of
 * 32 bytes 0x11, ci. */
#ifndef TESTS_UNIT_NOTARY_SCENE_H
#define TESTS_UNIT_NOTARY_SCENE_H

#include "host/notary/approval.h"
#include "tests/unit/bundle_scene.h"

struct notary {
	struct scene s;
	struct rota_policy *policy;
};

/* Tokens 3, 4 and 5 are anna's, bert's and carl's; only the first two approve. */
enum { ANNA = 3, BERT = 4, CARL = 5 };

extern const struct rota_identity notary_engineer, notary_chief, notary_clerk, notary_ci;

bool notary_begin(struct notary *n);
void notary_end(struct notary *n);

/* signd.ini as notary_begin() writes it, with one place of it changed (from NULL: none), read anew. */
enum rota_err notary_policy(struct notary *n, const char *from, const char *to);

/* The request's bytes through the reader; body and files are JSON texts. */
enum rota_err notary_ask(struct notary *n, const char *kind, const char *role, json_t *body,
	json_t *files, struct rota_ask *out);

/* An officer's answer to an ask. */
void notary_approve(struct notary *n, int officer, const struct rota_ask *ask, uint64_t expires_s,
	bool refuse, struct rota_approval *out);

/* Sign anew what the approval says now. */
void notary_sign(struct notary *n, int officer, struct rota_approval *a);

#endif
