/* SPDX-License-Identifier: Apache-2.0 */
/* rota registry lists: revocation lists and the responder's certificate, from the signing daemon to where they are served (SPEC 19.11, 29.10). */
#include "apps/rota/opts.h"
#include "apps/rota/registry.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/pki/cert.h"
#include "host/pki/crl.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((size_t)16 * 1024 * 1024) /* ROTA_REVOKED_MAX certificates, and room */
#define KEY_MAX ((size_t)64 * 1024)

static const char *const roles[] = { "device-ca", "operational-ca" };

static bool only_due, json;

static const struct opts_row rows[] = {
	{ "due", NULL, "only what is half over, or not there", OPTS_FLAG, &only_due },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota registry lists [OPTION]...",
	.text = "Has the signing daemon make the lists of certificates that are over, of both "
		"authorities, and\n"
		"puts them where they are served: crl/ of the repository, and `crl` of [serve]. "
		"Where [serve] names\n"
		"`ocsp_key`, who answers OCSP gets a new certificate when two thirds of the last "
		"one's time are over.",
	.examples = "  rota registry lists\n"
		    "  rota registry lists --due",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* ---- what both verbs share ---- */

enum rota_err registry_client(struct session *s, struct rota_client **out)
{
	const struct rota_client_server server = rota_client_server(&s->dir);

	*out = NULL;
	if (!s->dir.signd[0])
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s names no signd: who is over stands in the signing daemon's log",
			s->dir.ini.path);
	ROTA_TRY(session_daemon(s));
	return rota_client_open(&server, out, &s->why);
}

enum rota_err registry_authority(struct session *s, const char *role, X509 **out)
{
	char path[ROTA_FILE_PATH_MAX], name[64];

	snprintf(name, sizeof(name), "ca/%s.pem", role);
	rota_authdir_path(&s->dir, name, path);
	return rota_cert_load(path, out, &s->why);
}

void registry_path(const struct session *s, const char *name, char out[static ROTA_FILE_PATH_MAX])
{
	char below[256];

	snprintf(below, sizeof(below), REGISTRY_FOLDER "%s%s", *name ? "/" : "", name);
	rota_authdir_path(&s->dir, below, out);
}

/* A setting of [serve] that is a path; false: it is not set. */
static bool serve_setting(struct session *s, const char *key, const char *fallback,
	char out[static ROTA_FILE_PATH_MAX])
{
	const char *value = rota_ini_get(&s->dir.ini, "serve", key);

	if (!value)
		value = fallback;
	if (!value)
		return false;
	if (*value == '/')
		snprintf(out, ROTA_FILE_PATH_MAX, "%s", value);
	else
		rota_authdir_path(&s->dir, value, out);
	return true;
}

/* Whether `part` of `of` of that time are over. */
static bool is_half_over(uint64_t from, uint64_t to, unsigned part, unsigned of)
{
	return to <= from || rota_when_now() >= from + (to - from) / of * part;
}

/* ---- lists ---- */

static X509_CRL *read_list(struct rota_span der)
{
	const unsigned char *at = der.p;
	X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)der.len);

	if (list && at == der.p + der.len)
		return list;
	X509_CRL_free(list);
	return NULL;
}

/* As DER; NULL: there is none. */
static X509_CRL *load_list(const char *path)
{
	struct rota_bytes der = { 0 };
	struct rota_fail ignored;
	X509_CRL *list = NULL;

	if (rota_file_read(path, LIST_MAX, &der, &ignored) == ROTA_OK)
		list = read_list(rota_bytes_span(&der));
	rota_bytes_free(&der);
	return list;
}

/* A daemon is no more believed than a token: the authority signed it, and it is not over. */
static enum rota_err check_list(struct session *s, const char *role, X509_CRL *list)
{
	X509 *ca = NULL;
	bool good;

	ROTA_TRY(registry_authority(s, role, &ca));
	good = list && X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1 &&
		X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(ca)) == 0 &&
		rota_cert_unix(X509_CRL_get0_nextUpdate(list)) > rota_when_now();
	X509_free(ca);
	return good ? ROTA_OK
		    : rota_fail(&s->why, ROTA_ERR_SIGNATURE,
			      "the list of %s is none of its that counts now", role);
}

/* cRLNumber; 0: it has none. */
static uint64_t number_of(const X509_CRL *list)
{
	ASN1_INTEGER *text = X509_CRL_get_ext_d2i(list, NID_crl_number, NULL, NULL);
	uint64_t number = 0;

	if (!text || ASN1_INTEGER_get_uint64(&number, text) != 1)
		number = 0;
	ASN1_INTEGER_free(text);
	return number;
}

