/* SPDX-License-Identifier: Apache-2.0 */
/* The archive's payload (SPEC 34.2). */
#include "rota/store/keyarchive.h"
#include "tests/unit/test.h"

static struct rota_key_archived list[ROTA_KEY_ARCHIVE_MAX + 1], got[ROTA_KEY_ARCHIVE_MAX];
static uint8_t room[ROTA_KEY_ARCHIVE_LEN(ROTA_KEY_ARCHIVE_MAX)];

static void fill(uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		list[i] = (struct rota_key_archived){ .purpose = (uint8_t)(1 + i / 6),
			.cipher = 1,
			.uses = 1u << ROTA_USE_RECORD,
			.generation = 5u + i % 6 };
		memset(list[i].wrapped, i, sizeof(list[i].wrapped));
		list[i].wrapped[0] = i & 1;
	}
}

TEST(a_full_archive_comes_back)
{
	struct rota_span payload;
	uint8_t count;

	fill(ROTA_KEY_ARCHIVE_MAX);
	CHECK_OK(rota_key_archive_encode(list, ROTA_KEY_ARCHIVE_MAX, ROTA_BUF(room), &payload));
	CHECK_EQ(payload.len, 1 + 16 * 69);
	CHECK_OK(rota_key_archive_decode(payload, got, &count));
	CHECK_EQ(count, ROTA_KEY_ARCHIVE_MAX);
	for (uint8_t i = 0; i < count; i++) {
		CHECK_EQ(got[i].generation, list[i].generation);
		CHECK_MEM(got[i].wrapped, list[i].wrapped, ROTA_WRAPPED_LEN);
	}
	CHECK_OK(rota_key_archive_encode(list, 0, ROTA_BUF(room), &payload));
	CHECK_OK(rota_key_archive_decode(payload, got, &count));
	CHECK_EQ(count, 0);
	CHECK_EQ(rota_key_archive_encode(list, ROTA_KEY_ARCHIVE_MAX + 1, ROTA_BUF(room), &payload),
		ROTA_ERR_ARGUMENT);
	CHECK_EQ(
		rota_key_archive_encode(list, 2, rota_buf(room, 2 * 69), &payload), ROTA_ERR_LIMIT);
}

TEST(bytes_that_cannot_be_are_refused)
{
	static const struct {
		const char *what;
		uint8_t at, to;
		enum rota_err err;
	} rows[] = {
		{ "format", 0, 2, ROTA_ERR_UNSUPPORTED },
		{ "purpose 0", 1, 0, ROTA_ERR_FORMAT },
		{ "purpose 9", 70, 9, ROTA_ERR_FORMAT },
		{ "cipher", 2, 3, ROTA_ERR_FORMAT },
		{ "a use that there is not", 3, 0x80, ROTA_ERR_FORMAT },
		{ "reserved", 4, 1, ROTA_ERR_FORMAT },
		{ "generation 0", 5, 0, ROTA_ERR_FORMAT },
		{ "the same generation twice", 74, 5, ROTA_ERR_FORMAT },
		{ "wrapped under the seed", 9, 2, ROTA_ERR_FORMAT },
	};
	struct rota_span payload;
	uint8_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].what);
		fill(3);
		CHECK_OK(rota_key_archive_encode(list, 3, ROTA_BUF(room), &payload));
		CHECK(room[rows[i].at] != rows[i].to);
		room[rows[i].at] = rows[i].to;
		CHECK_EQ(rota_key_archive_decode(payload, got, &count), rows[i].err);
		CHECK_EQ(count, 0);
	}
	fill(3);
	CHECK_OK(rota_key_archive_encode(list, 3, ROTA_BUF(room), &payload));
	for (size_t len = 0; len < payload.len; len++) {
		enum rota_err err = rota_key_archive_decode(rota_span(room, len), got, &count);

		CHECK_EQ(err, len > 0 && (len - 1) % 69 == 0 ? ROTA_OK : ROTA_ERR_FORMAT);
	}
}

/* Seventeen records: one more than there is room for. */
TEST(a_longer_archive_is_no_archive)
{
	static uint8_t longer[ROTA_KEY_ARCHIVE_LEN(ROTA_KEY_ARCHIVE_MAX + 1)];
	struct rota_span payload;
	uint8_t count;

	fill(ROTA_KEY_ARCHIVE_MAX);
	CHECK_OK(rota_key_archive_encode(list, ROTA_KEY_ARCHIVE_MAX, ROTA_BUF(longer), &payload));
	memcpy(&longer[payload.len], &longer[payload.len - 69], 69);
	CHECK_EQ(rota_key_archive_decode(ROTA_SPAN(longer), got, &count), ROTA_ERR_FORMAT);
}

TESTS(T(a_full_archive_comes_back), T(bytes_that_cannot_be_are_refused),
	T(a_longer_archive_is_no_archive))
