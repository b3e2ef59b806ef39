/* SPDX-License-Identifier: Apache-2.0 */
/* The order that a device stored: how it is judged, at every boot, and its phases; what boot takes from it. */
#include "boot/choice.h"
#include "boot/order.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/order_maker.h"
#include "tests/unit/test.h"

#define DEVICE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"
#define IMAGE                                                                                      \
	"{\"component\":\"main\",\"counter\":7,\"digest\":\"" D1                                   \
	"\",\"length\":4096,\"sha256\":\"" D2 "\",\"version\":\"2.0.0\"}"

static const uint8_t old_image[32] = { 0x33 }, new_image[32] = { 0x44 };
static uint8_t record_sha256[32], key_hash[2][32];
static struct rota_span record;
static struct flash_mem flash;
static struct rota_order_desk desk;
static const struct rota_order_held nothing_held;

static struct rota_rom rom_of_device(void)
{
	struct rota_rom rom = {
		.product = ROTA_STR("sensor"),
		.hardware = ROTA_STR("demo-1"),
		.key_count = 2,
		.recovery_sha256 = ROTA_SPAN(record_sha256),
		.device_id = ROTA_STR(DEVICE),
	};

	record = order_record(record_sha256);
	memset(key_hash[0], 0x11, 32);
	memset(key_hash[1], 0x22, 32);
	rom.key[0].hash = ROTA_SPAN(key_hash[0]);
	rom.key[1].hash = ROTA_SPAN(key_hash[1]);
	return rom;
}

static enum rota_err read_order(const struct rota_rom *rom, struct rota_span file)
{
	rota_orderbook_begin_record(&desk, &rota_crypto_openssl);
	ROTA_TRY(rota_keyset_feed(&desk.record, record));
	ROTA_TRY(rota_keyset_end(&desk.record, record_sha256));
	rota_orderbook_begin_order(&desk, &rota_crypto_openssl, rom);
	ROTA_TRY(rota_order_feed(&desk.order, file));
	return rota_order_end(&desk.order);
}

/* A device that has just stored this order. */
static struct rota_bootstate stored(const struct rota_rom *rom, const struct order_plan *plan)
{
	struct rota_bootstate s;
	struct rota_span file = order_make(plan);

	flash_mem_init(&flash, 1024, 4, 4, 0xFF);
	rota_bootstate_init(&s, 3, old_image);
	if (rota_orderplace_write(&flash.port, rota_orderbook_place(&s), record, file) == ROTA_OK &&
		read_order(rom, file) == ROTA_OK)
		rota_orderbook_put(&s, rota_orderbook_place(&s), &desk.order, rom, &nothing_held);
	return s;
}

static enum rota_err judge(
	const struct rota_bootstate *s, const struct rota_rom *rom, uint32_t epoch)
{
	return rota_orderbook_judge(&desk, &flash.port, s, rom, &rota_crypto_openssl, epoch);
}

/* ---- the judgement ---- */

TEST(what_is_stored_is_judged_by_the_anchor_each_time)
{
	struct rota_rom rom = rom_of_device(), other;
	struct rota_bootstate s = stored(&rom, &(struct order_plan){ .epoch = 5, .image = IMAGE });
	static const uint8_t zeros[32];

	CHECK_OK(judge(&s, &rom, 0));
	CHECK_EQ(desk.order.order.epoch, 5);
	CHECK_OK(judge(&s, &rom, 5));
	ROW("the hardware's epoch is higher: an old flash image");
	CHECK_EQ(judge(&s, &rom, 6), ROTA_ERR_VERSION);
	ROW("another product");
	other = rom;
	other.product = ROTA_STR("lamp");
	CHECK_EQ(judge(&s, &other, 0), ROTA_ERR_PRODUCT);
	ROW("other hardware");
	other = rom;
	other.hardware = ROTA_STR("demo-2");
	CHECK_EQ(judge(&s, &other, 0), ROTA_ERR_HARDWARE);
	ROW("another anchor");
	other = rom;
	other.recovery_sha256 = ROTA_SPAN(zeros);
	CHECK_EQ(judge(&s, &other, 0), ROTA_ERR_HASH);
	ROW("another order than the boot state names");
	s.order[0] ^= 1;
	CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_HASH);
	s.order[0] ^= 1;
	ROW("a damaged place");
	flash.bytes[20] ^= 1;
	CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_CORRUPT);
	ROW("no order");
	rota_bootstate_init(&s, 3, old_image);
	CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_NOT_FOUND);
}

