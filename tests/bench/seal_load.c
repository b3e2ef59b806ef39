/* SPDX-License-Identifier: Apache-2.0 */
/* seal_load make CONFIG COUNT DIR   -- a fleet for rota-seald: DIR/export, DIR/request.json, and in the state's folder of
 *                                      CONFIG a book with a factory psk for each device
 * seal_load bare THREADS COUNT      -- seconds that as many bare seals take: rota_hpke_seal() in psk mode, the info of a
 *                                      bundle, over raw points in memory; and the two multiplications of each alone
 *
 * Agree keys are 4,096 different ones, again and again: what a multiplication takes does not depend on the point. */
#include "apps/rota-seald/config.h"
#include "host/base/digest.h"
#include "host/campaign/book.h"
#include "host/campaign/crew.h"
#include "host/campaign/request.h"
#include "host/campaign/row.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/pkcs11/sealer.h"
#include "ports/posix/posix.h"
#include "rota/codec/keybundle.h"
#include "rota/crypto/hpke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS 4096
#define PER_UNIT 1024

static const struct rota_crypto *const crypto = &rota_crypto_openssl;
static uint8_t points[POINTS][ROTA_P256_KEY_LEN];
static struct rota_fail why;

static void need(enum rota_err err)
{
	if (err == ROTA_OK)
		return;
	fprintf(stderr, "seal_load: %s (%s)\n", why.text, rota_err_str(err));
	exit(1);
}

static void make_points(void)
{
	uint8_t secret[ROTA_P256_SECRET_LEN];

	for (size_t i = 0; i < POINTS; i++)
		need(rota_p256_openssl.make(rota_p256_openssl.ctx, secret, points[i]));
}

/* ---- make ---- */

static void unwrap(const struct config *c, const char *name, struct rota_span aad, uint8_t *key)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_sealer hsm;

	config_wrapped(c, name, path);
	need(rota_pkcs11_sealer_open(&c->token, name, &hsm, &why));
	need(rota_keywrap_load(path, &hsm, aad, key, &why));
	hsm.close(hsm.ctx);
}

static void make_row(const struct config *c, uint32_t n, struct rota_row *row)
{
	const uint8_t number[] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		(uint8_t)n };

	memset(row, 0, sizeof(*row));
	rota_row_product(crypto, rota_span_cstr(c->product), row->product);
	rota_sha256_of(crypto, ROTA_SPAN(number), row->device);
	memcpy(row->device, number, sizeof(number)); /* in order */
	row->identity[0] = 4;
	memcpy(row->identity + 1, row->device, sizeof(row->device));
	memcpy(row->agree, points[n % POINTS], sizeof(row->agree));
	row->counter = 1;
}

static void make_book(const struct config *c, uint32_t count, const struct rota_book_tools *tools)
{
	static struct rota_book_maker m;
	char path[ROTA_FILE_PATH_MAX];

	rota_book_path(c->state, ROTA_BOOK_FACTORY, path);
	need(rota_book_make(&m, path, ROTA_BOOK_FACTORY, count, &rota_random_posix, tools, &why));
	for (uint32_t n = 0; n < count; n++) {
		struct rota_book_row row = { .counter = 1 };
		struct rota_row of;

		make_row(c, n, &of);
		memcpy(row.device, of.device, sizeof(row.device));
		memcpy(row.delivered_psk, of.device, sizeof(row.delivered_psk));
		need(rota_book_add(&m, &row, &why));
	}
	need(rota_book_place(&m, &why));
}

static void make_export(
	const struct config *c, uint32_t count, const struct rota_hmac *registry, const char *path)
{
	uint8_t head[ROTA_EXPORT_HEAD_LEN], bytes[ROTA_ROW_LEN];
	struct rota_export export = { .count = count };
	FILE *f = fopen(path, "we");

	rota_row_product(crypto, rota_span_cstr(c->product), export.product);
	rota_export_encode(&export, head);
	if (!f || fwrite(head, sizeof(head), 1, f) != 1)
		abort();
	for (uint32_t n = 0; n < count; n++) {
		struct rota_row row;

		make_row(c, n, &row);
		rota_row_encode(&row, crypto, registry, bytes);
		if (fwrite(bytes, sizeof(bytes), 1, f) != 1)
			abort();
	}
	if (fclose(f) != 0)
		abort();
}

