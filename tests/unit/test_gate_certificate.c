/* SPDX-License-Identifier: Apache-2.0 */
/* The log writer's own look at certificates (SPEC 20.5), against a parser that somebody has taken over: it has a good request, and would
 * have something else signed. */
#include "apps/rota-signd/gate_certificate.h"
#include "apps/rota-signd/offices.h"
#include "host/base/when.h"
#include "host/identity/cert.h"
#include "host/identity/nonce.h"
#include "host/pki/cert.h"
#include "host/pki/idevid.h"
#include "host/sign/p256.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct notary n;
static struct plan plan;
static struct issuer maker, works, other;
static struct rota_ask ask;
static struct rota_bytes idevid;
static struct rota_certify_answer answer;
static uint64_t now;
static struct rota_revocations revoked;
static uint64_t hidden_s; /* how much earlier an entry says that its certificate ends */

static json_t *hex_of(struct rota_span bytes)
{
	char text[8192];

	rota_hex(bytes, text);
	return json_string(text);
}

static void put(const char *name, const X509 *cert)
{
	struct rota_bytes pem;

	rota_cert_pem(cert, &pem);
	tempdir_put(name, (const char *)pem.p);
	rota_bytes_free(&pem);
}

/* A request for the key of `works.device`, endorsed by the identity `maker.device`. */
static json_t *request(const struct rota_certify *c, const struct rota_idevid *id)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char csr[1024], *at = csr;
	uint8_t of[ROTA_DIGEST_LEN], nonce[ROTA_NONCE_LEN], sig[ROTA_P256_SIG_LEN];
	struct rota_bytes text = { 0 }, endorsement = { 0 };
	size_t len;
	json_t *body;

	X509_REQ_set_version(req, 0);
	X509_REQ_set_pubkey(req, works.device);
	X509_REQ_sign(req, works.device, EVP_sha256());
	len = (size_t)i2d_X509_REQ(req, &at);
	X509_REQ_free(req);
	rota_nonce_make(c->crypto, c->nonce, "est", id->device, now, nonce);
	rota_digest_of(rota_span(csr, len), of);
	rota_bytes_add_text(&text, "rota-est-v1");
	rota_bytes_add(&text, ROTA_SPAN(nonce));
	rota_bytes_add(&text, ROTA_SPAN(of));
	rota_bytes_add(&text, ROTA_SPAN(id->device));
	issuer_sign(maker.device, rota_bytes_span(&text), sig);
	rota_bytes_add_byte(&endorsement, ROTA_ENDORSED_BY_IDENTITY);
	rota_bytes_add(&endorsement, ROTA_SPAN(nonce));
	rota_bytes_add(&endorsement, ROTA_SPAN(sig));
	body = json_pack("{s:o,s:o,s:o,s:s,s:s}", "csr", hex_of(rota_span(csr, len)), "endorsement",
		hex_of(rota_bytes_span(&endorsement)), "identity", hex_of(rota_bytes_span(&idevid)),
		"ldevid", "", "party", "operational-ca");
	rota_bytes_free(&text);
	rota_bytes_free(&endorsement);
	return body;
}

static bool begin(void)
{
	struct rota_tbs_plan made;
	struct rota_idevid id;
	const struct rota_certify *c;

	now = rota_when_now();
	issuer_begin(&maker, "device-ca", false);
	issuer_begin(&works, "operational-ca", false);
	issuer_begin(&other, "operational-ca", false);
	if (!notary_begin(&n) || plan_make(&plan, n.policy, &n.s.why) != ROTA_OK ||
		rota_file_mkdirs(tempdir_path("online/ca"), 0755, &n.s.why) != ROTA_OK)
		return false;
	put("online/ca/device-ca.pem", maker.cert);
	put("online/ca/operational-ca.pem", works.cert);
	if (offices_open(&plan, NULL, &n.s.why) != ROTA_OK)
		return false;
	c = offices_find(&plan, "sensor");
	made = issuer_plan(&maker, ROTA_TBS_IDEVID);
	issuer_issue(&maker, &made, &idevid, NULL);
	return c &&
		rota_idevid_read(c->device_ca, rota_bytes_span(&idevid), &id, &n.s.why) ==
		ROTA_OK &&
		notary_ask(&n, "certificate", "operational-ca", request(c, &id), NULL, &ask) ==
		ROTA_OK &&
		rota_certify(c, ask.body, now, &answer, &n.s.why) == ROTA_OK;
}

