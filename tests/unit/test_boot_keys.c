/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/keys.h"
#include "tests/unit/test.h"

static const uint8_t hash[2][32] = { { 1 }, { 2 } }, raw[65] = { 4 };

static struct rota_rom rom_of(int count, enum rota_alg first, enum rota_alg second)
{
	return (struct rota_rom){
		.key_count = (uint8_t)count,
		.key = { { first, ROTA_SPAN(hash[0]), ROTA_SPAN(raw) },
			{ second, ROTA_SPAN(hash[1]), ROTA_SPAN(raw) } },
	};
}

#define P256 ROTA_ALG_ECDSA_P256
#define OTHER ROTA_ALG_ED25519 /* images are not signed with it */

TEST(no_floor_leaves_a_device_without_a_usable_key)
{
	static const struct {
		const char *why;
		int count;
		enum rota_alg first, second;
		int most; /* highest floor */
	} rows[] = {
		{ "one key", 1, P256, P256, 0 },
		{ "two keys", 2, P256, P256, 1 },
		{ "the second one cannot be used", 2, P256, OTHER, 0 },
		{ "the first one cannot be used", 2, OTHER, P256, 1 },
		{ "none can", 2, OTHER, OTHER, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_rom rom = rom_of(rows[i].count, rows[i].first, rows[i].second);

		ROW(rows[i].why);
		CHECK_EQ(rota_boot_key_floor_max(&rom), rows[i].most);
		CHECK_EQ(rota_boot_key_floor(&rom, 0), 0);
		CHECK_EQ(rota_boot_key_floor(&rom, 1), rows[i].most);
		CHECK_EQ(rota_boot_key_floor(&rom, 255), rows[i].most);
	}
}

TEST(how_far_an_image_reaches)
{
	CHECK_EQ(rota_boot_key_reach(1), 0);
	CHECK_EQ(rota_boot_key_reach(2), 1);
	CHECK_EQ(rota_boot_key_reach(3), 1);
	CHECK_EQ(rota_boot_key_reach(1u << ROTA_BOOT_KEY_ADDED), UINT8_MAX);
	CHECK_EQ(rota_boot_key_reach(1 | 2u << ROTA_BOOT_KEY_ADDED), UINT8_MAX);
	CHECK_EQ(rota_boot_key_reach(1u << ROTA_BOOT_KEY_ORDER), UINT8_MAX);
}

TESTS(T(no_floor_leaves_a_device_without_a_usable_key), T(how_far_an_image_reaches))
