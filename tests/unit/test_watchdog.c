/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of SPEC 10.8; a device's days in virtual time, with resets; tickets signed by OpenSSL. */
#include "boot/watchdog.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/test.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#define DAY 86400u
#define PERIOD (7 * DAY)
#define SLICE (PERIOD / ROTA_WATCHDOG_SLICES)
#define BOUND 600
#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct rota_rom_watchdog dog = { PERIOD, BOUND, 0 };
static const struct rota_rom_watchdog off;
static const uint8_t digest[32] = { 1 };

static struct rota_bootstate fresh(const struct rota_rom_watchdog *rom)
{
	struct rota_bootstate state;

	rota_bootstate_init(&state, 0, digest);
	rota_watchdog_init(rom, &state);
	return state;
}

enum { BOOT = ROTA_WATCHDOG_BOOT, OVER = ROTA_WATCHDOG_OVER };
enum { RUN = ROTA_WATCHDOG_RUN, UPDATER = ROTA_WATCHDOG_UPDATER };
enum { APP = ROTA_WATCHDOG_RUN_APPLICATION, ALONE = ROTA_WATCHDOG_RUN_UPDATER };
enum { RESET = ROTA_WATCHDOG_RESET };

TEST(every_row)
{
	static const struct {
		const char *why;
		uint32_t event, phase, left;
		int asked; /* 1: a trial; 2: that of an order, once more */
		uint32_t act, run_s, phase_after, left_after;
		bool commit;
	} rows[] = {
		{ "a boot", BOOT, RUN, PERIOD, 0, APP, SLICE, RUN, PERIOD - SLICE, 1 },
		{ "a boot with a trial", BOOT, RUN, PERIOD, 1, APP, SLICE, RUN, PERIOD - SLICE, 1 },
		{ "the last slice", BOOT, RUN, 5, 0, APP, 5, RUN, 0, 1 },
		{ "nothing left", BOOT, RUN, 0, 0, ALONE, BOUND, UPDATER, 0, 1 },
		{ "nothing left: a trial first", BOOT, RUN, 0, 1, APP, SLICE, RUN, 0, 0 },
		{ "nothing left: an order's image, tried again", BOOT, RUN, 0, 2, APP, SLICE, RUN,
			0, 0 },
		{ "the updater ended, or was cut off", BOOT, UPDATER, 0, 0, APP, SLICE, RUN,
			PERIOD - SLICE, 1 },
		{ "it asked for a trial", BOOT, UPDATER, PERIOD, 1, APP, SLICE, RUN, PERIOD - SLICE,
			1 },
		{ "the next slice", OVER, RUN, PERIOD, 0, APP, SLICE, RUN, PERIOD - SLICE, 1 },
		{ "no next slice", OVER, RUN, 0, 0, RESET, 0, RUN, 0, 0 },
		{ "no next slice for a trial", OVER, RUN, 0, 1, RESET, 0, RUN, 0, 0 },
		{ "the updater ran out", OVER, UPDATER, 0, 0, RESET, 0, UPDATER, 0, 0 },
		{ "the updater ran out, refreshed", OVER, UPDATER, 9, 0, RESET, 0, UPDATER, 9, 0 },
		{ "more left than there can be", BOOT, RUN, UINT32_MAX, 0, APP, SLICE, RUN,
			PERIOD - SLICE, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bootstate state = fresh(&dog);
		struct rota_watchdog_turn turn;

		ROW(rows[i].why);
		if (rows[i].asked == 2)
			state.order_phase = ROTA_ORDER_TRIAL;
		if (rows[i].asked)
			CHECK_OK(rota_bootstate_ask(&state, 0, digest));
		if (rows[i].asked == 2)
			CHECK_OK(rota_bootstate_start(&state));
		state.watchdog.phase = (uint8_t)rows[i].phase;
		state.watchdog.left_s = rows[i].left;
		rota_watchdog_next(&dog, (enum rota_watchdog_event)rows[i].event, &state, &turn);
		CHECK_EQ(turn.act, rows[i].act);
		CHECK_EQ(turn.run_s, rows[i].run_s);
		CHECK_EQ(turn.commit, rows[i].commit);
		CHECK_EQ(state.watchdog.phase, rows[i].phase_after);
		CHECK_EQ(state.watchdog.left_s, rows[i].left_after);
	}
}

TEST(without_a_field_in_rom_there_is_none)
{
	struct rota_bootstate state = fresh(&off);
	struct rota_time_keys none = { 0 };
	struct rota_watchdog_turn turn;

	for (int phase = 0; phase < 2; phase++) {
		state.watchdog.phase = (uint8_t)phase;
		rota_watchdog_next(&off, ROTA_WATCHDOG_BOOT, &state, &turn);
		CHECK_EQ(turn.act, APP);
		CHECK_EQ(turn.run_s, 0);
		CHECK(!turn.commit);
		CHECK(!rota_watchdog_refreshed(&off, &none, &state));
	}
}

/* Run for `seconds`, reset each `every` seconds; how long the application ran until the updater was alone, or
 * UINT64_MAX when it never was. */
static uint64_t until_alone(struct rota_bootstate *state, uint64_t seconds, uint32_t every)
{
	uint64_t ran = 0;
	struct rota_watchdog_turn turn;

	while (ran < seconds) {
		uint32_t up = 0;

		rota_watchdog_next(&dog, ROTA_WATCHDOG_BOOT, state, &turn);
		while (turn.act == ROTA_WATCHDOG_RUN_APPLICATION && up + turn.run_s <= every) {
			up += turn.run_s;
			rota_watchdog_next(&dog, ROTA_WATCHDOG_OVER, state, &turn);
		}
		ran += turn.act == ROTA_WATCHDOG_RUN_APPLICATION ? every : up;
		if (turn.act == ROTA_WATCHDOG_RUN_UPDATER)
			return ran;
	}
	return UINT64_MAX;
}

TEST(resets_stretch_nothing)
{
	static const uint32_t each[] = { UINT32_MAX / 2, DAY, SLICE + 1, SLICE, SLICE - 1, 60, 1 };

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		struct rota_bootstate state = fresh(&dog);
		uint64_t ran = until_alone(&state, 100 * PERIOD, each[i]);

		CHECK(ran <= PERIOD);
		CHECK(each[i] < SLICE || ran >= PERIOD / 2);
	}
}

