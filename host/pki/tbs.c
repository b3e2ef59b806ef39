/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pki/tbs.h"
#include "host/base/digest.h"
#include "host/identity/cert.h"
#include "host/pki/derparts.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <openssl/sha.h>
#include <string.h>

static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_serial_number[] = { 0x55, 0x04, 0x05 };
static const uint8_t oid_subject_key[] = { 0x55, 0x1D, 0x0E };
static const uint8_t oid_usage[] = { 0x55, 0x1D, 0x0F };
static const uint8_t oid_constraints[] = { 0x55, 0x1D, 0x13 };
static const uint8_t oid_crl_points[] = { 0x55, 0x1D, 0x1F };
static const uint8_t oid_extended[] = { 0x55, 0x1D, 0x25 };
static const uint8_t oid_access[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01 };
static const uint8_t oid_ocsp[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01 };
static const uint8_t oid_nocheck[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05 };

/* SEQUENCE { clientAuth }, SEQUENCE { OCSPSigning } */
static const uint8_t for_clients[] = { 0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07,
	0x03, 0x02 };
static const uint8_t for_ocsp[] = { 0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07,
	0x03, 0x09 };

bool rota_hardware_serial_ok(const char *serial)
{
	static const char taken[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "'()+,-./:=?";
	size_t len = strlen(serial);

	return len > 0 && len <= ROTA_HARDWARE_SERIAL_MAX && strspn(serial, taken) == len;
}

static bool is_common_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x21 || name[i] > 0x7E)
			return false;
	return len > 0 && len <= 64; /* X.520's ub-common-name */
}

static bool is_url(const char *url)
{
	return !url || (strncmp(url, "http", 4) == 0 && strlen(url) <= ROTA_TBS_URL_MAX);
}

static void add_subject(struct rota_bytes *to, const struct rota_tbs_plan *plan)
{
	bool factory = plan->profile == ROTA_TBS_IDEVID;
	size_t name = to->len;

	if (factory)
		rota_der_add(to, ROTA_DER_OID, ROTA_SPAN(oid_serial_number));
	else
		rota_der_add(to, ROTA_DER_OID, ROTA_SPAN(oid_common_name));
	rota_der_add(to, factory ? ROTA_DER_PRINTABLE_STRING : ROTA_DER_UTF8_STRING,
		rota_span_cstr(plan->name));
	rota_der_close(to, name, ROTA_DER_SEQUENCE); /* attribute */
	rota_der_close(to, name, ROTA_DER_SET);
	rota_der_close(to, name, ROTA_DER_SEQUENCE);
}

static void add_validity(struct rota_bytes *to, const struct rota_tbs_plan *plan)
{
	size_t at = to->len;

	rota_der_add_time(to, plan->from_s);
	rota_der_add_time(to, plan->profile == ROTA_TBS_IDEVID ? UINT64_MAX : plan->to_s);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
}

/* ---- extensions ---- */

static void add_subject_key(struct rota_bytes *to, const uint8_t *point)
{
	uint8_t value[2 + SHA_DIGEST_LENGTH] = { ROTA_DER_OCTET_STRING, SHA_DIGEST_LENGTH };

	SHA1(point, ROTA_P256_KEY_LEN, value + 2);
	der_add_extension(to, ROTA_SPAN(oid_subject_key), false, ROTA_SPAN(value));
}

/* Where the certificate's state is told, by RFC 6960. */
static void add_ocsp_url(struct rota_bytes *to, const char *url)
{
	struct rota_bytes value = { 0 };

	rota_der_add(&value, ROTA_DER_OID, ROTA_SPAN(oid_ocsp));
	rota_der_add(&value, ROTA_DER_IMPLICIT(6), rota_span_cstr(url));
	rota_der_close(&value, 0, ROTA_DER_SEQUENCE);
	rota_der_close(&value, 0, ROTA_DER_SEQUENCE);
	der_add_extension(to, ROTA_SPAN(oid_access), false, rota_bytes_span(&value));
	rota_bytes_free(&value);
}

/* Where the revocation list lies: DistributionPoint { [0] { [0] fullName { [6] } } }. */
static void add_crl_url(struct rota_bytes *to, const char *url)
{
	struct rota_bytes value = { 0 };

	rota_der_add(&value, ROTA_DER_IMPLICIT(6), rota_span_cstr(url));
	rota_der_close(&value, 0, ROTA_DER_EXPLICIT(0));
	rota_der_close(&value, 0, ROTA_DER_EXPLICIT(0));
	rota_der_close(&value, 0, ROTA_DER_SEQUENCE);
	rota_der_close(&value, 0, ROTA_DER_SEQUENCE);
	der_add_extension(to, ROTA_SPAN(oid_crl_points), false, rota_bytes_span(&value));
	rota_bytes_free(&value);
}

static void add_extensions(
	struct rota_bytes *to, const struct rota_tbs_plan *plan, struct rota_span issuer_key)
{
	static const uint8_t no_ca[] = { 0x30, 0x00 }; /* cA is false where nothing is said */
	static const uint8_t digital_signature[] = { 0x03, 0x02, 0x07, 0x80 };
	static const uint8_t null[] = { 0x05, 0x00 };
	size_t at = to->len;

