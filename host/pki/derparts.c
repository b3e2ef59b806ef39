/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/derparts.h"
#include "rota/codec/der.h"

#include <openssl/x509v3.h>

void der_add_extension(
	struct rota_bytes *to, struct rota_span oid, bool critical, struct rota_span value)
{
	static const uint8_t yes[] = { ROTA_DER_BOOLEAN, 1, 0xFF };
	size_t at = to->len;

	rota_der_add(to, ROTA_DER_OID, oid);
	if (critical)
		rota_bytes_add(to, ROTA_SPAN(yes));
	rota_der_add(to, ROTA_DER_OCTET_STRING, value);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
}

void der_add_authority(struct rota_bytes *to, struct rota_span key_id)
{
	static const uint8_t oid[] = { 0x55, 0x1D, 0x23 };
	struct rota_bytes value = { 0 };

	rota_der_add(&value, ROTA_DER_IMPLICIT(0), key_id);
	rota_der_close(&value, 0, ROTA_DER_SEQUENCE);
	der_add_extension(to, ROTA_SPAN(oid), false, rota_bytes_span(&value));
	rota_bytes_free(&value);
}

enum rota_err der_issuer(
	const X509 *issuer, struct rota_span *name, struct rota_span *key_id, struct rota_fail *why)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id((X509 *)(uintptr_t)issuer);
	const unsigned char *der;
	size_t len;

	if (!id || X509_NAME_get0_der(X509_get_subject_name(issuer), &der, &len) != 1)
		return rota_fail(why, ROTA_ERR_STATE,
			"the issuer's certificate has no subjectKeyIdentifier");
	*name = rota_span(der, len);
	*key_id = rota_span(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
	return ROTA_OK;
}
