/* SPDX-License-Identifier: Apache-2.0 */
/* What would come of a record: the same as comes of it, and nothing is written meanwhile. */
#include "host/registry/rehearse.h"
#include "tests/unit/fleet_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define HEX64 "1111111111111111111111111111111111111111111111111111111111111111"

TEST(as_it_will_come)
{
	static const struct {
		const char *why;
		uint8_t type;
		const char *text;
		enum rota_fleet_result want;
	} rows[] = {
		{ "an edit", ROTA_RECORD_EDIT, "{\"by\":\"a\",\"group\":\"lab\",\"why\":\"b\"}",
			ROTA_FLEET_TAKEN },
		{ "one that says nothing", ROTA_RECORD_EDIT, "{\"by\":\"a\",\"why\":\"b\"}",
			ROTA_FLEET_UNREADABLE },
		{ "a campaign nobody asked for", ROTA_RECORD_CAMPAIGN,
			"{\"by\":\"a\",\"campaign\":\"" HEX64
			"\",\"did\":\"approved\",\"why\":\"b\"}",
			ROTA_FLEET_STRANGER },
		{ "another owner", ROTA_RECORD_OWNER,
			"{\"by\":\"a\",\"owner\":\"c\",\"why\":\"b\"}", ROTA_FLEET_TAKEN },
		{ "who is gone", ROTA_RECORD_EDIT, "{\"by\":\"a\",\"group\":\"lab\",\"why\":\"b\"}",
			ROTA_FLEET_STRANGER },
	};

	tempdir_fresh();
	fleet_open("db");
	fleet_enrol(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_record r = {
			.type = rows[i].type, .time_ms = 5, .payload = rota_span_cstr(rows[i].text)
		};
		struct rota_row row = fleet_row_of(1);
		struct rota_fleet_news news;
		char *before = fleet_dump(), *after;

		ROW(rows[i].why);
		if (r.type != ROTA_RECORD_CAMPAIGN)
			memcpy(r.device, row.device, sizeof(r.device));
		CHECK_OK(rota_fleet_rehearse(&fleet_reg, &r, &news, &fleet_why));
		CHECK_EQ(news.result, rows[i].want);
		after = fleet_dump();
		CHECK(strcmp(before, after) == 0);
		free(before);
		free(after);
		CHECK_EQ(fleet_text(rows[i].type, 1, rows[i].text), rows[i].want);
	}
	fleet_close();
	tempdir_remove();
}

TESTS(T(as_it_will_come))
