/* SPDX-License-Identifier: Apache-2.0 */
/* What one file, one reading, one root or one search leaves behind in a session must not speak for the next.
 *
 * A copy at hand of a file that is asked for by digest may prove to be another; then the server's is read. The first
 * reading has then gone through keys, delegations and targets that nobody may have signed: who writes the device's
 * disk chooses them. */
#include "rota/base/mem.h"
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define ROOMY                                                                                      \
	3000 /* bytes that the right file has more, so that the length listed for it lets the thief's pass */

/* A repository with everybody's keys, as far as they sign: what it says has another digest, no more. */
static struct maker *thief_s_repository(void)
{
	static struct maker thief;

	maker_init(&thief, NOW);
	return &thief;
}

/* The thief's version 1 of `role` is at hand from now on. */
static void plant(struct device *d, struct maker *thief, const char *role)
{
	maker_publish(thief);
	device_plant(d, role, maker_meta(thief, role, 1));
}

/* A new version of `role` in the right repository, with room for the thief's. */
static void publish(struct device *d, int role)
{
	d->m.role[role].pad = ROOMY;
	maker_next(&d->m, NOW + HOUR_S, role, -1);
}

/* ---- one reading and the next ---- */

TEST(keys_of_the_first_reading_sign_nothing)
{
	struct device *d = device_new();
	struct maker *thief = thief_s_repository();
	struct maker_role *r = &d->m.role[MAKER_RELEASES];

	/* he has the online keys too, so that snapshot lists his releases */
	maker_target(&d->m, MAKER_RELEASES, RELEASE, device_bytes("evil"));
	r->signers[0] = thief->role[MAKER_RELEASES].keys[0] = KEY_RELEASES1 | KEY_FALSE;
	r->signers[1] = thief->role[MAKER_RELEASES].keys[1] = KEY_RELEASES2 | KEY_FALSE;
	maker_next(&d->m, NOW + HOUR_S, MAKER_RELEASES, -1);
	publish(d, MAKER_TARGETS);
	plant(d, thief, "targets");
	CHECK_WHY(
		device_session(d, "releases", RELEASE), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3);
}

