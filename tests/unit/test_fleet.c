/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records into the registry: who is of the fleet, and what each holds. What comes out of turn changes nothing. */
#include "host/base/bytes.h"
#include "host/registry/campaignlog.h"
#include "host/registry/identity.h"
#include "tests/unit/fleet_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define STORAGE ROTA_PURPOSE_STORAGE
#define LINK ROTA_PURPOSE_LINK

static void fresh(void)
{
	tempdir_fresh();
	fleet_open("db");
}

static void shut(void)
{
	fleet_close();
	tempdir_remove();
}

/* Nothing of the registry is another than `before`, which is freed. */
static bool unchanged(char *before)
{
	char *now = fleet_dump();
	bool same = strcmp(before, now) == 0;

	free(before);
	free(now);
	return same;
}

TEST(a_device_is_enrolled)
{
	struct rota_reg_device d;

	fresh();
	CHECK_EQ(fleet_device(7).state, 0);
	fleet_clock_ms = 5000;
	fleet_enrol(7);
	d = fleet_device(7);
	CHECK_EQ(d.state, ROTA_REG_ENROLLED);
	CHECK(strcmp(d.serial, "SN-7") == 0);
	CHECK_EQ(d.enrolled_ms, 5000);
	CHECK_EQ(d.agreed, 1);
	CHECK_EQ(d.said, 0);
	CHECK_EQ(fleet_row_of(7).counter, 1);
	CHECK_EQ(fleet_state(7, 1, (struct rota_holding){ .purpose = LINK }), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_device(7).state, ROTA_REG_ACTIVE); /* it came */
	shut();
}

/* SPEC 30.4 */
TEST(what_is_no_enrolment)
{
	static const struct {
		const char *why, *serial;
		unsigned device;
		int cut; /* bytes left out at the end */
		bool other_key;
		uint8_t spoil; /* a byte of the row that is flipped; 0: none */
	} rows[] = {
		{ "good", "SN-1", 1, 0, false, 0 },
		{ "no serial", NULL, 2, 0, false, 0 },
		{ "a serial with a blank", "SN 1", 2, 0, false, 0 },
		{ "the certificate of another key", "SN-1", 2, 0, true, 0 },
		{ "no whole certificate", "SN-1", 2, 1, false, 0 },
		{ "a row of another format", "SN-1", 2, 0, false, 7 },
		{ "another device's row", "SN-1", 2, 0, false, 16 },
	};

	fresh();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_row row = fleet_row(rows[i].device, 1);
		struct rota_bytes payload = { 0 };
		uint8_t point[ROTA_P256_KEY_LEN];
		struct rota_span der = fleet_idevid(rows[i].serial, point);

		ROW(rows[i].why);
		if (!rows[i].other_key)
			memcpy(row.identity, point, sizeof(point));
		rota_bytes_add(&payload, fleet_row_bytes(&row));
		rota_bytes_add(&payload, der);
		if (rows[i].spoil)
			payload.p[rows[i].spoil] ^= 0x40;
		CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, rows[i].device,
				 rota_span(payload.p, payload.len - (size_t)rows[i].cut)),
			i == 0 ? ROTA_FLEET_TAKEN : ROTA_FLEET_UNREADABLE);
		CHECK_EQ(fleet_device(rows[i].device).state, i == 0 ? ROTA_REG_ENROLLED : 0);
		rota_bytes_free(&payload);
	}
	shut();
}

/* The row is the device's newest, whatever order they come in (SPEC 30.2). */
TEST(rows_only_rise)
{
	struct rota_row first, second, other;

	fresh();
	fleet_enrol(1);
	first = second = fleet_row_of(1);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&first)), ROTA_FLEET_REPEATED);
	second.counter = 2;
	second.agree[5] ^= 1;
	second.proved[STORAGE - 1] = 3;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&second)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_row_of(1).counter, 2);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 3);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&first)), ROTA_FLEET_STALE);
	other = second;
	other.proved[LINK - 1] = 1;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&other)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&second)), ROTA_FLEET_STALE);
	other.agree[6] ^= 1; /* one counter names one key */
	other.proved[LINK - 1] = 2;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&other)), ROTA_FLEET_STALE);
	other = fleet_row(1, 9); /* of another identity */
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&other)), ROTA_FLEET_STRANGER);
	other = fleet_row(2, 1);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&other)), ROTA_FLEET_UNREADABLE);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 2, fleet_row_bytes(&other)), ROTA_FLEET_STRANGER);
	CHECK_EQ(fleet_row_of(1).proved[LINK - 1], 1);
	shut();
}

