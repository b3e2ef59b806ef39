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

static struct key_campaign *campaign(
	struct world *w, uint8_t purpose, uint32_t generation, uint64_t at)
{
	struct key_campaign *c = key_campaign(&keyserver, purpose, generation, at);

	key_server_publish(&keyserver, w->clock_s);
	return c;
}

static void open_to_few(struct world *w, struct key_campaign *c)
{
	c->ppm = 1;
	c->from_s = w->clock_s;
	key_server_publish(&keyserver, w->clock_s);
}

/* A generation comes to be in use. */
static struct key_campaign *rotate(struct world *w, uint8_t purpose, uint32_t generation)
{
	struct key_campaign *c = campaign(w, purpose, generation, w->clock_s);

	if (keyed_cycle(w) != ROTA_UPDATE_IDLE || w->keys_why.err != ROTA_OK ||
		keyed_held(purpose).active != generation)
		test_fail(__FILE__, __LINE__, "no rotation");
	return c;
}

#define CHECK_POLL(w, e, c)                                                                        \
	do {                                                                                       \
		CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);                                        \
		CHECK_EQ((w)->keys_why.err, e);                                                    \
		CHECK_EQ((w)->keys_why.clause, c);                                                 \
		CHECK((w)->broken == NULL);                                                        \
	} while (0)
#define CHECK_QUIET(w) CHECK_POLL(w, ROTA_OK, ROTA_CLAUSE_NONE)

/* ---- a rotation ---- */

TEST(a_campaign_is_followed_from_its_list_to_its_switch)
{
	struct world *w = begin();
	uint64_t at = w->clock_s + 100;

	CHECK_OK(w->keys_why.err);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_ANEW], 1); /* the first agree key */
	campaign(w, TEL, 1, at);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(TEL).staged, 1);
	CHECK_EQ(keyed_held(TEL).proved, 1);
	CHECK_EQ(keyserver.proved[TEL - 1], 1);
	CHECK_EQ(keyserver.counter, 2); /* with the proof came the next agree key */
	CHECK_EQ(keyserver.last.holding[0].staged, 1);
	CHECK_EQ(keyed_held(TEL).active, 0);
	w->clock_s = at;
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(TEL).active, 1);
	CHECK_EQ(keyserver.last.holding[0].active, 1);
	CHECK(keyed_opens(TEL, 1, ROTA_USE_CONFIRM));
	CHECK_EQ(keyserver.asked, 1);
}

TEST(a_poll_without_news_writes_nothing_and_asks_for_nothing)
{
	struct world *w = begin();

	ROW("before any campaign");
	CHECK_QUIET(w);
	CHECK_EQ(keyed.writes, 0);
	ROW("with keys, while a campaign is open to others");
	rotate(w, TEL, 1);
	rotate(w, STO, 1);
	open_to_few(w, key_campaign(&keyserver, STO, 2, w->clock_s));
	CHECK_QUIET(w);
	keyserver.asked = 0;
	for (int i = 0; i < 5; i++) {
		w->clock_s += 600;
		CHECK_QUIET(w);
		CHECK_EQ(keyed.writes, 0);
		CHECK_EQ(w->commits, 0);
	}
	CHECK_EQ(keyserver.asked, 0);
}

TEST(two_purposes_and_a_supplement_come_in_one_poll)
{
	struct world *w = begin();

	key_campaign(&keyserver, TEL, 1, w->clock_s);
	key_campaign(&keyserver, STO, 1, w->clock_s)->sealed = false;
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w); /* it is no recipient of the second one yet */
	CHECK_EQ(keyed_held(TEL).active, 1);
	CHECK_EQ(keyed_held(STO).active, 0);
	key_campaign_seal(&keyserver,
		&keyserver.campaign[1]); /* to the agree key that came with the first's proof */
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 1);
}

TEST(the_highest_generation_is_taken_and_the_one_below_is_overtaken)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	key_campaign(&keyserver, STO, 2, w->clock_s);
	campaign(w, STO, 3, w->clock_s + 50);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).staged, 3);
	CHECK_EQ(keyserver.proved[STO - 1], 3);
	CHECK_EQ(keyed_held(STO).active, 1);
	w->clock_s += 50;
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 3);
}

