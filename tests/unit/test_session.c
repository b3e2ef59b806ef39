/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF session against a repository that is right, and then wrong in one way at a time. Each attack is a row:
 * what the attacker does after a good refresh, and the error and the clause that must come of it. */
#include "tests/unit/session_device.h"

#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/mem.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* ---- the good ways ---- */

TEST(the_first_refresh_ends_with_everything_verified)
{
	struct device *d = device_new();

	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.timestamp_version, 1);
	CHECK_EQ(d->trusted.snapshot_version, 1);
	CHECK_GOOD(device_session(d, "rollouts", POLICY));
	CHECK_EQ(d->target.length, 6);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->target.length, 7);
	CHECK_EQ(d->target.role_version, 1);
}

TEST(pieces_of_any_size_give_the_same)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 1000 };

	for (size_t i = 0; i < ROWS(sizes); i++) {
		struct device *d = device_new();

		d->piece = sizes[i];
		CHECK_GOOD(device_session(d, "releases", RELEASE));
		CHECK_EQ(d->target.length, 7);
	}
}

TEST(both_profiles_hold_the_device_s_roles)
{
	struct device *d = device_new();

	d->limits = &rota_limits_m3;
	CHECK_GOOD(device_session(d, "rollouts", POLICY));
	CHECK(rota_session_room(&rota_limits_m3) < 16384);
	CHECK(rota_session_room(&rota_limits_linux) > rota_session_room(&rota_limits_m3));
}

TEST(nothing_new_costs_three_files)
{
	struct device *d = device_new();
	struct rota_trusted before;

	CHECK_GOOD(device_refresh(d));
	before = d->trusted;
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->fetched, 2); /* the next root that is not there, and timestamp */
	CHECK_MEM(&before, &d->trusted, sizeof(before));
}

TEST(a_new_release_is_found)
{
	struct device *d = device_new();

	CHECK_GOOD(device_refresh(d));
	maker_target(&d->m, MAKER_RELEASES, RELEASE, device_bytes("longer release"));
	maker_next(&d->m, NOW + HOUR_S, MAKER_RELEASES, -1);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->target.length, 14);
	CHECK_EQ(d->target.role_version, 2);
}

TEST(the_root_is_followed_step_by_step)
{
	struct device *d = device_new();
	struct maker_role *r = &d->m.role[MAKER_ROOT];

	CHECK_GOOD(device_refresh(d));
	r->keys[0] = KEY_ROOT4; /* 4, 2, 3 */
	device_next_root(&d->m, NOW + HOUR_S, KEY_ROOT2, KEY_ROOT3, KEY_ROOT2, KEY_ROOT3);
	maker_publish(&d->m);
	r->keys[1] = KEY_ROOT5; /* 4, 5, 3 */
	device_next_root(&d->m, NOW + 2 * HOUR_S, KEY_ROOT4, KEY_ROOT3, KEY_ROOT4, KEY_ROOT3);
	maker_publish(&d->m);
	d->clock_s = NOW + 3 * HOUR_S;
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root_version, 3);
	CHECK_EQ(d->trusted.time_floor_s, NOW + 2 * HOUR_S);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->fetched, 2); /* root 3 is at hand */
}

/* Timestamp and snapshot get new keys, as they do every few hours, and their versions begin again. */
static void rotate_online_keys(struct device *d)
{
	struct maker *m = &d->m;
	struct maker_role *t = &m->role[MAKER_TIMESTAMP], *s = &m->role[MAKER_SNAPSHOT];

	t->keys[0] = t->signers[0] = KEY_TIMESTAMP2;
	s->keys[0] = s->signers[0] = KEY_SNAPSHOT2;
	device_next_root(m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
}

TEST(new_online_keys_recover_from_a_fast_forward)
{
	struct device *d = device_new();
	struct maker_role *t = &d->m.role[MAKER_TIMESTAMP], *s = &d->m.role[MAKER_SNAPSHOT];

	t->version = s->version = 4000000000;
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.timestamp_version, 4000000000);
	t->version = s->version = 2;
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_1);
	rotate_online_keys(d);
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.timestamp_version, 2);
	CHECK_EQ(d->trusted.snapshot_version, 2);
}

