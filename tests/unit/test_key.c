/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures to raw forms. The P-256 key is that of private key 1 (the generator point), its PEM
 * by libcrypto; P-384 likewise; the Ed25519 PEM is RFC 8410's example; the RSA key is that of Wycheproof's
 * rsa_pss_2048_sha256_mgf1_32. */
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
#define P256_SPKI                                                                                  \
	"3059301306072a8648ce3d020106082a8648ce3d030107034200"                                     \
	"04" P256_X P256_Y
#define ED_SPKI "302a300506032b6570032100" ED_HEX
#define ED_HEX "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"

#define P384_1 "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n"
#define P384_2 "WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8\n"
#define P384_3 "6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n"
#define P384_X                                                                                     \
	"aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"                         \
	"5502f25dbf55296c3a545e3872760ab7"
#define P384_Y                                                                                     \
	"3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"                         \
	"0a60b1ce1d7e819d7a431d7c90ea0e5f"
#define RSA_1 "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAorRRoH0KpfluRVZxUTVQ\n"
#define RSA_REST                                                                                   \
	"UUqKW0YuvvcXCU+h/ugiJOY3+XRtP3yv0xh42AMltu9aFwD2WQO0aUKeidbqyIRQ\n"                       \
	"l7WrOTGJ25JRLtincRoSU/rNIPecFegkfz0+QuRuSMmOJUov6XZTE6A+/48X4aAp\n"                       \
	"OXofomqNzib0kO2BKZYV2YFMItphBCjgnH2WWFlCZvXAIdD87KCNlFoSvoLeTR7O\n"                       \
	"a0wDFFtdNJXU7VQR64eNrwX9evw+Ca2g8RJkIvWQl1oZaYFvSGmLy7obTZyuedRg\n"                       \
	"2Pn4Xnl1AF2bwixOWsD3waRdElaaYoB9O5oC5aUw53MGb0U9H1tMLpz3ggKD90K5\n"
#define RSA_HEX                                                                                    \
	"3082010a0282010100a2b451a07d0aa5f96e455671513550514a8a5b462ebef7"                         \
	"17094fa1fee82224e637f9746d3f7cafd31878d80325b6ef5a1700f65903b469"                         \
	"429e89d6eac8845097b5ab393189db92512ed8a7711a1253facd20f79c15e824"                         \
	"7f3d3e42e46e48c98e254a2fe9765313a03eff8f17e1a029397a1fa26a8dce26"                         \
	"f490ed81299615d9814c22da610428e09c7d9658594266f5c021d0fceca08d94"                         \
	"5a12be82de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0"                         \
	"f1126422f590975a1969816f48698bcbba1b4d9cae79d460d8f9f85e7975005d"                         \
	"9bc22c4e5ac0f7c1a45d12569a62807d3b9a02e5a530e773066f453d1f5b4c2e"                         \
	"9cf7820283f742b9d50203010001"
#define RSA_1024                                                                                   \
	BEGIN "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCjqTVynFdqtla7mGpUpXASUZSd\n"                 \
	      "FyFqP8iAgEa/xNeSK+T2I20y/4JBTZvyJH5fbzpfg9oBMw5A1CUTXzAw6OKPwKst\n"                 \
	      "2Y1rW1oaGhZWzSHy19VEXvl7Rwcz0sC/NWbPsti2parE27inj4QrNsOrDEZ1IxE7\n"                 \
	      "WLN02mhanYiwM1ktjwIDAQAB\n" END

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
		{ "ecdsa", "ecdsa-sha2-nistp384", ROTA_ALG_ECDSA_P384 },
		{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", ROTA_ALG_ECDSA_P384 },
		{ "rsa", "rsassa-pss-sha256", ROTA_ALG_RSA_PSS },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", ROTA_ALG_NONE },
		{ "rsa", "rsassa-pss-sha512", ROTA_ALG_NONE },
		{ "rsassa-pss-sha256", "rsassa-pss-sha256", ROTA_ALG_NONE },
		{ "rsa", "ecdsa-sha2-nistp256", ROTA_ALG_NONE },
		{ "", "", ROTA_ALG_NONE },
		{ "ECDSA", "ecdsa-sha2-nistp256", ROTA_ALG_NONE },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].scheme);
		for (size_t k = 0; rota_schemes_all[k] != NULL; k++)
			CHECK_EQ(
				rota_scheme_is(rota_schemes_all[k], rota_span_cstr(rows[i].keytype),
					rota_span_cstr(rows[i].scheme)),
				rota_schemes_all[k]->alg == rows[i].alg);
	}
}

