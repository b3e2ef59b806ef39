/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fleet_scene.h"
#include "host/base/bytes.h"
#include "host/base/digest.h"
#include "host/registry/identity.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/tempdir.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rota_db_sqlite *fleet_sqlite;
struct rota_db fleet_db;
struct rota_regdb fleet_reg;
struct rota_fail fleet_why;
bool fleet_in_batch;
uint64_t fleet_clock_ms = 1000;

void fleet_must(enum rota_err err)
{
	if (err == ROTA_OK)
		return;
	fprintf(stderr, "fleet scene: error %d: %s\n", (int)err, fleet_why.text);
	abort();
}

void fleet_open(const char *name)
{
	fleet_must(rota_db_sqlite_open(tempdir_path(name), &fleet_sqlite, &fleet_db, &fleet_why));
	fleet_must(rota_db_sqlite_registry(fleet_sqlite, &fleet_reg, &fleet_why));
}

void fleet_close(void)
{
	rota_db_sqlite_close(fleet_sqlite);
}

static void id_of(unsigned device, uint8_t id[static ROTA_DEVICE_ID_LEN])
{
	memset(id, 0xdd, ROTA_DEVICE_ID_LEN);
	for (int i = 0; i < 4; i++)
		id[i] = (uint8_t)(device >> (24 - 8 * i));
}

const char *fleet_id(unsigned device)
{
	static char hex[ROTA_DB_ID_LEN];
	uint8_t id[ROTA_DEVICE_ID_LEN];

	id_of(device, id);
	rota_hex(ROTA_SPAN(id), hex);
	return hex;
}

struct rota_row fleet_row(unsigned device, uint32_t counter)
{
	struct rota_row row = { .counter = counter, .identity = { 4 }, .agree = { 4 } };

	rota_row_product(&rota_crypto_openssl, ROTA_STR(FLEET_PRODUCT), row.product);
	id_of(device, row.device);
	memcpy(&row.identity[1], row.device, sizeof(row.device));
	memcpy(&row.agree[1], row.device, sizeof(row.device));
	row.agree[40] = (uint8_t)counter;
	return row;
}

struct rota_span fleet_row_bytes(const struct rota_row *row)
{
	static uint8_t bytes[ROTA_ROW_LEN];
	struct rota_hmac key;

	rota_hmac_begin(&key, &rota_crypto_openssl, ROTA_STR("the registry's key"));
	rota_row_encode(row, &rota_crypto_openssl, &key, bytes);
	return ROTA_SPAN(bytes);
}

struct rota_span fleet_idevid(const char *serial, uint8_t point[static ROTA_P256_KEY_LEN])
{
	static uint8_t der[2048];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = X509_new();
	uint8_t *at = der;
	size_t len, point_len;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	if (serial)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "serialNumber", MBSTRING_ASC,
			(const uint8_t *)serial, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(c), 1700000000);
	ASN1_TIME_set_string(X509_getm_notAfter(c), "99991231235959Z");
	X509_set_pubkey(c, key);
	X509_sign(c, key, EVP_sha256());
	len = (size_t)i2d_X509(c, &at);
	if (EVP_PKEY_get_octet_string_param(key, "pub", point, ROTA_P256_KEY_LEN, &point_len) != 1)
		abort();
	X509_free(c);
	EVP_PKEY_free(key);
	return rota_span(der, len);
}

enum rota_fleet_result fleet_apply(uint8_t type, unsigned device, struct rota_span payload)
{
	struct rota_record r = { .type = type, .time_ms = fleet_clock_ms, .payload = payload };
	struct rota_fleet_news news;

	fleet_clock_ms += 1000;
	if (type != ROTA_RECORD_CAMPAIGN)
		id_of(device, r.device);
	if (!fleet_in_batch)
		fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	fleet_must(rota_fleet_apply(&fleet_reg, &r, &news, &fleet_why));
	if (!fleet_in_batch)
		fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
	return news.result;
}

enum rota_fleet_result fleet_text(uint8_t type, unsigned device, const char *json)
{
	return fleet_apply(type, device, rota_span_cstr(json));
}

void fleet_enrol(unsigned device)
{
	struct rota_row row = fleet_row(device, 1);
	struct rota_bytes payload = { 0 };
	struct rota_span der;
	char serial[32];

	snprintf(serial, sizeof(serial), "SN-%u", device);
	der = fleet_idevid(serial, row.identity);
	rota_bytes_add(&payload, fleet_row_bytes(&row));
	rota_bytes_add(&payload, der);
	if (fleet_apply(ROTA_RECORD_ENROL, device, rota_bytes_span(&payload)) != ROTA_FLEET_TAKEN)
		abort();
	rota_bytes_free(&payload);
}