TEST(a_device_takes_part_in_the_purposes_that_it_has)
{
	struct world *w = begin();

	keyed.config.purposes = 1u << STO;
	key_campaign(&keyserver, TEL, 1, w->clock_s);
	campaign(w, STO, 1, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(TEL).oldest, 0);
	CHECK_EQ(keyed_held(STO).active, 1);
}

/* ---- bundles that are not taken (SPEC 33.7) ---- */

TEST(a_bundle_that_is_not_this_devices_of_this_campaign_is_refused)
{
	static const struct {
		const char *what;
		struct key_fault fault;
		bool cut_short, too_long, other_byte, factory, unlisted_root;
		enum rota_err err;
	} rows[] = {
		{ "another device's", .fault.other_device = true, .err = ROTA_ERR_HARDWARE },
		{ "another campaign's", .fault.other_campaign = 1, .err = ROTA_ERR_HARDWARE },
		{ "of other terms", .fault.other_activation = 1, .err = ROTA_ERR_SIGNATURE },
		{ "in base mode, where a generation is proved", .fault.base = true,
			.err = ROTA_ERR_DENIED },
		{ "under the psk of nobody", .fault.other_psk = true, .err = ROTA_ERR_NOT_FOUND },
		{ "cut", .cut_short = true, .err = ROTA_ERR_FORMAT },
		{ "longer", .too_long = true, .err = ROTA_ERR_FORMAT },
		{ "changed, and so under another root", .other_byte = true, .err = ROTA_ERR_HASH },
		{ "under a root that the role does not list", .unlisted_root = true,
			.err = ROTA_ERR_HASH },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = begin();
		struct key_campaign *c;

		ROW(rows[i].what);
		rotate(w, STO, 1);
		c = key_campaign(&keyserver, STO, 2, w->clock_s);
		c->fault = rows[i].fault;
		key_campaign_seal(&keyserver, c);
		key_server_publish(&keyserver, w->clock_s);
		if (rows[i].unlisted_root) /* as good as the other one, and signed by nobody */
			key_campaign_seal(&keyserver, c);
		keyed.cut_short = rows[i].cut_short;
		keyed.too_long = rows[i].too_long;
		keyed.other_byte = rows[i].other_byte;
		CHECK_POLL(w, rows[i].err, ROTA_CLAUSE_SPEC_33_7);
		CHECK_EQ(keyed_held(STO).staged, 0);
		CHECK_EQ(keyed_held(STO).active, 1);
		CHECK_EQ(keyserver.proved[STO - 1], 1);
		CHECK_EQ(keyed.slots.state.of[STO - 1].highest, 1);
		/* and the same device takes the good one */
		c->fault = (struct key_fault){ 0 };
		key_campaign_seal(&keyserver, c);
		key_server_publish(&keyserver, w->clock_s);
		keyed.cut_short = keyed.too_long = keyed.other_byte = false;
		CHECK_QUIET(w);
		CHECK_EQ(keyed_held(STO).active, 2);
	}
}

TEST(an_answer_of_before_is_not_taken_for_a_new_one)
{
	struct world *w = begin();
	struct key_campaign *first = rotate(w, STO, 1);

	campaign(w, STO, 2, w->clock_s);
	keyed.other_answer = true;
	memcpy(keyed.answer, first->id, sizeof(keyed.answer));
	CHECK_POLL(w, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_33_7);
	CHECK_EQ(keyed_held(STO).active, 1);
	CHECK_EQ(keyed_held(STO).staged, 0);
}

