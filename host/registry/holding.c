/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/holding.h"
#include "host/base/digest.h"
#include "host/registry/identity.h"

#include <string.h>

/* What is known of a purpose; zeros but for id and purpose where nothing is. */
static enum rota_err find(const struct rota_regdb *reg, const char *id, uint8_t purpose,
	struct rota_reg_holding *out, struct rota_fail *why)
{
	enum rota_err err = reg->holding(reg->ctx, id, purpose, out, why);

	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	memset(out, 0, sizeof(*out));
	memcpy(out->id, id, sizeof(out->id));
	out->held.purpose = purpose;
	return ROTA_OK;
}

enum rota_err rota_holding_proved(const struct rota_regdb *reg, const char *id, uint8_t purpose,
	uint32_t generation, uint64_t at_ms, struct rota_fail *why)
{
	struct rota_reg_holding h;

	ROTA_TRY(find(reg, id, purpose, &h, why));
	if (generation <= h.held.proved)
		return ROTA_OK;
	h.held.proved = generation;
	h.proved_ms = at_ms;
	if (h.held.staged < generation && h.held.active < generation)
		h.held.staged = generation;
	if (h.stated_ms &&
		h.held.held_from == 0) /* it said that it held nothing, and this came since */
		h.held.held_from = generation;
	return reg->set_holding(reg->ctx, &h, why);
}

/* ---- may it come now? ---- */

static enum rota_fleet_result rises(uint32_t number, uint32_t above)
{
	return number > above ? ROTA_FLEET_TAKEN : ROTA_FLEET_STALE;
}

/* A proof (kind 1) comes with the next agree key, or with the one that another proof brought. */
static enum rota_err judge_proof(const struct rota_regdb *reg, const struct rota_reg_device *d,
	const struct rota_statement *s, enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_holding h;

	*result = ROTA_FLEET_STALE;
	if (s->number < d->agreed || s->number - d->agreed > 1)
		return ROTA_OK;
	ROTA_TRY(find(reg, d->id, s->purpose, &h, why));
	if (s->generation > h.held.proved)
		*result = ROTA_FLEET_TAKEN;
	else if (s->generation == h.held.proved)
		*result = ROTA_FLEET_REPEATED;
	return ROTA_OK;
}

static enum rota_fleet_result judge_anew(
	const struct rota_reg_device *d, const struct rota_statement *s)
{
	if (s->number == d->agreed && s->number == 1)
		return ROTA_FLEET_REPEATED; /* what it was enrolled by */
	if (s->number <= d->agreed || s->number - d->agreed > 1)
		return ROTA_FLEET_STALE;
	return ROTA_FLEET_TAKEN;
}

enum rota_err rota_holding_judge(const struct rota_regdb *reg, const struct rota_reg_device *d,
	const struct rota_statement *s, struct rota_span payload, enum rota_fleet_result *result,
	struct rota_fail *why)
{
	uint8_t sha256[ROTA_DIGEST_LEN];

	*result = ROTA_FLEET_STRANGER;
	if (!rota_reg_lives(d->state))
		return ROTA_OK;
	rota_digest_of(payload, sha256);
	*result = ROTA_FLEET_REPEATED; /* the same bytes once more: an answer was lost */
	if (memcmp(d->last, sha256, sizeof(d->last)) == 0)
		return ROTA_OK;
	switch ((enum rota_statement_kind)s->kind) {
	case ROTA_STATEMENT_PROVED:
		return judge_proof(reg, d, s, result, why);
	case ROTA_STATEMENT_ANEW:
		*result = judge_anew(d, s);
		return ROTA_OK;
	case ROTA_STATEMENT_STATE:
	case ROTA_STATEMENT_GONE:
		*result = rises(s->number, d->said);
		return ROTA_OK;
	}
	*result = ROTA_FLEET_UNREADABLE;
	return ROTA_OK;
}

/* ---- what becomes of it ---- */

static enum rota_err take_proof(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_statement *s, struct rota_reg_device *d, struct rota_fail *why)
{
	d->agreed = s->number;
	return rota_holding_proved(reg, d->id, s->purpose, s->generation, record->time_ms, why);
}

/* What it says of a purpose, but for what it has proved: that is what it showed, not what it says. */
static enum rota_err take_holding(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_holding *said, const char *id, struct rota_fail *why)
{
	struct rota_reg_holding h;
	uint32_t proved;

	ROTA_TRY(find(reg, id, said->purpose, &h, why));
	proved = h.held.proved;
	h.held = *said;
	h.held.proved = proved;
	h.stated_ms = record->time_ms;
	return reg->set_holding(reg->ctx, &h, why);
}

/* Purposes that a statement does not name stay as they are: that is silence. */
static enum rota_err take_state(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_statement *s, struct rota_reg_device *d, struct rota_fail *why)
{
	d->said = s->number;
	for (size_t i = 0; i < s->count; i++)
		ROTA_TRY(take_holding(reg, record, &s->holding[i], d->id, why));
	return ROTA_OK;
}

/* It begins with another agree key. Of what it had proved it has what it says, and lost the rest. */
static enum rota_err take_anew(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_statement *s, struct rota_reg_device *d, struct rota_fail *why)
{
	struct rota_reg_holding kept[ROTA_PURPOSES_MAX];

	(void)record;
	d->agreed = s->number;
	for (size_t i = 0; i < s->count; i++)
		ROTA_TRY(find(reg, d->id, s->holding[i].purpose, &kept[i], why));
	ROTA_TRY(reg->drop_holdings(reg->ctx, d->id, why));
	for (size_t i = 0; i < s->count; i++) {
		if (s->holding[i].proved > kept[i].held.proved)
			continue;
		kept[i].held.proved = s->holding[i].proved;
		ROTA_TRY(reg->set_holding(reg->ctx, &kept[i], why));
	}
	return ROTA_OK;
}

static enum rota_err take_gone(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_statement *s, struct rota_reg_device *d, struct rota_fail *why)
{
	(void)record;
	d->said = s->number;
	return rota_identity_leave(reg, d, ROTA_REG_DECOMMISSIONED, why);
}

typedef enum rota_err take_statement(const struct rota_regdb *reg, const struct rota_record *record,
	const struct rota_statement *s, struct rota_reg_device *d, struct rota_fail *why);

static take_statement *const takers[] = {
	[ROTA_STATEMENT_PROVED] = take_proof,
	[ROTA_STATEMENT_STATE] = take_state,
	[ROTA_STATEMENT_ANEW] = take_anew,
	[ROTA_STATEMENT_GONE] = take_gone,
};

enum rota_err rota_holding_apply(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_device d;
	struct rota_statement s;
	bool known;

	*result = ROTA_FLEET_UNREADABLE;
	if (rota_statement_decode(record->payload, &s) != ROTA_OK ||
		memcmp(s.device, record->device, sizeof(s.device)) != 0)
		return ROTA_OK;
	ROTA_TRY(rota_identity_find(reg, record->device, &d, &known, why));
	*result = ROTA_FLEET_STRANGER;
	if (!known)
		return ROTA_OK;
	ROTA_TRY(rota_holding_judge(reg, &d, &s, record->payload, result, why));
	if (*result != ROTA_FLEET_TAKEN)
		return ROTA_OK;
	ROTA_TRY(takers[s.kind](reg, record, &s, &d, why));
	rota_digest_of(record->payload, d.last);
	d.seen_ms = record->time_ms;
	if (d.state == ROTA_REG_ENROLLED)
		d.state = ROTA_REG_ACTIVE;
	return reg->set_device(reg->ctx, &d, why);
}
