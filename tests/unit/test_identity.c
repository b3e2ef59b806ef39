/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made here with OpenSSL, taken apart by the walk, judged by the chain check. */
#include "host/base/file.h"
#include "host/identity/chain.h"
#include "host/identity/escaped.h"
#include "tests/unit/test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY 86400
#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const time_t now = 1800000000; /* 2027-01-15T08:00:00Z: all times are relative to it */
static struct rota_fail why;
static uint8_t der[ROTA_CERT_DER_MAX];
static char ca_path[64], crl_path[64];

struct ca {
	EVP_PKEY *key;
	X509 *cert;
};

static X509 *issue(EVP_PKEY *key, const char *cn, const struct ca *by, long serial, time_t from,
	time_t to, bool is_ca)
{
	X509 *c = X509_new();
	X509_NAME *name = X509_get_subject_name(c);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
		is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Test", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(c, by == NULL ? name : X509_get_subject_name(by->cert));
	ASN1_TIME_set(X509_getm_notBefore(c), from);
	ASN1_TIME_set(X509_getm_notAfter(c), to);
	X509_set_pubkey(c, key);
	X509_add_ext(c, ext, -1);
	X509_EXTENSION_free(ext);
	X509_sign(c, by == NULL ? key : by->key, EVP_sha256());
	return c;
}

static struct ca new_ca(const char *cn)
{
	struct ca ca = { .key = EVP_EC_gen("P-256") };

	ca.cert = issue(ca.key, cn, NULL, 1, now - 100 * DAY, now + 100 * DAY, true);
	return ca;
}

static void free_ca(struct ca *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

static struct rota_span der_of(X509 *c)
{
	uint8_t *p = der;

	return rota_span(der, (size_t)i2d_X509(c, &p));
}

/* A device's certificate as DER in static storage. */
static struct rota_span leaf(
	const struct ca *by, const char *cn, long serial, time_t from, time_t to)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = issue(key, cn, by, serial, from, to, false);
	struct rota_span out = der_of(c);

	X509_free(c);
	EVP_PKEY_free(key);
	return out;
}

static void write_ca(const struct ca *ca)
{
	FILE *f;

	if (ca_path[0] == '\0') {
		strcpy(ca_path, "/tmp/rota-ca.XXXXXX");
		close(mkstemp(ca_path));
	}
	f = fopen(ca_path, "w");
	PEM_write_X509(f, ca->cert);
	fclose(f);
}

static void write_crl(const struct ca *ca, long serial)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, now);
	FILE *f;

	strcpy(crl_path, "/tmp/rota-crl.XXXXXX");
	close(mkstemp(crl_path));
	ASN1_INTEGER_set(n, serial);
	X509_REVOKED_set_serialNumber(r, n);
	X509_REVOKED_set_revocationDate(r, t);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_CRL_set1_nextUpdate(crl, t);
	X509_CRL_add0_revoked(crl, r);
	X509_CRL_sort(crl);
	X509_CRL_sign(crl, ca->key, EVP_sha256());
	f = fopen(crl_path, "w");
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(n);
	X509_CRL_free(crl);
}

TEST(walk_finds_the_fields)
{
	struct ca ca = new_ca("Operational");
	struct rota_span in = leaf(&ca, ID, 0x8001, now - DAY, now + DAY);
	uint8_t id[32];
	struct rota_cert c;

	CHECK_OK(rota_cert_read(in, &c));
	CHECK(rota_span_eq(c.common_name, ROTA_STR(ID)));
	CHECK_EQ(c.not_before, now - DAY);
	CHECK_EQ(c.not_after, now + DAY);
	CHECK_EQ(c.serial.len, 3); /* DER puts a zero before the high bit */
	CHECK_EQ(c.serial.p[1], 0x80);
	CHECK_EQ(c.spki.len, 91); /* P-256 */
	CHECK_OK(rota_cert_device_id(&c, id));
	CHECK_EQ(id[31], 0xff);
	for (size_t i = 0; i < in.len; i++)
		CHECK(rota_cert_read(rota_span_slice(in, 0, i), &c) != ROTA_OK);
	der[in.len] = 0;
	CHECK_EQ(rota_cert_read(rota_span(der, in.len + 1), &c), ROTA_ERR_FORMAT);
	free_ca(&ca);
}

