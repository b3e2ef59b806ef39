/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a delivered secret, once with each port, against vectors that an independent script computed
 * (tests/vectors/datakey.py). */
#include "rota/crypto/datakey.h"
#include "tests/unit/hexbytes.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"
#include "tests/vectors/datakey.inc"

static uint8_t secret[ROTA_SECRET_LEN], device[ROTA_DEVICE_LEN];

/* Secret and device of the vectors. */
static void set_up(void)
{
	for (uint8_t i = 0; i < 32; i++) {
		secret[i] = i;
		device[i] = (uint8_t)(0xa0 + i);
	}
}

TEST(each_key_is_what_the_specification_says)
{
	set_up();
	for (size_t i = 0; i < sizeof(datakey_vectors) / sizeof(datakey_vectors[0]); i++) {
		const struct rota_datakey of = { datakey_vectors[i].purpose,
			datakey_vectors[i].cipher, datakey_vectors[i].generation, device };
		enum rota_key_use use = datakey_vectors[i].use;
		uint8_t want[32], got[32];
		struct rota_buf wanted = test_hex(datakey_vectors[i].key, ROTA_BUF(want));

		ROW(datakey_vectors[i].key);
		CHECK_EQ(wanted.len, rota_datakey_len(use, of.cipher));
		CHECK_OK(rota_datakey_derive(
			test_crypto, secret, &of, use, rota_buf(got, wanted.len)));
		CHECK_MEM(got, want, wanted.len);
	}
}

TEST(ids_and_the_factory_s_psk_are_what_the_specification_says)
{
	uint8_t want[32], psk[ROTA_PSK_LEN], id[ROTA_KEY_ID_LEN], point[ROTA_P256_KEY_LEN];

	set_up();
	rota_psk_of_factory(test_crypto, secret, device, psk);
	CHECK_EQ(test_hex(FACTORY_PSK, ROTA_BUF(want)).len, sizeof(psk));
	CHECK_MEM(psk, want, sizeof(psk));
	rota_psk_id(test_crypto, psk, id);
	CHECK_EQ(test_hex(FACTORY_PSK_ID, ROTA_BUF(want)).len, sizeof(id));
	CHECK_MEM(id, want, sizeof(id));
	for (uint8_t i = 0; i < sizeof(point); i++)
		point[i] = i;
	rota_agree_id(test_crypto, point, id);
	CHECK_EQ(test_hex(AGREE_ID, ROTA_BUF(want)).len, sizeof(id));
	CHECK_MEM(id, want, sizeof(id));
}

/* Whatever tells two keys apart goes into the key. */
TEST(no_two_keys_are_alike)
{
	struct rota_datakey of = { ROTA_PURPOSE_STORAGE, ROTA_CIPHER_AES256_GCM, 7, device };
	uint8_t all[12][32];
	size_t count = 0;

	set_up();
	for (unsigned use = ROTA_USE_CONFIRM; use <= ROTA_USE_PSK; use++)
		CHECK_OK(rota_datakey_derive(
			test_crypto, secret, &of, (enum rota_key_use)use, ROTA_BUF(all[count++])));
	of.purpose = ROTA_PURPOSE_AUTH;
	CHECK_OK(rota_datakey_derive(
		test_crypto, secret, &of, ROTA_USE_RECORD, ROTA_BUF(all[count++])));
	of.purpose = ROTA_PURPOSE_STORAGE;
	of.generation = 7u << 24;
	CHECK_OK(rota_datakey_derive(
		test_crypto, secret, &of, ROTA_USE_RECORD, ROTA_BUF(all[count++])));
	of.generation = 7;
	device[31] ^= 1;
	CHECK_OK(rota_datakey_derive(
		test_crypto, secret, &of, ROTA_USE_RECORD, ROTA_BUF(all[count++])));
	device[31] ^= 1;
	secret[0] ^= 1;
	CHECK_OK(rota_datakey_derive(
		test_crypto, secret, &of, ROTA_USE_RECORD, ROTA_BUF(all[count++])));
	rota_psk_of_factory(test_crypto, secret, device, all[count++]);
	CHECK_EQ(count, 12);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(memcmp(all[i], all[k], sizeof(all[i])) != 0);
}

TEST(a_key_has_its_length_and_no_other)
{
	static const struct {
		const char *name;
		enum rota_key_use use;
		uint8_t cipher;
		size_t len;
	} wrong[] = {
		{ "16 for AES-256", ROTA_USE_RECORD, ROTA_CIPHER_AES256_GCM, 16 },
		{ "32 for AES-128", ROTA_USE_UP, ROTA_CIPHER_AES128_GCM, 32 },
		{ "16 to confirm", ROTA_USE_CONFIRM, ROTA_CIPHER_AES128_GCM, 16 },
		{ "31 of 32", ROTA_USE_PSK, ROTA_CIPHER_AES256_GCM, 31 },
		{ "nothing", ROTA_USE_RECORD, ROTA_CIPHER_AES128_GCM, 0 },
		{ "cipher 0", ROTA_USE_DOWN, 0, 16 },
		{ "cipher 3", ROTA_USE_WRAP, 3, 32 },
		{ "cipher 3, nothing", ROTA_USE_WRAP, 3, 0 },
		{ "use 7", (enum rota_key_use)7, ROTA_CIPHER_AES128_GCM, 32 },
		{ "use 7, nothing", (enum rota_key_use)7, ROTA_CIPHER_AES128_GCM, 0 },
	};
	uint8_t out[32] = { 0xee };

	set_up();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct rota_datakey of = { 1, wrong[i].cipher, 1, device };

		ROW(wrong[i].name);
		CHECK_EQ(rota_datakey_derive(test_crypto, secret, &of, wrong[i].use,
				 rota_buf(out, wrong[i].len)),
			ROTA_ERR_ARGUMENT);
		CHECK_EQ(out[0], 0xee);
	}
}

TESTS(T(each_key_is_what_the_specification_says),
	T(ids_and_the_factory_s_psk_are_what_the_specification_says), T(no_two_keys_are_alike),
	T(a_key_has_its_length_and_no_other))
