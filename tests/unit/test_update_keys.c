/* SPDX-License-Identifier: Apache-2.0 */
/* A device rotates its data keys within its update cycles (SPEC 34.7): from the list of campaigns to the key that is
 * destroyed, and everything that it must not take. */
#include "tests/unit/keyed_device.h"
#include "tests/unit/update_cycles.h"

#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE

static struct world *begin(void)
{
	world_init(&world);
	return keyed_device(&world);
}

/* ---- a rotation ---- */

TEST(a_campaign_is_followed_from_its_list_to_its_switch)
{
	struct world *w = begin();
	uint64_t at = w->clock_s + 100;

	CHECK_OK(w->keys_why.err);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_ANEW], 1); /* the first agree key */
	key_campaign(&keyserver, TEL, 1, at);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_OK(w->keys_why.err);
	CHECK_EQ(keyed_held(TEL).staged, 1);
	CHECK_EQ(keyed_held(TEL).proved, 1);
	CHECK_EQ(keyserver.proved[TEL - 1], 1);
	CHECK_EQ(keyserver.counter, 2); /* with the proof came the next agree key */
	CHECK_EQ(keyserver.last.holding[0].staged, 1);
	CHECK_EQ(keyed_held(TEL).active, 0);
	w->clock_s = at;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(TEL).active, 1);
	CHECK_EQ(keyserver.last.holding[0].active, 1);
	CHECK(keyed_opens(TEL, 1, ROTA_USE_CONFIRM));
	CHECK(w->broken == NULL);
}

TESTS(T(a_campaign_is_followed_from_its_list_to_its_switch))
