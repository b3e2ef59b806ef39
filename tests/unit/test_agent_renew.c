/* SPDX-License-Identifier: Apache-2.0 */
/* When rota-agent asks for another LDevID, and when it knows too little for that (SPEC 29.9). No server is there: that it was asked in
 * vain shows in the time that it is not asked again. */
#include "apps/rota-agent/renew.h"
#include "rota/base/hex.h"
#include "tests/unit/rot_backends.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>

#define LIFE_S 3600

static struct agent a;
static struct agent_config config;
static struct rota_fetch_login login;
static struct rota_rot rot; /* as the real one, while it answers */
static const struct rota_rot *real;
static char folder[300], device[2 * ROTA_SHA256_LEN + 1];
static uint64_t now_s;

static enum rota_err is_away(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	(void)ctx, (void)key, (void)point;
	return ROTA_ERR_IO;
}

/* A certificate of this device and of LDevID key 0; nobody here asks who signed it. */
static void put_certificate(void)
{
	EVP_PKEY *ca = EVP_EC_gen("P-256"), *key = NULL;
	struct rota_rotkey k = { .rot = real, .key = ROTA_ROT_LDEVID_0 };
	uint8_t point[ROTA_P256_KEY_LEN];
	FILE *f = fopen(tempdir_path("ldevid-0.pem"), "w");
	X509 *x = X509_new();
	struct rota_fail why;
	bool good = f != NULL && real->key_make(real->ctx, ROTA_ROT_LDEVID_0, point) == ROTA_OK &&
		rota_rotkey_open(&k, &key, &why) == ROTA_OK;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), LIFE_S);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)device, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	good = good && X509_set_pubkey(x, key) == 1 && X509_sign(x, ca, EVP_sha256()) > 0 &&
		PEM_write_X509(f, x) == 1;
	if (f == NULL || fclose(f) != 0 || !good)
		test_fail(__FILE__, __LINE__, "no certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca);
}

static void begin(void)
{
	static const uint8_t id[ROTA_SHA256_LEN] = { 4, 5, 6 };
	const struct rota_fetch_settings settings = {
		.user_agent = "test", .connect_s = 5, .stall_s = 5
	};
	struct rota_fail why;

	(void)snprintf(folder, sizeof(folder), "%s", tempdir_fresh());
	rota_hex(ROTA_SPAN(id), device);
	real = rot_begin_soft();
	if (real == NULL)
		test_fail(__FILE__, __LINE__, "no root of trust");
	put_certificate();
	rot = *real;
	now_s = (uint64_t)time(NULL);
	config = (struct agent_config){ .identity = folder,
		.login = &login,
		.server = { .url = "https://127.0.0.1:9", .ca = "/dev/null", .login = &login } };
	a = (struct agent){
		.config = &config, .rot = { .port = &rot }, .fetch = rota_fetch_new(&settings)
	};
	if (agent_identity_open(&a.identity, &config, &rot, rota_span_cstr(device), &why) !=
		ROTA_OK)
		test_fail(__FILE__, __LINE__, why.text);
}

static void end(void)
{
	agent_identity_close(&a.identity);
	rota_fetch_free(a.fetch);
	tempdir_remove();
}

TEST(in_the_last_third_of_its_life_another_one_is_asked_for)
{
	begin();
	agent_renew(&a, now_s + LIFE_S / 2);
	CHECK_EQ(a.renew_after_s, 0);
	agent_renew(&a, now_s + LIFE_S * 3 / 4);
	CHECK(a.renew_after_s > 0);
	CHECK_EQ(a.renew_wait_s, 3600);
	end();
}

/* A root of trust that does not answer for a moment shows no key: nothing is replaced for that. */
TEST(where_it_is_not_known_what_is_there_nothing_is_asked_for)
{
	begin();
	rot.key_point = is_away;
	agent_renew(&a, now_s);
	CHECK_EQ(a.renew_after_s, 0);
	rot.key_point = real->key_point;
	agent_renew(&a, now_s);
	CHECK_EQ(a.identity.use, 0);
	CHECK_EQ(a.renew_after_s, 0);
	ROW("where it is known that none is there");
	CHECK_EQ(remove(tempdir_path("ldevid-0.pem")), 0);
	agent_renew(&a, now_s);
	CHECK(a.renew_after_s > 0);
	end();
}

TESTS(T(in_the_last_third_of_its_life_another_one_is_asked_for),
	T(where_it_is_not_known_what_is_there_nothing_is_asked_for))
