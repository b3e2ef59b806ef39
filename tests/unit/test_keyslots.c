/* SPDX-License-Identifier: Apache-2.0 */
/* The state table of the key slots (SPEC 34.5), row by row, and each row after a restart. What a cut leaves of each is
 * tests/powercut/keyslife.c. */
#include "tests/unit/key_device.h"
#include "tests/unit/test.h"

#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE
#define NOW 1000000u

static struct key_device d;
static struct key_image before;

static void begin_with(bool counts)
{
	uint8_t point[ROTA_P256_KEY_LEN];

	key_device_free(&d);
	if (key_device_init(&d, &key_boards[0], counts) != ROTA_OK ||
		rota_keyslots_factory(&d.keys, 0, point) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no device");
}

static void begin(void)
{
	begin_with(true);
}

static enum rota_err stage(uint8_t purpose, uint32_t generation, uint64_t at)
{
	const struct rota_key_slot offer = key_offer(purpose, generation, at);
	uint8_t secret[ROTA_SECRET_LEN];

	key_secret(purpose, generation, secret);
	return rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree, secret);
}

static enum rota_err prove(uint8_t purpose, uint32_t generation)
{
	struct rota_agree_next next;

	ROTA_TRY(rota_keyslots_prove(&d.keys, purpose, generation, &next));
	return rota_keyslots_acknowledged(&d.keys, purpose, generation);
}

/* A campaign as a device lives through it. */
static enum rota_err rotate(uint8_t purpose, uint32_t generation, uint64_t at)
{
	ROTA_TRY(stage(purpose, generation, at));
	ROTA_TRY(prove(purpose, generation));
	return rota_keyslots_tick(&d.keys, at, NULL, NULL);
}

static struct rota_key_held held(uint8_t purpose)
{
	struct rota_key_held out;

	rota_keyslots_held(&d.keys, purpose, &out);
	return out;
}

static enum rota_err derive(uint8_t purpose, uint32_t generation, enum rota_key_use use, bool seals)
{
	uint8_t key[32];

	return rota_keyslots_key(&d.keys, purpose, generation, use, seals, ROTA_BUF(key));
}

static bool same(const struct rota_agree_next *a, const struct rota_agree_next *b)
{
	return a->counter == b->counter && memcmp(a->point, b->point, sizeof(a->point)) == 0;
}

TEST(a_blank_device_is_made_once)
{
	uint8_t point[ROTA_P256_KEY_LEN], again[ROTA_P256_KEY_LEN];
	struct rota_agree_next next;
	uint8_t psk[32];

	key_device_free(&d);
	CHECK_OK(key_device_init(&d, &key_boards[0], true));
	CHECK_EQ(d.keys.phase, ROTA_KEYSLOTS_BLANK);
	CHECK_EQ(rota_keyslots_prove(&d.keys, TEL, 1, &next), ROTA_ERR_STATE);
	CHECK_EQ(rota_keyslots_settle(&d.keys), ROTA_ERR_STATE);
	CHECK_OK(rota_keyslots_factory(&d.keys, 0, point));
	CHECK_EQ(rota_keyslots_factory(&d.keys, 0, again), ROTA_ERR_STATE);
	CHECK_EQ(d.keys.state.counter, 1);
	CHECK_OK(d.rot.port.key_point(&d.rot, ROTA_ROT_AGREE_0, again));
	CHECK_MEM(point, again, sizeof(point));
	CHECK_EQ(rota_keyslots_factory_psk(&d.keys, psk), ROTA_ERR_NOT_FOUND);
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(d.keys.phase, ROTA_KEYSLOTS_SETTLED);
}

TEST(the_factory_secret_gives_a_psk_and_stays)
{
	uint8_t secret[32], want[32], psk[32];

	begin();
	memset(secret, 0x77, sizeof(secret));
	CHECK_OK(rota_keyslots_factory_secret(&d.keys, secret));
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(key_device_on(&d));
	rota_psk_of_factory(d.keys.crypto, secret, d.id, want);
	CHECK_OK(rota_keyslots_factory_psk(&d.keys, psk));
	CHECK_MEM(psk, want, sizeof(want));
}

