/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/idevid.h"
#include "host/identity/cert.h"
#include "host/pki/csr.h"
#include "host/pki/derout.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <string.h>

/* The three parts of a certificate: what is signed, the algorithm, the signature. */
static bool take_apart(
	struct rota_span der, struct rota_span *tbs, uint8_t sig[static ROTA_P256_SIG_LEN])
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader r = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span algorithm, bits;
	struct rota_bytes ecdsa = { 0 };
	bool good;

	*tbs = rota_der_next(&r).whole;
	algorithm = rota_der_next(&r).whole;
	bits = rota_der_read_bits(&r);
	rota_der_add_ecdsa(&ecdsa);
	good = rota_reader_end(&outer) == ROTA_OK && rota_reader_end(&r) == ROTA_OK &&
		rota_span_eq(algorithm, rota_bytes_span(&ecdsa)) &&
		rota_der_ecdsa_decode(bits, rota_buf(sig, ROTA_P256_SIG_LEN)) == ROTA_OK;
	rota_bytes_free(&ecdsa);
	return good;
}

enum rota_err rota_cert_issued_by(const X509 *ca, struct rota_span der, struct rota_fail *why)
{
	uint8_t sig[ROTA_P256_SIG_LEN], point[ROTA_P256_KEY_LEN], digest[ROTA_DIGEST_LEN];
	const unsigned char *name;
	struct rota_span tbs;
	struct rota_cert cert;
	size_t len;

	if (rota_cert_read(der, &cert) != ROTA_OK || !take_apart(der, &tbs, sig))
		return rota_fail(why, ROTA_ERR_FORMAT, "no certificate of P-256 and SHA-256");
	rota_digest_of(tbs, digest);
	if (X509_NAME_get0_der(X509_get_subject_name(ca), &name, &len) == 1 &&
		rota_span_eq(cert.issuer, rota_span(name, len)) &&
		rota_p256_of_pkey(X509_get0_pubkey(ca), point) &&
		rota_p256_verify(point, digest, sig))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_SIGNATURE, "the certificate is not one of this authority's");
}

void rota_device_id(const X509 *ca, struct rota_span serial, uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_digest *digest = rota_digest_new();
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ca), &spki);

	rota_digest_add(digest, rota_span(spki, len > 0 ? (size_t)len : 0));
	rota_digest_add(digest, serial);
	rota_digest_get(digest, out);
	rota_digest_free(digest);
	OPENSSL_free(spki);
}

enum rota_err rota_idevid_read(
	const X509 *ca, struct rota_span der, struct rota_idevid *out, struct rota_fail *why)
{
	struct rota_cert cert;

	ROTA_TRY(rota_cert_issued_by(ca, der, why));
	if (rota_cert_read(der, &cert) != ROTA_OK ||
		rota_spki_point(cert.spki, out->point) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT, "a device's key is none of P-256");
	rota_device_id(ca, cert.serial, out->device);
	return ROTA_OK;
}
