/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that follow the specification to the letter, without the device profile: what only they check. */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

static struct rota_limits limits;

/* A device that knows version 1 of everything. */
static struct device *reader(bool inconsistent)
{
	struct device *d = device_new();

	limits = device_limits;
	limits.listed = 8;
	d->limits = &limits;
	d->profile = &rota_session_letter;
	if (inconsistent) {
		d->m.inconsistent = true;
		d->m.role[MAKER_ROOT].version = 1;
		maker_publish(&d->m);
		maker_sha256(maker_meta(&d->m, "root", 1)->bytes, d->trusted.root.sha256);
	}
	return d;
}

static void publish(struct device *d)
{
	maker_next(&d->m, NOW + HOUR_S, -1, -1);
}

enum change { SAME, ONE_VANISHES, ONE_GOES_BACK, ONE_RISES, ONE_MORE };

/* TUF 5.5.5, with and without versions in names: a second snapshot after a first. */
static void compare_snapshots(bool inconsistent)
{
	static const struct {
		const char *reason;
		enum change change;
		bool good;
	} rows[] = {
		{ "all is listed again", SAME, true },
		{ "one is not listed any more", ONE_VANISHES, false },
		{ "one has a lower version", ONE_GOES_BACK, false },
		{ "one has a higher version", ONE_RISES, true },
		{ "one is new", ONE_MORE, true },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = reader(inconsistent);
		struct rota_why why;

		ROW(rows[i].reason);
		d->m.role[MAKER_ROLLOUTS].listed_version = 7;
		publish(d);
		CHECK_GOOD(device_refresh(d));
		if (rows[i].change == ONE_RISES || rows[i].change == ONE_GOES_BACK)
			d->m.role[MAKER_ROLLOUTS].listed_version =
				rows[i].change == ONE_RISES ? 8 : 6;
		d->m.role[MAKER_ROLLOUTS].unlisted = rows[i].change == ONE_VANISHES;
		if (rows[i].change == ONE_MORE)
			maker_delegate(
				&d->m, MAKER_TARGETS, "another", "a/*", true, KEY_OTHER, NOW);
		maker_next(&d->m, NOW + HOUR_S, MAKER_TARGETS, -1);
		why = device_refresh(d);
		CHECK_EQ(why.err, rows[i].good ? ROTA_OK : ROTA_ERR_VERSION);
		CHECK(rows[i].good || why.clause == ROTA_CLAUSE_TUF_5_5_5);
		CHECK_EQ(d->trusted.snapshot.version, rows[i].good ? 3 : 2);
	}
	ROW(NULL);
}

TEST(what_the_trusted_snapshot_listed_stays_listed)
{
	compare_snapshots(false);
}

TEST(what_the_trusted_snapshot_listed_stays_listed_without_versions_in_names)
{
	compare_snapshots(true);
}

TEST(a_snapshot_too_long_to_compare_is_told)
{
	struct device *d = reader(false);

	limits.listed = 3; /* targets and three delegated roles are listed */
	CHECK_WHY(device_refresh(d), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
	limits.listed = 4;
	CHECK_GOOD(device_refresh(d));
	limits.listed = 3;
	publish(d);
	CHECK_WHY(device_refresh(d), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
}

/* The specification forgets them with the snapshot (TUF 5.3.11). */
TEST(no_floor_is_kept)
{
	struct device *d = reader(false);

	CHECK_GOOD(device_session(d, "", RELEASE));
	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++)
		CHECK_EQ(d->floors.floor[i].version, 0);
}

TEST(nothing_new_costs_two_requests)
{
	struct device *d = reader(false);

	CHECK_GOOD(device_refresh(d));
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->fetched, 2); /* 2.root.json, timestamp.json */
}