TEST(a_key_is_staged_proved_and_used_in_that_order)
{
	begin();
	CHECK_OK(stage(STO, 3, NOW));
	CHECK_EQ(held(STO).staged, 3);
	CHECK_EQ(held(STO).proved, 0);
	CHECK(key_opens(&d, STO, 3, ROTA_USE_CONFIRM));
	CHECK_EQ(derive(STO, 3, ROTA_USE_RECORD, true), ROTA_ERR_DENIED);
	CHECK_EQ(derive(STO, 0, ROTA_USE_RECORD, true), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(
		rota_keyslots_acknowledged(&d.keys, STO, 3), ROTA_ERR_STATE); /* nothing was said */
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	ROW("its time alone does not switch");
	CHECK_EQ(held(STO).active, 0);
	CHECK_OK(prove(STO, 3));
	ROW("its proof alone does not switch");
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW - 1, NULL, NULL));
	CHECK_EQ(held(STO).active, 0);
	ROW("both");
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	CHECK_EQ(held(STO).active, 3);
	CHECK_EQ(held(STO).staged, 0);
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(held(STO).active, 3);
	CHECK_OK(derive(STO, 0, ROTA_USE_RECORD, true));
	CHECK(key_opens(&d, STO, 3, ROTA_USE_RECORD));
	CHECK_OK(rota_keyslots_acknowledged(&d.keys, STO, 3)); /* an answer that came twice */
	CHECK_EQ(rota_keyslots_acknowledged(&d.keys, STO, 4), ROTA_ERR_NOT_FOUND);
}

TEST(what_is_no_step_up_is_refused)
{
	struct rota_key_slot offer;
	uint8_t secret[32] = { 1 };

	begin();
	CHECK_OK(rotate(STO, 5, NOW));
	CHECK_EQ(stage(STO, 4, NOW), ROTA_ERR_VERSION);
	CHECK_OK(stage(STO, 5, NOW)); /* again: nothing */
	CHECK_EQ(held(STO).staged, 0);
	CHECK_OK(stage(STO, 6, NOW));
	CHECK_OK(rota_keyslots_disproved(&d.keys, STO, 6));
	CHECK_EQ(stage(STO, 6, NOW), ROTA_ERR_VERSION);
	offer = key_offer(STO, 7, NOW);
	CHECK_EQ(rota_keyslots_stage(&d.keys, &offer, ROTA_KEY_PLACE_NONE, secret),
		ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_keyslots_stage(
		&d.keys, &offer, d.keys.state.agree ^ 1, secret)); /* the next */
	offer.generation = 8;
	CHECK_EQ(rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree ^ 1, secret),
		ROTA_ERR_ARGUMENT); /* there is none */
	offer.until_s = offer.activation_s - 1;
	CHECK_EQ(rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree, secret),
		ROTA_ERR_ARGUMENT);
	offer = key_offer(0, 9, NOW);
	CHECK_EQ(rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree, secret),
		ROTA_ERR_ARGUMENT);
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(held(STO).staged, 7);
}

