/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of a token of SoftHSM, behind a module that breaks on demand (p11shim.c). */
#include "host/base/file.h"
#include "ports/pkcs11/entropy.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>

static struct {
	char environment[3 * ROTA_FILE_PATH_MAX];
	struct rota_pkcs11_token token;
	struct rota_pkcs11_entropy *entropy;
	struct rota_random random;
	struct rota_fail why;
	/* More than two draws of the token and what lies ready together. */
	uint8_t room[2 << 20];
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

static bool start(void)
{
	if (rota_pkcs11_entropy_open(&s.token, &s.entropy, &s.why) != ROTA_OK)
		return false;
	s.random = rota_pkcs11_entropy_random(s.entropy);
	return true;
}

static enum rota_err fill(size_t len)
{
	return s.random.fill(s.random.ctx, rota_buf(s.room, len));
}

static bool all_zeros(size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s.room[i])
			return false;
	return true;
}

TEST(bytes_come_in_any_length)
{
	static const size_t lengths[] = { 1, 15, 16, 32, 65536, 65537, sizeof(s.room) };

	CHECK(set_up() && start());
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(s.room, 0, sizeof(s.room));
		CHECK_OK(fill(lengths[i]));
		CHECK(lengths[i] < 15 || !all_zeros(lengths[i]));
		CHECK(lengths[i] < 32 || memcmp(s.room, s.room + 16, 16) != 0);
		/* the last piece is filled too, and nothing behind it */
		CHECK(lengths[i] < 32 ||
			memcmp(s.room + lengths[i] - 16, "\0\0\0\0\0\0\0", 8) != 0);
		CHECK(lengths[i] == sizeof(s.room) || s.room[lengths[i]] == 0);
	}
	CHECK_EQ(rota_pkcs11_entropy_why(s.entropy).err, ROTA_OK);
	rota_pkcs11_entropy_close(s.entropy);
	tempdir_remove();
}

/* What is ready is given out first; then no byte comes any more, and none of what had come is left in the room. */
TEST(a_token_that_breaks)
{
	static const struct {
		const char *mood, *says;
	} rows[] = {
		{ "gone", "drawing random bytes" },
		{ "stuck", "repeats itself" },
		{ "again", "repeats itself" },
		{ "drone", "repeats itself" },
		{ "die", "died" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].mood;
		CHECK(set_up() && start());
		CHECK_OK(fill(1000));
		tempdir_put("mood", rows[i].mood);
		CHECK_EQ(fill(sizeof(s.room)), ROTA_ERR_IO);
		CHECK(all_zeros(sizeof(s.room)));
		CHECK(strstr(rota_pkcs11_entropy_why(s.entropy).text, rows[i].says));
		CHECK(strstr(rota_pkcs11_entropy_why(s.entropy).text, "token anna"));
		tempdir_put("mood", "");
		CHECK_EQ(fill(32), ROTA_ERR_IO);
		rota_pkcs11_entropy_close(s.entropy);
	}
	test_row = NULL;
	tempdir_remove();
}

/* Also where nothing was ever given out before. */
TEST(a_token_that_is_stuck_from_the_start)
{
	CHECK(set_up());
	tempdir_put("mood", "stuck");
	CHECK(start());
	CHECK_EQ(fill(16), ROTA_ERR_IO);
	rota_pkcs11_entropy_close(s.entropy);
	tempdir_remove();
}

TEST(a_token_that_does_not_open)
{
	CHECK(set_up());
	softhsm_put("pin", "another-pin\n");
	CHECK_EQ(rota_pkcs11_entropy_open(&s.token, &s.entropy, &s.why), ROTA_ERR_DENIED);
	s.token.label = "nobody";
	CHECK_EQ(rota_pkcs11_entropy_open(&s.token, &s.entropy, &s.why), ROTA_ERR_NOT_FOUND);
	rota_pkcs11_entropy_close(NULL);
	tempdir_remove();
}

TESTS(T(bytes_come_in_any_length), T(a_token_that_breaks), T(a_token_that_is_stuck_from_the_start),
	T(a_token_that_does_not_open))
