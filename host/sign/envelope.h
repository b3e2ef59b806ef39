/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/envelope.h -- {"signatures": [...], "signed": {...}}: made and checked.
 *
 * Signatures cover the canonical bytes of `signed` (SPEC 2.3).
 */
#ifndef HOST_SIGN_ENVELOPE_H
#define HOST_SIGN_ENVELOPE_H

#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/sign/notary.h"
#include "rota/codec/der.h"

/* SPEC 4.8: what a device accepts of a role file that its parent gives no length for. */
#define ROTA_ENVELOPE_MAX (16 * 1024 * 1024)

/* SHA-256 of the canonical bytes of `content`: what is signed (SPEC 2.3). */
ROTA_MUST_USE enum rota_err rota_envelope_digest(
	const json_t *content, uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why);

/* The DER signature in hex. */
#define ROTA_ENVELOPE_SIG_HEX (2 * ROTA_DER_ECDSA_MAX + 1)
void rota_envelope_signature_hex(
	const struct rota_seat_sig *sig, char hex[static ROTA_ENVELOPE_SIG_HEX]);

/* {"keyid","sig"}; the caller decrefs. */
json_t *rota_envelope_signature(const struct rota_seat_sig *sig);

/* Whether this object is a signature over `digest` by a key among `keyids` (a list) of `keys` (id to key object);
 * that raw key into `point`. */
bool rota_envelope_good(const json_t *signature, const json_t *keys, const json_t *keyids,
	const uint8_t digest[static ROTA_DIGEST_LEN], uint8_t point[static ROTA_P256_KEY_LEN]);

/* Have its party sign `what`; the file's bytes into *file. */
ROTA_MUST_USE enum rota_err rota_envelope_sign(const struct rota_notary *notary,
	const struct rota_notary_file *what, struct rota_bytes *file, struct rota_fail *why);

/* Check that `file` carries the threshold of distinct keys among `keyids` (a list) of `keys` (id to key
 * object), as TUF 5.3.4 and SPEC 4.2. *content is `signed`, which the caller decrefs.
 * ROTA_ERR_THRESHOLD: it does not. ROTA_ERR_FORMAT: malformed, or a key id stands twice. */
ROTA_MUST_USE enum rota_err rota_envelope_verify(struct rota_span file, const json_t *keys,
	const json_t *keyids, unsigned threshold, json_t **content, struct rota_fail *why);

#endif
