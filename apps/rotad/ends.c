/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/ends.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/identity/chain.h"
#include "host/pki/cert.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* The issuer's common name, of what a label may have. */
static void name_of(const X509_CRL *list, char out[static 65])
{
	if (X509_NAME_get_text_by_NID(X509_CRL_get_issuer(list), NID_commonName, out, 65) < 0)
		out[0] = '\0';
	for (char *c = out; *c != '\0'; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = '_';
}

static void read_lists(struct ends *e, const char *path)
{
	struct rota_bytes text = { 0 };
	struct rota_fail why;
	X509_CRL *list;
	BIO *bio;

	if (rota_file_read(path, ROTA_CHAIN_FILE_MAX, &text, &why) != ROTA_OK)
		return; /* whose certificates are judged by it is told elsewhere */
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	while (bio != NULL && e->count < ENDS_LISTS_MAX &&
		(list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		name_of(list, e->list[e->count].issuer);
		e->list[e->count++].at_s = rota_cert_unix(X509_CRL_get0_nextUpdate(list));
		X509_CRL_free(list);
	}
	ERR_clear_error();
	BIO_free(bio);
	rota_bytes_free(&text);
}

/* Where nothing was read it is looked at again: the next list may have come in the same moment. */
static void look(struct ends *e, const char *path)
{
	struct stat st = { 0 };

	if (path == NULL)
		return;
	if (stat(path, &st) == 0 && e->count > 0 && st.st_ino == e->seen.st_ino &&
		st.st_size == e->seen.st_size && st.st_mtim.tv_sec == e->seen.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == e->seen.st_mtim.tv_nsec)
		return;
	e->count = 0;
	e->seen = st;
	read_lists(e, path);
}

/* Of the file, as the one in use may be older only where that cannot be used. 0: none. */
static uint64_t certificate_ends(const struct config *c)
{
	struct rota_fail why;
	uint64_t at_s;
	X509 *cert;

	if (c->ocsp_certificate == NULL ||
		rota_cert_load(c->ocsp_certificate, &cert, &why) != ROTA_OK)
		return 0;
	at_s = rota_cert_unix(X509_get0_notAfter(cert));
	X509_free(cert);
	return at_s;
}

static void add_head(struct evbuffer *to, const char *name, const char *help)
{
	evbuffer_add_printf(to, "# HELP rota_%s %s\n# TYPE rota_%s gauge\n", name, help, name);
}

void ends_add(struct ends *e, const struct config *c, struct evbuffer *to)
{
	uint64_t now = rota_when_now(), certificate = certificate_ends(c), soon = 0;

	look(e, c->crl);
	soon += c->crl != NULL && e->count == 0;
	add_head(to, "crl_ends_seconds", "When a revocation list is over, seconds since 1970.");
	for (size_t i = 0; i < e->count; i++) {
		soon += e->list[i].at_s < now + ENDS_LIST_SOON_S;
		evbuffer_add_printf(to, "rota_crl_ends_seconds{issuer=\"%s\"} %" PRIu64 "\n",
			e->list[i].issuer, e->list[i].at_s);
	}
	if (c->ocsp_certificate != NULL) {
		soon += certificate < now + ENDS_CERTIFICATE_SOON_S;
		add_head(to, "ocsp_certificate_ends_seconds",
			"When the responder's certificate is over, seconds since 1970.");
		evbuffer_add_printf(
			to, "rota_ocsp_certificate_ends_seconds %" PRIu64 "\n", certificate);
	}
	add_head(to, "ending",
		"Lists and certificates that are over, or will be soon: rota registry lists.");
	evbuffer_add_printf(to, "rota_ending %" PRIu64 "\n", soon);
}
