/* SPDX-License-Identifier: Apache-2.0 */
/* Verified floors and horizons as pure functions: SPEC 4.3, 4.5. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/mem.h"
#include "rota/trust/floor.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const uint8_t role[ROTA_FLOOR_TAG_LEN] = "role";

/* A key set by letters. */
static struct rota_floor_keys set(const char *letters, uint32_t threshold)
{
	struct rota_floor_keys k = { .threshold = threshold };

	for (; *letters != '\0'; letters++)
		memset(k.keys[k.count++], *letters, ROTA_FLOOR_TAG_LEN);
	return k;
}

/* A floor of 9 was made under `from`; what is it under `to`? */
static const struct {
	const char *reason;
	const char *from;
	const char *to;
	uint32_t threshold; /* of `to` */
	uint64_t floor;
} changes[] = {
	{ "the same set", "abc", "abc", 2, 9 },
	{ "another order", "abc", "cab", 2, 9 },
	{ "one replaced of three, two needed: an old file still verifies", "abc", "abd", 2, 9 },
	{ "two replaced of three, two needed: none does", "abc", "ade", 2, 0 },
	{ "all replaced", "abc", "def", 2, 0 },
	{ "two replaced, and one is enough now", "abc", "ade", 1, 9 },
	{ "all kept, and more needed than there were", "ab", "abc", 3, 0 },
	{ "one of one replaced", "a", "b", 1, 0 },
	{ "one of one kept, one added", "a", "ab", 1, 9 },
};

TEST(a_floor_falls_when_no_old_file_can_verify)
{
	for (size_t i = 0; i < ROWS(changes); i++) {
		struct rota_floors floors = { 0 };
		enum rota_floor_change change = ROTA_FLOOR_SAME;
		struct rota_floor_keys from = set(changes[i].from, 1);
		struct rota_floor_keys to = set(changes[i].to, changes[i].threshold);

		ROW(changes[i].reason);
		CHECK(!rota_floor_stands(&floors, role));
		CHECK_OK(rota_floor_raise(&floors, role, &from, 9, &change));
		CHECK(rota_floor_stands(&floors, role));
		CHECK_EQ(rota_floor_of(&floors, role, &to), changes[i].floor);
		CHECK_EQ(rota_floor_raise(&floors, role, &to, 8, &change),
			changes[i].floor == 0 ? ROTA_OK : ROTA_ERR_VERSION);
		CHECK_OK(rota_floor_raise(&floors, role, &to, 9, &change));
		CHECK_EQ(rota_floor_of(&floors, role, &to), 9);
	}
	ROW(NULL);
}

TEST(a_refused_version_changes_nothing)
{
	struct rota_floors floors = { 0 }, before;
	enum rota_floor_change change = ROTA_FLOOR_SAME;
	struct rota_floor_keys keys = set("abc", 2), other = set("abd", 2);

	CHECK_OK(rota_floor_raise(&floors, role, &keys, 9, &change));
	before = floors;
	CHECK_EQ(rota_floor_raise(&floors, role, &other, 8, &change), ROTA_ERR_VERSION);
	CHECK_MEM(&before, &floors, sizeof(floors));
	/* and the set that a floor was made under follows the files that pass */
	CHECK_OK(rota_floor_raise(&floors, role, &other, 9, &change));
	other = set("ade", 2);
	CHECK_EQ(rota_floor_of(&floors, role, &other), 9);
}

TEST(roles_have_floors_of_their_own_and_room_ends)
{
	struct rota_floors floors = { 0 };
	enum rota_floor_change change = ROTA_FLOOR_SAME;
	struct rota_floor_keys keys = set("a", 1);
	uint8_t tag[ROTA_FLOOR_TAG_LEN], again[ROTA_FLOOR_TAG_LEN];

	for (uint8_t i = 0; i < ROTA_FLOORS_MAX; i++) {
		rota_floor_tag(&rota_crypto_openssl, tag, rota_span(&i, 1));
		CHECK_OK(rota_floor_raise(&floors, tag, &keys, i + 1u, &change));
	}
	for (uint8_t i = 0; i < ROTA_FLOORS_MAX; i++) {
		rota_floor_tag(&rota_crypto_openssl, again, rota_span(&i, 1));
		CHECK_EQ(rota_floor_of(&floors, again, &keys), i + 1u);
	}
	CHECK_EQ(rota_floor_raise(&floors, role, &keys, 1, &change), ROTA_ERR_LIMIT);
	CHECK_OK(rota_floor_raise(&floors, tag, &keys, 100, &change));
}

TEST(what_became_of_a_floor_is_told)
{
	struct rota_floors floors = { 0 };
	struct rota_floor_keys keys = set("abc", 2), other = set("abd", 2), new = set("def", 2);
	enum rota_floor_change change;

	CHECK_OK(rota_floor_raise(&floors, role, &keys, 9, &change));
	CHECK_EQ(change, ROTA_FLOOR_RAISED);
	CHECK_OK(rota_floor_raise(&floors, role, &keys, 9, &change));
	CHECK_EQ(change, ROTA_FLOOR_SAME);
	CHECK_OK(rota_floor_raise(&floors, role, &keys, 10, &change));
	CHECK_EQ(change, ROTA_FLOOR_RAISED);
	CHECK_OK(rota_floor_raise(&floors, role, &other, 10, &change)); /* made under other keys */
	CHECK_EQ(change, ROTA_FLOOR_RAISED);
	CHECK_OK(rota_floor_raise(&floors, role, &new, 10, &change));
	CHECK_EQ(change, ROTA_FLOOR_FELL);
}

TESTS(T(a_floor_falls_when_no_old_file_can_verify), T(a_refused_version_changes_nothing),
	T(roles_have_floors_of_their_own_and_room_ends), T(what_became_of_a_floor_is_told))
