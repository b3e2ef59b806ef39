/* SPDX-License-Identifier: Apache-2.0 */
/* Which statements of the journal rows are asked for, and how many at once (SPEC 30.2, 35.4). */
#include "apps/rotad/batch.h"
#include "host/ingest/journal.h"
#include "host/base/bytes.h"
#include "host/registry/identity.h"
#include "tests/unit/fleet_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct batch batch;
static struct rota_regdb reg; /* that of the scene, but for ... */
static int looks_left; /* INT_MAX: as many as one wants */
static struct rota_ingest *journal;
static struct rota_ingest_fault fault;
static uint64_t end; /* of the journal */
static uint8_t point[ROTA_P256_KEY_LEN];

static enum rota_err look(
	void *ctx, const char *id, struct rota_reg_device *out, struct rota_fail *why)
{
	if (looks_left == 0)
		return rota_fail(why, ROTA_ERR_IO, "the disk is away");
	looks_left -= looks_left != INT_MAX;
	return fleet_reg.device(ctx, id, out, why);
}

static void begin(void)
{
	char dir[128];

	tempdir_fresh();
	fleet_open("fleet.sqlite");
	snprintf(dir, sizeof(dir), "%s", tempdir_path("journal"));
	if (mkdir(dir, 0700) != 0)
		abort();
	fleet_must(rota_ingest_open(dir, ROTA_SEGMENT_MIN, &journal, &fault));
	batch = (struct batch){ .reg = &reg };
	fleet_must(rota_cursor_open(dir, 0, &batch.cursor, &fault));
	reg = fleet_reg;
	reg.device = look;
	looks_left = INT_MAX;
	end = 0;
	fleet_idevid(NULL, point); /* a point of the curve */
}

static void shut(void)
{
	rota_cursor_close(batch.cursor);
	(void)!rota_ingest_close(journal, &fault);
	fleet_close();
	tempdir_remove();
}

static void append(uint8_t type, unsigned device, struct rota_span payload)
{
	struct rota_record r = { .type = type, .time_ms = 7, .payload = payload };

	if (!rota_unhex(fleet_id(device), ROTA_BUF(r.device)))
		abort();
	fleet_must(rota_ingest_append(journal, &r));
	fleet_must(rota_ingest_commit(journal, &fault));
	end = r.sequence;
}

/* Into the journal alone: what becomes of it in the registry is not the matter here. */
static void say(unsigned device, uint8_t kind, uint32_t number)
{
	struct rota_statement s = { .kind = kind, .number = number };
	uint8_t room[ROTA_STATEMENT_MAX] = { 0 };
	struct rota_span body;

	memcpy(s.point, point, sizeof(s.point));
	if (!rota_unhex(fleet_id(device), ROTA_BUF(s.device)))
		abort();
	fleet_must(rota_statement_encode(&s, ROTA_BUF(room), &body));
	append(ROTA_RECORD_STATEMENT, device, rota_span(room, body.len + ROTA_P256_SIG_LEN));
}

static enum rota_err gather(void)
{
	return batch_gather(&batch, end, &fleet_why);
}

static bool is_of(size_t i, unsigned device)
{
	char id[ROTA_DB_ID_LEN];

	rota_hex(ROTA_SPAN(batch.item[i].device), id);
	return i < batch.count && strcmp(id, fleet_id(device)) == 0;
}

TEST(one_statement_of_a_device_at_once)
{
	begin();
	fleet_enrol(1);
	fleet_enrol(2);
	say(1, ROTA_STATEMENT_ANEW, 2);
	append(ROTA_RECORD_REPORT, 1, ROTA_STR("{}"));
	say(2, ROTA_STATEMENT_ANEW, 2);
	say(2, ROTA_STATEMENT_ANEW, 7); /* no row follows from it */
	say(3, ROTA_STATEMENT_ANEW, 2); /* nobody */
	say(1, ROTA_STATEMENT_GONE, 1);
	CHECK_OK(gather());
	CHECK_EQ(batch.count, 2);
	CHECK(is_of(0, 1) && is_of(1, 2));
	CHECK_EQ(batch.item[0].len, ROTA_ROW_LEN + 45 + 65 + 64);
	CHECK_EQ(batch.read, 3); /* the second one of device 2 waits, whatever it is */
	batch_made(&batch, 2);
	CHECK_OK(gather());
	CHECK_EQ(batch.count, 1);
	CHECK(is_of(0, 1));
	CHECK_EQ(batch.read, end);
	shut();
}

/* A look that fails passes nobody over. */
TEST(what_could_not_be_looked_up_is_looked_up_again)
{
	begin();
	fleet_enrol(1);
	fleet_enrol(2);
	say(1, ROTA_STATEMENT_ANEW, 2);
	say(2, ROTA_STATEMENT_ANEW, 2);
	looks_left = 0;
	CHECK_EQ(gather(), ROTA_ERR_IO);
	CHECK_EQ(batch.read, 0);
	looks_left = 1;
	CHECK_OK(gather()); /* who was looked up before waits for nobody */
	CHECK(batch.count == 1 && is_of(0, 1));
	CHECK_EQ(batch.read, 1);
	batch_made(&batch, 1);
	CHECK_EQ(gather(), ROTA_ERR_IO);
	CHECK_EQ(batch.read, 1);
	looks_left = 1;
	CHECK_OK(gather());
	CHECK(batch.count == 1 && is_of(0, 2));
	CHECK_EQ(batch.read, end);
	shut();
}

/* A rule refuses more at once than it grants in its whole span, for ever. */
TEST(what_is_too_much_at_once_goes_in_pieces)
{
	size_t granted = 0, asked = 0;

	begin();
	for (unsigned device = 0; device < 40; device++) {
		fleet_enrol(device);
		say(device, ROTA_STATEMENT_GONE, 1);
	}
	CHECK_OK(gather());
	CHECK_EQ(batch_next(&batch), 40);
	while (batch.count > 0 && asked++ < 100) {
		size_t n = batch_next(&batch);

		if (n > 6) {
			batch_busy(&batch, n);
			continue;
		}
		CHECK(is_of(0, (unsigned)granted)); /* in their order, none twice */
		batch_made(&batch, n);
		granted += n;
	}
	CHECK_EQ(granted, 40);
	CHECK_EQ(batch_next(&batch), 0);
	batch.count = 1;
	batch_busy(&batch, 1);
	CHECK_EQ(batch_next(&batch), 1);
	shut();
}

TEST(who_left_gets_no_row)
{
	static const char over[] = "{\"by\":\"ann\",\"state\":\"decommissioned\",\"why\":\"lost\"}";

	begin();
	for (unsigned device = 1; device < 4; device++)
		fleet_enrol(device);
	say(1, ROTA_STATEMENT_ANEW, 2);
	say(2, ROTA_STATEMENT_ANEW, 2);
	say(3, ROTA_STATEMENT_GONE, 1);
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 1, over), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_kind(3, ROTA_STATEMENT_GONE, 1), ROTA_FLEET_TAKEN);
	CHECK_OK(gather());
	CHECK_EQ(batch.count, 2);
	CHECK(is_of(0, 2) && is_of(1, 3)); /* its last row says that it is gone */
	shut();
}

TESTS(T(one_statement_of_a_device_at_once), T(what_could_not_be_looked_up_is_looked_up_again),
	T(what_is_too_much_at_once_goes_in_pieces), T(who_left_gets_no_row))
