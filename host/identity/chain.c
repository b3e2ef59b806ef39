/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/chain.h"
#include "host/base/bytes.h"
#include "host/base/digest.h"
#include "host/base/file.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Times of a certificate that OpenSSL has verified lie within what cert.h reads. */
struct remembered {
	uint8_t digest[ROTA_DIGEST_LEN];
	uint64_t not_before, not_after; /* of the whole chain */
	bool used;
};

/* Tells whether a file is the one that was read. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct authority { /* what the two files say */
	X509_STORE *store;
	STACK_OF(X509) * cas;
	STACK_OF(X509_CRL) * crls;
};

struct rota_chain {
	char *ca_path, *crl_path;
	struct stamp ca_stamp, crl_stamp;
	struct authority now;
	uint64_t asked;
	struct remembered table[ROTA_CHAIN_REMEMBERED];
};

static void authority_free(struct authority *a)
{
	X509_STORE_free(a->store);
	sk_X509_pop_free(a->cas, X509_free);
	sk_X509_CRL_pop_free(a->crls, X509_CRL_free);
	*a = (struct authority){ 0 };
}

static struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return (struct stamp){ 0 };
	return (struct stamp){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_mtim
	};
}

static bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static BIO *open_pem(const char *path, struct rota_bytes *text, struct rota_fail *why)
{
	BIO *bio = NULL;

	if (rota_file_read(path, ROTA_CHAIN_FILE_MAX, text, why) != ROTA_OK)
		return NULL;
	bio = BIO_new_mem_buf(text->p, (int)text->len);
	if (bio == NULL)
		rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path);
	return bio;
}

/* The end of PEM data is an error of its own kind; any other means a damaged element. */
static bool pem_ended(void)
{
	unsigned long e = ERR_peek_last_error();
	bool ended = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return ended;
}

static enum rota_err add_ca(struct authority *a, X509 *ca, const char *path, struct rota_fail *why)
{
	if (X509_check_ca(ca) != 1)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: certificate %d is no CA certificate (basicConstraints)", path,
			sk_X509_num(a->cas) + 1);
	if (sk_X509_push(a->cas, ca) <= 0)
		return rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path);
	X509_up_ref(ca);
	if (X509_STORE_add_cert(a->store, ca) != 1)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: certificate %d cannot be used", path,
			sk_X509_num(a->cas));
	return ROTA_OK;
}

static enum rota_err load_cas(struct authority *a, const char *path, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	BIO *bio = open_pem(path, &text, why);
	enum rota_err err = bio == NULL ? why->err : ROTA_OK;
	X509 *ca = NULL;

	while (err == ROTA_OK && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		err = add_ca(a, ca, path, why);
		X509_free(ca);
	}
	if (err == ROTA_OK && (!pem_ended() || sk_X509_num(a->cas) == 0))
		err = rota_fail(why, ROTA_ERR_FORMAT, "%s: not a file of PEM certificates", path);
	BIO_free(bio);
	rota_bytes_free(&text);
	return err;
}

/* Byte by byte, not as X509_NAME_cmp(), to which two spellings of a name are one: on_list() looks for a
 * certificate's issuer, and must not miss a list that is signed by that issuer under another spelling. */
static bool same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *first, *second;
	size_t first_len, second_len;

	return X509_NAME_get0_der(a, &first, &first_len) == 1 &&
		X509_NAME_get0_der(b, &second, &second_len) == 1 &&
		rota_span_eq(rota_span(first, first_len), rota_span(second, second_len));
}

static enum rota_err add_crl(
	struct authority *a, X509_CRL *crl, const char *path, struct rota_fail *why)
{
	for (int i = 0; i < sk_X509_num(a->cas); i++) {
		X509 *ca = sk_X509_value(a->cas, i);

		if (!same_name(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)))
			continue;
		if (X509_CRL_verify(crl, X509_get0_pubkey(ca)) != 1)
			continue;
		if (sk_X509_CRL_push(a->crls, crl) <= 0)
			return rota_fail(why, ROTA_ERR_FULL, "%s: out of memory", path);
		X509_CRL_up_ref(crl);
		return ROTA_OK;
	}
	ERR_clear_error();
	return rota_fail(why, ROTA_ERR_SIGNATURE,
		"%s: a revocation list is not signed by a CA of the CA file, or spells its name "
		"differently",
		path);
}

