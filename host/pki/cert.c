/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/cert.h"
#include "host/base/digest.h"
#include "host/pki/derout.h"
#include "host/sign/p256.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CERT_FILE_MAX (64 * 1024)

static enum rota_err ssl_fail(struct rota_fail *why, const char *doing)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return rota_fail(
		why, ROTA_ERR_STATE, "%s: OpenSSL says: %s", doing, reason ? reason : "nothing");
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
	if (!value)
		return true;
	return X509_NAME_add_entry_by_txt(
		       name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

/* Positive, 16 random bytes: RFC 5280, 4.1.2.2. */
static bool set_serial(X509 *cert)
{
	uint8_t raw[16];
	BIGNUM *number;
	bool good;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	raw[0] = (uint8_t)((raw[0] & 0x7F) | 0x40);
	number = BN_bin2bn(raw, sizeof(raw), NULL);
	good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return good;
}

static bool set_times(X509 *cert, const struct rota_cert_plan *plan)
{
	if (!ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)plan->from))
		return false;
	if (plan->to == 0)
		return ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") == 1;
	return ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)plan->to) != NULL;
}

static bool add_extension(X509 *cert, const X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;
	bool good;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return good;
}

static bool add_extensions(X509 *cert, const struct rota_cert_plan *plan)
{
	static const struct {
		const char *constraints, *usage, *extended;
	} rows[] = {
		[ROTA_CERT_CA] = { "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
			NULL },
		[ROTA_CERT_DEVICE] = { "critical,CA:FALSE", "critical,digitalSignature",
			"clientAuth" },
		[ROTA_CERT_SERVER] = { "critical,CA:FALSE", "critical,digitalSignature",
			"serverAuth" },
	};
	const X509 *issuer = plan->issuer ? plan->issuer : cert;

	if (!add_extension(cert, issuer, NID_basic_constraints, rows[plan->kind].constraints) ||
		!add_extension(cert, issuer, NID_key_usage, rows[plan->kind].usage) ||
		!add_extension(cert, issuer, NID_subject_key_identifier, "hash") ||
		!add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always"))
		return false;
	if (rows[plan->kind].extended &&
		!add_extension(cert, issuer, NID_ext_key_usage, rows[plan->kind].extended))
		return false;
	return !plan->alt_names ||
		add_extension(cert, issuer, NID_subject_alt_name, plan->alt_names);
}

/* Everything but a signature that means something: a throw-away key signs, which sets the algorithm fields. */
static bool fill(X509 *cert, const struct rota_cert_plan *plan)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	EVP_PKEY *pkey = rota_p256_pkey(plan->point), *filler = EVP_EC_gen("P-256");
	bool good = pkey && filler && X509_set_version(cert, X509_VERSION_3) == 1 &&
		set_serial(cert) && set_times(cert, plan) && X509_set_pubkey(cert, pkey) == 1 &&
		add_name(subject, "O", plan->organization) &&
		add_name(subject, "CN", plan->common_name) &&
		add_name(subject, "serialNumber", plan->serial_number) &&
		X509_set_issuer_name(
			cert, plan->issuer ? X509_get_subject_name(plan->issuer) : subject) == 1 &&
		add_extensions(cert, plan) && X509_sign(cert, filler, EVP_sha256()) > 0;

	EVP_PKEY_free(pkey);
	EVP_PKEY_free(filler);
	return good;
}

static X509 *assemble(struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN])
{
	struct rota_bytes der = { 0 };
	const unsigned char *at;
	X509 *cert;

	rota_der_add_signed(&der, tbs, sig);
	at = der.p;
	cert = d2i_X509(NULL, &at, (long)der.len);
	rota_bytes_free(&der);
	return cert;
}

/* The token's key may be another than the issuer's: then nobody would believe the certificate. */
static enum rota_err check_issuer(
	X509 *cert, const X509 *issuer, const struct rota_seat *ca, struct rota_fail *why)
{
	int good = X509_verify(cert, X509_get0_pubkey(issuer ? issuer : cert));

	ERR_clear_error();
	if (good == 1)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_SIGNATURE,
		"token %s, key %s is not the key of the issuer's certificate; see rota doctor",
		ca->token->name, ca->key);
}

