/* SPDX-License-Identifier: Apache-2.0 */
/* A device that rotates its data keys and keeps records, and a thief who puts each earlier state of its flash back: all but
 * what stands for the root of trust. No nonce comes twice under one key, and what was destroyed stays so. */
#include "tests/powercut/stand.h"
#include "tests/unit/test.h"

#define POLLS 5
#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE
#define KEYS (1u << SIM_KEYS | 1u << SIM_ARCHIVE)
#define VAULT (1u << SIM_VAULT)

static struct stand stand;
static struct sim_image image[POLLS];
static struct keylife_row row[POLLS];
static uint32_t gone[POLLS][2]; /* generations up to this one are destroyed: storage, telemetry */
static unsigned put_back_count, sealed_count; /* of them those that sealed records after it */

static uint32_t destroyed(const struct sim_device *d, uint8_t purpose)
{
	struct rota_key_held held;

	rota_keyslots_held(&d->keys, purpose, &held);
	return held.oldest - (held.oldest > 0);
}

/* Its whole life, kept after each poll. */
static bool live(struct sim_device *d)
{
	sim_restore(d, &stand.start);
	keylife_restore(&stand.server.keys, &stand.row);
	for (int i = 0; i < POLLS; i++) {
		if (sim_run(d, &stand.world, SCENARIO_START + (uint64_t)i * SCENARIO_POLL) !=
				SIM_IDLE ||
			sim_save(d, &image[i]) != ROTA_OK)
			return false;
		keylife_save(&stand.server.keys, &row[i]);
		gone[i][0] = destroyed(d, STO);
		gone[i][1] = destroyed(d, TEL);
	}
	return gone[POLLS - 1][0] == 1 && gone[POLLS - 1][1] == 1;
}

static bool any_opens(const struct sim_device *d, uint8_t purpose, uint32_t up_to)
{
	for (uint32_t generation = 1; generation <= up_to; generation++) {
		if (keylife_opens(&stand.server.keys, d, purpose, generation))
			return true;
	}
	return false;
}

/* The places of an earlier poll onto the device of a later one, which lives on for two. */
static const char *put_back(struct sim_device *d, int now, int earlier, uint32_t places)
{
	struct keylife *l = &stand.server.keys;

	sim_restore(d, &image[now]);
	keylife_restore(l, &row[now]);
	sim_put_back(d, &image[earlier], places);
	keylife_power(l);
	rota_sim_supply_plan(&d->supply, 0, ROTA_SIM_NONE, 1000u + put_back_count++);
	(void)sim_run(d, &stand.world, d->clock_s + SCENARIO_POLL);
	sealed_count += l->row.seals > row[now].seals;
	if (l->twice)
		return "a nonce came twice under one key";
	if (any_opens(d, STO, gone[now][0]) || any_opens(d, TEL, gone[now][1]))
		return "a key opens that was destroyed";
	return NULL;
}

static const char *try_board(const char *name)
{
	static const uint32_t places[] = { KEYS, VAULT, KEYS | VAULT, 1u << SIM_KEYS,
		1u << SIM_DEVICE, (1u << SIM_ALL_PLACES) - 1 - (1u << SIM_ROT) };
	struct sim_device *d;
	const char *why = NULL;

	ROW(name);
	if (!stand_open(&stand, scenario_find("rotate"), sim_board_find(name), 7))
		return stand.wrong;
	d = stand_device(&stand);
	if (!live(d))
		why = "it does not live to the end";
	for (int now = POLLS - 1; now > 0 && why == NULL; now--) {
		for (int i = 0; i < 6 * now && why == NULL; i++)
			why = put_back(d, now, i / 6, places[i % 6]);
	}
	for (int i = 0; i < POLLS; i++)
		sim_image_free(&image[i]);
	stand_device_end(d);
	stand_close(&stand);
	return why;
}

TEST(no_flash_that_is_put_back_repeats_a_nonce_or_brings_a_key_back)
{
	static const char *const boards[] = { "f4", "h7", "n" }; /* two of them count in hardware */

	for (int i = 0; i < 3; i++) {
		const char *why = try_board(boards[i]);

		if (why != NULL)
			test_fail(__FILE__, __LINE__, why);
	}
	printf("\t%u put back, %u of them seal on\n", put_back_count, sealed_count);
	CHECK_EQ(put_back_count, 3 * 6 * (1 + 2 + 3 + 4));
	CHECK(sealed_count > put_back_count / 4);
}

TESTS(T(no_flash_that_is_put_back_repeats_a_nonce_or_brings_a_key_back))
