/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper keeps, sealed by the AES key of a token of SoftHSM: SPEC 23.3, 23.4, 23.9. */
#include "host/base/file.h"
#include "host/series/emergency.h"
#include "host/series/keeper.h"
#include "ports/pkcs11/sealer.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FROM 1800000000
#define HOUR 3600

static struct {
	char environment[2 * ROTA_FILE_PATH_MAX], kept[ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_sealer sealer;
	struct rota_keeper keeper;
	struct rota_bytes root, pin;
	struct rota_fail why;
	unsigned given;
} s;

static bool set_up(void)
{
	const char *dir = tempdir_fresh();

	snprintf(s.environment, sizeof(s.environment), "SOFTHSM2_CONF=%s/softhsm2.conf", dir);
	mkdir(tempdir_path("kept"), 0700);
	snprintf(s.kept, sizeof(s.kept), "%s/kept", dir);
	softhsm_store("store", "5f3c-pin-of-a-test\n");
	s.token = (struct rota_pkcs11_token){ .name = "keeper",
		.dir = dir,
		.module = softhsm_module(),
		.label = "keeper",
		.pin_file = "pin",
		.environment = s.environment };
	s.keeper = (struct rota_keeper){ .dir = s.kept, .scope = "sensor", .sealer = &s.sealer };
	return rota_pkcs11_sealer_make(&s.token, "so-pin", "series", &s.why) == ROTA_OK &&
		rota_pkcs11_sealer_open(&s.token, "series", &s.sealer, &s.why) == ROTA_OK;
}

static void take_down(void)
{
	s.sealer.close(s.sealer.ctx);
	tempdir_remove();
}

static bool put_one(enum rota_sealed_kind kind, uint64_t version, uint64_t from_s)
{
	const struct rota_timeslot slot = { version, from_s, from_s + 2 * HOUR };

	return rota_keeper_put(&s.keeper, kind, &slot,
		       kind == ROTA_SEALED_ROOT ? ROTA_STR("a root") : ROTA_STR("the PINs"),
		       &s.why) == ROTA_OK;
}

static bool put(uint64_t version, uint64_t from_s)
{
	return put_one(ROTA_SEALED_PIN, version, from_s) &&
		put_one(ROTA_SEALED_ROOT, version, from_s);
}

static enum rota_err open_slot(uint64_t version, uint64_t now)
{
	enum rota_err err = rota_keeper_open(&s.keeper, version, now, &s.root, &s.pin, &s.why);

	if (err != ROTA_OK)
		return err;
	if (!rota_span_eq(rota_bytes_span(&s.root), ROTA_STR("a root")) ||
		!rota_span_eq(rota_bytes_span(&s.pin), ROTA_STR("the PINs")))
		err = ROTA_ERR_HASH;
	rota_bytes_wipe(&s.root);
	rota_bytes_wipe(&s.pin);
	return err;
}

TEST(a_slot_is_given_from_an_hour_before_it)
{
	CHECK(set_up());
	CHECK(put(7, FROM));
	CHECK_EQ(open_slot(7, FROM - HOUR - 1), ROTA_ERR_TIME);
	CHECK(tempdir_get("kept/opened") == NULL); /* what is refused moves no clock */
	CHECK_OK(open_slot(7, FROM - HOUR));
	CHECK(tempdir_get("kept/opened") != NULL);
	CHECK_OK(open_slot(7, FROM)); /* it did not arrive */
	CHECK_OK(rota_keeper_taken(&s.keeper, 7, &s.why));
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(open_slot(8, FROM), ROTA_ERR_NOT_FOUND);
	take_down();
}

/* ---- a daemon has the slots ---- */

static enum rota_err root_of(uint64_t version, uint64_t now)
{
	enum rota_err err = rota_keeper_root(&s.keeper, version, now, &s.root, &s.why);

	if (err == ROTA_OK)
		rota_bytes_wipe(&s.root);
	return err;
}

static enum rota_err pin_of(uint64_t version, enum rota_keeper_purpose purpose, uint64_t now)
{
	enum rota_err err = rota_keeper_pin(&s.keeper, version, purpose, now, &s.pin, &s.why);