TEST(a_newer_key_overtakes_one_that_was_not_proved)
{
	begin();
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(stage(STO, 2, NOW));
	CHECK_OK(stage(STO, 3, NOW));
	CHECK_EQ(held(STO).staged, 3);
	CHECK_EQ(derive(STO, 2, ROTA_USE_CONFIRM, false), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(held(STO).active, 1);
}

TEST(one_that_was_proved_and_is_overtaken_still_reads)
{
	begin();
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(stage(STO, 2, NOW + 9));
	CHECK_OK(prove(STO, 2));
	CHECK_OK(stage(STO, 3, NOW)); /* an emergency */
	CHECK_EQ(held(STO).staged, 3);
	CHECK_EQ(held(STO).proved, 2);
	CHECK_OK(key_device_on(&d));
	CHECK(key_opens(&d, STO, 2, ROTA_USE_RECORD));
	CHECK(key_opens(&d, STO, 2, ROTA_USE_PSK)); /* the server takes it for the next bundle */
	CHECK_EQ(derive(STO, 2, ROTA_USE_RECORD, true), ROTA_ERR_DENIED);
	CHECK_EQ(derive(STO, 2, ROTA_USE_CONFIRM, false), ROTA_ERR_DENIED);
}

TEST(a_statement_names_one_next_agree_key_until_a_bundle_to_it_opened)
{
	struct rota_agree_next first, again;
	struct rota_key_slot offer = key_offer(TEL, 2, NOW);
	uint8_t secret[32];
	uint8_t old, point[ROTA_P256_KEY_LEN];

	begin();
	old = d.keys.state.agree;
	CHECK_OK(stage(STO, 1, NOW));
	CHECK_OK(stage(TEL, 1, NOW));
	CHECK_OK(rota_keyslots_prove(&d.keys, STO, 1, &first));
	CHECK_EQ(first.counter, 2);
	CHECK_OK(rota_keyslots_prove(&d.keys, STO, 1, &again));
	CHECK(same(&first, &again));
	CHECK_OK(key_device_on(&d));
	CHECK_OK(rota_keyslots_prove(&d.keys, TEL, 1, &again));
	CHECK(same(&first, &again));
	CHECK_EQ(d.keys.state.agree, old); /* both open meanwhile */
	CHECK_OK(d.rot.port.key_point(&d.rot, ROTA_ROT_AGREE_0, point));
	key_secret(TEL, 2, secret);
	CHECK_OK(rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree_next, secret));
	CHECK_EQ(d.keys.state.counter, 2);
	CHECK_EQ(d.keys.state.agree, old ^ 1);
	CHECK_EQ(d.rot.port.key_point(&d.rot, ROTA_ROT_AGREE_0, point), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_keyslots_prove(&d.keys, TEL, 2, &again));
	CHECK_EQ(again.counter, 3);
	CHECK(memcmp(first.point, again.point, sizeof(first.point)) != 0);
}

TEST(a_refused_proof_and_a_withdrawn_campaign_cost_the_staged_key_alone)
{
	const struct rota_key_slot one = key_offer(STO, 1, NOW), two = key_offer(STO, 2, NOW);

	begin();
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(stage(STO, 2, NOW));
	CHECK_EQ(rota_keyslots_disproved(&d.keys, STO, 1), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_keyslots_disproved(&d.keys, STO, 2));
	CHECK_EQ(held(STO).staged, 0);
	CHECK_EQ(held(STO).active, 1);
	CHECK_OK(stage(STO, 3, NOW));
	CHECK_OK(rota_keyslots_drop(&d.keys, two.campaign)); /* of one that is gone already */
	CHECK_EQ(held(STO).staged, 3);
	CHECK_OK(rota_keyslots_drop(&d.keys, one.campaign)); /* an active one stays */
	CHECK_EQ(held(STO).active, 1);
	CHECK_OK(rota_keyslots_drop(&d.keys, key_offer(STO, 3, NOW).campaign));
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(held(STO).staged, 0);
	CHECK_EQ(held(STO).active, 1);
}

static uint32_t wanted; /* least generation */

static uint32_t needs(void *ctx, uint8_t purpose)
{
	(void)ctx;
	return purpose == STO ? wanted : 0;
}

