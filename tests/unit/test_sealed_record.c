/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed records, once with each port: what stands where, against vectors that an independent script computed
 * (tests/vectors/sealed.py), what is refused, and that no nonce comes twice. */
#include "rota/crypto/record.h"
#include "tests/unit/hexbytes.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"
#include "tests/vectors/sealed.inc"

#define PLAIN_LEN 20
#define SEALED_LEN (PLAIN_LEN + ROTA_RECORD_OVERHEAD)
#define CONTEXT ROTA_STR("record 5")

static const uint8_t device[ROTA_DEVICE_LEN] = "a device of thirty-two bytes....";
static const uint8_t generation_key[32] = "sixteen bytes, and sixteen more";
static const uint8_t epoch[ROTA_RECORD_EPOCH_LEN] = "epoch of sixteen";
static const char plain[] = "twenty bytes of text";

static const struct rota_datakey storage = { .purpose = ROTA_PURPOSE_STORAGE,
	.cipher = ROTA_CIPHER_AES128_GCM,
	.generation = 3,
	.device = device };

static enum rota_err begin(struct rota_record_key *k)
{
	return rota_record_key_begin(k, test_crypto, test_aead, rota_span(generation_key, 16),
		&storage, ROTA_USE_RECORD, epoch);
}

static struct rota_record_opening opening(void)
{
	struct rota_record_opening o = { .opening = 0x01020304, .count = 0x05 };

	memcpy(o.epoch, epoch, sizeof(o.epoch));
	return o;
}

static enum rota_err seal(
	const struct rota_record_key *k, struct rota_record_opening *o, uint8_t *room)
{
	memcpy(room + ROTA_RECORD_HEAD_LEN_V1, plain, PLAIN_LEN);
	return rota_record_seal(k, test_aead, o, CONTEXT, rota_buf(room, SEALED_LEN), PLAIN_LEN);
}

TEST(a_record_is_what_the_specification_says)
{
	static const struct {
		const char *name;
		uint8_t cipher;
		size_t key_len;
		const char *want;
	} rows[] = { { "AES-128", ROTA_CIPHER_AES128_GCM, 16, SEALED_128 },
		{ "AES-256", ROTA_CIPHER_AES256_GCM, 32, SEALED_256 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_datakey of = storage;
		struct rota_record_opening o = opening();
		struct rota_record_key k;
		uint8_t want[SEALED_LEN], room[SEALED_LEN];
		struct rota_span got;

		ROW(rows[i].name);
		of.cipher = rows[i].cipher;
		CHECK_EQ(test_hex(rows[i].want, ROTA_BUF(want)).len, SEALED_LEN);
		CHECK_OK(rota_record_key_begin(&k, test_crypto, test_aead,
			rota_span(generation_key, rows[i].key_len), &of, ROTA_USE_RECORD, epoch));
		CHECK_OK(seal(&k, &o, room));
		CHECK_MEM(room, want, sizeof(want));
		CHECK_EQ(o.count, 6);
		CHECK_OK(rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(room), &got));
		CHECK_EQ(got.len, PLAIN_LEN);
		CHECK_MEM(got.p, plain, PLAIN_LEN);
		rota_record_key_end(&k, test_aead);
	}
}

TEST(the_head_says_what_it_was_sealed_with)
{
	struct rota_record_opening o = opening();
	struct rota_record_head head;
	struct rota_record_key k;
	uint8_t room[SEALED_LEN];

	CHECK_OK(begin(&k));
	CHECK_OK(seal(&k, &o, room));
	CHECK_OK(rota_record_head(ROTA_SPAN(room), &head));
	CHECK_EQ(head.use, ROTA_USE_RECORD);
	CHECK_EQ(head.generation, 3);
	CHECK_EQ(head.length, PLAIN_LEN);
	CHECK_MEM(head.epoch, epoch, sizeof(epoch));
	CHECK_MEM(head.nonce, "\1\2\3\4\0\0\0\0\0\0\0\5", sizeof(head.nonce));
	rota_record_key_end(&k, test_aead);
}

