/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/emergency.h"
#include "host/base/json.h"
#include "host/series/timeline.h"

#include <stdio.h>
#include <string.h>

enum rota_err rota_emergency_write(
	const struct rota_emergency *e, struct rota_bytes *out, struct rota_fail *why)
{
	json_t *whole = json_pack("{s:s,s:I,s:i,s:I,s:s,s:s}", "_type", "rota-emergency", "first",
		(json_int_t)e->first, "format", 1, "last", (json_int_t)e->last, "product",
		e->product, "reason", e->reason);
	enum rota_err err;

	if (!whole)
		return rota_fail(why, ROTA_ERR_FORMAT, "the reason is no UTF-8");
	err = rota_json_encode(whole, ROTA_JSON_FILE, out, why);
	json_decref(whole);
	return err;
}

static bool copy(const json_t *whole, const char *name, char *to, size_t room)
{
	const char *text = json_string_value(json_object_get(whole, name));

	return text && *text && (size_t)snprintf(to, room, "%s", text) < room;
}

static enum rota_err read_members(
	const json_t *whole, struct rota_emergency *out, struct rota_fail *why)
{
	char type[16];

	if (!rota_json_members(whole, "_type first format last product reason") ||
		!copy(whole, "_type", type, sizeof(type)) || strcmp(type, "rota-emergency") != 0 ||
		json_integer_value(json_object_get(whole, "format")) != 1 ||
		!copy(whole, "product", out->product, sizeof(out->product)) ||
		!copy(whole, "reason", out->reason, sizeof(out->reason)) ||
		json_integer_value(json_object_get(whole, "first")) < 1)
		return rota_fail(why, ROTA_ERR_FORMAT, "no emergency of a series (SPEC 23.9)");
	out->first = (uint64_t)json_integer_value(json_object_get(whole, "first"));
	out->last = (uint64_t)json_integer_value(json_object_get(whole, "last"));
	if (out->last < out->first || out->last - out->first >= ROTA_TIMELINE_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "roots %llu to %llu are of no series",
			(unsigned long long)out->first, (unsigned long long)out->last);
	return ROTA_OK;
}

enum rota_err rota_emergency_read(
	struct rota_span text, struct rota_emergency *out, struct rota_fail *why)
{
	enum rota_err err;
	json_t *whole;

	if (text.len > ROTA_EMERGENCY_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d bytes", ROTA_EMERGENCY_MAX);
	ROTA_TRY(rota_json_parse_strict(text, &whole, why));
	err = read_members(whole, out, why);
	json_decref(whole);
	return err;
}
