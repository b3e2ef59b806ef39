/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/verbs.h -- what rota-seald does, one file a verb.
 *
 * Keys of its token, AES-256 each: `book` and `registry` wrap the key of the psk books and that of the registry's rows, which
 * lie in the state's folder as book.key and registry.key; `copies-PURPOSE` wraps the campaign keys of a purpose, so that who
 * may open those of telemetry has no way to those of storage.
 *
 * A campaign goes from file to file, each whole before the next is begun, so that every verb may be asked for again and goes
 * on where it was (SPEC 37.9, 37.10):
 *
 *     import   STATE/campaigns/ID.TREE.export; of supplements by itself alone, since nobody approved theirs
 *     seal     STATE/campaigns/ID.TREE.keys, .confirm, .copies, .sealed; OUTBOX/ID.TREE.confirm, .keys, .sealed
 *     publish  the role's list, signed, in the authority's staging
 *
 * `serve` gives back ends the keys of single devices out of the copies (37.11), `hand` those of a whole tree, for one token (37.12) or
 * into it (37.14), out of which `destroy` takes them when they are retired.
 *
 * `run` does the three for each campaign that the signing daemon has. The first two are for the user who holds the keys, the
 * third is for him who publishes and holds none: he reads the outbox, and never the state.
 */
#ifndef APPS_ROTA_SEALD_VERBS_H
#define APPS_ROTA_SEALD_VERBS_H

#include "apps/rota-seald/approved.h"
#include "rota/crypto/hmac.h"

struct arguments {
	const char *campaign, *request, *export_path, *sha256, *out, *service; /* NULL: not given */
	const char *enrolments, *device_ca, *purpose, *generation;
	unsigned tree;
	bool json, once;
};

/* What is not there yet: the token's keys, and the two that it wraps. Says the point that factory secrets are sealed to. */
ROTA_MUST_USE enum rota_err verb_make(
	const struct config *c, const struct arguments *a, struct rota_fail *why);

ROTA_MUST_USE enum rota_err verb_import(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
ROTA_MUST_USE enum rota_err verb_seal(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
/* Factory secrets of the authority's `enrolments`, into the factory's book. */
ROTA_MUST_USE enum rota_err verb_secrets(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
ROTA_MUST_USE enum rota_err verb_publish(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
ROTA_MUST_USE enum rota_err verb_run(
	const struct config *c, const struct arguments *a, struct rota_fail *why);

ROTA_MUST_USE enum rota_err verb_serve(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
/* The keys of a tree's devices in a file for a service's token, or in that token. */
ROTA_MUST_USE enum rota_err verb_hand(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
/* Those of a generation that was retired, out of that token. */
ROTA_MUST_USE enum rota_err verb_destroy(
	const struct config *c, const struct arguments *a, struct rota_fail *why);
/* The configuration of nginx for `serve`, on standard output. */
ROTA_MUST_USE enum rota_err verb_nginx(
	const struct config *c, const struct arguments *a, struct rota_fail *why);

/* ---- what verbs share ---- */

/* The point that devices seal factory secrets to (SPEC 28.7), whose private half the token has; made where it lacks, if `make`.
 * ROTA_ERR_UNSUPPORTED: the token cannot. */
ROTA_MUST_USE enum rota_err secrets_point(const struct config *c, bool make,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why);

/* What a server gets of a tree that is sealed, into the outbox: each whole, ID.TREE.sealed last. Done once, it is not done again. */
ROTA_MUST_USE enum rota_err deliver(
	const struct config *c, const uint8_t id[static 32], unsigned tree, struct rota_fail *why);

/* Take a->export_path in as the export of tree a->tree: that of a supplement is the one whose digest a->sha256 says. *rows of it. */
ROTA_MUST_USE enum rota_err import_export(const struct config *c, const struct approved *approved,
	const struct arguments *a, const struct rota_hmac *registry, uint32_t *rows,
	struct rota_fail *why);

#endif