TEST(a_floor_outlives_new_online_keys)
{
	struct device *d = device_new();

	CHECK_GOOD(device_session(d, "releases", RELEASE));
	maker_next(&d->m, NOW, MAKER_RELEASES, MAKER_TARGETS);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	rotate_online_keys(d);
	d->m.role[MAKER_RELEASES].version = 1; /* what the thief of snapshot would like */
	maker_publish(&d->m);
	CHECK_WHY(device_session(d, "releases", RELEASE), ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_4_3);
	d->m.role[MAKER_RELEASES].version = 2;
	d->m.role[MAKER_TARGETS].version = 1;
	d->m.role[MAKER_TIMESTAMP].version++;
	d->m.role[MAKER_SNAPSHOT].version++;
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_4_3);
}

TEST(a_floor_falls_with_the_keys_it_was_made_under)
{
	struct device *d = device_new();
	struct maker_role *r = &d->m.role[MAKER_RELEASES];

	r->version = 50;
	maker_publish(&d->m);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK(!d->floor_fell);
	/* one of three replaced: two of the old set still reach the threshold, and so does an old file */
	r->keys[0] = KEY_RELEASES4;
	r->signers[0] = KEY_RELEASES2;
	r->signers[1] = KEY_RELEASES3;
	r->version = 1;
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_WHY(device_session(d, "releases", RELEASE), ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_4_3);
	/* two of three replaced: no old file can verify */
	r->keys[1] = KEY_RELEASES5;
	r->signers[0] = KEY_RELEASES4;
	r->signers[1] = KEY_RELEASES5;
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->target.role_version, 1);
	CHECK(d->floor_fell);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK(!d->floor_fell);
}

TEST(a_damaged_copy_is_fetched_again)
{
	struct device *d = device_new();

	CHECK_GOOD(device_session(d, "releases", RELEASE));
	for (int i = 0; i < d->kept_count; i++) {
		struct maker_bytes b = d->kept[i].bytes;

		if (b.p == NULL)
			continue;
		d->kept[i].bytes.p = maker_room(b.len);
		memcpy(d->kept[i].bytes.p, b.p, b.len);
		d->kept[i].bytes.p[b.len / 2] ^= 1;
	}
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK(d->fetched >= 6);
}

TEST(a_repository_without_consistent_snapshots_works)
{
	struct device *d = device_new();
	const struct maker_file *root;

	d->m.inconsistent = true;
	d->m.file_count = 0;
	maker_publish(&d->m);
	root = maker_meta(&d->m, "root", 1);
	maker_sha256(root->bytes, d->trusted.root_sha256);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	maker_next(&d->m, NOW, MAKER_RELEASES, -1);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->target.role_version, 2);
}

TEST(lengths_and_hashes_may_be_left_out)
{
	struct device *d = device_new();

	for (int i = 0; i < d->m.role_count; i++)
		d->m.role[i].no_length = d->m.role[i].no_hash = true;
	maker_publish(&d->m);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_GOOD(device_session(d, "releases", RELEASE));
}

TEST(without_a_clock_the_floors_stand_for_the_present)
{
	struct device *d = device_new();

	d->clock_s = 0;
	CHECK_GOOD(device_refresh(d));
	d->clock_s = NOW - DAY_S; /* below the floor: no clock either */
	CHECK_GOOD(device_refresh(d));
	/* a newer timestamp moves the present: what expired before it is expired */
	maker_next(&d->m, NOW + 2 * DAY_S, -1, -1);
	d->m.role[MAKER_SNAPSHOT].expires_s = NOW + DAY_S;
	d->m.role[MAKER_SNAPSHOT].issued_s = NOW;
	maker_publish(&d->m);
	d->clock_s = 0;
	CHECK_WHY(device_refresh(d), ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_5_6);
}

/* ---- the search ---- */

/* Delegations below top-level targets for tests of the order: no role asked for. */
static struct rota_why search(struct device *d, const char *path)
{
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	return device_session(d, "", path);
}

