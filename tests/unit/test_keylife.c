/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made and destroyed in a token of SoftHSM, behind a module that lies on demand (p11shim.c). */
#include "host/base/file.h"
#include "ports/pkcs11/pkcs11.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>

static struct {
	char environment[3 * ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_fail why;
	uint8_t point[ROTA_P256_KEY_LEN];
} s;

/* A folder with a token that has the key "a". */
static bool set_up(void)
{
	static const char *const labels[] = { "a" };
	const char *dir = tempdir_fresh();

	snprintf(s.environment, sizeof(s.environment),
		"SOFTHSM2_CONF=%s/softhsm2.conf P11SHIM_DIR=%s P11SHIM_MODULE=%s", dir, dir,
		softhsm_module());
	softhsm_store("store", "7301-pin-of-a-test\n");
	s.token = (struct rota_pkcs11_token){ .name = "anna",
		.dir = dir,
		.module = P11SHIM,
		.label = "t",
		.pin_file = "pin",
		.environment = s.environment };
	return rota_pkcs11_create(&s.token, "so-pin", labels, 1, &s.why) == ROTA_OK;
}

static bool is_it(const void *ctx, const uint8_t *point)
{
	return memcmp(ctx, point, ROTA_P256_KEY_LEN) == 0;
}

/* Whether the token has a key of this label; its public half into s.point. */
static bool is_there(const char *label)
{
	struct rota_signer signer;
	bool there;

	if (rota_pkcs11_open(&s.token, &label, 1, &signer, &s.why) != ROTA_OK)
		return false;
	there = signer.public_key(signer.ctx, label, s.point, &s.why) == ROTA_OK;
	signer.close(signer.ctx);
	return there;
}

TEST(a_key_is_made_and_destroyed)
{
	uint8_t made[ROTA_P256_KEY_LEN], other[ROTA_P256_KEY_LEN];

	CHECK(set_up());
	CHECK_OK(rota_pkcs11_generate(&s.token, "b", made, &s.why));
	CHECK(is_there("b"));
	CHECK_MEM(made, s.point, sizeof(made));
	CHECK_EQ(rota_pkcs11_generate(&s.token, "b", other, &s.why), ROTA_ERR_STATE);
	CHECK(is_there("a"));
	memcpy(other, s.point, sizeof(other));
	CHECK_EQ(rota_pkcs11_destroy(&s.token, "b", is_it, other, &s.why), ROTA_ERR_HASH);
	CHECK(is_there("b"));
	CHECK_OK(rota_pkcs11_destroy(&s.token, "b", is_it, made, &s.why));
	CHECK(!is_there("b") && is_there("a"));
	CHECK_EQ(rota_pkcs11_destroy(&s.token, "b", is_it, made, &s.why), ROTA_ERR_NOT_FOUND);
	tempdir_remove();
}

/* What the template asked for is worth what the token says of it. */
TEST(a_key_that_could_leave_its_token)
{
	static const char *const moods[] = { "bare", "loose", "foreign" };
	uint8_t made[ROTA_P256_KEY_LEN];

	CHECK(set_up());
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		test_row = moods[i];
		tempdir_put("mood", moods[i]);
		CHECK_EQ(rota_pkcs11_generate(&s.token, "b", made, &s.why), ROTA_ERR_DENIED);
		CHECK(strstr(s.why.text, "destroyed again"));
		tempdir_put("mood", "");
		CHECK(!is_there("b"));
	}
	test_row = NULL;
	CHECK_OK(rota_pkcs11_generate(&s.token, "b", made, &s.why));
	tempdir_remove();
}

TESTS(T(a_key_is_made_and_destroyed), T(a_key_that_could_leave_its_token))