TEST(proofs_count_once)
{
	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 4);
	CHECK_EQ(fleet_holding(1, STORAGE).held.staged, 4);
	CHECK_EQ(fleet_holding(1, STORAGE).stated_ms, 0);
	CHECK_EQ(fleet_device(1).agreed, 2);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_REPEATED);
	CHECK_EQ(fleet_prove(1, 2, LINK, 1),
		ROTA_FLEET_TAKEN); /* the same agree key, another purpose */
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_REPEATED); /* no longer the last one */
	CHECK_EQ(fleet_prove(1, 3, STORAGE, 3), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_prove(1, 4, STORAGE, 5), ROTA_FLEET_STALE); /* one was left out */
	CHECK_EQ(fleet_prove(1, 1, STORAGE, 5), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_prove(1, 3, STORAGE, 5), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(2, 2, STORAGE, 4), ROTA_FLEET_STRANGER);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 5);
	CHECK_EQ(fleet_holding(1, LINK).held.proved, 1);
	shut();
}

static struct rota_holding says(uint32_t active, uint32_t from, uint32_t needed)
{
	return (struct rota_holding){ .purpose = STORAGE,
		.active = active,
		.proved = 99, /* what it says it proved is not what it proved */
		.held_from = from,
		.needed_from = needed,
		.records = 12 };
}

/* The line of this file: a statement's number rises, or it changes nothing. */
TEST(yesterdays_statement_undoes_nothing)
{
	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_TAKEN);
	fleet_clock_ms = 70000;
	CHECK_EQ(fleet_state(1, 5, says(4, 2, 2)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.needed_from, 2);
	CHECK_EQ(fleet_holding(1, STORAGE).stated_ms, 70000);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 4);
	CHECK_EQ(fleet_state(1, 5, says(4, 2, 2)), ROTA_FLEET_REPEATED);
	CHECK_EQ(fleet_state(1, 5, says(4, 4, 0)), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_state(1, 4, says(4, 4, 0)), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_GONE, 5), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_holding(1, STORAGE).held.held_from, 2);
	CHECK_EQ(fleet_holding(1, STORAGE).stated_ms, 70000);
	CHECK_EQ(
		fleet_state(1, 9, says(4, 4, 0)), ROTA_FLEET_TAKEN); /* some were lost on the way */
	CHECK_EQ(fleet_holding(1, STORAGE).held.held_from, 4);
	shut();
}

TEST(a_statement_is_its_devices_own)
{
	struct rota_statement s = { .kind = ROTA_STATEMENT_STATE,
		.number = 1,
		.count = 1,
		.holding = { { .purpose = STORAGE } } };
	uint8_t room[ROTA_STATEMENT_MAX] = { 0 };
	struct rota_row other = fleet_row(1, 1);
	struct rota_span body;

	fresh();
	fleet_enrol(1);
	fleet_enrol(2);
	memcpy(s.device, other.device, sizeof(s.device));
	fleet_must(rota_statement_encode(&s, ROTA_BUF(room), &body));
	CHECK_EQ(fleet_apply(
			 ROTA_RECORD_STATEMENT, 2, rota_span(room, body.len + ROTA_P256_SIG_LEN)),
		ROTA_FLEET_UNREADABLE);
	CHECK_EQ(fleet_holding(2, STORAGE).held.purpose, 0);
	shut();
}

/* Kind 3: what it proved is gone, and a row that was on its way does not bring it back. */
TEST(a_device_that_lost_its_keys)
{
	struct rota_row late, anew;

	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_ANEW, 1), ROTA_FLEET_REPEATED);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_ANEW, 2), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_ANEW, 4), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_ANEW, 3), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.purpose, 0);
	late = fleet_row_of(1);
	late.counter = 2;
	late.proved[STORAGE - 1] = 4;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&late)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.purpose, 0);
	anew = late;
	anew.counter = 3;
	anew.proved[STORAGE - 1] = 0;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 1, fleet_row_bytes(&anew)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(1, 4, STORAGE, 5), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 5);
	shut();
}