static enum rota_err sign(X509 *draft, struct rota_tokens *tokens, const struct rota_seat *ca,
	X509 **out, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_seat_sig sig;
	unsigned char *tbs = NULL;
	int len = i2d_re_X509_tbs(draft, &tbs);
	enum rota_err err;

	if (len <= 0)
		return ssl_fail(why, "encoding a certificate");
	rota_digest_of(rota_span(tbs, (size_t)len), digest);
	err = rota_tokens_sign(tokens, ca, digest, &sig, why);
	if (err == ROTA_OK) {
		*out = assemble(rota_span(tbs, (size_t)len), sig.sig);
		err = *out ? ROTA_OK : ssl_fail(why, "assembling a certificate");
	}
	OPENSSL_free(tbs);
	return err;
}

enum rota_err rota_cert_issue(const struct rota_cert_plan *plan, struct rota_tokens *tokens,
	const struct rota_seat *ca, X509 **out, struct rota_fail *why)
{
	X509 *draft = X509_new();
	enum rota_err err;

	*out = NULL;
	if (!draft || !fill(draft, plan))
		err = ssl_fail(why, "making a certificate");
	else
		err = sign(draft, tokens, ca, out, why);
	X509_free(draft);
	if (err == ROTA_OK)
		err = check_issuer(*out, plan->issuer, ca, why);
	if (err != ROTA_OK) {
		X509_free(*out);
		*out = NULL;
	}
	return err;
}

void rota_cert_pem(const X509 *cert, struct rota_bytes *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio || PEM_write_bio_X509(bio, cert) != 1)
		abort();
	len = BIO_get_mem_data(bio, &text);
	*out = (struct rota_bytes){ 0 };
	rota_bytes_add(out, rota_span(text, (size_t)len));
	BIO_free(bio);
}

enum rota_err rota_cert_load(const char *path, X509 **out, struct rota_fail *why)
{
	struct rota_bytes text;
	BIO *bio;

	ROTA_TRY(rota_file_read(path, CERT_FILE_MAX, &text, why));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*out = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	rota_bytes_free(&text);
	ERR_clear_error();
	if (*out)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s holds no certificate in PEM", path);
}

void rota_pki_device_id(const X509 *issuer, const X509 *idevid, char out[65])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(idevid);
	struct rota_digest *digest = rota_digest_new();
	unsigned char *spki = NULL, *number = NULL;
	int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);
	int number_len = i2d_ASN1_INTEGER(serial, &number);
	uint8_t value[ROTA_DIGEST_LEN];

	if (spki_len <= 0 || number_len <= 2)
		abort(); /* both were parsed from certificates */
	rota_digest_add(digest, rota_span(spki, (size_t)spki_len));
	/* content octets: behind tag and a length of one byte (serials have at most 20 bytes) */
	rota_digest_add(digest, rota_span(number + 2, (size_t)number_len - 2));
	rota_digest_get(digest, value);
	rota_digest_free(digest);
	rota_hex(ROTA_SPAN(value), out);
	OPENSSL_free(spki);
	OPENSSL_free(number);
}

enum rota_err rota_cert_new_key(
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_bytes *pem, struct rota_fail *why)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	*pem = (struct rota_bytes){ 0 };
	if (!pkey || !bio || !rota_p256_of_pkey(pkey, point) ||
		PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		EVP_PKEY_free(pkey);
		BIO_free(bio);
		return ssl_fail(why, "generating a key");
	}
	len = BIO_get_mem_data(bio, &text);
	rota_bytes_add(pem, rota_span(text, (size_t)len));
	explicit_bzero(text, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return ROTA_OK;
}

uint64_t rota_cert_unix(const ASN1_TIME *t)
{
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool good = t && zero && ASN1_TIME_diff(&days, &seconds, zero, t) == 1 && days >= 0 &&
		seconds >= 0;

	ASN1_TIME_free(zero);
	return good ? (uint64_t)days * 86400 + (uint64_t)seconds : 0;
}
