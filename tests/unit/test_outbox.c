/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/outbox.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct rota_outbox box;
static struct rota_fail why;

static bool begin_box(uint32_t most)
{
	return rota_outbox_open(&box, tempdir_fresh(), most, &why) == ROTA_OK;
}

static bool add(uint64_t seq, const char *kind)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"seq\":%llu}", (unsigned long long)seq);
	return rota_outbox_add(&box, seq, kind, rota_span_cstr(text), &why) == ROTA_OK;
}

/* The batch as text, and what it goes up to. */
static const char *batch(uint32_t most, uint64_t *last)
{
	static char text[ROTA_BATCH_BYTES_MAX + 1];
	struct rota_bytes body;

	if (rota_outbox_batch(&box, most, &body, last, &why) != ROTA_OK ||
		body.len > ROTA_BATCH_BYTES_MAX)
		return "";
	memcpy(text, body.p, body.len + 1);
	rota_bytes_free(&body);
	return text;
}

TEST(a_batch_is_in_order_and_goes_when_acknowledged)
{
	uint64_t last;

	CHECK(begin_box(16));
	CHECK(strcmp(batch(64, &last), "{\"events\":[]}") == 0);
	CHECK_EQ(last, 0);
	CHECK(add(100, "booted") && add(9, "started") && add(20, "checked"));
	CHECK(strcmp(batch(64, &last), "{\"events\":[{\"seq\":9},{\"seq\":20},{\"seq\":100}]}") ==
		0);
	CHECK_EQ(last, 100);
	CHECK(strcmp(batch(1, &last), "{\"events\":[{\"seq\":9}]}") == 0);
	CHECK_EQ(last, 9);
	rota_outbox_acknowledge(&box, 20);
	CHECK_EQ(rota_outbox_count(&box), 1);
	CHECK(strcmp(batch(64, &last), "{\"events\":[{\"seq\":100}]}") == 0);
}

TEST(a_batch_holds_what_a_report_may)
{
	static char text[ROTA_EVENT_BYTES_MAX + 2];
	uint64_t last;

	CHECK(begin_box(100));
	memset(text, ' ', sizeof(text));
	CHECK_EQ(rota_outbox_add(&box, 1, "failed", rota_span(text, sizeof(text)), &why),
		ROTA_ERR_LIMIT);
	CHECK_OK(rota_outbox_add(&box, 1, "failed", rota_span(text, ROTA_EVENT_BYTES_MAX), &why));
	CHECK_OK(rota_outbox_add(&box, 2, "failed", rota_span(text, ROTA_EVENT_BYTES_MAX), &why));
	batch(64, &last);
	CHECK_EQ(last, 1);
	rota_outbox_acknowledge(&box, last);
	batch(64, &last);
	CHECK_EQ(last, 2);
	CHECK(begin_box(1000));
	for (uint64_t n = 1; n <= 70; n++)
		CHECK(add(n, "checked"));
	batch(ROTA_BATCH_EVENTS_MAX, &last);
	CHECK_EQ(last, ROTA_BATCH_EVENTS_MAX);
}

TEST(the_oldest_of_least_weight_makes_room)
{
	uint64_t last;

	CHECK(begin_box(3));
	CHECK(add(1, "installed") && add(2, "checked") && add(3, "checked") && add(4, "booted"));
	CHECK(strcmp(batch(64, &last), "{\"events\":[{\"seq\":1},{\"seq\":3},{\"seq\":4}]}") == 0);
	CHECK(add(5, "confirmed") && add(6, "refused"));
	CHECK(strcmp(batch(64, &last), "{\"events\":[{\"seq\":4},{\"seq\":5},{\"seq\":6}]}") == 0);
}

TEST(what_is_no_event_is_left_alone_or_goes)
{
	uint64_t last;

	CHECK(begin_box(16));
	tempdir_put(".draft.AbCdEf", "{");
	tempdir_put("notes.txt", "mine");
	CHECK_OK(rota_outbox_open(&box, tempdir_path("."), 16, &why));
	CHECK(!tempdir_get(".draft.AbCdEf") && tempdir_get("notes.txt"));
	CHECK_EQ(rota_outbox_count(&box), 0);
	/* An empty file, from a disk that lost its bytes, must not stand in the way for ever. */
	tempdir_put("00000000000000000001-booted.json", "");
	CHECK(add(2, "confirmed"));
	CHECK(strcmp(batch(64, &last), "{\"events\":[{\"seq\":2}]}") == 0);
	rota_outbox_acknowledge(&box, last);
	CHECK_EQ(rota_outbox_count(&box), 0);
}

TESTS(T(a_batch_is_in_order_and_goes_when_acknowledged), T(a_batch_holds_what_a_report_may),
	T(the_oldest_of_least_weight_makes_room), T(what_is_no_event_is_left_alone_or_goes))
