/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which certificate (SPEC 28.6, 29.3, 29.4). Here the test is a server that was broken into, with all that passes through
 * it: requests, endorsements, certificates, nonces. */
#include "host/notary/certify.h"
#include "host/identity/nonce.h"
#include "host/notary/refusal.h"
#include "host/pki/idevid.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define AT ((uint64_t)CERT_NOW)

static struct issuer maker, works, thief; /* device CA, operational CA */
static struct rota_hmac secret;
static struct rota_certify office;
static struct rota_bytes idevid, ldevid;
static struct rota_idevid id;
static EVP_PKEY *fresh, *live; /* keys of the next and of the present LDevID */
static struct rota_fail why;

static void begin(void)
{
	struct rota_tbs_plan plan;
	uint8_t point[ROTA_P256_KEY_LEN];
	char hex[ROTA_DIGEST_HEX];

	issuer_begin(&maker, "device-ca", false);
	issuer_begin(&works, "operational-ca", false);
	issuer_begin(&thief, "device-ca", false);
	rota_hmac_begin(&secret, &rota_crypto_openssl, ROTA_STR("the daemon's own secret"));
	office = (struct rota_certify){ .crypto = &rota_crypto_openssl,
		.nonce = &secret,
		.product = "sensor",
		.device_ca = maker.cert,
		.operational_ca = works.cert };
	plan = issuer_plan(&maker, ROTA_TBS_IDEVID);
	issuer_issue(&maker, &plan, &idevid, NULL);
	if (rota_idevid_read(maker.cert, rota_bytes_span(&idevid), &id, &why) != ROTA_OK)
		abort();
	fresh = EVP_EC_gen("P-256");
	live = EVP_EC_gen("P-256");
	plan = issuer_plan(&works, ROTA_TBS_LDEVID);
	rota_hex(ROTA_SPAN(id.device), hex);
	plan.name = hex;
	plan.point = rota_p256_of_pkey(live, point) ? point : NULL;
	issuer_issue(&works, &plan, &ldevid, NULL);
}

static void end(void)
{
	rota_bytes_free(&idevid);
	rota_bytes_free(&ldevid);
	EVP_PKEY_free(fresh);
	EVP_PKEY_free(live);
	issuer_end(&maker);
	issuer_end(&works);
	issuer_end(&thief);
}

static json_t *hex_of(struct rota_span bytes)
{
	char text[2 * ROTA_CERTIFY_PART_MAX + 3];

	rota_hex(bytes, text);
	return json_string(text);
}

/* A PKCS#10 of this key. */
static size_t csr_of(EVP_PKEY *key, uint8_t room[static 1024])
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *at = room;
	int len;

	X509_REQ_set_version(req, 0);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	len = i2d_X509_REQ(req, &at);
	X509_REQ_free(req);
	return (size_t)len;
}

struct draft {
	EVP_PKEY *key, *by; /* asked for; who endorses */
	uint8_t kind; /* of endorsement */
	uint64_t nonce_s;
	const char *nonce_for;
	bool other_device; /* the nonce is another's */
	struct rota_span idevid, ldevid;
	bool other_csr; /* than was endorsed */
};

static struct draft good(void)
{
	return (struct draft){ .key = fresh,
		.by = maker.device,
		.kind = ROTA_ENDORSED_BY_IDENTITY,
		.nonce_s = AT - 10,
		.nonce_for = "est",
		.idevid = rota_bytes_span(&idevid) };
}

static json_t *request(const struct draft *d)
{
	uint8_t csr[1024], of[ROTA_DIGEST_LEN], nonce[ROTA_NONCE_LEN], device[ROTA_DIGEST_LEN];
	uint8_t sig[ROTA_P256_SIG_LEN];
	struct rota_bytes endorsement = { 0 }, text = { 0 };
	size_t len = csr_of(d->key, csr);
	json_t *body;

	memcpy(device, id.device, sizeof(device));
	device[0] ^= d->other_device;
	rota_nonce_make(office.crypto, &secret, d->nonce_for, device, d->nonce_s, nonce);
	rota_digest_of(rota_span(csr, len), of);
	rota_bytes_add_text(&text, "rota-est-v1");
	rota_bytes_add(&text, ROTA_SPAN(nonce));
	rota_bytes_add(&text, ROTA_SPAN(of));
	rota_bytes_add(&text, ROTA_SPAN(id.device));
	issuer_sign(d->by, rota_bytes_span(&text), sig);
	rota_bytes_add_byte(&endorsement, (char)d->kind);
	rota_bytes_add(&endorsement, ROTA_SPAN(nonce));
	rota_bytes_add(&endorsement, ROTA_SPAN(sig));
	if (d->other_csr)
		len = csr_of(thief.device, csr);
	body = json_pack("{s:o,s:o,s:o,s:o,s:s}", "csr", hex_of(rota_span(csr, len)), "endorsement",
		hex_of(rota_bytes_span(&endorsement)), "identity", hex_of(d->idevid), "ldevid",
		hex_of(d->ldevid), "party", "operational-ca");
	rota_bytes_free(&endorsement);
	rota_bytes_free(&text);
	return body;
}

