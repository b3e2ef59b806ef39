/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/event.h"
#include "host/base/when.h"

#include <string.h>

static const char *const state_texts[ROTA_KEY_STATES] = {
	[ROTA_KEY_PRE_ACTIVE] = "pre-active",
	[ROTA_KEY_ACTIVE] = "active",
	[ROTA_KEY_DEACTIVATED] = "deactivated",
	[ROTA_KEY_COMPROMISED] = "compromised",
	[ROTA_KEY_DESTROYED] = "destroyed",
};

static const char *const happenings[] = {
	[ROTA_KEY_MADE] = "made",
	[ROTA_KEY_DESCRIBED] = "described",
	[ROTA_KEY_ACTIVATED] = "activated",
	[ROTA_KEY_WAS_DEACTIVATED] = "deactivated",
	[ROTA_KEY_WAS_COMPROMISED] = "compromised",
	[ROTA_KEY_WAS_DESTROYED] = "destroyed",
};

/* SP 800-57 part 1 rev. 5, figure 5: row, what the key is; column, what it becomes. */
static const bool may_become[ROTA_KEY_STATES][ROTA_KEY_STATES] = {
	[ROTA_KEY_PRE_ACTIVE] = { [ROTA_KEY_ACTIVE] = true,
		[ROTA_KEY_COMPROMISED] = true,
		[ROTA_KEY_DESTROYED] = true },
	[ROTA_KEY_ACTIVE] = { [ROTA_KEY_DEACTIVATED] = true,
		[ROTA_KEY_COMPROMISED] = true,
		[ROTA_KEY_DESTROYED] = true },
	[ROTA_KEY_DEACTIVATED] = { [ROTA_KEY_COMPROMISED] = true, [ROTA_KEY_DESTROYED] = true },
	[ROTA_KEY_COMPROMISED] = { [ROTA_KEY_DESTROYED] = true },
	[ROTA_KEY_DESTROYED] = { [ROTA_KEY_COMPROMISED] = true },
};

const char *rota_key_state_text(enum rota_key_state state)
{
	return state_texts[state];
}

enum rota_key_happening rota_key_into(enum rota_key_state state)
{
	static const enum rota_key_happening into[ROTA_KEY_STATES] = {
		[ROTA_KEY_PRE_ACTIVE] = ROTA_KEY_MADE,
		[ROTA_KEY_ACTIVE] = ROTA_KEY_ACTIVATED,
		[ROTA_KEY_DEACTIVATED] = ROTA_KEY_WAS_DEACTIVATED,
		[ROTA_KEY_COMPROMISED] = ROTA_KEY_WAS_COMPROMISED,
		[ROTA_KEY_DESTROYED] = ROTA_KEY_WAS_DESTROYED,
	};

	return into[state];
}

enum rota_err rota_key_step(
	enum rota_key_state *state, bool *compromised, enum rota_key_happening what)
{
	enum rota_key_state to = *state;

	if (what == ROTA_KEY_DESCRIBED)
		return ROTA_OK;
	if (what == ROTA_KEY_MADE) /* the first of its events, and so no other's */
		return ROTA_ERR_STATE;
	while (rota_key_into(to) != what)
		to = (to + 1) % ROTA_KEY_STATES;
	if (!may_become[*state][to])
		return ROTA_ERR_STATE;
	*compromised |= to == ROTA_KEY_COMPROMISED;
	if (*state != ROTA_KEY_DESTROYED)
		*state = to;
	return ROTA_OK;
}

enum rota_err rota_key_event_write(
	const struct rota_key_event *e, struct rota_bytes *to, struct rota_fail *why)
{
	char at[ROTA_WHEN_LEN];
	struct rota_bytes line;
	json_t *value;
	enum rota_err err;

	rota_when_text(e->at_s, at);
	value = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "at", at, "event",
		happenings[e->what], "id", e->id, "label", e->label, "owner", e->owner, "reason",
		e->reason, "token", e->token, "uses", e->uses);
	err = rota_json_encode(value, ROTA_JSON_FILE, &line, why);
	json_decref(value);
	ROTA_TRY(err);
	rota_bytes_add(to, rota_bytes_span(&line));
	rota_bytes_add_text(to, "\n");
	rota_bytes_free(&line);
	return ROTA_OK;
}

static bool take(const json_t *value, const char *name, char *to, size_t room)
{
	const char *text = json_string_value(json_object_get(value, name));

	if (!text || strlen(text) >= room)
		return false;
	memcpy(to, text, strlen(text) + 1);
	return true;
}

static bool take_all(const json_t *value, struct rota_key_event *e)
{
	char at[ROTA_WHEN_LEN], what[16];
	size_t count = sizeof(happenings) / sizeof(happenings[0]), i = 0;
	uint8_t id[ROTA_DIGEST_LEN];

	if (!rota_json_members(value, "at event id label owner reason token uses") ||
		!take(value, "at", at, sizeof(at)) || !rota_when_parse(at, &e->at_s) ||
		!take(value, "event", what, sizeof(what)) ||
		!take(value, "id", e->id, sizeof(e->id)) || !rota_unhex(e->id, ROTA_BUF(id)))
		return false;
	while (i < count && strcmp(happenings[i], what) != 0)
		i++;
	e->what = (enum rota_key_happening)i;
	return i < count && take(value, "label", e->label, sizeof(e->label)) &&
		take(value, "owner", e->owner, sizeof(e->owner)) &&
		take(value, "reason", e->reason, sizeof(e->reason)) &&
		take(value, "token", e->token, sizeof(e->token)) &&
		take(value, "uses", e->uses, sizeof(e->uses));
}

enum rota_err rota_key_event_read(
	struct rota_span line, struct rota_key_event *out, struct rota_fail *why)
{
	json_t *value;
	bool good;

	if (rota_json_parse_strict(line, &value, why) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_CORRUPT, "it is no canonical JSON (SPEC 25.1)");
	good = take_all(value, out);
	json_decref(value);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "it is no event of a key (SPEC 25.1)");
}
