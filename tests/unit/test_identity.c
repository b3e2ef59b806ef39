/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made here with OpenSSL, taken apart by the walk, judged by the chain check. */
#include "host/base/file.h"
#include "host/identity/chain.h"
#include "host/identity/escaped.h"
#include "tests/unit/cert_maker.h"
#include "tests/unit/test.h"

#include <openssl/pem.h>
#include <unistd.h>

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct rota_fail why;

TEST(walk_finds_the_fields)
{
	struct cert_ca ca = cert_ca("Operational");
	struct rota_span in = cert_leaf(&ca, ID, 0x8001, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY);
	uint8_t id[32];
	struct rota_cert c;

	CHECK_OK(rota_cert_read(in, &c));
	CHECK(rota_span_eq(c.common_name, ROTA_STR(ID)));
	CHECK_EQ(c.not_before, CERT_NOW - CERT_DAY);
	CHECK_EQ(c.not_after, CERT_NOW + CERT_DAY);
	CHECK_EQ(c.serial.len, 3); /* DER puts a zero before the high bit */
	CHECK_EQ(c.serial.p[1], 0x80);
	CHECK_EQ(c.spki.len, 91); /* P-256 */
	CHECK_OK(rota_cert_device_id(&c, id));
	CHECK_EQ(id[31], 0xff);
	for (size_t i = 0; i < in.len; i++)
		CHECK(rota_cert_read(rota_span_slice(in, 0, i), &c) != ROTA_OK);
	cert_room[in.len] = 0;
	CHECK_EQ(rota_cert_read(rota_span(cert_room, in.len + 1), &c), ROTA_ERR_FORMAT);
	cert_ca_free(&ca);
}

TEST(walk_knows_both_kinds_of_time)
{
	static const time_t times[] = { 0, 951782400 /* 2000-02-29 */, 2524607999 /* end of 2049 */,
		2524608000, 4107542400 /* 2100-03-01 */, 253402300799 /* 9999 */ };
	struct cert_ca ca = cert_ca("Operational");
	struct rota_cert c;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_OK(rota_cert_read(cert_leaf(&ca, ID, 1, times[i], 253402300799), &c));
		CHECK_EQ(c.not_before, times[i]);
		CHECK_EQ(c.not_after, 253402300799);
	}
	CHECK_EQ(
		rota_cert_read(cert_leaf(&ca, ID, 1, CERT_NOW, CERT_NOW - 1), &c), ROTA_ERR_FORMAT);
	cert_ca_free(&ca);
}

TEST(device_id_has_one_spelling)
{
	static const char *const others[] = { "device", ID "0", "",
		"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff" };
	struct cert_ca ca = cert_ca("Operational");
	struct rota_cert c;
	uint8_t id[32];

	for (size_t i = 0; i < 4; i++) {
		ROW(others[i]);
		/* OpenSSL refuses CN above 64 bytes: then the subject has none, which is refused too. */
		if (rota_cert_read(cert_leaf(&ca, others[i], 1, CERT_NOW, CERT_NOW), &c) == ROTA_OK)
			CHECK_EQ(rota_cert_device_id(&c, id), ROTA_ERR_DENIED);
	}
	cert_ca_free(&ca);
}

TEST(chain_is_asked_once)
{
	struct cert_ca ca = cert_ca("Operational"), other = cert_ca("Operational");
	struct rota_chain *chain;
	struct rota_cert c;
	struct rota_span in;

	cert_write_ca(&ca);
	CHECK_OK(rota_chain_open(cert_ca_path, NULL, &chain, &why));
	in = cert_leaf(&ca, ID, 7, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY);
	for (int i = 0; i < 3; i++)
		CHECK_OK(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c));
	CHECK_EQ(rota_chain_asked(chain), 1);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(CERT_NOW + CERT_DAY), &c), ROTA_OK);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(CERT_NOW + CERT_DAY + 1), &c),
		ROTA_ERR_EXPIRED);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(CERT_NOW - CERT_DAY - 1), &c),
		ROTA_ERR_EXPIRED);
	cert_room[in.len - 1] ^= 1; /* the signature's last bit: another certificate */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c), ROTA_ERR_SIGNATURE);
	in = cert_leaf(
		&other, ID, 7, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY); /* same name, other key */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c), ROTA_ERR_SIGNATURE);
	in = cert_leaf(&ca, ID, 8, CERT_NOW - 300 * CERT_DAY,
		CERT_NOW + 300 * CERT_DAY); /* outlives its CA */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(CERT_NOW + 101 * CERT_DAY), &c),
		ROTA_ERR_EXPIRED);
	rota_chain_close(chain);
	cert_ca_free(&ca);
	cert_ca_free(&other);
}

TEST(change_of_the_ca_file_is_seen)
{
	struct cert_ca ca = cert_ca("Operational"), other = cert_ca("Other");
	struct rota_chain *chain;
	struct rota_cert c;
	struct rota_span in;

	cert_write_ca(&ca);
	CHECK_OK(rota_chain_open(cert_ca_path, NULL, &chain, &why));
	in = cert_leaf(&ca, ID, 7, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY);
	CHECK_OK(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c));
	unlink(cert_ca_path);
	cert_write_ca(&other);
	CHECK_OK(rota_chain_refresh(chain, &why));
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c), ROTA_ERR_SIGNATURE);
	CHECK_OK(rota_file_write(cert_ca_path, ROTA_STR("rubbish"), 0600, &why));
	CHECK_EQ(rota_chain_refresh(chain, &why), ROTA_ERR_FORMAT);
	CHECK_OK(rota_chain_refresh(chain, &why)); /* said once; what was read before stays */
	in = cert_leaf(&other, ID, 7, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY);
	CHECK_OK(rota_chain_check(chain, in, (uint64_t)CERT_NOW, &c));
	rota_chain_close(chain);
	cert_ca_free(&ca);
	cert_ca_free(&other);
}