TEST(who_has_a_factory_secret_takes_no_base_mode_and_comes_back_to_it)
{
	struct world *w = begin();
	struct key_campaign *c;

	memset(keyserver.factory, 0x5A, sizeof(keyserver.factory));
	CHECK_OK(rota_keyslots_open(&keyed.slots, &keyed.keys.port, &keyed.archive.port));
	CHECK_OK(rota_keyslots_settle(&keyed.slots));
	CHECK_OK(rota_keyslots_factory_secret(&keyed.slots, keyserver.factory));
	ROW("sealed by who does not know it");
	c = campaign(w, TEL, 1, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_DENIED, ROTA_CLAUSE_SPEC_33_7);
	CHECK_EQ(keyed_held(TEL).oldest, 0);
	ROW("by who does");
	keyserver.has_factory = true;
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(TEL).active, 1);
	ROW("in an emergency, though a generation was proved");
	c = key_campaign(&keyserver, TEL, 2, w->clock_s);
	c->fault.factory = true;
	c->emergency = true;
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(TEL).active, 2);
	ROW("a psk that cannot be had is no leave for base mode");
	c = key_campaign(&keyserver, TEL, 3, w->clock_s);
	c->fault.base = true;
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_DENIED, ROTA_CLAUSE_SPEC_33_7);
	CHECK_EQ(keyed_held(TEL).active, 2);
	ROW("nor is a key journal that was erased: the seed tells that there was a secret");
	CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, 0));
	CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, 4096));
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	c->generation = 9;
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_DENIED, ROTA_CLAUSE_SPEC_33_7);
	CHECK_EQ(keyed_held(TEL).oldest, 0);
}

/* ---- campaigns that are not taken (SPEC 32.5) ---- */

TEST(a_campaign_that_goes_back_too_far_or_is_not_this_devices_turn_is_refused)
{
	static const struct {
		const char *what;
		uint32_t generation;
		int64_t ahead_s;
		const char *state;
		uint32_t ppm;
		bool other_role;
		enum rota_err err;
	} rows[] = {
		{ "a generation below the highest", 2, 0, "active", 1000000, false, ROTA_OK },
		{ "17 above it", 20, 0, "active", 1000000, false, ROTA_ERR_CEILING },
		{ "far in the future", 4, 91 * 86400, "active", 1000000, false, ROTA_ERR_TIME },
		{ "aborted", 4, 0, "aborted", 1000000, false, ROTA_OK },
		{ "paused", 4, 0, "paused", 1000000, false, ROTA_OK },
		{ "not its turn", 4, 0, "active", 1, false, ROTA_OK },
		{ "a purpose of the other role", 4, 0, "active", 1000000, true, ROTA_OK },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = begin();
		struct key_campaign *c;

		ROW(rows[i].what);
		rotate(w, STO, 3)->unlisted = true;
		keyserver.asked = 0;
		c = key_campaign(&keyserver, STO, rows[i].generation,
			w->clock_s + (uint64_t)rows[i].ahead_s);
		c->state = rows[i].state;
		c->ppm = rows[i].ppm;
		c->from_s = w->clock_s;
		c->other_role = rows[i].other_role;
		key_server_publish(&keyserver, w->clock_s);
		CHECK_POLL(w, rows[i].err,
			rows[i].err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_32_5);
		CHECK_EQ(keyed_held(STO).staged, 0);
		CHECK_EQ(keyed_held(STO).active, 3);
		CHECK_EQ(keyserver.asked, 0);
	}
}

TEST(a_list_does_not_go_back)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	rotate(w, STO, 2);
	key_campaign(&keyserver, STO, 3, w->clock_s);
	keyserver.sequence[1] -= 2;
	key_server_publish(&keyserver, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_32_5);
	CHECK_EQ(keyed_held(STO).active, 2);
	CHECK_EQ(keyed_held(STO).staged, 0);
	ROW("but with the role's floor, when its keys were replaced");
	w->m.role[keyserver.role[1]].keys[0] = w->m.role[keyserver.role[1]].signers[0] =
		KEY_RELEASES4;
	w->m.role[MAKER_TARGETS].version++;
	w->m.role[keyserver.role[1]].version = 0;
	keyserver.sequence[1] = 0;
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 3);
}

TEST(another_products_list_is_none)
{
	struct world *w = begin();

	keyserver.product = "other";
	campaign(w, STO, 1, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_PRODUCT, ROTA_CLAUSE_SPEC_32_2);
	CHECK_EQ(keyed_held(STO).oldest, 0);
}

