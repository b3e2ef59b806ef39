/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that a device holds a generation (SPEC 35.3), against tests/vectors/keys.py. */
#include "rota/crypto/possession.h"
#include "rota/base/hex.h"
#include "tests/unit/test.h"
#include TEST_CRYPTO_HEADER

#include "tests/vectors/keys_possession.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

TEST(possession_is_shown_over_all_that_it_is_for)
{
	struct rota_statement s;
	uint8_t raw[sizeof(v_proved) / 2], confirm[32], want[32], got[32];
	uint8_t *member[] = { s.nonce, s.device, &s.purpose, (uint8_t *)&s.generation, s.campaign,
		&s.point[64] };

	CHECK_OK(rota_hex_decode(rota_span_cstr(v_confirm), ROTA_BUF(confirm)));
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_proved), ROTA_BUF(raw)));
	CHECK_OK(rota_statement_decode(ROTA_SPAN(raw), &s));
	rota_possession(&TEST_CRYPTO, ROTA_SPAN(confirm), &s, want);
	CHECK_MEM(want, s.proof, 32);
	for (size_t i = 0; i < ROWS(member); i++) {
		*member[i] ^= 1;
		rota_possession(&TEST_CRYPTO, ROTA_SPAN(confirm), &s, got);
		CHECK(memcmp(got, want, 32) != 0);
		*member[i] ^= 1;
	}
	confirm[0] ^= 1;
	rota_possession(&TEST_CRYPTO, ROTA_SPAN(confirm), &s, got);
	CHECK(memcmp(got, want, 32) != 0);
}

TESTS(T(possession_is_shown_over_all_that_it_is_for))