/* And one that still has some, not what it never proved. */
TEST(a_device_that_still_has_keys)
{
	struct rota_statement s = { .kind = ROTA_STATEMENT_ANEW, .number = 4, .count = 2 };

	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 4), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(1, 3, STORAGE + 1, 6), ROTA_FLEET_TAKEN);
	s.point[0] = 4;
	s.holding[0] = (struct rota_holding){ .purpose = STORAGE, .proved = 3 };
	s.holding[1] = (struct rota_holding){ .purpose = STORAGE + 1, .proved = 7 };
	CHECK_EQ(fleet_say(1, &s), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.proved, 3);
	CHECK_EQ(fleet_holding(1, STORAGE + 1).held.purpose, 0);
	CHECK_EQ(fleet_prove(1, 5, STORAGE, 4), ROTA_FLEET_TAKEN);
	shut();
}

/* A device that holds nothing, by its own word, holds from what it gets next. */
TEST(what_came_after_nothing)
{
	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_state(1, 1, (struct rota_holding){ .purpose = STORAGE }), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 6), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_holding(1, STORAGE).held.held_from, 6);
	shut();
}

#define BY "\"by\":\"ann\""
#define WHY "\"why\":\"as asked\"}"

TEST(people_say_what_a_device_is)
{
	struct rota_reg_device d;

	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 1,
			 "{" BY
			 ",\"channel\":\"production\",\"group\":\"field\",\"hardware\":\"board-a\","
			 "\"region\":\"eu\"," WHY),
		ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 1, "{" BY ",\"group\":\"lab\"," WHY),
		ROTA_FLEET_TAKEN);
	d = fleet_device(1);
	CHECK(strcmp(d.channel, "production") == 0 && strcmp(d.group, "lab") == 0);
	CHECK(strcmp(d.hardware, "board-a") == 0 && strcmp(d.region, "eu") == 0);
	CHECK(strcmp(d.serial, "SN-1") == 0);
	shut();
}

static const struct {
	const char *why, *json;
	enum rota_fleet_result result;
} edits[] = {
	{ "nothing to change", "{" BY "," WHY, ROTA_FLEET_UNREADABLE },
	{ "no reason", "{" BY ",\"group\":\"lab\"}", ROTA_FLEET_UNREADABLE },
	{ "nobody", "{\"group\":\"lab\"," WHY, ROTA_FLEET_UNREADABLE },
	{ "an empty reason", "{" BY ",\"group\":\"lab\",\"why\":\"\"}", ROTA_FLEET_UNREADABLE },
	{ "a name that is none", "{" BY ",\"group\":\"Lab\"," WHY, ROTA_FLEET_UNREADABLE },
	{ "a long name", "{" BY ",\"group\":\"a23456789012345678901234567890123\"," WHY,
		ROTA_FLEET_UNREADABLE },
	{ "a number", "{" BY ",\"group\":1," WHY, ROTA_FLEET_UNREADABLE },
	{ "an unknown member", "{" BY ",\"colour\":\"red\"," WHY, ROTA_FLEET_UNREADABLE },
	{ "another spelling", "{" BY ", \"group\":\"lab\"," WHY, ROTA_FLEET_UNREADABLE },
	{ "a state that people do not give", "{" BY ",\"state\":\"active\"," WHY,
		ROTA_FLEET_UNREADABLE },
	{ "no JSON", "group=lab", ROTA_FLEET_UNREADABLE },
	{ "in the place of none",
		"{" BY ",\"replaces\":\"00000009"
		"dddddddddddddddddddddddddddddddddddddddddddddddddddddddd\"," WHY,
		ROTA_FLEET_STRANGER },
	{ "in its own place",
		"{" BY ",\"replaces\":\"00000001"
		"dddddddddddddddddddddddddddddddddddddddddddddddddddddddd\"," WHY,
		ROTA_FLEET_UNREADABLE },
};

TEST(edits_are_judged)
{
	fresh();
	fleet_enrol(1);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char *before = fleet_dump();

		ROW(edits[i].why);
		CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 1, edits[i].json), edits[i].result);
		CHECK(unchanged(before));
	}
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 2, "{" BY ",\"group\":\"lab\"," WHY),
		ROTA_FLEET_STRANGER);
	shut();
}

