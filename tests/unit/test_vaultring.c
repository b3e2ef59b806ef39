/* SPDX-License-Identifier: Apache-2.0 */
/* A vault whose keys are a device's data keys: records outlive a rotation, and a key that nothing needs any more goes. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/store/vaultring.h"
#include "tests/unit/key_device.h"
#include "tests/unit/test.h"

#define STO ROTA_PURPOSE_STORAGE
#define NOW 1000000u
#define SECTOR 1024u

static struct key_device d;
static struct rota_sim_supply supply;
static struct rota_flash_sim sim;
static struct rota_flash_sim_region region;
static struct rota_vault_ring ring;
static struct rota_vault v;
static struct rota_vault_place places[16];
static uint8_t record[ROTA_VAULT_ROOM(32)];

static enum rota_err rotate(uint32_t generation)
{
	struct rota_key_slot offer = key_offer(STO, generation, NOW);
	struct rota_agree_next next;
	uint8_t secret[ROTA_SECRET_LEN];

	offer.cipher = generation == 1 ? ROTA_CIPHER_AES128_GCM : ROTA_CIPHER_AES256_GCM;
	key_secret(STO, generation, secret);
	ROTA_TRY(rota_keyslots_stage(&d.keys, &offer, d.keys.state.agree, secret));
	ROTA_TRY(rota_keyslots_prove(&d.keys, STO, generation, &next));
	ROTA_TRY(rota_keyslots_acknowledged(&d.keys, STO, generation));
	return rota_keyslots_tick(&d.keys, NOW, NULL, NULL);
}

static enum rota_err open_vault(void)
{
	const struct rota_vault_config config = { .flash = &region.port,
		.crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.keys = &ring.keys,
		.index = places,
		.index_len = 16,
		.record = ROTA_BUF(record) };
	struct rota_record_opening o;

	ROTA_TRY(rota_keyslots_opening(&d.keys, &d.random, 1, &o));
	return rota_vault_open(&v, &config, &o);
}

static void begin(void)
{
	static const struct rota_flash_sim_chip chip = {
		.runs = { { SECTOR, 4 } }, .write_len = 4, .erased = 0xFF, .erase_steps = 1
	};
	uint8_t point[ROTA_P256_KEY_LEN];

	key_device_free(&d);
	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	if (key_device_init(&d, &key_boards[0], false) != ROTA_OK ||
		rota_keyslots_factory(&d.keys, 0, point) != ROTA_OK ||
		rota_flash_sim_init(&sim, &chip, &supply) != ROTA_OK ||
		rota_flash_sim_region(&region, &sim, 0, SECTOR, 4) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no device");
	rota_vault_ring(&ring, &d.keys, &rota_aead_openssl, STO);
}

TEST(records_outlive_a_rotation_and_are_sealed_anew)
{
	uint8_t room[32];
	struct rota_span plain;
	uint32_t left;

	begin();
	CHECK_OK(open_vault());
	CHECK_EQ(rota_vault_put(&v, 1, ROTA_STR("early")), ROTA_ERR_NOT_FOUND); /* no key yet */
	CHECK_OK(rotate(1));
	CHECK_OK(rota_vault_put(&v, 1, ROTA_STR("one")));
	CHECK_EQ(rota_vault_needs(&v), 1);
	CHECK_OK(rotate(2)); /* of the other cipher */
	CHECK_OK(rota_vault_put(&v, 2, ROTA_STR("two")));
	CHECK_OK(rota_vault_get(&v, 1, ROTA_BUF(room), &plain));
	CHECK(rota_span_is(plain, "one"));
	CHECK_EQ(rota_vault_needs(&v), 1);
	CHECK_OK(rota_vault_step(&v, 4096, &left));
	CHECK_EQ(left, 0);
	CHECK_EQ(rota_vault_needs(&v), 2);
	rota_vault_close(&v);
	CHECK_OK(open_vault());
	CHECK_OK(rota_vault_get(&v, 1, ROTA_BUF(room), &plain));
	CHECK(rota_span_is(plain, "one"));
	rota_vault_close(&v);
}

TEST(a_record_whose_key_is_gone_is_told)
{
	uint8_t room[32];
	struct rota_span plain;

	begin();
	CHECK_OK(rotate(1));
	CHECK_OK(open_vault());
	CHECK_OK(rota_vault_put(&v, 1, ROTA_STR("one")));
	CHECK_OK(rotate(2));
	CHECK_OK(rotate(3));
	ROW("from the archive, for reading");
	rota_vault_close(&v);
	CHECK_OK(open_vault());
	CHECK_OK(rota_vault_get(&v, 1, ROTA_BUF(room), &plain));
	CHECK(rota_span_is(plain, "one"));
	rota_vault_close(&v);
	ROW("destroyed");
	CHECK_OK(rota_keyslots_retire(&d.keys, STO, 1));
	CHECK_OK(rota_keyslots_tick(&d.keys, NOW, NULL, NULL));
	CHECK_OK(open_vault());
	CHECK_EQ(rota_vault_get(&v, 1, ROTA_BUF(room), &plain), ROTA_ERR_EXPIRED);
	CHECK_EQ(rota_vault_needs(&v), 0);
	rota_vault_close(&v);
}

/* Each put and each record that is rewritten is a seal of the active key, and nobody but the vault knows of them. */
TEST(seals_are_counted_up_to_the_end_of_the_key)
{
	uint32_t left;
	bool renew;

	begin();
	CHECK_OK(rotate(1));
	CHECK_OK(open_vault());
	for (uint32_t id = 0; id < 5; id++)
		CHECK_OK(rota_vault_put(&v, id, ROTA_STR("one")));
	CHECK_EQ(d.keys.spent[STO - 1], 5);
	CHECK_OK(rotate(2));
	CHECK_EQ(d.keys.spent[STO - 1], 0);
	CHECK_OK(rota_vault_step(&v, 4096, &left));
	CHECK_EQ(left, 0);
	CHECK_EQ(d.keys.spent[STO - 1], 5);
	ROW("durably, before they are made");
	CHECK(d.keys.state.of[STO - 1].used >= 5);
	ROW("to the last one");
	CHECK_OK(rota_keyslots_used(&d.keys, STO, UINT32_MAX - 5, &renew));
	CHECK_OK(rota_vault_put(&v, 1, ROTA_STR("the last")));
	CHECK_EQ(rota_vault_put(&v, 1, ROTA_STR("one more")), ROTA_ERR_FULL);
	CHECK_OK(rotate(3));
	CHECK_OK(rota_vault_put(&v, 1, ROTA_STR("of the next key")));
	rota_vault_close(&v);
}

TESTS(T(records_outlive_a_rotation_and_are_sealed_anew), T(a_record_whose_key_is_gone_is_told),
	T(seals_are_counted_up_to_the_end_of_the_key))