static enum rota_err load_crls(struct authority *a, const char *path, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	BIO *bio = open_pem(path, &text, why);
	enum rota_err err = bio == NULL ? why->err : ROTA_OK;
	X509_CRL *crl = NULL;

	while (err == ROTA_OK && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		err = add_crl(a, crl, path, why);
		X509_CRL_free(crl);
	}
	if (err == ROTA_OK && (!pem_ended() || sk_X509_CRL_num(a->crls) == 0))
		err = rota_fail(
			why, ROTA_ERR_FORMAT, "%s: not a file of PEM revocation lists", path);
	BIO_free(bio);
	rota_bytes_free(&text);
	return err;
}

static enum rota_err load(
	const char *ca, const char *crl, struct authority *out, struct rota_fail *why)
{
	enum rota_err err;

	*out = (struct authority){
		.store = X509_STORE_new(), .cas = sk_X509_new_null(), .crls = sk_X509_CRL_new_null()
	};
	if (out->store == NULL || out->cas == NULL || out->crls == NULL)
		err = rota_fail(why, ROTA_ERR_FULL, "out of memory");
	else
		err = load_cas(out, ca, why);
	if (err == ROTA_OK && crl != NULL)
		err = load_crls(out, crl, why);
	if (err != ROTA_OK)
		authority_free(out);
	return err;
}

enum rota_err rota_chain_open(
	const char *ca, const char *crl, struct rota_chain **out, struct rota_fail *why)
{
	struct rota_chain *c = calloc(1, sizeof(*c));
	enum rota_err err;

	*out = NULL;
	if (c == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	c->ca_path = rota_text("%s", ca);
	c->crl_path = crl == NULL ? NULL : rota_text("%s", crl);
	c->ca_stamp = stamp_of(ca);
	c->crl_stamp = stamp_of(crl);
	err = load(ca, crl, &c->now, why);
	if (err != ROTA_OK) {
		rota_chain_close(c);
		return err;
	}
	*out = c;
	return ROTA_OK;
}

void rota_chain_close(struct rota_chain *c)
{
	if (c == NULL)
		return;
	authority_free(&c->now);
	free(c->ca_path);
	free(c->crl_path);
	free(c);
}

enum rota_err rota_chain_refresh(struct rota_chain *c, struct rota_fail *why)
{
	struct stamp ca = stamp_of(c->ca_path), crl = stamp_of(c->crl_path);
	struct authority fresh;

	if (stamp_same(&ca, &c->ca_stamp) && stamp_same(&crl, &c->crl_stamp))
		return ROTA_OK;
	/* Remembered before loading, so that a bad file is complained about once, not at each call. */
	c->ca_stamp = ca;
	c->crl_stamp = crl;
	ROTA_TRY(load(c->ca_path, c->crl_path, &fresh, why));
	authority_free(&c->now);
	c->now = fresh;
	memset(c->table, 0, sizeof(c->table));
	return ROTA_OK;
}

static bool unix_time(const ASN1_TIME *t, uint64_t *out)
{
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool ok = zero != NULL && ASN1_TIME_diff(&days, &seconds, zero, t) == 1 && days >= 0 &&
		seconds >= 0;

	ASN1_TIME_free(zero);
	*out = ok ? (uint64_t)days * 86400 + (uint64_t)seconds : 0;
	return ok;
}

/* The time during which every certificate of the chain is valid. */
static bool chain_window(STACK_OF(X509) * chain, struct remembered *m)
{
	m->not_before = 0;
	m->not_after = UINT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		uint64_t from, to;

		if (!unix_time(X509_get0_notBefore(sk_X509_value(chain, i)), &from) ||
			!unix_time(X509_get0_notAfter(sk_X509_value(chain, i)), &to))
			return false;
		m->not_before = from > m->not_before ? from : m->not_before;
		m->not_after = to < m->not_after ? to : m->not_after;
	}
	return true;
}

