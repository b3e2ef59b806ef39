/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/certify.h"
#include "host/base/digest.h"
#include "host/identity/cert.h"
#include "host/identity/nonce.h"
#include "host/notary/refusal.h"
#include "host/pki/csr.h"
#include "host/pki/idevid.h"
#include "host/repo/judge.h"
#include "host/sign/p256.h"
#include "rota/base/reader.h"
#include "rota/crypto/factory.h"

#include <openssl/asn1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bytes of a member in hex; false: it is none, or longer than `most`. */
static bool take_hex(const json_t *body, const char *name, size_t most, struct rota_bytes *out)
{
	const json_t *text = json_object_get(body, name);
	size_t len = json_string_length(text) / 2;
	uint8_t room[ROTA_CERTIFY_PART_MAX];

	*out = (struct rota_bytes){ 0 };
	if (!json_is_string(text) || len > most ||
		!rota_unhex(json_string_value(text), rota_buf(room, len)))
		return false;
	rota_bytes_add(out, rota_span(room, len));
	return true;
}

static enum rota_err wrong(struct rota_fail *why, const char *member)
{
	return rota_refuse(why, ROTA_REFUSED_MEMBER,
		"'%s' of a request for a certificate is malformed (SPEC 29.3)", member);
}

static enum rota_err stranger(struct rota_fail *why, const char *what)
{
	return rota_refuse(why, ROTA_REFUSED_IDENTITY, "%s", what);
}

/* ---- of the device CA (SPEC 28.6, 29.4) ---- */

/* point (65) || agree point (65) || length (u8) hardware serial || signature, all under the new key itself. */
static enum rota_err read_made(struct rota_span made, struct rota_span nonce,
	struct rota_certify_answer *out, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(made);
	struct rota_span serial, sig, before;
	struct rota_digest *digest;
	uint8_t all[ROTA_DIGEST_LEN];

	rota_read_bytes(&r, ROTA_BUF(out->point));
	(void)rota_read_span(&r, ROTA_P256_KEY_LEN);
	serial = rota_read_span(&r, rota_read_u8(&r));
	before = rota_span_slice(made, 0, made.len - r.rest.len);
	sig = rota_read_span(&r, ROTA_P256_SIG_LEN);
	if (rota_reader_end(&r) != ROTA_OK || serial.len > ROTA_HARDWARE_SERIAL_MAX)
		return wrong(why, "csr");
	memcpy(out->name, serial.p, serial.len);
	if (strlen(out->name) != serial.len || !rota_hardware_serial_ok(out->name))
		return wrong(why, "csr");
	digest = rota_digest_new();
	rota_digest_add(digest, ROTA_STR(ROTA_FACTORY_PREFIX));
	rota_digest_add(digest, nonce);
	rota_digest_add(digest, before);
	rota_digest_get(digest, all);
	rota_digest_free(digest);
	if (!rota_p256_verify(out->point, all, sig.p))
		return stranger(why, "the device's request is not signed by the key that it names");
	out->profile = ROTA_TBS_IDEVID;
	return ROTA_OK;
}

static enum rota_err certify_device(const struct rota_certify *c, struct rota_span csr,
	struct rota_span nonce, struct rota_certify_answer *out, struct rota_fail *why)
{
	uint8_t serial[ROTA_TBS_SERIAL_LEN];

	if (nonce.len != ROTA_DIGEST_LEN)
		return wrong(why, "endorsement");
	ROTA_TRY(read_made(csr, nonce, out, why));
	rota_tbs_idevid_serial(c->product, out->name, out->point, serial);
	rota_tbs_device_id(c->device_ca, serial, out->device);
	return ROTA_OK;
}

/* ---- of the operational CA (SPEC 29.3, 29.4) ---- */

/* Who of the device endorses: its identity; or the LDevID that it has, while that is one and valid. */
static enum rota_err endorser_of(const struct rota_certify *c, uint8_t kind,
	const struct rota_idevid *device, uint64_t now_s, struct rota_certify_answer *out,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_span der = rota_bytes_span(&out->room[1]);
	uint8_t id[ROTA_DIGEST_LEN];
	struct rota_cert cert;

	memcpy(point, device->point, ROTA_P256_KEY_LEN);
	if (kind == ROTA_ENDORSED_BY_IDENTITY)
		return der.len == 0 ? ROTA_OK : wrong(why, "ldevid");
	if (kind != ROTA_ENDORSED_BY_LDEVID)
		return wrong(why, "endorsement");
	if (rota_cert_issued_by(c->operational_ca, der, why) != ROTA_OK ||
		rota_cert_read(der, &cert) != ROTA_OK ||
		rota_cert_device_id(&cert, id) != ROTA_OK ||
		memcmp(id, device->device, sizeof(id)) != 0 ||
		rota_spki_point(cert.spki, point) != ROTA_OK)
		return stranger(why, "the LDevID that endorses is not one of this device's");
	if (now_s < cert.not_before || now_s > cert.not_after)
		return rota_refuse(why, ROTA_REFUSED_EXPIRED,
			"the LDevID that endorses is not valid now; its IDevID may endorse");
	out->ldevid_serial = cert.serial;
	return ROTA_OK;
}