TEST(good_keys)
{
	static const struct {
		const struct rota_scheme *scheme;
		const char *text, *raw;
	} rows[] = {
		{ &rota_scheme_p256, BEGIN P256_1 P256_2 END "\n", "04" P256_X P256_Y },
		{ &rota_scheme_p256, BEGIN P256_1 P256_2 END, "04" P256_X P256_Y },
		{ &rota_scheme_p256, "04" P256_X P256_Y, "04" P256_X P256_Y },
		{ &rota_scheme_p384, BEGIN P384_1 P384_2 P384_3 END "\n", "04" P384_X P384_Y },
		{ &rota_scheme_p384, "04" P384_X P384_Y, "04" P384_X P384_Y },
		{ &rota_scheme_rsa_pss, BEGIN RSA_1 RSA_REST "1QIDAQAB\n" END "\n", RSA_HEX },
		{ &rota_scheme_ed25519, BEGIN ED_LINE END "\n", ED_HEX },
		{ &rota_scheme_ed25519, ED_HEX, ED_HEX },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_KEY_SPKI_MAX], want[ROTA_KEY_RAW_MAX];
		size_t len = 0, want_len = strlen(rows[i].raw) / 2;

		ROW(rows[i].text);
		CHECK_OK(rota_hex_decode(rota_span_cstr(rows[i].raw), rota_buf(want, want_len)));
		CHECK_OK(rota_key_raw(
			rows[i].scheme, rota_span_cstr(rows[i].text), ROTA_BUF(raw), &len));
		CHECK_EQ(len, want_len);
		CHECK_EQ(rows[i].scheme->key_len,
			rows[i].scheme == &rota_scheme_rsa_pss ? 0 : want_len);
		CHECK_MEM(raw, want, len);
		CHECK_EQ(rota_key_raw(rows[i].scheme, rota_span_cstr(rows[i].text),
				 rota_buf(raw, len - 1), &len),
			ROTA_ERR_LIMIT);
	}
}