/* A leaf that one of our CAs issued, under the very name that the CA has (RFC 5280, 4.1.2.4). */
static bool issued(STACK_OF(X509) * chain)
{
	return sk_X509_num(chain) >= 2 &&
		same_name(X509_get_issuer_name(sk_X509_value(chain, 0)),
			X509_get_subject_name(sk_X509_value(chain, 1)));
}

/* Ask OpenSSL. Time is left to the caller, who asks it at each request. */
static bool verify(const struct authority *a, struct rota_span der, struct remembered *m)
{
	const uint8_t *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = false;

	if (cert == NULL || ctx == NULL || X509_STORE_CTX_init(ctx, a->store, cert, NULL) != 1)
		goto out;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	ok = X509_verify_cert(ctx) == 1 && issued(X509_STORE_CTX_get0_chain(ctx)) &&
		chain_window(X509_STORE_CTX_get0_chain(ctx), m);
out:
	X509_STORE_CTX_free(ctx);
	X509_free(cert);
	ERR_clear_error();
	return ok;
}

static bool on_list(X509_CRL *crl, const struct rota_cert *cert)
{
	const unsigned char *name;
	size_t name_len;
	struct rota_span digits = cert->serial;
	ASN1_INTEGER *serial;
	X509_REVOKED *hit = NULL;
	int found;

	if (X509_NAME_get0_der(X509_CRL_get_issuer(crl), &name, &name_len) != 1 ||
		!rota_span_eq(rota_span(name, name_len), cert->issuer))
		return false;
	/* ASN1_INTEGER holds the magnitude, DER may have a zero in front of it. */
	if (digits.len > 1 && digits.p[0] == 0)
		digits = rota_span_skip(digits, 1);
	serial = ASN1_INTEGER_new();
	if (serial == NULL || ASN1_STRING_set(serial, digits.p, (int)digits.len) != 1) {
		ASN1_INTEGER_free(serial);
		return true; /* cannot be looked up: refuse */
	}
	found = X509_CRL_get0_by_serial(crl, &hit, serial);
	ASN1_INTEGER_free(serial);
	return found == 1; /* 2 is removeFromCRL */
}

static bool revoked(const struct authority *a, const struct rota_cert *cert)
{
	for (int i = 0; i < sk_X509_CRL_num(a->crls); i++)
		if (on_list(sk_X509_CRL_value(a->crls, i), cert))
			return true;
	return false;
}

/* Two places for each certificate; a newcomer takes the second when both are taken. */
static struct remembered *place(struct rota_chain *c, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	size_t at = ((size_t)digest[0] << 8 | digest[1]) % (ROTA_CHAIN_REMEMBERED / 2) * 2;
	struct remembered *first = &c->table[at], *second = &c->table[at + 1];

	if (first->used && memcmp(first->digest, digest, ROTA_DIGEST_LEN) != 0)
		return second;
	return first;
}

enum rota_err rota_chain_check(
	struct rota_chain *c, struct rota_span der, uint64_t now, struct rota_cert *cert)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct remembered *m;

	ROTA_TRY(rota_cert_read(der, cert));
	rota_digest_of(der, digest);
	m = place(c, digest);
	if (!m->used || memcmp(m->digest, digest, sizeof(digest)) != 0) {
		struct remembered fresh = { .used = true };

		c->asked++;
		if (!verify(&c->now, der, &fresh))
			return ROTA_ERR_SIGNATURE;
		memcpy(fresh.digest, digest, sizeof(digest));
		*m = fresh;
	}
	if (now < m->not_before || now > m->not_after)
		return ROTA_ERR_EXPIRED;
	if (now < cert->not_before || now > cert->not_after)
		return ROTA_ERR_EXPIRED;
	return revoked(&c->now, cert) ? ROTA_ERR_DENIED : ROTA_OK;
}

uint64_t rota_chain_asked(const struct rota_chain *c)
{
	return c->asked;
}
