/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/secretbook.h: what of a list of devices comes into the book, and what spoils it. */
#include "host/factory/secretbook.h"
#include "host/base/bytes.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#define DEVICES 3

static uint8_t book_key[ROTA_KEYWRAP_KEY_LEN] = "a book key";
static const struct rota_book_tools tools = { &rota_crypto_openssl, &rota_aead_openssl, book_key };
static const struct rota_hpke hpke = { .crypto = &rota_crypto_openssl, .aead = &rota_aead_openssl };
static uint8_t secret[2][ROTA_P256_SECRET_LEN],
	point[2][ROTA_P256_KEY_LEN]; /* the token's, a thief's */
static unsigned opened; /* by the token */
static enum rota_err broken; /* it */
static unsigned told; /* devices that were passed over */
static struct issuer ca, stranger;
static struct rota_fail why;
static struct rota_secretbook_counts counts;
static char list_path[128], book_path[ROTA_FILE_PATH_MAX];

/* A device: its identity and certificate. */
static struct device {
	EVP_PKEY *key;
	uint8_t point[ROTA_P256_KEY_LEN], id[ROTA_DEVICE_LEN];
	struct rota_bytes idevid;
} devices[DEVICES];

static enum rota_err agree(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t dh[static ROTA_P256_DH_LEN])
{
	opened++;
	if (broken != ROTA_OK)
		return broken;
	return rota_p256_openssl.agree(rota_p256_openssl.ctx, ctx, peer, dh);
}

static void tell(const struct rota_fail *how)
{
	told += strstr(how->text, "line 2: device ") != NULL;
}

static void make_device(const struct issuer *by, unsigned n, struct device *d)
{
	struct rota_tbs_plan plan = issuer_plan(by, ROTA_TBS_IDEVID);

	d->key = EVP_EC_gen("P-256");
	if (!rota_p256_of_pkey(d->key, d->point))
		abort();
	plan.point = d->point;
	plan.serial[1] = (uint8_t)(9 - n); /* not in the order of their ids */
	issuer_issue(by, &plan, &d->idevid, NULL);
	rota_tbs_device_id(by->cert, plan.serial, d->id);
}

static void free_device(struct device *d)
{
	EVP_PKEY_free(d->key);
	rota_bytes_free(&d->idevid);
}

static bool begin(void)
{
	snprintf(list_path, sizeof(list_path), "%s/enrolments", tempdir_fresh());
	rota_book_path(tempdir_path("."), ROTA_BOOK_FACTORY, book_path);
	issuer_begin(&ca, "device-ca", false);
	issuer_begin(&stranger, "device-ca", false);
	for (unsigned i = 0; i < DEVICES; i++)
		make_device(&ca, i, &devices[i]);
	for (unsigned i = 0; i < 2; i++)
		if (rota_p256_openssl.make(rota_p256_openssl.ctx, secret[i], point[i]) != ROTA_OK)
			return false;
	opened = told = 0;
	broken = ROTA_OK;
	return true;
}

static void end(void)
{
	for (unsigned i = 0; i < DEVICES; i++)
		free_device(&devices[i]);
	issuer_end(&ca);
	issuer_end(&stranger);
	tempdir_remove();
}

/* What a device seals: its psk is all `psk`, to one of the points, signed by `by`. */
static void seal(const struct device *d, EVP_PKEY *by, uint8_t psk, unsigned to,
	uint8_t out[static ROTA_FACTORY_SECRET_LEN])
{
	const struct rota_hpke_psk none = { 0 };
	uint8_t info[15 + 32], *data = out + ROTA_HPKE_ENC_LEN;
	const struct rota_hpke_text text = { .info = ROTA_SPAN(info) };
	struct rota_bytes said = { 0 };

	memcpy(info, "rota-factory-v1", 15);
	memcpy(info + 15, d->id, 32);
	memset(data, psk, ROTA_PSK_LEN);
	if (rota_hpke_seal(&hpke, &rota_p256_openssl, point[to], &none, &text,
		    rota_buf(data, ROTA_PSK_LEN), out, data + ROTA_PSK_LEN) != ROTA_OK)
		abort();
	rota_bytes_add_text(&said, "rota-secret-v1");
	rota_bytes_add(&said, ROTA_SPAN(point[to]));
	rota_bytes_add(&said, ROTA_SPAN(d->id));
	rota_bytes_add(&said, rota_span(out, ROTA_FACTORY_SEALED_LEN));
	issuer_sign(by, rota_bytes_span(&said), out + ROTA_FACTORY_SEALED_LEN);
	rota_bytes_free(&said);
}

