/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists made byte by byte: OpenSSL believes them, and finds who is in them (RFC 5280, 5). */
#include "host/pki/crl.h"
#include "host/pki/derout.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

static struct issuer ca;
static struct rota_fail why;

static X509_CRL *made(const struct rota_crl_plan *plan)
{
	struct rota_bytes tbs, der;
	const unsigned char *at;
	X509_CRL *crl;

	if (rota_crl_tbs(plan, &tbs, &why) != ROTA_OK)
		return NULL;
	issuer_sealed(ca.key, rota_bytes_span(&tbs), &der);
	at = der.p;
	crl = d2i_X509_CRL(NULL, &at, (long)der.len);
	if (crl && at != der.p + der.len)
		abort();
	rota_bytes_free(&tbs);
	rota_bytes_free(&der);
	return crl;
}

/* What is said of a certificate by a list, at CERT_NOW. */
static int verified(X509 *cert, X509_CRL *crl)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int result;

	X509_STORE_add_cert(store, ca.cert);
	X509_STORE_add_crl(store, crl);
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_VERIFY_PARAM_set_flags(
		X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_time(ctx, 0, CERT_NOW);
	X509_verify_cert(ctx);
	result = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return result;
}

TEST(lists)
{
	struct rota_tbs_plan of = { 0 };
	struct rota_revoked list[2] = { { .len = 1, .serial = { 7 }, .at_s = 1700000000 } };
	struct rota_crl_plan plan;
	struct rota_bytes der;
	ASN1_INTEGER *number;
	X509_CRL *crl;
	X509 *cert;

	issuer_begin(&ca, "operational-ca", false);
	of = issuer_plan(&ca, ROTA_TBS_LDEVID);
	issuer_issue(&ca, &of, &der, &cert);
	plan = (struct rota_crl_plan){ .issuer = ca.cert,
		.number = 300,
		.from_s = (uint64_t)CERT_NOW,
		.next_s = (uint64_t)CERT_NOW + 86400,
		.list = list };
	for (plan.count = 0; plan.count <= 2; plan.count++) {
		crl = made(&plan);
		CHECK(crl);
		CHECK_EQ(X509_CRL_verify(crl, ca.key), 1);
		CHECK_EQ(X509_CRL_get_version(crl), 1);
		CHECK_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)),
			plan.count ? (int)plan.count : -1); /* absent where it is empty */
		number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
		CHECK_EQ(ASN1_INTEGER_get(number), 300);
		ASN1_INTEGER_free(number);
		CHECK_EQ(
			verified(cert, crl), plan.count == 2 ? X509_V_ERR_CERT_REVOKED : X509_V_OK);
		X509_CRL_free(crl);
		list[1].len = sizeof(of.serial);
		memcpy(list[1].serial, of.serial, sizeof(of.serial));
		list[1].at_s = (uint64_t)CERT_NOW - 5;
	}
	X509_free(cert);
	rota_bytes_free(&der);
	issuer_end(&ca);
}

TEST(limits)
{
	struct rota_revoked *many = calloc(ROTA_REVOKED_MAX, sizeof(*many));
	struct rota_crl_plan plan = { .number = 1, .from_s = 1, .next_s = 2, .list = many };
	struct rota_bytes tbs;
	X509_CRL *crl;

	CHECK(many);
	issuer_begin(&ca, "operational-ca", false);
	plan.issuer = ca.cert;
	plan.count = ROTA_REVOKED_MAX + 1;
	CHECK_EQ(rota_crl_tbs(&plan, &tbs, &why), ROTA_ERR_LIMIT);
	plan.count = ROTA_REVOKED_MAX;
	for (size_t i = 0; i < plan.count; i++) {
		many[i].len = 16;
		many[i].serial[0] = 0x40;
		memcpy(many[i].serial + 1, &i, sizeof(i));
		many[i].at_s = (uint64_t)CERT_NOW;
	}
	crl = made(&plan); /* of some megabytes */
	CHECK(crl && X509_CRL_verify(crl, ca.key) == 1);
	CHECK_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), ROTA_REVOKED_MAX);
	X509_CRL_free(crl);
	free(many);
	issuer_end(&ca);
}

TESTS(T(lists), T(limits))
