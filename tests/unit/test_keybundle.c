/* SPDX-License-Identifier: Apache-2.0 */
/* Key bundles (SPEC 33.1) and what they are bound to (31.3), by hand and against tests/vectors/keys.py. */
#include "rota/codec/keybundle.h"
#include "rota/base/hex.h"
#include "rota/codec/purpose.h"
#include "tests/unit/test.h"

#include "tests/vectors/keys_terms.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint8_t bytes[ROTA_KEYBUNDLE_LEN];

/* Byte i is i, but for the head: version 1, mode psk, index 0x030201. */
static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	memcpy(bytes, "\x01\x01\x01\x02\x03\x00", 6);
}

TEST(a_bundle_is_read_and_written)
{
	uint8_t again[ROTA_KEYBUNDLE_LEN];
	struct rota_keybundle b;

	fill();
	CHECK_OK(rota_keybundle_decode(ROTA_SPAN(bytes), &b));
	CHECK_EQ(b.mode, ROTA_KEYBUNDLE_PSK);
	CHECK_EQ(b.index, 0x030201);
	CHECK(b.locator.p == &bytes[6] && b.locator.len == 16);
	CHECK(b.agree_id.p == &bytes[22] && b.agree_id.len == 8);
	CHECK(b.psk_id.p == &bytes[30] && b.psk_id.len == 8);
	CHECK(b.enc.p == &bytes[38] && b.enc.len == 65);
	CHECK(b.sealed.p == &bytes[103] && b.sealed.len == 32);
	CHECK(b.tag.p == &bytes[135] && b.tag.len == 16);
	CHECK(b.aad.p == bytes && b.aad.len == 38);
	rota_keybundle_encode(&b, again);
	CHECK_MEM(again, bytes, sizeof(again));
}

static const struct {
	const char *reason;
	uint8_t at, value;
	uint8_t len;
	enum rota_err err;
} bad[] = {
	{ "cut short", 0, 1, 150, ROTA_ERR_FORMAT },
	{ "empty", 0, 1, 0, ROTA_ERR_FORMAT },
	{ "a byte more", 0, 1, 152, ROTA_ERR_FORMAT },
	{ "version 0", 0, 0, 151, ROTA_ERR_UNSUPPORTED },
	{ "version 2", 0, 2, 151, ROTA_ERR_UNSUPPORTED },
	{ "a mode of RFC 9180 that is not ours", 1, 2, 151, ROTA_ERR_UNSUPPORTED },
	{ "an index that no tree has", 5, 1, 151, ROTA_ERR_FORMAT },
	{ "base mode, and a psk is named", 1, 0, 151, ROTA_ERR_FORMAT },
};

TEST(what_is_no_bundle_is_refused)
{
	uint8_t room[ROTA_KEYBUNDLE_LEN + 1] = { 0 };
	struct rota_keybundle b;

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		fill();
		memcpy(room, bytes, sizeof(bytes));
		room[bad[i].at] = bad[i].value;
		CHECK_EQ(rota_keybundle_decode(rota_span(room, bad[i].len), &b), bad[i].err);
	}
	ROW(NULL);
	fill();
	bytes[1] = ROTA_KEYBUNDLE_BASE;
	memset(&bytes[30], 0, 8);
	CHECK_OK(rota_keybundle_decode(ROTA_SPAN(bytes), &b));
}

TEST(info_binds_the_terms_and_the_device)
{
	uint8_t campaign[32], device[32], want[ROTA_KEYBUNDLE_INFO_LEN],
		got[ROTA_KEYBUNDLE_INFO_LEN];
	struct rota_keybundle_terms t = {
		.suite = 1,
		.purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 2,
		.tree = 0x0102,
		.generation = 0x01020304,
		.activation_s = UINT64_C(0x0102030405060708),
		.campaign = campaign,
		.device = device,
	};

	CHECK_OK(rota_hex_decode(rota_span_cstr(v_campaign), ROTA_BUF(campaign)));
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_device), ROTA_BUF(device)));
	CHECK_OK(rota_hex_decode(rota_span_cstr(v_info), ROTA_BUF(want)));
	rota_keybundle_info(&t, got);
	CHECK_MEM(got, want, sizeof(want));
}

TEST(purposes_have_words_and_roles)
{
	static const struct {
		const char *word, *role;
	} want[] = { { "telemetry", "keys-link" }, { "link", "keys-link" },
		{ "storage", "keys-store" }, { "firmware", "keys-store" },
		{ "auth", "keys-store" } };

	for (uint8_t p = 1; p <= ROWS(want); p++) {
		ROW(want[p - 1].word);
		CHECK_EQ(rota_purpose_of(rota_span_cstr(want[p - 1].word)), p);
		CHECK(strcmp(rota_purpose_word(p), want[p - 1].word) == 0);
		CHECK(strcmp(rota_purpose_role(p), want[p - 1].role) == 0);
	}
	ROW(NULL);
	CHECK_EQ(rota_purpose_of(ROTA_STR("")), 0);
	CHECK_EQ(rota_purpose_of(ROTA_STR("lin")), 0);
	CHECK(rota_purpose_word(0) == NULL && rota_purpose_word(6) == NULL);
	CHECK(rota_purpose_role(0) == NULL && rota_purpose_role(6) == NULL);
}

TESTS(T(a_bundle_is_read_and_written), T(what_is_no_bundle_is_refused),
	T(info_binds_the_terms_and_the_device), T(purposes_have_words_and_roles))
