/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of OpenSSL's client, and whether it believes the answers (RFC 6960). */
#include "host/pki/ocsp.h"
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <openssl/ocsp.h>
#include <stdlib.h>

static struct issuer ca, other;
static X509 *cert, *responder;
static struct rota_bytes cert_bytes, responder_bytes;
static EVP_PKEY *responder_key;
static uint8_t responder_point[ROTA_P256_KEY_LEN];

static void begin(void)
{
	struct rota_tbs_plan plan;

	issuer_begin(&ca, "operational-ca", false);
	issuer_begin(&other, "another-ca", false);
	plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	issuer_issue(&ca, &plan, &cert_bytes, &cert);
	plan = issuer_plan(&ca, ROTA_TBS_OCSP);
	plan.name = "ocsp";
	plan.point = memcpy(responder_point, other.point, sizeof(responder_point));
	responder_key = other.device;
	issuer_issue(&ca, &plan, &responder_bytes, &responder);
}

static void end(void)
{
	X509_free(cert);
	X509_free(responder);
	rota_bytes_free(&cert_bytes);
	rota_bytes_free(&responder_bytes);
	issuer_end(&ca);
	issuer_end(&other);
}

/* OpenSSL's question about our certificate. */
static OCSP_REQUEST *ask(const EVP_MD *md, bool nonce, X509 *issuer)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();

	OCSP_request_add0_id(req, OCSP_cert_to_id(md, cert, issuer));
	if (nonce)
		OCSP_request_add1_nonce(req, NULL, 32);
	return req;
}

static size_t encoded(OCSP_REQUEST *req, uint8_t room[static ROTA_OCSP_REQUEST_MAX + 64])
{
	unsigned char *at = room;
	int len = i2d_OCSP_REQUEST(req, &at);

	return len > 0 ? (size_t)len : 0;
}

/* The answer that OpenSSL's client gets; -1: it does not believe it. */
static int answered(OCSP_REQUEST *req, const struct rota_ocsp_question *q,
	enum rota_ocsp_state state, EVP_PKEY *key)
{
	const struct rota_ocsp_verdict v = { state, (uint64_t)time(NULL) - 100,
		(uint64_t)time(NULL) - 10, (uint64_t)time(NULL) + 3600, responder_point };
	struct rota_bytes tbs, whole;
	uint8_t sig[ROTA_P256_SIG_LEN];
	X509_STORE *store = X509_STORE_new();
	const unsigned char *at;
	OCSP_RESPONSE *res;
	OCSP_BASICRESP *basic;
	int status = -1;

	rota_ocsp_tbs(q, &v, &tbs);
	issuer_sign(key, rota_bytes_span(&tbs), sig);
	rota_ocsp_response(rota_bytes_span(&tbs), sig, rota_bytes_span(&responder_bytes), &whole);
	at = whole.p;
	res = d2i_OCSP_RESPONSE(NULL, &at, (long)whole.len);
	basic = res ? OCSP_response_get1_basic(res) : NULL;
	X509_STORE_add_cert(store, ca.cert);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), CERT_NOW);
	if (basic && OCSP_check_nonce(req, basic) != 0 &&
		OCSP_basic_verify(basic, NULL, store, 0) == 1) {
		OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0));
		ASN1_GENERALIZEDTIME *from, *next;

		if (OCSP_resp_find_status(basic, id, &status, NULL, NULL, &from, &next) != 1 ||
			OCSP_check_validity(from, next, 300, -1) != 1)
			status = -1;
	}
	X509_STORE_free(store);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(res);
	rota_bytes_free(&tbs);
	rota_bytes_free(&whole);
	return status;
}

