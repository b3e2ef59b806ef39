/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/record.h -- what this daemon signed and saw, to judge the next request by (SPEC 19.5).
 *
 * The log is the truth. What a leaf does not hold, the text of each role's last file, lies in STATE/records/SCOPE.ROLE.N,
 * durable before its entry is written; a text of which the log has no entry was never signed, and goes. Of a role whose
 * text is gone nothing is signed any more (`missing`). Who asked for the first entry of a scope adopts what stands
 * (rota_records_adopt()); never again afterwards.
 *
 * The order of one request stands in judge.h.
 */
#ifndef HOST_NOTARY_RECORD_H
#define HOST_NOTARY_RECORD_H

#include "host/notary/artifact.h"
#include "host/base/digest.h"
#include "host/notary/revoked.h"
#include "host/sign/authdir.h"
#include "rota/codec/leaf.h"

struct rota_record_role {
	char scope[33], role[33];
	uint64_t version, issued_s;
	uint8_t message[ROTA_DIGEST_LEN]; /* SHA-256 of the canonical bytes of `signed` */
	json_t *content; /* `signed`; NULL: timestamp, or a role that people sign */
	json_t *files; /* texts of the targets that one file of a product are: path to text */
	bool missing; /* the log has it, the text is gone */
	bool begun; /* its scope has entries beside OPENED; of one role at least */
	/* The file that was found to hold it, with signatures that verify; length 0: none yet. */
	uint8_t file_sha256[ROTA_DIGEST_LEN];
	uint64_t file_len;
};

/* How far a rollout of one release in one attempt has come. */
struct rota_record_attempt {
	uint64_t open, since_s; /* index of the last open stage, and since when */
	uint8_t stages[ROTA_DIGEST_LEN]; /* digest of the stages up to it */
	bool aborted;
};

/* The slot of the newest root that verified: remembered, so that the chain of roots is not walked for each request. */
struct rota_record_slot {
	char scope[33];
	uint64_t version; /* of the root; 0: not looked at yet */
	uint64_t looked_s; /* when a later one was looked for last */
	uint64_t from_s, to_s; /* to_s 0: it has no end */
};

/* A campaign for keys of devices, as it was asked for and approved (SPEC 32.1). */
struct rota_record_campaign {
	uint8_t id[ROTA_DIGEST_LEN]; /* SHA-256 of the request */
	char scope[33], role[33];
	json_t *body; /* of the request */
	bool durable; /* its entry is: nobody is told of it before (SPEC 21.4) */
};

struct rota_records;

/* `state` exists; folder records/ in it is made. */
ROTA_MUST_USE enum rota_err rota_records_open(
	const char *state, struct rota_records **out, struct rota_fail *why);
void rota_records_free(struct rota_records *r);

/* Take one entry in: the `each` of rota_log_open(), and after each grant. `records` is a struct rota_records.
 * ROTA_ERR_FORMAT: a private record that is none. */
ROTA_MUST_USE enum rota_err rota_records_entry(
	void *records, uint64_t index, const struct rota_leaf *leaf, struct rota_span record);

/* Whether rota_records_entry() would take it in, whatever is there. */
ROTA_MUST_USE enum rota_err rota_records_check(
	const struct rota_leaf *leaf, struct rota_span record);

/* After the last entry: read the texts, remove those that no entry names. */
ROTA_MUST_USE enum rota_err rota_records_load(struct rota_records *r, struct rota_fail *why);

/* Make the text of what is about to be granted durable: {"files","signed"}. Not for timestamp. */
ROTA_MUST_USE enum rota_err rota_records_keep(struct rota_records *r, const char *scope,
	const char *role, uint64_t version, const json_t *content, const json_t *files,
	struct rota_fail *why);

/* The text of a version that another one has followed goes; one that is not there is none to remove. */
void rota_records_drop(
	struct rota_records *r, const char *scope, const char *role, uint64_t version);

/* Whether the log has an entry of the scope that somebody asked for: what was to be adopted is (SPEC 19.6). */
bool rota_records_knows(const struct rota_records *r, const char *scope);

/* NULL: the role was never signed here. */
struct rota_record_role *rota_records_role(
	struct rota_records *r, const char *scope, const char *role);

/* Approved requests count once, and what an officer refused is over. */
bool rota_records_used(const struct rota_records *r, const uint8_t ask[static ROTA_DIGEST_LEN]);

/* An artifact that was posted for this scope; NULL: none of that digest (SPEC 18.2). */
const struct rota_artifact *rota_records_artifact(const struct rota_records *r, const char *scope,
	const uint8_t sha256[static ROTA_DIGEST_LEN]);

/* Whether a release.json of that digest has its entry RELEASE in this scope, or was adopted there. */
bool rota_records_release(const struct rota_records *r, const char *scope,
	const uint8_t sha256[static ROTA_DIGEST_LEN]);

/* `key` is rota_attempt_of()'s; NULL: never begun. */
const struct rota_record_attempt *rota_records_attempt(
	const struct rota_records *r, const uint8_t key[static ROTA_DIGEST_LEN]);

/* For the caller to fill. Valid until another scope's is asked for. */
struct rota_record_slot *rota_records_slot(struct rota_records *r, const char *scope);

/* Whether a device of this hardware serial and identity key has its IDevID: SAME, the very one; OTHER, one of the two has another
 * (SPEC 28.9). */
enum rota_birth { ROTA_BIRTH_NEW, ROTA_BIRTH_SAME, ROTA_BIRTH_OTHER };
enum rota_birth rota_records_birth(const struct rota_records *r, const char *scope,
	const char *serial, const uint8_t point[static ROTA_P256_KEY_LEN]);

/* Which devices and certificates are over. */
const struct rota_revocations *rota_records_revocations(const struct rota_records *r);

/* NULL: the log has no entry CAMPAIGN of that id. */
const struct rota_record_campaign *rota_records_campaign(
	const struct rota_records *r, const uint8_t id[static ROTA_DIGEST_LEN]);

/* Its entry is durable. */
void rota_records_settle_campaign(struct rota_records *r, const uint8_t id[static ROTA_DIGEST_LEN]);

/* The n-th one of the log; NULL: there are no more. */
const struct rota_record_campaign *rota_records_campaign_at(const struct rota_records *r, size_t n);

/* The bytes of the request: durable before its entry, and there for who makes the keys. */
ROTA_MUST_USE enum rota_err rota_records_keep_campaign(struct rota_records *r,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_span ask, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_records_read_campaign(const struct rota_records *r,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_bytes *ask, struct rota_fail *why);

/* Highest counter of an image that was granted for a scope and set of keys. */
uint32_t rota_records_counter(const struct rota_records *r, const char *scope);

/* What stands before the daemon does (SPEC 19.6): for each role's newest file, and each release.json that `releases` lists,
 * that verifies from the anchor, an entry OPENED. Texts are kept first; the sink appends leaf and record to the log and takes
 * them in. What has its entry already, of a start that was cut off, is passed over. ROTA_ERR_STATE: the scope is known. */
struct rota_records_sink {
	void *ctx;
	enum rota_err (*entry)(void *ctx, const struct rota_leaf *leaf, struct rota_span record,
		struct rota_fail *why);
};
ROTA_MUST_USE enum rota_err rota_records_adopt(struct rota_records *r,
	const struct rota_authdir *dir, uint64_t now, const struct rota_records_sink *sink,
	struct rota_fail *why);

#endif
