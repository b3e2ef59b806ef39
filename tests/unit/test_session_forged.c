/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF session against files that nobody signed who may: arbitrary software, thresholds, and roles that speak for
 * others. Each attack is a row: what the attacker does after a good refresh, and what must come of it. */
#include "tests/unit/session_attacks.h"

#include <string.h>

static void rogue_root(struct device *d)
{
	device_next_root(&d->m, NOW, KEY_ROGUE1, KEY_ROGUE2, KEY_ROGUE1, KEY_ROGUE2);
	maker_publish(&d->m);
}

static void rogue_timestamp(struct device *d)
{
	device_sign_by(d, MAKER_TIMESTAMP, KEY_ROGUE1, -1);
	device_publish(d, -1);
}

static void rogue_snapshot(struct device *d)
{
	device_sign_by(d, MAKER_SNAPSHOT, KEY_ROGUE1, -1);
	device_publish(d, -1);
}

static void rogue_targets(struct device *d)
{
	device_sign_by(d, MAKER_TARGETS, KEY_ROGUE1, KEY_ROGUE2);
	device_publish(d, MAKER_TARGETS);
}

static void rogue_releases(struct device *d)
{
	device_sign_by(d, MAKER_RELEASES, KEY_ROGUE1, KEY_ROGUE2);
	device_publish(d, MAKER_RELEASES);
}

static void one_signer(struct device *d)
{
	device_sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_ROGUE1);
	device_publish(d, MAKER_RELEASES);
}

static void other_role_s_keys(struct device *d)
{
	device_sign_by(d, MAKER_RELEASES, KEY_TARGETS1, KEY_TARGETS2);
	device_publish(d, MAKER_RELEASES);
}

static void signed_something_else(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].wrong_bytes = true;
	device_publish(d, -1);
}

static void signature_twice(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].repeat_signature = true;
	device_publish(d, -1);
}

static void one_signer_twice(struct device *d)
{
	device_sign_by(d, MAKER_RELEASES, KEY_RELEASES1, -1);
	d->m.role[MAKER_RELEASES].repeat_signature = true;
	device_publish(d, MAKER_RELEASES);
}

static void one_key_two_ids(struct device *d)
{
	d->m.role[MAKER_RELEASES].keys[1] = KEY_RELEASES1 | KEY_ALIAS;
	device_sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_RELEASES1 | KEY_ALIAS);
	maker_next(&d->m, NOW, MAKER_RELEASES, MAKER_TARGETS);
}

static void one_root_key_two_ids(struct device *d)
{
	d->m.role[MAKER_ROOT].keys[2] = KEY_ROOT1 | KEY_ALIAS;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1 | KEY_ALIAS, KEY_ROOT1);
	d->m.role[MAKER_ROOT].keys[1] = KEY_ROOT4; /* root 2: {1, 4, 1'}, signed by 1, 2, 1' */
	maker_publish(&d->m);
}

static void unknown_id_of_a_known_key(struct device *d)
{
	device_sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_RELEASES2 | KEY_ALIAS);
	device_publish(d, MAKER_RELEASES);
}

static void new_root_not_by_the_old(struct device *d)
{
	d->m.role[MAKER_ROOT].keys[0] = KEY_ROOT4;
	d->m.role[MAKER_ROOT].keys[1] = KEY_ROOT5; /* 4, 5, 3 */
	device_next_root(&d->m, NOW, KEY_ROOT4, KEY_ROOT5, KEY_ROOT3, KEY_ROOT3);
	maker_publish(&d->m);
}

static void new_root_not_by_itself(struct device *d)
{
	d->m.role[MAKER_ROOT].keys[0] = KEY_ROOT4;
	d->m.role[MAKER_ROOT].keys[1] = KEY_ROOT5;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT3, KEY_ROOT3);
	maker_publish(&d->m);
}

/* As above, with signatures of the thief beside; between the two readings of the candidate the copy at hand becomes a
 * file whose keys are the thief's; the server has the candidate still. */
