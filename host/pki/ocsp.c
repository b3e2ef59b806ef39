/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/ocsp.h"
#include "host/base/digest.h"
#include "host/pki/derparts.h"
#include "rota/codec/der.h"

#include <openssl/sha.h>
#include <string.h>

static const uint8_t oid_sha1[] = { 0x2B, 0x0E, 0x03, 0x02, 0x1A };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_basic[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
static const uint8_t oid_nonce[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };

/* ---- the question ---- */

static enum rota_err read_hash(struct rota_span algorithm, bool *sha256)
{
	struct rota_reader r = rota_reader(algorithm);
	struct rota_span oid = rota_der_read(&r, ROTA_DER_OID);

	if (r.rest.len > 0 &&
		rota_der_read(&r, ROTA_DER_NULL).len > 0) /* parameters may be left out */
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_reader_end(&r));
	*sha256 = rota_span_eq(oid, ROTA_SPAN(oid_sha256));
	return *sha256 || rota_span_eq(oid, ROTA_SPAN(oid_sha1)) ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err read_cert_id(struct rota_der id, struct rota_ocsp_question *out)
{
	struct rota_reader r = rota_reader(id.content);
	struct rota_span algorithm = rota_der_read(&r, ROTA_DER_SEQUENCE);

	out->cert_id = id.whole;
	out->name_hash = rota_der_read(&r, ROTA_DER_OCTET_STRING);
	out->key_hash = rota_der_read(&r, ROTA_DER_OCTET_STRING);
	out->serial = rota_der_read(&r, ROTA_DER_INTEGER);
	ROTA_TRY(rota_reader_end(&r));
	if (id.tag != ROTA_DER_SEQUENCE || out->serial.len == 0 || out->serial.len > 20)
		return ROTA_ERR_FORMAT;
	return read_hash(algorithm, &out->sha256);
}

/* One certificate is asked about; extensions of its own are none that we know. */
static enum rota_err read_list(struct rota_span list, struct rota_ocsp_question *out)
{
	struct rota_reader r = rota_reader(list);
	struct rota_reader one = rota_reader(rota_der_read(&r, ROTA_DER_SEQUENCE));
	struct rota_der id = rota_der_next(&one);

	if (one.failed || r.failed)
		return ROTA_ERR_FORMAT;
	if (r.rest.len > 0 || one.rest.len > 0)
		return ROTA_ERR_UNSUPPORTED;
	return read_cert_id(id, out);
}

static enum rota_err read_extension(struct rota_span content, struct rota_ocsp_question *out)
{
	struct rota_reader r = rota_reader(content);
	struct rota_span oid = rota_der_read(&r, ROTA_DER_OID), value;
	bool critical = rota_der_peek(&r) == ROTA_DER_BOOLEAN;

	if (critical)
		(void)rota_der_read(&r, ROTA_DER_BOOLEAN);
	value = rota_der_read(&r, ROTA_DER_OCTET_STRING);
	ROTA_TRY(rota_reader_end(&r));
	if (!rota_span_eq(oid, ROTA_SPAN(oid_nonce)))
		return critical ? ROTA_ERR_UNSUPPORTED : ROTA_OK;
	if (out->nonce.len > 0 || value.len == 0)
		return ROTA_ERR_FORMAT;
	if (value.len > ROTA_OCSP_NONCE_MAX + 2) /* with tag and length of its own */
		return ROTA_ERR_LIMIT;
	out->nonce = value;
	return ROTA_OK;
}

static enum rota_err read_extensions(struct rota_span wrapped, struct rota_ocsp_question *out)
{
	struct rota_reader outer = rota_reader(wrapped);
	struct rota_reader r = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));

	while (!r.failed && r.rest.len > 0)
		ROTA_TRY(read_extension(rota_der_read(&r, ROTA_DER_SEQUENCE), out));
	ROTA_TRY(rota_reader_end(&r));
	return rota_reader_end(&outer);
}

enum rota_err rota_ocsp_read(struct rota_span der, struct rota_ocsp_question *out)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader whole = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_reader r = rota_reader(rota_der_read(&whole, ROTA_DER_SEQUENCE));

	*out = (struct rota_ocsp_question){ 0 };
	if (der.len > ROTA_OCSP_REQUEST_MAX)
		return ROTA_ERR_LIMIT;
	if (rota_der_peek(&whole) == ROTA_DER_EXPLICIT(0)) /* who asks may sign; nobody looks */
		(void)rota_der_read(&whole, ROTA_DER_EXPLICIT(0));
	ROTA_TRY(rota_reader_end(&outer));
	ROTA_TRY(rota_reader_end(&whole));
	for (uint8_t n = 0; n < 2; n++) /* version, requestorName */
		if (rota_der_peek(&r) == ROTA_DER_EXPLICIT(n))
			(void)rota_der_read(&r, ROTA_DER_EXPLICIT(n));
	ROTA_TRY(read_list(rota_der_read(&r, ROTA_DER_SEQUENCE), out));
	if (rota_der_peek(&r) == ROTA_DER_EXPLICIT(2))
		ROTA_TRY(read_extensions(rota_der_read(&r, ROTA_DER_EXPLICIT(2)), out));
	return rota_reader_end(&r);
}