	if (err == ROTA_OK && !rota_span_eq(rota_bytes_span(&s.pin), ROTA_STR("the PINs")))
		err = ROTA_ERR_HASH;
	if (err == ROTA_OK)
		rota_bytes_wipe(&s.pin);
	return err;
}

/* Root once, PINs as often as a daemon starts: in their time, and then to empty the token. */
TEST(a_daemon_holds_a_slot_while_it_lasts)
{
	CHECK(set_up());
	CHECK(put(7, FROM));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM - HOUR - 1), ROTA_ERR_TIME);
	CHECK_EQ(root_of(7, FROM - HOUR - 1), ROTA_ERR_TIME);
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_EMPTY, FROM), ROTA_ERR_STATE);
	CHECK(!rota_file_exists(tempdir_path("kept/7.open")));
	CHECK_OK(root_of(7, FROM - HOUR));
	CHECK(rota_file_exists(tempdir_path("kept/7.open")));
	CHECK_OK(root_of(7, FROM - HOUR)); /* it did not arrive */
	CHECK_OK(rota_keeper_root_taken(&s.keeper, 7, &s.why));
	CHECK_EQ(root_of(7, FROM), ROTA_ERR_NOT_FOUND);
	for (int i = 0; i < 2; i++)
		CHECK_OK(pin_of(7, ROTA_KEEPER_TO_SIGN, i ? FROM + 3 * HOUR - 1 : FROM));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM + 3 * HOUR), ROTA_ERR_EXPIRED);
	CHECK_OK(pin_of(7, ROTA_KEEPER_TO_EMPTY, FROM + 3 * HOUR));
	CHECK_OK(rota_keeper_look(&s.keeper, 7, &s.why));
	CHECK_OK(rota_keeper_taken(&s.keeper, 7, &s.why));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_EMPTY, FROM + 3 * HOUR), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_keeper_look(&s.keeper, 7, &s.why), ROTA_ERR_NOT_FOUND);
	CHECK(!rota_file_exists(tempdir_path("kept/7.open")));
	take_down();
}

TEST(a_daemon_gets_no_slot_by_a_clock_that_went_back)
{
	CHECK(set_up());
	CHECK(put(7, FROM) && put(8, FROM + 2 * HOUR));
	CHECK_OK(pin_of(8, ROTA_KEEPER_TO_SIGN, FROM + HOUR));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM + HOUR - 1), ROTA_ERR_TIME);
	CHECK_EQ(pin_of(8, ROTA_KEEPER_TO_EMPTY, FROM + HOUR - 1), ROTA_ERR_TIME);
	CHECK(strstr(s.why.text, "went back"));
	take_down();
}

/* Who makes tokens has them back when no root names them, and never a slot's that is open. */
TEST(an_open_slot_is_not_undone)
{
	CHECK(set_up());
	CHECK(put_one(ROTA_SEALED_PIN, 7, FROM));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM), ROTA_ERR_STATE);
	CHECK(put_one(ROTA_SEALED_ROOT, 7, FROM));
	CHECK_OK(root_of(7, FROM));
	CHECK_OK(rota_keeper_root_taken(&s.keeper, 7, &s.why));
	CHECK_EQ(rota_keeper_undo(&s.keeper, 7, &s.pin, &s.why), ROTA_ERR_STATE);
	take_down();
}

/* A root that says another hour brings PINs later, not earlier. */
TEST(the_later_hour_counts_for_a_daemon)
{
	CHECK(set_up());
	CHECK(put(7, FROM));
	CHECK(put_one(ROTA_SEALED_ROOT, 7, FROM + 2 * HOUR));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM), ROTA_ERR_TIME);
	CHECK(put_one(ROTA_SEALED_ROOT, 7, 0));
	CHECK_EQ(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM - HOUR - 1), ROTA_ERR_TIME);
	CHECK_OK(pin_of(7, ROTA_KEEPER_TO_SIGN, FROM - HOUR));
	take_down();
}

TEST(its_clock_goes_on_or_nothing_is_given)
{
	CHECK(set_up());
	CHECK(put(7, FROM) && put(8, FROM));
	CHECK_OK(open_slot(7, FROM + 100));
	CHECK_EQ(open_slot(8, FROM + 99), ROTA_ERR_TIME);
	CHECK(strstr(s.why.text, "went back"));
	CHECK_OK(open_slot(8, FROM + 100));
	tempdir_put("kept/opened", "soon\n");
	CHECK_EQ(open_slot(8, FROM + 100), ROTA_ERR_CORRUPT);
	take_down();
}

/* The later hour of the two counts: who may put a root there again cannot make a PIN come early. */
TEST(a_root_that_says_another_hour)
{
	CHECK(set_up());
	CHECK(put(7, FROM));
	CHECK(put_one(ROTA_SEALED_ROOT, 7, 0));
	CHECK_EQ(open_slot(7, FROM - 2 * HOUR), ROTA_ERR_TIME);
	take_down();
}

/* A copy of `from`, one bit of byte `at` changed if there is such a byte. */
static void spoil(const char *name, size_t at, const char *from)
{
	struct rota_bytes file;

	CHECK_OK(rota_file_read(tempdir_path(from), ROTA_SEALED_MAX, &file, &s.why));
	if (at < file.len)
		file.p[at] ^= 1;
	CHECK_OK(rota_file_write(tempdir_path(name), rota_bytes_span(&file), 0600, &s.why));
	rota_bytes_free(&file);
}

/* One in another's place, and its head says so too. */
static void disguise(const char *name, size_t at, uint8_t value, const char *from)
{
	struct rota_bytes file;

	CHECK_OK(rota_file_read(tempdir_path(from), ROTA_SEALED_MAX, &file, &s.why));
	file.p[at] = value;
	CHECK_OK(rota_file_write(tempdir_path(name), rota_bytes_span(&file), 0600, &s.why));
	rota_bytes_free(&file);
}

