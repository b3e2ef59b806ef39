/* SPDX-License-Identifier: Apache-2.0 */
/* Signed heads of device logs, from journal records into SQLite: what becomes a proof, what is only told, what stays. */
#include "host/registry/proof.h"
#include "host/base/bytes.h"
#include "host/identity/loghead.h"
#include "ports/db_sqlite/db_sqlite.h"
#include "tests/unit/device_cert.h"
#include "tests/unit/test.h"

#include <openssl/ec.h>
#include <stdlib.h>
#include <unistd.h>

#define ID "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define OTHER "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static struct rota_fail why;
static char path[64];
static struct rota_db_sqlite *sqlite;
static struct rota_db db;
static struct rota_registry_alarm news;
static struct device_cert ours, thief;
static uint64_t records;

/* Where no check can stand. */
static void must(enum rota_err err)
{
	if (err != ROTA_OK) {
		fprintf(stderr, "test_proof: %s\n", why.text);
		abort();
	}
}

static void open_all(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *second = EVP_EC_gen("P-256");

	device_cert_make(&ours, key, ID);
	device_cert_make(&thief, second, OTHER);
	EVP_PKEY_free(key);
	EVP_PKEY_free(second);
	strcpy(path, "/tmp/rota-proof.XXXXXX");
	close(mkstemp(path));
	records = 0;
	must(rota_db_sqlite_open(path, &sqlite, &db, &why));
}

static void shut(void)
{
	char other[80];

	rota_db_sqlite_close(sqlite);
	unlink(path);
	snprintf(other, sizeof(other), "%s-wal", path);
	unlink(other);
	snprintf(other, sizeof(other), "%s-shm", path);
	unlink(other);
	device_cert_drop(&ours);
	device_cert_drop(&thief);
}

struct said { /* what a report says, and what its signature is over */
	uint64_t seq, count, signed_count; /* signed_count 0: no signature */
	uint8_t head, signed_head; /* the first byte of it */
	const struct device_cert *by; /* NULL: ours */
	const char *signed_id; /* NULL: ours */
};

static struct rota_loghead head_of(uint64_t count, uint8_t first)
{
	return (struct rota_loghead){ .count = count, .head = { first, 1, 2, 3 } };
}

static size_t report(const struct said *s, char *out, size_t room)
{
	struct rota_loghead head = head_of(s->count, s->head),
			    over = head_of(s->signed_count, s->signed_head);
	char hex[65], sig_hex[2 * ROTA_LOGHEAD_SIG_MAX + 1];
	uint8_t sig[ROTA_LOGHEAD_SIG_MAX];
	size_t len;
	int n;

	rota_hex(ROTA_SPAN(head.head), hex);
	n = snprintf(out, room,
		"{\"events\":[{\"event\":\"checked\",\"log\":\"%llu %s\",\"seq\":%llu},"
		"{\"event\":\"checked\",\"seq\":%llu}]",
		(unsigned long long)s->count, hex, (unsigned long long)s->seq,
		(unsigned long long)s->seq + 1);
	if (s->signed_count) {
		must(rota_loghead_sign(s->by ? s->by->key : ours.key,
			rota_span_cstr(s->signed_id ? s->signed_id : ID), &over, sig, &len, &why));
		rota_hex(rota_span(sig, len), sig_hex);
		n += snprintf(out + n, room - (size_t)n, ",\"signature\":\"%s\"", sig_hex);
	}
	return (size_t)(n + snprintf(out + n, room - (size_t)n, "}"));
}

static enum rota_err apply(struct rota_span payload, uint8_t type)
{
	struct rota_record r = { .sequence = records + 1,
		.type = type,
		.time_ms = 1000 * (records + 1),
		.payload = payload };

	records++;
	memset(r.device, 0xdd, sizeof(r.device));
	must(db.begin(db.ctx, &why));
	must(rota_registry_apply(&db, NULL, &r, &news, &why));
	return db.commit(db.ctx, &why);
}

/* Under the certificate of the connection, which is always ours: others' have another device id. */
static void deliver(const struct said *s)
{
	static char text[8192];
	static uint8_t payload[16384];
	size_t at, len = report(s, text, sizeof(text));

	must(rota_delivery_begin(rota_span(ours.der, ours.der_len), ROTA_BUF(payload), &at));
	memcpy(payload + at, text, len);
	must(apply(rota_span(payload, at + len), ROTA_RECORD_DELIVERY));
}

static uint64_t unsigned_reports(void)
{
	struct rota_db_device d = { 0 };

	must(db.begin(db.ctx, &why));
	must(db.device(db.ctx, ID, &d, &why));
	db.rollback(db.ctx);
	return d.log_unsigned;
}

/* All proofs, oldest first; each holds. */
static int proofs(struct rota_db_proof *out, int room)
{
	uint64_t after = 0;
	int n = 0;

	must(db.begin(db.ctx, &why));
	while (n < room && db.proof(db.ctx, ID, after, &out[n], &why) == ROTA_OK) {
		must(rota_proof_verify(&out[n]));
		after = out[n++].record;
	}
	db.rollback(db.ctx);
	return n;
}

static struct rota_db_proof kept[ROTA_PROOFS_KEPT + ROTA_PROOFS_FORKED + 1];

static int count_proofs(void)
{
	return proofs(kept, sizeof(kept) / sizeof(kept[0]));
}