TEST(delegations_are_searched_in_order_and_depth_first)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "a", "x/*", false, KEY_OTHER, NOW);
	int b = maker_delegate(&d->m, MAKER_TARGETS, "b", "x/*", false, KEY_OTHER, NOW);
	int aa = maker_delegate(&d->m, a, "aa", "x/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, b, "x/1", device_bytes("from b"));
	CHECK_GOOD(search(d, "x/1"));
	CHECK_EQ(d->target.length, 6);
	maker_target(&d->m, aa, "x/1", device_bytes("from aa"));
	d->m.role[aa].version++;
	CHECK_GOOD(search(d, "x/1"));
	CHECK_EQ(d->target.length, 7);
	maker_target(&d->m, a, "x/1", device_bytes("from role a"));
	d->m.role[a].version++;
	CHECK_GOOD(search(d, "x/1"));
	CHECK_EQ(d->target.length, 11);
	CHECK_WHY(search(d, "x/2"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
	CHECK_WHY(search(d, "y/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(a_terminating_delegation_ends_the_search)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "a", "x/*", false, KEY_OTHER, NOW);
	int b = maker_delegate(&d->m, MAKER_TARGETS, "b", "x/*", false, KEY_OTHER, NOW);
	int aa = maker_delegate(&d->m, a, "aa", "x/*", true, KEY_OTHER, NOW);

	maker_target(&d->m, b, "x/1", device_bytes("from b"));
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
	d->m.role[aa].terminating = false;
	d->m.role[a].version++;
	CHECK_GOOD(search(d, "x/1"));
	/* among the delegations of one role too */
	d->m.role[a].terminating = true;
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(a_cycle_of_delegations_ends)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "a", "x/*", false, KEY_OTHER, NOW);
	int b = maker_delegate(&d->m, a, "b", "x/*", false, KEY_OTHER, NOW);
	int again = maker_delegate(&d->m, b, "a", "x/*", false, KEY_OTHER, NOW);

	d->m.role[again].ghost = true;
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
	/* and does not keep others from being asked */
	again = maker_delegate(&d->m, MAKER_TARGETS, "c", "x/*", false, KEY_OTHER, NOW);
	maker_target(&d->m, again, "x/1", device_bytes("from c"));
	CHECK_GOOD(search(d, "x/1"));
}

TEST(a_long_chain_of_delegations_ends)
{
	struct device *d = device_new();
	static const char *const names[] = { "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8" };
	int at = MAKER_TARGETS;

	for (size_t i = 0; i < ROWS(names); i++)
		at = maker_delegate(&d->m, at, names[i], "x/*", false, KEY_OTHER, NOW);
	maker_target(&d->m, at, "x/1", device_bytes("deep"));
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(hash_prefixes_lead_to_bins)
{
	struct device *d = device_new();
	char hex[65], low[3] = { '#', 0, 0 };
	uint8_t digest[32];
	int bin;

	maker_sha256(device_bytes("x/1"), digest);
	maker_hex(digest, 32, hex);
	low[1] = hex[0];
	bin = maker_delegate(&d->m, MAKER_TARGETS, "bin", low, true, KEY_OTHER, NOW);
	maker_target(&d->m, bin, "x/1", device_bytes("binned"));
	CHECK_GOOD(search(d, "x/1"));
	low[1] = hex[0] == '0' ? '1' : '0';
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

/* ---- attacks ---- */

static void sign_by(struct device *d, int role, int key_a, int key_b)
{
	struct maker_role *r = &d->m.role[role];

	r->signers[0] = key_a;
	r->signers[1] = key_b;
	r->signer_count = key_b < 0 ? 1 : 2;
}

/* A new version of a role, and of what lists it. */
static void publish(struct device *d, int role)
{
	maker_next(&d->m, NOW + HOUR_S, role, -1);
}

/* An hour later everything but `role` is issued anew. */
static void all_but(struct device *d, int role, uint64_t now_s)
{
	d->clock_s = now_s;
	for (int i = 0; i < d->m.role_count; i++) {
		struct maker_role *r = &d->m.role[i];
		uint64_t life_s = r->expires_s - r->issued_s;

		if (i == role)
			continue;
		if (i != MAKER_ROOT)
			r->version++;
		r->issued_s = now_s;
		r->expires_s = now_s + life_s;
	}
	if (role != MAKER_ROOT)
		device_next_root(&d->m, now_s, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void rogue_root(struct device *d)
{
	device_next_root(&d->m, NOW, KEY_ROGUE1, KEY_ROGUE2, KEY_ROGUE1, KEY_ROGUE2);
	maker_publish(&d->m);
}

static void rogue_timestamp(struct device *d)
{
	sign_by(d, MAKER_TIMESTAMP, KEY_ROGUE1, -1);
	publish(d, -1);
}

static void rogue_snapshot(struct device *d)
{
	sign_by(d, MAKER_SNAPSHOT, KEY_ROGUE1, -1);
	publish(d, -1);
}

static void rogue_targets(struct device *d)
{
	sign_by(d, MAKER_TARGETS, KEY_ROGUE1, KEY_ROGUE2);
	publish(d, MAKER_TARGETS);
}

static void rogue_releases(struct device *d)
{
	sign_by(d, MAKER_RELEASES, KEY_ROGUE1, KEY_ROGUE2);
	publish(d, MAKER_RELEASES);
}

static void one_signer(struct device *d)
{
	sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_ROGUE1);
	publish(d, MAKER_RELEASES);
}

static void other_role_s_keys(struct device *d)
{
	sign_by(d, MAKER_RELEASES, KEY_TARGETS1, KEY_TARGETS2);
	publish(d, MAKER_RELEASES);
}

static void signed_something_else(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].wrong_bytes = true;
	publish(d, -1);
}

static void signature_twice(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].repeat_signature = true;
	publish(d, -1);
}

static void one_signer_twice(struct device *d)
{
	sign_by(d, MAKER_RELEASES, KEY_RELEASES1, -1);
	d->m.role[MAKER_RELEASES].repeat_signature = true;
	publish(d, MAKER_RELEASES);
}

static void one_key_two_ids(struct device *d)
{
	d->m.role[MAKER_RELEASES].keys[1] = KEY_RELEASES1 | KEY_ALIAS;
	sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_RELEASES1 | KEY_ALIAS);
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
	sign_by(d, MAKER_RELEASES, KEY_RELEASES1, KEY_RELEASES2 | KEY_ALIAS);
	publish(d, MAKER_RELEASES);
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

/* As above, with signatures of the thief beside; between the two readings of the candidate the server gives a
 * file whose keys are the thief's, and then the candidate again. */
static const struct maker_file *between_two_readings(struct device *d, const struct rota_want *w)
{
	if (!rota_span_eq(w->role, ROTA_STR("root")) || w->version != 2 || w->sha256 == NULL)
		return NULL;
	return w->fresh ? NULL : d->answer;
}

static void swapped_between_two_readings(struct device *d)
{
	static struct maker thief;
	struct maker_role *r = &d->m.role[MAKER_ROOT];

	maker_init(&thief, NOW);
	thief.role[MAKER_ROOT].version = 2;
	thief.role[MAKER_ROOT].keys[0] = KEY_ROGUE1;
	thief.role[MAKER_ROOT].keys[1] = KEY_ROGUE2;
	sign_by(d, MAKER_ROOT, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&thief);
	d->answer = maker_meta(&thief, "root", 2);
	new_root_not_by_itself(d);
	r->signers[r->signer_count++] = KEY_ROGUE1;
	r->signers[r->signer_count++] = KEY_ROGUE2;
	maker_publish(&d->m);
	d->server = between_two_readings;
	d->forgetful = true; /* so that the second reading comes from the server too */
}

/* The server gives one file of the repository for whatever is asked of a role. */
static const char *asked;
static const struct maker_file *give(struct device *d, const struct rota_want *w)
{
	return rota_span_eq(w->role, rota_span_cstr(asked)) ? d->answer : NULL;
}

static void answer(struct device *d, const char *role, const struct maker_file *with)
{
	static struct maker_file copy;

	copy = *with;
	asked = role;
	d->answer = &copy;
	d->server = give;
}

/* Once for each thing that is asked of a role by digest: the thief's file first, then the right one. */
static const struct maker_file *give_first(struct device *d, const struct rota_want *w)
{
	return w->sha256 != NULL && !w->fresh ? give(d, w) : NULL;
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
	publish(d, MAKER_RELEASES);
	answer(d, "releases", maker_meta(&thief, "releases", 1));
	d->server = give_first;
}

static void skipped_root(struct device *d)
{
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
	answer(d, "root", maker_meta(&d->m, "root", 3));
}

static void same_root_again(struct device *d)
{
	answer(d, "root", maker_meta(&d->m, "root", 1));
}

static void replayed_timestamp(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "timestamp", 0);

	publish(d, -1);
	if (device_refresh(d).err == ROTA_OK)
		answer(d, "timestamp", &old);
}

static void timestamp_lists_an_old_snapshot(struct device *d)
{
	publish(d, -1);
	if (device_refresh(d).err != ROTA_OK)
		return;
	d->m.role[MAKER_SNAPSHOT].listed_version = 1;
	d->m.role[MAKER_TIMESTAMP].version++;
	maker_publish(&d->m);
}

static void old_targets(struct device *d)
{
	publish(d, MAKER_TARGETS);
	if (device_refresh(d).err != ROTA_OK)
		return;
	d->m.role[MAKER_TARGETS].version = 1;
	publish(d, -1);
}

static void old_releases(struct device *d)
{
	publish(d, MAKER_RELEASES);
	if (device_session(d, "releases", RELEASE).err != ROTA_OK)
		return;
	d->m.role[MAKER_RELEASES].version = 1;
	publish(d, -1);
}

static void frozen_timestamp(struct device *d)
{
	d->clock_s = NOW + 2 * DAY_S;
}

static void expired_timestamp(struct device *d)
{
	all_but(d, MAKER_TIMESTAMP, NOW + 2 * DAY_S);
	d->m.role[MAKER_TIMESTAMP].version++;
	maker_publish(&d->m);
}

static void expired_snapshot(struct device *d)
{
	all_but(d, MAKER_SNAPSHOT, NOW + 2 * DAY_S);
}

static void expired_targets(struct device *d)
{
	all_but(d, MAKER_TARGETS, NOW + 400 * DAY_S);
}

static void expired_releases(struct device *d)
{
	all_but(d, MAKER_RELEASES, NOW + 400 * DAY_S);
}

static void expired_root(struct device *d)
{
	all_but(d, MAKER_ROOT, NOW + 400 * DAY_S);
}

static void expired_rollouts(struct device *d)
{
	all_but(d, MAKER_ROLLOUTS, NOW + 2 * DAY_S);
}

/* Snapshots 1 and 2 are both good; 1 is given for 2. */
static void mixed_snapshots(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "snapshot", 1);

	d->m.role[MAKER_SNAPSHOT].no_length = true; /* signatures differ in length by chance */
	publish(d, MAKER_RELEASES);
	answer(d, "snapshot", &old);
}

static void mixed_snapshots_without_hash(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].no_hash = true;
	mixed_snapshots(d);
}

static void mixed_roles(struct device *d)
{
	struct maker_file old = *maker_meta(&d->m, "releases", 1);

	d->m.role[MAKER_RELEASES].no_length = true;
	publish(d, MAKER_RELEASES);
	answer(d, "releases", &old);
}

static void mixed_roles_without_hash(struct device *d)
{
	d->m.role[MAKER_RELEASES].no_hash = true;
	mixed_roles(d);
}

static void endless_timestamp(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].pad = ROTA_TIMESTAMP_MAX_LEN;
	publish(d, -1);
}