/* Who left the fleet says nothing any more, and needs nothing. */
TEST(ways_to_leave)
{
	struct rota_reg_device old;
	struct rota_row row;
	char text[200];

	fresh();
	for (unsigned i = 1; i <= 6; i++) {
		fleet_enrol(i);
		CHECK_EQ(fleet_prove(i, 2, STORAGE, 1), ROTA_FLEET_TAKEN);
	}
	CHECK_EQ(fleet_kind(1, ROTA_STATEMENT_GONE, 1), ROTA_FLEET_TAKEN);
	row = fleet_row_of(2);
	row.flags = ROTA_ROW_GONE;
	CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, 2, fleet_row_bytes(&row)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 3, "{" BY ",\"state\":\"decommissioned\"," WHY),
		ROTA_FLEET_TAKEN);
	snprintf(text, sizeof(text), "{" BY ",\"replaces\":\"%s\"," WHY, fleet_id(4));
	CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, 6, text), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_text(ROTA_RECORD_OWNER, 5, "{" BY ",\"owner\":\"the mill\"," WHY),
		ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_device(1).state, ROTA_REG_DECOMMISSIONED);
	CHECK_EQ(fleet_device(2).state, ROTA_REG_DECOMMISSIONED);
	CHECK_EQ(fleet_device(3).state, ROTA_REG_DECOMMISSIONED);
	CHECK_EQ(fleet_device(4).state, ROTA_REG_REPAIRED);
	CHECK_EQ(fleet_device(5).state, ROTA_REG_TRANSFERRED);
	CHECK(strcmp(fleet_device(5).owner, "the mill") == 0);
	old = fleet_device(6);
	CHECK(strcmp(old.replaces, fleet_id(4)) == 0);
	for (unsigned i = 1; i <= 5; i++) {
		CHECK_EQ(fleet_holding(i, STORAGE).held.purpose, 0);
		CHECK_EQ(fleet_prove(i, 3, STORAGE, 2), ROTA_FLEET_STRANGER);
		CHECK_EQ(fleet_text(ROTA_RECORD_EDIT, i, "{" BY ",\"group\":\"lab\"," WHY),
			ROTA_FLEET_STRANGER);
		row = fleet_row_of(i);
		row.counter = 9;
		row.flags = 0;
		CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, i, fleet_row_bytes(&row)),
			ROTA_FLEET_STRANGER);
		row.flags = ROTA_ROW_GONE; /* signd's answer to its last statement */
		CHECK_EQ(fleet_apply(ROTA_RECORD_ROW, i, fleet_row_bytes(&row)),
			i <= 3 ? ROTA_FLEET_TAKEN : ROTA_FLEET_STRANGER);
		CHECK(fleet_device(i).state >= ROTA_REG_TRANSFERRED);
	}
	CHECK_EQ(fleet_holding(6, STORAGE).held.proved, 1);
	shut();
}

/* A device that went to another owner comes back with another agree key; no other one is enrolled twice. */
TEST(enrolled_again)
{
	struct rota_bytes first = { 0 }, again = { 0 };
	struct rota_row row = fleet_row(1, 1);
	struct rota_span der;

	fresh();
	der = fleet_idevid("SN-1", row.identity);
	rota_bytes_add(&first, fleet_row_bytes(&row));
	rota_bytes_add(&first, der);
	row.counter = 2;
	row.agree[9] ^= 1;
	rota_bytes_add(&again, fleet_row_bytes(&row));
	rota_bytes_add(&again, der);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, 1, rota_bytes_span(&first)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, 1, rota_bytes_span(&first)), ROTA_FLEET_REPEATED);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, 1, rota_bytes_span(&again)), ROTA_FLEET_STALE);
	CHECK_EQ(fleet_text(ROTA_RECORD_OWNER, 1, "{" BY ",\"owner\":\"the mill\"," WHY),
		ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, 1, rota_bytes_span(&first)), ROTA_FLEET_REPEATED);
	CHECK_EQ(fleet_device(1).state, ROTA_REG_TRANSFERRED);
	CHECK_EQ(fleet_apply(ROTA_RECORD_ENROL, 1, rota_bytes_span(&again)), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_device(1).state, ROTA_REG_ENROLLED);
	CHECK_EQ(fleet_device(1).agreed, 2);
	rota_bytes_free(&first);
	rota_bytes_free(&again);
	shut();
}

#define C1 "1111111111111111111111111111111111111111111111111111111111111111"
#define C2 "2222222222222222222222222222222222222222222222222222222222222222"
#define STEP(id, did) "{" BY ",\"campaign\":\"" id "\",\"did\":\"" did "\"," WHY
#define REQUEST(id, purpose, generation)                                                           \
	"{\"activation\":1800000000," BY ",\"campaign\":\"" id                                     \
	"\",\"did\":\"requested\",\"emergency\":false,\"expected\":3,\"generation\":" generation   \
	",\"name\":\"autumn\",\"overlap_s\":604800,\"product\":\"sensor\",\"purpose\":\"" purpose  \
	"\"," WHY

