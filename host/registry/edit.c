/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/edit.h"
#include "host/base/json.h"
#include "host/registry/identity.h"
#include "host/registry/words.h"

#include <string.h>

static const struct name {
	const char *member;
	size_t offset; /* in struct rota_reg_device */
} names[] = {
	{ "channel", offsetof(struct rota_reg_device, channel) },
	{ "group", offsetof(struct rota_reg_device, group) },
	{ "hardware", offsetof(struct rota_reg_device, hardware) },
	{ "region", offsetof(struct rota_reg_device, region) },
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* Members that are there and say what they may. `to` gets the names. */
static bool read_edit(const json_t *edit, struct rota_reg_device *to)
{
	const json_t *state = json_object_get(edit, "state");

	if (!rota_json_members(edit, "by channel? group? hardware? region? replaces? state? why") ||
		!rota_words_signed(edit) || json_object_size(edit) == 2)
		return false;
	for (size_t i = 0; i < NAMES; i++) {
		char *at = (char *)to + names[i].offset;

		if (json_object_get(edit, names[i].member) &&
			!rota_words_name(edit, names[i].member, at))
			return false;
	}
	if (json_object_get(edit, "replaces") && !rota_words_id(edit, "replaces", to->replaces))
		return false;
	return !state ||
		(json_is_string(state) && strcmp(json_string_value(state), "decommissioned") == 0);
}

/* The device whose place another one takes leaves the fleet. *there: it was of it. */
static enum rota_err replace(
	const struct rota_regdb *reg, const char *id, bool *there, struct rota_fail *why)
{
	struct rota_reg_device old;
	enum rota_err err = reg->device(reg->ctx, id, &old, why);

	*there = err == ROTA_OK && rota_reg_lives(old.state);
	if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_OK && !*there))
		return ROTA_OK;
	ROTA_TRY(err);
	return rota_identity_leave(reg, &old, ROTA_REG_REPAIRED, why);
}

static enum rota_err change(const struct rota_regdb *reg, const json_t *edit,
	struct rota_reg_device *d, enum rota_fleet_result *result, struct rota_fail *why)
{
	bool there = true;

	if (json_object_get(edit, "replaces")) {
		if (strcmp(d->replaces, d->id) == 0)
			return ROTA_OK;
		ROTA_TRY(replace(reg, d->replaces, &there, why));
	}
	*result = there ? ROTA_FLEET_TAKEN : ROTA_FLEET_STRANGER;
	if (!there)
		return ROTA_OK;
	if (json_object_get(edit, "state"))
		return rota_identity_leave(reg, d, ROTA_REG_DECOMMISSIONED, why);
	return reg->set_device(reg->ctx, d, why);
}

/* Of a device of the fleet; *there: it is. */
static enum rota_err find(const struct rota_regdb *reg, const struct rota_record *record,
	struct rota_reg_device *d, bool *there, enum rota_fleet_result *result,
	struct rota_fail *why)
{
	ROTA_TRY(rota_identity_find(reg, record->device, d, there, why));
	*there = *there && rota_reg_lives(d->state);
	*result = *there ? ROTA_FLEET_UNREADABLE : ROTA_FLEET_STRANGER;
	return ROTA_OK;
}

enum rota_err rota_edit_device(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_device d;
	enum rota_err err = ROTA_OK;
	json_t *edit;
	bool there;

	ROTA_TRY(find(reg, record, &d, &there, result, why));
	if (!there || !rota_words_read(record, &edit))
		return ROTA_OK;
	if (read_edit(edit, &d))
		err = change(reg, edit, &d, result, why);
	json_decref(edit);
	return err;
}

enum rota_err rota_edit_owner(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why)
{
	struct rota_reg_device d;
	json_t *said;
	bool there, good;

	ROTA_TRY(find(reg, record, &d, &there, result, why));
	if (!there || !rota_words_read(record, &said))
		return ROTA_OK;
	good = rota_json_members(said, "by owner why") && rota_words_signed(said) &&
		rota_words_text(said, "owner", d.owner, sizeof(d.owner));
	json_decref(said);
	if (!good)
		return ROTA_OK;
	*result = ROTA_FLEET_TAKEN;
	return rota_identity_leave(reg, &d, ROTA_REG_TRANSFERRED, why);
}
