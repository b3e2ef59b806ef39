/* SPDX-License-Identifier: Apache-2.0 */
/* bench_registry_load DIR DEVICES -- a registry of so many devices: how long statements, an export of all, a look at who needs an
 * old generation, and counting take. Prints a name and a number a line, seconds but for memory and bytes. */
#include "host/registry/export.h"
#include "host/registry/fleet.h"
#include "host/registry/needs.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/db_sqlite/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define STORAGE ROTA_PURPOSE_STORAGE
#define BATCH 500 /* records of a transaction, as rotad's projection */
#define FILLING 50000 /* before anything is measured */

static struct rota_fail why;
static struct rota_db db;
static struct rota_regdb reg;

static void must(enum rota_err err)
{
	if (err == ROTA_OK)
		return;
	fprintf(stderr, "bench_registry_load: %s\n", why.text);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static unsigned devices;

/* Ids ascend, so that filling is quick. */
static void id_of(unsigned n, uint8_t id[static ROTA_SHA256_LEN])
{
	rota_sha256_of(&rota_crypto_openssl, rota_span(&n, sizeof(n)), id);
	for (int i = 0; i < 4; i++)
		id[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void add_device(unsigned n, const struct rota_hmac *key)
{
	struct rota_reg_device d = { .state = ROTA_REG_ACTIVE, .agreed = 1 };
	struct rota_row row = { .counter = 1, .identity = { 4 }, .agree = { 4, 1 } };
	static const char digits[] = "0123456789abcdef";

	id_of(n, row.device);
	for (size_t i = 0; i < sizeof(row.device); i++) {
		d.id[2 * i] = digits[row.device[i] >> 4];
		d.id[2 * i + 1] = digits[row.device[i] & 15];
	}
	rota_row_product(&rota_crypto_openssl, ROTA_STR("sensor"), row.product);
	snprintf(d.serial, sizeof(d.serial), "SN-%u", n);
	strcpy(d.group, n % 10 ? "field" : "lab");
	rota_row_encode(&row, &rota_crypto_openssl, key, d.row);
	must(reg.set_device(reg.ctx, &d, &why));
}

/* One device after the other, in no order of theirs. Signatures and proofs are looked at before this. */
static void say(unsigned turn)
{
	unsigned n = (unsigned)((uint64_t)turn * 1000003 % devices);
	uint8_t room[ROTA_STATEMENT_MAX] = { 0 };
	struct rota_statement s = { .kind = ROTA_STATEMENT_PROVED,
		.number = 2,
		.purpose = STORAGE,
		.generation = 3,
		.point = { 4 } };
	struct rota_record r = { .type = ROTA_RECORD_STATEMENT, .time_ms = 1000 };
	struct rota_fleet_news news;
	struct rota_span body;

	id_of(n, s.device);
	memcpy(r.device, s.device, sizeof(r.device));
	must(rota_statement_encode(&s, ROTA_BUF(room), &body));
	r.payload = rota_span(room, body.len + ROTA_P256_SIG_LEN);
	must(rota_fleet_apply(&reg, &r, &news, &why));
	if (news.result != ROTA_FLEET_TAKEN)
		abort();
}

static void in_batches(unsigned batch, void (*one)(unsigned n))
{
	for (unsigned n = 0; n < devices; n++) {
		if (n % batch == 0)
			must(db.begin(db.ctx, &why));
		one(n);
		if (n % batch == batch - 1 || n == devices - 1)
			must(db.commit(db.ctx, &why));
	}
}

static void enrol(unsigned n)
{
	static struct rota_hmac key;

	if (n == 0)
		rota_hmac_begin(&key, &rota_crypto_openssl, ROTA_STR("a key"));
	add_device(n, &key);
}

static long peak_kb(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return used.ru_maxrss;
}

static void export(const char *path)
{
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	struct rota_export_plan plan = { .product = product, .path = path };
	struct rota_exported out;
	struct rota_query *q;
	double from = now();

	rota_row_product(&rota_crypto_openssl, ROTA_STR("sensor"), product);
	must(rota_query_parse("all", &q, &why));
	plan.query = q;
	must(rota_export_write(&reg, &plan, &out, &why));
	rota_query_free(q);
	if (out.count != devices)
		abort();
	printf("export_s %.2f\n", now() - from);
}

int main(int argc, char **argv)
{
	struct rota_needs needs = { .purpose = STORAGE, .generation = 1 };
	struct rota_key_counts counts[ROTA_PURPOSES_MAX];
	static const uint32_t newest[ROTA_PURPOSES_MAX];
	struct rota_db_sqlite *sqlite;
	char path[512], out[512];
	struct stat st;
	double from;

	devices = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (devices == 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(path, sizeof(path), "%s/db", argv[1]);
	snprintf(out, sizeof(out), "%s/export", argv[1]);
	must(rota_db_sqlite_open(path, &sqlite, &db, &why));
	must(rota_db_sqlite_registry(sqlite, &reg, &why));
	in_batches(FILLING, enrol);
	export(out);
	from = now();
	in_batches(BATCH, say);
	printf("statements_s %.2f\n", now() - from);
	from = now();
	must(rota_needs(&reg, &needs, &why));
	printf("needs_s %.2f\n", now() - from);
	from = now();
	must(rota_key_counts(&reg, newest, counts, &why));
	printf("counts_s %.2f\n", now() - from);
	printf("peak_mb %.1f\n", (double)peak_kb() / 1024);
	rota_db_sqlite_close(sqlite);
	printf("database_bytes_per_device %.0f\n",
		stat(path, &st) == 0 ? (double)st.st_size / devices : 0);
	return 0;
}