static char *hex_of(struct rota_span in)
{
	char *hex = malloc(2 * in.len + 1);

	if (!hex)
		abort();
	rota_hex(in, hex);
	return hex;
}

/* A line of the list. */
static void add(struct rota_bytes *list, const struct device *d, struct rota_span idevid,
	const uint8_t *sealed, const char *product)
{
	char *id = hex_of(ROTA_SPAN(d->id)), *der = hex_of(idevid);
	char *text = sealed ? hex_of(rota_span(sealed, ROTA_FACTORY_SECRET_LEN)) : NULL;

	rota_bytes_print(list, "{\"device\":\"%s\",\"idevid\":\"", id);
	rota_bytes_add_text(list, der);
	rota_bytes_print(list, "\",\"product\":\"%s\"", product);
	if (text) {
		rota_bytes_add_text(list, ",\"secret\":\"");
		rota_bytes_add_text(list, text);
		rota_bytes_add_text(list, "\"");
	}
	rota_bytes_add_text(list, "}\n");
	free(id);
	free(der);
	free(text);
}

static enum rota_err take(struct rota_bytes *list)
{
	const struct rota_agreement own = { .ctx = secret[0], .point = point[0], .dh = agree };
	const struct rota_secretbook_plan plan = { .enrolments = list_path,
		.product = "sensor",
		.device_ca = ca.cert,
		.book = book_path,
		.tools = &tools,
		.random = &rota_random_posix,
		.hpke = &hpke,
		.own = &own,
		.tell = tell };

	tempdir_put("enrolments", (const char *)list->p);
	rota_bytes_free(list);
	*list = (struct rota_bytes){ 0 };
	return rota_secretbook_take(&plan, &counts, &why);
}

/* A good line: device n with this psk. */
static void add_good(struct rota_bytes *list, unsigned n, uint8_t psk)
{
	uint8_t sealed[ROTA_FACTORY_SECRET_LEN];

	seal(&devices[n], devices[n].key, psk, 0, sealed);
	add(list, &devices[n], rota_bytes_span(&devices[n].idevid), sealed, "sensor");
}

/* The psk that the book has of device n; 0: none. */
static unsigned psk_of(unsigned n)
{
	struct rota_book book;
	struct rota_book_row row;
	uint32_t at;
	unsigned found = 0;

	if (rota_book_open(&book, book_path, ROTA_BOOK_FACTORY, &tools, &why) != ROTA_OK)
		return 0;
	if (rota_book_seek(&book, devices[n].id, &at, &why) == ROTA_OK && at < book.rows &&
		rota_book_read(&book, at, &row, &why) == ROTA_OK &&
		memcmp(row.device, devices[n].id, sizeof(row.device)) == 0 && row.delivered == 0)
		found = row.delivered_psk[31];
	rota_book_close(&book);
	return found;
}

TEST(secrets_come_into_the_book)
{
	struct rota_bytes list = { 0 };

	CHECK(begin());
	add_good(&list, 1, 11);
	add(&list, &devices[2], rota_bytes_span(&devices[2].idevid), NULL, "sensor");
	add_good(&list, 0, 10);
	CHECK_OK(take(&list));
	CHECK_EQ(counts.added, 2);
	CHECK_EQ(counts.without, 1);
	CHECK(psk_of(0) == 10 && psk_of(1) == 11 && psk_of(2) == 0);
	ROW("the same once more");
	add_good(&list, 1, 11);
	CHECK_OK(take(&list));
	CHECK_EQ(counts.same, 1);
	CHECK_EQ(counts.added + counts.changed, 0);
	ROW("more, and of one that came again the last");
	opened = 0;
	add_good(&list, 0, 20);
	add_good(&list, 2, 12);
	add_good(&list, 0, 30);
	CHECK_OK(take(&list));
	CHECK_EQ(opened, 2);
	CHECK(counts.added == 1 && counts.changed == 1);
	CHECK(psk_of(0) == 30 && psk_of(1) == 11 && psk_of(2) == 12);
	end();
}

TEST(where_the_last_line_has_no_secret_none_comes_in)
{
	struct rota_bytes list = { 0 };

	CHECK(begin());
	add_good(&list, 1, 11);
	add_good(&list, 0, 10);
	add(&list, &devices[1], rota_bytes_span(&devices[1].idevid), NULL, "sensor");
	CHECK_OK(take(&list));
	CHECK(counts.added == 1 && counts.without == 1 && opened == 1);
	CHECK(psk_of(0) == 10 && psk_of(1) == 0);
	ROW("it has one again");
	add_good(&list, 1, 11);
	add(&list, &devices[1], rota_bytes_span(&devices[1].idevid), NULL, "sensor");
	add_good(&list, 1, 21);
	CHECK_OK(take(&list));
	CHECK(counts.added == 1 && psk_of(1) == 21);
	end();
}

