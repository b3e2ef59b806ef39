/* SPDX-License-Identifier: Apache-2.0 */
#include "host/est/est.h"
#include "host/base/file.h"
#include "host/pki/derout.h"
#include "rota/base/base64.h"
#include "rota/codec/der.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* A CA file has a few certificates of a kilobyte. */
#define FILE_MAX ((size_t)256 * 1024)
#define LINE 64

enum rota_err rota_est_read(struct rota_span body, struct rota_buf to, size_t *len)
{
	uint8_t text[ROTA_EST_BODY_MAX];
	size_t n = 0;

	if (body.len > sizeof(text))
		return ROTA_ERR_LIMIT;
	for (size_t i = 0; i < body.len; i++)
		if (body.p[i] != '\r' && body.p[i] != '\n')
			text[n++] = body.p[i];
	return rota_base64_decode(rota_span(text, n), to, len);
}

/* ContentInfo, signed-data (RFC 5652, 3 and 5.1): version 1, no digests, no content, certificates, no signers. */
static void add_pkcs7(struct rota_span certificates, struct rota_bytes *to)
{
	static const uint8_t signed_data[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2 };
	static const uint8_t data[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1 };
	size_t whole = to->len, wrapped, inside, content;

	rota_der_add(to, ROTA_DER_OID, ROTA_SPAN(signed_data));
	wrapped = inside = to->len;
	rota_der_add_number(to, 1);
	rota_der_add(to, ROTA_DER_SET, rota_span(NULL, 0));
	content = to->len;
	rota_der_add(to, ROTA_DER_OID, ROTA_SPAN(data));
	rota_der_close(to, content, ROTA_DER_SEQUENCE);
	rota_der_add(to, ROTA_DER_EXPLICIT(0), certificates);
	rota_der_add(to, ROTA_DER_SET, rota_span(NULL, 0));
	rota_der_close(to, inside, ROTA_DER_SEQUENCE);
	rota_der_close(to, wrapped, ROTA_DER_EXPLICIT(0));
	rota_der_close(to, whole, ROTA_DER_SEQUENCE);
}

static void add_lines(struct rota_span bytes, struct rota_bytes *out)
{
	while (bytes.len > 0) {
		uint8_t line[LINE];
		size_t part = LINE / 4 * 3, n;

		if (rota_base64_encode(rota_span_slice(bytes, 0, part), ROTA_BUF(line), &n) !=
			ROTA_OK)
			return; /* there is room for a line of so many */
		rota_bytes_add(out, rota_span(line, n));
		rota_bytes_add_byte(out, '\n');
		bytes = rota_span_skip(bytes, part);
	}
}

void rota_est_certs(struct rota_span certificates, struct rota_bytes *out)
{
	struct rota_bytes der = { 0 };

	add_pkcs7(certificates, &der);
	add_lines(rota_bytes_span(&der), out);
	rota_bytes_free(&der);
}

/* Each element of a PEM text that is a certificate, as DER. */
static void gather(struct rota_span text, struct rota_bytes *der)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;

	while (bio != NULL && PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
		if (strcmp(name, PEM_STRING_X509) == 0)
			rota_bytes_add(der, rota_span(data, (size_t)len));
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	ERR_clear_error();
	BIO_free(bio);
}

enum rota_err rota_est_certs_of(const char *path, struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_bytes text = { 0 }, der = { 0 };
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, FILE_MAX, &text, why));
	gather(rota_bytes_span(&text), &der);
	err = der.len > 0 ? ROTA_OK
			  : rota_fail(why, ROTA_ERR_FORMAT, "%s: it has no certificate", path);
	if (err == ROTA_OK)
		rota_est_certs(rota_bytes_span(&der), out);
	rota_bytes_free(&text);
	rota_bytes_free(&der);
	return err;
}
