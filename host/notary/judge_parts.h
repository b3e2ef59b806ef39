/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/judge_parts.h -- the judge's parts, one for each kind of file. Private to host/notary/judge*.c. */
#ifndef HOST_NOTARY_JUDGE_PARTS_H
#define HOST_NOTARY_JUDGE_PARTS_H

#include "host/notary/judge.h"
#include "host/sign/duty.h"

/* Of files in the repository that are hashed for one request: four of the size that may be posted (SPEC 18.2). */
#define JUDGE_HASHED_MAX ((uint64_t)16 << 30)

/* One request, with what all parts look at. */
struct trial {
	struct rota_judge *j;
	const struct rota_rule *rule;
	const struct rota_ask *ask;
	const struct rota_authdir *dir;
	const struct rota_duty *duty; /* NULL: not of a role */
	const json_t *now; /* `signed`; METADATA */
	struct rota_record_role *was; /* NULL: never signed here */
	uint64_t hashed; /* bytes of the repository's files */
	json_t *attempts; /* for the private record; NULL: none */
	json_t *certificate; /* for the private record; NULL: none */
	json_t *build; /* the same: id of the build that it comes from */
};

/* What a role lists, wherever it keeps it. */
struct judge_list {
	void *ctx;
	/* *entry NULL: not listed; the caller decrefs it. */
	enum rota_err (*find)(void *ctx, const char *path, json_t **entry, struct rota_fail *why);
};

enum rota_err judge_snapshot(struct trial *t, struct rota_fail *why);
enum rota_err judge_timestamp(struct trial *t, struct rota_fail *why);

/* Roles that list targets, each of which is looked at when it is new or changed. */
enum rota_err judge_listing(struct trial *t, struct rota_fail *why);

/* Roles that list none. */
enum rota_err judge_no_targets(struct trial *t, struct rota_fail *why);

/* A rollout policy after the one before it (NULL: there was none). */
enum rota_err judge_rollout(
	struct trial *t, const json_t *was, const json_t *now, struct rota_fail *why);

/* Campaigns for keys of devices after those before them (NULL: there were none), each one that the log knows (SPEC 19.7). */
enum rota_err judge_keys(
	struct trial *t, const json_t *was, const json_t *now, struct rota_fail *why);

/* The other kinds: each fills message, digest and the like of the leaf. */
enum rota_err judge_image(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_time(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_ticket(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_record(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_build(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_certificate(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_key_campaign(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_rows(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_revoke(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_crl(struct trial *t, struct rota_grant *out, struct rota_fail *why);
enum rota_err judge_responder(struct trial *t, struct rota_grant *out, struct rota_fail *why);

/* 127 bits, drawn (RFC 5280, 4.1.2.2). */
void judge_draw_serial(uint8_t serial[static ROTA_TBS_SERIAL_LEN]);

/* Where a release.json says that it comes from; where the rule demands builders, they must agree (SPEC 26.5). `list` is
 * what the release's role lists. */
enum rota_err judge_origin(struct trial *t, struct rota_span text, const struct judge_list *list,
	struct rota_fail *why);

/* The same of the file that the entry names. */
enum rota_err judge_origin_file(struct trial *t, const char *path, const json_t *entry,
	const struct judge_list *list, struct rota_fail *why);

/* `sha256` of an entry's hashes; false: it has none. */
bool judge_digest_of(const json_t *entry, uint8_t out[static ROTA_DIGEST_LEN]);

#endif
