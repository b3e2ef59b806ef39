/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry, what follows from a row and a statement, and exports (SPEC 30.2, 30.3), against
 * tests/vectors/keys.py. */
#include "host/campaign/row.h"
#include "host/base/bytes.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/test.h"

#include "tests/vectors/keys_rows.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define CRYPTO (&rota_crypto_openssl)

static uint8_t raw[ROTA_ROW_LEN];
static struct rota_hmac key;

/* The vector in `raw`, and the key that it is under. */
static void vector(void)
{
	uint8_t registry[32];

	if (!rota_unhex(v_row, ROTA_BUF(raw)) || !rota_unhex(v_registry, ROTA_BUF(registry)))
		test_fail(__FILE__, __LINE__, "no vector");
	rota_hmac_begin(&key, CRYPTO, ROTA_SPAN(registry));
}

TEST(a_row_is_read_and_written)
{
	uint8_t again[ROTA_ROW_LEN], want[65];
	struct rota_row r;

	vector();
	CHECK_OK(rota_row_decode(raw, CRYPTO, &key, &r));
	rota_row_product(CRYPTO, ROTA_STR("sensor"), want);
	CHECK_MEM(r.product, want, 8);
	CHECK(rota_unhex(v_device, rota_buf(want, 32)));
	CHECK_MEM(r.device, want, 32);
	CHECK(rota_unhex(v_identity, rota_buf(want, 65)));
	CHECK_MEM(r.identity, want, 65);
	CHECK(rota_unhex(v_point, rota_buf(want, 65)));
	CHECK_MEM(r.agree, want, 65);
	CHECK_EQ(r.counter, 7);
	CHECK_EQ(r.flags, ROTA_ROW_GONE);
	CHECK_EQ(r.proved[0], 100);
	CHECK_EQ(r.proved[7], 107);
	rota_row_encode(&r, CRYPTO, &key, again);
	CHECK_MEM(again, raw, sizeof(raw));
}

/* Who has the database has rows, and no key. */
TEST(no_bit_of_a_row_can_be_another_one)
{
	struct rota_row r;

	vector();
	for (size_t at = 0; at < sizeof(raw); at++) {
		raw[at] ^= 1;
		CHECK_EQ(rota_row_decode(raw, CRYPTO, &key, &r), ROTA_ERR_SIGNATURE);
		raw[at] ^= 1;
	}
	CHECK_OK(rota_row_decode(raw, CRYPTO, &key, &r));
	rota_hmac_begin(&key, CRYPTO, ROTA_STR("another key"));
	CHECK_EQ(rota_row_decode(raw, CRYPTO, &key, &r), ROTA_ERR_SIGNATURE);
}

TEST(halves_of_two_rows_are_none)
{
	uint8_t one[ROTA_ROW_LEN], two[ROTA_ROW_LEN];
	struct rota_row r;

	vector();
	CHECK_OK(rota_row_decode(raw, CRYPTO, &key, &r));
	rota_row_encode(&r, CRYPTO, &key, one);
	r.device[0] ^= 1;
	r.agree[64] ^= 1;
	rota_row_encode(&r, CRYPTO, &key, two);
	memcpy(&one[113], &two[113], 65); /* its agree key */
	CHECK_EQ(rota_row_decode(one, CRYPTO, &key, &r), ROTA_ERR_SIGNATURE);
	memcpy(&two[224], &one[224], 32); /* its HMAC */
	CHECK_EQ(rota_row_decode(two, CRYPTO, &key, &r), ROTA_ERR_SIGNATURE);
}

static const struct {
	const char *reason;
	uint8_t at, value;
	enum rota_err err;
} bad[] = {
	{ "another name", 0, 'X', ROTA_ERR_FORMAT },
	{ "another version", 7, 2, ROTA_ERR_UNSUPPORTED },
	{ "counter 0", 178, 0, ROTA_ERR_FORMAT },
	{ "a flag that is not known", 182, 2, ROTA_ERR_FORMAT },
	{ "a byte that is to be 0", 183, 1, ROTA_ERR_FORMAT },
	{ "the last reserved one", 223, 1, ROTA_ERR_FORMAT },
};

TEST(what_is_no_row_is_refused)
{
	struct rota_row r;

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		vector();
		raw[bad[i].at] = bad[i].value;
		CHECK_EQ(rota_row_read(raw, &r), bad[i].err);
	}
	ROW(NULL);
}

/* ---- from one to the next ---- */

static uint8_t identity[65], point[3][65];

static void make_points(void)
{
	uint8_t unused[32];
	bool good = rota_p256_openssl.make(rota_p256_openssl.ctx, unused, identity) == ROTA_OK;

	for (int i = 0; i < 3; i++)
		good = good &&
			rota_p256_openssl.make(rota_p256_openssl.ctx, unused, point[i]) == ROTA_OK;
	if (!good)
		test_fail(__FILE__, __LINE__, "no points");
}

