/* SPDX-License-Identifier: Apache-2.0 */
/* Update cycles of a device with a state counter: when it rises, rises that were cut off, and flash that was put
 * back (SPEC 9.6, 5.5). */
#include "ports/counter_sim/counter_sim.h"
#include "tests/unit/update_cycles.h"

#include <openssl/ecdsa.h>

/* ---- the device's counter, boot journal, dice, and watch ---- */

static struct rota_sim_supply supply;
static struct rota_counter_sim counters;
static struct rota_counter counter;
static struct rota_bootstate boot;
static enum rota_err boot_error; /* of the next begin */
static int boot_commits; /* so far */
static bool boot_fails; /* each commit, from now on */

static enum rota_err boot_begin(void *ctx, struct rota_bootstate *out)
{
	(void)ctx;
	*out = boot;
	return boot_error;
}

static enum rota_err boot_commit(void *ctx, const struct rota_bootstate *state)
{
	(void)ctx;
	if (boot_fails)
		return ROTA_ERR_IO;
	boot_commits++;
	boot = *state;
	return ROTA_OK;
}

static void boot_end(void *ctx)
{
	(void)ctx;
}

static uint8_t dice;

static enum rota_err fill(void *ctx, struct rota_buf room)
{
	(void)ctx;
	memset(room.p, ++dice, room.len);
	return ROTA_OK;
}

static uint64_t watch_s;

static uint64_t seconds(void *ctx)
{
	(void)ctx;
	return watch_s;
}

static const struct rota_boot_access boot_port = { NULL, boot_begin, boot_commit, boot_end };
static const struct rota_random random_port = { NULL, fill };
static const struct rota_uptime uptime_port = { NULL, seconds };

/* ---- the time service: what it says, and what is wrong with it ---- */

static struct {
	int key;
	uint64_t now_s; /* 0: the world's clock */
	uint64_t takes_s;
	bool other_nonce, long_answer;
	uint8_t nonces[4]; /* asked with, the first byte of each */
	int count;
} service;

static struct rota_span to_raw(struct maker_bytes der)
{
	static uint8_t raw[64];
	const uint8_t *at = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);

	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	return ROTA_SPAN(raw);
}

static enum rota_err tell_time(struct world *w, struct rota_update *u, const uint8_t *nonce)
{
	uint64_t now_s = service.now_s != 0 ? service.now_s : w->clock_s;
	uint8_t message[128], answer[ROTA_TIME_ANSWER_MAX + 1] = { 0 };
	struct rota_writer m = rota_writer(ROTA_BUF(message)), a = rota_writer(ROTA_BUF(answer));
	struct maker_bytes spki = maker_spki(service.key);
	struct rota_timesig by = { .alg = ROTA_ALG_ECDSA_P256,
		.key = rota_span(spki.p + spki.len - ROTA_P256_KEY_LEN, ROTA_P256_KEY_LEN) };
	struct rota_span bytes;

	service.nonces[service.count++ % 4] = nonce[0];
	rota_write_span(&m, ROTA_STR("rota-time-v1"));
	rota_write_fill(&m, (uint8_t)(nonce[0] ^ service.other_nonce), ROTA_TIME_NONCE_LEN);
	rota_write_span(&m, w->device.id);
	rota_write_le64(&m, now_s);
	by.sig = to_raw(
		maker_sign(service.key, (struct maker_bytes){ message, rota_writer_span(&m).len }));
	rota_write_le64(&a, now_s);
	rota_timesig_write(&a, &by);
	bytes = rota_writer_span(&a);
	if (service.long_answer)
		bytes = ROTA_SPAN(answer);
	watch_s += service.takes_s;
	ROTA_TRY(rota_update_feed(u, rota_span_slice(bytes, 0, 10)));
	return rota_update_feed(u, rota_span_skip(bytes, 10));
}

/* ---- a bound device ---- */

#define TIME_KEY KEY_OTHER

static struct world *bound_device(void)
{
	struct world *w = &world;

