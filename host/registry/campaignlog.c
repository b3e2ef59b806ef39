/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/campaignlog.h"
#include "host/base/bytes.h"
#include "host/registry/words.h"

#include <string.h>

static const char *const words[ROTA_KEYLOG_STATES] = {
	[0] = "",
	[ROTA_KEYLOG_REQUESTED] = "requested",
	[ROTA_KEYLOG_APPROVED] = "approved",
	[ROTA_KEYLOG_REFUSED] = "refused",
	[ROTA_KEYLOG_EXPIRED] = "expired",
	[ROTA_KEYLOG_SEALING] = "sealing",
	[ROTA_KEYLOG_SEALED] = "sealed",
	[ROTA_KEYLOG_SIGNED] = "signed",
	[ROTA_KEYLOG_PUBLISHED] = "published",
	[ROTA_KEYLOG_PAUSED] = "paused",
	[ROTA_KEYLOG_ABORTED] = "aborted",
	[ROTA_KEYLOG_DONE] = "done",
	[ROTA_KEYLOG_RETIRING] = "retiring",
	[ROTA_KEYLOG_RETIRED] = "retired",
};

#define TO(state) (UINT32_C(1) << ROTA_KEYLOG_##state)

/* Where one may go from each state. Sealing goes on after a kill; a supplement tree is sealed and signed while the
 * campaign is published; what is aborted stays so. */
static const uint32_t next[ROTA_KEYLOG_STATES] = {
	[ROTA_KEYLOG_REQUESTED] = TO(APPROVED) | TO(REFUSED) | TO(EXPIRED),
	[ROTA_KEYLOG_APPROVED] = TO(SEALING) | TO(EXPIRED) | TO(ABORTED),
	[ROTA_KEYLOG_SEALING] = TO(SEALING) | TO(SEALED) | TO(ABORTED),
	[ROTA_KEYLOG_SEALED] = TO(SIGNED) | TO(ABORTED),
	[ROTA_KEYLOG_SIGNED] = TO(PUBLISHED) | TO(ABORTED),
	[ROTA_KEYLOG_PUBLISHED] = TO(PUBLISHED) | TO(PAUSED) | TO(ABORTED) | TO(DONE),
	[ROTA_KEYLOG_PAUSED] = TO(PUBLISHED) | TO(ABORTED),
	[ROTA_KEYLOG_DONE] = TO(PUBLISHED) | TO(RETIRING),
	[ROTA_KEYLOG_RETIRING] = TO(RETIRED),
};

const char *rota_keylog_word(uint8_t state)
{
	return state < ROTA_KEYLOG_STATES ? words[state] : "";
}

bool rota_keylog_may(uint8_t from, uint8_t to)
{
	return from < ROTA_KEYLOG_STATES && to < ROTA_KEYLOG_STATES && (next[from] >> to & 1) != 0;
}

/* 0: none. */
static uint8_t state_of(const json_t *said)
{
	const char *word = json_string_value(json_object_get(said, "did"));

	for (uint8_t i = 1; word && i < ROTA_KEYLOG_STATES; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return 0;
}

static bool read_numbers(const json_t *said, struct rota_reg_campaign *to)
{
	uint64_t generation, overlap;

	if (!rota_words_number(said, "activation", ROTA_DB_ROOT_MAX, &to->activation_s) ||
		!rota_words_number(said, "expected", UINT32_MAX, &to->expected) ||
		!rota_words_number(said, "generation", UINT32_MAX, &generation) ||
		!rota_words_number(said, "overlap_s", UINT32_MAX, &overlap) || generation == 0)
		return false;
	to->generation = (uint32_t)generation;
	to->overlap_s = (uint32_t)overlap;
	return true;
}

/* What the first record of a campaign says of it. */
static bool read_request(const json_t *said, struct rota_reg_campaign *to)
{
	const char *purpose = json_string_value(json_object_get(said, "purpose"));
	const json_t *emergency = json_object_get(said, "emergency");

	if (!rota_json_members(said,
		    "activation by campaign did emergency expected generation name "
		    "overlap_s product purpose why"))
		return false;
	if (!purpose || !json_is_boolean(emergency) || !read_numbers(said, to) ||
		!rota_words_name(said, "name", to->name) ||
		!rota_words_name(said, "product", to->product))
		return false;
	to->purpose = rota_purpose_of(rota_span_cstr(purpose));
	to->emergency = json_is_true(emergency);
	return to->purpose != 0;
}

/* The record's own part, common to all of them. */
static bool read_step(const json_t *said, struct rota_reg_campaign *to)
{
	return rota_words_text(said, "by", to->by, sizeof(to->by)) &&
		rota_words_text(said, "why", to->why, sizeof(to->why));
}

static enum rota_fleet_result judge(
	const json_t *said, uint8_t state, bool known, struct rota_reg_campaign *c)
{
	if (state == ROTA_KEYLOG_REQUESTED && known)
		return ROTA_FLEET_REPEATED;
	if (state == ROTA_KEYLOG_REQUESTED)
		return read_request(said, c) ? ROTA_FLEET_TAKEN : ROTA_FLEET_UNREADABLE;
	if (!rota_json_members(said, "by campaign did why"))
		return ROTA_FLEET_UNREADABLE;
	if (!known)
		return ROTA_FLEET_STRANGER;
	if (!rota_keylog_may(c->state, state))
		return c->state == state ? ROTA_FLEET_REPEATED : ROTA_FLEET_STALE;
	return ROTA_FLEET_TAKEN;
}

static enum rota_err take(const struct rota_regdb *reg, const struct rota_record *record,
	const json_t *said, enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_campaign c = { 0 };
	char id[ROTA_DB_ID_LEN];
	uint8_t state = state_of(said);
	enum rota_err err;

	*result = ROTA_FLEET_UNREADABLE;
	if (state == 0 || !rota_words_id(said, "campaign", id))
		return ROTA_OK;
	err = reg->campaign(reg->ctx, id, &c, why);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	*result = judge(said, state, err == ROTA_OK, &c);
	if (*result == ROTA_FLEET_TAKEN && !read_step(said, &c))
		*result = ROTA_FLEET_UNREADABLE;
	if (*result != ROTA_FLEET_TAKEN)
		return ROTA_OK;
	memcpy(c.id, id, sizeof(c.id));
	c.state = state;
	c.changed_ms = record->time_ms;
	if (state == ROTA_KEYLOG_REQUESTED)
		c.asked_ms = record->time_ms;
	return reg->set_campaign(reg->ctx, &c, why);
}

enum rota_err rota_campaignlog_apply(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	enum rota_err err;
	json_t *said;

	*result = ROTA_FLEET_UNREADABLE;
	if (!rota_words_read(record, &said))
		return ROTA_OK;
	err = take(reg, record, said, result, why);
	json_decref(said);
	return err;
}

enum rota_err rota_campaignlog_fits(
	const struct rota_regdb *reg, const struct rota_statement *proof, struct rota_fail *why)
{
	struct rota_reg_campaign c;
	char id[ROTA_DB_ID_LEN];

	rota_hex(ROTA_SPAN(proof->campaign), id);
	ROTA_TRY(reg->campaign(reg->ctx, id, &c, why));
	return c.purpose == proof->purpose && c.generation == proof->generation ? ROTA_OK
										: ROTA_ERR_VERSION;
}