static void make_request(
	const struct config *c, uint32_t count, const char *export_path, const char *path)
{
	struct rota_key_request r = { .expected = count, .most = count };
	struct rota_bytes text = { 0 };
	json_t *ask;
	uint64_t len;

	snprintf(r.name, sizeof(r.name), "bench");
	snprintf(r.product, sizeof(r.product), "%s", c->product);
	snprintf(r.devices, sizeof(r.devices), "channel=production");
	need(rota_digest_file(export_path, NULL, &len, r.export_sha256, &why));
	r.campaign = (struct rota_key_campaign){ .purpose = ROTA_PURPOSE_TELEMETRY,
		.cipher = 1,
		.suite = 1,
		.generation = 1,
		.activation_s = 1800000000,
		.stage_count = 1,
		.stage = { { .from_s = 1790000000, .ppm = 1000000 } } };
	ask = json_pack("{s:o,s:s}", "body", rota_key_request_write(&r), "kind", "campaign");
	need(rota_json_encode(ask, ROTA_JSON_FILE, &text, &why));
	json_decref(ask);
	need(rota_file_write(path, rota_bytes_span(&text), 0600, &why));
	rota_bytes_free(&text);
}

static int make(const char *config_path, uint32_t count, const char *dir)
{
	uint8_t book_key[ROTA_KEYWRAP_KEY_LEN], key[ROTA_KEYWRAP_KEY_LEN];
	const struct rota_book_tools tools = { crypto, &rota_aead_openssl, book_key };
	char *export = rota_text("%s/export", dir), *request = rota_text("%s/request.json", dir);
	struct rota_hmac registry;
	struct config c;

	need(config_load(config_path, &c, &why));
	unwrap(&c, "book", ROTA_KEYWRAP_BOOK, book_key);
	unwrap(&c, "registry", ROTA_KEYWRAP_REGISTRY, key);
	rota_hmac_begin(&registry, crypto, ROTA_SPAN(key));
	make_points();
	make_book(&c, count, &tools);
	make_export(&c, count, &registry, export);
	make_request(&c, count, export, request);
	config_free(&c);
	free(export);
	free(request);
	return 0;
}

/* ---- bare ---- */

static enum rota_err multiply(void *ctx, struct rota_crew *crew, struct rota_fail *unused)
{
	uint8_t enc[ROTA_P256_KEY_LEN], dh[ROTA_P256_DH_LEN];
	uint32_t unit;

	(void)ctx, (void)unused;
	while (rota_crew_take(crew, &unit))
		for (uint32_t i = 0; i < PER_UNIT; i++)
			ROTA_TRY(rota_p256_openssl.ephemeral(rota_p256_openssl.ctx,
				points[(unit * PER_UNIT + i) % POINTS], enc, dh));
	return ROTA_OK;
}

static enum rota_err seal(void *ctx, struct rota_crew *crew, struct rota_fail *unused)
{
	const struct rota_hpke hpke = { crypto, &rota_aead_openssl };
	uint8_t info[ROTA_KEYBUNDLE_INFO_LEN] = "rota-bundle-v1", aad[ROTA_KEYBUNDLE_AAD_LEN];
	uint8_t enc[ROTA_P256_KEY_LEN], tag[ROTA_AEAD_TAG_LEN], secret[32], psk[32], id[8];
	const struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	const struct rota_hpke_psk with = { ROTA_SPAN(psk), ROTA_SPAN(id) };
	uint32_t unit;

	(void)ctx, (void)unused;
	memset(psk, 1, sizeof(psk));
	memset(id, 2, sizeof(id));
	memset(aad, 3, sizeof(aad));
	while (rota_crew_take(crew, &unit))
		for (uint32_t i = 0; i < PER_UNIT; i++) {
			memset(secret, (int)i, sizeof(secret));
			ROTA_TRY(rota_hpke_seal(&hpke, &rota_p256_openssl,
				points[(unit * PER_UNIT + i) % POINTS], &with, &text,
				ROTA_BUF(secret), enc, tag));
		}
	return ROTA_OK;
}

static double timed(unsigned threads, uint32_t count,
	enum rota_err (*work)(void *ctx, struct rota_crew *crew, struct rota_fail *unused))
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	need(rota_crew_run(threads, count / PER_UNIT, work, NULL, &why));
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9) *
		count / (count / PER_UNIT * PER_UNIT);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		return make(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), argv[4]);
	if (argc == 4 && strcmp(argv[1], "bare") == 0) {
		unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
		uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10);
		double both;

		make_points();
		both = timed(threads, count, multiply);
		return printf("%.4f %.4f\n", timed(threads, count, seal), both) < 0;
	}
	fprintf(stderr, "usage: seal_load make CONFIG COUNT DIR | bare THREADS COUNT\n");
	return 2;
}
