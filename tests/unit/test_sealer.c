/* SPDX-License-Identifier: Apache-2.0 */
/* An AES key of a token of SoftHSM, behind a module that breaks on demand (p11shim.c). */
#include "host/base/file.h"
#include "ports/pkcs11/sealer.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>

#define AAD ROTA_STR("what it is")

static struct {
	char environment[3 * ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_sealer sealer;
	struct rota_fail why;
	struct rota_bytes first, second, got;
} s;

static bool set_up(void)
{
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
		.patience_ms = 500,
		.environment = s.environment };
	return rota_pkcs11_sealer_make(&s.token, "so-pin", "key", &s.why) == ROTA_OK &&
		rota_pkcs11_sealer_open(&s.token, "key", &s.sealer, &s.why) == ROTA_OK;
}

static enum rota_err seal(struct rota_span plain, struct rota_bytes *out)
{
	return s.sealer.seal(s.sealer.ctx, AAD, plain, out, &s.why);
}

static enum rota_err open_it(const struct rota_bytes *sealed, struct rota_span aad)
{
	rota_bytes_wipe(&s.got);
	return s.sealer.open(s.sealer.ctx, aad, rota_bytes_span(sealed), &s.got, &s.why);
}

static void take_down(void)
{
	s.sealer.close(s.sealer.ctx);
	rota_bytes_wipe(&s.first);
	rota_bytes_wipe(&s.second);
	rota_bytes_wipe(&s.got);
	tempdir_remove();
}

TEST(what_is_sealed_opens)
{
	CHECK(set_up());
	CHECK_OK(seal(ROTA_STR("a secret"), &s.first));
	CHECK_EQ(s.first.len, sizeof("a secret") - 1 + ROTA_SEALER_NONCE_LEN + ROTA_SEALER_TAG_LEN);
	CHECK_OK(open_it(&s.first, AAD));
	CHECK(rota_span_eq(rota_bytes_span(&s.got), ROTA_STR("a secret")));
	CHECK_EQ(open_it(&s.first, ROTA_STR("something else")), ROTA_ERR_CORRUPT);
	s.first.p[ROTA_SEALER_NONCE_LEN] ^= 1;
	CHECK_EQ(open_it(&s.first, AAD), ROTA_ERR_CORRUPT);
	s.first.p[ROTA_SEALER_NONCE_LEN] ^= 1;
	CHECK_OK(open_it(&s.first, AAD));
	take_down();
}

/* Its answer to the first question would be taken for the answer to the second. */
TEST(who_was_late_is_not_asked_again)
{
	CHECK(set_up());
	CHECK_OK(seal(ROTA_STR("one"), &s.first));
	CHECK_OK(seal(ROTA_STR("two"), &s.second));
	softhsm_put("mood", "late");
	CHECK_EQ(open_it(&s.first, AAD), ROTA_ERR_TIMEOUT);
	CHECK_OK(rota_file_remove(tempdir_path("mood"), &s.why));
	CHECK_EQ(open_it(&s.second, AAD), ROTA_ERR_IO);
	CHECK_EQ(s.got.len, 0);
	take_down();
}

TEST(a_holder_that_died)
{
	CHECK(set_up());
	CHECK_OK(seal(ROTA_STR("one"), &s.first));
	softhsm_put("mood", "die");
	CHECK_EQ(open_it(&s.first, AAD), ROTA_ERR_IO);
	CHECK_OK(rota_file_remove(tempdir_path("mood"), &s.why));
	CHECK_EQ(open_it(&s.first, AAD), ROTA_ERR_IO);
	take_down();
}

TESTS(T(what_is_sealed_opens), T(who_was_late_is_not_asked_again), T(a_holder_that_died))
