/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures to raw forms. The P-256 key is that of private key 1 (the generator point), its PEM
 * by libcrypto; the Ed25519 PEM is RFC 8410's example. */
#include "rota/base/hex.h"
#include "rota/codec/key.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define END "-----END PUBLIC KEY-----"
#define P256_1 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
#define P256_2 "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
#define P256_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define P256_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define ED_LINE "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
#define ED_HEX "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"

TEST(key_types)
{
	static const struct {
		const char *keytype, *scheme;
		enum rota_alg alg;
	} rows[] = {
		{ "ecdsa", "ecdsa-sha2-nistp256", ROTA_ALG_ECDSA_P256 },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", ROTA_ALG_ECDSA_P256 },
		{ "ed25519", "ed25519", ROTA_ALG_ED25519 },
		{ "ed25519", "ecdsa-sha2-nistp256", ROTA_ALG_NONE },
		{ "ecdsa", "ed25519", ROTA_ALG_NONE },
		{ "ecdsa", "ecdsa-sha2-nistp384", ROTA_ALG_NONE },
		{ "rsa", "rsassa-pss-sha256", ROTA_ALG_NONE },
		{ "", "", ROTA_ALG_NONE },
		{ "ECDSA", "ecdsa-sha2-nistp256", ROTA_ALG_NONE },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].scheme);
		CHECK_EQ(rota_key_alg(
				 rota_span_cstr(rows[i].keytype), rota_span_cstr(rows[i].scheme)),
			rows[i].alg);
	}
}

TEST(good_keys)
{
	static const struct {
		enum rota_alg alg;
		const char *text, *raw;
	} rows[] = {
		{ ROTA_ALG_ECDSA_P256, BEGIN P256_1 P256_2 END "\n", "04" P256_X P256_Y },
		{ ROTA_ALG_ECDSA_P256, BEGIN P256_1 P256_2 END, "04" P256_X P256_Y },
		{ ROTA_ALG_ECDSA_P256, "04" P256_X P256_Y, "04" P256_X P256_Y },
		{ ROTA_ALG_ED25519, BEGIN ED_LINE END "\n", ED_HEX },
		{ ROTA_ALG_ED25519, ED_HEX, ED_HEX },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_KEY_RAW_MAX], want[ROTA_KEY_RAW_MAX];
		size_t len = 0, want_len = strlen(rows[i].raw) / 2;

		ROW(rows[i].text);
		CHECK_OK(rota_hex_decode(rota_span_cstr(rows[i].raw), rota_buf(want, want_len)));
		CHECK_OK(rota_key_raw(
			rows[i].alg, rota_span_cstr(rows[i].text), ROTA_BUF(raw), &len));
		CHECK_EQ(len, want_len);
		CHECK_EQ(rota_key_raw_len(rows[i].alg), want_len);
		CHECK_MEM(raw, want, len);
		CHECK_EQ(rota_key_raw(rows[i].alg, rota_span_cstr(rows[i].text),
				 rota_buf(raw, len - 1), &len),
			ROTA_ERR_LIMIT);
	}
	ROW(NULL);
	CHECK_EQ(strlen(BEGIN P256_1 P256_2 END "\n"), ROTA_KEY_TEXT_MAX);
}