static bool is_hash(bool sha256, struct rota_span of, struct rota_span hash)
{
	uint8_t own[SHA256_DIGEST_LENGTH];

	if (sha256)
		SHA256(of.p, of.len, own);
	else
		SHA1(of.p, of.len, own);
	return rota_span_eq(
		hash, rota_span(own, sha256 ? SHA256_DIGEST_LENGTH : SHA_DIGEST_LENGTH));
}

bool rota_ocsp_is_of(const struct rota_ocsp_question *q, const X509 *issuer)
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);
	const unsigned char *name;
	size_t len;

	return key && X509_NAME_get0_der(X509_get_subject_name(issuer), &name, &len) == 1 &&
		is_hash(q->sha256, rota_span(name, len), q->name_hash) &&
		is_hash(q->sha256, rota_span(key->data, (size_t)key->length), q->key_hash);
}

/* ---- the answer ---- */

static void add_status(struct rota_bytes *to, const struct rota_ocsp_verdict *v)
{
	size_t at = to->len;

	if (v->state == ROTA_OCSP_REVOKED) {
		rota_der_add_general_time(to, v->revoked_s);
		rota_der_close(to, at, ROTA_DER_EXPLICIT(1)); /* [1] IMPLICIT of a SEQUENCE */
	} else {
		rota_der_close(to, at, ROTA_DER_IMPLICIT(v->state == ROTA_OCSP_GOOD ? 0 : 2));
	}
}

static void add_single(struct rota_bytes *to, const struct rota_ocsp_question *q,
	const struct rota_ocsp_verdict *v)
{
	size_t at = to->len, next;

	rota_bytes_add(to, q->cert_id);
	add_status(to, v);
	rota_der_add_general_time(to, v->from_s);
	next = to->len;
	rota_der_add_general_time(to, v->next_s);
	rota_der_close(to, next, ROTA_DER_EXPLICIT(0));
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
	rota_der_close(to, at, ROTA_DER_SEQUENCE); /* the list of one */
}

void rota_ocsp_tbs(const struct rota_ocsp_question *q, const struct rota_ocsp_verdict *v,
	struct rota_bytes *out)
{
	uint8_t id[DER_KEY_ID_LEN];
	size_t at;

	*out = (struct rota_bytes){ 0 };
	SHA1(v->responder, ROTA_P256_KEY_LEN, id);
	rota_der_add(out, ROTA_DER_OCTET_STRING, ROTA_SPAN(id));
	rota_der_close(out, 0, ROTA_DER_EXPLICIT(2)); /* responderID byKey */
	rota_der_add_general_time(out, v->from_s);
	add_single(out, q, v);
	at = out->len;
	if (q->nonce.len > 0) {
		der_add_extension(out, ROTA_SPAN(oid_nonce), false, q->nonce);
		rota_der_close(out, at, ROTA_DER_SEQUENCE);
		rota_der_close(out, at, ROTA_DER_EXPLICIT(1));
	}
	rota_der_close(out, 0, ROTA_DER_SEQUENCE);
}

/* BasicOCSPResponse: the signed three parts, and who signed. */
static void add_basic(struct rota_bytes *to, struct rota_span tbs,
	const uint8_t sig[static ROTA_P256_SIG_LEN], struct rota_span certificate)
{
	size_t at;

	rota_der_add_proof(to, tbs, sig);
	at = to->len;
	rota_bytes_add(to, certificate);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
	rota_der_close(to, at, ROTA_DER_EXPLICIT(0));
	rota_der_close(to, 0, ROTA_DER_SEQUENCE);
}

void rota_ocsp_response(struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_span certificate, struct rota_bytes *out)
{
	static const uint8_t successful[] = { ROTA_DER_ENUMERATED, 1, 0 };
	struct rota_bytes basic = { 0 };

	*out = (struct rota_bytes){ 0 };
	add_basic(&basic, tbs, sig, certificate);
	rota_der_add(out, ROTA_DER_OID, ROTA_SPAN(oid_basic));
	rota_der_add(out, ROTA_DER_OCTET_STRING, rota_bytes_span(&basic));
	rota_der_close(out, 0, ROTA_DER_SEQUENCE);
	rota_der_close(out, 0, ROTA_DER_EXPLICIT(0));
	rota_bytes_free(&basic);
	basic = *out;
	*out = (struct rota_bytes){ 0 };
	rota_bytes_add(out, ROTA_SPAN(successful));
	rota_bytes_add(out, rota_bytes_span(&basic));
	rota_der_close(out, 0, ROTA_DER_SEQUENCE);
	rota_bytes_free(&basic);
}

void rota_ocsp_failure(enum rota_ocsp_error error, struct rota_bytes *out)
{
	const uint8_t whole[] = { ROTA_DER_SEQUENCE, 3, ROTA_DER_ENUMERATED, 1, (uint8_t)error };

	*out = (struct rota_bytes){ 0 };
	rota_bytes_add(out, ROTA_SPAN(whole));
}

uint64_t rota_ocsp_until(uint64_t now, uint64_t list_ends)
{
	if (list_ends <= now)
		return 0;
	return list_ends - now < ROTA_OCSP_LIFE_S ? list_ends : now + ROTA_OCSP_LIFE_S;
}
