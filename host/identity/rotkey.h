/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/rotkey.h -- a key of the root of trust where libcrypto wants a private key: TLS, requests, log heads.
 *
 * What libcrypto gets has the public point, and asks the root of trust for each signature, over a digest of 32 bytes:
 * ECDSA P-256 with SHA-256, and nothing else, as TLS 1.2 and 1.3 do with such a key. The private half stays where it
 * is. libcrypto is told so by a method of the key (EC_KEY_METHOD), which needs no provider, no engine and no file of
 * configuration; OpenSSL 3 calls it deprecated, and has nothing for one key alone.
 *
 * A signature that the root of trust refuses fails the call that wanted it, and stands in rota_rotkey_err().
 */
#ifndef HOST_IDENTITY_ROTKEY_H
#define HOST_IDENTITY_ROTKEY_H

#include "host/base/fail.h"
#include "rota/port/rot.h"

#include <openssl/evp.h>

/* Where the key is, and how the last signature went. In use as long as the key. */
struct rota_rotkey {
	const struct rota_rot *rot;
	enum rota_rot_key key; /* the identity, or an LDevID */
	enum rota_err err; /* of the last signature */
};

/* The caller frees *out with EVP_PKEY_free(). Errors as key_point() of the root of trust; ROTA_ERR_FULL: out of memory. */
ROTA_MUST_USE enum rota_err rota_rotkey_open(
	struct rota_rotkey *k, EVP_PKEY **out, struct rota_fail *why);

/* What a person calls a key: "identity", "ldevid 0". */
const char *rota_rotkey_name(enum rota_rot_key key);

#endif