TEST(a_file_is_what_it_was_sealed_as)
{
	struct rota_bytes file;
	size_t len;

	CHECK(set_up());
	CHECK(put(7, FROM) && put(8, FROM));
	CHECK_OK(rota_file_read(tempdir_path("kept/7.root"), ROTA_SEALED_MAX, &file, &s.why));
	len = file.len;
	rota_bytes_free(&file);
	spoil("whole", len, "kept/7.root");
	for (size_t at = 0; at < len; at++) {
		spoil("kept/7.root", at, "whole");
		CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	}
	spoil("kept/7.root", len, "kept/8.root");
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	spoil("kept/7.root", len, "kept/7.pin");
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	disguise("kept/7.root", 9, ROTA_SEALED_ROOT, "kept/7.pin");
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	disguise("kept/7.root", 10, 7, "kept/8.root");
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	spoil("kept/7.root", len, "whole");
	s.keeper.scope = "actor";
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	s.keeper.scope = "sensor";
	CHECK_OK(open_slot(7, FROM));
	tempdir_put("kept/7.root", "ROTASLOT");
	CHECK_EQ(open_slot(7, FROM), ROTA_ERR_CORRUPT);
	take_down();
}

TEST(what_no_root_names_is_given_back)
{
	CHECK(set_up());
	CHECK_EQ(rota_keeper_undo(&s.keeper, 7, &s.pin, &s.why), ROTA_ERR_NOT_FOUND);
	CHECK(put_one(ROTA_SEALED_PIN, 7, FROM));
	CHECK_OK(rota_keeper_undo(&s.keeper, 7, &s.pin, &s.why));
	rota_bytes_wipe(&s.pin);
	CHECK(put(7, FROM));
	CHECK_EQ(rota_keeper_undo(&s.keeper, 7, &s.pin, &s.why), ROTA_ERR_STATE);
	take_down();
}

static enum rota_err on_root(
	void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why)
{
	(void)ctx;
	s.given++;
	return rota_span_eq(root, ROTA_STR("a root")) && version >= 7 && version <= 9
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_HASH, "not that root");
}

TEST(an_emergency_gives_roots_and_no_pin)
{
	CHECK(set_up());
	CHECK(put(7, FROM) && put(8, FROM) && put(9, FROM) && put(10, FROM));
	s.given = 0;
	CHECK_OK(rota_keeper_emergency(&s.keeper, 7, 9, on_root, NULL, &s.why));
	CHECK_EQ(s.given, 3);
	CHECK_EQ(open_slot(8, FROM), ROTA_ERR_NOT_FOUND);
	CHECK(!rota_file_exists(tempdir_path("kept/8.pin")));
	CHECK_OK(open_slot(10, FROM));
	take_down();
}

TEST(emergencies_are_written_and_read)
{
	static const char *const bad[] = {
		"{}",
		"{\"_type\":\"rota-emergency\",\"first\":7,\"format\":1,\"last\":6,\"product\":"
		"\"sensor\",\"reason\":\"x\"}",
		"{\"_type\":\"rota-emergency\",\"first\":0,\"format\":1,\"last\":6,\"product\":"
		"\"sensor\",\"reason\":\"x\"}",
		"{\"_type\":\"rota-emergency\",\"first\":1,\"format\":1,\"last\":9999,\"product\":"
		"\"sensor\",\"reason\":\"x\"}",
		"{\"_type\":\"rota-emergency\",\"first\":1,\"format\":2,\"last\":6,\"product\":"
		"\"sensor\",\"reason\":\"x\"}",
		"{\"_type\":\"rota-emergency\",\"first\":1,\"format\":1,\"last\":6,\"more\":1,"
		"\"product\":\"sensor\",\"reason\":\"x\"}",
		"{\"_type\":\"rota-emergency\",\"first\":1,\"format\":1,\"last\":6,\"product\":"
		"\"sensor\",\"reason\":\"\"}",
		"{\"_type\":\"rota-promotion\",\"first\":1,\"format\":1,\"last\":6,\"product\":"
		"\"sensor\",\"reason\":\"x\"}",
	};
	struct rota_emergency e = { "sensor", 7, 9, "broken into" }, read;
	struct rota_bytes text;

	CHECK_OK(rota_emergency_write(&e, &text, &s.why));
	CHECK_OK(rota_emergency_read(rota_bytes_span(&text), &read, &s.why));
	rota_bytes_free(&text);
	CHECK(read.first == 7 && read.last == 9 && strcmp(read.product, "sensor") == 0 &&
		strcmp(read.reason, "broken into") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_row = bad[i];
		CHECK(rota_emergency_read(rota_span(bad[i], strlen(bad[i])), &read, &s.why) !=
			ROTA_OK);
	}
	test_row = NULL;
}

TESTS(T(a_slot_is_given_from_an_hour_before_it), T(its_clock_goes_on_or_nothing_is_given),
	T(a_root_that_says_another_hour), T(a_file_is_what_it_was_sealed_as),
	T(what_no_root_names_is_given_back), T(a_daemon_holds_a_slot_while_it_lasts),
	T(a_daemon_gets_no_slot_by_a_clock_that_went_back), T(an_open_slot_is_not_undone),
	T(the_later_hour_counts_for_a_daemon), T(an_emergency_gives_roots_and_no_pin),
	T(emergencies_are_written_and_read))
