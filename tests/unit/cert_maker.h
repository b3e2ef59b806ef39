/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/cert_maker.h -- a CA, certificates and revocation lists of it, made with OpenSSL. One at a time: what is made
 * lies in static storage, files have one path each. */
#ifndef TESTS_UNIT_CERT_MAKER_H
#define TESTS_UNIT_CERT_MAKER_H

#include "host/identity/escaped.h"

#include <openssl/x509.h>

#define CERT_DAY 86400
#define CERT_NOW ((time_t)1800000000) /* 2027-01-15T08:00:00Z: all times are relative to it */

struct cert_ca {
	EVP_PKEY *key;
	X509 *cert;
};

extern uint8_t cert_room[ROTA_CERT_DER_MAX];
extern char cert_ca_path[64], cert_crl_path[64]; /* empty until something is written there */

struct cert_ca cert_ca(const char *cn);
void cert_ca_free(struct cert_ca *ca);

X509 *cert_issue(EVP_PKEY *key, const char *cn, const struct cert_ca *by, long serial, time_t from,
	time_t to, bool is_ca);
/* As DER, in cert_room. */
struct rota_span cert_der(X509 *c);
/* A client's, of a key drawn anew. */
struct rota_span cert_leaf(
	const struct cert_ca *by, const char *cn, long serial, time_t from, time_t to);

void cert_write_ca(const struct cert_ca *ca);
/* A list with this serial in it. */
void cert_write_crl(const struct cert_ca *ca, long serial);

/* As nginx escapes: what is not unreserved becomes %XX. `out` has room for ROTA_CERT_ESCAPED_MAX. */
size_t cert_escape(struct rota_span der, char *out);

#endif