static void end(void)
{
	rota_certify_free(&answer);
	rota_ask_free(&ask);
	rota_bytes_free(&idevid);
	offices_close(&plan);
	notary_end(&n);
	issuer_end(&maker);
	issuer_end(&works);
	issuer_end(&other);
}

static struct rota_tbs_plan good(void)
{
	struct rota_tbs_plan p = rota_certify_plan(offices_find(&plan, "sensor"), &answer);

	memset(p.serial, 0x5A, sizeof(p.serial));
	p.from_s = now;
	p.to_s = now + 30 * CERT_DAY;
	return p;
}

/* What the writer says of an entry for these bytes. */
static enum rota_err passes(struct rota_span tbs)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_ISSUED,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("operational-ca") };
	char hex[2 * ROTA_TBS_MAX + 1], record[2 * ROTA_TBS_MAX + 64];
	struct rota_cert cert;

	memcpy(leaf.digest, answer.device, sizeof(leaf.digest));
	rota_digest_of(tbs, leaf.message);
	if (rota_cert_tbs_read(tbs, &cert) == ROTA_OK)
		leaf.version = cert.not_after - hidden_s;
	rota_hex(tbs, hex);
	snprintf(record, sizeof(record), "{\"certificate\":{\"tbs\":\"%s\"}}", hex);
	return gate_certificate(&plan, &revoked, &leaf, rota_span_cstr(record),
		rota_bytes_span(&ask.bytes), now, &n.s.why);
}

static enum rota_err made(const struct rota_tbs_plan *p)
{
	struct rota_bytes tbs;
	enum rota_err err;

	ROTA_TRY(rota_tbs_make(p, &tbs, &n.s.why));
	err = passes(rota_bytes_span(&tbs));
	rota_bytes_free(&tbs);
	return err;
}

TEST(what_was_asked_for)
{
	struct rota_tbs_plan p;

	CHECK(begin());
	p = good();
	CHECK_OK(made(&p));
	end();
}

TEST(a_parser_that_was_taken_over)
{
	struct rota_tbs_plan p;
	unsigned char *tbs = NULL;
	X509 *cert;
	int len;

	CHECK(begin());
	ROW("a certificate for another key");
	p = good();
	p.point = other.point;
	CHECK(made(&p) != ROTA_OK);
	ROW("in another device's name");
	p = good();
	p.name = "0000000000000000000000000000000000000000000000000000000000000000";
	CHECK(made(&p) != ROTA_OK);
	ROW("one that answers OCSP");
	p = good();
	p.profile = ROTA_TBS_OCSP;
	CHECK(made(&p) != ROTA_OK);
	ROW("of another authority of this name");
	p = good();
	p.issuer = other.cert;
	CHECK(made(&p) != ROTA_OK);
	ROW("for two years");
	p = good();
	p.to_s = now + 730 * (uint64_t)CERT_DAY;
	CHECK(made(&p) != ROTA_OK);
	ROW("of last year");
	p = good();
	p.from_s = now - 365 * (uint64_t)CERT_DAY;
	CHECK(made(&p) != ROTA_OK);
	ROW("an authority");
	cert = cert_issue(works.device, answer.name, &(struct cert_ca){ works.key, works.cert }, 1,
		(time_t)now, (time_t)now + 60, true);
	len = i2d_re_X509_tbs(cert, &tbs);
	CHECK(len > 0 && passes(rota_span(tbs, (size_t)len)) != ROTA_OK);
	OPENSSL_free(tbs);
	X509_free(cert);
	end();
}