/* A device at counter 4 with point 0, which proved telemetry 3 and storage 8. */
static struct rota_row standing(void)
{
	struct rota_row r = { .device = { 9 }, .counter = 4, .proved = { 3, 0, 8 } };

	memcpy(r.identity, identity, 65);
	memcpy(r.agree, point[0], 65);
	return r;
}

enum { OFF_CURVE = -1, THE_IDENTITY = -2 };

static struct rota_statement statement(uint8_t kind, uint32_t number, int which)
{
	struct rota_statement s = {
		.kind = kind, .device = { 9 }, .number = number, .purpose = 3, .generation = 9
	};

	memcpy(s.point, which >= 0 ? point[which] : identity, 65);
	if (which == OFF_CURVE)
		s.point[64] ^= 1;
	return s;
}

static const struct {
	const char *reason;
	uint8_t kind;
	uint32_t number;
	int point;
	uint32_t generation;
	enum rota_err err;
	uint32_t counter; /* then */
	uint32_t proved; /* of storage */
} steps[] = {
	{ "the next key", 1, 5, 1, 9, ROTA_OK, 5, 9 },
	{ "the same generation again", 1, 5, 1, 8, ROTA_OK, 5, 8 },
	{ "a second purpose with the same key", 1, 4, 0, 9, ROTA_OK, 4, 9 },
	{ "all anew", 3, 5, 1, 0, ROTA_OK, 5, 0 },
	{ "another key under the same counter", 1, 4, 1, 9, ROTA_ERR_COUNTER, 0, 0 },
	{ "the same key under the next counter", 1, 5, 0, 9, ROTA_ERR_COUNTER, 0, 0 },
	{ "a counter skipped", 1, 6, 1, 9, ROTA_ERR_COUNTER, 0, 0 },
	{ "a counter that fell", 1, 3, 1, 9, ROTA_ERR_COUNTER, 0, 0 },
	{ "anew without a new counter", 3, 4, 0, 0, ROTA_ERR_COUNTER, 0, 0 },
	{ "anew, replayed", 3, 1, 1, 0, ROTA_ERR_COUNTER, 0, 0 },
	{ "a generation that fell", 1, 5, 1, 7, ROTA_ERR_VERSION, 0, 0 },
	{ "off the curve", 1, 5, OFF_CURVE, 9, ROTA_ERR_FORMAT, 0, 0 },
	{ "anew, off the curve", 3, 5, OFF_CURVE, 0, ROTA_ERR_FORMAT, 0, 0 },
	{ "the identity is to agree", 1, 5, THE_IDENTITY, 9, ROTA_ERR_FORMAT, 0, 0 },
	{ "a state", 2, 5, 0, 0, ROTA_ERR_ARGUMENT, 0, 0 },
};

TEST(a_row_follows_from_the_one_before)
{
	make_points();
	for (size_t i = 0; i < ROWS(steps); i++) {
		struct rota_row was = standing(), next = { 0 };
		struct rota_statement s = statement(steps[i].kind, steps[i].number, steps[i].point);

		ROW(steps[i].reason);
		s.generation = steps[i].generation;
		CHECK_EQ(rota_row_next(&was, &s, &next), steps[i].err);
		CHECK_EQ(next.counter, steps[i].counter);
		CHECK_EQ(next.proved[2], steps[i].proved);
		if (steps[i].err != ROTA_OK)
			continue;
		CHECK_MEM(next.agree, point[steps[i].point], 65);
		CHECK_MEM(next.identity, identity, 65);
		CHECK_EQ(next.proved[0], s.kind == ROTA_STATEMENT_ANEW ? 0 : 3);
	}
	ROW(NULL);
}

/* Which of the generations that were proved outlive kind 3. */
TEST(what_a_device_still_has_stays)
{
	static const struct {
		const char *reason;
		uint8_t purpose;
		uint32_t said, then;
	} rows[] = {
		{ "the newest", 3, 8, 8 },
		{ "an older one, the newest was lost", 3, 7, 7 },
		{ "one that it never proved", 3, 9, 0 },
		{ "of a purpose of which it proved none", 2, 1, 0 },
	};

	make_points();
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_row was = standing(), next = { 0 };
		struct rota_statement s = statement(ROTA_STATEMENT_ANEW, 5, 1);

		ROW(rows[i].reason);
		s.count = 1;
		s.holding[0] =
			(struct rota_holding){ .purpose = rows[i].purpose, .proved = rows[i].said };
		CHECK_OK(rota_row_next(&was, &s, &next));
		CHECK_EQ(next.proved[rows[i].purpose - 1], rows[i].then);
		CHECK_EQ(next.proved[0], 0);
		CHECK_EQ(next.counter, 5);
		s.number = 1;
		CHECK_EQ(rota_row_enrol(was.product, identity, &s, &next), ROTA_ERR_VERSION);
	}
	ROW(NULL);
}