/* SPEC 30.6, step by step */
TEST(campaigns_take_their_steps)
{
	static const struct {
		const char *json;
		enum rota_fleet_result result;
	} rows[] = {
		{ STEP(C1, "approved"), ROTA_FLEET_STRANGER },
		{ REQUEST(C1, "colour", "2"), ROTA_FLEET_UNREADABLE },
		{ REQUEST(C1, "storage", "0"), ROTA_FLEET_UNREADABLE },
		{ REQUEST("11", "storage", "2"), ROTA_FLEET_UNREADABLE },
		{ STEP(C1, "requested"), ROTA_FLEET_UNREADABLE },
		{ REQUEST(C1, "storage", "2"), ROTA_FLEET_TAKEN },
		{ REQUEST(C1, "storage", "3"), ROTA_FLEET_REPEATED },
		{ STEP(C1, "sealed"), ROTA_FLEET_STALE },
		{ STEP(C1, "approved"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "approved"), ROTA_FLEET_REPEATED },
		{ STEP(C1, "sealing"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "sealing"), ROTA_FLEET_TAKEN }, /* it was killed */
		{ STEP(C1, "sealed"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "published"), ROTA_FLEET_STALE },
		{ STEP(C1, "signed"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "published"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "paused"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "done"), ROTA_FLEET_STALE },
		{ STEP(C1, "dreaming"), ROTA_FLEET_UNREADABLE },
		{ STEP(C1, "aborted"), ROTA_FLEET_TAKEN },
		{ STEP(C1, "published"), ROTA_FLEET_STALE },
	};
	struct rota_reg_campaign c;

	fresh();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].json);
		CHECK_EQ(fleet_text(ROTA_RECORD_CAMPAIGN, 0, rows[i].json), rows[i].result);
	}
	CHECK_OK(fleet_reg.campaign(fleet_reg.ctx, C1, &c, &fleet_why));
	CHECK_EQ(c.state, ROTA_KEYLOG_ABORTED);
	CHECK_EQ(c.purpose, STORAGE);
	CHECK_EQ(c.generation, 2);
	CHECK_EQ(c.overlap_s, 604800);
	CHECK_EQ(c.activation_s, 1800000000);
	CHECK(c.changed_ms > c.asked_ms && c.asked_ms > 0);
	CHECK(strcmp(c.by, "ann") == 0 && strcmp(c.why, "as asked") == 0);
	shut();
}