/* The entry names the device and the bytes; the request is of its own kind, and fresh. */
TEST(entries_that_are_of_something_else)
{
	struct rota_leaf leaf = {
		.kind = ROTA_LEAF_ISSUED, .scope = ROTA_STR("sensor"), .role = ROTA_STR("device-ca")
	};
	struct rota_ask time_ask;

	CHECK(begin());
	CHECK_EQ(gate_certificate(&plan, &revoked, &leaf, ROTA_STR("{}"),
			 rota_bytes_span(&ask.bytes), now, &n.s.why),
		ROTA_ERR_ARGUMENT);
	leaf.role = ROTA_STR("operational-ca");
	CHECK_EQ(gate_certificate(&plan, &revoked, &leaf, ROTA_STR("{}"),
			 rota_bytes_span(&ask.bytes), now, &n.s.why),
		ROTA_ERR_FORMAT);
	CHECK(gate_certificate(&plan, &revoked, &leaf, ROTA_STR("{}"), ROTA_STR(""), now,
		      &n.s.why) != ROTA_OK);
	CHECK(gate_certificate(&plan, &revoked, &leaf, ROTA_STR("{}"), rota_bytes_span(&ask.bytes),
		      now + 7200, &n.s.why) != ROTA_OK);
	CHECK_OK(notary_ask(&n, "time", "time",
		json_pack("{s:s#,s:s}", "device", &DIGEST[1], 64, "nonce",
			"00000000000000000000000000000000"),
		NULL, &time_ask));
	CHECK_EQ(gate_certificate(&plan, &revoked, &leaf, ROTA_STR("{}"),
			 rota_bytes_span(&time_ask.bytes), now, &n.s.why),
		ROTA_ERR_ARGUMENT);
	rota_ask_free(&time_ask);
	end();
}

/* SPEC 19.10: though the parser says nothing of it. */
TEST(a_device_that_is_over)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_REVOKED,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("device-ca") };
	struct rota_tbs_plan p;

	CHECK(begin());
	p = good();
	CHECK_OK(made(&p));
	memcpy(leaf.digest, answer.device, sizeof(leaf.digest));
	CHECK_OK(rota_revocations_entry(
		&revoked, &leaf, ROTA_STR("{\"what\":{\"serial\":\"5a\"}}")));
	CHECK(made(&p) != ROTA_OK);
	rota_revocations_free(&revoked);
	CHECK_OK(made(&p));
	ROW("an end that its entry hides");
	p.to_s += 1;
	hidden_s = 1;
	CHECK(made(&p) != ROTA_OK);
	hidden_s = 0;
	end();
}

/* ---- who answers OCSP (SPEC 29.8) ---- */

static enum rota_err responds(const struct rota_ask *with, const struct rota_tbs_plan *p,
	const char *role, uint8_t device)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_RESPONDER,
		.version = p->to_s,
		.scope = ROTA_STR("sensor"),
		.role = rota_span_cstr(role),
		.digest = { device } };
	char hex[2 * ROTA_TBS_MAX + 1], record[2 * ROTA_TBS_MAX + 64];
	struct rota_bytes tbs;

	ROTA_TRY(rota_tbs_make(p, &tbs, &n.s.why));
	rota_digest_of(rota_bytes_span(&tbs), leaf.message);
	rota_hex(rota_bytes_span(&tbs), hex);
	rota_bytes_free(&tbs);
	snprintf(record, sizeof(record), "{\"certificate\":{\"tbs\":\"%s\"}}", hex);
	return gate_responder(
		&plan, &leaf, rota_span_cstr(record), rota_bytes_span(&with->bytes), now, &n.s.why);
}

