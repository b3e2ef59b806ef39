/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/issuer_scene.h -- an authority whose key signs what host/pki made, and OpenSSL to say what it thinks of that. */
#ifndef TESTS_UNIT_ISSUER_SCENE_H
#define TESTS_UNIT_ISSUER_SCENE_H

#include "host/pki/tbs.h"
#include "tests/unit/cert_maker.h"

struct issuer {
	EVP_PKEY *key, *device; /* its own; somebody's who wants a certificate */
	X509 *cert;
	uint8_t point[ROTA_P256_KEY_LEN]; /* the device's */
};

/* Its certificate has a subjectKeyIdentifier, unless `bare`. */
void issuer_begin(struct issuer *i, const char *name, bool bare);
void issuer_end(struct issuer *i);

/* r || s of a key over the SHA-256 of bytes. */
void issuer_sign(EVP_PKEY *key, struct rota_span tbs, uint8_t sig[static ROTA_P256_SIG_LEN]);

/* The three parts together. */
void issuer_sealed(EVP_PKEY *key, struct rota_span tbs, struct rota_bytes *out);

/* A plan that gives a certificate: of a device, at CERT_NOW, for a month. */
struct rota_tbs_plan issuer_plan(const struct issuer *i, enum rota_tbs_profile profile);

/* The certificate of a plan as DER and, for who wants it, as OpenSSL reads it (the caller frees). */
void issuer_issue(const struct issuer *i, const struct rota_tbs_plan *plan, struct rota_bytes *der,
	X509 **cert);

#endif