TEST(it_runs_once_and_then_a_whole_period_again)
{
	struct rota_bootstate state = fresh(&dog);
	struct rota_watchdog_turn turn;

	for (int times = 0; times < 3; times++) {
		CHECK_EQ(until_alone(&state, 2 * PERIOD, UINT32_MAX / 2), PERIOD);
		rota_watchdog_next(&dog, ROTA_WATCHDOG_OVER, &state, &turn);
		CHECK_EQ(turn.act, RESET);
	}
}

TEST(a_refresh_gives_a_whole_period)
{
	struct rota_time_keys keys = { 1, { { 7 } } }, other = { 2, { { 7 }, { 8 } } };
	struct rota_bootstate state = fresh(&dog);
	struct rota_watchdog_turn turn;

	CHECK(rota_watchdog_refreshed(&dog, &keys, &state)); /* keys that it had not */
	CHECK(!rota_watchdog_refreshed(&dog, &keys, &state));
	rota_watchdog_next(&dog, ROTA_WATCHDOG_BOOT, &state, &turn);
	CHECK(!rota_watchdog_refreshed(&dog, &keys, &state)); /* not worth a commit */
	state.watchdog.left_s = PERIOD - PERIOD / 8 + 1;
	CHECK(!rota_watchdog_refreshed(&dog, &keys, &state));
	state.watchdog.left_s--;
	CHECK(rota_watchdog_refreshed(&dog, &keys, &state));
	CHECK_EQ(state.watchdog.left_s, PERIOD);
	state.watchdog.left_s = 0;
	CHECK(rota_watchdog_refreshed(&dog, &keys, &state));
	CHECK(rota_watchdog_refreshed(&dog, &other, &state));
	CHECK_EQ(rota_watchdog_keys(&state).count, 2);
	CHECK(rota_watchdog_refreshed(&dog, &keys, &state));
	CHECK_EQ(rota_watchdog_keys(&state).count, 1);
	CHECK_EQ(rota_watchdog_keys(&state).sha256[0][0], 7);
	state.watchdog.left_s = UINT32_MAX;
	CHECK(rota_watchdog_refreshed(&dog, &keys, &state));
	CHECK_EQ(state.watchdog.left_s, PERIOD);
}