/* What is refused differs by what it is: malformed, or only not for us. */
TEST(bad_rsa_keys)
{
	static const struct {
		const char *reason, *text;
		enum rota_err err;
	} rows[] = {
		{ "1024 bits", RSA_1024, ROTA_ERR_UNSUPPORTED },
		{ "hex", RSA_HEX, ROTA_ERR_FORMAT },
		{ "a point", BEGIN P256_1 P256_2 END, ROTA_ERR_FORMAT },
		{ "another algorithm",
			BEGIN "MIIBIjANBgkqhkiG9w0BAQoFAAOCAQ8AMIIBCgKCAQEAorRRoH0KpfluRVZxUTVQ"
			      "\n" RSA_REST "1QIDAQAB\n" END,
			ROTA_ERR_FORMAT },
		{ "even exponent", BEGIN RSA_1 RSA_REST "1QIDAQAC\n" END, ROTA_ERR_FORMAT },
		{ "a byte behind the exponent", BEGIN RSA_1 RSA_REST "1QIDAQABAA==\n" END,
			ROTA_ERR_FORMAT },
		{ "exponent cut off", BEGIN RSA_1 RSA_REST "1QIDAQ==\n" END, ROTA_ERR_FORMAT },
		{ "modulus without its zero byte",
			BEGIN "MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQCitFGgfQql+W5FVnFRNVBR\n"
			      "SopbRi6+9xcJT6H+6CIk5jf5dG0/fK/TGHjYAyW271oXAPZZA7RpQp6J1urIhFCX\n"
			      "tas5MYnbklEu2KdxGhJT+s0g95wV6CR/PT5C5G5IyY4lSi/pdlMToD7/jxfhoCk5\n"
			      "eh+iao3OJvSQ7YEplhXZgUwi2mEEKOCcfZZYWUJm9cAh0PzsoI2UWhK+gt5NHs5r\n"
			      "TAMUW100ldTtVBHrh42vBf16/D4JraDxEmQi9ZCXWhlpgW9IaYvLuhtNnK551GDY\n"
			      "+fheeXUAXZvCLE5awPfBpF0SVppigH07mgLlpTDncwZvRT0fW0wunPeCAoP3QrnV\n"
			      "AgMBAAE=\n" END,
			ROTA_ERR_FORMAT },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_KEY_SPKI_MAX];
		size_t len;

		ROW(rows[i].reason);
		CHECK_EQ(rota_key_raw(&rota_scheme_rsa_pss, rota_span_cstr(rows[i].text),
				 ROTA_BUF(raw), &len),
			rows[i].err);
	}
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
		{ "another byte between the lines",
			BEGIN
			"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt " P256_2
				END },
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
		{ "P-384 key", BEGIN P384_1 P384_2 P384_3 END },
		{ "padding at the end of a line that is not the last",
			BEGIN
			"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfY==\n" P256_2
				END },
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
		CHECK_EQ(rota_key_raw(&rota_scheme_p256, rota_span_cstr(rows[i].text),
				 ROTA_BUF(raw), &len),
			ROTA_ERR_FORMAT);
	}
}

/* No byte behind the text is read: it stands at the end of its room. */
TEST(no_prefix_of_a_key_is_one)
{
	static const char pem[] = BEGIN P256_1 P256_2 END;

	for (size_t len = 0; len < sizeof(pem); len++) {
		uint8_t room[sizeof(pem) - 1], raw[ROTA_P256_KEY_LEN];
		uint8_t *text = &room[sizeof(room) - len];
		size_t got;

		memcpy(text, pem, len);
		CHECK_EQ(rota_key_raw(&rota_scheme_p256, rota_span(text, len), ROTA_BUF(raw), &got),
			len < sizeof(room) ? ROTA_ERR_FORMAT : ROTA_OK);
	}
}

/* The PEM's bytes, as a certificate has them; any other byte in the header is another algorithm or another form. */
TEST(spki)
{
	static const struct {
		const struct rota_scheme *scheme;
		const char *letters, *raw;
	} rows[] = {
		{ &rota_scheme_p256, P256_SPKI, "04" P256_X P256_Y },
		{ &rota_scheme_ed25519, ED_SPKI, ED_HEX },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t der[96], raw[97], want[97];
		size_t der_len = strlen(rows[i].letters) / 2, len = 0,
		       want_len = strlen(rows[i].raw) / 2;

		CHECK_OK(rota_hex_decode(rota_span_cstr(rows[i].letters), rota_buf(der, der_len)));
		CHECK_OK(rota_hex_decode(rota_span_cstr(rows[i].raw), rota_buf(want, want_len)));
		CHECK_OK(rota_key_raw_spki(
			rows[i].scheme, rota_span(der, der_len), ROTA_BUF(raw), &len));
		CHECK_EQ(len, want_len);
		CHECK_MEM(raw, want, len);
		CHECK_EQ(rota_key_raw_spki(rows[i].scheme, rota_span(der, der_len),
				 rota_buf(raw, len - 1), &len),
			ROTA_ERR_LIMIT);
		for (size_t k = 0; k <= der_len; k++)
			CHECK_EQ(rota_key_raw_spki(
					 rows[i].scheme, rota_span(der, k), ROTA_BUF(raw), &len),
				k < der_len ? ROTA_ERR_FORMAT : ROTA_OK);
		CHECK_EQ(rota_key_raw_spki(
				 rows[i].scheme, rota_span(der, der_len + 1), ROTA_BUF(raw), &len),
			ROTA_ERR_FORMAT);
		for (size_t k = 0; k < der_len - want_len + rows[i].scheme->point; k++) {
			der[k] ^= 1;
			CHECK_EQ(rota_key_raw_spki(rows[i].scheme, rota_span(der, der_len),
					 ROTA_BUF(raw), &len),
				ROTA_ERR_FORMAT);
			der[k] ^= 1;
		}
	}
}

