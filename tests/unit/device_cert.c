/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/device_cert.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void device_cert_make(struct device_cert *to, EVP_PKEY *key, const char *common_name)
{
	X509 *c = X509_new();
	EVP_PKEY *ca = EVP_EC_gen("P-256");
	uint8_t *at = to->der;
	FILE *f;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
		(const uint8_t *)common_name, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(c), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(c), 1900000000);
	X509_set_pubkey(c, key);
	X509_sign(c, ca, EVP_sha256());
	to->der_len = (size_t)i2d_X509(c, &at);
	X509_free(c);
	EVP_PKEY_free(ca);
	strcpy(to->key, "/tmp/rota-device-key.XXXXXX");
	f = fdopen(mkstemp(to->key), "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

void device_cert_drop(struct device_cert *c)
{
	unlink(c->key);
}