/* A bit of each byte in turn. What the head says of the key is an argument's error, what it says of itself the
 * format's, and all else the tag's. */
TEST(no_byte_of_a_record_may_differ)
{
	static const uint8_t zeros[PLAIN_LEN];
	struct rota_record_opening o = opening();
	struct rota_record_key k;
	uint8_t sealed[SEALED_LEN], room[SEALED_LEN];
	struct rota_span got;

	CHECK_OK(begin(&k));
	CHECK_OK(seal(&k, &o, sealed));
	for (size_t at = 0; at < SEALED_LEN; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			enum rota_err err;

			memcpy(room, sealed, sizeof(room));
			room[at] ^= (uint8_t)(1u << bit);
			err = rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(room), &got);
			CHECK(err != ROTA_OK && got.p == NULL && got.len == 0);
			if (at >= 24 && (at < 36 || at >= 40)) { /* nonce, ciphertext, tag */
				CHECK_EQ(err, ROTA_ERR_SIGNATURE);
				CHECK_MEM(room + 40, zeros, PLAIN_LEN);
			}
			if (at >= 4 && at < 24) /* generation, epoch */
				CHECK_EQ(err, ROTA_ERR_ARGUMENT);
		}
	}
	rota_record_key_end(&k, test_aead);
}

TEST(a_record_is_of_one_purpose_device_and_place)
{
	struct rota_record_opening o = opening();
	struct rota_record_key k;
	uint8_t sealed[SEALED_LEN], room[SEALED_LEN];
	struct rota_span got;

	CHECK_OK(begin(&k));
	CHECK_OK(seal(&k, &o, sealed));
	ROW("another context");
	memcpy(room, sealed, sizeof(room));
	CHECK_EQ(rota_record_open(&k, test_aead, ROTA_STR("record 6"), ROTA_BUF(room), &got),
		ROTA_ERR_SIGNATURE);
	ROW("no context");
	memcpy(room, sealed, sizeof(room));
	CHECK_EQ(rota_record_open(&k, test_aead, rota_span(NULL, 0), ROTA_BUF(room), &got),
		ROTA_ERR_SIGNATURE);
	ROW("another purpose");
	memcpy(room, sealed, sizeof(room));
	k.purpose = ROTA_PURPOSE_TELEMETRY;
	CHECK_EQ(
		rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(room), &got), ROTA_ERR_SIGNATURE);
	k.purpose = ROTA_PURPOSE_STORAGE;
	ROW("another device");
	memcpy(room, sealed, sizeof(room));
	k.device[0] ^= 1;
	CHECK_EQ(
		rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(room), &got), ROTA_ERR_SIGNATURE);
	k.device[0] ^= 1;
	ROW("as it is");
	memcpy(room, sealed, sizeof(room));
	CHECK_OK(rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(room), &got));
	rota_record_key_end(&k, test_aead);
}

static const struct {
	const char *name;
	const char *head; /* the first bytes of it */
	enum rota_err want;
} heads[] = {
	{ "version 0", "00", ROTA_ERR_UNSUPPORTED },
	{ "version 2", "02", ROTA_ERR_UNSUPPORTED },
	{ "use 0", "0100", ROTA_ERR_FORMAT },
	{ "use 4 seals no records", "0104", ROTA_ERR_FORMAT },
	{ "use 6 seals no records", "0106", ROTA_ERR_FORMAT },
	{ "reserved byte", "01030100", ROTA_ERR_FORMAT },
	{ "second reserved byte", "01030001", ROTA_ERR_FORMAT },
	{ "generation 0", "0103000000000000", ROTA_ERR_FORMAT },
};

