/* SPDX-License-Identifier: Apache-2.0 */
/* Keys put into a token of SoftHSM, behind a module that says on demand what tokens should not (p11shim.c). */
#include "host/base/file.h"
#include "ports/pkcs11/deposit.h"
#include "ports/pkcs11/pkcs11.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>

static struct {
	char environment[3 * ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_pkcs11_deposit *deposit;
	struct rota_fail why;
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
		.environment = s.environment };
	return rota_pkcs11_create(&s.token, "so-pin", NULL, 0, &s.why) == ROTA_OK;
}

static enum rota_err open_for(const char *first, const char *second)
{
	return rota_pkcs11_deposit_open(&s.token, first, second, &s.deposit, &s.why);
}

static enum rota_err put(uint8_t number)
{
	uint8_t id[ROTA_DEPOSIT_ID_LEN] = { number };

	return rota_pkcs11_deposit_put(s.deposit, id, ROTA_STR("0123456789abcdef"),
		ROTA_STR("one of 32 bytes is a whole one!!"), &s.why);
}

static uint32_t destroyed(void)
{
	uint32_t count = UINT32_MAX;

	if (rota_pkcs11_deposit_destroy(s.deposit, &count, &s.why) != ROTA_OK)
		return UINT32_MAX;
	return count;
}

TEST(what_is_there_stays)
{
	CHECK(set_up());
	CHECK_OK(open_for("up", "down"));
	for (uint8_t n = 0; n < 70; n++) /* more than are asked for at once */
		CHECK_OK(put(n));
	rota_pkcs11_deposit_close(s.deposit);
	CHECK_OK(open_for("up", "else")); /* half of them are there */
	CHECK_OK(put(69));
	CHECK_OK(put(70));
	rota_pkcs11_deposit_close(s.deposit);
	CHECK_OK(open_for("else", "nothing"));
	CHECK_EQ(destroyed(), 2);
	rota_pkcs11_deposit_close(s.deposit);
	CHECK_OK(open_for("up", "down"));
	CHECK_EQ(destroyed(), 71 + 70);
	CHECK_EQ(destroyed(), 0);
	rota_pkcs11_deposit_close(s.deposit);
	tempdir_remove();
}

TEST(a_token_that_keeps_them_otherwise)
{
	static const char *const moods[] = { "bare", "loose" };

	CHECK(set_up());
	CHECK_OK(open_for("up", "down"));
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		ROW(moods[i]);
		softhsm_put("mood", moods[i]);
		CHECK_EQ(put((uint8_t)i), ROTA_ERR_DENIED);
		CHECK_OK(rota_file_remove(tempdir_path("mood"), &s.why));
		CHECK_EQ(destroyed(), 0);
	}
	ROW(NULL);
	CHECK_OK(put(9));
	CHECK_EQ(destroyed(), 2);
	rota_pkcs11_deposit_close(s.deposit);
	tempdir_remove();
}

/* One of the right label and id that somebody else put there, and may know, is put anew. */
TEST(what_is_there_and_kept_otherwise)
{
	static const char *const moods[] = { "bare", "loose" };

	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		ROW(moods[i]);
		CHECK(set_up());
		CHECK_OK(open_for("up", "down"));
		for (uint8_t n = 0; n < 70; n++)
			CHECK_OK(put(n));
		rota_pkcs11_deposit_close(s.deposit);
		softhsm_put("mood", moods[i]);
		CHECK_OK(open_for("up", "down"));
		CHECK_EQ(put(1),
			ROTA_ERR_DENIED); /* what was there is gone, and the token is as it was */
		CHECK_OK(rota_file_remove(tempdir_path("mood"), &s.why));
		CHECK_OK(put(1));
		CHECK_EQ(destroyed(), 2);
		rota_pkcs11_deposit_close(s.deposit);
		tempdir_remove();
	}
	ROW(NULL);
}

TEST(what_is_no_key)
{
	const uint8_t id[ROTA_DEPOSIT_ID_LEN] = { 1 };
	const struct rota_span good = ROTA_STR("0123456789abcdef");
	const struct rota_span wrong[] = { ROTA_STR(""),
		ROTA_STR("that one has more than thirty-two bytes") };

	CHECK(set_up());
	CHECK_OK(open_for("up", "down"));
	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(rota_pkcs11_deposit_put(s.deposit, id, good, wrong[i], &s.why),
			ROTA_ERR_LIMIT);
		CHECK_EQ(rota_pkcs11_deposit_put(s.deposit, id, wrong[i], good, &s.why),
			ROTA_ERR_LIMIT);
	}
	CHECK_EQ(destroyed(), 0);
	rota_pkcs11_deposit_close(s.deposit);
	softhsm_put("pin", "another\n");
	CHECK_EQ(open_for("up", "down"), ROTA_ERR_DENIED);
	tempdir_remove();
}

TESTS(T(what_is_there_stays), T(a_token_that_keeps_them_otherwise),
	T(what_is_there_and_kept_otherwise), T(what_is_no_key))
