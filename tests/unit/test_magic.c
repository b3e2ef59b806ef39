/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/magic.h"
#include "tests/unit/test.h"

TEST(a_head_is_of_its_format_and_version)
{
	static const struct {
		const char *why, *bytes;
		size_t len;
		enum rota_err err;
	} rows[] = {
		{ "the head", "ROTALOG\x01", 8, ROTA_OK },
		{ "and what is behind it", "ROTALOG\x01more", 12, ROTA_OK },
		{ "another letter", "ROTALOT\x01", 8, ROTA_ERR_FORMAT },
		{ "a later version", "ROTALOG\x02", 8, ROTA_ERR_UNSUPPORTED },
		{ "another letter and version", "ROTALOT\x02", 8, ROTA_ERR_FORMAT },
		{ "the name alone", "ROTALOG", 7, ROTA_ERR_FORMAT },
		{ "a letter too few", "ROTALO", 6, ROTA_ERR_FORMAT },
		{ "nothing", "", 0, ROTA_ERR_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_span in = rota_span((const uint8_t *)rows[i].bytes, rows[i].len);
		struct rota_reader r = rota_reader(in);

		ROW(rows[i].why);
		CHECK_EQ(rota_magic_read(&r, ROTA_STR("ROTALOG\x01")), rows[i].err);
		if (rows[i].err == ROTA_OK)
			CHECK_EQ(r.rest.len, rows[i].len - ROTA_MAGIC_LEN);
	}
}

TESTS(T(a_head_is_of_its_format_and_version))
