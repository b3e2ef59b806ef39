/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/stationlog.h and stationhead.h over logs whose lines a test signs itself. */
#include "host/factory/stationhead.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define STATION_LINE_MAX 1024

static uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN];
static struct rota_authdir dir = { .product = "sensor" };
static struct rota_desk desk = { .dir = &dir };
static struct rota_stationlog l;
static struct rota_fail why;
static struct rota_bytes text; /* the log */
static char line[STATION_LINE_MAX]; /* the last one, without its newline */

/* A row, signed, as a line. */
static void write_line(json_t *row)
{
	uint8_t digest[ROTA_DIGEST_LEN], sig[ROTA_P256_SIG_LEN];
	char hex[2 * ROTA_P256_SIG_LEN + 1];
	struct rota_bytes out, all = { 0 };

	if (!row || rota_json_encode(row, ROTA_JSON_SIGNED, &out, &why) != ROTA_OK)
		abort();
	rota_bytes_add_text(&all, ROTA_STATION_PREFIX);
	rota_bytes_add(&all, rota_bytes_span(&out));
	rota_digest_of(rota_bytes_span(&all), digest);
	rota_bytes_free(&all);
	rota_bytes_free(&out);
	if (rota_p256_openssl.sign(rota_p256_openssl.ctx, secret, digest, sig) != ROTA_OK)
		abort();
	rota_hex(ROTA_SPAN(sig), hex);
	json_object_set_new(row, "signature", json_string(hex));
	if (rota_json_encode(row, ROTA_JSON_FILE, &out, &why) != ROTA_OK || out.len >= sizeof(line))
		abort();
	memcpy(line, out.p, out.len + 1);
	rota_bytes_free(&out);
	json_decref(row);
}

/* What was done, behind the line before. */
static void add(const char *did, const char *device, json_int_t size)
{
	char prev[ROTA_DIGEST_HEX];
	json_t *row =
		json_pack("{s:s,s:s,s:s}", "at", "2026-11-22T10:00:00Z", "batch", "w1", "did", did);

	if (text.len == 0)
		memset(prev, '0', sizeof(prev) - 1), prev[64] = 0;
	else
		rota_digest_hex(rota_span_cstr(line), prev);
	json_object_set_new(row, "prev", json_string(prev));
	if (device)
		json_object_set_new(row, "device", json_string(device));
	if (size)
		json_object_set_new(row, "size", json_integer(size));
	write_line(row);
	rota_bytes_add_text(&text, line);
	rota_bytes_add_text(&text, "\n");
}

static void open_log(void)
{
	l = (struct rota_stationlog){ .desk = &desk,
		.batch = calloc(ROTA_BATCHES_MAX, sizeof(*l.batch)) };
	memcpy(l.key, point, sizeof(point));
	if (!l.batch)
		abort();
}

static enum rota_err again(struct rota_span all)
{
	rota_stationlog_close(&l);
	open_log();
	return rota_stationlog_read(&l, all, &why);
}

/* A batch of two; A was refused once, made, and came again; then B. */
static bool begin(void)
{
	rota_stationlog_close(&l);
	rota_bytes_free(&text);
	text = (struct rota_bytes){ 0 };
	if (rota_p256_openssl.make(rota_p256_openssl.ctx, secret, point) != ROTA_OK)
		return false;
	snprintf(dir.dir, sizeof(dir.dir), "%s", tempdir_fresh());
	add("batch", NULL, 2);
	add("refused", A, 0);
	add("made", A, 0);
	add("again", A, 0);
	add("made", B, 0);
	open_log();
	return rota_stationlog_read(&l, rota_bytes_span(&text), &why) == ROTA_OK;
}

