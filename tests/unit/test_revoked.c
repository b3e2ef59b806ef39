/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says is over (SPEC 19.10): devices, certificates, lists, and how many a device got today. */
#include "host/notary/revoked.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define DAY UINT64_C(86400)
#define NOW ((uint64_t)CERT_NOW)

static struct issuer ca;
static struct rota_revocations r;
static uint8_t device[2][ROTA_DIGEST_LEN];
static struct rota_fail why;

static void begin(void)
{
	issuer_begin(&ca, "operational-ca", false);
	r = (struct rota_revocations){ .now_s = NOW };
	memset(device[0], 0x11, ROTA_DIGEST_LEN);
	memset(device[1], 0x22, ROTA_DIGEST_LEN);
}

static void end(void)
{
	rota_revocations_free(&r);
	issuer_end(&ca);
}

static enum rota_err enter(uint8_t kind, const char *role, size_t n, uint64_t at_s,
	uint64_t version, const char *record)
{
	struct rota_leaf leaf = { .kind = kind,
		.at_s = at_s,
		.version = version,
		.scope = ROTA_STR("sensor"),
		.role = rota_span_cstr(role) };

	memcpy(leaf.digest, device[n], sizeof(leaf.digest));
	return rota_revocations_entry(&r, &leaf, rota_span_cstr(record));
}

/* A certificate for logins of a device, with this byte in its serial. */
static enum rota_err issue(size_t n, uint8_t serial, uint64_t at_s, uint64_t days)
{
	struct rota_tbs_plan plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	char hex[2 * ROTA_TBS_MAX + 1], record[2 * ROTA_TBS_MAX + 64];
	struct rota_bytes tbs;

	memset(plan.serial, 0x40 + serial, sizeof(plan.serial));
	plan.from_s = at_s;
	plan.to_s = at_s + days * DAY;
	if (rota_tbs_make(&plan, &tbs, &why) != ROTA_OK)
		abort();
	rota_hex(rota_bytes_span(&tbs), hex);
	rota_bytes_free(&tbs);
	snprintf(record, sizeof(record), "{\"certificate\":{\"tbs\":\"%s\"}}", hex);
	return enter(ROTA_LEAF_ISSUED, "operational-ca", n, at_s, plan.to_s, record);
}

static enum rota_err revoke(const char *role, size_t n, uint64_t at_s, const char *serial)
{
	char record[128];

	snprintf(record, sizeof(record), "{\"what\":{\"serial\":\"%s\"}}", serial);
	return enter(ROTA_LEAF_REVOKED, role, n, at_s, 0, record);
}

/* How many are on an authority's list of that day, as OpenSSL reads it; *first: the first byte of the first of them. */
static int listed(const char *role, uint64_t at_s, uint8_t *first)
{
	struct rota_crl_plan plan = { .issuer = ca.cert,
		.number = rota_revocations_next(&r, "sensor", role),
		.from_s = at_s,
		.next_s = at_s + DAY };
	struct rota_bytes tbs, der = { 0 };
	const unsigned char *at;
	X509_CRL *crl;
	int count;

	if (rota_revocations_crl(&r, "sensor", role, &plan, &tbs, &why) != ROTA_OK)
		return -1;
	issuer_sealed(ca.key, rota_bytes_span(&tbs), &der);
	at = der.p;
	crl = d2i_X509_CRL(NULL, &at, (long)der.len);
	count = crl ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) : -1;
	if (count < 0 && crl) /* none at all */
		count = 0;
	if (count > 0)
		*first = ASN1_STRING_get0_data(X509_REVOKED_get0_serialNumber(
			sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0)))[0];
	X509_CRL_free(crl);
	rota_bytes_free(&tbs);
	rota_bytes_free(&der);
	return count;
}

TEST(a_device_and_its_certificates)
{
	const uint8_t serial[16] = { 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41,
		0x41, 0x41, 0x41, 0x41, 0x41, 0x41 };
	uint8_t first = 0;

	begin();
	CHECK_OK(issue(0, 1, NOW, 30));
	CHECK_OK(issue(1, 2, NOW, 30));
	CHECK_OK(issue(0, 3, NOW, 90));
	CHECK_EQ(listed("operational-ca", NOW, &first), 0);
	CHECK_OK(revoke("device-ca", 0, NOW + 10, "5a01"));
	CHECK(rota_revocations_device(&r, "sensor", device[0]));
	CHECK(!rota_revocations_device(&r, "sensor", device[1]));
	CHECK(!rota_revocations_device(&r, "motor", device[0]));
	CHECK(rota_revocations_serial(&r, "sensor", "operational-ca", ROTA_SPAN(serial)));
	CHECK(!rota_revocations_serial(&r, "sensor", "device-ca", ROTA_SPAN(serial)));
	CHECK(!rota_revocations_serial(&r, "motor", "operational-ca", ROTA_SPAN(serial)));
	CHECK_EQ(listed("operational-ca", NOW + 10, &first), 2);
	CHECK_EQ(first, 0x41);
	CHECK_EQ(listed("device-ca", NOW + 10, &first), 1);
	CHECK_EQ(first, 0x5A);
	/* 8 days behind its end a certificate is off the list, and one whose end is not known stays */
	CHECK_EQ(listed("operational-ca", NOW + 37 * DAY, &first), 2);
	CHECK_EQ(listed("operational-ca", NOW + 39 * DAY, &first), 1);
	CHECK_EQ(first, 0x43);
	CHECK_EQ(listed("device-ca", NOW + 3900 * DAY, &first), 1);
	end();
}