TEST(a_retired_key_goes_when_two_newer_are_proved_and_nothing_needs_it)
{
	begin();
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(rotate(STO, 2, NOW + 1));
	CHECK_OK(rota_keyslots_retire(&d.keys, STO, 2)); /* far too early */
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 2, NULL, NULL));
	CHECK_EQ(held(STO).oldest, 1);
	CHECK_OK(stage(STO, 3, NOW + 9));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 3, NULL, NULL));
	ROW("one above it is not proved yet");
	CHECK_EQ(held(STO).oldest, 1);
	CHECK_OK(prove(STO, 3));
	wanted = 1;
	ROW("something needs it");
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 3, needs, NULL));
	CHECK_EQ(held(STO).oldest, 1);
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 9, needs, NULL)); /* into the archive */
	CHECK_EQ(held(STO).active, 3);
	CHECK(key_opens(&d, STO, 1, ROTA_USE_RECORD));
	CHECK_EQ(derive(STO, 1, ROTA_USE_PSK, false), ROTA_ERR_DENIED);
	CHECK_OK(key_device_save(&d, &before));
	wanted = 2;
	ROW("nothing needs it");
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 9, needs, NULL));
	CHECK_EQ(held(STO).oldest, 2);
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(derive(STO, 1, ROTA_USE_RECORD, false), ROTA_ERR_NOT_FOUND);
	CHECK(key_opens(&d, STO, 2, ROTA_USE_RECORD) && key_opens(&d, STO, 3, ROTA_USE_RECORD));
	ROW("nor from yesterday's flash");
	for (enum key_place i = KEY_KEYS; i < KEY_PLACES; i++)
		CHECK_OK(key_device_put_back(&d, &before, i));
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(d.verdict, ROTA_BINDING_RESTORED);
	CHECK(!key_opens(&d, STO, 1, ROTA_USE_RECORD));
	key_image_free(&before);
}

TEST(a_key_of_the_link_goes_by_time)
{
	begin();
	CHECK_OK(rotate(TEL, 1, NOW));
	CHECK_OK(rotate(TEL, 2, NOW + 5));
	CHECK_EQ(rota_keystate_slot(&d.keys.state, TEL, ROTA_KEY_PREVIOUS)->until_s,
		NOW + 5 + KEY_DAY);
	CHECK(key_opens(&d, TEL, 1, ROTA_USE_DOWN));
	CHECK_OK(stage(TEL, 3, NOW + 10));
	CHECK_OK(prove(TEL, 3));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 6, NULL, NULL));
	CHECK_EQ(held(TEL).oldest, 1); /* the overlap is not over */
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 10, NULL, NULL));
	CHECK_EQ(held(TEL).active, 3);
	CHECK(key_opens(&d, TEL, 1, ROTA_USE_DOWN)); /* from the archive */
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 10 + KEY_DAY - 1, NULL, NULL));
	CHECK_EQ(held(TEL).oldest, 1);
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 10 + KEY_DAY, NULL, NULL));
	CHECK_EQ(held(TEL).oldest, 2); /* the newest two stay */
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 99 * KEY_DAY, NULL, NULL));
	CHECK_EQ(held(TEL).oldest, 2);
}

/* Of three that were proved the middle one was overtaken before it was used. */
TEST(a_key_in_use_does_not_go_whatever_is_proved_above_it)
{
	begin();
	CHECK_OK(rotate(TEL, 1, NOW));
	CHECK_OK(stage(TEL, 2, NOW + 50 * KEY_DAY));
	CHECK_OK(prove(TEL, 2));
	CHECK_OK(stage(TEL, 3, NOW + 40 * KEY_DAY));
	CHECK_OK(prove(TEL, 3));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 5 * KEY_DAY, NULL, NULL));
	CHECK_EQ(held(TEL).active, 1);
	CHECK(key_opens(&d, TEL, 1, ROTA_USE_UP));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 40 * KEY_DAY, NULL, NULL));
	CHECK_EQ(held(TEL).active, 3);
	CHECK(key_opens(&d, TEL, 1, ROTA_USE_DOWN)); /* as long as its overlap lasts */
}

