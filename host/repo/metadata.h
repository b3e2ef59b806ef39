/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/metadata.h -- what stands in `signed` of each role, and signing it.
 *
 * Builders give new jansson objects with everything but what is common to all: version, issued, expires and
 * _type are set by rota_metadata_sign(), which also signs and stores. Issued is now; expires is now + the
 * party's lifetime.
 */
#ifndef HOST_REPO_METADATA_H
#define HOST_REPO_METADATA_H

#include "host/base/json.h"
#include "host/series/hands.h"
#include "host/sign/notary.h"

/* Everything that one run of a signing verb shares. */
struct rota_desk {
	const struct rota_authdir *dir;
	struct rota_tokens *tokens; /* for people, orders and certificates; all else goes to: */
	const struct rota_notary *notary;
	uint64_t now; /* one start time for the whole run */
	const struct rota_slot_opener *slots; /* of a series (SPEC 23); NULL: none is opened here */
};

/* Put the party's keys into `keys` (id to object); *ids is a new list of their ids. */
ROTA_MUST_USE enum rota_err rota_metadata_keys(struct rota_desk *desk,
	const struct rota_party *party, json_t *keys, json_t **ids, struct rota_fail *why);

/* Keys of the four top roles, as who holds them says. Version 1 and later ones alike. */
ROTA_MUST_USE enum rota_err rota_metadata_root(
	struct rota_desk *desk, json_t **content, struct rota_fail *why);

/* Top-level targets: the delegations of SPEC 3.2, no targets of its own. */
ROTA_MUST_USE enum rota_err rota_metadata_targets(
	struct rota_desk *desk, json_t **content, struct rota_fail *why);

/* The members that are common to all roles; root's x-rota-not-before is its time of issue. */
void rota_metadata_stamp(
	json_t *content, const char *role, uint64_t version, uint64_t now, uint64_t lifetime_s);

/* A delegated role with no targets. */
json_t *rota_metadata_empty(void);

/* {"length","hashes","version"} of the published file of a role. */
ROTA_MUST_USE enum rota_err rota_metadata_entry(const struct rota_authdir *dir, const char *role,
	uint64_t version, json_t **entry, struct rota_fail *why);

/* What one file is to be. */
struct rota_seal {
	const char *role; /* for a bin the bin's name */
	uint64_t version;
	uint64_t lifetime_s; /* 0: the party's own; at most that */
};

/* Set the common members of `content` and have `party` sign; the file's bytes into *file, which lies nowhere yet.
 * ROTA_ERR_LIMIT: longer than a device reads. */
ROTA_MUST_USE enum rota_err rota_metadata_seal(struct rota_desk *desk,
	const struct rota_party *party, const struct rota_seal *seal, json_t *content,
	struct rota_bytes *file, struct rota_fail *why);

/* See to it that `file` is signed by the keys that the metadata names for its role, and keep it: delegated roles and
 * targets in staging, root, snapshot and timestamp in metadata/. */
ROTA_MUST_USE enum rota_err rota_metadata_keep(struct rota_desk *desk, const char *role,
	uint64_t version, struct rota_span file, struct rota_fail *why);

/* Set the common members with version (newest + 1), have the role's party sign, and keep the file. `lifetime_s` 0 is the party's own;
 * a shorter one may be asked for. *version is what was written. */
ROTA_MUST_USE enum rota_err rota_metadata_sign(struct rota_desk *desk, const char *role,
	json_t *content, uint64_t lifetime_s, uint64_t *version, struct rota_fail *why);

/* Seconds since x-rota-issued, and till expires, of a `signed` object; false when it has none. */
bool rota_metadata_times(const json_t *content, uint64_t *issued, uint64_t *expires);

#endif
