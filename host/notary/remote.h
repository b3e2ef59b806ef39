/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/remote.h -- who asks from afar: a client's certificate, as nginx hands it on (SPEC 18.8).
 *
 * nginx has made sure that the client holds the certificate's key. Whether the certificate counts is judged here, at each
 * request: it chains to a CA of the file, is valid at this second, is not revoked. Who it is, is the SHA-256 of its
 * SubjectPublicKeyInfo, so that a certificate may be renewed for the same key.
 *
 * A struct rota_remote belongs to one thread.
 */
#ifndef HOST_NOTARY_REMOTE_H
#define HOST_NOTARY_REMOTE_H

#include "host/notary/policy.h"

struct rota_remote;

/* Load the CAs and, unless `crl` is NULL, the revocation lists (PEM). Errors as of rota_chain_open(). */
ROTA_MUST_USE enum rota_err rota_remote_open(
	const char *ca, const char *crl, struct rota_remote **out, struct rota_fail *why);
void rota_remote_close(struct rota_remote *r);

/* Who the certificate in `text` (percent-encoded PEM; empty: there is none) says that the client is, at `now`. Files that
 * changed are read again first. Whatever is wrong, a file that cannot be read included, stands in who->refused. */
void rota_remote_who(
	struct rota_remote *r, struct rota_span text, uint64_t now, struct rota_identity *who);

#endif