	world_init(w);
	(void)maker_delegate(&w->m, MAKER_TARGETS, "time", "time/*", true, TIME_KEY, WORLD_NOW);
	w->m.role[w->m.role_count - 1].expires_s = WORLD_NOW + 7 * DAY_S;
	maker_publish(&w->m);
	rota_sim_supply_init(&supply, 1);
	rota_counter_sim_init(&counters, &supply);
	counter = rota_counter_sim_port(&counters, 1u << ROTA_COUNTER_STATE);
	rota_bootstate_init(&boot, 0, w->image[FACTORY].digest);
	boot_error = ROTA_OK;
	boot_commits = 0;
	boot_fails = false;
	memset(&service, 0, sizeof(service));
	service.key = TIME_KEY;
	w->counter = &counter;
	w->boot = &boot_port;
	w->random = &random_port;
	w->uptime = &uptime_port;
	w->time = tell_time;
	return w;
}

/* What a thief reads out, and puts back. */
static struct {
	struct flash_mem flash;
	struct world_slots slots[2];
	struct rota_bootstate boot;
} image;

static void read_out(const struct world *w)
{
	image.flash = w->flash;
	memcpy(image.slots, w->slots, sizeof(image.slots));
	image.boot = boot;
}

static void put_back(struct world *w)
{
	w->flash = image.flash;
	memcpy(w->slots, image.slots, sizeof(image.slots));
	boot = image.boot;
	world_boot(w);
}

#define CHECK_BOUND(w, number)                                                                     \
	do {                                                                                       \
		CHECK_EQ(counters.value[ROTA_COUNTER_STATE], number);                              \
		CHECK_EQ(boot.binding, number);                                                    \
		CHECK_EQ((w)->state.bound.binding, number);                                        \
		CHECK(!(w)->state.bound.restored);                                                 \
	} while (0)

/* ---- when it rises ---- */

TEST(the_counter_rises_with_a_confirmed_release_and_not_with_a_refresh)
{
	struct world *w = bound_device();

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 0);
	for (int day = 0; day < 5; day++) {
		later(w, DAY_S / 2);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	}
	CHECK_BOUND(w, 0);
	CHECK_EQ(boot_commits, 0);
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	CHECK_EQ(counters.steps, 1);
	CHECK_EQ(boot_commits, 1);
}

static void next_root(struct world *w, int key)
{
	struct maker_role *r = &w->m.role[MAKER_ROOT];

	r->version++;
	r->keys[0] = key;
	r->signers[0] = KEY_ROOT2;
	r->signers[1] = KEY_ROOT3;
	maker_publish(&w->m);
}

TEST(it_rises_with_root_keys_and_not_with_those_of_other_roles)
{
	struct world *w = bound_device();

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	ROW("a new root with the same keys");
	next_root(w, KEY_ROOT1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 0);
	ROW("another key of timestamp");
	w->m.role[MAKER_TIMESTAMP].keys[0] = KEY_TIMESTAMP2;
	w->m.role[MAKER_TIMESTAMP].signers[0] = KEY_TIMESTAMP2;
	w->m.role[MAKER_TIMESTAMP].version++;
	next_root(w, KEY_ROOT1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 3);
	CHECK_BOUND(w, 0);
	ROW("another key of root, and a root behind it");
	next_root(w, KEY_ROOT4);
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 5);
	CHECK_BOUND(w, 1);
	ROW("another threshold");
	w->m.role[MAKER_ROOT].threshold = 1;
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 2);
}

TEST(several_changes_at_once_are_one_step)
{
	struct world *w = bound_device();

	next_root(w, KEY_ROOT4);
	next_root(w, KEY_ROOT5);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 3);
	CHECK_BOUND(w, 1);
}

/* ---- a rise that is cut off ---- */

TEST(a_rise_that_was_cut_off_is_finished)
{
	static const struct {
		const char *what;
		bool boot_fails;
		enum rota_sim_fault fault; /* of the counter's step */
		uint32_t boot_then, counter_then;
	} rows[] = {
		{ "before the boot journal", true, ROTA_SIM_NONE, 0, 0 },
		{ "before the counter", false, ROTA_SIM_CUT_BEFORE, 1, 0 },
		{ "after the counter", false, ROTA_SIM_CUT_DONE, 1, 1 },
		{ "a counter that lies", false, ROTA_SIM_SILENT, 1, 0 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = bound_device();

		ROW(rows[i].what);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		next_root(w, KEY_ROOT4);
		boot_fails = rows[i].boot_fails;
		rota_sim_supply_plan(&supply, 1, rows[i].fault, 1);
		if (rows[i].fault == ROTA_SIM_SILENT)
			CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		else
			CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);
		CHECK_EQ(boot.binding, rows[i].boot_then);
		CHECK_EQ(counters.value[ROTA_COUNTER_STATE], rows[i].counter_then);
		rota_sim_supply_on(&supply);
		boot_fails = false;
		world_boot(w);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK_BOUND(w, 1);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	}
}