static bool same_issuer(const X509_CRL *a, const X509_CRL *b)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(a), X509_CRL_get_issuer(b)) == 0;
}

/* What was revoked stays so: no list takes the place of a later one, nor of another one of its number. */
static enum rota_err check_newer(struct session *s, X509 *ca, X509_CRL *was, const X509_CRL *list)
{
	if (!was || !same_issuer(was, list) || X509_CRL_verify(was, X509_get0_pubkey(ca)) != 1 ||
		number_of(list) > number_of(was) || X509_CRL_match(was, list) == 0)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_VERSION,
		"the list has the number %llu, and the one that is there has %llu",
		(unsigned long long)number_of(list), (unsigned long long)number_of(was));
}

/* ---- the file that rotad judges logins and answers OCSP by: PEM, lists of all authorities whose certificates it takes ---- */

struct served {
	X509_CRL *own; /* of this issuer; NULL: none */
	struct rota_bytes others; /* as PEM */
};

static void served_free(struct served *f)
{
	X509_CRL_free(f->own);
	rota_bytes_free(&f->others);
}

static void add_pem(struct rota_bytes *to, X509_CRL *list)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio || PEM_write_bio_X509_CRL(bio, list) != 1)
		abort();
	len = BIO_get_mem_data(bio, &text);
	rota_bytes_add(to, rota_span((uint8_t *)text, (size_t)len));
	BIO_free(bio);
}

/* Nothing where there is no file yet. */
static enum rota_err read_served(struct session *s, const char *path, X509 *ca, struct served *out)
{
	struct rota_bytes text = { 0 };
	enum rota_err err = rota_file_read(path, LIST_MAX, &text, &s->why);
	X509_CRL *one;
	BIO *bio;

	*out = (struct served){ 0 };
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	while (bio && (one = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_NAME_cmp(X509_CRL_get_issuer(one), X509_get_subject_name(ca)) != 0 ||
			X509_CRL_verify(one, X509_get0_pubkey(ca)) != 1) {
			add_pem(&out->others, one);
			X509_CRL_free(one);
		} else {
			X509_CRL_free(out->own);
			out->own = one;
		}
	}
	ERR_clear_error();
	BIO_free(bio);
	rota_bytes_free(&text);
	return ROTA_OK;
}

static enum rota_err write_served(struct session *s, const char *path, X509 *ca, X509_CRL *list)
{
	struct rota_bytes all = { 0 };
	struct served was;
	enum rota_err err = read_served(s, path, ca, &was);

	if (err == ROTA_OK)
		err = check_newer(s, ca, was.own, list);
	if (err == ROTA_OK) {
		add_pem(&all, list);
		rota_bytes_add(&all, rota_bytes_span(&was.others));
		err = rota_file_write(path, rota_bytes_span(&all), 0644, &s->why);
	}
	rota_bytes_free(&all);
	served_free(&was);
	return err;
}

/* `served` NULL: it is served in the repository alone. */
static bool list_is_due(struct session *s, const char *path, const char *served, X509 *ca)
{
	X509_CRL *list = load_list(path);
	struct served copy = { 0 };
	bool due = true;

	if (list)
		due = is_half_over(rota_cert_unix(X509_CRL_get0_lastUpdate(list)),
			rota_cert_unix(X509_CRL_get0_nextUpdate(list)), 1, 2);
	if (!due && served)
		due = read_served(s, served, ca, &copy) != ROTA_OK || !copy.own ||
			X509_CRL_match(copy.own, list) != 0;
	served_free(&copy);
	X509_CRL_free(list);
	return due;
}

/* First where it is judged by; who does not get so far makes it anew. */
static enum rota_err place_list(struct session *s, const char *role, const char *path,
	const char *served, struct rota_span der)
{
	X509_CRL *list = read_list(der), *was = load_list(path);
	X509 *ca = NULL;
	enum rota_err err = check_list(s, role, list);

	if (err == ROTA_OK)
		err = registry_authority(s, role, &ca);
	if (err == ROTA_OK)
		err = check_newer(s, ca, was, list);
	if (err == ROTA_OK && served)
		err = write_served(s, served, ca, list);
	if (err == ROTA_OK)
		err = rota_file_write(path, der, 0644, &s->why);
	X509_free(ca);
	X509_CRL_free(was);
	X509_CRL_free(list);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&s->why, "list of %s", role);
}