TEST(a_forged_order_in_flash_is_none)
{
	struct rota_rom rom = rom_of_device();
	static const struct order_plan rows[] = {
		{ .signers = { 0 }, .signer_count = 1 },
		{ .signers = { 2 }, .signer_count = 1, .image = IMAGE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bootstate s = stored(&rom, &rows[i]);

		CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_THRESHOLD);
	}
}

TEST(an_order_for_other_devices_is_none_here)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s = stored(&rom, &(struct order_plan){ .devices = "[\"" D1 "\"]" });

	CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_DENIED);
}

TEST(an_order_that_retires_the_last_key_is_refused_whole)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s =
		stored(&rom, &(struct order_plan){ .retire_keys = "[\"" D2 "\"]" });

	CHECK_EQ(judge(&s, &rom, 0), ROTA_ERR_DENIED);
	CHECK_EQ(s.key_floor_to, 0);
}

TEST(a_new_order_is_accepted_by_what_the_device_is)
{
	static const struct {
		const char *why;
		struct order_plan plan;
		uint32_t held;
		enum rota_err err;
	} rows[] = {
		{ "right", { .epoch = 9 }, 8, ROTA_OK },
		{ "not above the one that is held", { .epoch = 8 }, 8, ROTA_ERR_VERSION },
		{ "not above what is burnt", { .epoch = 4 }, 0, ROTA_ERR_VERSION },
		{ "as far above as may be", { .epoch = 1028 }, 0, ROTA_OK },
		{ "a date: years of a TPM", { .epoch = 20261121 }, 8, ROTA_ERR_LIMIT },
		{ "for what does not run", { .epoch = 9, .running = "[\"" D1 "\"]" }, 0,
			ROTA_ERR_STATE },
		{ "by too few", { .epoch = 9, .signers = { 1 }, .signer_count = 1 }, 0,
			ROTA_ERR_THRESHOLD },
	};
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s;

	rota_bootstate_init(&s, 3, old_image);
	s.epoch = 3;
	s.epoch_to = 4;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_OK(read_order(&rom, order_make(&rows[i].plan)));
		CHECK_EQ(rota_orderbook_accepts(&desk, &s, &rom, &rota_crypto_openssl,
				 &(struct rota_order_held){ .epoch = rows[i].held }),
			rows[i].err);
	}
}

/* ---- phases ---- */

TEST(without_an_image_it_is_burnt_in_the_commit_that_stores_it)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s =
		stored(&rom, &(struct order_plan){ .epoch = 5, .retire_keys = "[\"" D1 "\"]" });

	CHECK_EQ(s.order_phase, ROTA_ORDER_CONFIRMED);
	CHECK_EQ(s.epoch_to, 5);
	CHECK_EQ(s.key_floor_to, 1);
	CHECK_EQ(s.order_place, 0);
	CHECK_OK(judge(&s, &rom, 0));
	CHECK(!rota_orderbook_burn(&s, &desk.order.order, &rom)); /* boot has not burnt yet */
	s.epoch = 5;
	s.key_floor = 1;
	CHECK(rota_orderbook_burn(&s, &desk.order.order, &rom));
	CHECK_EQ(s.order_phase, ROTA_ORDER_DONE);
	CHECK(!rota_orderbook_burn(&s, &desk.order.order, &rom));
}

TEST(with_an_image_nothing_is_burnt_before_it_is_confirmed)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s = stored(&rom,
		&(struct order_plan){ .epoch = 5, .image = IMAGE, .retire_keys = "[\"" D1 "\"]" });

	CHECK_EQ(s.order_phase, ROTA_ORDER_STORED);
	CHECK_EQ(s.epoch_to, 0);
	CHECK(!rota_orderbook_burn(&s, &desk.order.order, &rom));
	CHECK_OK(rota_orderbook_try(&s));
	CHECK_OK(rota_orderbook_try(&s)); /* resumed */
	CHECK_OK(rota_bootstate_ask(&s, 0, new_image));
	CHECK_EQ(s.kind, ROTA_TRIAL_ORDER);
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_EQ(s.order_phase, ROTA_ORDER_CONFIRMED);
	CHECK_EQ(s.epoch_to, 0);
	CHECK_OK(judge(&s, &rom, 0));
	CHECK(rota_orderbook_burn(&s, &desk.order.order, &rom));
	CHECK_EQ(s.epoch_to, 5);
	CHECK_EQ(s.key_floor_to, 1);
	CHECK_EQ(rota_orderbook_try(&s), ROTA_ERR_STATE);
	CHECK_EQ(rota_orderbook_keep(&s), ROTA_ERR_STATE);
}

