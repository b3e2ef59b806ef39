/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made byte by byte: OpenSSL reads in them what was meant, and nothing else passes for them (SPEC 29.4). */
#include "tests/unit/issuer_scene.h"
#include "tests/unit/test.h"

#include <openssl/x509v3.h>

static struct issuer ca;
static struct rota_fail why;

/* What OpenSSL says of a chain of this certificate and the authority, for a purpose, at a time. */
static int verified(X509 *cert, int purpose, time_t at)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int result;

	X509_STORE_add_cert(store, ca.cert);
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_time(ctx, 0, at);
	X509_verify_cert(ctx);
	result = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return result;
}

static void check_name(X509 *cert, int nid, const char *want)
{
	char text[80] = "";

	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), nid, text, sizeof(text));
	CHECK_EQ(X509_NAME_entry_count(X509_get_subject_name(cert)), 1);
	CHECK(strcmp(text, want) == 0);
}

TEST(ldevid)
{
	struct rota_tbs_plan plan;
	struct rota_bytes der;
	X509 *cert;

	issuer_begin(&ca, "operational-ca", false);
	plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	issuer_issue(&ca, &plan, &der, &cert);
	CHECK(cert);
	CHECK_EQ(verified(cert, X509_PURPOSE_SSL_CLIENT, CERT_NOW), X509_V_OK);
	CHECK_EQ(verified(cert, X509_PURPOSE_SSL_CLIENT, CERT_NOW - 1),
		X509_V_ERR_CERT_NOT_YET_VALID);
	CHECK_EQ(verified(cert, X509_PURPOSE_SSL_CLIENT, CERT_NOW + 30 * CERT_DAY + 1),
		X509_V_ERR_CERT_HAS_EXPIRED);
	CHECK(verified(cert, X509_PURPOSE_SSL_SERVER, CERT_NOW) != X509_V_OK);
	CHECK_EQ(X509_check_ca(cert), 0);
	CHECK_EQ(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	CHECK_EQ(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	CHECK_EQ(X509_get_ext_count(cert), 7);
	check_name(cert, NID_commonName, plan.name);
	CHECK_EQ(EVP_PKEY_eq(X509_get0_pubkey(cert), ca.device), 1);
	X509_free(cert);
	rota_bytes_free(&der);
	issuer_end(&ca);
}

TEST(idevid)
{
	struct rota_tbs_plan plan;
	uint8_t again[ROTA_TBS_SERIAL_LEN];
	struct rota_bytes der;
	X509 *cert;

	issuer_begin(&ca, "device-ca", false);
	plan = issuer_plan(&ca, ROTA_TBS_IDEVID);
	rota_tbs_idevid_serial("sensor", plan.name, ca.point, plan.serial);
	rota_tbs_idevid_serial("sensor", plan.name, ca.point, again);
	CHECK_MEM(again, plan.serial, sizeof(again));
	rota_tbs_idevid_serial("sensors", plan.name, ca.point, again);
	CHECK(memcmp(again, plan.serial, sizeof(again)) != 0);
	rota_tbs_idevid_serial("sensor", "SN-000124", ca.point, again);
	CHECK(memcmp(again, plan.serial, sizeof(again)) != 0);
	issuer_issue(&ca, &plan, &der, &cert);
	CHECK(cert);
	CHECK_EQ(verified(cert, X509_PURPOSE_SSL_CLIENT, CERT_NOW), X509_V_OK);
	/* no end */
	CHECK(X509_cmp_time(X509_get0_notAfter(cert), &(time_t){ 4000000000 }) > 0);
	CHECK_EQ(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	CHECK_EQ(X509_check_ca(cert), 0);
	check_name(cert, NID_serialNumber, "SN-000123");
	X509_free(cert);
	rota_bytes_free(&der);
	issuer_end(&ca);
}

/* A byte more or less, a name, a key, an authority: none passes for what was asked for. */
TEST(only_what_was_asked_for)
{
	struct rota_tbs_plan plan, asked;
	struct rota_bytes tbs, other;
	struct issuer another;

	issuer_begin(&ca, "operational-ca", false);
	issuer_begin(&another, "operational-ca", false);
	plan = asked = issuer_plan(&ca, ROTA_TBS_LDEVID);
	CHECK_OK(rota_tbs_make(&plan, &tbs, &why));
	memset(asked.serial, 0, sizeof(asked.serial));
	asked.from_s = asked.to_s = 0;
	CHECK_OK(rota_tbs_is(&asked, rota_bytes_span(&tbs), &why));
	CHECK_MEM(asked.serial, plan.serial, sizeof(plan.serial));
	CHECK_EQ(asked.from_s, plan.from_s);
	CHECK_EQ(asked.to_s, plan.to_s);
	for (size_t i = 0; i < tbs.len; i++) {
		struct rota_tbs_plan mine = plan;
		bool fixed;

		tbs.p[i] ^= 1;
		fixed = rota_tbs_is(&mine, rota_bytes_span(&tbs), &why) != ROTA_OK ||
			mine.from_s != plan.from_s || mine.to_s != plan.to_s ||
			memcmp(mine.serial, plan.serial, sizeof(plan.serial)) != 0;
		tbs.p[i] ^= 1;
		CHECK(fixed);
	}
	asked.name = "another";
	CHECK_EQ(rota_tbs_is(&asked, rota_bytes_span(&tbs), &why), ROTA_ERR_SIGNATURE);
	asked.name = plan.name;
	asked.point = another.point;
	CHECK_EQ(rota_tbs_is(&asked, rota_bytes_span(&tbs), &why), ROTA_ERR_SIGNATURE);
	asked.point = plan.point;
	asked.issuer = another.cert; /* of the same name */
	CHECK_EQ(rota_tbs_is(&asked, rota_bytes_span(&tbs), &why), ROTA_ERR_SIGNATURE);
	asked.issuer = plan.issuer;
	plan.profile = ROTA_TBS_OCSP;
	CHECK_OK(rota_tbs_make(&plan, &other, &why));
	CHECK_EQ(rota_tbs_is(&asked, rota_bytes_span(&other), &why), ROTA_ERR_SIGNATURE);
	rota_bytes_free(&other);
	CHECK_EQ(rota_tbs_is(&asked, ROTA_STR("no DER"), &why), ROTA_ERR_FORMAT);
	rota_bytes_free(&tbs);
	issuer_end(&another);
	issuer_end(&ca);
}

/* A certificate of an authority, as the parser could send it to be signed. */
TEST(an_authority_is_none)
{
	struct rota_tbs_plan asked;
	unsigned char *tbs = NULL;
	int len;
	X509 *cert;

	issuer_begin(&ca, "operational-ca", false);
	asked = issuer_plan(&ca, ROTA_TBS_LDEVID);
	cert = cert_issue(ca.device, asked.name, &(struct cert_ca){ ca.key, ca.cert }, 1, CERT_NOW,
		CERT_NOW + 1, true);
	len = i2d_re_X509_tbs(cert, &tbs);
	CHECK(len > 0);
	CHECK(rota_tbs_is(&asked, rota_span(tbs, (size_t)len), &why) != ROTA_OK);
	OPENSSL_free(tbs);
	X509_free(cert);
	issuer_end(&ca);
}

TEST(refused)
{
	static const struct {
		const char *reason, *name;
		enum rota_tbs_profile profile;
		enum rota_err err;
	} rows[] = {
		{ "no serial", "", ROTA_TBS_IDEVID, ROTA_ERR_FORMAT },
		{ "a serial that is no PrintableString", "SN_1", ROTA_TBS_IDEVID, ROTA_ERR_FORMAT },
		{ "a serial with a line's end", "SN\n1", ROTA_TBS_IDEVID, ROTA_ERR_FORMAT },
		{ "a serial of 65 bytes",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			ROTA_TBS_IDEVID, ROTA_ERR_FORMAT },
		{ "no name", "", ROTA_TBS_LDEVID, ROTA_ERR_FORMAT },
		{ "a name with a blank", "a b", ROTA_TBS_LDEVID, ROTA_ERR_FORMAT },
	};
	struct rota_tbs_plan plan;
	struct rota_bytes out;
	struct issuer bare;

	issuer_begin(&ca, "operational-ca", false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		plan = issuer_plan(&ca, rows[i].profile);
		plan.name = rows[i].name;
		CHECK_EQ(rota_tbs_make(&plan, &out, &why), rows[i].err);
	}
	ROW("a serial of the certificate that is negative, or short");
	plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	plan.serial[0] = 0x80;
	CHECK_EQ(rota_tbs_make(&plan, &out, &why), ROTA_ERR_FORMAT);
	plan.serial[0] = 0x01;
	CHECK_EQ(rota_tbs_make(&plan, &out, &why), ROTA_ERR_FORMAT);
	ROW("an end before the beginning");
	plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	plan.to_s = plan.from_s;
	CHECK_EQ(rota_tbs_make(&plan, &out, &why), ROTA_ERR_FORMAT);
	ROW("a URL that is none");
	plan = issuer_plan(&ca, ROTA_TBS_LDEVID);
	plan.crl_url = "file:///etc/passwd";
	CHECK_EQ(rota_tbs_make(&plan, &out, &why), ROTA_ERR_FORMAT);
	ROW("an authority without a key id");
	issuer_begin(&bare, "bare", true);
	plan = issuer_plan(&bare, ROTA_TBS_LDEVID);
	CHECK_EQ(rota_tbs_make(&plan, &out, &why), ROTA_ERR_STATE);
	issuer_end(&bare);
	issuer_end(&ca);
}

TESTS(T(ldevid), T(idevid), T(only_what_was_asked_for), T(an_authority_is_none), T(refused))
