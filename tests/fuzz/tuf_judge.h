/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/tuf_judge.h -- single questions about metadata trees, for the witness. */
#ifndef TESTS_FUZZ_TUF_JUDGE_H
#define TESTS_FUZZ_TUF_JUDGE_H

#include "tests/fuzz/tuf_repo.h"

/* Who may sign: a role as its delegator describes it, and the key objects beside it. */
struct judge_by {
	const struct jnode *role;
	const struct jnode *keys;
	bool bins; /* succinct: `name_prefix` stands for all their names */
};

struct judge_by judge_top(const struct tuf_file *root, const char *role);

/* The n-th delegation of a file of targets. false: it has no more. */
bool judge_delegation(const struct tuf_file *f, unsigned n, struct judge_by *out);
bool judge_terminates(struct judge_by by);

/* The role that a delegation names for a path; no bytes: it does not cover it. bin: room for the name of one. */
struct rota_span judge_covers(struct judge_by by, const char *path, char bin[static 80]);

/* The role's keys, a bit for each number; keys that are none of ours or of no scheme are no keys. */
uint32_t judge_keys(struct judge_by by);
unsigned judge_count(uint32_t keys);

/* Whether the threshold of distinct keys truly signed. */
bool judge_signed(const struct tuf_file *f, struct judge_by by);

/* What timestamp or snapshot says of a role, and whether that is what `f` is. */
const struct jnode *judge_listed(const struct tuf_file *lister, const char *role);
bool judge_lists(const struct tuf_file *lister, const char *role, const struct tuf_file *f);
bool judge_lists_span(
	const struct tuf_file *lister, struct rota_span role, const struct tuf_file *f);

/* Members of an object: 0 where there is none of that kind. */
uint64_t judge_number(const struct jnode *object, const char *name);
uint64_t judge_time(const struct jnode *object, const char *name);
bool judge_digest(const struct jnode *hashes, const uint8_t sha256[static ROTA_SHA256_LEN]);

#endif
