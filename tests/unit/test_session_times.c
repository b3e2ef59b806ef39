/* SPDX-License-Identifier: Apache-2.0 */
/* Expiry to the second, against the one start time of a session (TUF 5.1), in both profiles. */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

#define END (NOW + 2 * HOUR_S)

static const struct {
	const char *name;
	int role;
	enum rota_clause clause;
} files[] = {
	{ "root", MAKER_ROOT, ROTA_CLAUSE_TUF_5_3_10 },
	{ "timestamp", MAKER_TIMESTAMP, ROTA_CLAUSE_TUF_5_4_4 },
	{ "snapshot", MAKER_SNAPSHOT, ROTA_CLAUSE_TUF_5_5_6 },
	{ "targets", MAKER_TARGETS, ROTA_CLAUSE_TUF_5_6_5 },
	{ "rollouts", MAKER_ROLLOUTS, ROTA_CLAUSE_TUF_5_6_5 },
};

/* A device of one profile or the other, whose repository has a file that expires at END. */
static struct device *expiring(int role, bool letter)
{
	struct device *d = device_new();

	d->profile = letter ? &rota_session_letter : &rota_session_device;
	if (role == MAKER_ROOT)
		device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	else
		d->m.role[role].version++;
	d->m.role[role].expires_s = END;
	d->m.role[MAKER_SNAPSHOT].version++;
	d->m.role[MAKER_TIMESTAMP].version++;
	maker_publish(&d->m);
	return d;
}

TEST(a_file_is_good_until_the_second_before_it_expires)
{
	for (size_t i = 0; i < 2 * ROWS(files); i++) {
		struct device *d = expiring(files[i / 2].role, i % 2 != 0);

		ROW(files[i / 2].name);
		d->clock_s = END - 1;
		CHECK_GOOD(device_session(d, "rollouts", POLICY));
	}
}

TEST(a_file_is_not_good_in_the_second_in_which_it_expires)
{
	for (size_t i = 0; i < 2 * ROWS(files); i++) {
		struct device *d = expiring(files[i / 2].role, i % 2 != 0);

		ROW(files[i / 2].name);
		d->clock_s = END;
		CHECK_WHY(device_session(d, "rollouts", POLICY), ROTA_ERR_EXPIRED,
			files[i / 2].clause);
	}
}

TEST(time_stands_still_in_a_session)
{
	for (size_t i = 0; i < 2 * ROWS(files); i++) {
		struct device *d = expiring(files[i / 2].role, i % 2 != 0);
		struct rota_session s;

		ROW(files[i / 2].name);
		d->clock_s = END - 1;
		CHECK_OK(device_begin(d, &s));
		d->clock_s = END + DAY_S;
		CHECK_GOOD(device_run(d, &s));
		CHECK_OK(rota_session_find_in(&s, ROTA_STR("rollouts"), ROTA_STR(POLICY)));
		CHECK_GOOD(device_run(d, &s));
		CHECK_EQ(rota_session_now(&s), END - 1);
		rota_session_drop(&s);
	}
}

/* Root 1, with which the device left the factory, and root 2 have expired; root 3 has not (TUF 5.2, 5.3.6). */
TEST(only_the_last_root_need_be_good)
{
	for (int letter = 0; letter < 2; letter++) {
		struct device *d = device_new();
		const uint64_t later_s = NOW + 500 * DAY_S;

		d->profile = letter != 0 ? &rota_session_letter : &rota_session_device;
		device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
		d->m.role[MAKER_ROOT].expires_s = END;
		maker_publish(&d->m);
		d->clock_s = later_s;
		CHECK_WHY(device_refresh(d), ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_3_10);
		CHECK_EQ(d->trusted.root.version, 2);
		device_next_root(&d->m, later_s, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
		for (int r = MAKER_TARGETS; r < d->m.role_count; r++) {
			d->m.role[r].version++;
			d->m.role[r].issued_s = later_s;
			d->m.role[r].expires_s = later_s + DAY_S;
		}
		maker_next(&d->m, later_s, -1, -1);
		CHECK_GOOD(device_session(d, "rollouts", POLICY));
		CHECK_EQ(d->trusted.root.version, 3);
	}
}

TESTS(T(a_file_is_good_until_the_second_before_it_expires),
	T(a_file_is_not_good_in_the_second_in_which_it_expires), T(time_stands_still_in_a_session),
	T(only_the_last_root_need_be_good))
