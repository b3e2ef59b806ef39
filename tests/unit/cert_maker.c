/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cert_maker.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint8_t cert_room[ROTA_CERT_DER_MAX];
char cert_ca_path[64], cert_crl_path[64];

X509 *cert_issue(EVP_PKEY *key, const char *cn, const struct cert_ca *by, long serial, time_t from,
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

struct cert_ca cert_ca(const char *cn)
{
	struct cert_ca ca = { .key = EVP_EC_gen("P-256") };

	ca.cert = cert_issue(
		ca.key, cn, NULL, 1, CERT_NOW - 100 * CERT_DAY, CERT_NOW + 100 * CERT_DAY, true);
	return ca;
}

void cert_ca_free(struct cert_ca *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

struct rota_span cert_der(X509 *c)
{
	uint8_t *p = cert_room;

	return rota_span(cert_room, (size_t)i2d_X509(c, &p));
}

struct rota_span cert_leaf(
	const struct cert_ca *by, const char *cn, long serial, time_t from, time_t to)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = cert_issue(key, cn, by, serial, from, to, false);
	struct rota_span out = cert_der(c);

	X509_free(c);
	EVP_PKEY_free(key);
	return out;
}

/* A path of our own, drawn once. */
static void place(char path[static 64], const char *form)
{
	if (path[0] != '\0')
		return;
	strcpy(path, form);
	close(mkstemp(path));
}

void cert_write_ca(const struct cert_ca *ca)
{
	FILE *f;

	place(cert_ca_path, "/tmp/rota-ca.XXXXXX");
	f = fopen(cert_ca_path, "w");
	PEM_write_X509(f, ca->cert);
	fclose(f);
}

void cert_write_crl(const struct cert_ca *ca, long serial)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, CERT_NOW);
	FILE *f;

	place(cert_crl_path, "/tmp/rota-crl.XXXXXX");
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
	f = fopen(cert_crl_path, "w");
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(n);
	X509_CRL_free(crl);
}

size_t cert_escape(struct rota_span in, char *out)
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