static void endless_root(struct device *d)
{
	d->m.role[MAKER_ROOT].pad = ROTA_ROOT_MAX_LEN;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void lengthen(struct device *d, const char *role, uint64_t version)
{
	struct maker_file *f = maker_meta(&d->m, role, version);
	uint8_t *longer = maker_room(f->bytes.len + 1000);

	memcpy(longer, f->bytes.p, f->bytes.len);
	f->bytes = (struct maker_bytes){ longer, f->bytes.len + 1000 };
}

static void endless_snapshot(struct device *d)
{
	publish(d, -1);
	lengthen(d, "snapshot", 2);
}

static void endless_releases(struct device *d)
{
	publish(d, MAKER_RELEASES);
	lengthen(d, "releases", 2);
}

static void short_releases(struct device *d)
{
	publish(d, MAKER_RELEASES);
	maker_meta(&d->m, "releases", 2)->bytes.len -= 1;
}

static void length_beyond_reason(struct device *d)
{
	d->m.role[MAKER_RELEASES].pad = ROTA_META_MAX_LEN;
	publish(d, MAKER_RELEASES);
}

static void snapshot_for_timestamp(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].type = "snapshot";
	publish(d, -1);
}

static void root_for_releases(struct device *d)
{
	d->m.role[MAKER_RELEASES].type = "root";
	publish(d, MAKER_RELEASES);
}