/* A delegated role whose file would lie where the trusted root lies. */
TEST(a_delegated_role_has_no_top_level_name)
{
	static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };

	for (size_t i = 0; i < ROWS(names); i++) {
		struct device *d = reader(false);

		ROW(names[i]);
		maker_delegate(&d->m, MAKER_TARGETS, names[i], "a/*", true, KEY_OTHER, NOW);
		d->m.role[d->m.role_count - 1].ghost = true;
		d->m.role[MAKER_TARGETS].version = 2;
		publish(d);
		CHECK_WHY(device_refresh(d), ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_3);
	}
	ROW(NULL);
}

/* ---- what lies on disk ---- */

static struct maker_bytes damaged(struct maker_bytes from, size_t at)
{
	uint8_t *p = maker_room(from.len);

	memcpy(p, from.p, from.len);
	p[at] ^= 1;
	return (struct maker_bytes){ p, from.len };
}

TEST(a_root_that_does_not_carry_its_own_threshold_is_no_root)
{
	struct device *d = reader(false);
	struct maker_role *root = &d->m.role[MAKER_ROOT];

	root->signers[0] = KEY_ROGUE1;
	maker_publish(&d->m);
	maker_sha256(maker_meta(&d->m, "root", 1)->bytes, d->trusted.root.sha256);
	CHECK_WHY(device_refresh(d), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_2);
	CHECK_EQ(d->fetched, 0);
}

/* A timestamp on disk that says 1,000: of a thief, or damaged. It does not stop the client. */
TEST(a_file_on_disk_counts_by_its_signatures)
{
	static const struct {
		const char *reason;
		int disk, role, signer;
		bool counts;
	} rows[] = {
		{ "a timestamp by its key", 0, MAKER_TIMESTAMP, KEY_TIMESTAMP, true },
		{ "a timestamp by another", 0, MAKER_TIMESTAMP, KEY_SNAPSHOT, false },
		{ "a snapshot by its key", 1, MAKER_SNAPSHOT, KEY_SNAPSHOT, true },
		{ "a snapshot by another", 1, MAKER_SNAPSHOT, KEY_TIMESTAMP, false },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = reader(false);
		static struct maker later;
		struct rota_why why;

		ROW(rows[i].reason);
		CHECK_GOOD(device_refresh(d));
		later = d->m;
		later.role[MAKER_SNAPSHOT].version = 1000;
		later.role[MAKER_TIMESTAMP].version = 1000;
		later.role[MAKER_TARGETS].listed_version = 1000;
		later.role[rows[i].role].signers[0] = rows[i].signer;
		maker_publish(&later);
		d->disk[rows[i].disk] = maker_meta(&later,
			rows[i].disk == 0 ? "timestamp" : "snapshot", rows[i].disk == 0 ? 0 : 1000)
						->bytes;
		publish(d);
		why = device_refresh(d);
		CHECK_EQ(why.err, rows[i].counts ? ROTA_ERR_VERSION : ROTA_OK);
	}
	ROW(NULL);
}

TEST(damage_on_disk_is_mended)
{
	struct device *d = reader(false);

	CHECK_GOOD(device_refresh(d));
	for (size_t at = 0; at < d->disk[0].len + d->disk[1].len; at += 13) {
		int which = at >= d->disk[0].len;
		struct maker_bytes whole = d->disk[which];

		d->disk[which] = damaged(whole, which ? at - d->disk[0].len : at);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(d->disk[which].len, whole.len);
		CHECK(memcmp(d->disk[which].p, whole.p, whole.len) == 0);
	}
}

/* Its versions are what rollback is held against. */
TEST(an_expired_timestamp_on_disk_counts)
{
	struct device *d = reader(false);

	publish(d);
	CHECK_GOOD(device_refresh(d));
	d->clock_s += 30 * DAY_S;
	maker_next(&d->m, d->clock_s, -1, -1);
	d->m.role[MAKER_TIMESTAMP].version = 1;
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_1);
	d->m.role[MAKER_TIMESTAMP].version = 3;
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
}

/* ---- a file that is spelled otherwise ---- */

/* Run until the file of `role` is wanted, and feed its canonical bytes as the respelling of a file of `length`
 * bytes with the digest `sha256`. */