/* The refusal's word, "" for none. */
static const char *judged(json_t *body, struct rota_certify_answer *out)
{
	const struct rota_refusal_row *row;
	const char *text;
	enum rota_err err = rota_certify(&office, body, AT, out, &why);

	json_decref(body);
	if (err == ROTA_OK)
		return "";
	row = rota_refusal_of(&why, &text);
	return row ? row->code : why.text;
}

TEST(an_ldevid)
{
	struct rota_certify_answer a;
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_tbs_plan plan;
	struct draft d;
	char hex[ROTA_DIGEST_HEX];

	begin();
	d = good();
	CHECK(strcmp(judged(request(&d), &a), "") == 0);
	CHECK(rota_p256_of_pkey(fresh, point));
	CHECK_MEM(a.point, point, sizeof(point));
	rota_hex(ROTA_SPAN(id.device), hex);
	CHECK(strcmp(a.name, hex) == 0);
	CHECK_EQ(a.idevid_serial.len, ROTA_TBS_SERIAL_LEN);
	plan = rota_certify_plan(&office, &a);
	CHECK(plan.profile == ROTA_TBS_LDEVID && plan.issuer == works.cert);
	rota_certify_free(&a);
	d.kind = ROTA_ENDORSED_BY_LDEVID;
	d.by = live;
	d.ldevid = rota_bytes_span(&ldevid);
	CHECK(strcmp(judged(request(&d), &a), "") == 0);
	CHECK_EQ(a.ldevid_serial.len, ROTA_TBS_SERIAL_LEN);
	rota_certify_free(&a);
	end();
}

TEST(endorsements_refused)
{
	struct rota_certify_answer a;
	struct rota_bytes other;
	struct rota_tbs_plan plan;
	struct draft d;
	json_t *body;

	begin();
	ROW("signed by nobody of the device");
	d = good();
	d.by = thief.device;
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	ROW("another request than was endorsed");
	d = good();
	d.other_csr = true;
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	ROW("a nonce of two hours ago");
	d = good();
	d.nonce_s = AT - 7200;
	CHECK(strcmp(judged(request(&d), &a), "expired") == 0);
	ROW("a nonce of another device");
	d = good();
	d.other_device = true;
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	ROW("a nonce for something else");
	d = good();
	d.nonce_for = "proof";
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	ROW("an IDevID of another authority");
	plan = issuer_plan(&thief, ROTA_TBS_IDEVID);
	issuer_issue(&thief, &plan, &other, NULL);
	d = good();
	d.by = thief.device;
	d.idevid = rota_bytes_span(&other);
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	rota_bytes_free(&other);
	ROW("the identity's own key once more");
	d = good();
	d.key = maker.device;
	CHECK(strcmp(judged(request(&d), &a), "identity") == 0);
	ROW("an LDevID beside the identity");
	d = good();
	d.ldevid = rota_bytes_span(&ldevid);
	CHECK(strcmp(judged(request(&d), &a), "member") == 0);
	ROW("a third kind");
	d = good();
	d.kind = 3;
	CHECK(strcmp(judged(request(&d), &a), "member") == 0);
	ROW("a certificate of the other authority");
	d = good();
	body = request(&d);
	json_object_set_new(body, "party", json_string("server-ca"));
	CHECK(strcmp(judged(body, &a), "member") == 0);
	ROW("an endorsement that is cut off");
	body = request(&d);
	json_object_set_new(body, "endorsement", json_string("01"));
	CHECK(strcmp(judged(body, &a), "member") == 0);
	end();
}