/* ---- tickets ---- */

static struct rota_rom rom(void)
{
	return (struct rota_rom){ .watchdog = dog, .device_id = ROTA_STR(ID) };
}

static EVP_PKEY *key, *stranger;

static struct rota_ticket ticket(EVP_PKEY *by, uint32_t number, uint32_t seconds)
{
	static uint8_t raw[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN];
	uint8_t message[96], der[80];
	struct rota_writer w = rota_writer(ROTA_BUF(message));
	struct rota_ticket t = { number, seconds,
		{ ROTA_ALG_ECDSA_P256, ROTA_SPAN(raw), ROTA_SPAN(sig) } };
	const uint8_t *at = der;
	size_t len = sizeof(raw), der_len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *parts;

	rota_write_span(&w, ROTA_STR("rota-ticket-v1" ID));
	rota_write_le32(&w, number);
	rota_write_le32(&w, seconds);
	EVP_PKEY_get_octet_string_param(by, "pub", raw, len, &len);
	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, by);
	EVP_DigestSign(ctx, der, &der_len, message, rota_writer_span(&w).len);
	EVP_MD_CTX_free(ctx);
	parts = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(parts), sig, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(parts), sig + 32, 32);
	ECDSA_SIG_free(parts);
	return t;
}

static enum rota_err take(struct rota_bootstate *state, const struct rota_rom *factory,
	EVP_PKEY *by, uint32_t number, uint32_t seconds)
{
	struct rota_ticket t = ticket(by, number, seconds);

	return rota_watchdog_ticket(factory, &rota_crypto_openssl, &t, state);
}

TEST(a_ticket_counts_once_and_in_order)
{
	struct rota_rom factory = rom();
	struct rota_bootstate state = fresh(&dog), before;
	struct rota_time_keys keys = { .count = 1 };
	struct rota_ticket t;

	key = EVP_EC_gen("P-256");
	stranger = EVP_EC_gen("P-256");
	CHECK_EQ(take(&state, &factory, key, 1, DAY), ROTA_ERR_ROLE); /* no refresh left a key */
	t = ticket(key, 1, 1);
	rota_time_key_digest(&rota_crypto_openssl, t.by.alg, t.by.key, keys.sha256[0]);
	CHECK(rota_watchdog_refreshed(&dog, &keys, &state));
	state.watchdog.left_s = 60;
	before = state;

	CHECK_EQ(take(&state, &factory, stranger, 1, DAY), ROTA_ERR_ROLE);
	CHECK_EQ(take(&state, &factory, key, 2, DAY), ROTA_ERR_VERSION);
	CHECK_EQ(take(&state, &factory, key, 0, DAY), ROTA_ERR_VERSION);
	CHECK_EQ(take(&state, &factory, key, 1, PERIOD + 1), ROTA_ERR_LIMIT);
	factory.device_id = ROTA_STR("ff112233445566778899aabbccddeeff"
				     "00112233445566778899aabbccddeeff");
	CHECK_EQ(take(&state, &factory, key, 1, DAY), ROTA_ERR_SIGNATURE);
	factory = rom();
	factory.watchdog = off;
	CHECK_EQ(take(&state, &factory, key, 1, DAY), ROTA_ERR_UNSUPPORTED);
	CHECK_MEM(&state, &before, sizeof(state));

	factory = rom();
	CHECK_OK(take(&state, &factory, key, 1, DAY));
	CHECK_EQ(state.watchdog.left_s, DAY);
	CHECK_EQ(take(&state, &factory, key, 1, DAY), ROTA_ERR_VERSION);
	CHECK_OK(take(&state, &factory, key, 2, 5)); /* it never takes time away */
	CHECK_EQ(state.watchdog.left_s, DAY);
	CHECK_OK(take(&state, &factory, key, 3, PERIOD));
	CHECK_EQ(state.watchdog.left_s, PERIOD);
	state.watchdog.ticket = UINT32_MAX;
	CHECK_EQ(take(&state, &factory, key, 0, DAY), ROTA_ERR_VERSION);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
}

TESTS(T(every_row), T(without_a_field_in_rom_there_is_none), T(resets_stretch_nothing),
	T(it_runs_once_and_then_a_whole_period_again), T(a_refresh_gives_a_whole_period),
	T(a_ticket_counts_once_and_in_order))