static uint32_t need_all(void *ctx, uint8_t purpose)
{
	(void)ctx;
	(void)purpose;
	return 1;
}

/* A vault of telemetry has records of the first one, or cannot be looked at; emergency follows upon emergency, none of
 * which was ever used. */
TEST(overtaken_keys_do_not_fill_the_archive)
{
	begin();
	CHECK_OK(rotate(TEL, 1, NOW));
	for (uint32_t g = 2; g <= 3 * ROTA_KEY_ARCHIVE_MAX; g++) {
		CHECK_OK(stage(TEL, g, NOW + 50 * KEY_DAY));
		CHECK_OK(prove(TEL, g));
		CHECK_OK(rota_keyslots_tick(&d.keys, NOW + g, need_all, NULL));
		CHECK(d.keys.archived_count <= 2);
		CHECK_EQ(held(TEL).active, 1);
	}
	CHECK_OK(key_device_on(&d));
	CHECK(key_opens(&d, TEL, 3 * ROTA_KEY_ARCHIVE_MAX - 1, ROTA_USE_PSK));
	ROW("what was in use is kept for its records");
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 50 * KEY_DAY, need_all, NULL));
	CHECK_OK(stage(TEL, 100, NOW + 60 * KEY_DAY));
	CHECK_OK(prove(TEL, 100));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 60 * KEY_DAY, need_all, NULL));
	CHECK_EQ(held(TEL).active, 100);
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 99 * KEY_DAY, need_all, NULL));
	CHECK(key_opens(&d, TEL, 1, ROTA_USE_RECORD));
}

TEST(a_full_archive_holds_up_its_own_purpose)
{
	begin();
	for (uint32_t g = 1; g <= ROTA_KEY_ARCHIVE_MAX + 2; g++)
		CHECK_OK(rotate(STO, g, NOW + g));
	CHECK_EQ(d.keys.archived_count, ROTA_KEY_ARCHIVE_MAX);
	CHECK_OK(stage(STO, 19, NOW + 50));
	CHECK_OK(prove(STO, 19));
	CHECK_OK(stage(TEL, 1, NOW + 50));
	CHECK_OK(prove(TEL, 1));
	CHECK_EQ(rota_keyslots_tick(&d.keys, NOW + 50, NULL, NULL), ROTA_ERR_FULL);
	CHECK_EQ(held(STO).active, 18);
	CHECK_EQ(held(TEL).active, 1);
	CHECK_EQ(stage(STO, 20, NOW + 60), ROTA_ERR_FULL); /* it would push out a proved one */
	CHECK_OK(key_device_on(&d));
	for (uint32_t g = 1; g <= 19; g++)
		CHECK(key_opens(&d, STO, g, ROTA_USE_RECORD));
	CHECK_OK(rota_keyslots_retire(&d.keys, STO, 4));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW + 51, NULL, NULL));
	CHECK_EQ(held(STO).active, 19);
	CHECK_EQ(held(STO).oldest, 5);
	CHECK_EQ(d.keys.archived_count, 13);
}

