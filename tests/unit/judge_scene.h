/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/judge_scene.h -- the daemon's judge beside a repository, its log a list in memory.
 *
 * Adopted: every role once, and release 1.0.0 of product sensor, whose ceilings are 1 canary, 1,000 ppm, growing tenfold
 * each hour, group "lab", everyone "human". */
#ifndef TESTS_UNIT_JUDGE_SCENE_H
#define TESTS_UNIT_JUDGE_SCENE_H

#include "host/notary/judge.h"
#include "tests/unit/notary_scene.h"

#define RELEASE_PATH "releases/sensor/1.0.0/release.json"
#define POLICY_PATH "rollouts/sensor.json"
#define SOAK_S 3600
/* Stages of a policy: within the ceilings, one after the other. */
#define LAB                                                                                        \
	"[{\"kind\":\"group\",\"name\":\"lab\"},{\"kind\":\"ppm\",\"ppm\":1000},{\"kind\":"        \
	"\"everyone\"}]"
/* What the last request to the file's court `c` was refused with; "" for nothing. */
#define CODE(want) CHECK(strcmp(court_code(&c), want) == 0)

struct entry {
	struct rota_leaf leaf;
	char names[3][300]; /* of scope, role, path */
	struct rota_bytes record;
};

struct court {
	struct notary n;
	struct rota_records *records;
	struct rota_judge judge;
	struct entry *log;
	size_t entries;
	char release[ROTA_DIGEST_HEX]; /* digest of release.json */
};

bool court_begin(struct court *c);
void court_end(struct court *c);

/* Records anew from the log, as after a restart. */
enum rota_err court_restart(struct court *c);

/* Meet the scope, or go on with it. */
enum rota_err court_adopt(struct court *c);

/* One request as a client and under the rule that fits him; granted, kept, taken and settled if it may be. */
enum rota_err court_ask(struct court *c, const struct rota_identity *who, const char *kind,
	const char *role, json_t *body, json_t *files);

/* The same for `signed` of a role by the engineer; the reference is stolen. */
enum rota_err court_sign(struct court *c, const char *role, json_t *content, json_t *files);

/* The refusal's code, "" for none. */
const char *court_code(const struct court *c);

/* `signed` of the role's next version with the content of the last one. */
json_t *court_next(struct court *c, const char *role);

/* Have the token sign it, and put it where `rota publish` does, without asking anybody. */
enum rota_err court_store(struct court *c, const char *role, const json_t *content);

/* A text under a path of a listing: the entry in `content`, the text in `files`. */
void court_list(json_t *content, json_t *files, const char *path, json_t *text);

/* A rollout policy of one campaign with these stages (a JSON text). */
json_t *court_policy(const struct court *c, unsigned sequence, const char *stages, unsigned open,
	const char *state);

/* Ask for a policy as the next one of `rollouts`. */
enum rota_err court_roll(
	struct court *c, unsigned sequence, const char *stages, unsigned open, const char *state);

/* `meta` of the next snapshot with the newest file of a role. */
void court_list_role(struct court *c, json_t *snapshot, const char *role, uint64_t version);

/* Replace what the names in `path`, between blanks, lead to; the reference is stolen. NULL: without it. */
void court_set(json_t *object, const char *path, json_t *value);

/* release.json of a path's role and version, for the artifact of this length of zeros at `app`. */
json_t *court_release(const char *role, const char *version, unsigned length, const char *sha256);

#endif
