/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by libcrypto's low-level calls, which OpenSSL 3 marks as deprecated. They are used here, and only
 * here, because their context is a value: the core copies a running digest to take a snapshot (the image
 * digest is the digest of a prefix of the file), and an EVP_MD_CTX lives on the heap and is freed by hand. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ports/crypto_openssl/sha256.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct rota_sha256), "a running digest fits");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct rota_sha256), "and is aligned");

void crypto_openssl_sha256_init(struct rota_sha256 *h)
{
	SHA256_Init((SHA256_CTX *)h->opaque);
}

void crypto_openssl_sha256_update(struct rota_sha256 *h, struct rota_span data)
{
	if (data.len > 0)
		SHA256_Update((SHA256_CTX *)h->opaque, data.p, data.len);
}

void crypto_openssl_sha256_final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN])
{
	SHA256_CTX copy;

	memcpy(&copy, h->opaque, sizeof(copy));
	SHA256_Final(out, &copy);
}
