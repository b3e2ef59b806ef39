/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/offices.h"
#include "host/pki/cert.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_LEN 32

static size_t scope_count(const struct plan *p)
{
	size_t n = 0;

	while (rota_policy_scope_at(p->policy, n))
		n++;
	return n;
}

static bool issues(const struct plan *p, const struct rota_authdir *scope)
{
	return rota_policy_signs(p->policy, scope->product, "device-ca") ||
		rota_policy_signs(p->policy, scope->product, "operational-ca");
}

static enum rota_err open_one(struct plan_office *o, const struct rota_authdir *scope,
	const struct rota_policy_urls *urls, struct rota_fail *why)
{
	static const char *const names[] = { "ca/device-ca.pem", "ca/operational-ca.pem" };
	char path[ROTA_FILE_PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		rota_authdir_path(scope, names[i], path);
		ROTA_TRY(rota_cert_load(path, &o->ca[i], why));
	}
	o->scope = scope;
	o->certify = (struct rota_certify){ .crypto = &rota_crypto_openssl,
		.nonce = &o->nonce,
		.product = scope->product,
		.device_ca = o->ca[0],
		.operational_ca = o->ca[1],
		.ocsp_url = urls->ocsp,
		.crl_url = urls->crl };
	return ROTA_OK;
}

/* One secret for all: a nonce says which device it is for. */
static void draw_secret(struct rota_hmac *to, const struct plan *was)
{
	uint8_t secret[SECRET_LEN];

	if (was && was->offices) {
		*to = was->offices[0].nonce;
		return;
	}
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
	rota_hmac_begin(to, &rota_crypto_openssl, ROTA_SPAN(secret));
	explicit_bzero(secret, sizeof(secret));
}

enum rota_err offices_open(struct plan *p, const struct plan *was, struct rota_fail *why)
{
	size_t count = scope_count(p);
	struct rota_hmac secret;

	p->offices = calloc(count + 1, sizeof(*p->offices));
	if (!p->offices)
		abort();
	draw_secret(&secret, was);
	for (size_t i = 0; i < count; i++) {
		const struct rota_authdir *scope = rota_policy_scope_at(p->policy, i);

		p->offices[i].nonce = secret;
		if (issues(p, scope))
			ROTA_TRY(open_one(&p->offices[i], scope,
				rota_policy_urls(p->policy, scope->product), why));
	}
	explicit_bzero(&secret, sizeof(secret));
	return ROTA_OK;
}

void offices_close(struct plan *p)
{
	for (size_t i = 0; p->offices && i < scope_count(p); i++) {
		X509_free(p->offices[i].ca[0]);
		X509_free(p->offices[i].ca[1]);
	}
	offices_forget(p);
	free(p->offices);
	p->offices = NULL;
}

void offices_forget(struct plan *p)
{
	for (size_t i = 0; p->offices && i < scope_count(p); i++)
		explicit_bzero(&p->offices[i].nonce, sizeof(p->offices[i].nonce));
}

const struct rota_certify *offices_find(const struct plan *p, const char *scope)
{
	for (size_t i = 0; p->offices && i < scope_count(p); i++)
		if (p->offices[i].scope && strcmp(p->offices[i].scope->product, scope) == 0)
			return &p->offices[i].certify;
	return NULL;
}
