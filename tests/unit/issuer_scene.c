/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/issuer_scene.h"
#include "host/pki/derout.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void add(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!e || X509_add_ext(cert, e, -1) != 1)
		abort();
	X509_EXTENSION_free(e);
}

void issuer_begin(struct issuer *i, const char *name, bool bare)
{
	struct cert_ca ca = cert_ca(name);

	*i = (struct issuer){ .key = ca.key, .device = EVP_EC_gen("P-256"), .cert = ca.cert };
	if (!rota_p256_of_pkey(i->device, i->point))
		abort();
	if (!bare)
		add(i->cert, NID_subject_key_identifier, "hash");
	add(i->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (X509_sign(i->cert, i->key, EVP_sha256()) == 0)
		abort();
}

void issuer_end(struct issuer *i)
{
	X509_free(i->cert);
	EVP_PKEY_free(i->key);
	EVP_PKEY_free(i->device);
}

void issuer_sign(EVP_PKEY *key, struct rota_span tbs, uint8_t sig[static ROTA_P256_SIG_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, der, &len, tbs.p, tbs.len) != 1 ||
		rota_der_ecdsa_decode(rota_span(der, len), rota_buf(sig, ROTA_P256_SIG_LEN)) !=
			ROTA_OK)
		abort();
	EVP_MD_CTX_free(ctx);
}

void issuer_sealed(EVP_PKEY *key, struct rota_span tbs, struct rota_bytes *out)
{
	uint8_t sig[ROTA_P256_SIG_LEN];

	issuer_sign(key, tbs, sig);
	*out = (struct rota_bytes){ 0 };
	rota_der_add_signed(out, tbs, sig);
}

struct rota_tbs_plan issuer_plan(const struct issuer *i, enum rota_tbs_profile profile)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct rota_tbs_plan plan = { .profile = profile,
		.name = profile == ROTA_TBS_IDEVID ? "SN-000123" : id,
		.point = i->point,
		.from_s = (uint64_t)CERT_NOW,
		.to_s = (uint64_t)CERT_NOW + 30 * CERT_DAY,
		.issuer = i->cert,
		.ocsp_url = "http://rota.example/ocsp",
		.crl_url = "http://rota.example/crl/operational-ca.crl" };

	memset(plan.serial, 0x5A, sizeof(plan.serial));
	return plan;
}

void issuer_issue(const struct issuer *i, const struct rota_tbs_plan *plan, struct rota_bytes *der,
	X509 **cert)
{
	struct rota_bytes tbs;
	const unsigned char *at;
	struct rota_fail why;

	if (rota_tbs_make(plan, &tbs, &why) != ROTA_OK)
		abort();
	issuer_sealed(i->key, rota_bytes_span(&tbs), der);
	rota_bytes_free(&tbs);
	at = der->p;
	if (cert)
		*cert = d2i_X509(NULL, &at, (long)der->len);
}
