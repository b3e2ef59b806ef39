/* SPDX-License-Identifier: Apache-2.0 */
/* Rows follow from what devices say and sign, whoever brings it (SPEC 30.2). Here the test is a server that was broken into: it has
 * all rows, all statements and all certificates, and no key. */
#include "host/notary/registrar.h"
#include "host/pki/idevid.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct issuer ca, thief; /* the device's own key is ca.device */
static struct rota_registrar office;
static struct rota_idevid id;
static struct rota_bytes certificate;
static EVP_PKEY *agree[3];

static void begin(void)
{
	static const uint8_t key[32] = { 1, 2, 3 };
	struct rota_tbs_plan plan;
	struct rota_fail why;

	issuer_begin(&ca, "device-ca", false);
	issuer_begin(&thief, "device-ca", false);
	plan = issuer_plan(&ca, ROTA_TBS_IDEVID);
	issuer_issue(&ca, &plan, &certificate, NULL);
	if (rota_idevid_read(ca.cert, rota_bytes_span(&certificate), &id, &why) != ROTA_OK)
		abort();
	for (size_t i = 0; i < 3; i++)
		agree[i] = EVP_EC_gen("P-256");
	office = (struct rota_registrar){ .crypto = &rota_crypto_openssl, .device_ca = ca.cert };
	rota_hmac_begin(&office.key, office.crypto, ROTA_SPAN(key));
	rota_row_product(office.crypto, ROTA_STR("sensor"), office.product);
}

static void end(void)
{
	for (size_t i = 0; i < 3; i++)
		EVP_PKEY_free(agree[i]);
	rota_bytes_free(&certificate);
	issuer_end(&ca);
	issuer_end(&thief);
}

/* A statement with the agree key of this number, signed by `by`, behind what is in `out`. */
static void say(struct rota_bytes *out, enum rota_statement_kind kind, uint32_t number, size_t key,
	uint32_t generation, EVP_PKEY *by)
{
	struct rota_statement s = { .kind = (uint8_t)kind, .number = number };
	uint8_t room[ROTA_STATEMENT_MAX], sig[ROTA_P256_SIG_LEN];
	struct rota_bytes signed_ = { 0 };
	struct rota_span body;

	memcpy(s.device, id.device, sizeof(s.device));
	if (!rota_p256_of_pkey(agree[key], s.point))
		abort();
	if (kind == ROTA_STATEMENT_PROVED) {
		s.purpose = ROTA_PURPOSE_STORAGE;
		s.generation = generation;
	}
	if (rota_statement_encode(&s, ROTA_BUF(room), &body) != ROTA_OK)
		abort();
	rota_bytes_add_text(&signed_, "rota-statement-v1");
	rota_bytes_add(&signed_, body);
	issuer_sign(by, rota_bytes_span(&signed_), sig);
	rota_bytes_free(&signed_);
	rota_bytes_add(out, body);
	rota_bytes_add(out, ROTA_SPAN(sig));
}

/* What the registrar makes of an item's bytes. */
static enum rota_err make(const struct rota_bytes *in, uint8_t row[static ROTA_ROW_LEN])
{
	struct rota_registrar_item item;

	ROTA_TRY(rota_registrar_read(rota_bytes_span(in), &item));
	return rota_registrar_row(&office, &item, row);
}

static enum rota_err enrol(EVP_PKEY *by, uint32_t number, uint8_t row[static ROTA_ROW_LEN])
{
	struct rota_bytes in = { 0 };
	enum rota_err err;

	say(&in, ROTA_STATEMENT_ANEW, number, 0, 0, by);
	rota_bytes_add(&in, rota_bytes_span(&certificate));
	err = make(&in, row);
	rota_bytes_free(&in);
	return err;
}

/* A row after this one. */
static enum rota_err follow(const uint8_t was[static ROTA_ROW_LEN], uint32_t number, size_t key,
	uint32_t generation, EVP_PKEY *by, uint8_t row[static ROTA_ROW_LEN])
{
	struct rota_bytes in = { 0 };
	enum rota_err err;

	rota_bytes_add(&in, rota_span(was, ROTA_ROW_LEN));
	say(&in, ROTA_STATEMENT_PROVED, number, key, generation, by);
	err = make(&in, row);
	rota_bytes_free(&in);
	return err;
}