TEST(an_image_that_runs_already_is_kept_without_a_trial)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s = stored(&rom, &(struct order_plan){ .epoch = 5, .image = IMAGE });

	CHECK_OK(rota_orderbook_keep(&s));
	CHECK_EQ(s.order_phase, ROTA_ORDER_CONFIRMED);
}

/* Boots of an order's image, by the choice of boot, until it is given up. */
TEST(three_boots_that_are_not_confirmed_end_it)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s = stored(&rom, &(struct order_plan){ .epoch = 5, .image = IMAGE });

	CHECK_OK(rota_orderbook_try(&s));
	CHECK_OK(rota_bootstate_ask(&s, 0, new_image));
	for (unsigned boot = 1; boot <= ROTA_ORDER_TRIES_MAX; boot++) {
		struct rota_boot_facts facts = { .image = { { ROTA_BOOT_YES, ROTA_BOOT_YES } } };
		struct rota_boot_choice choice;

		CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
		CHECK_EQ(choice.kind, ROTA_BOOT_TRIAL);
		CHECK(choice.commit);
		s = choice.next;
		CHECK_EQ(s.tries, boot);
		CHECK_EQ(s.order_phase, ROTA_ORDER_TRIAL);
	}
	for (unsigned boot = 0; boot < 2; boot++) {
		struct rota_boot_facts facts = { .image = { { ROTA_BOOT_YES, ROTA_BOOT_YES } } };
		struct rota_boot_choice choice;

		CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
		CHECK_EQ(choice.kind, ROTA_BOOT_REVERTED);
		s = choice.next;
		CHECK_EQ(s.order_phase, ROTA_ORDER_FAILED);
		CHECK_EQ(s.epoch_to, 0);
	}
	ROW("a higher epoch takes its place: the other one may be what runs stands on");
	CHECK_EQ(rota_orderbook_place(&s), 0);
	CHECK_OK(judge(&s, &rom, 0));
	CHECK_OK(read_order(&rom, order_make(&(struct order_plan){ .epoch = 6, .image = IMAGE })));
	CHECK_OK(rota_orderbook_accepts(
		&desk, &s, &rom, &rota_crypto_openssl, &(struct rota_order_held){ .epoch = 5 }));
	rota_orderbook_put(&s, 0, &desk.order, &rom, &nothing_held);
	CHECK_EQ(s.order_phase, ROTA_ORDER_STORED);
	CHECK_EQ(s.tries, 0);
}

TEST(a_release_on_trial_has_one_boot)
{
	struct rota_bootstate s;
	struct rota_boot_facts facts = { .image = { { ROTA_BOOT_YES, ROTA_BOOT_YES } } };
	struct rota_boot_choice choice;

	rota_bootstate_init(&s, 3, old_image);
	CHECK_OK(rota_bootstate_ask(&s, 0, new_image));
	CHECK_EQ(s.kind, ROTA_TRIAL_RELEASE);
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
	s = choice.next;
	CHECK_EQ(s.tries, 0);
	CHECK_EQ(rota_bootstate_start(&s), ROTA_ERR_STATE);
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
	CHECK_EQ(choice.kind, ROTA_BOOT_REVERTED);
}

/* ---- what boot takes from it ---- */