TEST(bad_keys)
{
	static const struct {
		const char *reason, *text;
	} rows[] = {
		{ "empty", "" },
		{ "hex too short", "04" P256_X },
		{ "hex too long", "04" P256_X P256_Y "00" },
		{ "odd hex", "04" P256_X P256_Y "0" },
		{ "capital hex",
			"04" P256_X
			"4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5" },
		{ "compressed point", "02" P256_X },
		{ "hybrid point", "07" P256_X P256_Y },
		{ "raw base64", P256_1 P256_2 },
		{ "another label", "-----BEGIN EC PUBLIC KEY-----\n" P256_1 P256_2 END },
		{ "no END", BEGIN P256_1 P256_2 },
		{ "END in the middle", BEGIN P256_1 END P256_2 END },
		{ "no newline before END",
			BEGIN P256_1
			"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==" END },
		{ "two newlines after END", BEGIN P256_1 P256_2 END "\n\n" },
		{ "text after END", BEGIN P256_1 P256_2 END " " },
		{ "text before BEGIN", "x" BEGIN P256_1 P256_2 END },
		{ "blank line", BEGIN "\n" P256_1 P256_2 END },
		{ "carriage return",
			BEGIN P256_1
			"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\r\n" END },
		{ "short line first", BEGIN P256_2 P256_1 END },
		{ "lines of 60 and 64",
			BEGIN
			"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncD\n"
			"fYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n" END },
		{ "one long line",
			BEGIN
			"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt"
			"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n" END },
		{ "no padding",
			BEGIN P256_1
			"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q\n" END },
		{ "bits under the padding",
			BEGIN P256_1
			"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9R==\n" END },
		{ "padding in the middle",
			BEGIN P256_1
			"6zOg9KE=RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n" END },
		{ "no letter of base64",
			BEGIN P256_1
			"6zOg9KE-RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n" END },
		{ "no body", BEGIN END },
		{ "Ed25519 key", BEGIN ED_LINE END },
		{ "cut off", BEGIN P256_1 END },
		{ "secp256k1",
			BEGIN "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEeb5mfvncu6xVoGKVzocLBwKb/NstzijZ\n"
			      "WfKBWxb4F5hIOtp3JqPEZV2k+/wOEQio/Re0SKaFVBmcR9CP+xDUuA==\n" END },
		{ "compressed in PEM",
			BEGIN "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
			      "6zOg9KE5RdiYwpY=\n" END },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_KEY_RAW_MAX];
		size_t len;

		ROW(rows[i].reason);
		CHECK_EQ(rota_key_raw(ROTA_ALG_ECDSA_P256, rota_span_cstr(rows[i].text),
				 ROTA_BUF(raw), &len),
			ROTA_ERR_FORMAT);
	}
}

TEST(unknown_algorithms_have_no_raw_form)
{
	uint8_t raw[ROTA_KEY_RAW_MAX];
	size_t len;

	CHECK_EQ(rota_key_raw(ROTA_ALG_NONE, ROTA_STR("00"), ROTA_BUF(raw), &len),
		ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(rota_sig_raw(ROTA_ALG_RSA_PSS, ROTA_STR("00"), ROTA_BUF(raw), &len),
		ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(rota_key_raw_len(ROTA_ALG_LMS), 0);
}

TEST(signatures)
{
	static const struct {
		const char *reason;
		enum rota_alg alg;
		const char *hex;
		enum rota_err err;
		uint8_t last_r, last_s;
	} rows[] = {
		{ "short integers", ROTA_ALG_ECDSA_P256, "3006020105020107", ROTA_OK, 5, 7 },
		{ "capital digit", ROTA_ALG_ECDSA_P256, "300602010502010A", ROTA_ERR_FORMAT, 0, 0 },
		{ "odd digits", ROTA_ALG_ECDSA_P256, "300602010502010", ROTA_ERR_FORMAT, 0, 0 },
		{ "empty", ROTA_ALG_ECDSA_P256, "", ROTA_ERR_FORMAT, 0, 0 },
		{ "trailing byte", ROTA_ALG_ECDSA_P256, "300602010502010700", ROTA_ERR_FORMAT, 0,
			0 },
		{ "negative", ROTA_ALG_ECDSA_P256, "3006020185020107", ROTA_ERR_FORMAT, 0, 0 },
		{ "longer than any", ROTA_ALG_ECDSA_P256, "3006020105020107" P256_X P256_X P256_X,
			ROTA_ERR_FORMAT, 0, 0 },
		{ "Ed25519", ROTA_ALG_ED25519, P256_X P256_Y, ROTA_OK, 0x96, 0xf5 },
		{ "Ed25519 too short", ROTA_ALG_ED25519, P256_X, ROTA_ERR_FORMAT, 0, 0 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_SIG_RAW_MAX];
		size_t len = 0;

		ROW(rows[i].reason);
		CHECK_EQ(
			rota_sig_raw(rows[i].alg, rota_span_cstr(rows[i].hex), ROTA_BUF(raw), &len),
			rows[i].err);
		if (rows[i].err != ROTA_OK)
			continue;
		CHECK_EQ(len, 64);
		CHECK_EQ(raw[31], rows[i].last_r);
		CHECK_EQ(raw[63], rows[i].last_s);
		CHECK_EQ(rota_sig_raw(
				 rows[i].alg, rota_span_cstr(rows[i].hex), rota_buf(raw, 63), &len),
			ROTA_ERR_LIMIT);
	}
}

TESTS(T(key_types), T(good_keys), T(bad_keys), T(unknown_algorithms_have_no_raw_form),
	T(signatures))
