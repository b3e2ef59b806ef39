/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/drill.h -- an incident rehearsed on a copy of the authority (SPEC 27.3).
 *
 * The copy is ours; a copy of that, made when the theft happens, is the thief's: he signs with what was stolen out of it,
 * and with nothing else. First his attacks are shown to devices, and win where the table says that they do; then the steps of
 * the incident are done; then every device must be well, and each attack refused by devices that were told.
 */
#ifndef APPS_ROTA_DRILL_H
#define APPS_ROTA_DRILL_H

#include "apps/rota/drill_fleet.h"
#include "apps/rota/incident.h"
#include "apps/rota/serve_child.h"

#define DRILL_WORDS_MAX 32

struct drill {
	const struct drill_case *of;
	const struct incident *incident;
	char *base, *ours, *stolen, *front; /* folders; all below base */
	int log; /* what commands say */
	struct session mine, thief; /* as they are now; loaded anew when something changed */
	bool mine_open, thief_open;
	struct drill_fleet *fleet;
	uint64_t begun_ms;
	unsigned major; /* of the newest release, whoever made it */
	uint64_t first_slot,
		slot; /* of a series: its first root, and the one that the thief uses; 0 */
	unsigned refused;
	bool after; /* the steps are done */
	bool kept; /* the authority has a keeper of slots; the copy gets one of its own */
	struct drill_keeper {
		struct serve_child child;
		char *folder, *program, *ini, *log;
		const char *argv[5];
	} keeper;
	json_t *steps; /* of the report */
	struct rota_fail why;
};

/* An attack: forge what it takes into d->front, show it to the device, say whether it won. */
struct drill_attack {
	const char *name;
	enum rota_err (*run)(struct drill *d, struct sim_device *device, bool *won);
	bool wins; /* before the steps are done */
	bool scratch; /* the device is put back after it: what it did is not what the incident mends */
	bool on_ci; /* the device is of channel ci */
	bool of_keeper; /* what he takes is not there where a keeper has it: then he gets nothing */
};

struct drill_case {
	const char *name; /* of the incident */
	enum rota_err (*prepare)(struct drill *d); /* before the theft; may be NULL */
	enum rota_err (*mend)(
		struct drill *d, const struct incident_step *step); /* steps by hand; may be NULL */
	struct drill_attack attack[4]; /* ends with one without name */
	bool keyed; /* devices of production have data keys */
	unsigned stolen; /* of incidents that name keys: how many */
};

extern const struct drill_case drill_cases[];

/* Make the copy that is ours, cut off from daemon and keeper and with releases that go to everybody at once, and look whether all
 * that it writes to and signs with lies in it. ROTA_ERR_DENIED: it does not. */
ROTA_MUST_USE enum rota_err drill_begin(struct drill *d, const char *authority);

/* Where the authority has a keeper, the copy gets one with a socket, a token and two officers of its own. ROTA_ERR_STATE: the real one has
 * roots that the steps of this incident need. */
ROTA_MUST_USE enum rota_err drill_keeper_begin(struct drill *d);
void drill_keeper_end(struct drill *d);

/* What stands in the copy's rota.ini instead of the real keeper's socket; the caller frees. */
char *drill_keeper_socket(const struct drill *d);

/* d->major: above all that the copy's releases and ci list, so that devices take what the drill releases. ROTA_ERR_LIMIT: too few
 * versions are left. */
ROTA_MUST_USE enum rota_err drill_first_major(struct drill *d);

/* The thief takes a copy of everything as it is now. */
ROTA_MUST_USE enum rota_err drill_steal(struct drill *d);

/* An empty front. */
ROTA_MUST_USE enum rota_err drill_clear_front(struct drill *d);

/* Devices read our copy, and get the time from it. */
void drill_honest_clock(struct drill *d);

/* Run a verb on an authority directory; words end with NULL. ROTA_ERR_DENIED: it failed, and the log says why. */
ROTA_MUST_USE enum rota_err drill_rota(struct drill *d, const char *dir, ...);

/* Make release MAJOR.0.0 in that directory, of ci or with the signature of both image keys; the second one points the
 * policy at it, too. It waits to be published. */
ROTA_MUST_USE enum rota_err drill_add(
	struct drill *d, const char *dir, unsigned major, bool ci, bool both_keys);
ROTA_MUST_USE enum rota_err drill_release(
	struct drill *d, const char *dir, unsigned major, bool ci, bool both_keys);

/* Sign and finish the ceremony in this folder. */
ROTA_MUST_USE enum rota_err drill_ceremony(struct drill *d, const char *folder);

/* cp -a. */
ROTA_MUST_USE enum rota_err drill_copy(struct drill *d, const char *from, const char *to);

/* The sessions see what commands changed. */
ROTA_MUST_USE enum rota_err drill_reload(struct drill *d);

/* ---- what the thief does (drill_thief.c) ---- */

#define DRILL_FAR 9007199254740990ULL /* 2^53 - 2: the last version but one */

/* Who signs: seats of a party in somebody's tokens, or a key of the thief's own. */
struct drill_hand {
	struct session *by; /* NULL: his own key */
	const char *party;
	size_t first, count; /* seats; count 0: as many as the threshold */
	uint64_t slot; /* root of a series whose key it is; 0: none */
};

/* `signed` of the newest published file of a role in a directory's repository; the caller decrefs. Not verified. */
ROTA_MUST_USE enum rota_err drill_newest(
	struct drill *d, const struct session *in, const char *role, json_t **content);

/* Put `content` (taken) as version `version` of `role` into the front, signed by these. */
ROTA_MUST_USE enum rota_err drill_forge(struct drill *d, const char *role, uint64_t version,
	json_t *content, const struct drill_hand *hands, size_t count);

/* The version after the published one. */
ROTA_MUST_USE enum rota_err drill_next_version(
	struct drill *d, const char *role, uint64_t *version);
/* As drill_forge(), in that version. */
ROTA_MUST_USE enum rota_err drill_forge_next(struct drill *d, const char *role, json_t *content,
	const struct drill_hand *hands, size_t count);

/* The policy that `in` has, with another sequence, and the role file that lists it, signed by `hand`; `change` (may be
 * NULL) sees the policy first. */
ROTA_MUST_USE enum rota_err drill_forge_policy(struct drill *d, const struct session *in,
	uint64_t sequence, const struct drill_hand *hand, void (*change)(json_t *policy));
/* One above the sequence that counts. */
ROTA_MUST_USE enum rota_err drill_next_sequence(struct drill *d, uint64_t *sequence);

/* Snapshot and timestamp over what stands in the front for `roles` (NULL-ended) and in the repository; snapshot and
 * timestamp in these versions, signed by these. */
ROTA_MUST_USE enum rota_err drill_carry(struct drill *d, const char *const *roles,
	uint64_t snapshot, uint64_t timestamp, const struct drill_hand hands[static 2]);

/* Copy the targets of the thief's repository into the front. */
ROTA_MUST_USE enum rota_err drill_bring_targets(struct drill *d);

/* Make his own key the only one of a role that root or targets names. */
void drill_usurp(json_t *content, const char *role);

#endif