/* SHA-256(ROTA_EST_PREFIX || nonce || SHA-256(CSR) || device id) */
static void endorsed_digest(struct rota_span nonce, struct rota_span csr,
	const uint8_t device[static ROTA_DIGEST_LEN], uint8_t out[static ROTA_DIGEST_LEN])
{
	struct rota_digest *digest = rota_digest_new();
	uint8_t of_csr[ROTA_DIGEST_LEN];

	rota_digest_of(csr, of_csr);
	rota_digest_add(digest, ROTA_STR(ROTA_EST_PREFIX));
	rota_digest_add(digest, nonce);
	rota_digest_add(digest, ROTA_SPAN(of_csr));
	rota_digest_add(digest, rota_span(device, ROTA_DIGEST_LEN));
	rota_digest_get(digest, out);
	rota_digest_free(digest);
}

static enum rota_err check_nonce(const struct rota_certify *c, struct rota_span nonce,
	const uint8_t device[static ROTA_DIGEST_LEN], uint64_t now_s, struct rota_fail *why)
{
	switch ((int)rota_nonce_check(c->crypto, c->nonce, "est", device, now_s, nonce.p)) {
	case ROTA_OK:
		return ROTA_OK;
	case ROTA_ERR_EXPIRED:
		return rota_refuse(why, ROTA_REFUSED_EXPIRED, "the nonce's hour is over");
	default:
		return stranger(why, "the nonce is not one that this daemon gave the device");
	}
}

static enum rota_err check_endorsement(const struct rota_certify *c, struct rota_span csr,
	struct rota_span endorsement, const struct rota_idevid *device, uint64_t now_s,
	struct rota_certify_answer *out, struct rota_fail *why)
{
	struct rota_reader r = rota_reader(endorsement);
	uint8_t kind = rota_read_u8(&r), point[ROTA_P256_KEY_LEN], digest[ROTA_DIGEST_LEN];
	struct rota_span nonce = rota_read_span(&r, ROTA_NONCE_LEN);
	struct rota_span sig = rota_read_span(&r, ROTA_P256_SIG_LEN);

	if (rota_reader_end(&r) != ROTA_OK)
		return wrong(why, "endorsement");
	ROTA_TRY(check_nonce(c, nonce, device->device, now_s, why));
	ROTA_TRY(endorser_of(c, kind, device, now_s, out, point, why));
	endorsed_digest(nonce, csr, device->device, digest);
	if (rota_p256_verify(point, digest, sig.p))
		return ROTA_OK;
	return stranger(why, "nobody of the device endorsed this request");
}

static enum rota_err certify_operational(const struct rota_certify *c, struct rota_span csr,
	struct rota_span endorsement, uint64_t now_s, struct rota_certify_answer *out,
	struct rota_fail *why)
{
	struct rota_idevid device;
	struct rota_cert idevid;

	if (rota_csr_read(csr, out->point) != ROTA_OK)
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"the request is no PKCS#10 that its own P-256 key has signed (SPEC 29.3)");
	if (rota_idevid_read(c->device_ca, rota_bytes_span(&out->room[0]), &device, why) !=
			ROTA_OK ||
		rota_cert_read(rota_bytes_span(&out->room[0]), &idevid) != ROTA_OK)
		return stranger(why, "the IDevID is not of this authority's device CA");
	ROTA_TRY(check_endorsement(c, csr, endorsement, &device, now_s, out, why));
	if (memcmp(out->point, device.point, sizeof(out->point)) == 0)
		return stranger(why, "an LDevID has a key of its own, not the identity's");
	out->profile = ROTA_TBS_LDEVID;
	out->idevid_serial = idevid.serial;
	memcpy(out->device, device.device, sizeof(out->device));
	rota_hex(ROTA_SPAN(out->device), out->name);
	return ROTA_OK;
}

/* ---- */

