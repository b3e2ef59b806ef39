/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/override.h"
#include "host/base/json.h"
#include "rota/codec/purpose.h"

#include <string.h>

#define TYPE "rota-override"
#define DEVICES_MAX (UINT64_C(1) << 32)

enum rota_err rota_override_write(
	const struct rota_override *o, struct rota_bytes *out, struct rota_fail *why)
{
	json_t *all = json_pack("{s:s,s:i,s:I,s:I,s:s,s:s,s:s,s:I}", "_type", TYPE, "format", 1,
		"generation", (json_int_t)o->generation, "need", (json_int_t)o->need, "product",
		o->product, "purpose", rota_purpose_word(o->purpose), "reason", o->reason, "silent",
		(json_int_t)o->silent);
	enum rota_err err;

	if (!all)
		return rota_fail(why, ROTA_ERR_FORMAT, "the reason is no UTF-8");
	err = rota_json_encode(all, ROTA_JSON_FILE, out, why);
	json_decref(all);
	if (err == ROTA_OK)
		rota_bytes_add_text(out, "\n");
	return err;
}

/* ---- reading ---- */

static bool read_number(const json_t *all, const char *name, uint64_t most, uint64_t *out)
{
	const json_t *value = json_object_get(all, name);
	json_int_t n = json_integer_value(value);

	*out = (uint64_t)n;
	return json_is_integer(value) && n >= 0 && (uint64_t)n <= most;
}

static bool read_reason(const json_t *all, struct rota_override *o)
{
	const char *reason = json_string_value(json_object_get(all, "reason"));
	size_t len = reason ? strlen(reason) : 0;

	if (len == 0 || len > ROTA_OVERRIDE_REASON_MAX)
		return false;
	memcpy(o->reason, reason, len + 1);
	return true;
}

static bool is_override(const json_t *all)
{
	const char *type = json_string_value(json_object_get(all, "_type"));

	return rota_json_members(
		       all, "_type format generation need product purpose reason silent") &&
		type && strcmp(type, TYPE) == 0 &&
		json_integer_value(json_object_get(all, "format")) == 1;
}

static bool read_members(const json_t *all, struct rota_override *o)
{
	const char *purpose = json_string_value(json_object_get(all, "purpose"));
	uint64_t generation;

	if (!is_override(all) || !purpose || !read_reason(all, o) ||
		!read_number(all, "generation", UINT32_MAX, &generation) || generation == 0 ||
		!read_number(all, "need", DEVICES_MAX, &o->need) ||
		!read_number(all, "silent", DEVICES_MAX, &o->silent))
		return false;
	o->generation = (uint32_t)generation;
	o->purpose = rota_purpose_of(rota_span_cstr(purpose));
	return o->purpose != 0;
}

enum rota_err rota_override_read(struct rota_span file, struct rota_override *out,
	struct rota_span *approvals, struct rota_fail *why)
{
	const uint8_t *end = file.len ? memchr(file.p, '\n', file.len) : NULL;
	size_t len = end ? (size_t)(end - file.p) : 0;
	const char *product;
	json_t *all;
	enum rota_err err = ROTA_OK;

	if (!end || len > ROTA_OVERRIDE_LINE_MAX)
		return rota_fail(why, ROTA_ERR_FORMAT, "it is no override (SPEC 38.3)");
	rota_digest_of(rota_span(file.p, len), out->digest);
	ROTA_TRY(rota_json_parse_strict(rota_span(file.p, len), &all, why));
	product = json_string_value(json_object_get(all, "product"));
	if (!read_members(all, out))
		err = rota_fail(why, ROTA_ERR_FORMAT, "it is no override (SPEC 38.3)");
	else if (!product || strcmp(product, out->product) != 0)
		err = rota_fail(why, ROTA_ERR_PRODUCT, "it is of another product");
	json_decref(all);
	*approvals = rota_span_skip(file, len + 1);
	return err;
}

/* ---- judging ---- */

static enum rota_err compare(const struct rota_override *approved, const struct rota_override *now,
	struct rota_fail *why)
{
	if (approved->purpose != now->purpose || approved->generation != now->generation)
		return rota_fail(why, ROTA_ERR_STATE, "it is for generation %u of %s",
			(unsigned)approved->generation, rota_purpose_word(approved->purpose));
	if (now->need > approved->need)
		return rota_fail(why, ROTA_ERR_STATE,
			"officers approved it for %llu devices, and %llu need the keys now; ask "
			"them anew",
			(unsigned long long)approved->need, (unsigned long long)now->need);
	return ROTA_OK;
}

enum rota_err rota_override_judge(const struct rota_named_key *officers, size_t officer_count,
	struct rota_span file, uint64_t now_s, struct rota_override *now, struct rota_fail *why)
{
	struct rota_override approved = { .product = now->product };
	struct rota_span approvals;
	unsigned have;

	ROTA_TRY(rota_override_read(file, &approved, &approvals, why));
	ROTA_TRY(compare(&approved, now, why));
	ROTA_TRY(rota_officers_count(
		officers, officer_count, approvals, approved.digest, now_s, &have, why));
	if (have < ROTA_OVERRIDE_OFFICERS)
		return rota_fail(why, ROTA_ERR_THRESHOLD,
			"%u of %d officers of rota.ini approve it; rota campaign approve", have,
			ROTA_OVERRIDE_OFFICERS);
	memcpy(now->reason, approved.reason, sizeof(now->reason));
	memcpy(now->digest, approved.digest, sizeof(now->digest));
	return ROTA_OK;
}