TEST(one_certificate)
{
	const uint8_t serial[2] = { 0x5A, 0x01 };
	uint8_t first;

	begin();
	CHECK_OK(issue(0, 1, NOW, 30));
	CHECK_OK(revoke("operational-ca", 0, NOW, "5a01"));
	CHECK_OK(revoke("operational-ca", 0, NOW, "5a01")); /* once on the list */
	CHECK(!rota_revocations_device(&r, "sensor", device[0]));
	CHECK(rota_revocations_serial(&r, "sensor", "operational-ca", ROTA_SPAN(serial)));
	CHECK_EQ(listed("operational-ca", NOW, &first), 1);
	end();
}

/* One more would be over and on no list, and there would be no list at all. */
TEST(a_list_that_is_full)
{
	char serial[16];
	uint8_t first;

	begin();
	CHECK_OK(issue(0, 1, NOW, 30));
	CHECK_OK(issue(0, 2, NOW, 30));
	for (unsigned i = 0; i < ROTA_REVOKED_MAX - 2; i++) {
		snprintf(serial, sizeof(serial), "01%06x", i);
		CHECK_OK(revoke("operational-ca", 1, NOW, serial));
	}
	CHECK(rota_revocations_room(&r, "sensor", "operational-ca", device[1], NOW));
	CHECK(rota_revocations_room(&r, "sensor", "device-ca", device[0], NOW)); /* with its two */
	CHECK_OK(revoke("operational-ca", 1, NOW, "02"));
	CHECK(rota_revocations_room(&r, "sensor", "operational-ca", device[1], NOW));
	CHECK(!rota_revocations_room(&r, "sensor", "device-ca", device[0], NOW));
	CHECK(rota_revocations_room(&r, "sensor", "device-ca", device[1], NOW)); /* it has none */
	CHECK_OK(revoke("operational-ca", 1, NOW, "03"));
	CHECK(!rota_revocations_room(&r, "sensor", "operational-ca", device[1], NOW));
	CHECK(rota_revocations_room(&r, "motor", "operational-ca", device[1], NOW));
	CHECK_EQ(listed("operational-ca", NOW, &first), ROTA_REVOKED_MAX);
	end();
}

TEST(numbers_rise)
{
	begin();
	CHECK_EQ(rota_revocations_next(&r, "sensor", "device-ca"), 1);
	CHECK_OK(enter(ROTA_LEAF_CRL, "device-ca", 0, NOW, 1, "{}"));
	CHECK_OK(enter(ROTA_LEAF_CRL, "device-ca", 0, NOW, 2, "{}"));
	CHECK_EQ(rota_revocations_next(&r, "sensor", "device-ca"), 3);
	CHECK_EQ(rota_revocations_next(&r, "sensor", "operational-ca"), 1);
	CHECK_EQ(rota_revocations_next(&r, "motor", "device-ca"), 1);
	end();
}

/* What began long ago is not read, and what ended is forgotten: memory goes by the certificates that live. */
TEST(what_ended_is_forgotten)
{
	begin();
	CHECK_OK(enter(
		ROTA_LEAF_ISSUED, "operational-ca", 0, NOW - 90 * DAY, NOW - 9 * DAY, "no JSON"));
	CHECK_EQ(r.issued_count, 0);
	for (size_t i = 0; i < 64; i++)
		CHECK_OK(issue(0, (uint8_t)i, NOW, 1));
	CHECK_EQ(r.issued_count, 64);
	CHECK_OK(issue(0, 9, NOW + 20 * DAY, 1));
	CHECK_EQ(r.issued_count, 1);
	CHECK_EQ(r.issued_room, 64);
	end();
}

TEST(so_many_a_day)
{
	begin();
	for (size_t i = 0; i < 3; i++)
		CHECK_OK(issue(0, (uint8_t)i, NOW, 1));
	CHECK_EQ(rota_revocations_today(&r, "sensor", device[0], NOW), 3);
	CHECK_EQ(rota_revocations_today(&r, "sensor", device[1], NOW), 0);
	CHECK_EQ(rota_revocations_today(&r, "motor", device[0], NOW), 0);
	CHECK_EQ(rota_revocations_today(&r, "sensor", device[0], NOW + DAY), 0);
	CHECK_OK(issue(1, 9, NOW + DAY, 1));
	CHECK_EQ(rota_revocations_today(&r, "sensor", device[0], NOW + DAY), 0);
	CHECK_OK(issue(0, 9, NOW, 1)); /* a clock that went back gives nobody more */
	CHECK_EQ(rota_revocations_today(&r, "sensor", device[1], NOW + DAY), 1);
	end();
}

TEST(records_that_are_none)
{
	static const char *const serials[] = { "", "0", "00", "0001", "80", "zz",
		"010101010101010101010101010101010101010101" };
	static const char *const records[] = { "{}", "{\"certificate\":{\"tbs\":\"00\"}}", "x" };

	begin();
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
		ROW(serials[i]);
		CHECK_EQ(revoke("operational-ca", 0, NOW, serials[i]), ROTA_ERR_FORMAT);
	}
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		ROW(records[i]);
		CHECK(enter(ROTA_LEAF_ISSUED, "operational-ca", 0, NOW, NOW + DAY, records[i]) !=
			ROTA_OK);
	}
	CHECK_OK(revoke("operational-ca", 0, NOW, "0080"));
	end();
}

TESTS(T(a_device_and_its_certificates), T(one_certificate), T(a_list_that_is_full), T(numbers_rise),
	T(what_ended_is_forgotten), T(so_many_a_day), T(records_that_are_none))
