/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in the plain profile: the specification, on a device with a journal. What it shares with the others is
 * tested there; here that it is whole without them, and where it goes another way. */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

static struct rota_limits limits;

/* A device that knows version 1 of everything, of a repository that has nothing of Rota's own. */
static struct device *plain(void)
{
	struct device *d = device_new();

	limits = device_limits;
	limits.listed = 8;
	d->limits = &limits;
	d->profile = &rota_session_plain;
	for (int i = MAKER_TIMESTAMP; i < d->m.role_count; i++)
		d->m.role[i].no_issued = true;
	d->trusted.time_floor_s = 0;
	device_publish(d, MAKER_TARGETS);
	(void)device_refresh(d);
	return d;
}

TEST(targets_are_found_along_delegations)
{
	struct device *d = plain();

	CHECK_EQ(d->trusted.snapshot.version, 2);
	CHECK_GOOD(device_session(d, "", POLICY));
	CHECK_EQ(d->target.length, 6);
	CHECK_GOOD(device_session(d, "", RELEASE));
	CHECK_WHY(device_session(d, "", "nowhere"), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

TEST(roots_are_read_one_after_the_other)
{
	struct device *d = plain();

	for (int i = 0; i < 3; i++) {
		device_next_root(&d->m, NOW + HOUR_S, KEY_ROOT2, KEY_ROOT3, KEY_ROOT2, KEY_ROOT3);
		maker_publish(&d->m);
	}
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 4);
	CHECK_EQ(d->trusted.time_floor_s, 0);
	CHECK_EQ(d->fetched, 3 + 1 + 1); /* no hint is asked for; then timestamp */
}

TEST(no_floor_is_kept)
{
	struct device *d = plain();

	CHECK_GOOD(device_session(d, "", RELEASE));
	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++)
		CHECK_EQ(d->floors.floor[i].version, 0);
}

enum change { SAME, ONE_VANISHES, ONE_GOES_BACK };

TEST(what_the_trusted_snapshot_listed_stays_listed)
{
	static const struct {
		const char *reason;
		enum change change;
		bool good;
	} rows[] = {
		{ "all is listed again", SAME, true },
		{ "one is not listed any more", ONE_VANISHES, false },
		{ "one has a lower version", ONE_GOES_BACK, false },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = plain();

		ROW(rows[i].reason);
		d->m.role[MAKER_ROLLOUTS].listed_version = 7;
		device_publish(d, -1);
		CHECK_GOOD(device_refresh(d));
		if (rows[i].change == ONE_GOES_BACK)
			d->m.role[MAKER_ROLLOUTS].listed_version = 6;
		d->m.role[MAKER_ROLLOUTS].unlisted = rows[i].change == ONE_VANISHES;
		device_publish(d, MAKER_TARGETS);
		CHECK_WHY(device_refresh(d), rows[i].good ? ROTA_OK : ROTA_ERR_VERSION,
			rows[i].good ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_TUF_5_5_5);
	}
	ROW(NULL);
}

TEST(a_snapshot_too_long_to_compare_is_told)
{
	struct device *d = plain();

	limits.listed =
		3; /* targets and three delegated roles are listed; of the next one fewer are */
	d->m.role[MAKER_ROLLOUTS].unlisted = true;
	device_publish(d, -1);
	CHECK_WHY(device_refresh(d), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
	d->m.role[MAKER_ROLLOUTS].unlisted = false;
	device_publish(d, -1);
	/* At once, not when the next one comes: then it would be trusted, and stay the last. */
	d->trusted.snapshot.version = 0;
	CHECK_WHY(device_refresh(d), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
	CHECK_EQ(d->trusted.snapshot.version, 0);
}

/* Where what stands behind `text` begins. */
static size_t behind(const struct maker_bytes *bytes, const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at + len < bytes->len && memcmp(&bytes->p[at], text, len) != 0)
		at++;
	return at + len;
}

/* What flash has damaged must not stop a device for ever: neither what is no JSON any more, nor what is. */
TEST(a_damaged_copy_of_the_old_snapshot_is_none)
{
	static const struct {
		const char *reason, *text;
		uint8_t flip;
	} rows[] = {
		{ "a bracket", "\"signatures\":", 1 },
		{ "a later version is listed", "\"version\":", 4 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct device *d = plain();
		struct maker_bytes *copy = &d->disk[1];
		size_t at = behind(copy, rows[i].text);

		ROW(rows[i].reason);
		device_publish(d, -1);
		CHECK(at < copy->len);
		copy->p[at] ^= rows[i].flip;
		CHECK_GOOD(device_refresh(d));
	}
	ROW(NULL);
}

TEST(a_timestamp_goes_forward_only)
{
	struct device *d = plain();

	d->m.role[MAKER_TIMESTAMP].version = 1;
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_4_3_1);
}

TEST(it_needs_a_clock)
{
	struct device *d = plain();

	d->clock_s = 0;
	CHECK_EQ(device_refresh(d).err, ROTA_ERR_ARGUMENT);
}

TEST(no_role_is_asked_for_by_name)
{
	struct device *d = plain();

	CHECK_EQ(device_session(d, "rollouts", POLICY).err, ROTA_ERR_ARGUMENT);
}

TEST(files_are_spelled_canonically)
{
	static const uint8_t digest[ROTA_SHA256_LEN];
	struct device *d = plain();
	struct rota_session s;

	CHECK_OK(device_begin(d, &s));
	CHECK_EQ(rota_session_raw(&s, 1, digest), ROTA_ERR_STATE);
	rota_session_drop(&s);
}

TESTS(T(targets_are_found_along_delegations), T(roots_are_read_one_after_the_other),
	T(no_floor_is_kept), T(what_the_trusted_snapshot_listed_stays_listed),
	T(a_snapshot_too_long_to_compare_is_told), T(a_damaged_copy_of_the_old_snapshot_is_none),
	T(a_timestamp_goes_forward_only), T(files_are_spelled_canonically), T(it_needs_a_clock),
	T(no_role_is_asked_for_by_name))
