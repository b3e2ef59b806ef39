/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_openssl/ecdsa.h"

#include <openssl/ecdsa.h>

size_t crypto_openssl_ecdsa_der(struct rota_span raw, unsigned char **der)
{
	int half = (int)(raw.len / 2);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, half, NULL);
	BIGNUM *s = BN_bin2bn(raw.p + half, half, NULL);
	int len = 0;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* now sig's */
		len = i2d_ECDSA_SIG(sig, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}