TEST(a_device_that_changes_hands_has_no_key_left)
{
	uint8_t secret[32] = { 9 }, point[ROTA_P256_KEY_LEN];
	bool has;

	begin();
	CHECK_OK(d.rot.port.key_make(&d.rot, ROTA_ROT_IDENTITY, point));
	CHECK_OK(d.rot.port.key_make(&d.rot, ROTA_ROT_LDEVID_0, point));
	CHECK_OK(rota_keyslots_factory_secret(&d.keys, secret));
	for (uint32_t g = 1; g <= 3; g++)
		CHECK_OK(rotate(STO, g, NOW + g));
	CHECK_OK(rota_keyslots_forget(&d.keys));
	CHECK_OK(rota_keyslots_forget(&d.keys));
	CHECK_EQ(derive(STO, 3, ROTA_USE_RECORD, false), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(stage(STO, 9, NOW), ROTA_ERR_STATE);
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(d.keys.archived_count, 0);
	for (int i = 0; i < ROTA_ROT_WRAPS; i++) {
		CHECK_OK(d.rot.port.wrap_has(&d.rot, (enum rota_rot_wrap)i, &has));
		CHECK(!has);
	}
	for (int i = ROTA_ROT_LDEVID_0; i < ROTA_ROT_KEYS; i++)
		CHECK_EQ(d.rot.has.key[i], 0);
	CHECK(d.rot.has.key[ROTA_ROT_IDENTITY] != 0 && !d.rot.broke_rules);
	ROW("and begins anew");
	CHECK_OK(rota_keyslots_factory(&d.keys, d.number[KEY_DEVICE], point));
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(d.verdict, ROTA_BINDING_CURRENT);
}

/* Older flash on a device without a state counter: what the root of trust has not is told, and nothing is destroyed. */
TEST(older_flash_is_told_from_the_root_of_trust_alone)
{
	struct rot_mem_keys has;
	struct rota_agree_next next;
	uint8_t dropped;

	begin_with(false);
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(rotate(STO, 2, NOW));
	CHECK_OK(stage(STO, 3, NOW));
	CHECK_OK(key_device_save(&d, &before));
	CHECK_OK(prove(STO, 3));
	CHECK_OK(rota_keyslots_retire(&d.keys, STO, 1));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	CHECK_EQ(held(STO).oldest, 2);
	has = d.rot.has;
	CHECK_OK(key_device_put_back(&d, &before, KEY_KEYS));
	CHECK_EQ(key_device_on(&d), ROTA_ERR_CORRUPT);
	CHECK_MEM(&has, &d.rot.has, sizeof(has));
	CHECK_EQ(stage(STO, 9, NOW), ROTA_ERR_STATE);
	CHECK_EQ(rota_keyslots_renew(&d.keys, 0, &next, &dropped), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_keyslots_renew(&d.keys, 7, &next, &dropped));
	CHECK_EQ(next.counter, 8);
	CHECK_EQ(dropped, 3); /* 1, 2 and 3 were under the wrap key that is gone */
	CHECK_OK(key_device_on(&d));
	CHECK_OK(stage(STO, 4, NOW));
	CHECK_OK(prove(STO, 4));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	CHECK(key_opens(&d, STO, 4, ROTA_USE_RECORD));
	key_image_free(&before);
}

TEST(a_fresh_agree_key_is_none_that_the_server_has)
{
	struct rota_agree_next lost, first, again;
	uint8_t dropped, point[ROTA_P256_KEY_LEN];

	begin();
	CHECK_OK(stage(STO, 1, NOW));
	CHECK_OK(rota_keyslots_prove(&d.keys, STO, 1, &lost));
	ROW("the statement with the next key was lost");
	CHECK_OK(rota_keyslots_renew(&d.keys, 1, &first, &dropped));
	CHECK(same(&first, &lost));
	CHECK_EQ(dropped, 0);
	ROW("it was taken, and the answer lost");
	CHECK_OK(rota_keyslots_renew(&d.keys, 2, &first, &dropped));
	CHECK_EQ(first.counter, 3);
	CHECK(memcmp(first.point, lost.point, sizeof(lost.point)) != 0);
	CHECK_OK(d.rot.port.key_point(
		&d.rot, d.keys.state.agree == 0 ? ROTA_ROT_AGREE_0 : ROTA_ROT_AGREE_1, point));
	CHECK_MEM(point, lost.point, sizeof(point)); /* bundles to it still open */
	ROW("said again");
	CHECK_OK(rota_keyslots_renew(&d.keys, 2, &again, &dropped));
	CHECK(same(&first, &again));
	ROW("the server is far ahead");
	CHECK_OK(rota_keyslots_renew(&d.keys, 40, &again, &dropped));
	CHECK_EQ(again.counter, 41);
	CHECK(memcmp(first.point, again.point, sizeof(first.point)) != 0);
	ROW("the root of trust was changed for another");
	memset(&d.rot.has.key, 0, sizeof(d.rot.has.key));
	CHECK_EQ(key_device_on(&d), ROTA_ERR_CORRUPT);
	CHECK_OK(rota_keyslots_renew(&d.keys, 40, &again, &dropped));
	CHECK_OK(key_device_on(&d));
	CHECK_OK(stage(STO, 2, NOW));
}

TEST(a_list_of_campaigns_does_not_go_back)
{
	struct rota_keys_seen seen = { .sequence = 4, .sha256 = { 4 } }, other = seen;

	begin();
	CHECK_OK(rota_keyslots_saw(&d.keys, ROTA_KEYS_STORE, &seen));
	CHECK_OK(rota_keyslots_saw(&d.keys, ROTA_KEYS_STORE, &seen));
	other.sha256[0] = 5;
	CHECK_EQ(rota_keyslots_saw(&d.keys, ROTA_KEYS_STORE, &other), ROTA_ERR_VERSION);
	other.sequence = 3;
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(rota_keyslots_saw(&d.keys, ROTA_KEYS_STORE, &other), ROTA_ERR_VERSION);
	CHECK_OK(rota_keyslots_saw(&d.keys, ROTA_KEYS_LINK, &other));
	CHECK_EQ(rota_keyslots_saw(&d.keys, ROTA_KEYS_ROLES, &other), ROTA_ERR_ARGUMENT);
}

TEST(no_opening_of_the_vault_is_like_another)
{
	struct rota_record_opening a, b;

	begin();
	CHECK_OK(key_device_save(&d, &before));
	CHECK_OK(rota_keyslots_opening(&d.keys, &d.random, 5, &a));
	CHECK_EQ(a.opening, 1);
	CHECK_EQ(a.count, 0);
	ROW("with a source that repeats itself");
	d.same_random = true;
	CHECK_OK(rota_keyslots_opening(&d.keys, &d.random, 5, &a));
	CHECK_OK(key_device_on(&d));
	CHECK_OK(rota_keyslots_opening(&d.keys, &d.random, 5, &b));
	CHECK(memcmp(a.epoch, b.epoch, sizeof(a.epoch)) == 0);
	CHECK(b.opening > a.opening);
	ROW("with older flash");
	d.same_random = false;
	CHECK_OK(key_device_put_back(&d, &before, KEY_KEYS));
	CHECK_OK(key_device_on(&d));
	CHECK_OK(rota_keyslots_opening(&d.keys, &d.random, 5, &b));
	CHECK_EQ(b.opening, 1);
	CHECK(memcmp(a.epoch, b.epoch, sizeof(a.epoch)) != 0);
	CHECK_EQ(rota_keyslots_opening(&d.keys, NULL, 5, &b), ROTA_ERR_UNSUPPORTED);
	key_image_free(&before);
}

TEST(seals_are_counted_before_they_are_made)
{
	uint64_t ops;
	bool renew;

	begin();
	CHECK_EQ(rota_keyslots_used(&d.keys, STO, 1, &renew), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(rota_keyslots_used(&d.keys, STO, 1, &renew));
	CHECK(!renew);
	ops = d.supply.ops;
	CHECK_OK(rota_keyslots_used(&d.keys, STO, 65535, &renew));
	CHECK_EQ(d.supply.ops, ops); /* reserved already */
	CHECK_OK(key_device_on(&d));
	CHECK_EQ(d.keys.spent[STO - 1], 65536);
	CHECK_OK(rota_keyslots_used(&d.keys, STO, 1u << 31, &renew));
	CHECK(renew);
	CHECK_OK(rota_keyslots_used(&d.keys, STO, (1u << 31) - 65536, &renew));
	CHECK_EQ(rota_keyslots_used(&d.keys, STO, 1, &renew), ROTA_ERR_FULL);
	CHECK_OK(rotate(STO, 2, NOW));
	CHECK_OK(rota_keyslots_used(&d.keys, STO, 1, &renew));
	CHECK(!renew);
	ROW("where a cut left something to be settled, too");
	CHECK_OK(rota_keyslots_open(&d.keys, d.keys.keys.flash, d.keys.archive.flash));
	CHECK_OK(rota_keyslots_used(&d.keys, STO, 1, &renew));
	CHECK_OK(rota_keyslots_settle(&d.keys));
	CHECK_OK(rota_keyslots_forget(&d.keys));
	CHECK_EQ(rota_keyslots_used(&d.keys, STO, 1, &renew), ROTA_ERR_STATE);
}

TEST(statements_are_numbered)
{
	uint32_t a = 0, b = 0;

	begin();
	CHECK_OK(rota_keyslots_statement(&d.keys, NULL, &a));
	CHECK_OK(key_device_on(&d));
	CHECK_OK(rota_keyslots_statement(&d.keys, NULL, &b));
	CHECK_EQ(a, 1);
	CHECK_EQ(b, 2);
}

/* A root of trust that does not answer changes nothing, and costs nothing once it does. */
TEST(a_root_of_trust_that_is_away_is_waited_for)
{
	begin();
	CHECK_OK(rotate(STO, 1, NOW));
	CHECK_OK(rotate(STO, 2, NOW));
	CHECK_OK(stage(STO, 3, NOW));
	d.rot.away = true;
	CHECK_EQ(stage(STO, 4, NOW), ROTA_ERR_IO);
	CHECK_EQ(prove(STO, 3), ROTA_ERR_IO);
	d.rot.away = false;
	CHECK_OK(rota_keyslots_settle(&d.keys));
	CHECK_OK(prove(STO, 3));
	CHECK_OK(rota_keyslots_retire(&d.keys, STO, 1));
	d.rot.away = true;
	CHECK_EQ(rota_keyslots_tick(&d.keys, NOW, NULL, NULL), ROTA_ERR_IO);
	CHECK_EQ(rota_keyslots_tick(&d.keys, NOW, NULL, NULL), ROTA_ERR_STATE);
	CHECK_EQ(rota_keyslots_settle(&d.keys), ROTA_ERR_IO);
	d.rot.away = false;
	CHECK(key_opens(&d, STO, 1, ROTA_USE_RECORD));
	CHECK_OK(rota_keyslots_settle(&d.keys));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	CHECK_EQ(held(STO).active, 3);
	CHECK_EQ(held(STO).oldest, 2);
}

TESTS(T(a_blank_device_is_made_once), T(the_factory_secret_gives_a_psk_and_stays),
	T(a_key_is_staged_proved_and_used_in_that_order), T(what_is_no_step_up_is_refused),
	T(a_newer_key_overtakes_one_that_was_not_proved),
	T(one_that_was_proved_and_is_overtaken_still_reads),
	T(a_key_in_use_does_not_go_whatever_is_proved_above_it),
	T(a_statement_names_one_next_agree_key_until_a_bundle_to_it_opened),
	T(a_refused_proof_and_a_withdrawn_campaign_cost_the_staged_key_alone),
	T(a_retired_key_goes_when_two_newer_are_proved_and_nothing_needs_it),
	T(a_key_of_the_link_goes_by_time), T(overtaken_keys_do_not_fill_the_archive),
	T(a_full_archive_holds_up_its_own_purpose), T(a_device_that_changes_hands_has_no_key_left),
	T(older_flash_is_told_from_the_root_of_trust_alone),
	T(a_fresh_agree_key_is_none_that_the_server_has), T(a_list_of_campaigns_does_not_go_back),
	T(no_opening_of_the_vault_is_like_another), T(seals_are_counted_before_they_are_made),
	T(statements_are_numbered), T(a_root_of_trust_that_is_away_is_waited_for))