TEST(heads_that_are_none_are_refused)
{
	struct rota_record_opening o = opening();
	struct rota_record_head head;
	struct rota_record_key k;
	uint8_t sealed[SEALED_LEN], room[SEALED_LEN];

	CHECK_OK(begin(&k));
	CHECK_OK(seal(&k, &o, sealed));
	rota_record_key_end(&k, test_aead);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		ROW(heads[i].name);
		memcpy(room, sealed, sizeof(room));
		CHECK(test_hex(heads[i].head, ROTA_BUF(room)).len > 0);
		CHECK_EQ(rota_record_head(ROTA_SPAN(room), &head), heads[i].want);
	}
	ROW("cut");
	for (size_t len = 0; len < SEALED_LEN; len++)
		CHECK_EQ(rota_record_head(rota_span(sealed, len), &head), ROTA_ERR_FORMAT);
	ROW("a length that would be too much");
	memcpy(room, sealed, sizeof(room));
	memcpy(room + 36, "\1\0\1\0", 4);
	CHECK_EQ(rota_record_head(ROTA_SPAN(room), &head), ROTA_ERR_LIMIT);
	ROW("a byte behind it");
	memcpy(room, sealed, sizeof(room));
	room[36]--;
	CHECK_EQ(rota_record_head(ROTA_SPAN(room), &head), ROTA_ERR_FORMAT);
}

TEST(a_key_opens_nothing_of_another_use_generation_or_epoch)
{
	struct rota_record_opening o = opening();
	struct rota_record_key k, other;
	uint8_t sealed[SEALED_LEN];
	struct rota_span got;

	CHECK_OK(begin(&k));
	CHECK_OK(seal(&k, &o, sealed));
	other = k;
	other.use = ROTA_USE_UP;
	CHECK_EQ(rota_record_open(&other, test_aead, CONTEXT, ROTA_BUF(sealed), &got),
		ROTA_ERR_ARGUMENT);
	other = k;
	other.generation++;
	CHECK_EQ(rota_record_open(&other, test_aead, CONTEXT, ROTA_BUF(sealed), &got),
		ROTA_ERR_ARGUMENT);
	other = k;
	other.epoch[15] ^= 1;
	CHECK_EQ(rota_record_open(&other, test_aead, CONTEXT, ROTA_BUF(sealed), &got),
		ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_record_open(&k, test_aead, CONTEXT, ROTA_BUF(sealed), &got));
	rota_record_key_end(&k, test_aead);
}

TEST(keys_are_begun_for_records_only)
{
	struct rota_record_key k;
	struct rota_datakey of = storage;
	struct rota_span key = rota_span(generation_key, 16);

	CHECK_EQ(rota_record_key_begin(&k, test_crypto, test_aead, key, &of, ROTA_USE_WRAP, epoch),
		ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_record_key_begin(&k, test_crypto, test_aead, ROTA_SPAN(generation_key), &of,
			 ROTA_USE_UP, epoch),
		ROTA_ERR_ARGUMENT);
	of.cipher = 0;
	CHECK_EQ(rota_record_key_begin(
			 &k, test_crypto, test_aead, rota_span(NULL, 0), &of, ROTA_USE_UP, epoch),
		ROTA_ERR_ARGUMENT);
}

/* The nonce rule -------------------------------------------------------------------------------------- */

TEST(an_opening_seals_with_each_count_once_and_then_no_more)
{
	struct rota_record_opening o = opening();
	struct rota_record_head head;
	struct rota_record_key k;
	uint8_t room[SEALED_LEN], last[ROTA_AEAD_NONCE_LEN] = { 0 };

	CHECK_OK(begin(&k));
	for (int i = 0; i < 300; i++) { /* over the end of a byte */
		CHECK_OK(seal(&k, &o, room));
		CHECK_OK(rota_record_head(ROTA_SPAN(room), &head));
		CHECK(memcmp(head.nonce, last, sizeof(last)) > 0);
		memcpy(last, head.nonce, sizeof(last));
	}
	o.count = ROTA_RECORD_SEALS_MAX - 1;
	CHECK_OK(seal(&k, &o, room));
	CHECK_EQ(seal(&k, &o, room), ROTA_ERR_FULL);
	CHECK_EQ(o.count, ROTA_RECORD_SEALS_MAX);
	rota_record_key_end(&k, test_aead);
}