static enum rota_err feed_raw(struct device *d, struct rota_session *s, const char *role,
	uint64_t length, const uint8_t sha256[static 32])
{
	struct rota_want w;

	for (w = *rota_session_want(s); !rota_span_eq(w.role, rota_span_cstr(role)) || w.at_hand;
		w = *rota_session_want(s))
		device_step(d, s, &w);
	const struct maker_file *f = maker_meta(&d->m, role, w.version);
	if (rota_session_feed(s, rota_span(f->bytes.p, f->bytes.len)) != ROTA_OK)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_session_raw(s, length, sha256));
	rota_session_fetched(s, ROTA_OK);
	return ROTA_OK;
}

TEST(length_and_hash_are_of_the_file_itself)
{
	static const struct {
		const char *reason, *role;
		uint64_t length; /* 0: its own */
		bool other_hash;
		enum rota_err err;
		enum rota_clause clause;
	} rows[] = {
		{ "its own", "snapshot", 0, false, ROTA_OK, ROTA_CLAUSE_NONE },
		{ "another digest", "snapshot", 0, true, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_5_2 },
		{ "another length", "snapshot", 7, false, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_5_2 },
		{ "over the limit, where none is listed", "timestamp", ROTA_TIMESTAMP_MAX_LEN + 1,
			true, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_4_1 },
		{ "at the limit, where none is listed", "timestamp", ROTA_TIMESTAMP_MAX_LEN, true,
			ROTA_OK, ROTA_CLAUSE_NONE },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = reader(false);
		const struct maker_file *f = maker_meta(
			&d->m, rows[i].role, strcmp(rows[i].role, "snapshot") == 0 ? 1 : 0);
		uint64_t length = rows[i].length != 0 ? rows[i].length : f->bytes.len;
		uint8_t sha256[32];
		struct rota_session s;

		ROW(rows[i].reason);
		maker_sha256(f->bytes, sha256);
		sha256[0] ^= rows[i].other_hash;
		CHECK_OK(device_begin(d, &s));
		CHECK_OK(feed_raw(d, &s, rows[i].role, length, sha256));
		CHECK_WHY(device_run(d, &s), rows[i].err, rows[i].clause);
		rota_session_drop(&s);
	}
	ROW(NULL);
}

/* ---- a file that is begun anew ---- */

/* Run until `version` of `role` is wanted, by its digest where `known`. */
static void run_until(
	struct device *d, struct rota_session *s, const char *role, uint64_t version, bool known)
{
	struct rota_want w;

	for (w = *rota_session_want(s); !rota_span_eq(w.role, rota_span_cstr(role)) ||
		w.version != version || (w.sha256 != NULL) != known || w.at_hand;
		w = *rota_session_want(s))
		device_step(d, s, &w);
}

TEST(a_misspelt_file_is_fed_anew)
{
	struct device *d = reader(false);
	const struct maker_file *f = maker_meta(&d->m, "timestamp", 0);
	struct rota_session s;

	CHECK_OK(device_begin(d, &s));
	run_until(d, &s, "timestamp", 0, false);
	CHECK_OK(rota_session_feed(&s, rota_span(f->bytes.p, f->bytes.len / 2)));
	CHECK_EQ(rota_session_feed(&s, ROTA_STR("\n ")), ROTA_ERR_SPELLING);
	CHECK_EQ(rota_session_feed(&s, ROTA_STR("{}")), ROTA_ERR_SPELLING);
	rota_session_again(&s);
	CHECK_OK(rota_session_feed(&s, rota_span(f->bytes.p, f->bytes.len)));
	rota_session_fetched(&s, ROTA_OK);
	CHECK_GOOD(device_run(d, &s));
	rota_session_drop(&s);
}

/* Root 2 does not carry the threshold of its own keys. The keys of another file, fed before it was begun anew, must
 * not speak for it. */
