/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/ledger.h -- the one file of a product that a role lists and that changes: ROLE/PRODUCT.json.
 *
 * Rollout policy, retirements and revocations are kept alike: what counts now is read under the digest that the role
 * lists, changed, given the next sequence, read by the device's own decoder, put into the repository, and listed anew.
 * Signed by the role's tokens, or left waiting for `rota repo export` where its signers are elsewhere.
 */
#ifndef HOST_REPO_LEDGER_H
#define HOST_REPO_LEDGER_H

#include "host/repo/listing.h"

struct rota_ledger_kind {
	const char *role;
	const char *folder; /* of the target; NULL: the role's name */
	size_t most; /* bytes of the file */
	/* A new file without sequence; the caller decrefs. */
	json_t *(*make)(const char *product);
	/* What a device says of the text. */
	enum rota_err (*read)(struct rota_span text);
};

struct rota_ledger {
	const struct rota_ledger_kind *kind;
	struct rota_listing listing;
	char path[256]; /* target path */
	json_t *file; /* to be changed; without what nobody changed it is not signed */
};

struct rota_ledger_done {
	uint64_t sequence;
	uint64_t role_version; /* staged; 0: it waits for its signers */
};

/* Read the file of `product`, or begin one. */
ROTA_MUST_USE enum rota_err rota_ledger_open(const struct rota_authdir *dir,
	const struct rota_ledger_kind *kind, const char *product, struct rota_ledger *out,
	struct rota_fail *why);
void rota_ledger_close(struct rota_ledger *l);

/* Raise the sequence, store the file, list it, and have the role sign; `unsigned_`: let it wait for that. */
ROTA_MUST_USE enum rota_err rota_ledger_sign(struct rota_ledger *l, struct rota_desk *desk,
	bool unsigned_, struct rota_ledger_done *out, struct rota_fail *why);

#endif