TEST(revoked_serials_are_refused)
{
	struct cert_ca ca = cert_ca("Operational"), other = cert_ca("Other");
	struct rota_chain *chain;
	struct rota_cert c;

	cert_write_ca(&ca);
	cert_write_crl(&ca, 0x8001);
	CHECK_OK(rota_chain_open(cert_ca_path, cert_crl_path, &chain, &why));
	CHECK_EQ(rota_chain_check(chain,
			 cert_leaf(&ca, ID, 0x8001, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY),
			 (uint64_t)CERT_NOW, &c),
		ROTA_ERR_DENIED);
	CHECK_OK(rota_chain_check(chain,
		cert_leaf(&ca, ID, 0x8002, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY),
		(uint64_t)CERT_NOW, &c));
	rota_chain_close(chain);
	cert_write_crl(&other, 1);
	CHECK_EQ(rota_chain_open(cert_ca_path, cert_crl_path, &chain, &why), ROTA_ERR_SIGNATURE);
	cert_ca_free(&ca);
	cert_ca_free(&other);
}

/* The same CA to OpenSSL, its name with another type of string. */
static struct cert_ca respelt(const struct cert_ca *ca)
{
	struct cert_ca twin = { .key = ca->key, .cert = X509_dup(ca->cert) };
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(
		name, "O", V_ASN1_PRINTABLESTRING, (const uint8_t *)"Test", -1, -1, 0);
	X509_NAME_add_entry_by_txt(
		name, "CN", V_ASN1_PRINTABLESTRING, (const uint8_t *)"Operational", -1, -1, 0);
	X509_set_subject_name(twin.cert, name);
	X509_NAME_free(name);
	return twin;
}

TEST(names_have_one_spelling)
{
	struct cert_ca ca = cert_ca("Operational"), twin = respelt(&ca);
	struct rota_chain *chain;
	struct rota_cert c;

	CHECK(X509_NAME_cmp(X509_get_subject_name(ca.cert), X509_get_subject_name(twin.cert)) == 0);
	cert_write_ca(&ca);
	/* a list that no certificate of the CA would be looked for in */
	cert_write_crl(&twin, 7);
	CHECK_EQ(rota_chain_open(cert_ca_path, cert_crl_path, &chain, &why), ROTA_ERR_SIGNATURE);
	/* a certificate that the list would be missed for */
	CHECK_OK(rota_chain_open(cert_ca_path, NULL, &chain, &why));
	CHECK_EQ(rota_chain_check(chain,
			 cert_leaf(&twin, ID, 7, CERT_NOW - CERT_DAY, CERT_NOW + CERT_DAY),
			 CERT_NOW, &c),
		ROTA_ERR_SIGNATURE);
	/* the CA's own certificate is no device's */
	CHECK_EQ(rota_chain_check(chain, cert_der(ca.cert), CERT_NOW, &c), ROTA_ERR_SIGNATURE);
	rota_chain_close(chain);
	unlink(cert_crl_path);
	X509_free(twin.cert);
	cert_ca_free(&ca);
}

TEST(files_that_are_no_ca_are_refused)
{
	struct cert_ca ca = cert_ca("Operational");
	struct cert_ca fake = { .key = EVP_EC_gen("P-256") };
	struct rota_chain *chain;

	fake.cert = cert_issue(fake.key, ID, &ca, 9, CERT_NOW, CERT_NOW, false);
	cert_write_ca(&fake);
	CHECK_EQ(rota_chain_open(cert_ca_path, NULL, &chain, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_chain_open("/nonexistent", NULL, &chain, &why), ROTA_ERR_NOT_FOUND);
	cert_ca_free(&fake);
	cert_ca_free(&ca);
	unlink(cert_ca_path);
	unlink(cert_crl_path);
}

TEST(escaped_certificate_comes_back)
{
	static char text[ROTA_CERT_ESCAPED_MAX + 1];
	struct cert_ca ca = cert_ca("Operational");
	struct rota_span in = cert_leaf(&ca, ID, 1, CERT_NOW, CERT_NOW);
	uint8_t got[ROTA_CERT_DER_MAX];
	size_t n = cert_escape(in, text), len;

	CHECK_OK(rota_escaped_cert(rota_span(text, n), ROTA_BUF(got), &len));
	CHECK(rota_span_eq(rota_span(got, len), in));
	for (size_t i = 0; i < n; i++)
		CHECK(rota_escaped_cert(rota_span(text, i), ROTA_BUF(got), &len) != ROTA_OK);
	text[n] = 'x';
	CHECK_EQ(rota_escaped_cert(rota_span(text, n + 1), ROTA_BUF(got), &len), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_escaped_cert(rota_span(text, n), rota_buf(got, 100), &len), ROTA_ERR_LIMIT);
	memset(text, 'A', sizeof(text));
	CHECK_EQ(rota_escaped_cert(rota_span(text, sizeof(text)), ROTA_BUF(got), &len),
		ROTA_ERR_LIMIT);
	cert_ca_free(&ca);
}

TESTS(T(walk_finds_the_fields), T(walk_knows_both_kinds_of_time), T(device_id_has_one_spelling),
	T(chain_is_asked_once), T(change_of_the_ca_file_is_seen), T(revoked_serials_are_refused),
	T(names_have_one_spelling), T(files_that_are_no_ca_are_refused),
	T(escaped_certificate_comes_back))