TEST(what_was_fed_before_speaks_for_nothing)
{
	static struct maker thief;
	struct device *d = reader(false);
	struct maker_role *r = &d->m.role[MAKER_ROOT];
	const struct maker_file *f;
	struct rota_session s;

	maker_init(&thief, NOW);
	thief.role[MAKER_ROOT].version = 2;
	thief.role[MAKER_ROOT].keys[0] = KEY_ROGUE1;
	thief.role[MAKER_ROOT].keys[1] = KEY_ROGUE2;
	maker_publish(&thief);
	r->keys[0] = KEY_ROOT4;
	r->keys[1] = KEY_ROOT5;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT3, KEY_ROOT3);
	r->signers[r->signer_count++] = KEY_ROGUE1;
	r->signers[r->signer_count++] = KEY_ROGUE2;
	maker_publish(&d->m);
	CHECK_OK(device_begin(d, &s));
	run_until(d, &s, "root", 2, true);
	f = maker_meta(&thief, "root", 2);
	CHECK_OK(rota_session_feed(&s, rota_span(f->bytes.p, f->bytes.len)));
	rota_session_again(&s);
	f = maker_meta(&d->m, "root", 2);
	CHECK_OK(rota_session_feed(&s, rota_span(f->bytes.p, f->bytes.len)));
	rota_session_fetched(&s, ROTA_OK);
	CHECK_WHY(device_run(d, &s), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_3_4);
	rota_session_drop(&s);
}

/* ---- lengths ---- */

TEST(the_longest_files_are_the_limits)
{
	static const struct {
		const char *reason;
		uint32_t root_len, meta_len;
		size_t root_pad;
		struct rota_why why;
	} rows[] = {
		{ "a root beyond what is usual", ROTA_ROOT_MAX_LEN, ROTA_META_MAX_LEN,
			ROTA_ROOT_MAX_LEN, { ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_3_2 } },
		{ "a root within its limit", 2 * ROTA_ROOT_MAX_LEN, ROTA_META_MAX_LEN,
			ROTA_ROOT_MAX_LEN, { ROTA_OK, ROTA_CLAUSE_NONE } },
		{ "a snapshot beyond its limit", ROTA_ROOT_MAX_LEN, 300, 0,
			{ ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_5_2 } },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = reader(false);

		ROW(rows[i].reason);
		limits.max_len[ROTA_TUF_ROOT] = rows[i].root_len;
		limits.max_len[ROTA_TUF_SNAPSHOT] = rows[i].meta_len;
		d->m.role[MAKER_ROOT].pad = rows[i].root_pad;
		device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
		maker_publish(&d->m);
		CHECK_WHY(device_refresh(d), rows[i].why.err, rows[i].why.clause);
	}
	ROW(NULL);
}

/* A device reads only what is canonical. */
TEST(the_device_profile_knows_no_respelling)
{
	static const uint8_t other[32] = { 1 };
	struct rota_session s;
	struct device *d = reader(false);

	d->profile = &rota_session_device;
	CHECK_OK(device_begin(d, &s));
	CHECK_EQ(feed_raw(d, &s, "timestamp", 7, other), ROTA_ERR_STATE);
	rota_session_drop(&s);
}

TESTS(T(what_the_trusted_snapshot_listed_stays_listed),
	T(what_the_trusted_snapshot_listed_stays_listed_without_versions_in_names),
	T(a_snapshot_too_long_to_compare_is_told), T(no_floor_is_kept),
	T(nothing_new_costs_two_requests), T(a_delegated_role_has_no_top_level_name),
	T(a_root_that_does_not_carry_its_own_threshold_is_no_root),
	T(a_file_on_disk_counts_by_its_signatures), T(damage_on_disk_is_mended),
	T(an_expired_timestamp_on_disk_counts), T(length_and_hash_are_of_the_file_itself),
	T(a_misspelt_file_is_fed_anew), T(what_was_fed_before_speaks_for_nothing),
	T(the_longest_files_are_the_limits), T(the_device_profile_knows_no_respelling))