/* The boot journal must not look new before it says that the image is confirmed: an image of the flash made in
 * between would be current for ever, and run the old release. */
TEST(the_boot_journal_is_bound_after_the_slots_are_confirmed)
{
	struct world *w = bound_device();

	offer(w, "2.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	boot_fails = true;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_OUTCOME(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK(world_runs(w, FIRST)); /* confirmed */
	CHECK_EQ(boot.binding, 0);
	CHECK_EQ(counters.value[ROTA_COUNTER_STATE], 0);
	boot_fails = false;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
}

TEST(a_counter_that_cannot_be_read_now_installs_nothing)
{
	struct world *w = bound_device();

	offer(w, "2.0.0");
	counters.away = 1u << ROTA_COUNTER_STATE;
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1); /* told once */
	CHECK(world_runs(w, FACTORY));
	counters.away = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	ROW("a trial waits, neither confirmed nor given up");
	offer(w, "3.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	counters.away = 1u << ROTA_COUNTER_STATE;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_TRIAL);
	CHECK(world_runs(w, FIRST));
	counters.away = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_BOUND(w, 2);
	ROW("the boot journal is held by another");
	boot_error = ROTA_ERR_TIMEOUT;
	CHECK_STOPPED(w, ROTA_ERR_TIMEOUT, ROTA_CLAUSE_SPEC_9_6);
	CHECK(!w->state.bound.restored);
}

/* ---- flash that was put back ---- */

/* A device that ran 2.0.0 and has the flash of before back. */
static struct world *restored(void)
{
	struct world *w = bound_device();

	if (world_settle(w) != ROTA_UPDATE_IDLE)
		test_fail(__FILE__, __LINE__, "not idle");
	read_out(w);
	offer(w, "2.0.0");
	if (world_settle(w) != ROTA_UPDATE_IDLE || !world_runs(w, FIRST))
		test_fail(__FILE__, __LINE__, "not updated");
	put_back(w);
	return w;
}

TEST(flash_put_back_is_noticed_and_a_refresh_at_signed_time_ends_it)
{
	struct world *w = restored();

	CHECK(world_runs(w, FACTORY));
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_RESTORED), ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_BOUND), 1);
	CHECK_EQ(w->time_asked, 1);
	CHECK(world_runs(w, FIRST)); /* installed anew, once it was bound */
	CHECK_BOUND(w, 3); /* 2.0.0; bound anew; 2.0.0 again */
}

/* SPEC 10.2: boot fell back to an image that the boot state does not name. */
TEST(a_device_that_runs_an_unknown_image_is_a_restored_one)
{
	struct world *w = bound_device();

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	boot.confirmed = 1; /* and does not verify */
	w->slots[0].unknown = true;
	w->time = NULL;
	offer(w, "2.0.0");
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK(w->state.bound.restored);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(boot.confirmed, 0); /* what runs is known now */
	CHECK_MEM(boot.digest[0][0], w->image[FACTORY].digest, 32);
	w->slots[0].unknown = false;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5); /* known, and not trusted */
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	w->time = tell_time;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK(!w->state.bound.restored);
}

/* The events' numbers go on above those said before, else the server takes them for repeats. */
TEST(a_lost_device_journal_is_an_old_one)
{
	struct world *w = bound_device();

	read_out(w); /* as the factory made it */
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->flash = image.flash;
	w->clock_s += 60;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_STARTED), 2);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_BOUND(w, 2);
}