enum rota_fleet_result fleet_say(unsigned device, const struct rota_statement *s)
{
	uint8_t room[ROTA_STATEMENT_MAX] = { 0 };
	struct rota_statement full = *s;
	struct rota_span body;

	id_of(device, full.device);
	fleet_must(rota_statement_encode(&full, ROTA_BUF(room), &body));
	return fleet_apply(
		ROTA_RECORD_STATEMENT, device, rota_span(room, body.len + ROTA_P256_SIG_LEN));
}

enum rota_fleet_result fleet_prove(
	unsigned device, uint32_t number, uint8_t purpose, uint32_t generation)
{
	struct rota_statement s = { .kind = ROTA_STATEMENT_PROVED,
		.number = number,
		.purpose = purpose,
		.generation = generation,
		.point = { 4, (uint8_t)number } };

	return fleet_say(device, &s);
}

enum rota_fleet_result fleet_state(unsigned device, uint32_t number, struct rota_holding held)
{
	struct rota_statement s = {
		.kind = ROTA_STATEMENT_STATE, .number = number, .count = 1, .holding = { held }
	};

	return fleet_say(device, &s);
}

enum rota_fleet_result fleet_kind(unsigned device, uint8_t kind, uint32_t number)
{
	struct rota_statement s = { .kind = kind, .number = number };

	if (kind == ROTA_STATEMENT_ANEW)
		s.point[0] = 4;
	return fleet_say(device, &s);
}

struct rota_reg_device fleet_device(unsigned device)
{
	struct rota_reg_device d;

	if (fleet_reg.device(fleet_reg.ctx, fleet_id(device), &d, &fleet_why) != ROTA_OK)
		memset(&d, 0, sizeof(d));
	return d;
}

struct rota_reg_holding fleet_holding(unsigned device, uint8_t purpose)
{
	struct rota_reg_holding h;

	if (fleet_reg.holding(fleet_reg.ctx, fleet_id(device), purpose, &h, &fleet_why) != ROTA_OK)
		memset(&h, 0, sizeof(h));
	return h;
}

struct rota_row fleet_row_of(unsigned device)
{
	struct rota_reg_device d = fleet_device(device);
	struct rota_row row;

	fleet_must(rota_row_read(d.row, &row));
	return row;
}

static enum rota_err dump_device(void *to, const struct rota_reg_device *d)
{
	char row[ROTA_DIGEST_HEX], last[ROTA_DIGEST_HEX];

	rota_digest_hex(ROTA_SPAN(d->row), row);
	rota_digest_hex(ROTA_SPAN(d->last), last);
	rota_bytes_print(to, "%s %s %s %s %s %s %s %s %s %s %u %u %s %llu %llu\n", d->id,
		rota_reg_state_word(d->state), d->serial, d->hardware, d->channel, d->group,
		d->region, d->owner, d->replaces, row, d->agreed, d->said, last,
		(unsigned long long)d->enrolled_ms, (unsigned long long)d->seen_ms);
	return ROTA_OK;
}

static enum rota_err dump_line(void *to, const struct rota_reg_line *l)
{
	const struct rota_holding *h = &l->holding.held;

	if (l->known)
		rota_bytes_print(to, "%s %u: %u %u %u %u %u %u %llu %llu\n", l->id, h->purpose,
			h->active, h->staged, h->proved, h->held_from, h->needed_from, h->records,
			(unsigned long long)l->holding.stated_ms,
			(unsigned long long)l->holding.proved_ms);
	return ROTA_OK;
}

static enum rota_err dump_campaign(void *to, const struct rota_reg_campaign *c)
{
	rota_bytes_print(to, "%s %s %s %u %u %u %u %s %s\n", c->id, c->name, c->product, c->purpose,
		c->generation, c->state, c->overlap_s, c->by, c->why);
	return ROTA_OK;
}

char *fleet_dump(void)
{
	struct rota_bytes text = { 0 };

	rota_bytes_add_text(&text, "");
	fleet_must(fleet_reg.each(fleet_reg.ctx, dump_device, &text, &fleet_why));
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++)
		fleet_must(fleet_reg.lines(fleet_reg.ctx, purpose, dump_line, &text, &fleet_why));
	fleet_must(fleet_reg.campaigns(fleet_reg.ctx, dump_campaign, &text, &fleet_why));
	return (char *)text.p;
}