TEST(walk_knows_both_kinds_of_time)
{
	static const time_t times[] = { 0, 951782400 /* 2000-02-29 */, 2524607999 /* end of 2049 */,
		2524608000, 4107542400 /* 2100-03-01 */, 253402300799 /* 9999 */ };
	struct ca ca = new_ca("Operational");
	struct rota_cert c;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_OK(rota_cert_read(leaf(&ca, ID, 1, times[i], 253402300799), &c));
		CHECK_EQ(c.not_before, times[i]);
		CHECK_EQ(c.not_after, 253402300799);
	}
	CHECK_EQ(rota_cert_read(leaf(&ca, ID, 1, now, now - 1), &c), ROTA_ERR_FORMAT);
	free_ca(&ca);
}

TEST(device_id_has_one_spelling)
{
	static const char *const others[] = { "device", ID "0", "",
		"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff" };
	struct ca ca = new_ca("Operational");
	struct rota_cert c;
	uint8_t id[32];

	for (size_t i = 0; i < 4; i++) {
		ROW(others[i]);
		/* OpenSSL refuses CN above 64 bytes: then the subject has none, which is refused too. */
		if (rota_cert_read(leaf(&ca, others[i], 1, now, now), &c) == ROTA_OK)
			CHECK_EQ(rota_cert_device_id(&c, id), ROTA_ERR_DENIED);
	}
	free_ca(&ca);
}

TEST(chain_is_asked_once)
{
	struct ca ca = new_ca("Operational"), other = new_ca("Operational");
	struct rota_chain *chain;
	struct rota_cert c;
	struct rota_span in;

	write_ca(&ca);
	CHECK_OK(rota_chain_open(ca_path, NULL, &chain, &why));
	in = leaf(&ca, ID, 7, now - DAY, now + DAY);
	for (int i = 0; i < 3; i++)
		CHECK_OK(rota_chain_check(chain, in, (uint64_t)now, &c));
	CHECK_EQ(rota_chain_asked(chain), 1);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(now + DAY), &c), ROTA_OK);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(now + DAY + 1), &c), ROTA_ERR_EXPIRED);
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(now - DAY - 1), &c), ROTA_ERR_EXPIRED);
	der[in.len - 1] ^= 1; /* the signature's last bit: another certificate */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)now, &c), ROTA_ERR_SIGNATURE);
	in = leaf(&other, ID, 7, now - DAY, now + DAY); /* same name, other key */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)now, &c), ROTA_ERR_SIGNATURE);
	in = leaf(&ca, ID, 8, now - 300 * DAY, now + 300 * DAY); /* outlives its CA */
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)(now + 101 * DAY), &c), ROTA_ERR_EXPIRED);
	rota_chain_close(chain);
	free_ca(&ca);
	free_ca(&other);
}

TEST(change_of_the_ca_file_is_seen)
{
	struct ca ca = new_ca("Operational"), other = new_ca("Other");
	struct rota_chain *chain;
	struct rota_cert c;
	struct rota_span in;

	write_ca(&ca);
	CHECK_OK(rota_chain_open(ca_path, NULL, &chain, &why));
	in = leaf(&ca, ID, 7, now - DAY, now + DAY);
	CHECK_OK(rota_chain_check(chain, in, (uint64_t)now, &c));
	unlink(ca_path);
	write_ca(&other);
	CHECK_OK(rota_chain_refresh(chain, &why));
	CHECK_EQ(rota_chain_check(chain, in, (uint64_t)now, &c), ROTA_ERR_SIGNATURE);
	CHECK_OK(rota_file_write(ca_path, ROTA_STR("rubbish"), 0600, &why));
	CHECK_EQ(rota_chain_refresh(chain, &why), ROTA_ERR_FORMAT);
	CHECK_OK(rota_chain_refresh(chain, &why)); /* said once; what was read before stays */
	in = leaf(&other, ID, 7, now - DAY, now + DAY);
	CHECK_OK(rota_chain_check(chain, in, (uint64_t)now, &c));
	rota_chain_close(chain);
	free_ca(&ca);
	free_ca(&other);
}