TEST(without_signed_time_a_restored_device_installs_nothing)
{
	struct world *w = restored();

	w->time = NULL;
	for (int i = 0; i < 3; i++) {
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK(world_runs(w, FACTORY));
		CHECK(w->state.bound.restored);
		CHECK_EQ(boot.binding, 0);
		CHECK_EQ(counters.value[ROTA_COUNTER_STATE], 1);
	}
	CHECK_EQ(w->commits, 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
	CHECK_EQ(w->slots[0].trials, 0);
	ROW("nor does a device that cannot draw a nonce");
	w->time = tell_time;
	w->random = NULL;
	CHECK_STOPPED(w, ROTA_ERR_UNSUPPORTED, ROTA_CLAUSE_SPEC_5_5);
	w->random = &random_port;
	ROW("it refreshes none the less");
	next_root(w, KEY_ROOT4);
	w->time = NULL;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK_EQ(w->state.trusted.root.version, 2);
	CHECK(w->state.bound.restored);
	CHECK_EQ(counters.value[ROTA_COUNTER_STATE], 1);
}

TEST(an_answer_that_is_not_the_time_leaves_it_restored)
{
	static const struct {
		const char *what;
		int key;
		int64_t ahead_s;
		uint64_t takes_s;
		bool other_nonce, long_answer;
		enum rota_err err;
		enum rota_clause clause;
	} rows[] = {
		{ "by a key of nobody", KEY_ROGUE1, 0, 0, false, false, ROTA_ERR_ROLE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "by the key of timestamp", KEY_TIMESTAMP, 0, 0, false, false, ROTA_ERR_ROLE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "to another nonce", TIME_KEY, 0, 0, true, false, ROTA_ERR_SIGNATURE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "after a minute", TIME_KEY, 0, 61, false, false, ROTA_ERR_TIMEOUT,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "of too many bytes", TIME_KEY, 0, 0, false, true, ROTA_ERR_LENGTH,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "before the time floor", TIME_KEY, -7200, 0, false, false, ROTA_ERR_TIME,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "a time at which the timestamp has expired", TIME_KEY, 2 * DAY_S, 0, false, false,
			ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = restored();

		ROW(rows[i].what);
		service.key = rows[i].key;
		service.now_s = w->clock_s + (uint64_t)rows[i].ahead_s;
		service.takes_s = rows[i].takes_s;
		service.other_nonce = rows[i].other_nonce;
		service.long_answer = rows[i].long_answer;
		CHECK_STOPPED(w, rows[i].err, rows[i].clause);
		CHECK(w->state.bound.restored);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(counters.value[ROTA_COUNTER_STATE], 1);
	}
}

/* The device's own clock was set to a day when the old metadata was good, and the network shows no other. */
TEST(an_old_clock_and_an_old_mirror_do_not_end_it)
{
	struct world *w = restored();

	service.now_s = w->clock_s + 30 * DAY_S; /* the truth */
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK(w->state.bound.restored);
	CHECK(world_runs(w, FACTORY));
}

TEST(the_clock_of_a_restored_device_does_not_keep_it_so)
{
	struct world *w = restored();

	service.now_s = w->clock_s; /* the truth */
	w->clock_s += 30 * DAY_S;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT); /* 2.0.0 is installed */
	CHECK_EQ(world_events(w, ROTA_EVENT_BOUND), 1);
}

/* At a change of keys there are two; a third one is not looked at. */
TEST(the_first_two_keys_of_time_count)
{
	static const int all[] = { KEY_CI, TIME_KEY, KEY_DEVICE };
	int accepted = 0;

	for (size_t i = 0; i < ROWS(all); i++) {
		struct world *w = restored();
		struct maker_role *r = &w->m.role[w->m.role_count - 1];

		memcpy(r->keys, all, sizeof(all));
		r->key_count = ROWS(all);
		r->signers[0] = all[0];
		maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
		service.key = all[i];
		(void)world_settle(w);
		accepted += world_events(w, ROTA_EVENT_BOUND);
	}
	CHECK_EQ(accepted, 2);
}

TEST(each_question_has_a_nonce_of_its_own)
{
	struct world *w = restored();

	service.key = KEY_ROGUE1;
	CHECK_STOPPED(w, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_5_5);
	CHECK_STOPPED(w, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_5_5);
	CHECK_EQ(service.count, 2);
	CHECK(service.nonces[0] != service.nonces[1]);
}

TEST(a_repository_without_the_role_time_leaves_it_restored)
{
	struct world *w = restored();

	w->m.role_count--;
	maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	CHECK(w->state.bound.restored);
	CHECK_EQ(w->time_asked, 0);
}

TEST(either_journal_put_back_alone_is_noticed)
{
	for (int which = 0; which < 2; which++) {
		struct world *w = bound_device();

		ROW(which == 0 ? "device" : "boot");
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		read_out(w);
		offer(w, "2.0.0");
		CHECK_IDLE(w, ROTA_CLAUSE_NONE);
		if (which == 0)
			w->flash = image.flash;
		else
			boot = image.boot;
		world_boot(w);
		w->time = NULL;
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	}
}

/* Flash read out while a release was on trial, or asked for: it is not gone on with. */
TEST(a_trial_of_old_flash_is_given_up)
{
	for (int started = 0; started < 2; started++) {
		struct world *w = bound_device();

		ROW(started ? "runs" : "asked for");
		offer(w, "2.0.0");
		CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
		read_out(w);
		world_boot(w);
		if (started)
			read_out(w);
		CHECK_IDLE(w, ROTA_CLAUSE_NONE);
		CHECK_EQ(counters.value[ROTA_COUNTER_STATE], 1);
		w->flash = image.flash;
		memcpy(w->slots, image.slots, sizeof(image.slots));
		boot = image.boot;
		if (!started)
			world_boot(w);
		else if (rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE) !=
			ROTA_OK)
			test_fail(__FILE__, __LINE__, "no journal");
		w->time = NULL;
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	}
}

