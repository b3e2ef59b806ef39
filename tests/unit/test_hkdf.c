/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC and HKDF, once with each port. Vectors: RFC 4231, 4.2 to 4.8; RFC 5869, A.1 to A.3. */
#include "rota/crypto/hkdf.h"
#include "rota/crypto/hmac.h"
#include "tests/unit/hexbytes.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"

/* HMAC ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t key_byte; /* repeated; 0: bytes that count from 1, or key_text */
	size_t key_len;
	const char *key_text;
	uint8_t data_byte; /* repeated 50 times; 0: data_text */
	const char *data_text;
	const char *mac; /* or its beginning */
} macs[] = {
	{ "4.2", 0x0b, 20, NULL, 0, "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "4.3: a short key", 0, 4, "Jefe", 0, "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "4.4", 0xaa, 20, NULL, 0xdd, NULL,
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "4.5", 0, 25, NULL, 0xcd, NULL,
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ "4.6: cut", 0x0c, 20, NULL, 0, "Test With Truncation",
		"a3b6167473100ee06e0c796c2955552b" },
	{ "4.7: a key longer than a block", 0xaa, 131, NULL, 0,
		"Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "4.8: both longer", 0xaa, 131, NULL, 0,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. "
		"The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static struct rota_span key_of(size_t row, struct rota_buf room)
{
	if (macs[row].key_text != NULL)
		return rota_span_cstr(macs[row].key_text);
	for (size_t i = 0; i < macs[row].key_len; i++)
		room.p[i] = macs[row].key_byte != 0 ? macs[row].key_byte : (uint8_t)(i + 1);
	return rota_span(room.p, macs[row].key_len);
}

TEST(hmac_gives_the_published_codes)
{
	for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		uint8_t key[131], repeated[50], want[ROTA_HMAC_LEN], got[ROTA_HMAC_LEN];
		struct rota_span data = ROTA_SPAN(repeated);
		struct rota_buf wanted = test_hex(macs[i].mac, ROTA_BUF(want));
		struct rota_hmac h;

		ROW(macs[i].name);
		memset(repeated, macs[i].data_byte, sizeof(repeated));
		if (macs[i].data_text != NULL)
			data = rota_span_cstr(macs[i].data_text);
		rota_hmac_begin(&h, test_crypto, key_of(i, ROTA_BUF(key)));
		rota_hmac_update(&h, test_crypto, rota_span_slice(data, 0, 7));
		rota_hmac_update(&h, test_crypto, rota_span_skip(data, 7));
		rota_hmac_end(&h, test_crypto, got);
		CHECK(wanted.len >= 16);
		CHECK_MEM(got, want, wanted.len);
	}
}

TEST(a_begun_hmac_is_a_value_and_an_ended_one_is_wiped)
{
	static const struct rota_hmac none;
	struct rota_hmac begun, one, two;
	uint8_t first[ROTA_HMAC_LEN], second[ROTA_HMAC_LEN];

	rota_hmac_begin(&begun, test_crypto, ROTA_STR("key"));
	one = two = begun;
	rota_hmac_update(&one, test_crypto, ROTA_STR("message"));
	rota_hmac_update(&two, test_crypto, ROTA_STR("message"));
	rota_hmac_end(&one, test_crypto, first);
	rota_hmac_end(&two, test_crypto, second);
	CHECK_MEM(first, second, sizeof(first));
	CHECK_MEM(&one, &none, sizeof(one));
}

/* HKDF ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool counted; /* A.2: 80 bytes each, counting on from 0x00, 0x60, 0xb0 */
	const char *salt, *info;
	const char *prk, *okm;
} hkdfs[] = {
	{ "A.1", false, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		"077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		"34007208d5b887185865" },
	{ "A.2: more than two blocks", true, "", "",
		"06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
		"59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
		"cc30c58179ec3e87c14c01d5c1f3434f1d87" },
	{ "A.3: no salt, no info", false, "", "",
		"19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		"9d201395faa4b61a96c8" },
};

static struct rota_span counted(uint8_t from, struct rota_buf room)
{
	for (size_t i = 0; i < room.len; i++)
		room.p[i] = (uint8_t)(from + i);
	return rota_span(room.p, room.len);
}

TEST(hkdf_gives_the_published_keys)
{
	for (size_t i = 0; i < sizeof(hkdfs) / sizeof(hkdfs[0]); i++) {
		uint8_t ikm_room[80], salt_room[80], info_room[80], want[82], got[82];
		uint8_t prk[ROTA_HKDF_PRK_LEN];
		struct rota_span ikm = rota_span(memset(ikm_room, 0x0b, 22), 22);
		struct rota_span salt = test_hex_span(hkdfs[i].salt, ROTA_BUF(salt_room));
		struct rota_span info = test_hex_span(hkdfs[i].info, ROTA_BUF(info_room));
		struct rota_span parts[3] = { { 0 } };
		struct rota_buf okm;

		ROW(hkdfs[i].name);
		if (hkdfs[i].counted) {
			ikm = counted(0x00, ROTA_BUF(ikm_room));
			salt = counted(0x60, ROTA_BUF(salt_room));
			info = counted(0xb0, ROTA_BUF(info_room));
		}
		parts[0] = rota_span_slice(info, 0, 3);
		parts[2] = rota_span_skip(info, 3);
		rota_hkdf_extract(test_crypto, salt, ikm, prk);
		CHECK_EQ(test_hex(hkdfs[i].prk, ROTA_BUF(want)).len, sizeof(prk));
		CHECK_MEM(prk, want, sizeof(prk));
		okm = test_hex(hkdfs[i].okm, ROTA_BUF(want));
		CHECK(okm.len > ROTA_SHA256_LEN);
		CHECK_OK(rota_hkdf_expand(test_crypto, prk, parts, 3, rota_buf(got, okm.len)));
		CHECK_MEM(got, want, okm.len);
		CHECK_OK(rota_hkdf_expand(test_crypto, prk, &info, 1, rota_buf(got, 5)));
		CHECK_MEM(got, want, 5);
	}
}

TEST(hkdf_expands_to_255_blocks_and_no_further)
{
	static uint8_t room[ROTA_HKDF_OUT_MAX + 1];
	uint8_t prk[ROTA_HKDF_PRK_LEN] = { 1 };

	room[ROTA_HKDF_OUT_MAX] = 0xee;
	CHECK_OK(rota_hkdf_expand(test_crypto, prk, NULL, 0, rota_buf(room, ROTA_HKDF_OUT_MAX)));
	CHECK_EQ(room[ROTA_HKDF_OUT_MAX], 0xee);
	CHECK_EQ(rota_hkdf_expand(test_crypto, prk, NULL, 0, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_hkdf_expand(test_crypto, prk, NULL, 0, rota_buf(NULL, 0)));
}

TESTS(T(hmac_gives_the_published_codes), T(a_begun_hmac_is_a_value_and_an_ended_one_is_wiped),
	T(hkdf_gives_the_published_keys), T(hkdf_expands_to_255_blocks_and_no_further))