TEST(a_list_of_other_bytes_than_its_role_lists_is_none)
{
	static const char path[] = "keys/store/sensor.json";
	struct world *w = begin();
	struct maker_file *f = NULL;
	char *generation;

	rotate(w, STO, 1);
	campaign(w, STO, 2, w->clock_s);
	for (int i = 0; i < w->m.target_count; i++) {
		uint8_t digest[32];

		maker_sha256(w->m.target[i].bytes, digest);
		if (strcmp(w->m.target[i].path, path) == 0)
			f = maker_target_file(&w->m, path, digest);
	}
	CHECK(f != NULL);
	generation = strstr((char *)f->bytes.p, "\"generation\":2");
	CHECK(generation != NULL);
	generation[strlen("\"generation\":")] = '3';
	CHECK_POLL(w, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(keyed_held(STO).staged, 0);
	CHECK_EQ(keyed_held(STO).active, 1);
}

/* ---- proof and answer ---- */

TEST(a_key_whose_proof_is_refused_is_dropped_for_good)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	keyserver.refuses = true;
	campaign(w, STO, 2, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_DENIED, ROTA_CLAUSE_SPEC_35);
	CHECK_EQ(keyed_held(STO).staged, 0);
	CHECK_EQ(keyed_held(STO).active, 1);
	keyserver.refuses = false;
	keyserver.asked = 0;
	CHECK_QUIET(w); /* it is not asked for again */
	CHECK_EQ(keyserver.asked, 0);
	rotate(w, STO, 3);
}

TEST(a_proof_that_got_lost_is_said_again_and_no_key_is_used_before)
{
	struct world *w = begin();
	struct rota_key_held held;

	rotate(w, STO, 1);
	ROW("it did not come through");
	keyserver.away = true;
	campaign(w, STO, 2, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_NET, ROTA_CLAUSE_SPEC_35);
	held = keyed_held(STO);
	CHECK_EQ(held.staged, 2);
	CHECK_EQ(held.active, 1);
	CHECK_EQ(held.proved, 1);
	ROW("it did, and nobody heard of it");
	keyserver.away = false;
	keyserver.unheard = true;
	CHECK_POLL(w, ROTA_ERR_NET, ROTA_CLAUSE_SPEC_35);
	CHECK_EQ(keyserver.proved[STO - 1], 2);
	CHECK_EQ(keyed_held(STO).active, 1);
	ROW("at last");
	keyserver.unheard = false;
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 2);
	CHECK_EQ(keyserver.out_of_turn, 0);
	CHECK_EQ(keyserver.counter, 3);
}

TEST(a_server_that_has_another_number_gets_a_new_agree_key)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	keyserver.counter = 40; /* as after flash was put back, or a row that another one wrote */
	campaign(w, STO, 2, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.out_of_turn, 1);
	CHECK_EQ(keyserver.counter, 41);
	CHECK_EQ(keyed_held(STO).active, 2);
	rotate(w, STO, 3); /* sealed to the key that was told anew */
	CHECK_EQ(keyserver.counter, 42);
	ROW("however often it says so, once in a poll");
	keyserver.lies = 90;
	campaign(w, STO, 4, w->clock_s);
	keyserver.out_of_turn = 0;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(w->keys_why.err, ROTA_ERR_VERSION);
	CHECK(keyserver.out_of_turn <= 5);
	ROW("and for all polls together some times");
	for (int i = 0; i < 10; i++) {
		keyserver.lies += 7;
		CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	}
	CHECK_EQ(w->keys_why.err, ROTA_ERR_VERSION);
	CHECK_EQ(keyed.writes, 0);
}

TEST(who_gets_another_agree_key_still_has_its_psk)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	ROW("two lies: another number, and no for good");
	keyserver.counter = 40;
	keyserver.refuses_behind = true;
	campaign(w, STO, 2, w->clock_s);
	CHECK_POLL(w, ROTA_ERR_DENIED, ROTA_CLAUSE_SPEC_35);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_ANEW], 2);
	CHECK_EQ(keyserver.proved[STO - 1], 1);
	CHECK_EQ(keyed_held(STO).staged, 0);
	ROW("the next bundle is under the psk of what it proved");
	keyserver.refuses = keyserver.refuses_behind = false;
	rotate(w, STO, 3);
}