static const struct maker_file *between_two_readings(struct device *d, const struct rota_want *w)
{
	return rota_span_eq(w->role, ROTA_STR("root")) && w->version == 2 ? d->answer : NULL;
}

static void swapped_between_two_readings(struct device *d)
{
	static struct maker thief;
	struct maker_role *r = &d->m.role[MAKER_ROOT];

	maker_init(&thief, NOW);
	thief.role[MAKER_ROOT].version = 2;
	thief.role[MAKER_ROOT].keys[0] = KEY_ROGUE1;
	thief.role[MAKER_ROOT].keys[1] = KEY_ROGUE2;
	device_sign_by(d, MAKER_ROOT, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&thief);
	d->answer = maker_meta(&thief, "root", 2);
	new_root_not_by_itself(d);
	r->signers[r->signer_count++] = KEY_ROGUE1;
	r->signers[r->signer_count++] = KEY_ROGUE2;
	maker_publish(&d->m);
	d->planted = between_two_readings;
}

/* A file that no one signed lists a release of the thief's; what replaces it does not. */
static void listed_by_a_damaged_file(struct device *d)
{
	static struct maker thief;

	maker_init(&thief, NOW);
	maker_target(
		&thief, MAKER_RELEASES, "releases/lamp/9.0.0/release.json", device_bytes("evil"));
	maker_publish(&thief);
	d->m.role[MAKER_RELEASES].pad = 100; /* the thief's file is the shorter */
	device_publish(d, MAKER_RELEASES);
	device_plant(d, "releases", maker_meta(&thief, "releases", 1));
}

static void policy_in_releases(struct device *d)
{
	maker_target(&d->m, MAKER_RELEASES, "rollouts/other.json", device_bytes("x"));
	device_publish(d, MAKER_RELEASES);
}

static void policy_in_targets(struct device *d)
{
	maker_target(&d->m, MAKER_TARGETS, "rollouts/other.json", device_bytes("x"));
	device_publish(d, MAKER_TARGETS);
}