TEST(signatures)
{
	static const struct {
		const char *reason;
		const struct rota_scheme *scheme;
		const char *hex;
		enum rota_err err;
		uint8_t last_r, last_s;
	} rows[] = {
		{ "short integers", &rota_scheme_p256, "3006020105020107", ROTA_OK, 5, 7 },
		{ "capital digit", &rota_scheme_p256, "300602010502010A", ROTA_ERR_FORMAT, 0, 0 },
		{ "odd digits", &rota_scheme_p256, "300602010502010", ROTA_ERR_FORMAT, 0, 0 },
		{ "empty", &rota_scheme_p256, "", ROTA_ERR_FORMAT, 0, 0 },
		{ "trailing byte", &rota_scheme_p256, "300602010502010700", ROTA_ERR_FORMAT, 0, 0 },
		{ "negative", &rota_scheme_p256, "3006020185020107", ROTA_ERR_FORMAT, 0, 0 },
		{ "longer than any", &rota_scheme_p256, "3006020105020107" P256_X P256_X P256_X,
			ROTA_ERR_FORMAT, 0, 0 },
		{ "Ed25519", &rota_scheme_ed25519, P256_X P256_Y, ROTA_OK, 0x96, 0xf5 },
		{ "Ed25519 too short", &rota_scheme_ed25519, P256_X, ROTA_ERR_FORMAT, 0, 0 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t raw[ROTA_SIG_RAW_MAX];
		size_t len = 0;

		ROW(rows[i].reason);
		CHECK_EQ(rota_sig_raw(
				 rows[i].scheme, rota_span_cstr(rows[i].hex), ROTA_BUF(raw), &len),
			rows[i].err);
		if (rows[i].err != ROTA_OK)
			continue;
		CHECK_EQ(len, 64);
		CHECK_EQ(raw[31], rows[i].last_r);
		CHECK_EQ(raw[63], rows[i].last_s);
		CHECK_EQ(rota_sig_raw(rows[i].scheme, rota_span_cstr(rows[i].hex),
				 rota_buf(raw, 63), &len),
			ROTA_ERR_LIMIT);
	}
}

/* Of P-384 and RSA: only the lengths differ. */
TEST(long_signatures)
{
	uint8_t raw[ROTA_SIG_RAW_MAX];
	char hex[2 * ROTA_SIG_RAW_MAX + 3];
	size_t len = 0;

	CHECK_OK(
		rota_sig_raw(&rota_scheme_p384, ROTA_STR("3006020105020107"), ROTA_BUF(raw), &len));
	CHECK_EQ(len, 96);
	CHECK_EQ(raw[47], 5);
	CHECK_EQ(raw[95], 7);
	memset(hex, 'a', sizeof(hex));
	for (size_t n = 254; n <= 514; n += 2) {
		enum rota_err err = rota_sig_raw(
			&rota_scheme_rsa_pss, rota_span(hex, 2 * n), ROTA_BUF(raw), &len);

		CHECK_EQ(err, n < 256 || n > 512 ? ROTA_ERR_FORMAT : ROTA_OK);
		CHECK(err != ROTA_OK || len == n);
	}
	CHECK_EQ(rota_sig_raw(&rota_scheme_rsa_pss, rota_span(hex, 513), ROTA_BUF(raw), &len),
		ROTA_ERR_FORMAT); /* odd */
	CHECK_EQ(rota_sig_raw(&rota_scheme_rsa_pss, rota_span(hex, 512), rota_buf(raw, 255), &len),
		ROTA_ERR_LIMIT);
}

TESTS(T(key_types), T(good_keys), T(bad_keys), T(bad_rsa_keys), T(spki),
	T(no_prefix_of_a_key_is_one), T(signatures), T(long_signatures))
