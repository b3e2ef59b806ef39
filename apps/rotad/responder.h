/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/responder.h -- is this certificate good? (RFC 6960; SPEC 29.10)
 *
 *     POST /ocsp, GET /ocsp/BASE64
 *
 * What is over stands in the revocation list of rotad.ini, which the signing daemon made; this says the same, certificate by
 * certificate, signed by a key of its own whose certificate (29.8) the daemon issues. Its thief can say that what is over is not, and
 * nothing else. Of one worker: key, certificate and list are read by each, and again when their files changed. A list that is over
 * is none: nobody could see that what was revoked since is not on it.
 */
#ifndef APPS_ROTAD_RESPONDER_H
#define APPS_ROTAD_RESPONDER_H

#include "apps/rotad/shared.h"
#include "host/base/bytes.h"
#include "rota/port/crypto.h"

#include <openssl/x509.h>
#include <sys/stat.h>

#define RESPONDER_PATH "/ocsp"

struct worker;
struct evhttp_request;

struct responder {
	bool configured; /* else nobody answers here */
	EVP_PKEY *key; /* NULL: its certificate was over when it began; all are told to try later */
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_bytes certificate; /* DER */
	X509 *issuer;
	X509_CRL *list; /* of the issuer; NULL: it cannot be read */
	struct stat seen, own_seen; /* files of list and certificate, when they were read */
	bool failed, own_failed; /* it was said */
	uint64_t
		tried_s; /* when a certificate that cannot be used was read, which is done once a second at most */
};

/* ROTA_OK too where none is set, or the certificate is over: another one may come. Release with responder_close(), after a failure too.
 * Errors are those of rota_tls_check() and rota_cert_load(); ROTA_ERR_UNSUPPORTED: a key of another kind than P-256. */
ROTA_MUST_USE enum rota_err responder_open(
	struct responder *r, const struct config *c, struct rota_fail *why);
void responder_close(struct responder *r);

/* For the table of api.c. */
void responder_on_post(struct worker *w, struct evhttp_request *request);
void responder_on_get(struct worker *w, struct evhttp_request *request);

#endif