/* Where the role asked for has no say, another one's word does not count. */
static void policy_in_another_role(struct device *d)
{
	int evil = maker_delegate(&d->m, MAKER_TARGETS, "evil", "extra/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, evil, "extra/x.json", device_bytes("x"));
	device_publish(d, MAKER_TARGETS);
}

static void policy_further_down(struct device *d)
{
	int evil =
		maker_delegate(&d->m, MAKER_ROLLOUTS, "evil", "rollouts/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, evil, "rollouts/other.json", device_bytes("x"));
	device_publish(d, MAKER_ROLLOUTS);
}

static void release_in_rollouts(struct device *d)
{
	maker_target(&d->m, MAKER_ROLLOUTS, "releases/lamp/9.0.0/release.json", device_bytes("x"));
	device_publish(d, MAKER_ROLLOUTS);
}

static void release_in_ci(struct device *d)
{
	maker_target(&d->m, MAKER_CI, "releases/lamp/9.0.0/release.json", device_bytes("x"));
	device_publish(d, MAKER_CI);
}

static struct rota_limits few;

static void more_keys_than_room(struct device *d)
{
	few = device_limits;
	few.keys = 4;
	d->limits = &few;
}

static void more_keys_of_a_role_than_room(struct device *d)
{
	few = device_limits;
	few.pending_len = 6 * sizeof(rota_num); /* enough for "releases" and one key */
	d->limits = &few;
}

static void role_names_longer_than_room(struct device *d)
{
	few = device_limits;
	few.pending_len = 5 * sizeof(rota_num);
	d->limits = &few;
}

static void names_longer_than_room(struct device *d)
{
	static char name[400];

	memset(name, 'x', sizeof(name) - 1);
	maker_target(&d->m, MAKER_RELEASES, name, device_bytes("x"));
	device_publish(d, MAKER_RELEASES);
}

static const struct device_attack attacks[] = {
	/* arbitrary software */
	{ "root by nobody", rogue_root, REFRESH, ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_3_4 },
	{ "timestamp by nobody", rogue_timestamp, REFRESH, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_4_2 },
	{ "snapshot by nobody", rogue_snapshot, REFRESH, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_5_3 },
	{ "targets by nobody", rogue_targets, REFRESH, ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3 },
	{ "releases by nobody", rogue_releases, FIND_RELEASE, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_6_3 },
	{ "one of the two that it takes", one_signer, FIND_RELEASE, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_6_3 },
	{ "keys of another role", other_role_s_keys, FIND_RELEASE, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_6_3 },
	{ "signatures of other bytes", signed_something_else, REFRESH, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_4_2 },
	/* thresholds */
	{ "a key id twice", signature_twice, REFRESH, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_4_2 },
	{ "one signer twice for two", one_signer_twice, FIND_RELEASE, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_4_2 },
	{ "one public key under two ids", one_key_two_ids, FIND_RELEASE, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_6_3 },
	{ "one root key under two ids", one_root_key_two_ids, REFRESH, ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_3_4 },
	{ "a known key under an unknown id", unknown_id_of_a_known_key, FIND_RELEASE,
		ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3 },
	{ "a new root that the old does not sign", new_root_not_by_the_old, REFRESH,
		ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_3_4 },
	{ "a new root that does not sign itself", new_root_not_by_itself, REFRESH,
		ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_3_4 },
	{ "a thief's keys between two readings", swapped_between_two_readings, REFRESH,
		ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_3_4 },
	/* who may say what */
	{ "a policy in releases", policy_in_releases, "rollouts", "rollouts/other.json",
		ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a policy in top-level targets", policy_in_targets, "rollouts", "rollouts/other.json",
		ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a policy in a role that was not asked", policy_in_another_role, "rollouts",
		"extra/x.json", ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a policy from further down", policy_further_down, "rollouts", "rollouts/other.json",
		ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a release in rollouts", release_in_rollouts, "rollouts",
		"releases/lamp/9.0.0/release.json", ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a release in a file that no one signed", listed_by_a_damaged_file, "releases",
		"releases/lamp/9.0.0/release.json", ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	{ "a release in ci", release_in_ci, "ci", "releases/lamp/9.0.0/release.json",
		ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
	/* room */
	{ "more keys than room", more_keys_than_room, REFRESH, ROTA_ERR_LIMIT,
		ROTA_CLAUSE_SPEC_4_8 },
	{ "more keys of a role than room", more_keys_of_a_role_than_room, FIND_RELEASE,
		ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8 },
	{ "a role's name longer than room", role_names_longer_than_room, FIND_RELEASE,
		ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8 },
	{ "names longer than room", names_longer_than_room, FIND_RELEASE, ROTA_ERR_LIMIT,
		ROTA_CLAUSE_SPEC_4_8 },
};

TEST(every_attack_is_refused_by_its_clause)
{
	device_attacks(attacks, ROWS(attacks));
}

/* Any byte of any file changed, at any place: never a crash, never more than was signed. */
TEST(no_changed_byte_is_believed)
{
	struct device *d = device_new();
	const struct rota_trusted start = d->trusted;

	for (int f = 0; f < d->m.file_count; f++) {
		struct maker_bytes b = d->m.file[f].bytes;

		if (strncmp(d->m.file[f].name, "metadata/", 9) != 0 ||
			strcmp(d->m.file[f].name, "metadata/1.ci.json") == 0)
			continue;
		ROW(d->m.file[f].name);
		for (size_t i = 0; i < b.len; i += 97) {
			struct rota_why why;

			d->trusted = start;
			d->kept_count = 0;
			b.p[i] ^= 0x04;
			why = device_session(d, "releases", RELEASE);
			b.p[i] ^= 0x04;
			/* what is not signed: a second signature that is not needed */
			CHECK(why.err != ROTA_OK || d->target.length == 7);
		}
	}
	ROW(NULL);
}

TESTS(T(every_attack_is_refused_by_its_clause), T(no_changed_byte_is_believed))