TEST(asked_and_answered)
{
	uint8_t room[ROTA_OCSP_REQUEST_MAX + 64];
	struct rota_ocsp_question q;
	OCSP_REQUEST *req;

	begin();
	for (int n = 0; n < 4; n++) {
		req = ask(n & 1 ? EVP_sha256() : EVP_sha1(), n & 2, ca.cert);
		CHECK_OK(rota_ocsp_read(rota_span(room, encoded(req, room)), &q));
		CHECK(rota_ocsp_is_of(&q, ca.cert) && !rota_ocsp_is_of(&q, other.cert));
		CHECK_EQ(q.serial.len, ROTA_TBS_SERIAL_LEN);
		CHECK_EQ(q.nonce.len > 0, (n & 2) != 0);
		CHECK_EQ(answered(req, &q, ROTA_OCSP_GOOD, responder_key), V_OCSP_CERTSTATUS_GOOD);
		CHECK_EQ(answered(req, &q, ROTA_OCSP_REVOKED, responder_key),
			V_OCSP_CERTSTATUS_REVOKED);
		CHECK_EQ(answered(req, &q, ROTA_OCSP_UNKNOWN, responder_key),
			V_OCSP_CERTSTATUS_UNKNOWN);
		CHECK_EQ(answered(req, &q, ROTA_OCSP_GOOD, ca.device), -1);
		OCSP_REQUEST_free(req);
	}
	end();
}

TEST(refused)
{
	uint8_t room[ROTA_OCSP_REQUEST_MAX + 64];
	struct rota_ocsp_question q;
	OCSP_REQUEST *req;
	size_t len;

	begin();
	req = ask(EVP_sha1(), true, ca.cert);
	len = encoded(req, room);
	for (size_t i = 0; i < len; i++)
		CHECK(rota_ocsp_read(rota_span(room, i), &q) != ROTA_OK);
	room[len] = 0;
	CHECK_EQ(rota_ocsp_read(rota_span(room, len + 1), &q), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_ocsp_read(rota_span(room, sizeof(room)), &q), ROTA_ERR_LIMIT);
	ROW("about two certificates");
	OCSP_request_add0_id(req, OCSP_cert_to_id(EVP_sha1(), cert, ca.cert));
	CHECK_EQ(rota_ocsp_read(rota_span(room, encoded(req, room)), &q), ROTA_ERR_UNSUPPORTED);
	OCSP_REQUEST_free(req);
	ROW("by another hash");
	req = ask(EVP_sha384(), false, ca.cert);
	CHECK_EQ(rota_ocsp_read(rota_span(room, encoded(req, room)), &q), ROTA_ERR_UNSUPPORTED);
	OCSP_REQUEST_free(req);
	ROW("a long nonce");
	req = ask(EVP_sha1(), false, ca.cert);
	OCSP_request_add1_nonce(req, NULL, 64);
	CHECK_EQ(rota_ocsp_read(rota_span(room, encoded(req, room)), &q), ROTA_ERR_LIMIT);
	OCSP_REQUEST_free(req);
	end();
}

TEST(failures)
{
	struct rota_bytes whole;
	const unsigned char *at;
	OCSP_RESPONSE *res;

	rota_ocsp_failure(ROTA_OCSP_UNAUTHORIZED, &whole);
	at = whole.p;
	res = d2i_OCSP_RESPONSE(NULL, &at, (long)whole.len);
	CHECK(res);
	CHECK_EQ(OCSP_response_status(res), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	OCSP_RESPONSE_free(res);
	rota_bytes_free(&whole);
}

/* SPEC 29.10: an hour, and no longer than the list that it is out of. */
TEST(an_answer_counts_no_longer_than_its_list)
{
	CHECK_EQ(rota_ocsp_until(5000, 50000), 5000 + ROTA_OCSP_LIFE_S);
	CHECK_EQ(rota_ocsp_until(5000, 5000 + ROTA_OCSP_LIFE_S - 1), 5000 + ROTA_OCSP_LIFE_S - 1);
	CHECK_EQ(rota_ocsp_until(5000, 5001), 5001);
	CHECK_EQ(rota_ocsp_until(5000, 5000), 0);
	CHECK_EQ(rota_ocsp_until(5000, 4000), 0);
	CHECK_EQ(rota_ocsp_until(5000, 0), 0); /* it does not say when it ends */
}

TESTS(T(asked_and_answered), T(refused), T(failures), T(an_answer_counts_no_longer_than_its_list))
