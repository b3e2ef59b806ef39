/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF session against a repository that is right: the ways that end well, and what a session needs to begin. */
#include "tests/unit/session_device.h"

#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/mem.h"
#include "tests/unit/test.h"

#include <stdlib.h>

TEST(the_first_refresh_ends_with_everything_verified)
{
	struct device *d = device_new();

	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.timestamp_version, 1);
	CHECK_EQ(d->trusted.snapshot.version, 1);
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
	CHECK_EQ(d->trusted.root.version, 3);
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
	CHECK_EQ(d->trusted.snapshot.version, 2);
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
	maker_sha256(root->bytes, d->trusted.root.sha256);
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

/* What the device profile refuses and the specification allows. */
TEST(to_the_letter_other_people_s_repositories_are_read)
{
	struct device *d = device_new();

	for (int i = MAKER_TIMESTAMP; i < d->m.role_count; i++)
		d->m.role[i].no_issued = true;
	d->m.role[MAKER_TIMESTAMP].expires_s = NOW + 3650 * DAY_S;
	d->profile = &rota_session_letter;
	device_publish(d, MAKER_TARGETS);
	CHECK_GOOD(device_session(d, "", RELEASE));
}

TEST(a_session_begins_from_a_root)
{
	struct device *d = device_new();

	d->trusted.root.version = 0;
	CHECK_EQ(device_refresh(d).err, ROTA_ERR_ARGUMENT);
	d = device_new();
	d->trusted.root.sha256[0] ^= 1;
	CHECK_WHY(device_refresh(d), ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_2);
}

TEST(what_could_not_be_kept_ends_the_session)
{
	struct device *d = device_new();
	struct rota_session s;
	struct rota_want w;

	CHECK_OK(device_begin(d, &s));
	for (w = *rota_session_want(&s); w.kind == ROTA_WANT_FETCH; w = *rota_session_want(&s))
		device_step(d, &s, &w);
	CHECK_EQ(w.kind, ROTA_WANT_KEEP);
	rota_session_kept(&s, ROTA_ERR_IO);
	w = *rota_session_want(&s);
	CHECK_EQ(w.kind, ROTA_WANT_FAILED);
	CHECK_WHY(*rota_session_why(&s), ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9);
}

TEST(too_little_workspace_is_said_at_once)
{
	static uint8_t room[65536];
	struct device *d = device_new();
	const struct rota_session_config config = { .crypto = &rota_crypto_openssl,
		.limits = &device_limits,
		.profile = &rota_session_device,
		.floors = &d->raised };
	size_t need = rota_session_room(&device_limits);
	struct rota_session s;

	CHECK(need < sizeof(room));
	CHECK_OK(rota_session_init(&s, &config, &d->trusted, rota_buf(room, need)));
	CHECK_OK(rota_session_init(&s, &config, &d->trusted, rota_buf(room + 1, need)));
	CHECK_EQ(rota_session_init(&s, &config, &d->trusted, rota_buf(room, need - 16)),
		ROTA_ERR_LIMIT);
	rota_session_drop(&s); /* which one that never began stands too */
}

TEST(a_device_has_floors)
{
	static uint8_t room[65536];
	struct device *d = device_new();
	const struct rota_session_config config = { .crypto = &rota_crypto_openssl,
		.limits = &device_limits,
		.profile = &rota_session_device };
	struct rota_session s;

	CHECK_EQ(rota_session_init(&s, &config, &d->trusted, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	rota_session_drop(&s);
}

TEST(a_session_that_never_began_may_be_dropped)
{
	struct rota_session s = { 0 };

	rota_session_drop(&s);
	CHECK_EQ(s.room.sigs.count, 0);
}

TESTS(T(the_first_refresh_ends_with_everything_verified), T(pieces_of_any_size_give_the_same),
	T(both_profiles_hold_the_device_s_roles), T(nothing_new_costs_three_files),
	T(a_new_release_is_found), T(the_root_is_followed_step_by_step),
	T(new_online_keys_recover_from_a_fast_forward), T(a_floor_outlives_new_online_keys),
	T(a_floor_falls_with_the_keys_it_was_made_under), T(a_damaged_copy_is_fetched_again),
	T(a_repository_without_consistent_snapshots_works), T(lengths_and_hashes_may_be_left_out),
	T(without_a_clock_the_floors_stand_for_the_present),
	T(to_the_letter_other_people_s_repositories_are_read), T(a_session_begins_from_a_root),
	T(what_could_not_be_kept_ends_the_session), T(too_little_workspace_is_said_at_once),
	T(a_device_has_floors), T(a_session_that_never_began_may_be_dropped))