TEST(a_counter_that_is_gone_leaves_recovery_orders_alone)
{
	struct world *w = bound_device();

	offer(w, "2.0.0");
	counters.gone = 1u << ROTA_COUNTER_STATE;
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(w->time_asked, 0);
	CHECK(world_runs(w, FACTORY));
	CHECK(w->state.trusted.timestamp_version > 0); /* it refreshed */
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(w->commits, 0);
}

TEST(a_board_with_another_counter_is_bound_to_it_in_the_same_way)
{
	struct world *w = bound_device();

	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_BOUND(w, 2);
	counters.value[ROTA_COUNTER_STATE] = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_BOUND(w, 1);
}

TEST(a_lost_boot_journal_is_an_old_one)
{
	struct world *w = bound_device();

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	boot_error = ROTA_ERR_CORRUPT;
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK(w->state.bound.restored);
	boot_error = ROTA_OK;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 1);
}

/* What THREATS.md says of devices without a counter. */
TEST(without_a_counter_old_flash_is_believed)
{
	struct world *w = bound_device();

	w->counter = NULL;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	read_out(w);
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(boot_commits, 0);
	put_back(w);
	CHECK(world_runs(w, FACTORY));
	w->event_count = 0; /* their numbers come again, too */
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	CHECK(world_runs(w, FIRST));
}

TESTS(T(the_counter_rises_with_a_confirmed_release_and_not_with_a_refresh),
	T(it_rises_with_root_keys_and_not_with_those_of_other_roles),
	T(several_changes_at_once_are_one_step), T(a_rise_that_was_cut_off_is_finished),
	T(the_boot_journal_is_bound_after_the_slots_are_confirmed),
	T(a_counter_that_cannot_be_read_now_installs_nothing),
	T(flash_put_back_is_noticed_and_a_refresh_at_signed_time_ends_it),
	T(a_device_that_runs_an_unknown_image_is_a_restored_one),
	T(a_lost_device_journal_is_an_old_one),
	T(without_signed_time_a_restored_device_installs_nothing),
	T(an_answer_that_is_not_the_time_leaves_it_restored),
	T(an_old_clock_and_an_old_mirror_do_not_end_it),
	T(the_clock_of_a_restored_device_does_not_keep_it_so), T(the_first_two_keys_of_time_count),
	T(each_question_has_a_nonce_of_its_own),
	T(a_repository_without_the_role_time_leaves_it_restored),
	T(either_journal_put_back_alone_is_noticed), T(a_trial_of_old_flash_is_given_up),
	T(a_counter_that_is_gone_leaves_recovery_orders_alone),
	T(a_board_with_another_counter_is_bound_to_it_in_the_same_way),
	T(a_lost_boot_journal_is_an_old_one), T(without_a_counter_old_flash_is_believed))
