/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/loghead.h -- the head of a device log, signed by the device's LDevID (SPEC 13.6).
 *
 * A report travels inside mutual TLS, which proves to the server who spoke, and to nobody else. This signature can be
 * shown later: it is made with the private key of the connection's certificate, over number of entries and head
 * (SPEC 11.4), and verified under that certificate. Two good ones over different heads of one number of entries prove
 * that the device, or who has its key, told two histories.
 *
 * The private key is used through a handle of libcrypto's store, so that it may be a PEM file, or a URI of whatever
 * provider is loaded. Schemes follow from the key: ECDSA P-256 with SHA-256, P-384 with SHA-384, Ed25519, and RSA-PSS
 * with SHA-256 and 32 bytes of salt (2048 to 4096 bits); signatures are in the form that libcrypto gives: of ECDSA the DER.
 */
#ifndef HOST_IDENTITY_LOGHEAD_H
#define HOST_IDENTITY_LOGHEAD_H

#include "host/base/fail.h"
#include "rota/base/span.h"

#define ROTA_LOGHEAD_ID_LEN 64 /* a device id, hex digits */
#define ROTA_LOGHEAD_HASH_LEN 32
/* "rota-log-v1" || device id || count (u64) || head */
#define ROTA_LOGHEAD_MESSAGE_LEN (11 + ROTA_LOGHEAD_ID_LEN + 8 + ROTA_LOGHEAD_HASH_LEN)
#define ROTA_LOGHEAD_SIG_MAX 512 /* RSA-4096, the longest of the schemes above */

struct evp_pkey_st; /* EVP_PKEY */

struct rota_loghead {
	uint64_t count; /* entries, from 1 */
	uint8_t head[ROTA_LOGHEAD_HASH_LEN]; /* with all of them in it */
};

/* The text of an event's `log`: count in decimal, at most 2^53 - 1, without leading zeros, one blank, 64 lower-case hex
 * digits. false: it is another text. */
bool rota_loghead_read(const char *text, struct rota_loghead *out);

/* What is signed. device: 64 hex digits. */
void rota_loghead_message(struct rota_span device, const struct rota_loghead *h,
	uint8_t out[static ROTA_LOGHEAD_MESSAGE_LEN]);

/* Sign with the private key at `key`, a path or URI. *len bytes of `sig` are used.
 * ROTA_ERR_NOT_FOUND: no private key there. ROTA_ERR_UNSUPPORTED: of another kind than above. ROTA_ERR_IO: it did not
 * sign. */
ROTA_MUST_USE enum rota_err rota_loghead_sign(const char *key, struct rota_span device,
	const struct rota_loghead *h, uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len,
	struct rota_fail *why);

/* The same with a key that is open (an EVP_PKEY); what `name` says of it stands in the error. */
ROTA_MUST_USE enum rota_err rota_loghead_sign_with(struct evp_pkey_st *key, const char *name,
	struct rota_span device, const struct rota_loghead *h,
	uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len, struct rota_fail *why);

/* Whether the key of this certificate (DER), which must be the device's by its common name, signed `h`. Who issued the
 * certificate is chain.h's to say.
 *
 * ROTA_ERR_FORMAT       no certificate as cert.h reads it
 * ROTA_ERR_DENIED       of another device
 * ROTA_ERR_UNSUPPORTED  a key of another kind
 * ROTA_ERR_SIGNATURE    it does not verify
 */
ROTA_MUST_USE enum rota_err rota_loghead_verify(struct rota_span certificate,
	struct rota_span device, const struct rota_loghead *h, struct rota_span sig);

#endif