TEST(delegations_of_the_first_reading_are_not_followed)
{
	struct device *d = device_new();
	struct maker *thief = thief_s_repository();
	int own = maker_delegate(&d->m, MAKER_TARGETS, "own", "y/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, own, "x/1", device_bytes("not his to say"));
	maker_delegate(thief, MAKER_TARGETS, "own", "x/*", false, KEY_OTHER, NOW);
	publish(d, MAKER_TARGETS);
	plant(d, thief, "targets");
	CHECK_WHY(device_session(d, "", "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

/* The first reading breaks off within a delegation, after its paths. */
TEST(paths_of_the_first_reading_cover_nothing)
{
	struct device *d = device_new();
	struct maker *thief = thief_s_repository();
	struct maker_file *half;

	/* the first delegation of the right file is the one that would be taken to cover the path */
	d->m.role[MAKER_RELEASES].paths = "y/*";
	maker_target(&d->m, MAKER_RELEASES, "x/1", device_bytes("not theirs to say"));
	maker_next(&d->m, NOW + HOUR_S, MAKER_RELEASES, -1);
	publish(d, MAKER_TARGETS);
	thief->role[MAKER_RELEASES].paths = "x/*";
	maker_publish(thief);
	half = maker_meta(thief, "targets", 1);
	for (size_t i = 0; i + 5 < half->bytes.len; i++) {
		if (memcmp(&half->bytes.p[i], "x/*\"]", 5) == 0)
			half->bytes.len = i + 5;
	}
	plant(d, thief, "targets");
	CHECK_WHY(device_session(d, "", "x/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(a_terminating_delegation_of_the_first_reading_ends_nothing)
{
	struct device *d = device_new();
	struct maker *thief = thief_s_repository();
	int own = maker_delegate(&d->m, MAKER_TARGETS, "own", "x/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, own, "x/1", device_bytes("here"));
	maker_delegate(thief, MAKER_TARGETS, "dam", "x/*", true, KEY_OTHER, NOW);
	publish(d, MAKER_TARGETS);
	plant(d, thief, "targets");
	CHECK_GOOD(device_session(d, "", "x/1"));
	CHECK_EQ(d->target.length, 4);
}

TEST(what_the_first_snapshot_listed_is_forgotten)
{
	struct device *d = device_new();
	struct maker *thief = thief_s_repository();

	d->m.role[MAKER_RELEASES].unlisted = true;
	publish(d, MAKER_SNAPSHOT);
	plant(d, thief, "snapshot");
	CHECK_WHY(
		device_session(d, "releases", RELEASE), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

/* ---- a copy at hand, and an answer ---- */

static const struct maker_file *count(struct device *d, const struct rota_want *w)
{
	const struct maker_file *f = device_give(d, w);

	d->answered += f != NULL;
	return f;
}

/* What a disk has damaged the server has still; what the server gives it would give again. */
TEST(a_bad_answer_of_a_known_digest_is_asked_for_once)
{
	static const struct {
		const char *role;
		enum rota_clause clause;
	} rows[] = { { "snapshot", ROTA_CLAUSE_TUF_5_5_2 }, { "releases", ROTA_CLAUSE_TUF_5_6_2 } };

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = device_new();
		struct maker *thief = thief_s_repository();

		ROW(rows[i].role);
		publish(d, MAKER_RELEASES);
		publish(d, MAKER_SNAPSHOT);
		maker_publish(thief);
		device_answer(d, rows[i].role, maker_meta(thief, rows[i].role, 1));
		d->server = count;
		CHECK_WHY(device_session(d, "releases", RELEASE), ROTA_ERR_LENGTH, rows[i].clause);
		CHECK_EQ(d->answered, 1);
	}
}

/* ---- one role and the next ---- */

TEST(keys_of_the_role_before_sign_nothing)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "a", "x/*", false, KEY_OTHER, NOW);
	int b = maker_delegate(&d->m, MAKER_TARGETS, "b", "x/*", false, KEY_IMAGE, NOW);

	maker_target(&d->m, b, "x/1", device_bytes("from b"));
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_GOOD(device_session(d, "", "x/1"));
	d->m.role[b].signers[0] = KEY_OTHER; /* that of role a, which is read before */
	maker_next(&d->m, NOW, b, a);
	CHECK_WHY(device_session(d, "", "x/1"), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3);
}

/* ---- one search and the next ---- */

/* Look for one target after the other in one session. */
static struct rota_why two_searches(struct device *d, const char *role_a, const char *path_a,
	const char *role_b, const char *path_b)
{
	struct rota_session s;
	struct rota_why why = { device_begin(d, &s), ROTA_CLAUSE_NONE };

	if (why.err == ROTA_OK)
		why = device_run(d, &s);
	if (why.err == ROTA_OK)
		why.err = rota_session_find_in(&s, rota_span_cstr(role_a), rota_span_cstr(path_a));
	if (why.err == ROTA_OK)
		why = device_run(d, &s);
	if (why.err == ROTA_OK)
		why.err = rota_session_find_in(&s, rota_span_cstr(role_b), rota_span_cstr(path_b));
	if (why.err == ROTA_OK)
		why = device_run(d, &s);
	rota_session_drop(&s);
	return why;
}

TEST(delegations_of_the_search_before_are_not_followed)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "a", "x/*", false, KEY_OTHER, NOW);
	int b = maker_delegate(&d->m, MAKER_TARGETS, "b", "x/*", false, KEY_OTHER, NOW);

	maker_target(&d->m, a, "x/1", device_bytes("from a"));
	maker_target(&d->m, b, "y/1", device_bytes("not b's to say"));
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_WHY(two_searches(d, "", "x/1", "", "y/1"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(roles_of_the_search_before_are_visited_again)
{
	struct device *d = device_new();

	CHECK_GOOD(two_searches(d, "", RELEASE, "", RELEASE));
	CHECK_GOOD(two_searches(d, "rollouts", POLICY, "releases", RELEASE));
}

TEST(keys_of_the_search_before_sign_nothing)
{
	struct device *d = device_new();

	d->m.role[MAKER_ROLLOUTS].signers[0] = KEY_RELEASES1;
	maker_next(&d->m, NOW, MAKER_ROLLOUTS, -1);
	CHECK_WHY(two_searches(d, "releases", RELEASE, "rollouts", POLICY), ROTA_ERR_THRESHOLD,
		ROTA_CLAUSE_TUF_5_6_3);
}

TEST(a_target_without_a_digest_that_we_know_is_none)
{
	struct device *d = device_new();
	struct maker_target *t = maker_target(
		&d->m, MAKER_RELEASES, "releases/lamp/3.0.0/release.json", device_bytes("x"));

	t->no_sha256 = true;
	maker_next(&d->m, NOW, MAKER_RELEASES, -1);
	CHECK_WHY(two_searches(d, "releases", RELEASE, "releases", t->path), ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4);
}

TEST(delegations_beyond_the_room_are_refused)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g" };
	static char long_name[ROTA_ROLE_NAME_MAX + 2];
	struct rota_limits few = device_limits;
	struct device *d = device_new();

	few.pending_len = ROTA_PENDING_LEN(ROWS(names) - 1, 1, 1);
	d->limits = &few;
	for (size_t i = 0; i < ROWS(names); i++)
		maker_delegate(&d->m, MAKER_TARGETS, names[i], "x/*", false, KEY_OTHER, NOW);
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_WHY(device_session(d, "", "x/1"), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
	d = device_new();
	memset(long_name, 'n', ROTA_ROLE_NAME_MAX + 1);
	maker_delegate(&d->m, MAKER_TARGETS, long_name, "x/*", false, KEY_OTHER, NOW);
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_WHY(device_session(d, "", "x/1"), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
}

/* ---- one root and the next ---- */

static void new_root(struct device *d)
{
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
}

TEST(keys_that_a_new_root_took_away_sign_nothing)
{
	static const struct {
		int role, key;
		enum rota_clause clause;
	} rows[] = {
		{ MAKER_TIMESTAMP, KEY_TIMESTAMP2, ROTA_CLAUSE_TUF_5_4_2 },
		{ MAKER_SNAPSHOT, KEY_SNAPSHOT2, ROTA_CLAUSE_TUF_5_5_3 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = device_new();
		struct maker_role *r = &d->m.role[rows[i].role];

		ROW(r->name);
		CHECK_GOOD(device_refresh(d));
		r->keys[0] = rows[i].key; /* the old one still signs */
		maker_next(&d->m, NOW, -1, -1);
		new_root(d);
		CHECK_WHY(device_refresh(d), ROTA_ERR_THRESHOLD, rows[i].clause);
		CHECK_EQ(d->trusted.root.version, 2);
	}
	ROW(NULL);
}

/* The ring that targets' keys go to held an old root's before: a key in the place of one that had a role there is
 * of no role here. */
TEST(roles_of_an_old_root_are_not_a_delegation_s)
{
	struct device *d = device_new();
	struct maker_role *r = &d->m.role[MAKER_RELEASES];

	new_root(d);
	r->signers[0] = KEY_ROLLOUTS;
	r->signers[1] = KEY_CI;
	maker_next(&d->m, NOW, MAKER_RELEASES, -1);
	CHECK_WHY(
		device_session(d, "releases", RELEASE), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3);
	CHECK_EQ(d->trusted.root.version, 2);
}

TEST(each_online_key_alone_recovers_from_a_fast_forward)
{
	static const struct {
		int role, key;
	} rows[] = { { MAKER_TIMESTAMP, KEY_TIMESTAMP2 }, { MAKER_SNAPSHOT, KEY_SNAPSHOT2 } };

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = device_new();
		struct maker_role *t = &d->m.role[MAKER_TIMESTAMP], *s = &d->m.role[MAKER_SNAPSHOT];
		struct maker_role *r = &d->m.role[rows[i].role];

		ROW(r->name);
		t->version = s->version = 4000000000;
		maker_publish(&d->m);
		CHECK_GOOD(device_refresh(d));
		t->version = s->version = 2;
		r->keys[0] = r->signers[0] = rows[i].key;
		new_root(d);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(d->trusted.timestamp_version, 2);
		CHECK_EQ(d->trusted.snapshot.version, 2);
	}
	ROW(NULL);
}

/* The new keys' snapshot may have the version of the old ones' and say something else. */
TEST(new_online_keys_begin_anew_without_hashes_too)
{
	struct device *d = device_new();
	struct maker_role *s = &d->m.role[MAKER_SNAPSHOT];

	s->no_hash = s->no_length = true;
	maker_next(&d->m, NOW, -1, -1);
	CHECK_GOOD(device_refresh(d));
	s->keys[0] = s->signers[0] = KEY_SNAPSHOT2;
	s->issued_s += 60;
	s->expires_s += 60;
	new_root(d);
	d->forgetful = true;
	CHECK_GOOD(device_refresh(d));
}

TEST(a_floor_counts_public_keys)
{
	struct device *d = device_new();
	struct maker_role *r = &d->m.role[MAKER_RELEASES];

	r->version = 50;
	maker_publish(&d->m);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	/* of the old three one stays, under two ids: no old file can verify */
	r->keys[0] = KEY_RELEASES1;
	r->keys[1] = KEY_RELEASES1 | KEY_ALIAS;
	r->keys[2] = r->signers[0] = KEY_RELEASES4;
	r->keys[3] = r->signers[1] = KEY_RELEASES5;
	r->key_count = 4;
	r->version = 1;
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->target.role_version, 1);
}

TEST(a_root_that_does_not_say_since_when_leaves_the_time_floor)
{
	struct device *d = device_new();

	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	d->m.role[MAKER_ROOT].not_before_s = 0;
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(d->trusted.time_floor_s, NOW);
}

/* Without a clock the new root's time is the present at once. */
TEST(a_new_root_moves_the_present)
{
	struct device *d = device_new();

	d->clock_s = 0;
	device_next_root(&d->m, NOW + 2 * DAY_S, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
}

/* Roots without end: the next one is made when it is asked for. */
static const struct maker_file *endless(struct device *d, const struct rota_want *w)
{
	static struct maker_file root;

	if (!rota_span_eq(w->role, ROTA_STR("root")) || w->version == 1)
		return NULL;
	if (w->version > d->m.role[MAKER_ROOT].version) {
		new_root(d);
		root = *maker_meta(&d->m, "root", w->version);
		d->m.file_count--; /* it was the last */
	}
	d->kept_count = 0;
	return &root;
}

TEST(one_session_follows_so_many_roots)
{
	struct device *d = device_new();

	CHECK_GOOD(device_refresh(d));
	d->server = endless;
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 1 + ROTA_ROOT_UPDATES_MAX);
}

TEST(a_root_that_skips_a_version_is_not_kept)
{
	struct device *d = device_new();

	new_root(d);
	new_root(d);
	strcpy(maker_meta(&d->m, "root", 2)->name, "aside");
	strcpy(maker_meta(&d->m, "root", 3)->name, "metadata/2.root.json");
	CHECK_WHY(device_refresh(d), ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_3_5);
	CHECK_EQ(d->trusted.root.version, 1);
}

TEST(the_trusted_root_is_whole_and_of_its_version)
{
	struct device *d = device_new();

	d->trusted.root.version = 2;
	strcpy(maker_meta(&d->m, "root", 1)->name, "metadata/2.root.json");
	CHECK_WHY(device_refresh(d), ROTA_ERR_CORRUPT, ROTA_CLAUSE_TUF_5_2);
	d = device_new();
	d->m.role[MAKER_SNAPSHOT].listed_as = "snapshat";
	maker_publish(&d->m);
	maker_sha256(maker_meta(&d->m, "root", 1)->bytes, d->trusted.root.sha256);
	CHECK_WHY(device_refresh(d), ROTA_ERR_CORRUPT, ROTA_CLAUSE_TUF_5_2);
}

/* ---- one timestamp and the next ---- */

TEST(another_timestamp_of_the_same_version_changes_nothing)
{
	struct device *d = device_new();
	struct rota_trusted before;

	CHECK_GOOD(device_refresh(d));
	before = d->trusted;
	d->m.role[MAKER_SNAPSHOT].version++;
	d->m.role[MAKER_TIMESTAMP].issued_s += 60;
	d->m.role[MAKER_TIMESTAMP].expires_s += 60;
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
	CHECK_MEM(&before, &d->trusted, sizeof(before));
}

TEST(another_snapshot_of_the_same_version_is_refused)
{
	struct device *d = device_new();

	d->m.role[MAKER_SNAPSHOT].no_hash = d->m.role[MAKER_SNAPSHOT].no_length = true;
	maker_next(&d->m, NOW, -1, -1);
	CHECK_GOOD(device_refresh(d));
	d->m.role[MAKER_SNAPSHOT].issued_s += 60;
	d->m.role[MAKER_SNAPSHOT].expires_s += 60;
	maker_publish(&d->m);
	d->forgetful = true;
	CHECK_WHY(device_refresh(d), ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_5_2);
}

/* ---- one step and the next ---- */

/* Run a session of a new device until it wants `role`. */
static enum rota_want_kind run_until(
	struct device *d, struct rota_session *s, enum rota_want_kind kind, const char *role)
{
	struct rota_want w;

	if (device_begin(d, s) != ROTA_OK)
		return ROTA_WANT_FAILED;
	for (w = *rota_session_want(s); w.kind <= ROTA_WANT_KEEP &&
		(w.kind != kind || !rota_span_eq(w.role, rota_span_cstr(role)));
		w = *rota_session_want(s))
		device_step(d, s, &w);
	return w.kind;
}

/* What comes in place of a damaged copy is kept again, though nothing that is trusted changes. */
TEST(what_was_fetched_again_is_kept)
{
	static const char *const roles[] = { "snapshot", "targets" };

	for (size_t i = 0; i < ROWS(roles); i++) {
		struct device *d = device_new();
		struct rota_session s;

		ROW(roles[i]);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(run_until(d, &s, ROTA_WANT_KEEP, roles[i]), ROTA_WANT_NOTHING);
		rota_session_drop(&s);
		for (int k = 0; k < d->kept_count; k++) {
			struct maker_bytes *b = &d->kept[k].bytes;

			if (strncmp(d->kept[k].name, roles[i], strlen(roles[i])) == 0)
				b->len--;
		}
		CHECK_EQ(run_until(d, &s, ROTA_WANT_KEEP, roles[i]), ROTA_WANT_KEEP);
		rota_session_drop(&s);
	}
	ROW(NULL);
}

TEST(a_fetch_that_failed_is_no_file)
{
	struct device *d = device_new();
	struct maker_bytes b = maker_meta(&d->m, "timestamp", 0)->bytes;
	struct rota_session s;

	CHECK_EQ(run_until(d, &s, ROTA_WANT_FETCH, "timestamp"), ROTA_WANT_FETCH);
	CHECK_OK(rota_session_feed(&s, rota_span(b.p, b.len)));
	rota_session_fetched(&s, ROTA_ERR_NET);
	CHECK_WHY(*rota_session_why(&s), ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_4_1);
	rota_session_drop(&s);
}

TEST(a_file_without_its_end_is_none)
{
	struct device *d = device_new();
	struct maker_bytes b = maker_meta(&d->m, "timestamp", 0)->bytes;
	struct rota_session s;

	CHECK_EQ(run_until(d, &s, ROTA_WANT_FETCH, "timestamp"), ROTA_WANT_FETCH);
	CHECK_OK(rota_session_feed(&s, rota_span(b.p, b.len - 1))); /* all that is signed */
	rota_session_fetched(&s, ROTA_OK);
	CHECK_WHY(*rota_session_why(&s), ROTA_ERR_SPELLING, ROTA_CLAUSE_SPEC_2);
	rota_session_drop(&s);
}

TEST(a_piece_that_is_too_long_ends_the_file)
{
	static uint8_t flood[ROTA_TIMESTAMP_MAX_LEN + 1];
	struct device *d = device_new();
	struct maker_bytes b = maker_meta(&d->m, "timestamp", 0)->bytes;
	struct rota_session s;

	CHECK_EQ(run_until(d, &s, ROTA_WANT_FETCH, "timestamp"), ROTA_WANT_FETCH);
	CHECK_EQ(rota_session_feed(&s, ROTA_SPAN(flood)), ROTA_ERR_LENGTH);
	CHECK_EQ(rota_session_feed(&s, rota_span(b.p, b.len)), ROTA_ERR_LENGTH);
	rota_session_fetched(&s, ROTA_OK);
	CHECK_WHY(*rota_session_why(&s), ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_4_1);
	rota_session_drop(&s);
}

TEST(what_could_not_be_kept_ends_the_session)
{
	static const char *const roles[] = { "timestamp", "snapshot", "targets" };

	for (size_t i = 0; i < ROWS(roles); i++) {
		struct device *d = device_new();
		struct rota_session s;

		ROW(roles[i]);
		CHECK_EQ(run_until(d, &s, ROTA_WANT_KEEP, roles[i]), ROTA_WANT_KEEP);
		rota_session_kept(&s, ROTA_ERR_FULL);
		CHECK_WHY(*rota_session_why(&s), ROTA_ERR_FULL, ROTA_CLAUSE_SPEC_9);
		CHECK_EQ(rota_session_find_in(&s, ROTA_STR("rollouts"), ROTA_STR(POLICY)),
			ROTA_ERR_STATE);
		rota_session_drop(&s);
	}
	ROW(NULL);
}

TESTS(T(keys_of_the_first_reading_sign_nothing),
	T(delegations_of_the_first_reading_are_not_followed),
	T(paths_of_the_first_reading_cover_nothing),
	T(a_terminating_delegation_of_the_first_reading_ends_nothing),
	T(what_the_first_snapshot_listed_is_forgotten),
	T(a_bad_answer_of_a_known_digest_is_asked_for_once),
	T(keys_of_the_role_before_sign_nothing),
	T(delegations_of_the_search_before_are_not_followed),
	T(roles_of_the_search_before_are_visited_again), T(keys_of_the_search_before_sign_nothing),
	T(a_target_without_a_digest_that_we_know_is_none),
	T(delegations_beyond_the_room_are_refused), T(keys_that_a_new_root_took_away_sign_nothing),
	T(roles_of_an_old_root_are_not_a_delegation_s),
	T(new_online_keys_begin_anew_without_hashes_too), T(a_floor_counts_public_keys),
	T(what_was_fetched_again_is_kept), T(each_online_key_alone_recovers_from_a_fast_forward),
	T(a_root_that_does_not_say_since_when_leaves_the_time_floor),
	T(a_new_root_moves_the_present), T(one_session_follows_so_many_roots),
	T(a_root_that_skips_a_version_is_not_kept), T(the_trusted_root_is_whole_and_of_its_version),
	T(another_timestamp_of_the_same_version_changes_nothing),
	T(another_snapshot_of_the_same_version_is_refused), T(a_fetch_that_failed_is_no_file),
	T(a_file_without_its_end_is_none), T(a_piece_that_is_too_long_ends_the_file),
	T(what_could_not_be_kept_ends_the_session))