static void later_specification(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].spec = "2.0.0";
	publish(d, -1);
}

/* All that is signed is there. */
static void last_bracket_missing(struct device *d)
{
	publish(d, -1);
	maker_meta(&d->m, "timestamp", 0)->bytes.len--;
}

static void white_space(struct device *d)
{
	static uint8_t text[8192];
	struct maker_file *f;

	publish(d, -1);
	f = maker_meta(&d->m, "timestamp", 0);
	text[0] = ' ';
	memcpy(text + 1, f->bytes.p, f->bytes.len);
	f->bytes = (struct maker_bytes){ text, f->bytes.len + 1 };
}

static void no_snapshot_listed(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].unlisted = true;
	publish(d, -1);
}

static void no_targets_listed(struct device *d)
{
	d->m.role[MAKER_TARGETS].unlisted = true;
	publish(d, -1);
}

static void releases_vanish(struct device *d)
{
	d->m.role[MAKER_RELEASES].unlisted = true;
	publish(d, -1);
}

static void releases_never_there(struct device *d)
{
	memset(&d->trusted.floors, 0, sizeof(d->trusted.floors));
	releases_vanish(d);
}

static void file_missing(struct device *d)
{
	publish(d, MAKER_RELEASES);
	maker_meta(&d->m, "releases", 2)->name[0] = '-';
}