/* ---- what is over ---- */

TEST(a_campaign_that_is_aborted_takes_its_staged_key_along)
{
	struct world *w = begin();
	struct key_campaign *c;

	rotate(w, STO, 1);
	c = campaign(w, STO, 2, w->clock_s + 1000);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).staged, 2);
	c->state = "aborted";
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).staged, 0);
	w->clock_s += 1000;
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 1);
}

static int withdrawals; /* role */

static void withdraw(struct world *w, unsigned sequence, const struct key_campaign *c)
{
	struct maker_text t = { NULL, 0, 0 };
	char hex[65] = "";

	maker_hex(c->id, 32, hex);
	maker_printf(&t,
		"{\"_type\":\"revocations\",\"crls\":[],\"format\":1,\"product\":\"sensor\","
		"\"quarantined\":[],\"sequence\":%u,\"withdrawn\":[\"%s\"]}",
		sequence, hex);
	maker_target(&w->m, withdrawals, "revocations/sensor.json", maker_text_bytes(&t));
	maker_next(&w->m, w->clock_s, withdrawals, -1);
}

static void can_withdraw(struct world *w)
{
	withdrawals = maker_delegate(&w->m, MAKER_TARGETS, "revocations", "revocations/*", true,
		KEY_ROLLOUTS2, w->clock_s);
	w->m.role[withdrawals].expires_s = w->clock_s + DAY_S;
	maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
}

TEST(a_campaign_that_was_withdrawn_is_not_taken_and_not_kept)
{
	struct world *w = begin();
	struct key_campaign *c;

	can_withdraw(w);
	rotate(w, STO, 1);
	ROW("staged");
	c = campaign(w, STO, 2, w->clock_s + 1000);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).staged, 2);
	withdraw(w, 1, c);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).staged, 0);
	ROW("new: the file is known, and read again");
	c = key_campaign(&keyserver, STO, 3, w->clock_s);
	withdraw(w, 2, c);
	CHECK_QUIET(w);
	keyserver.asked = 0;
	key_server_publish(&keyserver, w->clock_s);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.asked, 0);
	CHECK_EQ(keyed_held(STO).active, 1);
	rotate(w, STO, 4);
}

static void retire(struct world *w, unsigned sequence, unsigned generation)
{
	static int role;
	struct maker_text t = { NULL, 0, 0 };

	if (sequence == 1) {
		role = maker_delegate(&w->m, MAKER_TARGETS, "retirements", "retirements/*", true,
			KEY_OTHER, w->clock_s);
		maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
	}
	maker_printf(&t,
		"{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[],\"format\":1,"
		"\"key_floor\":0,\"keys\":[{\"generation\":%u,\"purpose\":\"storage\"}],"
		"\"product\":\"sensor\",\"sequence\":%u}",
		generation, sequence);
	maker_target(&w->m, role, "retirements/sensor.json", maker_text_bytes(&t));
	maker_next(&w->m, w->clock_s, role, -1);
}

TEST(a_key_is_destroyed_when_it_is_retired_and_nothing_needs_it)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	rotate(w, STO, 2);
	keyed.needs[STO - 1] = 1;
	rotate(w, STO, 3);
	CHECK_EQ(keyserver.last.holding[0].needed_from, 1);
	retire(w, 1, 1);
	ROW("records need it");
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).oldest, 1);
	CHECK(keyed_opens(STO, 1, ROTA_USE_RECORD));
	ROW("the last of them was sealed anew");
	keyed.needs[STO - 1] = 2;
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).oldest, 2);
	CHECK(!keyed_opens(STO, 1, ROTA_USE_RECORD));
	CHECK(keyed_opens(STO, 2, ROTA_USE_RECORD));
	CHECK_EQ(keyserver.last.holding[0].held_from, 2); /* and the server heard of it */
	ROW("nothing needs the next, which was not retired");
	keyed.needs[STO - 1] = 0;
	rotate(w, STO, 4);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).oldest, 2);
}