TEST(a_signed_head_is_kept)
{
	open_all();
	deliver(&(struct said){ 1, 5, 5, 0xaa, 0xaa, NULL, NULL });
	CHECK(!news.unproven && !news.proven);
	deliver(&(struct said){ 1, 5, 5, 0xaa, 0xaa, NULL, NULL }); /* the same again */
	CHECK(!news.unproven && !news.proven && !news.forked);
	CHECK_EQ(count_proofs(), 1);
	CHECK_EQ(kept[0].count, 5);
	CHECK_EQ(kept[0].record, 1);
	CHECK_EQ(kept[0].received_ms, 1000);
	CHECK_MEM(kept[0].head, "aa010203", 8);
	CHECK_MEM(kept[0].cert, ours.der, ours.der_len);
	CHECK_EQ(unsigned_reports(), 0);
	shut();
}

static const struct {
	const char *why;
	struct said said;
} bad[] = {
	{ "no signature", { 3, 6, 0, 0xbb, 0, NULL, NULL } },
	{ "an older one again", { 3, 6, 5, 0xbb, 0xaa, NULL, NULL } },
	{ "over another head", { 3, 6, 6, 0xbb, 0xbc, NULL, NULL } },
	{ "over another count", { 3, 6, 7, 0xbb, 0xbb, NULL, NULL } },
	{ "another device's, over what it says itself", { 3, 6, 6, 0xbb, 0xbb, &thief, OTHER } },
	{ "another device's, over this one's id", { 3, 6, 6, 0xbb, 0xbb, &thief, NULL } },
	{ "of this key, for another id", { 3, 6, 6, 0xbb, 0xbb, NULL, OTHER } },
};

TEST(what_is_not_signed_well_is_told_and_changes_nothing)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ROW(bad[i].why);
		open_all();
		deliver(&(struct said){ 1, 5, 5, 0xaa, 0xaa, NULL, NULL });
		deliver(&bad[i].said);
		CHECK(news.unproven && !news.proven);
		CHECK(strcmp(news.device, ID) == 0);
		CHECK_EQ(unsigned_reports(), 1);
		CHECK_EQ(count_proofs(), 1); /* the last good one */
		CHECK_EQ(kept[0].count, 5);
		deliver(&(struct said){ 5, 7, 7, 0xcc, 0xcc, NULL, NULL }); /* and events go on */
		CHECK(!news.unproven && !news.forked);
		CHECK_EQ(count_proofs(), 2);
		shut();
	}
}

TEST(two_heads_of_one_count_are_both_kept)
{
	open_all();
	deliver(&(struct said){ 1, 5, 5, 0xaa, 0xaa, NULL, NULL });
	deliver(&(struct said){ 1, 5, 0, 0xbb, 0, NULL, NULL }); /* told, and not proven */
	CHECK(news.forked && news.unproven && !news.proven);
	deliver(&(struct said){ 3, 5, 5, 0xbb, 0xbb, NULL, NULL });
	CHECK(news.proven);
	CHECK_EQ(news.count, 5);
	for (uint64_t i = 0; i < 3 * ROTA_PROOFS_KEPT; i++) { /* they outlive what comes after */
		deliver(&(struct said){ 5 + 2 * i, 6 + i, 6 + i, 0xcc, 0xcc, NULL, NULL });
		CHECK(!news.proven);
	}
	CHECK_EQ(count_proofs(), 2 + ROTA_PROOFS_KEPT);
	CHECK_EQ(kept[0].count, 5);
	CHECK_EQ(kept[1].count, 5);
	CHECK_MEM(kept[0].head, "aa", 2);
	CHECK_MEM(kept[1].head, "bb", 2);
	CHECK_EQ(kept[2].count, 6 + 2 * ROTA_PROOFS_KEPT);
	shut();
}

/* Who has the key can fork as often as it likes: what is kept is bounded, and the first ones stay. */
TEST(forks_have_a_limit)
{
	open_all();
	for (uint64_t i = 0; i < 2 * ROTA_PROOFS_FORKED; i++) {
		deliver(&(struct said){ 1 + 4 * i, 5 + i, 5 + i, 0xaa, 0xaa, NULL, NULL });
		deliver(&(struct said){ 3 + 4 * i, 5 + i, 5 + i, 0xbb, 0xbb, NULL, NULL });
	}
	CHECK_EQ(count_proofs(), ROTA_PROOFS_KEPT + ROTA_PROOFS_FORKED);
	CHECK_EQ(kept[0].count, 5);
	CHECK_EQ(kept[1].count, 5);
	shut();
}

#define LOG_7 "{\"events\":[{\"event\":\"checked\",\"log\":\"7 aa\",\"seq\":1}]}"

TEST(records_that_are_none_move_on)
{
	const struct {
		const char *why;
		struct rota_span payload;
	} odd[] = {
		{ "nothing", ROTA_STR("") },
		{ "half a length", ROTA_STR("\1") },
		{ "less than its length", ROTA_STR("\3\0{}") },
		{ "no report", ROTA_STR("\0\0{}") },
		{ "no certificate", ROTA_STR("\0\0" LOG_7) },
	};
	struct rota_delivery d;

	open_all();
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ROW(odd[i].why);
		CHECK_OK(apply(odd[i].payload, ROTA_RECORD_DELIVERY));
		CHECK_EQ(news.unproven, i == 4);
	}
	CHECK_EQ(unsigned_reports(),
		1); /* the last one: an event, and no head that anybody can have signed */
	CHECK_OK(rota_delivery_read(ROTA_STR("\1\0c{}"), &d));
	CHECK_EQ(d.certificate.len, 1);
	CHECK_MEM(d.body.p, "{}", 2);
	CHECK_OK(apply(ROTA_STR(LOG_7), ROTA_RECORD_REPORT)); /* of a release before */
	CHECK(!news.unproven);
	CHECK_EQ(unsigned_reports(), 1);
	shut();
}

TESTS(T(a_signed_head_is_kept), T(what_is_not_signed_well_is_told_and_changes_nothing),
	T(two_heads_of_one_count_are_both_kept), T(forks_have_a_limit),
	T(records_that_are_none_move_on))
