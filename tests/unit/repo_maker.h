/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/repo_maker.h -- a whole repository in memory, right by default and wrong wherever a test wants.
 *
 * A test starts from maker_init(), turns knobs, and publishes. Publishing writes every file anew from the
 * knobs, with real P-256 signatures, and keeps files of other versions, as a web server would. After that a
 * test may still damage a file (maker_edit()) or answer one file for another.
 *
 * The JSON is put together by hand here, with nothing of rota/codec, so that a mistake there does not hide.
 * What is made here lives until the test program ends.
 */
#ifndef TESTS_UNIT_REPO_MAKER_H
#define TESTS_UNIT_REPO_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAKER_ROLES_MAX 16
#define MAKER_TARGETS_MAX 32
#define MAKER_FILES_MAX 128
#define MAKER_KEYS_MAX 8

/* Key pairs, made at first use. KEY_ALIAS | k is the public key of k under another key id; KEY_FALSE | k that of
 * KEY_ROGUE1 (k even) or KEY_ROGUE2 under the id of k. */
enum maker_key {
	KEY_ROOT1,
	KEY_ROOT2,
	KEY_ROOT3,
	KEY_ROOT4,
	KEY_ROOT5,
	KEY_TIMESTAMP,
	KEY_TIMESTAMP2,
	KEY_SNAPSHOT,
	KEY_SNAPSHOT2,
	KEY_TARGETS1,
	KEY_TARGETS2,
	KEY_TARGETS3,
	KEY_RELEASES1,
	KEY_RELEASES2,
	KEY_RELEASES3,
	KEY_RELEASES4,
	KEY_RELEASES5,
	KEY_ROLLOUTS,
	KEY_ROLLOUTS2,
	KEY_CI,
	KEY_OTHER,
	KEY_ROGUE1, /* of nobody */
	KEY_ROGUE2,
	KEY_IMAGE,
	KEY_DEVICE,
	KEY_COUNT,
	KEY_ALIAS = 0x100,
	KEY_FALSE = 0x200,
};

struct maker_bytes {
	uint8_t *p;
	size_t len;
};

/* One metadata file, and how its parent speaks of it. */
struct maker_role {
	const char *name;
	const char *type; /* `_type` */
	const char *spec; /* `spec_version` */
	uint64_t version;
	uint64_t issued_s;
	uint64_t expires_s;
	uint64_t not_before_s; /* root; 0: leave out */
	uint64_t slot_end_s; /* root; 0: leave out */
	bool no_issued;
	int signers[MAKER_KEYS_MAX];
	int signer_count;
	bool repeat_signature; /* the first one stands twice */
	bool wrong_bytes; /* signatures are over something else */
	size_t pad; /* an unknown member of so many bytes */

	/* what the delegator lists */
	int keys[MAKER_KEYS_MAX];
	int key_count;
	int threshold;
	int parent; /* index of the delegator; -1: a top-level role */
	const char *
		paths; /* patterns, a blank between; in all words beginning with '#', hash prefixes */
	int bits; /* succinct delegation (TAP 15) with this bit length, in the place of paths; 0: none */
	const char *prefix; /* its name prefix */
	bool terminating;
	const char *listed_as; /* by root; NULL: its name */
	bool ghost; /* the delegation only: no file of its own */

	/* what timestamp or snapshot lists */
	bool unlisted;
	bool no_length;
	bool no_hash;
	uint64_t listed_version; /* 0: as it is */
	uint64_t listed_length;
	bool wrong_hash;
};

enum {
	MAKER_ROOT,
	MAKER_TIMESTAMP,
	MAKER_SNAPSHOT,
	MAKER_TARGETS,
	MAKER_RELEASES,
	MAKER_ROLLOUTS,
	MAKER_CI,
	MAKER_FIRST_FREE,
};

struct maker_target {
	int role;
	const char *path;
	struct maker_bytes bytes;
	bool wrong_hash; /* as listed */
	bool no_sha256; /* its hash is listed as another one's */
	uint64_t listed_length; /* 0: as it is */
};

struct maker_file {
	char name[256];
	struct maker_bytes bytes;
	uint8_t made_of[32]; /* metadata: digest of what it says and who signed */
};

struct maker {
	bool inconsistent; /* no consistent snapshots */
	struct maker_role role[MAKER_ROLES_MAX];
	int role_count;
	struct maker_target target[MAKER_TARGETS_MAX];
	int target_count;
	struct maker_file file[MAKER_FILES_MAX];
	int file_count;
};

/* The trust table of SPEC 3.2 for releases, rollouts and ci, version 1 of everything, issued at now_s: root,
 * targets and releases 2 of 3. */
void maker_init(struct maker *m, uint64_t now_s);

/* Write every file whose knobs changed. Versions are the knobs' business. */
void maker_publish(struct maker *m);

/* As publish, with a new version and time for timestamp, snapshot and what else changed: the named roles. */
void maker_next(struct maker *m, uint64_t now_s, int role_a, int role_b);

/* Add a delegated role below `parent`; signed by `key`, threshold 1. Returns its index. */
int maker_delegate(struct maker *m, int parent, const char *name, const char *paths,
	bool terminating, int key, uint64_t now_s);

/* Put a target into a role, in place of one with the same path. */
struct maker_target *maker_target(
	struct maker *m, int role, const char *path, struct maker_bytes bytes);

/* The file below the base URL (SPEC 3.1), or NULL. version 0: none in the name. */
struct maker_file *maker_file(struct maker *m, const char *name);
struct maker_file *maker_meta(struct maker *m, const char *role, uint64_t version);

/* Put a file there as it is. */
struct maker_file *maker_put(struct maker *m, const char *name, struct maker_bytes bytes);
struct maker_file *maker_target_file(struct maker *m, const char *path, const uint8_t sha256[32]);

void maker_sha256(struct maker_bytes bytes, uint8_t out[32]);
void maker_hex(const uint8_t *bytes, size_t len, char *out);
void maker_time(uint64_t unix_s, char out[21]);

/* SubjectPublicKeyInfo DER. */
struct maker_bytes maker_spki(int key);

/* DER Ecdsa-Sig-Value over the SHA-256 of `bytes`. */
struct maker_bytes maker_sign(int key, struct maker_bytes bytes);

/* `len` zeroed bytes that live until the program ends. */
void *maker_room(size_t len);

/* Text that grows. */
struct maker_text {
	char *p;
	size_t len;
	size_t room;
};
void maker_printf(struct maker_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct maker_bytes maker_text_bytes(const struct maker_text *t);

#endif