TEST(boot_takes_image_and_keys_from_an_order_in_force)
{
	struct rota_rom rom = rom_of_device();
	struct rota_boot_policy policy = { .rom = &rom };
	struct rota_rom_key keys[ROTA_BOOT_KEYS_ADDED_MAX];
	struct maker_text add = { NULL, 0, 0 };
	struct rota_boot_order order;
	struct rota_bootstate s;
	uint8_t want[32];
	char hex[131];

	maker_hex(order_point(KEY_IMAGE).p, 65, hex);
	maker_printf(&add, "[{\"alg\":1,\"public\":\"%s\"}]", hex);
	s = stored(&rom, &(struct order_plan){ .epoch = 5, .image = IMAGE, .add_keys = add.p });
	rota_boot_order_load(&order, &desk, &flash.port, &s, &rom, &rota_crypto_openssl, 0);
	CHECK_OK(order.verdict);
	CHECK_EQ(order.epoch, 5);
	rota_boot_order_allow(&order, keys, &policy);
	CHECK(policy.order != NULL && policy.order[0] == 0x11);
	CHECK_EQ(policy.added_count, 1);
	CHECK(rota_span_eq(policy.added[0].raw, order_point(KEY_IMAGE)));
	maker_sha256(maker_spki(KEY_IMAGE), want);
	CHECK(rota_span_eq(policy.added[0].hash, ROTA_SPAN(want)));
	ROW("and nothing from one that is not");
	flash.bytes[20] ^= 1;
	rota_boot_order_load(&order, &desk, &flash.port, &s, &rom, &rota_crypto_openssl, 0);
	CHECK_EQ(order.verdict, ROTA_ERR_CORRUPT);
	rota_boot_order_allow(&order, keys, &policy);
	CHECK(policy.order == NULL);
	CHECK_EQ(policy.added_count, 0);
}

/* ---- an order after an order ---- */

#define OTHER                                                                                      \
	"{\"component\":\"main\",\"counter\":7,\"digest\":\"" D2                                   \
	"\",\"length\":4096,\"sha256\":\"" D1 "\",\"version\":\"3.0.0\"}"

/* Stored beside what is there. */
static void store(
	struct rota_bootstate *s, const struct rota_rom *rom, const struct order_plan *plan)
{
	struct rota_span file = order_make(plan);
	uint8_t place = rota_orderbook_place(s);

	CHECK_OK(rota_orderplace_write(&flash.port, place, record, file));
	CHECK_OK(read_order(rom, file));
	rota_orderbook_put(s, place, &desk.order, rom, &nothing_held);
}

/* A device whose confirmed image is that of its order, of epoch 5, and nobody else's. */
static void rescue(struct rota_bootstate *s, const struct rota_rom *rom, const char *add)
{
	*s = stored(rom, &(struct order_plan){ .epoch = 5, .image = IMAGE, .add_keys = add });
	memset(s->digest[0][0], 0x11, 32); /* D1 */
	CHECK_OK(rota_orderbook_keep(s));
	CHECK(rota_orderbook_burn(s, &desk.order.order, rom));
	s->epoch = 5;
	CHECK(rota_orderbook_burn(s, &desk.order.order, rom));
	CHECK_EQ(s->order_phase, ROTA_ORDER_DONE);
}

/* What boot takes: the image of the order in force, and of the one before. */
static void loaded(const struct rota_bootstate *s, const struct rota_rom *rom, uint32_t epoch,
	struct rota_boot_policy *policy)
{
	static struct rota_boot_order order;
	static struct rota_rom_key keys[ROTA_BOOT_KEYS_ADDED_MAX];

	rota_boot_order_load(&order, &desk, &flash.port, s, rom, &rota_crypto_openssl, epoch);
	rota_boot_order_allow(&order, keys, policy);
}

static struct maker_text key_list(void)
{
	struct maker_text add = { NULL, 0, 0 };
	char hex[131];

	maker_hex(order_point(KEY_IMAGE).p, 65, hex);
	maker_printf(&add, "[{\"alg\":1,\"public\":\"%s\"}]", hex);
	return add;
}

TEST(the_order_before_stands_until_the_next_image_is_confirmed)
{
	struct rota_rom rom = rom_of_device();
	struct rota_boot_policy policy = { .rom = &rom };
	struct rota_bootstate s, failed;

	rescue(&s, &rom, key_list().p);
	store(&s, &rom, &(struct order_plan){ .epoch = 6, .image = OTHER });
	loaded(&s, &rom, 5, &policy);
	CHECK(policy.order != NULL && policy.order[0] == 0x22);
	CHECK(policy.before != NULL && policy.before[0] == 0x11);
	CHECK_EQ(policy.added_count, 1);
	ROW("what is not confirmed has no voucher in it");
	s.digest[0][0][0] ^= 1;
	loaded(&s, &rom, 5, &policy);
	CHECK(policy.before == NULL);
	s.digest[0][0][0] ^= 1;
	ROW("given up, and another one: the first is still there");
	failed = s;
	failed.order_phase = ROTA_ORDER_FAILED;
	store(&failed, &rom, &(struct order_plan){ .epoch = 7, .image = OTHER });
	loaded(&failed, &rom, 5, &policy);
	CHECK(policy.before != NULL && policy.before[0] == 0x11);
	ROW("the new one is damaged");
	flash.bytes[2048 + 20] ^= 1;
	loaded(&s, &rom, 5, &policy);
	CHECK(policy.order == NULL);
	CHECK(policy.before != NULL);
	flash.bytes[2048 + 20] ^= 1;
	ROW("hardware says that the new one's epoch is burnt");
	loaded(&s, &rom, 6, &policy);
	CHECK(policy.before == NULL);
	ROW("the new one is confirmed");
	s.order_phase = ROTA_ORDER_CONFIRMED;
	loaded(&s, &rom, 5, &policy);
	CHECK(policy.before == NULL);
	CHECK_EQ(policy.added_count, 0);
}

