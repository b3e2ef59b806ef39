/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/responder.h"
#include "apps/rotad/api.h"
#include "apps/rotad/log.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/identity/chain.h"
#include "host/pki/cert.h"
#include "host/pki/ocsp.h"
#include "host/serve/tls.h"
#include "host/sign/p256.h"
#include "rota/base/base64.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/* ---- key, certificate, list ---- */

static enum rota_err load_key(struct responder *r, const char *path, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	BIO *bio;

	ROTA_TRY(rota_file_read(path, ROTA_TLS_FILE_MAX, &text, why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	r->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	rota_bytes_wipe(&text);
	if (r->key == NULL || !rota_p256_of_pkey(r->key, r->point))
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "%s: it is no key on P-256", path);
	return ROTA_OK;
}

static enum rota_err load_certificate(struct responder *r, const char *path, struct rota_fail *why)
{
	uint8_t *der = NULL;
	X509 *cert;
	int len;

	ROTA_TRY(rota_cert_load(path, &cert, why));
	len = i2d_X509(cert, &der);
	if (len > 0)
		rota_bytes_add(&r->certificate, rota_span(der, (size_t)len));
	OPENSSL_free(der);
	X509_free(cert);
	return len > 0 ? ROTA_OK : rota_fail(why, ROTA_ERR_FORMAT, "%s: no certificate", path);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Key, certificate, and whom they speak for. */
static enum rota_err load_own(struct responder *r, const struct config *c, struct rota_fail *why)
{
	*r = (struct responder){ .configured = true };
	if (stat(c->ocsp_certificate, &r->own_seen) != 0)
		return rota_fail_errno(why, errno, "%s", c->ocsp_certificate);
	ROTA_TRY(rota_tls_check(c->ocsp_certificate, c->ocsp_key, why));
	ROTA_TRY(rota_cert_load(c->ocsp_issuer, &r->issuer, why));
	ROTA_TRY(load_certificate(r, c->ocsp_certificate, why));
	return load_key(r, c->ocsp_key, why);
}

enum rota_err responder_open(struct responder *r, const struct config *c, struct rota_fail *why)
{
	enum rota_err err;

	*r = (struct responder){ 0 };
	if (c->ocsp_key == NULL)
		return ROTA_OK;
	err = load_own(r, c, why);
	if (err != ROTA_ERR_EXPIRED)
		return err;
	log_line("ocsp: nobody answers until there is another certificate: %s", why->text);
	responder_close(r);
	r->configured = r->own_failed = true;
	return ROTA_OK;
}

/* The next certificate is there before the last one ends. What cannot be used leaves the one from before in force, and is looked at
 * again: its key may be on its way. */
static void renew(struct responder *r, const struct config *c)
{
	struct responder fresh;
	struct rota_fail why;
	struct stat st = { 0 };
	const uint64_t now = rota_when_now();

	if (stat(c->ocsp_certificate, &st) != 0 || same(&st, &r->own_seen) ||
		(r->own_failed && now == r->tried_s))
		return;
	r->tried_s = now;
	if (load_own(&fresh, c, &why) != ROTA_OK) {
		if (!r->own_failed)
			log_line("ocsp: the change is ignored: %s", why.text);
		r->own_failed = true;
		responder_close(&fresh);
		return;
	}
	if (r->issuer != NULL && X509_cmp(r->issuer, fresh.issuer) == 0) {
		fresh.list = r->list;
		fresh.seen = r->seen;
		fresh.failed = r->failed;
		r->list = NULL;
	}
	responder_close(r);
	*r = fresh;
}

void responder_close(struct responder *r)
{
	EVP_PKEY_free(r->key);
	X509_free(r->issuer);
	X509_CRL_free(r->list);
	rota_bytes_free(&r->certificate);
	*r = (struct responder){ 0 };
}

/* The list of our issuer among those of the file; NULL: there is none. */
static X509_CRL *find_list(struct rota_span text, const X509 *issuer)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
	X509_CRL *list = NULL;

	while (bio != NULL && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1)
			break;
		X509_CRL_free(list);
	}
	ERR_clear_error();
	BIO_free(bio);
	return list;
}

/* One stat() a question. A file that has no list of the issuer leaves the one from before in force. */
static void refresh(struct responder *r, const char *path)
{
	struct rota_bytes text = { 0 };
	struct rota_fail why;
	struct stat st = { 0 };
	X509_CRL *fresh;

	if (stat(path, &st) != 0 || same(&st, &r->seen))
		return;
	r->seen = st;
	if (rota_file_read(path, ROTA_CHAIN_FILE_MAX, &text, &why) != ROTA_OK)
		return;
	fresh = find_list(rota_bytes_span(&text), r->issuer);
	rota_bytes_free(&text);
	if (fresh == NULL) {
		if (!r->failed)
			log_line("ocsp: %s has no list of the issuer", path);
		r->failed = true;
		return;
	}
	X509_CRL_free(r->list);
	r->list = fresh;
	r->failed = false;
}

