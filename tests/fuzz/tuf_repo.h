/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/tuf_repo.h -- a small repository as trees, for the fuzzer of whole sessions.
 *
 * Each file is the tree of what it says and the list of who is to sign it. Edits (tuf_edit.h) change trees and
 * signers; tuf_repo_seal() then writes what changed, lists it in a new snapshot and timestamp, and signs all with
 * real keys. So a change gets past digests and signatures unless the edits were about those. Who truly signed
 * what is known here, which is what the witness (tuf_witness.h) judges by.
 */
#ifndef TESTS_FUZZ_TUF_REPO_H
#define TESTS_FUZZ_TUF_REPO_H

#include "rota/port/crypto.h"
#include "tests/fuzz/jtree.h"

#define TUF_NOW UINT64_C(1800003600) /* an hour after all was issued */
#define TUF_FILES_MAX 64
#define TUF_SIGS_MAX 6
#define TUF_KEYS 16

/* Roles of the repository as it starts. `root` to `targets` are the top-level ones. Below targets: `rollouts` and
 * `a`, and `c`; below `a`: `a` again, a cycle, and `c`; below `c` its two hash bins (SPEC 3.7). */
enum tuf_role {
	TUF_ROOT,
	TUF_TIMESTAMP,
	TUF_SNAPSHOT,
	TUF_TARGETS,
	TUF_ROLLOUTS,
	TUF_A,
	TUF_C,
	TUF_BIN0,
	TUF_BIN1,
	TUF_ROLES
};
extern const char *const tuf_role_names[TUF_ROLES];

/* Keys are numbered; `k03` is the id of key 3. 0 to 2 are root's, 3 timestamp's, 4 snapshot's, 5 and 6 those of
 * targets, 7 of rollouts, 8 and 9 of `a`, 10 of `c`, 11 of the bins; the rest are nobody's. Key 9 is Ed25519. */
struct tuf_sig {
	uint8_t id; /* whose key id it stands under */
	uint8_t key; /* who signs */
	uint8_t how;
};
enum { TUF_SIG_GOOD, TUF_SIG_GARBLED, TUF_SIG_OF_OTHER_BYTES, TUF_SIG_HOWS };

/* A file that was sealed is never changed: an edit puts a copy in its place. */
struct tuf_file {
	uint8_t role;
	uint64_t version; /* in its name */
	struct jnode *body;
	struct tuf_sig sig[TUF_SIGS_MAX];
	uint8_t sig_count;
	bool sealed;
	bool unlisted; /* snapshot or timestamp go on listing what they listed */
	bool raw; /* the file has a byte more than its canonical respelling (rota_session_raw()) */
	bool gone; /* the server has it no more */
	uint8_t *bytes;
	size_t len;
	size_t body_at; /* where `signed`'s value begins in bytes */
	uint64_t
		listed_len; /* what is listed of it: of bytes, or of the file where that is spelled otherwise */
	uint8_t sha256[ROTA_SHA256_LEN];
};

struct tuf_repo {
	struct jroom *room;
	struct tuf_file *file[TUF_FILES_MAX]; /* of one role, the newest is last */
	int count;
};

/* The repository that all runs start from, made once: version 1 of every file, and version 2 of all but root. */
const struct tuf_repo *tuf_repo_first(void);

/* The newest file of a role, or with `older` the one before it. */
struct tuf_file **tuf_repo_newest(struct tuf_repo *r, unsigned role, bool older);

/* Room to change a file: itself, or a copy of it in its place. next: a new version beside it instead. NULL: no
 * room. */
struct tuf_file *tuf_repo_open(struct tuf_repo *r, struct tuf_file **at, bool next);

/* Write and sign what was opened. false: no room. */
bool tuf_repo_seal(struct tuf_repo *r);

/* What the server gives for a name (version 0: none in it). NULL: nothing. */
const struct tuf_file *tuf_repo_serve(
	const struct tuf_repo *r, struct rota_span role, uint64_t version);

/* The number of the key with this text in `public`, or -1. */
int tuf_key_of(struct rota_span public);
const char *tuf_key_public(int key);
const struct jnode *tuf_key_node(int key);
bool tuf_key_is_ed25519(int key);

#endif
