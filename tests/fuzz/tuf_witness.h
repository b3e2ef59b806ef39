/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/tuf_witness.h -- judges a session by what truly was signed.
 *
 * The witness sees each file that the device was given, as the tree that it is and with the keys that signed it, and
 * each thing that the session then trusts. It holds that against TUF 5.3 to 5.7 and SPEC 4.2 to 4.5, written down
 * here a second time, over trees, with nothing of the device library. What it cannot reconcile ends the program.
 * It judges what was trusted, not what was refused: refusing too much is for the honest runs to show.
 */
#ifndef TESTS_FUZZ_TUF_WITNESS_H
#define TESTS_FUZZ_TUF_WITNESS_H

#include "rota/update/session.h"
#include "tests/fuzz/tuf_repo.h"

#define TUF_SEEN_MAX 1024

/* By which rules the session goes that is judged: rota_session_device, _letter, _plain. */
enum tuf_profile { TUF_DEVICE, TUF_LETTER, TUF_PLAIN, TUF_PROFILES };

struct tuf_floor {
	uint64_t version;
	uint32_t keys; /* bit per key number */
};

struct tuf_witness {
	enum tuf_profile profile;
	uint64_t now_s; /* 0: the device has no clock */

	/* what the device keeps */
	const struct tuf_file *kept[TUF_ROLES];
	bool stale
		[TUF_ROLES]; /* kept before a change of online keys, which perhaps erased it (TUF 5.3.11) */
	struct tuf_floor floor[TUF_ROLES];

	/* of this session */
	const struct tuf_file *seen[TUF_SEEN_MAX]; /* read to their end, undamaged */
	uint8_t seen_as[TUF_SEEN_MAX]; /* the role that was asked */
	int seen_count;
	const struct tuf_file *walk[TUF_SEEN_MAX]; /* roots that follow from the trusted one */
	int walk_count;
	const char *role, *path; /* looked for; NULL: none yet */
	bool rotated; /* timestamp's or snapshot's keys changed on that walk */
	bool uncompared; /* the trusted snapshot was not to be read any more */
};

/* A device that left the factory with this root. */
void tuf_witness_init(struct tuf_witness *w, enum tuf_profile profile, const struct tuf_file *root);

void tuf_witness_session(struct tuf_witness *w, uint64_t now_s);

/* A file was read to its end. */
void tuf_witness_seen(struct tuf_witness *w, struct rota_span role, const struct tuf_file *f);

/* The copy of timestamp or snapshot at hand is damaged: what it held back may come again. To the letter it is no more; a
 * plain device has only nothing to compare the next snapshot with. */
void tuf_witness_lost(struct tuf_witness *w, unsigned role);

/* The session says: keep the file of `role` that was read last, and this is trusted now. Returns the file. */
const struct tuf_file *tuf_witness_kept(
	struct tuf_witness *w, const struct rota_want *want, const struct rota_trusted *trusted);

/* The session says that this is the target. */
void tuf_witness_found(struct tuf_witness *w, const struct rota_target *target);

#endif