/* ---- reports ---- */

/* Numbers that are used up are a device that says nothing any more. */
TEST(a_server_does_not_use_up_the_numbers_of_a_device)
{
	struct world *w = begin();
	uint32_t had;

	rotate(w, STO, 1);
	had = keyed.slots.state.statements;
	keyserver.lies = UINT32_MAX;
	for (int i = 0; i < 15; i++)
		later(w, DAY_S / 2);
	CHECK_POLL(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_35);
	CHECK(keyserver.out_of_turn > 0);
	CHECK(keyed.slots.state.statements <= had + 1);
	keyserver.lies = 0;
	CHECK_QUIET(w);
}

/* Nobody finds its timestamp, and then again. */
static void toggle(struct world *w)
{
	static struct maker_file *f;

	if (f == NULL)
		f = maker_meta(&w->m, "timestamp", 0);
	f->name[0] ^= 1;
}

/* Its campaign may be aborted, which a device hears while its timestamp counts. */
TEST(a_server_that_is_away_holds_no_switch_up_as_long_as_its_word_counts)
{
	struct world *w = begin();
	uint64_t at = w->clock_s + 7200;

	rotate(w, STO, 1);
	campaign(w, STO, 2, at);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).proved, 2);
	toggle(w);
	ROW("before its time nothing is touched");
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(keyed.slots.phase, ROTA_KEYSLOTS_LOADED);
	ROW("without a clock");
	w->clock_s = 0;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(keyed_held(STO).active, 1);
	ROW("where the timestamp has expired");
	w->clock_s = at + 2 * DAY_S;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(keyed_held(STO).active, 1);
	ROW("in time");
	w->clock_s = at;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(keyed_held(STO).active, 2);
	CHECK_OK(w->keys_why.err);
	toggle(w);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.last.holding[0].active, 2);
}

/* SPEC 31.7, from the seal to the server: what rotad does with it is test_campaign_verbs.py. */
TEST(a_key_that_made_half_of_its_seals_asks_for_another)
{
	struct world *w = begin();
	int before;
	bool renew;

	rotate(w, STO, 1);
	CHECK_OK(rota_keyslots_used(&keyed.slots, STO, UINT32_C(1) << 30, &renew));
	before = keyserver.taken[ROTA_STATEMENT_STATE];
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before);
	CHECK_OK(rota_keyslots_used(&keyed.slots, STO, UINT32_C(1) << 30, &renew));
	CHECK(renew);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before + 1);
	CHECK_EQ(keyserver.last.holding[0].records, ROTA_HOLDING_RENEW);
	ROW("and no more, once it came");
	rotate(w, STO, 2);
	CHECK_EQ(keyserver.last.holding[0].active, 2);
	CHECK_EQ(keyserver.last.holding[0].records, 0);
}

TEST(a_report_goes_out_when_something_changed_and_weekly)
{
	struct world *w = begin();
	int before;

	rotate(w, STO, 1);
	before = keyserver.taken[ROTA_STATEMENT_STATE];
	ROW("a number of records alone waits for a day");
	keyed.records[STO - 1] = 10;
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before);
	CHECK_EQ(keyed.writes, 0);
	later(w, DAY_S);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before + 1);
	CHECK_EQ(keyserver.last.holding[0].records, 10);
	ROW("nothing else for a week");
	later(w, DAY_S / 2);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before + 1);
	for (int i = 0; i < 13; i++)
		later(w, DAY_S / 2);
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_STATE], before + 2);
	ROW("one that was not taken is the same again, and no write");
	keyserver.away = true;
	keyed.needs[STO - 1] = 1;
	CHECK_POLL(w, ROTA_ERR_NET, ROTA_CLAUSE_SPEC_35);
	CHECK_POLL(w, ROTA_ERR_NET, ROTA_CLAUSE_SPEC_35);
	CHECK_EQ(keyed.writes, 0);
	keyserver.away = false;
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.last.number, keyserver.count);
	CHECK_EQ(keyserver.last.holding[0].needed_from, 1);
	ROW("the server has a higher number");
	keyserver.count += 100;
	keyed.needs[STO - 1] = 0;
	CHECK_QUIET(w);
	CHECK_EQ(keyserver.last.number, keyserver.count);
	CHECK_EQ(keyserver.last.holding[0].needed_from, 0);
}

