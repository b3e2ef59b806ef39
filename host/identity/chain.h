/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/chain.h -- is this a certificate of one of our devices, now?
 *
 * Three questions with three costs. Does it chain to a CA of the file: asked of OpenSSL once, then remembered
 * by the SHA-256 of the certificate, in a table of fixed size, until the CA file changes. Is it, and every
 * certificate above it, valid at this second; is it on the revocation list: asked at each request.
 *
 * A struct rota_chain belongs to one thread.
 */
#ifndef HOST_IDENTITY_CHAIN_H
#define HOST_IDENTITY_CHAIN_H

#include "host/base/fail.h"
#include "host/identity/cert.h"

/* Certificates remembered: 64 bytes each, so a quarter of a megabyte a worker. A larger fleet only pays for
 * the check again. */
#define ROTA_CHAIN_REMEMBERED 4096
/* A CA file or a list of revoked serials (some 40 bytes each in PEM) larger than this is another kind of
 * file. */
#define ROTA_CHAIN_FILE_MAX ((size_t)16 * 1024 * 1024)

struct rota_chain;

/* Load CA certificates (PEM) and, unless `crl` is NULL, revocation lists (PEM) that these CAs signed. Every
 * CA in the file is trusted by itself, be it a root or not. */
ROTA_MUST_USE enum rota_err rota_chain_open(
	const char *ca, const char *crl, struct rota_chain **out, struct rota_fail *why);
void rota_chain_close(struct rota_chain *c);

/* Read the files again if they changed since. On an error the state from before stays in force. */
ROTA_MUST_USE enum rota_err rota_chain_refresh(struct rota_chain *c, struct rota_fail *why);

/* Judge a certificate at the time `now` (Unix seconds); *cert is filled when ROTA_OK, pointing into `der`.
 *
 * ROTA_ERR_FORMAT     not a certificate as cert.h reads it
 * ROTA_ERR_SIGNATURE  no chain to a CA of the file, or not for client authentication
 * ROTA_ERR_EXPIRED    it or a CA above it is not yet or no longer valid
 * ROTA_ERR_DENIED     revoked
 */
ROTA_MUST_USE enum rota_err rota_chain_check(
	struct rota_chain *c, struct rota_span der, uint64_t now, struct rota_cert *cert);

/* How often OpenSSL was asked: for the metrics, and for tests. */
uint64_t rota_chain_asked(const struct rota_chain *c);

#endif