TEST(a_row_is_one_devices_until_it_is_gone)
{
	struct rota_row was, next;
	struct rota_statement s;

	make_points();
	was = standing();
	s = statement(ROTA_STATEMENT_PROVED, 5, 1);
	s.device[0] = 8;
	CHECK_EQ(rota_row_next(&was, &s, &next), ROTA_ERR_HARDWARE);
	s = statement(ROTA_STATEMENT_GONE, 70, 0);
	CHECK_OK(rota_row_next(&was, &s, &next));
	CHECK_EQ(next.flags, ROTA_ROW_GONE);
	CHECK_EQ(next.counter, 4);
	s = statement(ROTA_STATEMENT_PROVED, 5, 1);
	CHECK_EQ(rota_row_next(&next, &s, &was), ROTA_ERR_DENIED);
	was = standing();
	was.counter = UINT32_MAX;
	s = statement(ROTA_STATEMENT_PROVED, 0, 1);
	CHECK_EQ(rota_row_next(&was, &s, &next), ROTA_ERR_COUNTER);
}

TEST(a_device_enrols_with_its_first_key)
{
	const uint8_t product[8] = { 3 };
	struct rota_statement s;
	struct rota_row r;

	make_points();
	s = statement(ROTA_STATEMENT_ANEW, 1, 0);
	CHECK_OK(rota_row_enrol(product, identity, &s, &r));
	CHECK_EQ(r.counter, 1);
	CHECK_EQ(r.flags, 0);
	CHECK_MEM(r.product, product, 8);
	CHECK_MEM(r.device, s.device, 32);
	CHECK_MEM(r.identity, identity, 65);
	CHECK_MEM(r.agree, point[0], 65);
	s.number = 2;
	CHECK_EQ(rota_row_enrol(product, identity, &s, &r), ROTA_ERR_COUNTER);
	s = statement(ROTA_STATEMENT_PROVED, 1, 0);
	CHECK_EQ(rota_row_enrol(product, identity, &s, &r), ROTA_ERR_ARGUMENT);
	s = statement(ROTA_STATEMENT_ANEW, 1, OFF_CURVE);
	CHECK_EQ(rota_row_enrol(product, identity, &s, &r), ROTA_ERR_FORMAT);
	s = statement(ROTA_STATEMENT_ANEW, 1, THE_IDENTITY);
	CHECK_EQ(rota_row_enrol(product, identity, &s, &r), ROTA_ERR_FORMAT);
}

/* ---- exports ---- */

TEST(an_export_has_a_head)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN], again[ROTA_EXPORT_HEAD_LEN];
	struct rota_export e;

	CHECK(rota_unhex(v_export, ROTA_BUF(head)));
	CHECK_OK(rota_export_decode(head, &e));
	CHECK_EQ(e.count, 0x010203);
	rota_export_encode(&e, again);
	CHECK_MEM(again, head, sizeof(head));
	head[31] = 1;
	CHECK_EQ(rota_export_decode(head, &e), ROTA_ERR_FORMAT);
	head[31] = 0;
	head[19] = 1; /* 2^24 and some */
	CHECK_EQ(rota_export_decode(head, &e), ROTA_ERR_LIMIT);
	head[7] = 2;
	CHECK_EQ(rota_export_decode(head, &e), ROTA_ERR_UNSUPPORTED);
	head[0] = 'X';
	CHECK_EQ(rota_export_decode(head, &e), ROTA_ERR_FORMAT);
}

TEST(its_rows_ascend_and_are_of_its_product)
{
	struct rota_export e = { .product = { 1 } };
	struct rota_row r = { .product = { 1 }, .device = { 0 } };
	uint8_t last[32] = { 0 };

	CHECK_OK(rota_export_take(&e, &r, true, last));
	CHECK_EQ(rota_export_take(&e, &r, false, last), ROTA_ERR_FORMAT); /* twice */
	r.device[31] = 2;
	CHECK_OK(rota_export_take(&e, &r, false, last));
	r.device[31] = 1;
	CHECK_EQ(rota_export_take(&e, &r, false, last), ROTA_ERR_FORMAT); /* falls */
	r.device[0] = 1;
	r.product[0] = 2;
	CHECK_EQ(rota_export_take(&e, &r, false, last), ROTA_ERR_PRODUCT);
}

TESTS(T(a_row_is_read_and_written), T(no_bit_of_a_row_can_be_another_one),
	T(halves_of_two_rows_are_none), T(what_is_no_row_is_refused),
	T(a_row_follows_from_the_one_before), T(what_a_device_still_has_stays),
	T(a_row_is_one_devices_until_it_is_gone), T(a_device_enrols_with_its_first_key),
	T(an_export_has_a_head), T(its_rows_ascend_and_are_of_its_product))
