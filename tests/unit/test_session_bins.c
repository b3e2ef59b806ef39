/* SPDX-License-Identifier: Apache-2.0 */
/* Bins of a role (TAP 15) in the device profile: a bin of the asked role counts as the role when that role made it
 * (SPEC 4.4), lives as long as its role may (4.5), and is never older than its role's file (4.3). */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

#include <stdio.h>

/* A device, and a repository whose role `parent` hands all to bins; the bin of `path` lists it. */
struct binned {
	struct device *d;
	int bin;
	char name[32];
};

static void make_bins(struct binned *b, int parent, const char *prefix, int key, const char *path)
{
	uint8_t digest[32];

	b->d = device_new();
	maker_sha256(device_bytes(path), digest);
	snprintf(b->name, sizeof(b->name), "%s-%x", prefix, (unsigned)digest[0] >> 4);
	b->bin = maker_delegate(&b->d->m, parent, b->name, "", true, key, NOW);
	b->d->m.role[b->bin].bits = 4;
	b->d->m.role[b->bin].prefix = prefix;
	maker_target(&b->d->m, b->bin, path, device_bytes("binned"));
	maker_publish(&b->d->m);
}

#define PATH "releases/lamp/3.0.0/release.json"

TEST(a_bin_of_the_role_counts_as_the_role)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	CHECK_GOOD(device_session(b.d, "releases", PATH));
	CHECK_EQ(b.d->target.length, 6);
	CHECK_GOOD(device_session(b.d, "", PATH));
}

TEST(what_the_role_lists_itself_is_found_beside_its_bins)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	CHECK_GOOD(device_session(b.d, "releases", RELEASE));
	CHECK_EQ(b.d->target.length, 7);
}

TEST(bins_of_another_name_are_not_the_roles)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "rollouts", KEY_RELEASES1, PATH);
	CHECK_WHY(device_session(b.d, "releases", PATH), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	make_bins(&b, MAKER_RELEASES, "releases2", KEY_RELEASES1, PATH);
	CHECK_WHY(device_session(b.d, "releases", PATH), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	CHECK_GOOD(device_session(b.d, "", PATH)); /* any TUF client finds it */
}

/* rollouts makes bins that are called as those of releases would be. */
TEST(bins_that_another_role_made_are_not_the_roles)
{
	struct binned b;

	make_bins(&b, MAKER_ROLLOUTS, "releases", KEY_ROLLOUTS, "rollouts/other.json");
	CHECK_WHY(device_session(b.d, "rollouts", "rollouts/other.json"), ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4);
	CHECK_WHY(device_session(b.d, "releases", "rollouts/other.json"), ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4);
}

/* A role below releases that is named as its bin would be, by paths. */
TEST(a_role_named_like_a_bin_is_none)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	b.d->m.role[b.bin].bits = 0;
	b.d->m.role[b.bin].paths = "releases/*/*/*";
	maker_publish(&b.d->m);
	CHECK_WHY(device_session(b.d, "releases", PATH), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
}

TEST(a_bin_is_signed_by_its_threshold)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	b.d->m.role[b.bin].signers[0] = KEY_ROGUE1;
	b.d->m.role[b.bin].version++;
	maker_publish(&b.d->m);
	CHECK_WHY(device_session(b.d, "releases", PATH), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_6_3);
}

/* The thief of snapshot and timestamp brings back a bin that was signed before the role's newest file. */
TEST(a_bin_is_not_older_than_its_role)
{
	struct binned b;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	maker_next(&b.d->m, NOW + HOUR_S, MAKER_RELEASES, -1);
	CHECK_WHY(device_session(b.d, "releases", PATH), ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_4_3);
	maker_next(&b.d->m, NOW + HOUR_S, b.bin, -1);
	CHECK_GOOD(device_session(b.d, "releases", PATH));
}

TEST(a_bin_s_name_that_is_too_long_is_refused)
{
	static char prefix[ROTA_ROLE_NAME_MAX];
	struct device *d = device_new();
	int bin = maker_delegate(&d->m, MAKER_TARGETS, "bin", "", true, KEY_OTHER, NOW);

	memset(prefix, 'p', sizeof(prefix) - 1); /* 63, and two more for a bin */
	d->m.role[bin].bits = 4;
	d->m.role[bin].prefix = prefix;
	maker_next(&d->m, NOW, MAKER_TARGETS, -1);
	CHECK_WHY(device_session(d, "", PATH), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
}

/* Each of a device's releases may lie in another bin: none takes a place in the table of floors. */
TEST(bins_take_no_floor)
{
	struct binned b;
	struct rota_floors before;

	make_bins(&b, MAKER_RELEASES, "releases", KEY_RELEASES1, PATH);
	CHECK_GOOD(device_session(b.d, "releases", RELEASE));
	before = b.d->floors;
	CHECK_GOOD(device_session(b.d, "releases", PATH));
	CHECK_MEM(&before, &b.d->floors, sizeof(before));
}

TEST(a_bin_lives_as_long_as_its_role_may)
{
	struct binned b;
	const char *path = "ci/lamp/3.0.0/release.json";

	make_bins(&b, MAKER_CI, "ci", KEY_CI, path);
	CHECK_WHY(device_session(b.d, "ci", path), ROTA_ERR_TIME, ROTA_CLAUSE_SPEC_4_5);
	make_bins(&b, MAKER_CI, "ci", KEY_CI, path);
	b.d->m.role[b.bin].expires_s = b.d->m.role[b.bin].issued_s + 7 * DAY_S;
	maker_publish(&b.d->m);
	CHECK_GOOD(device_session(b.d, "ci", path));
}

TESTS(T(a_bin_of_the_role_counts_as_the_role),
	T(what_the_role_lists_itself_is_found_beside_its_bins),
	T(bins_of_another_name_are_not_the_roles), T(bins_that_another_role_made_are_not_the_roles),
	T(a_role_named_like_a_bin_is_none), T(a_bin_is_signed_by_its_threshold),
	T(a_bin_s_name_that_is_too_long_is_refused), T(a_bin_is_not_older_than_its_role),
	T(bins_take_no_floor), T(a_bin_lives_as_long_as_its_role_may))