TEST(an_order_before_that_is_forged_is_none)
{
	struct rota_rom rom = rom_of_device();
	struct rota_boot_policy policy = { .rom = &rom };
	struct rota_bootstate s;
	const struct order_plan forged = {
		.epoch = 5, .image = IMAGE, .signers = { 0 }, .signer_count = 1
	};

	rescue(&s, &rom, NULL);
	store(&s, &rom, &(struct order_plan){ .epoch = 6, .image = OTHER });
	CHECK_OK(rota_orderplace_write(&flash.port, 0, record, order_make(&forged)));
	loaded(&s, &rom, 5, &policy);
	CHECK(policy.order != NULL);
	CHECK(policy.before == NULL);
}

static void judged(const struct rota_bootstate *s, const struct rota_rom *rom,
	const struct order_plan *plan, enum rota_err want)
{
	struct rota_order_held held;

	CHECK_OK(rota_orderbook_look(&desk, &flash.port, s, rom, &rota_crypto_openssl, &held));
	CHECK_OK(read_order(rom, order_make(plan)));
	CHECK_EQ(rota_orderbook_accepts(&desk, s, rom, &rota_crypto_openssl, &held), want);
}

TEST(an_order_without_an_image_takes_nothing_away_that_runs)
{
	struct rota_rom rom = rom_of_device();
	struct maker_text add = key_list();
	struct rota_bootstate s;

	rescue(&s, &rom, add.p);
	judged(&s, &rom, &(struct order_plan){ .epoch = 6, .add_keys = add.p }, ROTA_ERR_STATE);
	judged(&s, &rom, &(struct order_plan){ .epoch = 6, .image = IMAGE }, ROTA_OK);
	ROW("the same when an order between came to nothing");
	store(&s, &rom, &(struct order_plan){ .epoch = 6, .image = OTHER });
	judged(&s, &rom, &(struct order_plan){ .epoch = 7, .add_keys = add.p }, ROTA_ERR_STATE);
	ROW("a release runs: only the key that may have signed it is to stay");
	rescue(&s, &rom, add.p);
	s.digest[0][0][0] ^= 1;
	judged(&s, &rom, &(struct order_plan){ .epoch = 6 }, ROTA_ERR_STATE);
	judged(&s, &rom, &(struct order_plan){ .epoch = 6, .add_keys = add.p }, ROTA_OK);
}

TEST(what_is_confirmed_counts_for_the_order_that_it_was_tried_for)
{
	struct rota_rom rom = rom_of_device();
	struct rota_bootstate s = stored(&rom, &(struct order_plan){ .epoch = 5, .image = IMAGE });

	CHECK_OK(rota_orderbook_try(&s));
	CHECK_OK(rota_bootstate_ask(&s, 0, new_image));
	CHECK_OK(rota_bootstate_start(&s));
	store(&s, &rom, &(struct order_plan){ .epoch = 6, .image = OTHER });
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_EQ(s.order_phase, ROTA_ORDER_STORED);
	CHECK(!rota_orderbook_burn(&s, &desk.order.order, &rom));
}

/* ---- what is not lost ---- */