TEST(ldevids_that_endorse_nothing)
{
	struct rota_certify_answer a;
	struct rota_tbs_plan plan;
	struct rota_bytes other;
	struct draft d;
	uint8_t point[ROTA_P256_KEY_LEN];
	char hex[ROTA_DIGEST_HEX];

	begin();
	rota_hex(ROTA_SPAN(id.device), hex);
	CHECK(rota_p256_of_pkey(live, point));
	for (int i = 0; i < 4; i++) {
		static const char *const rows[] = { "over", "not yet", "another device's",
			"the device CA's" };
		const struct issuer *by = i == 3 ? &maker : &works;

		ROW(rows[i]);
		plan = issuer_plan(by, ROTA_TBS_LDEVID);
		plan.point = point;
		if (i == 0)
			plan.from_s = AT - 100, plan.to_s = AT - 1;
		if (i == 1)
			plan.from_s = AT + 1;
		if (i != 2)
			plan.name = hex;
		issuer_issue(by, &plan, &other, NULL);
		d = good();
		d.kind = ROTA_ENDORSED_BY_LDEVID;
		d.by = live;
		d.ldevid = rota_bytes_span(&other);
		CHECK(strcmp(judged(request(&d), &a), i < 2 ? "expired" : "identity") == 0);
		rota_bytes_free(&other);
	}
	end();
}

/* ---- the factory ---- */

/* What a device answers to MAKE. */
static json_t *made(EVP_PKEY *key, EVP_PKEY *by, const char *serial, size_t serial_len)
{
	uint8_t point[ROTA_P256_KEY_LEN], nonce[32] = { 7 }, sig[ROTA_P256_SIG_LEN];
	struct rota_bytes answer = { 0 }, text = { 0 };
	json_t *body;

	if (!rota_p256_of_pkey(key, point))
		abort();
	rota_bytes_add(&answer, ROTA_SPAN(point));
	rota_bytes_add(&answer, ROTA_SPAN(thief.point)); /* an agree key */
	rota_bytes_add_byte(&answer, (char)serial_len);
	rota_bytes_add(&answer, rota_span(serial, serial_len));
	rota_bytes_add_text(&text, "rota-factory-v1");
	rota_bytes_add(&text, ROTA_SPAN(nonce));
	rota_bytes_add(&text, rota_bytes_span(&answer));
	issuer_sign(by, rota_bytes_span(&text), sig);
	rota_bytes_add(&answer, ROTA_SPAN(sig));
	body = json_pack("{s:o,s:o,s:s,s:s,s:s}", "csr", hex_of(rota_bytes_span(&answer)),
		"endorsement", hex_of(ROTA_SPAN(nonce)), "identity", "", "ldevid", "", "party",
		"device-ca");
	rota_bytes_free(&answer);
	rota_bytes_free(&text);
	return body;
}

TEST(an_idevid)
{
	struct rota_certify_answer a;
	struct rota_tbs_plan plan, again;
	struct rota_bytes tbs, der;
	struct rota_idevid device;

	begin();
	CHECK(strcmp(judged(made(fresh, fresh, "SN-7", 4), &a), "") == 0);
	CHECK(strcmp(a.name, "SN-7") == 0);
	plan = rota_certify_plan(&office, &a);
	again = rota_certify_plan(&office, &a);
	CHECK(plan.profile == ROTA_TBS_IDEVID && plan.issuer == maker.cert);
	CHECK_MEM(plan.serial, again.serial, sizeof(plan.serial));
	/* its id is the one that was said before it was signed */
	CHECK_OK(rota_tbs_make(&plan, &tbs, &why));
	issuer_sealed(maker.key, rota_bytes_span(&tbs), &der);
	CHECK_OK(rota_idevid_read(maker.cert, rota_bytes_span(&der), &device, &why));
	CHECK_MEM(device.device, a.device, sizeof(a.device));
	rota_bytes_free(&tbs);
	rota_bytes_free(&der);
	rota_certify_free(&a);
	end();
}

TEST(made_elsewhere)
{
	struct rota_certify_answer a;
	json_t *body;

	begin();
	ROW("signed by another key");
	CHECK(strcmp(judged(made(fresh, thief.device, "SN-7", 4), &a), "identity") == 0);
	ROW("no serial");
	CHECK(strcmp(judged(made(fresh, fresh, "", 0), &a), "member") == 0);
	ROW("a serial with a zero byte");
	CHECK(strcmp(judged(made(fresh, fresh, "SN\0007", 4), &a), "member") == 0);
	ROW("another nonce than the station's");
	body = made(fresh, fresh, "SN-7", 4);
	json_object_set_new(body, "endorsement",
		json_string("0000000000000000000000000000000000000000000000000000000000000000"));
	CHECK(strcmp(judged(body, &a), "identity") == 0);
	ROW("an IDevID to it");
	body = made(fresh, fresh, "SN-7", 4);
	json_object_set_new(body, "identity", hex_of(rota_bytes_span(&idevid)));
	CHECK(strcmp(judged(body, &a), "member") == 0);
	end();
}

TESTS(T(an_ldevid), T(endorsements_refused), T(ldevids_that_endorse_nothing), T(an_idevid),
	T(made_elsewhere))