TEST(a_life)
{
	uint8_t row[ROTA_ROW_LEN], next[ROTA_ROW_LEN], point[ROTA_P256_KEY_LEN];
	struct rota_row r;

	begin();
	CHECK_OK(enrol(ca.device, 1, row));
	CHECK_OK(rota_row_decode(row, office.crypto, &office.key, &r));
	CHECK_EQ(r.counter, 1);
	CHECK_MEM(r.identity, ca.point, sizeof(r.identity));
	CHECK_MEM(r.device, id.device, sizeof(r.device));
	CHECK_OK(follow(row, 2, 1, 5, ca.device, next));
	CHECK_OK(rota_row_decode(next, office.crypto, &office.key, &r));
	CHECK(rota_p256_of_pkey(agree[1], point));
	CHECK_MEM(r.agree, point, sizeof(point));
	CHECK_EQ(r.counter, 2);
	CHECK_EQ(r.proved[ROTA_PURPOSE_STORAGE - 1], 5);
	end();
}

/* Who has the server has everything but the device's key and the registrar's. */
TEST(a_server_that_was_broken_into)
{
	uint8_t row[ROTA_ROW_LEN], next[ROTA_ROW_LEN], bad[ROTA_ROW_LEN];
	struct rota_bytes in = { 0 };

	begin();
	ROW("an identity that is not the certificate's");
	CHECK_EQ(enrol(thief.device, 1, row), ROTA_ERR_SIGNATURE);
	ROW("a first key that is not the first");
	CHECK_EQ(enrol(ca.device, 2, row), ROTA_ERR_COUNTER);
	CHECK_OK(enrol(ca.device, 1, row));
	ROW("an agree key of the thief's");
	CHECK_EQ(follow(row, 2, 1, 5, thief.device, next), ROTA_ERR_SIGNATURE);
	ROW("a counter that is passed over");
	CHECK_EQ(follow(row, 3, 1, 5, ca.device, next), ROTA_ERR_COUNTER);
	ROW("another key under the counter that it has");
	CHECK_EQ(follow(row, 1, 1, 5, ca.device, next), ROTA_ERR_COUNTER);
	ROW("a row with any byte changed");
	for (size_t i = 0; i < sizeof(row); i++) {
		memcpy(bad, row, sizeof(bad));
		bad[i] ^= 1;
		CHECK(follow(bad, 2, 1, 5, ca.device, next) != ROTA_OK);
	}
	ROW("of another product's");
	rota_row_product(office.crypto, ROTA_STR("motor"), office.product);
	CHECK_EQ(follow(row, 2, 1, 5, ca.device, next), ROTA_ERR_PRODUCT);
	rota_row_product(office.crypto, ROTA_STR("sensor"), office.product);
	ROW("a certificate of another authority's");
	office.device_ca = thief.cert;
	CHECK_EQ(enrol(ca.device, 1, row), ROTA_ERR_SIGNATURE);
	office.device_ca = ca.cert;
	ROW("another device's statement");
	id.device[0] ^= 1;
	CHECK_EQ(follow(row, 2, 1, 5, ca.device, next), ROTA_ERR_HARDWARE);
	CHECK_EQ(enrol(ca.device, 1, bad), ROTA_ERR_HARDWARE);
	id.device[0] ^= 1;
	ROW("what is no item");
	CHECK_EQ(make(&in, next), ROTA_ERR_FORMAT);
	rota_bytes_add(&in, rota_span(row, sizeof(row)));
	CHECK_EQ(make(&in, next), ROTA_ERR_FORMAT);
	rota_bytes_free(&in);
	in = (struct rota_bytes){ 0 };
	say(&in, ROTA_STATEMENT_ANEW, 1, 0, 0, ca.device);
	CHECK_EQ(make(&in, next), ROTA_ERR_FORMAT);
	rota_bytes_free(&in);
	end();
}

/* A device that lost its data keys says so: none counts as proved any more. */
TEST(anew)
{
	uint8_t row[ROTA_ROW_LEN], next[ROTA_ROW_LEN];
	struct rota_bytes in = { 0 };
	struct rota_row r;

	begin();
	CHECK_OK(enrol(ca.device, 1, row));
	CHECK_OK(follow(row, 2, 1, 5, ca.device, next));
	rota_bytes_add(&in, ROTA_SPAN(next));
	say(&in, ROTA_STATEMENT_ANEW, 3, 2, 0, ca.device);
	CHECK_OK(make(&in, row));
	rota_bytes_free(&in);
	CHECK_OK(rota_row_decode(row, office.crypto, &office.key, &r));
	CHECK_EQ(r.counter, 3);
	CHECK_EQ(r.proved[ROTA_PURPOSE_STORAGE - 1], 0);
	end();
}

TESTS(T(a_life), T(a_server_that_was_broken_into), T(anew))