/* Rubbish that its device signed, by what it is: a point that is none, or text that nobody sealed. */
static void seal_rubbish(const struct device *d, bool no_point, uint8_t *out)
{
	struct rota_bytes said = { 0 };

	seal(d, d->key, 11, 0, out);
	out[no_point ? 64 : ROTA_HPKE_ENC_LEN] ^= 1;
	rota_bytes_add_text(&said, "rota-secret-v1");
	rota_bytes_add(&said, ROTA_SPAN(point[0]));
	rota_bytes_add(&said, ROTA_SPAN(d->id));
	rota_bytes_add(&said, rota_span(out, ROTA_FACTORY_SEALED_LEN));
	issuer_sign(d->key, rota_bytes_span(&said), out + ROTA_FACTORY_SEALED_LEN);
	rota_bytes_free(&said);
}

TEST(a_device_whose_secret_is_rubbish_is_passed_over)
{
	static const char *const rows[] = { "no point of the curve", "text that nobody sealed",
		"another's signature", "for another point", "changed" };
	uint8_t sealed[ROTA_FACTORY_SECRET_LEN];
	struct rota_bytes list = { 0 };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct device *d = &devices[1];

		ROW(rows[i]);
		CHECK(begin());
		add_good(&list, 0, 10);
		seal(d, i == 2 ? devices[2].key : d->key, 11, i == 3, sealed);
		if (i < 2)
			seal_rubbish(d, i == 0, sealed);
		sealed[70] ^= i == 4;
		add(&list, d, rota_bytes_span(&d->idevid), sealed, "sensor");
		add_good(&list, 2, 12);
		CHECK_OK(take(&list));
		CHECK(counts.added == 2 && counts.passed == 1 && told == 1);
		CHECK_EQ(opened, i < 2 ? 3 : 2);
		CHECK(psk_of(0) == 10 && psk_of(1) == 0 && psk_of(2) == 12);
		end();
	}
}

TEST(a_token_that_fails_ends_it)
{
	static const enum rota_err all[] = { ROTA_ERR_IO, ROTA_ERR_TIMEOUT, ROTA_ERR_DENIED };
	struct rota_bytes list = { 0 };

	CHECK(begin());
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		broken = all[i];
		add_good(&list, 0, 10);
		CHECK_EQ(take(&list), all[i]);
		CHECK_EQ(counts.passed, 0);
		CHECK_EQ(psk_of(0), 0);
	}
	end();
}

TEST(one_line_that_is_not_in_order_spoils_all)
{
	uint8_t sealed[ROTA_FACTORY_SECRET_LEN];
	struct rota_bytes list = { 0 };
	struct device foreign;

	CHECK(begin());
	make_device(&stranger, 0, &foreign);
	for (unsigned row = 0; row < 4; row++) {
		struct device d = devices[1];
		const char *product = "sensor";
		struct rota_span idevid = rota_bytes_span(&d.idevid);

		add_good(&list, 0, 10);
		seal(&d, d.key, 11, 0, sealed);
		if (row == 0) { /* its device sealed it, under the name of another */
			ROW("another device's certificate");
			memcpy(d.id, devices[2].id, sizeof(d.id));
		}
		if (row == 1) {
			ROW("of no authority of ours");
			d = foreign;
			seal(&d, d.key, 11, 0, sealed);
			idevid = rota_bytes_span(&d.idevid);
		}
		if (row == 2)
			product = "other";
		if (row == 3)
			idevid = rota_span(idevid.p, idevid.len - 1);
		add(&list, &d, idevid, sealed, product);
		CHECK(take(&list) != ROTA_OK);
		CHECK_EQ(why.err,
			row == 2           ? ROTA_ERR_PRODUCT
				: row == 3 ? ROTA_ERR_FORMAT
					   : ROTA_ERR_SIGNATURE);
		CHECK_EQ(opened, 0);
		CHECK_EQ(psk_of(0), 0);
		test_row = NULL;
	}
	free_device(&foreign);
	end();
}

TESTS(T(secrets_come_into_the_book), T(where_the_last_line_has_no_secret_none_comes_in),
	T(a_device_whose_secret_is_rubbish_is_passed_over), T(a_token_that_fails_ends_it),
	T(one_line_that_is_not_in_order_spoils_all))