static void timestamp_for_ten_years(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + 3650 * DAY_S;
	publish(d, -1);
}

static void rollouts_for_two_days(struct device *d)
{
	d->m.role[MAKER_ROLLOUTS].expires_s = NOW + 2 * DAY_S;
	publish(d, MAKER_ROLLOUTS);
}

static void snapshot_from_the_future(struct device *d)
{
	maker_next(&d->m, d->clock_s + 601, -1, -1);
	d->m.role[MAKER_TIMESTAMP].issued_s = NOW;
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + DAY_S;
	maker_publish(&d->m);
}

static void root_without_snapshot(struct device *d)
{
	d->m.role[MAKER_SNAPSHOT].listed_as = "snapshat";
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

static void never_issued(struct device *d)
{
	d->m.role[MAKER_TARGETS].no_issued = true;
	publish(d, MAKER_TARGETS);
}

static void policy_in_releases(struct device *d)
{
	maker_target(&d->m, MAKER_RELEASES, "rollouts/other.json", device_bytes("x"));
	publish(d, MAKER_RELEASES);
}

static void policy_in_targets(struct device *d)
{
	maker_target(&d->m, MAKER_TARGETS, "rollouts/other.json", device_bytes("x"));
	publish(d, MAKER_TARGETS);
}

/* Where the role asked for has no say, another one's word does not count. */
static void policy_in_another_role(struct device *d)
{
	int evil = maker_delegate(&d->m, MAKER_TARGETS, "evil", "extra/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, evil, "extra/x.json", device_bytes("x"));
	publish(d, MAKER_TARGETS);
}

static void policy_further_down(struct device *d)
{
	int evil =
		maker_delegate(&d->m, MAKER_ROLLOUTS, "evil", "rollouts/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, evil, "rollouts/other.json", device_bytes("x"));
	publish(d, MAKER_ROLLOUTS);
}

static void release_in_rollouts(struct device *d)
{
	maker_target(&d->m, MAKER_ROLLOUTS, "releases/lamp/9.0.0/release.json", device_bytes("x"));
	publish(d, MAKER_ROLLOUTS);
}

static void release_in_ci(struct device *d)
{
	maker_target(&d->m, MAKER_CI, "releases/lamp/9.0.0/release.json", device_bytes("x"));
	publish(d, MAKER_CI);
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
	few.role_keys = 2;
	d->limits = &few;
}

static void role_names_longer_than_room(struct device *d)
{
	few = device_limits;
	few.role_len = 7;
	d->limits = &few;
}

static void names_longer_than_room(struct device *d)
{
	static char name[400];

	memset(name, 'x', sizeof(name) - 1);
	maker_target(&d->m, MAKER_RELEASES, name, device_bytes("x"));
	publish(d, MAKER_RELEASES);
}

static const struct {
	const char *reason;
	void (*attack)(struct device *d);
	const char *role;
	const char *path;
	enum rota_err err;
	enum rota_clause clause;
} attacks[] = {
#define FIND_RELEASE "releases", RELEASE
#define FIND_POLICY "rollouts", POLICY
#define REFRESH "", NULL
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
	/* rollback */
	{ "a root skipped", skipped_root, REFRESH, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_3_5 },
	{ "the same root again", same_root_again, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_3_5 },
	{ "timestamp replayed", replayed_timestamp, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_4_3_1 },
	{ "timestamp lists an old snapshot", timestamp_lists_an_old_snapshot, REFRESH,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_2 },
	{ "snapshot lists old targets", old_targets, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_4_3 },
	{ "snapshot lists an old role", old_releases, FIND_RELEASE, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_4_3 },
	/* freeze */
	{ "nothing new for days", frozen_timestamp, REFRESH, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_4_4 },
	{ "timestamp expired", expired_timestamp, REFRESH, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_4_4 },
	{ "snapshot expired", expired_snapshot, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_5_6 },
	{ "targets expired", expired_targets, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_6_5 },
	{ "releases expired", expired_releases, FIND_RELEASE, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_6_5 },
	{ "rollouts expired", expired_rollouts, FIND_POLICY, ROTA_ERR_EXPIRED,
		ROTA_CLAUSE_TUF_5_6_5 },
	{ "root expired", expired_root, REFRESH, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_3_10 },
	/* mix and match */
	{ "another snapshot", mixed_snapshots, REFRESH, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_5_2 },
	{ "another snapshot, no hash listed", mixed_snapshots_without_hash, REFRESH,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_4 },
	{ "another role file", mixed_roles, FIND_RELEASE, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_6_2 },
	{ "another role file, no hash listed", mixed_roles_without_hash, FIND_RELEASE,
		ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_6_4 },
	/* endless data */
	{ "endless timestamp", endless_timestamp, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_4_1 },
	{ "endless root", endless_root, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_3_2 },
	{ "endless snapshot", endless_snapshot, REFRESH, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_5_2 },
	{ "endless releases", endless_releases, FIND_RELEASE, ROTA_ERR_LENGTH,
		ROTA_CLAUSE_TUF_5_6_2 },
	{ "cut short", short_releases, FIND_RELEASE, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_6_2 },
	{ "a listed length beyond reason", length_beyond_reason, FIND_RELEASE, ROTA_ERR_LENGTH,
		ROTA_CLAUSE_TUF_5_6_2 },
	/* another kind of file */
	{ "snapshot for timestamp", snapshot_for_timestamp, REFRESH, ROTA_ERR_ROLE,
		ROTA_CLAUSE_SPEC_3 },
	{ "root for releases", root_for_releases, FIND_RELEASE, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_3 },
	{ "specification 2", later_specification, REFRESH, ROTA_ERR_UNSUPPORTED,
		ROTA_CLAUSE_SPEC_3 },
	{ "without its last bracket", last_bracket_missing, REFRESH, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_2 },
	{ "white space", white_space, REFRESH, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_2 },
	/* left out */
	{ "timestamp without snapshot", no_snapshot_listed, REFRESH, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_3 },
	{ "root without snapshot", root_without_snapshot, REFRESH, ROTA_ERR_FORMAT,
		ROTA_CLAUSE_SPEC_3 },
	{ "snapshot without targets", no_targets_listed, REFRESH, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_5_5 },
	{ "a role vanishes", releases_vanish, FIND_RELEASE, ROTA_ERR_VERSION,
		ROTA_CLAUSE_TUF_5_5_5 },
	{ "a role was never there", releases_never_there, FIND_RELEASE, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_TUF_5_6_7 },
	{ "a file is missing", file_missing, FIND_RELEASE, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_TUF_5_6_1 },
	/* horizon */
	{ "timestamp for ten years", timestamp_for_ten_years, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "rollouts for two days", rollouts_for_two_days, FIND_POLICY, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "snapshot from the future", snapshot_from_the_future, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
	{ "targets without x-rota-issued", never_issued, REFRESH, ROTA_ERR_TIME,
		ROTA_CLAUSE_SPEC_4_5 },
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
	for (size_t i = 0; i < ROWS(attacks); i++) {
		struct device *d = device_new();
		struct rota_trusted before;

		ROW(attacks[i].reason);
		CHECK_GOOD(device_session(d, "rollouts", POLICY));
		CHECK_GOOD(device_session(d, "releases", RELEASE));
		attacks[i].attack(d);
		before = d->trusted;
		CHECK_WHY(device_session(d, attacks[i].role, attacks[i].path), attacks[i].err,
			attacks[i].clause);
		/* and it left nothing behind: the roots and floors stand */
		CHECK(d->trusted.root_version >= before.root_version);
		CHECK(d->trusted.timestamp_version >= before.timestamp_version);
	}
	ROW(NULL);
}

/* What the device profile refuses and the specification allows. */
TEST(to_the_letter_other_people_s_repositories_are_read)
{
	struct device *d = device_new();

	for (int i = MAKER_TIMESTAMP; i < d->m.role_count; i++)
		d->m.role[i].no_issued = true;
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + 3650 * DAY_S;
	d->letter = true;
	publish(d, MAKER_TARGETS);
	CHECK_GOOD(device_session(d, "", RELEASE));
}

TEST(a_session_begins_from_a_root)
{
	struct device *d = device_new();

	d->trusted.root_version = 0;
	CHECK_EQ(device_refresh(d).err, ROTA_ERR_ARGUMENT);
	d = device_new();
	d->trusted.root_sha256[0] ^= 1;
	CHECK_WHY(device_refresh(d), ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_2);
}

TEST(more_delegations_than_room_are_refused)
{
	static const char *const names[] = { "b0", "b1", "b2", "b3", "b4", "b5", "b6" };
	struct device *d = device_new();

	for (size_t i = 0; i <= device_limits.pending; i++) {
		CHECK_EQ(search(d, "x/1").err, ROTA_ERR_NOT_FOUND);
		(void)maker_delegate(&d->m, MAKER_TARGETS, names[i], "x/*", false, KEY_OTHER, NOW);
	}
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
}

TEST(what_could_not_be_kept_ends_the_session)
{
	struct device *d = device_new();
	struct rota_session s;
	struct rota_want w;

	CHECK_OK(device_begin(d, &s));
	for (rota_session_want(&s, &w); w.kind == ROTA_WANT_FETCH; rota_session_want(&s, &w))
		device_step(d, &s, &w);
	CHECK_EQ(w.kind, ROTA_WANT_KEEP);
	rota_session_kept(&s, ROTA_ERR_IO);
	rota_session_want(&s, &w);
	CHECK_EQ(w.kind, ROTA_WANT_FAILED);
	CHECK_WHY(rota_session_why(&s), ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9);
}

TEST(too_little_workspace_is_said_at_once)
{
	static uint8_t room[65536];
	struct device *d = device_new();
	const struct rota_session_config config = { .crypto = &rota_crypto_openssl,
		.limits = &device_limits,
		.profile = &rota_session_device };
	size_t need = rota_session_room(&device_limits);
	struct rota_session s;

	CHECK(need < sizeof(room));
	CHECK_OK(rota_session_init(&s, &config, &d->trusted, rota_buf(room, need)));
	CHECK_OK(rota_session_init(&s, &config, &d->trusted, rota_buf(room + 1, need)));
	CHECK_EQ(rota_session_init(&s, &config, &d->trusted, rota_buf(room, need - 16)),
		ROTA_ERR_LIMIT);
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

TESTS(T(the_first_refresh_ends_with_everything_verified), T(pieces_of_any_size_give_the_same),
	T(both_profiles_hold_the_device_s_roles), T(nothing_new_costs_three_files),
	T(a_new_release_is_found), T(the_root_is_followed_step_by_step),
	T(new_online_keys_recover_from_a_fast_forward), T(a_floor_outlives_new_online_keys),
	T(a_floor_falls_with_the_keys_it_was_made_under), T(a_damaged_copy_is_fetched_again),
	T(a_repository_without_consistent_snapshots_works), T(lengths_and_hashes_may_be_left_out),
	T(without_a_clock_the_floors_stand_for_the_present),
	T(delegations_are_searched_in_order_and_depth_first),
	T(a_terminating_delegation_ends_the_search), T(a_cycle_of_delegations_ends),
	T(a_long_chain_of_delegations_ends), T(hash_prefixes_lead_to_bins),
	T(every_attack_is_refused_by_its_clause),
	T(to_the_letter_other_people_s_repositories_are_read), T(a_session_begins_from_a_root),
	T(more_delegations_than_room_are_refused), T(what_could_not_be_kept_ends_the_session),
	T(too_little_workspace_is_said_at_once), T(no_changed_byte_is_believed))