TEST(what_a_confirmed_order_retires_is_burnt_though_another_comes)
{
	static const struct {
		const char *why;
		uint8_t phase;
		uint32_t epoch_to;
		uint8_t key_floor_to;
	} rows[] = {
		{ "its image is confirmed, and nobody asked yet", ROTA_ORDER_CONFIRMED, 5, 1 },
		{ "on trial: it may come to nothing", ROTA_ORDER_TRIAL, 0, 0 },
		{ "it came to nothing", ROTA_ORDER_FAILED, 0, 0 },
	};
	const struct order_plan next = { .epoch = 6, .image = OTHER };
	struct rota_rom rom = rom_of_device();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_order_held held;
		struct rota_bootstate s = stored(&rom,
			&(struct order_plan){
				.epoch = 5, .image = IMAGE, .retire_keys = "[\"" D1 "\"]" });

		ROW(rows[i].why);
		s.order_phase = rows[i].phase;
		CHECK_OK(rota_orderbook_look(
			&desk, &flash.port, &s, &rom, &rota_crypto_openssl, &held));
		CHECK_OK(read_order(&rom, order_make(&next)));
		CHECK_OK(rota_orderbook_accepts(&desk, &s, &rom, &rota_crypto_openssl, &held));
		rota_orderbook_put(&s, rota_orderbook_place(&s), &desk.order, &rom, &held);
		CHECK_EQ(s.order_phase, ROTA_ORDER_STORED);
		CHECK_EQ(s.epoch_to, rows[i].epoch_to);
		CHECK_EQ(s.key_floor_to, rows[i].key_floor_to);
	}
}

TEST(an_order_that_decayed_may_be_written_anew_and_stays_as_far_as_it_was)
{
	struct rota_rom rom = rom_of_device();
	struct rota_span file = order_make(&(struct order_plan){ .epoch = 5, .image = IMAGE });
	struct rota_order_held held;
	struct rota_bootstate s;

	rescue(&s, &rom, NULL);
	CHECK_OK(read_order(&rom, file));
	memcpy(s.order, desk.order.file_sha256, sizeof(s.order)); /* which decayed */
	CHECK(rota_orderbook_look(&desk, &flash.port, &s, &rom, &rota_crypto_openssl, &held) !=
		ROTA_OK);
	CHECK_OK(read_order(&rom, file));
	CHECK(rota_orderbook_again(&desk, &s));
	CHECK_OK(rota_orderbook_accepts(&desk, &s, &rom, &rota_crypto_openssl, &held));
	CHECK_EQ(rota_orderbook_place(&s), 1);
	CHECK_OK(rota_orderplace_write(&flash.port, 1, record, file));
	rota_orderbook_move(&s, 1);
	CHECK_EQ(s.order_phase, ROTA_ORDER_DONE);
	CHECK_OK(judge(&s, &rom, 5));
	ROW("the same one after it failed");
	s.order_phase = ROTA_ORDER_FAILED;
	CHECK(!rota_orderbook_again(&desk, &s));
	CHECK_EQ(rota_orderbook_accepts(&desk, &s, &rom, &rota_crypto_openssl, &nothing_held),
		ROTA_ERR_VERSION);
	ROW("another one of its epoch");
	s.order_phase = ROTA_ORDER_DONE;
	CHECK_OK(read_order(&rom, order_make(&(struct order_plan){ .epoch = 5, .image = OTHER })));
	CHECK(!rota_orderbook_again(&desk, &s));
	CHECK_EQ(rota_orderbook_accepts(&desk, &s, &rom, &rota_crypto_openssl, &nothing_held),
		ROTA_ERR_VERSION);
}

TESTS(T(what_is_stored_is_judged_by_the_anchor_each_time), T(a_forged_order_in_flash_is_none),
	T(an_order_for_other_devices_is_none_here),
	T(an_order_that_retires_the_last_key_is_refused_whole),
	T(a_new_order_is_accepted_by_what_the_device_is),
	T(without_an_image_it_is_burnt_in_the_commit_that_stores_it),
	T(with_an_image_nothing_is_burnt_before_it_is_confirmed),
	T(an_image_that_runs_already_is_kept_without_a_trial),
	T(three_boots_that_are_not_confirmed_end_it), T(a_release_on_trial_has_one_boot),
	T(boot_takes_image_and_keys_from_an_order_in_force),
	T(the_order_before_stands_until_the_next_image_is_confirmed),
	T(an_order_before_that_is_forged_is_none),
	T(an_order_without_an_image_takes_nothing_away_that_runs),
	T(what_is_confirmed_counts_for_the_order_that_it_was_tried_for),
	T(what_a_confirmed_order_retires_is_burnt_though_another_comes),
	T(an_order_that_decayed_may_be_written_anew_and_stays_as_far_as_it_was))