TEST(responders)
{
	struct rota_responder r;
	struct rota_tbs_plan good_plan, p;
	struct rota_ask asked;
	json_t *body;

	CHECK(begin());
	body = json_pack("{s:O}", "csr", json_object_get(ask.body, "csr"));
	CHECK_OK(rota_certify_responder(
		offices_find(&plan, "sensor"), "operational-ca", body, &r, &n.s.why));
	CHECK_OK(notary_ask(&n, "ocsp", "operational-ca", body, NULL, &asked));
	good_plan = rota_certify_responder_plan(&r);
	memset(good_plan.serial, 0x5A, sizeof(good_plan.serial));
	good_plan.from_s = now;
	good_plan.to_s = now + 90 * (uint64_t)CERT_DAY;
	CHECK_OK(responds(&asked, &good_plan, "operational-ca", 0));
	ROW("for another key");
	p = good_plan;
	p.point = other.point;
	CHECK(responds(&asked, &p, "operational-ca", 0) != ROTA_OK);
	ROW("for a device's logins");
	p = good_plan;
	p.profile = ROTA_TBS_LDEVID;
	CHECK(responds(&asked, &p, "operational-ca", 0) != ROTA_OK);
	ROW("for a year");
	p = good_plan;
	p.to_s = now + 365 * (uint64_t)CERT_DAY;
	CHECK(responds(&asked, &p, "operational-ca", 0) != ROTA_OK);
	ROW("of another authority");
	CHECK(responds(&asked, &good_plan, "device-ca", 0) != ROTA_OK);
	ROW("as a device's");
	CHECK(responds(&asked, &good_plan, "operational-ca", 1) != ROTA_OK);
	ROW("of a request for something else");
	CHECK(responds(&ask, &good_plan, "operational-ca", 0) != ROTA_OK);
	rota_ask_free(&asked);
	end();
}

/* ---- lists (SPEC 20.7) ---- */

/* What the writer says of a list with these, made of what `from` knows. */
static enum rota_err lists(const struct rota_revocations *from, const X509 *issuer, uint64_t number,
	uint64_t from_s, uint64_t life_s)
{
	struct rota_crl_plan p = {
		.issuer = issuer, .number = number, .from_s = from_s, .next_s = from_s + life_s
	};
	struct rota_leaf leaf = { .kind = ROTA_LEAF_CRL,
		.version = number,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("operational-ca") };
	struct rota_bytes tbs;
	char record[128];

	ROTA_TRY(rota_revocations_crl(from, "sensor", "operational-ca", &p, &tbs, &n.s.why));
	rota_digest_of(rota_bytes_span(&tbs), leaf.message);
	rota_bytes_free(&tbs);
	snprintf(record, sizeof(record), "{\"certificate\":{\"from\":%llu,\"next\":%llu}}",
		(unsigned long long)p.from_s, (unsigned long long)p.next_s);
	return gate_crl(&plan, &revoked, &leaf, rota_span_cstr(record), now, &n.s.why);
}

TEST(a_list_has_all_that_is_over)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_REVOKED,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("operational-ca") };
	struct rota_revocations none = { .now_s = 0 };
	const uint64_t week = 7 * (uint64_t)CERT_DAY;

	CHECK(begin());
	CHECK_OK(lists(&revoked, works.cert, 1, now, week));
	CHECK_OK(rota_revocations_entry(
		&revoked, &leaf, ROTA_STR("{\"what\":{\"serial\":\"5a\"}}")));
	CHECK_OK(lists(&revoked, works.cert, 1, now, week));
	ROW("one is left out");
	CHECK(lists(&none, works.cert, 1, now, week) != ROTA_OK);
	ROW("another number");
	CHECK(lists(&revoked, works.cert, 2, now, week) != ROTA_OK);
	ROW("of last year");
	CHECK(lists(&revoked, works.cert, 1, now - 365 * (uint64_t)CERT_DAY, week) != ROTA_OK);
	ROW("for a year");
	CHECK(lists(&revoked, works.cert, 1, now, 52 * week) != ROTA_OK);
	ROW("of another authority");
	CHECK(lists(&revoked, maker.cert, 1, now, week) != ROTA_OK);
	rota_revocations_free(&revoked);
	end();
}

TESTS(T(what_was_asked_for), T(a_parser_that_was_taken_over), T(entries_that_are_of_something_else),
	T(a_device_that_is_over), T(responders), T(a_list_has_all_that_is_over))
