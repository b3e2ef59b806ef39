/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/crypto.h -- the cryptography that the library needs from the world.
 *
 * Verification only: no private key is ever behind this interface. Messages arrive in pieces and are
 * never held whole. Two families of schemes need two shapes:
 *
 *  - schemes that sign a SHA-256 digest (ECDSA P-256, RSA-PSS): the library hashes the stream once, for
 *    however many signatures, and asks verify_digest() for each;
 *  - schemes that need key and signature before the message (Ed25519, LMS, ML-DSA): one verify_begin(),
 *    verify_update() ..., verify_finish() per signature, side by side. Canonical order puts
 *    "signatures" before "signed" and the keys come from the delegator, so both are at hand in time.
 *
 * Contexts are values that the caller places: none points into itself, a copy is a snapshot.
 * Keys and signatures have one raw form per algorithm; rota/codec/key.h makes it from PEM, DER or hex.
 */
#ifndef ROTA_PORT_CRYPTO_H
#define ROTA_PORT_CRYPTO_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_SHA256_LEN 32

/* Numbers are part of stored formats (SPEC 2.4) and are never reused. */
enum rota_alg {
	ROTA_ALG_NONE = 0, /* an unknown scheme is an unknown key */
	ROTA_ALG_ECDSA_P256 =
		1, /* with SHA-256. key: 65 bytes 04 || X || Y; signature: 64 bytes r || s */
	ROTA_ALG_ED25519 = 2, /* key: 32 bytes; signature: 64 bytes (RFC 8032) */
	ROTA_ALG_RSA_PSS =
		3, /* with SHA-256, salt 32. key: DER RSAPublicKey; signature: modulus length */
	ROTA_ALG_ECDSA_P384 = 4, /* with SHA-384. key: 97 bytes; signature: 96 bytes */
	ROTA_ALG_LMS = 5, /* RFC 8554, reserved */
	ROTA_ALG_ML_DSA_44 = 6, /* FIPS 204, reserved */
};

#define ROTA_P256_KEY_LEN 65
#define ROTA_P256_SIG_LEN 64

/* A running SHA-256; large enough for every port: 112 bytes are what both OpenSSL and BearSSL take. */
struct rota_sha256 {
	uint64_t opaque[14];
};

/* A running streamed verification. */
struct rota_verify {
	uint64_t opaque[32];
};

struct rota_crypto {
	void *ctx;

	/* Schemes that this port verifies: bit (1u << alg). */
	uint32_t algs;

	void (*sha256_init)(struct rota_sha256 *h);
	void (*sha256_update)(struct rota_sha256 *h, struct rota_span data);
	/* The digest of what was fed so far; `h` may be fed further, unless `out` lies in it. */
	void (*sha256_final)(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN]);

	/* Schemes over a SHA-256 digest. ROTA_ERR_SIGNATURE: does not verify, or key or signature is not
	 * of the raw form (a point off the curve, r or s out of range). ROTA_ERR_UNSUPPORTED: not in algs
	 * or not a scheme of this shape. */
	enum rota_err (*verify_digest)(void *ctx, enum rota_alg alg, struct rota_span key,
		struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN]);

	/* Streamed schemes; all three NULL in a port that has none in algs. After a begin that returned
	 * ROTA_OK, finish must be called exactly once: it gives the verdict and releases what begin took. */
	enum rota_err (*verify_begin)(void *ctx, struct rota_verify *v, enum rota_alg alg,
		struct rota_span key, struct rota_span sig);
	void (*verify_update)(struct rota_verify *v, struct rota_span data);
	enum rota_err (*verify_finish)(struct rota_verify *v);
};

/* Whether `alg` signs a SHA-256 digest (verify_digest) rather than the message (verify_begin). */
static inline bool rota_alg_signs_sha256(enum rota_alg alg)
{
	return alg == ROTA_ALG_ECDSA_P256 || alg == ROTA_ALG_RSA_PSS;
}

/* Digest of one span in one call. */
static inline void rota_sha256_of(const struct rota_crypto *crypto, struct rota_span data,
	uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, data);
	crypto->sha256_final(&h, out);
}

#endif