TEST(an_opening_seals_with_a_key_of_its_epoch)
{
	struct rota_record_opening o = opening();
	struct rota_record_key k;
	uint8_t room[SEALED_LEN];

	CHECK_OK(begin(&k));
	o.epoch[0] ^= 1;
	CHECK_EQ(seal(&k, &o, room), ROTA_ERR_ARGUMENT);
	CHECK_EQ(o.count, 5);
	rota_record_key_end(&k, test_aead);
}

/* Two epochs have two keys: the same number and count seal to other bytes. */
TEST(another_epoch_is_another_key)
{
	struct rota_record_opening o = opening(), other = opening();
	struct rota_record_key k, k2;
	uint8_t room[SEALED_LEN], room2[SEALED_LEN];

	other.epoch[0] ^= 1;
	CHECK_OK(begin(&k));
	CHECK_OK(rota_record_key_begin(&k2, test_crypto, test_aead, rota_span(generation_key, 16),
		&storage, ROTA_USE_RECORD, other.epoch));
	CHECK_OK(seal(&k, &o, room));
	CHECK_OK(seal(&k2, &other, room2));
	CHECK(memcmp(room + ROTA_RECORD_HEAD_LEN_V1, room2 + ROTA_RECORD_HEAD_LEN_V1, PLAIN_LEN) !=
		0);
	rota_record_key_end(&k, test_aead);
	rota_record_key_end(&k2, test_aead);
}

TEST(what_does_not_fit_is_not_sealed_and_uses_no_count_up)
{
	static const uint8_t context[ROTA_RECORD_CONTEXT_MAX + 1];
	struct rota_record_opening o = opening();
	struct rota_record_key k;
	uint8_t room[SEALED_LEN];
	struct rota_span got;

	CHECK_OK(begin(&k));
	CHECK_EQ(rota_record_seal(
			 &k, test_aead, &o, CONTEXT, rota_buf(room, SEALED_LEN - 1), PLAIN_LEN),
		ROTA_ERR_LIMIT);
	CHECK_EQ(rota_record_seal(&k, test_aead, &o, CONTEXT, /* room that is only said to be */
			 rota_buf(room, ROTA_RECORD_PLAIN_MAX + 1 + ROTA_RECORD_OVERHEAD),
			 ROTA_RECORD_PLAIN_MAX + 1),
		ROTA_ERR_LIMIT);
	CHECK_EQ(rota_record_seal(&k, test_aead, &o, ROTA_SPAN(context), ROTA_BUF(room), PLAIN_LEN),
		ROTA_ERR_ARGUMENT);
	CHECK_EQ(o.count, 5);
	CHECK_OK(rota_record_seal(
		&k, test_aead, &o, rota_span(context, ROTA_RECORD_CONTEXT_MAX), ROTA_BUF(room), 0));
	CHECK_EQ(rota_record_open(&k, test_aead, ROTA_SPAN(context),
			 rota_buf(room, ROTA_RECORD_OVERHEAD), &got),
		ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_record_open(&k, test_aead, rota_span(context, ROTA_RECORD_CONTEXT_MAX),
		rota_buf(room, ROTA_RECORD_OVERHEAD), &got));
	CHECK_EQ(got.len, 0);
	rota_record_key_end(&k, test_aead);
}

TESTS(T(a_record_is_what_the_specification_says), T(the_head_says_what_it_was_sealed_with),
	T(no_byte_of_a_record_may_differ), T(a_record_is_of_one_purpose_device_and_place),
	T(heads_that_are_none_are_refused),
	T(a_key_opens_nothing_of_another_use_generation_or_epoch),
	T(keys_are_begun_for_records_only),
	T(an_opening_seals_with_each_count_once_and_then_no_more),
	T(an_opening_seals_with_a_key_of_its_epoch), T(another_epoch_is_another_key),
	T(what_does_not_fit_is_not_sealed_and_uses_no_count_up))