TEST(a_decommissioned_device_says_so_and_has_no_key_left)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	keyed.config.decommission = true;
	ROW("nobody hears it: the keys stay");
	keyserver.away = true;
	CHECK_POLL(w, ROTA_ERR_NET, ROTA_CLAUSE_SPEC_35);
	CHECK(keyed_opens(STO, 1, ROTA_USE_RECORD));
	ROW("it is heard");
	keyserver.away = false;
	CHECK_QUIET(w);
	CHECK(keyserver.gone);
	CHECK(!keyed_opens(STO, 1, ROTA_USE_RECORD));
	CHECK_EQ(keyed.slots.state.flags, ROTA_KEYS_GONE);
	CHECK_QUIET(w);
	CHECK_EQ(keyed.writes, 0);
}

/* ---- with all else ---- */

TEST(trouble_with_keys_stops_no_update)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	ROW("the list's role cannot be read");
	campaign(w, STO, 2, w->clock_s);
	w->m.role[keyserver.role[0]].wrong_bytes = true;
	w->m.role[keyserver.role[0]].version++;
	offer(w, "2.0.0");
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(w->keys_why.clause, ROTA_CLAUSE_TUF_5_6_3);
	ROW("what is due is switched to all the same");
	w->m.role[keyserver.role[0]].wrong_bytes = false;
	w->m.role[keyserver.role[0]].version++;
	maker_next(&w->m, w->clock_s, -1, -1);
	CHECK_QUIET(w);
	CHECK_EQ(keyed_held(STO).active, 2);
	ROW("the key journal cannot be read: first keys are made");
	CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, 0));
	CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, 4096));
	offer(w, "3.0.0");
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(keyed_held(STO).oldest, 0);
	CHECK_EQ(keyserver.agree[0], 4);
	ROW("which the bundles of before are not for");
	CHECK_POLL(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_33_7);
	campaign(w, TEL, 1, w->clock_s);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(TEL).active, 1);
}

TESTS(T(a_campaign_is_followed_from_its_list_to_its_switch),
	T(a_poll_without_news_writes_nothing_and_asks_for_nothing),
	T(two_purposes_and_a_supplement_come_in_one_poll),
	T(the_highest_generation_is_taken_and_the_one_below_is_overtaken),
	T(a_device_takes_part_in_the_purposes_that_it_has),
	T(a_bundle_that_is_not_this_devices_of_this_campaign_is_refused),
	T(an_answer_of_before_is_not_taken_for_a_new_one),
	T(who_has_a_factory_secret_takes_no_base_mode_and_comes_back_to_it),
	T(a_campaign_that_goes_back_too_far_or_is_not_this_devices_turn_is_refused),
	T(a_list_does_not_go_back), T(a_list_of_other_bytes_than_its_role_lists_is_none),
	T(another_products_list_is_none), T(a_key_whose_proof_is_refused_is_dropped_for_good),
	T(a_proof_that_got_lost_is_said_again_and_no_key_is_used_before),
	T(a_server_that_has_another_number_gets_a_new_agree_key),
	T(who_gets_another_agree_key_still_has_its_psk),
	T(a_campaign_that_is_aborted_takes_its_staged_key_along),
	T(a_campaign_that_was_withdrawn_is_not_taken_and_not_kept),
	T(a_key_is_destroyed_when_it_is_retired_and_nothing_needs_it),
	T(a_server_does_not_use_up_the_numbers_of_a_device),
	T(a_key_that_made_half_of_its_seals_asks_for_another),
	T(a_server_that_is_away_holds_no_switch_up_as_long_as_its_word_counts),
	T(a_report_goes_out_when_something_changed_and_weekly),
	T(a_decommissioned_device_says_so_and_has_no_key_left),
	T(trouble_with_keys_stops_no_update))