TEST(revoked_serials_are_refused)
{
	struct ca ca = new_ca("Operational"), other = new_ca("Other");
	struct rota_chain *chain;
	struct rota_cert c;

	write_ca(&ca);
	write_crl(&ca, 0x8001);
	CHECK_OK(rota_chain_open(ca_path, crl_path, &chain, &why));
	CHECK_EQ(rota_chain_check(
			 chain, leaf(&ca, ID, 0x8001, now - DAY, now + DAY), (uint64_t)now, &c),
		ROTA_ERR_DENIED);
	CHECK_OK(rota_chain_check(
		chain, leaf(&ca, ID, 0x8002, now - DAY, now + DAY), (uint64_t)now, &c));
	rota_chain_close(chain);
	write_crl(&other, 1); /* leaves the first temporary file to the end */
	CHECK_EQ(rota_chain_open(ca_path, crl_path, &chain, &why), ROTA_ERR_SIGNATURE);
	free_ca(&ca);
	free_ca(&other);
}

/* The same CA to OpenSSL, its name with another type of string. */
static struct ca respelt(const struct ca *ca)
{
	struct ca twin = { .key = ca->key, .cert = X509_dup(ca->cert) };
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
	struct ca ca = new_ca("Operational"), twin = respelt(&ca);
	struct rota_chain *chain;
	struct rota_cert c;

	CHECK(X509_NAME_cmp(X509_get_subject_name(ca.cert), X509_get_subject_name(twin.cert)) == 0);
	write_ca(&ca);
	/* a list that no certificate of the CA would be looked for in */
	write_crl(&twin, 7);
	CHECK_EQ(rota_chain_open(ca_path, crl_path, &chain, &why), ROTA_ERR_SIGNATURE);
	/* a certificate that the list would be missed for */
	CHECK_OK(rota_chain_open(ca_path, NULL, &chain, &why));
	CHECK_EQ(rota_chain_check(chain, leaf(&twin, ID, 7, now - DAY, now + DAY), now, &c),
		ROTA_ERR_SIGNATURE);
	/* the CA's own certificate is no device's */
	CHECK_EQ(rota_chain_check(chain, der_of(ca.cert), now, &c), ROTA_ERR_SIGNATURE);
	rota_chain_close(chain);
	unlink(crl_path);
	X509_free(twin.cert);
	free_ca(&ca);
}

TEST(files_that_are_no_ca_are_refused)
{
	struct ca ca = new_ca("Operational");
	struct ca fake = { .key = EVP_EC_gen("P-256") };
	struct rota_chain *chain;

	fake.cert = issue(fake.key, ID, &ca, 9, now, now, false);
	write_ca(&fake);
	CHECK_EQ(rota_chain_open(ca_path, NULL, &chain, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_chain_open("/nonexistent", NULL, &chain, &why), ROTA_ERR_NOT_FOUND);
	free_ca(&fake);
	free_ca(&ca);
	unlink(ca_path);
	unlink(crl_path);
}

/* As nginx escapes: what is not unreserved becomes %XX. */
static size_t escape(struct rota_span in, char *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const uint8_t *p = in.p;
	X509 *c = d2i_X509(NULL, &p, (long)in.len);
	char *pem;
	long len;
	size_t n = 0;

	PEM_write_bio_X509(bio, c);
	len = BIO_get_mem_data(bio, &pem);
	for (long i = 0; i < len; i++)
		n += (size_t)sprintf(out + n, strchr("+/= \n", pem[i]) ? "%%%02X" : "%c", pem[i]);
	X509_free(c);
	BIO_free(bio);
	return n;
}

TEST(escaped_certificate_comes_back)
{
	static char text[ROTA_CERT_ESCAPED_MAX + 1];
	struct ca ca = new_ca("Operational");
	struct rota_span in = leaf(&ca, ID, 1, now, now);
	uint8_t got[ROTA_CERT_DER_MAX];
	size_t n = escape(in, text), len;

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
	free_ca(&ca);
}

TESTS(T(walk_finds_the_fields), T(walk_knows_both_kinds_of_time), T(device_id_has_one_spelling),
	T(chain_is_asked_once), T(change_of_the_ca_file_is_seen), T(revoked_serials_are_refused),
	T(names_have_one_spelling), T(files_that_are_no_ca_are_refused),
	T(escaped_certificate_comes_back))
