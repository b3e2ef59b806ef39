/* SPDX-License-Identifier: Apache-2.0 */
/* The search for a target among delegated roles (TUF 5.6.7), no role asked for. */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

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

/* The role that a failed search came to last is named, though those that it leads to were put where it stood. */
TEST(the_role_that_a_search_ends_at_is_named)
{
	struct device *d = device_new();
	int a = maker_delegate(&d->m, MAKER_TARGETS, "abcdefgh", "x/*", false, KEY_OTHER, NOW);
	int again = maker_delegate(&d->m, a, "abcdefgh", "x/*", false, KEY_OTHER, NOW);
	struct rota_session s;

	d->m.role[again].ghost = true;
	d->m.role[again].keys[d->m.role[again].key_count++] = KEY_IMAGE;
	d->m.role[again].keys[d->m.role[again].key_count++] = KEY_DEVICE;
	maker_next(&d->m, NOW, MAKER_TARGETS, a);
	CHECK_OK(device_begin(d, &s));
	CHECK_GOOD(device_run(d, &s));
	CHECK_OK(rota_session_find(&s, ROTA_STR("x/1")));
	CHECK_WHY(device_run(d, &s), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
	CHECK(rota_span_eq(rota_session_want(&s)->role, ROTA_STR("abcdefgh")));
	rota_session_drop(&s);
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

TEST(more_delegations_than_room_are_refused)
{
	static const char *const names[] = { "b0", "b1", "b2", "b3", "b4", "b5", "b6" };
	struct rota_limits few = device_limits;
	struct device *d = device_new();

	few.pending_len = ROTA_PENDING_LEN(ROWS(names) - 1, 1, 2);
	d->limits = &few;
	for (size_t i = 0; i < ROWS(names); i++) {
		CHECK_EQ(search(d, "x/1").err, ROTA_ERR_NOT_FOUND);
		(void)maker_delegate(&d->m, MAKER_TARGETS, names[i], "x/*", false, KEY_OTHER, NOW);
	}
	CHECK_WHY(search(d, "x/1"), ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
}

TESTS(T(delegations_are_searched_in_order_and_depth_first),
	T(a_terminating_delegation_ends_the_search), T(a_cycle_of_delegations_ends),
	T(the_role_that_a_search_ends_at_is_named), T(a_long_chain_of_delegations_ends),
	T(hash_prefixes_lead_to_bins), T(more_delegations_than_room_are_refused))
