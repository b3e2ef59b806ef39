/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper keeps, sealed by the AES key of a token of SoftHSM: SPEC 23.3, 23.4, 23.9. */
#include "host/base/file.h"
#include "host/series/emergency.h"
#include "host/series/keeper.h"
#include "ports/pkcs11/sealer.h"
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

static const char *softhsm(void)
{
	static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so" };

	return rota_file_exists(places[0]) ? places[0] : places[1];
}

static void put_secret(const char *name, const char *text)
{
	tempdir_put(name, text);
	chmod(tempdir_path(name), 0600);
}

static bool set_up(void)
{
	const char *dir = tempdir_fresh();
	char text[2 * ROTA_FILE_PATH_MAX];

	snprintf(s.environment, sizeof(s.environment), "SOFTHSM2_CONF=%s/softhsm2.conf", dir);
	snprintf(text, sizeof(text),
		"directories.tokendir = %s/store\nobjectstore.backend = file\nlog.level = ERROR\n",
		dir);
	mkdir(tempdir_path("store"), 0700);
	mkdir(tempdir_path("kept"), 0700);
	snprintf(s.kept, sizeof(s.kept), "%s/kept", dir);
	put_secret("softhsm2.conf", text);
	put_secret("pin", "5f3c-pin-of-a-test\n");
	put_secret("so-pin", "12345678\n");
	s.token = (struct rota_pkcs11_token){ .name = "keeper",
		.dir = dir,
		.module = softhsm(),
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

static bool put(uint64_t version, uint64_t from_s)
{
	return rota_keeper_put(&s.keeper, ROTA_SEALED_PIN, version, from_s, ROTA_STR("the PINs"),
		       &s.why) == ROTA_OK &&
		rota_keeper_put(&s.keeper, ROTA_SEALED_ROOT, version, from_s, ROTA_STR("a root"),
			&s.why) == ROTA_OK;
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
	CHECK_OK(rota_keeper_put(&s.keeper, ROTA_SEALED_ROOT, 7, 0, ROTA_STR("a root"), &s.why));
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
	CHECK_OK(
		rota_keeper_put(&s.keeper, ROTA_SEALED_PIN, 7, FROM, ROTA_STR("the PINs"), &s.why));
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
	T(what_no_root_names_is_given_back), T(an_emergency_gives_roots_and_no_pin),
	T(emergencies_are_written_and_read))