/* SPEC 35.4: one for another generation would burn those between. */
TEST(a_proof_is_for_its_campaign)
{
	struct rota_statement proof = {
		.kind = ROTA_STATEMENT_PROVED, .purpose = STORAGE, .generation = 2
	};

	fresh();
	memset(proof.campaign, 0x11, sizeof(proof.campaign));
	CHECK_EQ(rota_campaignlog_fits(&fleet_reg, &proof, &fleet_why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(
		fleet_text(ROTA_RECORD_CAMPAIGN, 0, REQUEST(C1, "storage", "2")), ROTA_FLEET_TAKEN);
	CHECK_OK(rota_campaignlog_fits(&fleet_reg, &proof, &fleet_why));
	proof.generation = UINT32_MAX;
	CHECK_EQ(rota_campaignlog_fits(&fleet_reg, &proof, &fleet_why), ROTA_ERR_VERSION);
	proof.generation = 2;
	proof.purpose = STORAGE + 1;
	CHECK_EQ(rota_campaignlog_fits(&fleet_reg, &proof, &fleet_why), ROTA_ERR_VERSION);
	proof.purpose = STORAGE;
	memset(proof.campaign, 0x22, sizeof(proof.campaign));
	CHECK_EQ(rota_campaignlog_fits(&fleet_reg, &proof, &fleet_why), ROTA_ERR_NOT_FOUND);
	shut();
}

/* A row of an identity that no certificate draws anew. */
static void put_device(unsigned device)
{
	struct rota_reg_device d = { .state = ROTA_REG_ENROLLED, .agreed = 1 };
	struct rota_row row = fleet_row(device, 1);

	strcpy(d.id, fleet_id(device));
	memcpy(d.row, fleet_row_bytes(&row).p, sizeof(d.row));
	fleet_must(fleet_reg.set_device(fleet_reg.ctx, &d, &fleet_why));
}

static void play(void)
{
	fleet_clock_ms = 1000;
	(void)fleet_prove(1, 2, STORAGE, 1);
	(void)fleet_prove(2, 2, LINK, 7);
	(void)fleet_state(1, 3, says(1, 1, 1));
	(void)fleet_state(1, 2, says(1, 2, 2));
	(void)fleet_text(ROTA_RECORD_EDIT, 3, "{" BY ",\"group\":\"lab\"," WHY);
	(void)fleet_text(ROTA_RECORD_CAMPAIGN, 0, REQUEST(C2, "link", "7"));
	(void)fleet_kind(2, ROTA_STATEMENT_GONE, 1);
}

/* Everything anew, once record by record, once in one transaction: the same. */
TEST(made_again_it_is_the_same)
{
	char *first;

	fresh();
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	for (unsigned i = 1; i <= 3; i++)
		put_device(i);
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
	play();
	first = fleet_dump();
	CHECK(strstr(first, "lab") && strstr(first, C2) && strstr(first, "decommissioned"));
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	fleet_must(fleet_db.clear(fleet_db.ctx, &fleet_why));
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
	CHECK_EQ(fleet_device(1).state, 0);
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	fleet_in_batch = true;
	for (unsigned i = 1; i <= 3; i++)
		put_device(i);
	play();
	fleet_in_batch = false;
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
	CHECK(unchanged(first));
	shut();
}

/* Who only looks reads beside rotad, and writes nothing. */
TEST(looked_at_beside_who_writes)
{
	struct rota_db_sqlite *looking;
	uint8_t state, row[ROTA_REG_ROW_LEN];
	struct rota_reg_device d;
	struct rota_regdb reg;
	struct rota_db db;

	fresh();
	fleet_enrol(1);
	CHECK_OK(rota_db_sqlite_look(tempdir_path("db"), &looking, &db, &fleet_why));
	CHECK_OK(rota_db_sqlite_registry(looking, &reg, &fleet_why));
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	fleet_in_batch = true;
	CHECK_EQ(fleet_prove(1, 2, STORAGE, 1), ROTA_FLEET_TAKEN);
	CHECK_OK(reg.device(reg.ctx, fleet_id(1), &d, &fleet_why));
	CHECK_EQ(d.agreed, 1); /* as it was before that transaction */
	fleet_in_batch = false;
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
	CHECK_OK(reg.device(reg.ctx, fleet_id(1), &d, &fleet_why));
	CHECK_EQ(d.agreed, 2);
	CHECK_OK(reg.row(reg.ctx, fleet_id(1), &state, row, &fleet_why));
	CHECK_EQ(state, d.state);
	CHECK_MEM(row, d.row, sizeof(row));
	CHECK_EQ(reg.row(reg.ctx, fleet_id(2), &state, row, &fleet_why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(reg.device(reg.ctx, fleet_id(2), &d, &fleet_why), ROTA_ERR_NOT_FOUND);
	CHECK(reg.set_device(reg.ctx, &d, &fleet_why) != ROTA_OK);
	rota_db_sqlite_close(looking);
	shut();
}

TEST(other_records_are_not_its_business)
{
	fresh();
	fleet_enrol(1);
	CHECK_EQ(fleet_apply(ROTA_RECORD_CLOSE, 1, rota_span(NULL, 0)), ROTA_FLEET_NOTHING);
	CHECK_EQ(fleet_apply(ROTA_RECORD_LOG, 1, ROTA_STR("x")), ROTA_FLEET_NOTHING);
	CHECK_EQ(fleet_apply(200, 1, ROTA_STR("x")), ROTA_FLEET_NOTHING);
	CHECK_EQ(fleet_device(1).state, ROTA_REG_ENROLLED);
	CHECK_EQ(fleet_apply(ROTA_RECORD_STATEMENT, 1, ROTA_STR("ROTASTM")), ROTA_FLEET_UNREADABLE);
	CHECK_EQ(fleet_apply(ROTA_RECORD_DELIVERY, 1, ROTA_STR("{}")), ROTA_FLEET_NOTHING);
	CHECK_EQ(fleet_device(1).state, ROTA_REG_ACTIVE);
	shut();
}

TESTS(T(a_device_is_enrolled), T(what_is_no_enrolment), T(rows_only_rise), T(proofs_count_once),
	T(yesterdays_statement_undoes_nothing), T(a_statement_is_its_devices_own),
	T(a_device_that_lost_its_keys), T(a_device_that_still_has_keys), T(what_came_after_nothing),
	T(people_say_what_a_device_is), T(edits_are_judged), T(ways_to_leave), T(enrolled_again),
	T(campaigns_take_their_steps), T(a_proof_is_for_its_campaign), T(made_again_it_is_the_same),
	T(looked_at_beside_who_writes), T(other_records_are_not_its_business))