static void list_path(
	const struct session *s, const char *role, char out[static ROTA_FILE_PATH_MAX + 64])
{
	snprintf(out, ROTA_FILE_PATH_MAX + 64, "%s/crl/%s.crl", s->dir.repo, role);
}

/* Of devices' logins; NULL: that of another authority, or none is set. */
static const char *served_path(
	struct session *s, const char *role, char out[static ROTA_FILE_PATH_MAX])
{
	return strcmp(role, "operational-ca") == 0 && serve_setting(s, "crl", NULL, out) ? out
											 : NULL;
}

static enum rota_err is_due(
	struct session *s, const char *role, const char *path, const char *served, bool *due)
{
	X509 *ca;

	ROTA_TRY(registry_authority(s, role, &ca));
	*due = list_is_due(s, path, served, ca);
	X509_free(ca);
	return ROTA_OK;
}

static enum rota_err make_list(
	struct session *s, struct rota_client *c, const char *role, bool due, bool *made)
{
	char path[ROTA_FILE_PATH_MAX + 64], room[ROTA_FILE_PATH_MAX];
	const char *served = served_path(s, role, room);
	struct rota_bytes der;
	bool wanted = true;
	enum rota_err err;

	snprintf(path, sizeof(path), "%s/crl", s->dir.repo);
	ROTA_TRY(rota_file_mkdirs(path, 0755, &s->why));
	list_path(s, role, path);
	if (due)
		ROTA_TRY(is_due(s, role, path, served, &wanted));
	if (!wanted)
		return ROTA_OK;
	ROTA_TRY(rota_client_crl(c, s->dir.product, role, "rota registry lists", &der, &s->why));
	err = place_list(s, role, path, served, rota_bytes_span(&der));
	rota_bytes_free(&der);
	*made = err == ROTA_OK;
	return err;
}

/* An INTEGER's content: a byte of zeros before a number whose top bit is set. */
static struct rota_span serial_of(
	const X509_REVOKED *one, uint8_t room[static 1 + ROTA_REVOKED_SERIAL_MAX])
{
	const ASN1_INTEGER *number = X509_REVOKED_get0_serialNumber(one);
	size_t len = (size_t)ASN1_STRING_length(number);
	const uint8_t *at = ASN1_STRING_get0_data(number);

	if (len == 0 || len > ROTA_REVOKED_SERIAL_MAX)
		return rota_span(NULL, 0);
	room[0] = 0;
	memcpy(room + 1, at, len);
	return at[0] & 0x80 ? rota_span(room, len + 1) : rota_span(room + 1, len);
}

enum rota_err registry_listed(struct session *s, const char *role,
	enum rota_err (*take)(void *to, struct rota_span serial), void *to)
{
	char path[ROTA_FILE_PATH_MAX + 64];
	uint8_t room[1 + ROTA_REVOKED_SERIAL_MAX];
	struct rota_bytes der;
	X509_CRL *list;
	STACK_OF(X509_REVOKED) * all;
	enum rota_err err;

	list_path(s, role, path);
	ROTA_TRY(rota_file_read(path, LIST_MAX, &der, &s->why));
	list = read_list(rota_bytes_span(&der));
	rota_bytes_free(&der);
	err = check_list(s, role, list);
	all = err == ROTA_OK ? X509_CRL_get_REVOKED(list) : NULL;
	for (int i = 0; err == ROTA_OK && i < sk_X509_REVOKED_num(all); i++)
		err = take(to, serial_of(sk_X509_REVOKED_value(all, i), room));
	X509_CRL_free(list);
	return err;
}

/* ---- who answers OCSP ---- */

static enum rota_err load_key(struct session *s, const char *path, EVP_PKEY **out)
{
	struct rota_bytes text = { 0 };
	BIO *bio;