static enum rota_err certify(const struct rota_certify *c, const json_t *body, uint64_t now_s,
	struct rota_bytes part[static 2], struct rota_certify_answer *out, struct rota_fail *why)
{
	const char *party = rota_judge_text(body, "party");

	if (!take_hex(body, "csr", ROTA_CERTIFY_PART_MAX, &part[0]))
		return wrong(why, "csr");
	if (!take_hex(body, "endorsement", ROTA_CERTIFY_ENDORSEMENT_MAX, &part[1]))
		return wrong(why, "endorsement");
	if (!take_hex(body, "identity", ROTA_CERTIFY_PART_MAX, &out->room[0]))
		return wrong(why, "identity");
	if (!take_hex(body, "ldevid", ROTA_CERTIFY_PART_MAX, &out->room[1]))
		return wrong(why, "ldevid");
	if (strcmp(party, "operational-ca") == 0)
		return certify_operational(
			c, rota_bytes_span(&part[0]), rota_bytes_span(&part[1]), now_s, out, why);
	if (strcmp(party, "device-ca") != 0)
		return wrong(why, "party");
	if (out->room[0].len != 0 || out->room[1].len != 0)
		return wrong(why, "identity");
	return certify_device(c, rota_bytes_span(&part[0]), rota_bytes_span(&part[1]), out, why);
}

enum rota_err rota_certify(const struct rota_certify *c, const json_t *body, uint64_t now_s,
	struct rota_certify_answer *out, struct rota_fail *why)
{
	struct rota_bytes part[2] = { { 0 } };
	enum rota_err err;

	*out = (struct rota_certify_answer){ 0 };
	err = certify(c, body, now_s, part, out, why);
	rota_bytes_free(&part[0]);
	rota_bytes_free(&part[1]);
	if (err != ROTA_OK)
		rota_certify_free(out);
	return err;
}

void rota_certify_free(struct rota_certify_answer *a)
{
	rota_bytes_free(&a->room[0]);
	rota_bytes_free(&a->room[1]);
}

/* ---- who is over (SPEC 19.10) ---- */

enum rota_err rota_certify_standing(const struct rota_certify_answer *a,
	const struct rota_revocations *r, const char *scope, struct rota_fail *why)
{
	if (rota_revocations_device(r, scope, a->device))
		return rota_refuse(why, ROTA_REFUSED_REVOKED, "device %s is over", a->name);
	if (a->ldevid_serial.len == 0 ||
		!rota_revocations_serial(r, scope, "operational-ca", a->ldevid_serial))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_REVOKED,
		"the LDevID that endorses was revoked; its IDevID may endorse");
}

/* ---- who answers for an authority (SPEC 29.8) ---- */

enum rota_err rota_certify_responder(const struct rota_certify *c, const char *role,
	const json_t *body, struct rota_responder *out, struct rota_fail *why)
{
	struct rota_bytes csr;
	enum rota_err err;

	*out = (struct rota_responder){
		.issuer = strcmp(role, "device-ca") == 0 ? c->device_ca : c->operational_ca
	};
	snprintf(out->name, sizeof(out->name), "%s-ocsp", c->product);
	if (!take_hex(body, "csr", ROTA_CERTIFY_PART_MAX, &csr))
		return wrong(why, "csr");
	err = rota_csr_read(rota_bytes_span(&csr), out->point);
	rota_bytes_free(&csr);
	return err == ROTA_OK ? ROTA_OK : wrong(why, "csr");
}

struct rota_tbs_plan rota_certify_responder_plan(const struct rota_responder *r)
{
	return (struct rota_tbs_plan){
		.profile = ROTA_TBS_OCSP, .name = r->name, .point = r->point, .issuer = r->issuer
	};
}

/* When the authority itself began: so the same request gives the same certificate (SPEC 29.4). */
static uint64_t begun_s(const X509 *ca)
{
	struct tm t;

	return ASN1_TIME_to_tm(X509_get0_notBefore(ca), &t) == 1 ? (uint64_t)timegm(&t) : 0;
}

struct rota_tbs_plan rota_certify_plan(
	const struct rota_certify *c, const struct rota_certify_answer *a)
{
	struct rota_tbs_plan plan = { .profile = a->profile,
		.name = a->name,
		.point = a->point,
		.issuer = c->operational_ca,
		.ocsp_url = c->ocsp_url,
		.crl_url = c->crl_url };

	if (a->profile != ROTA_TBS_IDEVID)
		return plan;
	plan.issuer = c->device_ca;
	plan.from_s = begun_s(c->device_ca);
	rota_tbs_idevid_serial(c->product, a->name, a->point, plan.serial);
	return plan;
}