/* ---- an answer ---- */

/* Until when an answer of `now` counts; 0: there is no list to answer from. */
static uint64_t until(const struct responder *r, uint64_t now)
{
	if (r->list == NULL)
		return 0;
	return rota_ocsp_until(now, rota_cert_unix(X509_CRL_get0_nextUpdate(r->list)));
}

static struct rota_ocsp_verdict judge(
	const struct responder *r, struct rota_span serial, uint64_t now)
{
	struct rota_ocsp_verdict v = { .state = ROTA_OCSP_GOOD,
		.from_s = now,
		.next_s = until(r, now),
		.responder = r->point };
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509_REVOKED *entry = NULL;
	uint8_t der[2 + 127];
	const uint8_t *at = der;

	der[0] = V_ASN1_INTEGER;
	der[1] = (uint8_t)serial.len;
	v.state = ROTA_OCSP_UNKNOWN;
	if (number != NULL && serial.len < sizeof(der) - 2) {
		memcpy(der + 2, serial.p, serial.len);
		if (d2i_ASN1_INTEGER(&number, &at, (long)serial.len + 2) != NULL)
			v.state = X509_CRL_get0_by_serial(r->list, &entry, number) == 1
				? ROTA_OCSP_REVOKED
				: ROTA_OCSP_GOOD;
	}
	if (v.state == ROTA_OCSP_REVOKED)
		v.revoked_s = rota_cert_unix(X509_REVOKED_get0_revocationDate(entry));
	ASN1_INTEGER_free(number);
	return v;
}

/* r || s of ECDSA with SHA-256. */
static bool sign(EVP_PKEY *key, struct rota_span tbs, uint8_t out[static ROTA_P256_SIG_LEN])
{
	uint8_t der[80];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = NULL;
	bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(ctx, der, &len, tbs.p, tbs.len) == 1;

	if (good)
		sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return good;
}

static enum rota_ocsp_error answer(
	const struct responder *r, struct rota_span question, struct rota_bytes *out)
{
	const uint64_t now = rota_when_now();
	uint8_t sig[ROTA_P256_SIG_LEN];
	struct rota_ocsp_question q;
	struct rota_ocsp_verdict v;
	struct rota_bytes tbs = { 0 };
	bool good;

	if (rota_ocsp_read(question, &q) != ROTA_OK)
		return ROTA_OCSP_MALFORMED;
	if (!rota_ocsp_is_of(&q, r->issuer))
		return ROTA_OCSP_UNAUTHORIZED;
	if (until(r, now) == 0)
		return ROTA_OCSP_TRY_LATER;
	v = judge(r, q.serial, now);
	rota_ocsp_tbs(&q, &v, &tbs);
	good = sign(r->key, rota_bytes_span(&tbs), sig);
	if (good)
		rota_ocsp_response(
			rota_bytes_span(&tbs), sig, rota_bytes_span(&r->certificate), out);
	rota_bytes_free(&tbs);
	return good ? 0 : ROTA_OCSP_INTERNAL;
}

static void respond(struct worker *w, struct evhttp_request *request, struct rota_span question)
{
	struct responder *r = &w->responder;
	struct rota_bytes out = { 0 };
	enum rota_ocsp_error error;

	if (!r->configured) {
		api_error(request, 404, "nobody answers OCSP here");
		return;
	}
	renew(r, &w->shared->config);
	error = ROTA_OCSP_TRY_LATER;
	if (r->key != NULL) {
		refresh(r, w->shared->config.crl);
		error = answer(r, question, &out);
	}
	if (error != 0)
		rota_ocsp_failure(error, &out);
	count_one(&w->shared->figures.ocsp);
	api_send(request, "application/ocsp-response", rota_bytes_span(&out));
	rota_bytes_free(&out);
}

void responder_on_post(struct worker *w, struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);

	respond(w, request, rota_span(evbuffer_pullup(body, -1), evbuffer_get_length(body)));
}

/* RFC 6960, A.1: base64, what a URL has no room for escaped. */
void responder_on_get(struct worker *w, struct evhttp_request *request)
{
	const char *uri = evhttp_request_get_uri(request) + sizeof(RESPONDER_PATH "/") - 1;
	uint8_t der[ROTA_OCSP_REQUEST_MAX];
	size_t len = 0, got = 0;
	char *text = evhttp_uridecode(uri, 0, &len);

	if (text == NULL ||
		rota_base64_decode(rota_span(text, len), ROTA_BUF(der), &got) != ROTA_OK)
		got = 0;
	respond(w, request, rota_span(der, got));
	free(text);
}