TEST(a_device_that_comes_again_counts_once)
{
	CHECK(begin());
	CHECK_EQ(l.lines, 5);
	CHECK_EQ(l.made, 2);
	CHECK_EQ(l.batch[0].made, 2);
	CHECK_EQ(l.batch[0].refused, 1);
	ROW("a batch that is full takes those that are in it");
	CHECK_OK(rota_stationlog_room(&l, "w1", A, &why));
	CHECK_OK(rota_stationlog_room(&l, "w1", B, &why));
	CHECK_EQ(rota_stationlog_room(&l, "w1", C, &why), ROTA_ERR_CEILING);
	CHECK_OK(rota_stationlog_room(&l, "w1", NULL, &why));
	CHECK_EQ(rota_stationlog_room(&l, "w2", NULL, &why), ROTA_ERR_NOT_FOUND);
	rota_stationlog_close(&l);
}

TEST(lines_that_were_changed_taken_out_or_put_in_show)
{
	struct rota_bytes other = { 0 };
	const char *rest;
	uint8_t key[ROTA_P256_KEY_LEN];

	CHECK(begin());
	ROW("half a line at the end");
	CHECK_OK(again(rota_span(text.p, text.len - 1)));
	CHECK_EQ(l.lines, 4);
	ROW("the first line is gone");
	rest = strchr((const char *)text.p, '\n') + 1;
	CHECK_EQ(again(rota_span_cstr(rest)), ROTA_ERR_HASH);
	ROW("one of the middle is gone");
	rota_bytes_add(&other, rota_span(text.p, (size_t)(rest - (const char *)text.p)));
	rota_bytes_add_text(&other, strchr(rest, '\n') + 1);
	CHECK_EQ(again(rota_bytes_span(&other)), ROTA_ERR_HASH);
	rota_bytes_free(&other);
	ROW("another device");
	*(strstr((char *)text.p, A) + 3) = 'c';
	CHECK_EQ(again(rota_bytes_span(&text)), ROTA_ERR_SIGNATURE);
	*(strstr((char *)text.p, "aaac") + 3) = 'a';
	CHECK_OK(again(rota_bytes_span(&text)));
	ROW("another station");
	memcpy(key, point, sizeof(key));
	CHECK_OK(rota_p256_openssl.make(rota_p256_openssl.ctx, secret, point));
	CHECK_EQ(again(rota_bytes_span(&text)), ROTA_ERR_SIGNATURE);
	memcpy(point, key, sizeof(key));
	ROW("a batch that never began");
	CHECK(begin());
	rota_bytes_free(&text);
	text = (struct rota_bytes){ 0 };
	add("made", A, 0);
	CHECK_EQ(again(rota_bytes_span(&text)), ROTA_ERR_FORMAT);
	rota_stationlog_close(&l);
}

static void list(const char *first, const char *second, const char *third)
{
	const char *const all[] = { first, second, third };
	struct rota_bytes rows = { 0 };

	rota_bytes_add_text(&rows, "{\"device\":\"" C "\"}\n"); /* of the desk: no statement */
	for (size_t i = 0; i < 3; i++)
		if (all[i])
			rota_bytes_print(
				&rows, "{\"device\":\"%s\",\"statement\":\"00\"}\n", all[i]);
	tempdir_put("enrolments", (const char *)rows.p);
	rota_bytes_free(&rows);
}

static char stranger[ROTA_DIGEST_HEX];
static struct rota_bytes before; /* the list, as it was before the log was read */

static enum rota_err compare(void)
{
	return rota_stationlog_check(&l, rota_bytes_span(&before), stranger, &why);
}

static enum rota_err compare_now(void)
{
	rota_bytes_free(&before);
	ROTA_TRY(rota_stationlog_list(&desk, &before, &why));
	return compare();
}