	ROTA_TRY(rota_file_read(path, KEY_MAX, &text, &s->why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*out = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	rota_bytes_wipe(&text);
	return *out ? ROTA_OK
		    : rota_fail(&s->why, ROTA_ERR_FORMAT, "%s: no private key in PEM", path);
}

/* PKCS#10 of the key; of it nothing is taken but that (SPEC 29.8). */
static enum rota_err make_request(struct session *s, EVP_PKEY *key, struct rota_bytes *out)
{
	X509_REQ *request = X509_REQ_new();
	unsigned char *der = NULL;
	int len = -1;

	*out = (struct rota_bytes){ 0 };
	if (request && X509_REQ_set_version(request, 0) == 1 &&
		X509_REQ_set_pubkey(request, key) == 1 &&
		X509_REQ_sign(request, key, EVP_sha256()) > 0)
		len = i2d_X509_REQ(request, &der);
	if (len > 0)
		rota_bytes_add(out, rota_span(der, (size_t)len));
	OPENSSL_free(der);
	X509_REQ_free(request);
	return len > 0 ? ROTA_OK
		       : rota_fail(&s->why, ROTA_ERR_UNSUPPORTED,
				 "ocsp_key of [serve]: no request can be made of this key");
}

static bool responder_is_due(const char *path, const EVP_PKEY *key)
{
	struct rota_fail ignored;
	X509 *cert;
	bool due;

	if (rota_cert_load(path, &cert, &ignored) != ROTA_OK)
		return true;
	due = EVP_PKEY_eq(X509_get0_pubkey(cert), key) != 1 ||
		is_half_over(rota_cert_unix(X509_get0_notBefore(cert)),
			rota_cert_unix(X509_get0_notAfter(cert)), 2, 3);
	X509_free(cert);
	return due;
}

static enum rota_err place_responder(
	struct session *s, const char *path, const EVP_PKEY *key, struct rota_span der)
{
	const unsigned char *at = der.p;
	X509 *cert = d2i_X509(NULL, &at, (long)der.len), *ca = NULL;
	struct rota_bytes text = { 0 };
	enum rota_err err = registry_authority(s, "operational-ca", &ca);

	if (err == ROTA_OK &&
		(!cert || X509_verify(cert, X509_get0_pubkey(ca)) != 1 ||
			EVP_PKEY_eq(X509_get0_pubkey(cert), key) != 1))
		err = rota_fail(&s->why, ROTA_ERR_SIGNATURE,
			"the signing daemon's certificate is none of operational-ca for that key");
	if (err == ROTA_OK) {
		rota_cert_pem(cert, &text);
		err = rota_file_write(path, rota_bytes_span(&text), 0644, &s->why);
	}
	rota_bytes_free(&text);
	X509_free(cert);
	X509_free(ca);
	return err;
}

static enum rota_err renew_responder(struct session *s, struct rota_client *c, bool *made)
{
	char key_path[ROTA_FILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];
	struct rota_bytes csr = { 0 }, der = { 0 };
	EVP_PKEY *key = NULL;
	enum rota_err err;

	if (!serve_setting(s, "ocsp_key", NULL, key_path) ||
		!serve_setting(s, "ocsp_certificate", "ca/ocsp.pem", path))
		return ROTA_OK;
	ROTA_TRY(load_key(s, key_path, &key));
	err = ROTA_OK;
	if (responder_is_due(path, key)) {
		err = make_request(s, key, &csr);
		if (err == ROTA_OK)
			err = rota_client_responder(c, s->dir.product, "operational-ca",
				"rota registry lists", rota_bytes_span(&csr), &der, &s->why);
		if (err == ROTA_OK)
			err = place_responder(s, path, key, rota_bytes_span(&der));
		*made = err == ROTA_OK;
	}
	rota_bytes_free(&csr);
	rota_bytes_free(&der);
	EVP_PKEY_free(key);
	return err;
}

/* ---- the verb ---- */

enum rota_err registry_lists_make(
	struct session *s, struct rota_client *c, bool due, struct registry_lists *out)
{
	struct rota_fail first = { 0 };

	*out = (struct registry_lists){ 0 };
	for (size_t i = 0; i < 2; i++)
		if (make_list(s, c, roles[i], due, &out->crl[i]) != ROTA_OK)
			first = s->why;
	if (renew_responder(s, c, &out->responder) == ROTA_OK && first.err == ROTA_OK)
		return ROTA_OK;
	if (first.err != ROTA_OK)
		s->why = first;
	return s->why.err;
}

static void say(const struct registry_lists *made)
{
	if (json)
		printf("{\"device-ca\":%s,\"ocsp\":%s,\"operational-ca\":%s}\n",
			made->crl[0] ? "true" : "false", made->responder ? "true" : "false",
			made->crl[1] ? "true" : "false");
	for (size_t i = 0; i < 2 && !json; i++)
		if (made->crl[i])
			printf("crl/%s.crl is new\n", roles[i]);
	if (made->responder && !json)
		printf("who answers OCSP has a new certificate\n");
}

int verb_registry_lists(int argc, char **argv)
{
	struct registry_lists made;
	struct rota_client *c = NULL;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = registry_client(&s, &c);
	if (err == ROTA_OK)
		err = registry_lists_make(&s, c, only_due, &made);
	if (err == ROTA_OK)
		say(&made);
	rota_client_close(c);
	return session_close(&s, err);
}