	der_add_extension(to, ROTA_SPAN(oid_constraints), true, ROTA_SPAN(no_ca));
	der_add_extension(to, ROTA_SPAN(oid_usage), true, ROTA_SPAN(digital_signature));
	add_subject_key(to, plan->point);
	der_add_authority(to, issuer_key);
	if (plan->profile == ROTA_TBS_LDEVID)
		der_add_extension(to, ROTA_SPAN(oid_extended), false, ROTA_SPAN(for_clients));
	if (plan->profile == ROTA_TBS_OCSP) {
		der_add_extension(to, ROTA_SPAN(oid_extended), false, ROTA_SPAN(for_ocsp));
		der_add_extension(to, ROTA_SPAN(oid_nocheck), false, ROTA_SPAN(null));
	}
	if (plan->profile == ROTA_TBS_LDEVID && plan->ocsp_url)
		add_ocsp_url(to, plan->ocsp_url);
	if (plan->profile == ROTA_TBS_LDEVID && plan->crl_url)
		add_crl_url(to, plan->crl_url);
	rota_der_close(to, at, ROTA_DER_SEQUENCE);
	rota_der_close(to, at, ROTA_DER_EXPLICIT(3));
}

/* ---- */

static enum rota_err check(const struct rota_tbs_plan *plan, struct rota_fail *why)
{
	bool factory = plan->profile == ROTA_TBS_IDEVID;

	if (factory ? !rota_hardware_serial_ok(plan->name) : !is_common_name(plan->name))
		return rota_fail(why, ROTA_ERR_FORMAT, "'%.80s' cannot be a %s of a certificate",
			plan->name, factory ? "serialNumber" : "commonName");
	if (!is_url(plan->ocsp_url) || !is_url(plan->crl_url))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"a URL of a certificate is none, or has more than %d bytes",
			ROTA_TBS_URL_MAX);
	if ((plan->serial[0] & 0xC0) != 0x40)
		return rota_fail(why, ROTA_ERR_FORMAT, "a serial is not of 127 bits");
	if (!factory && plan->to_s <= plan->from_s)
		return rota_fail(why, ROTA_ERR_FORMAT, "a certificate would end before it begins");
	return ROTA_OK;
}

enum rota_err rota_tbs_make(
	const struct rota_tbs_plan *plan, struct rota_bytes *out, struct rota_fail *why)
{
	static const uint8_t version_3[] = { 0xA0, 0x03, 0x02, 0x01, 0x02 };
	uint8_t spki[ROTA_P256_SPKI_LEN];
	struct rota_span name, key_id;

	*out = (struct rota_bytes){ 0 };
	ROTA_TRY(check(plan, why));
	ROTA_TRY(der_issuer(plan->issuer, &name, &key_id, why));
	rota_p256_spki(plan->point, spki);
	rota_bytes_add(out, ROTA_SPAN(version_3));
	rota_der_add_uint(out, ROTA_SPAN(plan->serial));
	rota_der_add_ecdsa(out);
	rota_bytes_add(out, name);
	add_validity(out, plan);
	add_subject(out, plan);
	rota_bytes_add(out, ROTA_SPAN(spki));
	add_extensions(out, plan, key_id);
	rota_der_close(out, 0, ROTA_DER_SEQUENCE);
	return ROTA_OK;
}

enum rota_err rota_tbs_is(struct rota_tbs_plan *plan, struct rota_span tbs, struct rota_fail *why)
{
	struct rota_bytes own;
	struct rota_cert cert;
	enum rota_err err;

	if (rota_cert_tbs_read(tbs, &cert) != ROTA_OK || cert.serial.len != sizeof(plan->serial))
		return rota_fail(
			why, ROTA_ERR_FORMAT, "what is to be signed is no certificate of ours");
	memcpy(plan->serial, cert.serial.p, sizeof(plan->serial));
	plan->from_s = cert.not_before;
	plan->to_s = cert.not_after;
	ROTA_TRY(rota_tbs_make(plan, &own, why));
	err = rota_span_eq(tbs, rota_bytes_span(&own))
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_SIGNATURE,
			  "the certificate says something else than what was asked for");
	rota_bytes_free(&own);
	return err;
}

void rota_tbs_device_id(const X509 *issuer, const uint8_t serial[static ROTA_TBS_SERIAL_LEN],
	uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_digest *digest = rota_digest_new();
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);

	rota_digest_add(digest, rota_span(spki, len > 0 ? (size_t)len : 0));
	rota_digest_add(digest, rota_span(serial, ROTA_TBS_SERIAL_LEN));
	rota_digest_get(digest, out);
	rota_digest_free(digest);
	OPENSSL_free(spki);
}

void rota_tbs_idevid_serial(const char *product, const char *hardware_serial,
	const uint8_t point[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_TBS_SERIAL_LEN])
{
	struct rota_digest *digest = rota_digest_new();
	uint8_t all[ROTA_DIGEST_LEN];

	rota_digest_add(digest, ROTA_STR("rota-idevid-serial-v1"));
	rota_digest_add(digest, rota_span(point, ROTA_P256_KEY_LEN));
	/* with their zero bytes: no two pairs of names are one text */
	rota_digest_add(digest, rota_span(product, strlen(product) + 1));
	rota_digest_add(digest, rota_span(hardware_serial, strlen(hardware_serial) + 1));
	rota_digest_get(digest, all);
	rota_digest_free(digest);
	memcpy(out, all, ROTA_TBS_SERIAL_LEN);
	out[0] = (uint8_t)((out[0] & 0x3F) | 0x40);
}