TEST(log_and_list_agree)
{
	CHECK(begin());
	list(A, B, NULL);
	CHECK_OK(compare_now());
	CHECK(strcmp(stranger, "") == 0);
	ROW("one came again");
	list(A, A, B);
	CHECK_OK(compare_now());
	CHECK(strcmp(stranger, "") == 0);
	ROW("one is not listed, another one twice");
	list(A, A, NULL);
	CHECK_EQ(compare_now(), ROTA_ERR_HASH);
	ROW("one that nobody made");
	list(A, B, C);
	CHECK_OK(compare_now());
	CHECK(strcmp(stranger, C) == 0);
	CHECK(rota_stationlog_made(&l, A) && !rota_stationlog_made(&l, C));
	rota_stationlog_close(&l);
}

TEST(who_reads_while_a_station_works_sees_no_difference)
{
	CHECK(begin());
	ROW("made since the list was read");
	list(A, NULL, NULL);
	CHECK_EQ(compare_now(), ROTA_ERR_HASH);
	list(A, B, NULL);
	CHECK_OK(compare());
	CHECK(strcmp(stranger, "") == 0);
	ROW("made since the log was read");
	CHECK_OK(compare_now());
	list(A, B, C);
	CHECK_OK(compare());
	CHECK(strcmp(stranger, "") == 0);
	rota_stationlog_close(&l);
	rota_bytes_free(&before);
}

/* ---- heads ---- */

static void head(const char *did, const char *product, const uint8_t *digest, json_int_t lines)
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), hex);
	write_line(json_pack("{s:s,s:s,s:s,s:I,s:s}", "at", "2026-11-22T11:00:00Z", "did", did,
		"head", hex, "lines", lines, "product", product));
}

static enum rota_err check(void)
{
	return rota_stationhead_check(&l, rota_span_cstr(line), &why);
}

TEST(a_head_that_others_have_holds_the_log)
{
	static const uint8_t none[ROTA_DIGEST_LEN];
	char said[ROTA_STATION_HEAD_TEXT_MAX];
	struct rota_bytes longer = { 0 };
	uint8_t last[ROTA_DIGEST_LEN];

	CHECK(begin());
	memcpy(last, l.last, sizeof(last));
	rota_stationhead_text(&l, said);
	CHECK(strncmp(said, "station.log 5 ", 14) == 0 && strlen(said) == 14 + 64);
	head("head", "sensor", none, 0);
	CHECK_OK(check());
	head("head", "sensor", l.digest[1], 2);
	CHECK_OK(check());
	head("head", "sensor", last, 5);
	CHECK_OK(check());
	ROW("the log goes on");
	rota_bytes_add(&longer, rota_bytes_span(&text));
	CHECK(strlen(line) < sizeof(line));
	ROW("cut short");
	CHECK_OK(again(rota_span(text.p, text.len - 1)));
	CHECK_EQ(check(), ROTA_ERR_HASH);
	CHECK_OK(again(rota_bytes_span(&text)));
	ROW("another line there");
	head("head", "sensor", l.digest[1], 3);
	CHECK_EQ(check(), ROTA_ERR_HASH);
	head("head", "sensor", last, 0);
	CHECK_EQ(check(), ROTA_ERR_HASH);
	ROW("of another product, or none");
	head("head", "other", last, 5);
	CHECK_EQ(check(), ROTA_ERR_FORMAT);
	head("made", "sensor", last, 5);
	CHECK_EQ(check(), ROTA_ERR_FORMAT);
	ROW("a line of the log is no head");
	CHECK(begin());
	CHECK_EQ(check(), ROTA_ERR_FORMAT);
	ROW("not signed by this station");
	head("head", "sensor", l.last, 5);
	CHECK_OK(check());
	l.key[40] ^= 1;
	CHECK_EQ(check(), ROTA_ERR_SIGNATURE);
	rota_bytes_free(&longer);
	rota_stationlog_close(&l);
	tempdir_remove();
}

TESTS(T(a_device_that_comes_again_counts_once), T(lines_that_were_changed_taken_out_or_put_in_show),
	T(log_and_list_agree), T(who_reads_while_a_station_works_sees_no_difference),
	T(a_head_that_others_have_holds_the_log))
