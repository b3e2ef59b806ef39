/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/request.h"
#include "host/base/when.h"
#include "rota/base/mem.h"
#include "rota/codec/keybundle.h"

#include <string.h>

#define SUITE 1
#define CIPHER_MAX 2

static const char *const state_words[] = { "active", "paused", "aborted", "done" };

/* ---- reading: each gives false for what is none ---- */

static bool read_number(
	const json_t *in, const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
	const json_t *value = json_object_get(in, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n < least || (uint64_t)n > most)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool read_u32(const json_t *in, const char *name, uint32_t least, uint32_t *out)
{
	uint64_t n;

	if (!read_number(in, name, least, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool read_u8(const json_t *in, const char *name, uint8_t most, uint8_t *out)
{
	uint64_t n;

	if (!read_number(in, name, 1, most, &n))
		return false;
	*out = (uint8_t)n;
	return true;
}

static bool read_time(const json_t *in, const char *name, uint64_t *out)
{
	const char *text = json_string_value(json_object_get(in, name));

	return text != NULL && rota_when_parse(text, out);
}

static bool read_name(const json_t *in, const char *name, char out[static ROTA_NAME_MAX + 1])
{
	const json_t *value = json_object_get(in, name);
	struct rota_span text = rota_span(json_string_value(value), json_string_length(value));

	if (!rota_name_valid(text))
		return false;
	memcpy(out, text.p, text.len);
	out[text.len] = '\0';
	return true;
}

/* It ends on terminals and in logs. */
static bool read_query(const json_t *in, char out[static ROTA_KEY_DEVICES_MAX + 1])
{
	const json_t *value = json_object_get(in, "devices");
	size_t len = json_string_length(value);
	const char *text = json_string_value(value);

	if (len == 0 || len > ROTA_KEY_DEVICES_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool read_purpose(const json_t *in, uint8_t *out)
{
	const json_t *value = json_object_get(in, "purpose");

	*out = rota_purpose_of(rota_span(json_string_value(value), json_string_length(value)));
	return *out != 0;
}

static bool read_bool(const json_t *in, const char *name, bool *out)
{
	const json_t *value = json_object_get(in, name);

	*out = json_is_true(value);
	return json_is_boolean(value);
}

static bool read_digest(const json_t *in, const char *name, uint8_t out[static ROTA_SHA256_LEN])
{
	return rota_unhex(
		json_string_value(json_object_get(in, name)), rota_buf(out, ROTA_SHA256_LEN));
}

/* Times and shares rise, the last stage is for everybody, and an emergency has no other. */
static bool read_stages(const json_t *in, struct rota_key_campaign *c)
{
	const json_t *list = json_object_get(in, "stages"), *one;
	size_t count = json_array_size(list), i;

	if (count == 0 || count > (c->emergency ? 1 : ROTA_KEYS_STAGES_MAX))
		return false;
	json_array_foreach(list, i, one)
	{
		struct rota_key_stage *s = &c->stage[i];

		if (!rota_json_members(one, "from ppm") || !read_time(one, "from", &s->from_s) ||
			!read_u32(one, "ppm", 1, &s->ppm))
			return false;
		if (i > 0 && (s->from_s <= s[-1].from_s || s->ppm <= s[-1].ppm))
			return false;
	}
	c->stage_count = (uint8_t)count;
	return c->stage[count - 1].ppm == ROTA_KEYS_PPM;
}

static const char *wrong_member(const json_t *in, struct rota_key_request *r)
{
	struct rota_key_campaign *c = &r->campaign;

	if (!read_name(in, "name", r->name))
		return "name";
	if (!read_name(in, "product", r->product))
		return "product";
	if (!read_purpose(in, &c->purpose))
		return "purpose";
	if (!read_query(in, r->devices))
		return "devices";
	if (!read_digest(in, "export", r->export_sha256))
		return "export";
	if (!read_u32(in, "most", 1, &r->most))
		return "most";
	if (!read_u32(in, "expected", 1, &r->expected) || r->expected > r->most ||
		r->expected > ROTA_KEYBUNDLE_SIZE_MAX)
		return "expected";
	if (!read_u8(in, "suite", SUITE, &c->suite))
		return "suite";
	if (!read_u8(in, "cipher", CIPHER_MAX, &c->cipher))
		return "cipher";
	if (!read_u32(in, "generation", 1, &c->generation))
		return "generation";
	if (!read_time(in, "activation", &c->activation_s))
		return "activation";
	if (!read_u32(in, "overlap_s", 0, &c->overlap_s))
		return "overlap_s";
	if (!read_bool(in, "emergency", &c->emergency))
		return "emergency";
	return read_stages(in, c) ? NULL : "stages";
}

enum rota_err rota_key_request_read(
	const json_t *body, struct rota_key_request *out, struct rota_fail *why)
{
	const char *wrong;

	*out = (struct rota_key_request){ 0 };
	if (!rota_json_members(body,
		    "activation cipher devices emergency expected export generation most name "
		    "overlap_s product purpose stages suite"))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"a member is missing, or is none of a campaign's request (SPEC 32.1)");
	wrong = wrong_member(body, out);
	return wrong == NULL
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_FORMAT, "its `%s` is none (SPEC 32.1)", wrong);
}

/* ---- writing ---- */

static json_t *time_value(uint64_t unix_s)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(unix_s, text);
	return json_string(text);
}

static json_t *digest_value(const uint8_t digest[static ROTA_SHA256_LEN])
{
	char hex[2 * ROTA_SHA256_LEN + 1];

	rota_hex(rota_span(digest, ROTA_SHA256_LEN), hex);
	return json_string(hex);
}

static json_t *stages_value(const struct rota_key_campaign *c)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < c->stage_count; i++)
		json_array_append_new(list,
			json_pack("{s:o,s:I}", "from", time_value(c->stage[i].from_s), "ppm",
				(json_int_t)c->stage[i].ppm));
	return list;
}

/* What stands in the request and in the role's file. */
static json_t *common_members(const struct rota_key_campaign *c)
{
	return json_pack("{s:o,s:i,s:b,s:I,s:I,s:s,s:o,s:i}", "activation",
		time_value(c->activation_s), "cipher", c->cipher, "emergency", c->emergency,
		"generation", (json_int_t)c->generation, "overlap_s", (json_int_t)c->overlap_s,
		"purpose", rota_purpose_word(c->purpose), "stages", stages_value(c), "suite",
		c->suite);
}

json_t *rota_key_request_write(const struct rota_key_request *r)
{
	json_t *body = common_members(&r->campaign);

	json_object_set_new(body, "devices", json_string(r->devices));
	json_object_set_new(body, "expected", json_integer(r->expected));
	json_object_set_new(body, "export", digest_value(r->export_sha256));
	json_object_set_new(body, "most", json_integer(r->most));
	json_object_set_new(body, "name", json_string(r->name));
	json_object_set_new(body, "product", json_string(r->product));
	return body;
}

json_t *rota_key_campaign_write(
	const struct rota_key_campaign *c, const struct rota_key_tree *tree, size_t count)
{
	json_t *out = common_members(c), *trees = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(trees,
			json_pack("{s:o,s:I,s:i}", "root", digest_value(tree[i].root), "size",
				(json_int_t)tree[i].size, "tree", tree[i].number));
	json_object_set_new(out, "id", digest_value(c->id));
	json_object_set_new(out, "state", json_string(state_words[c->state]));
	json_object_set_new(out, "trees", trees);
	return out;
}

/* Member by member: a struct has padding. */
bool rota_key_campaign_same(const struct rota_key_campaign *a, const struct rota_key_campaign *b)
{
	bool same = a->purpose == b->purpose && a->cipher == b->cipher && a->suite == b->suite &&
		a->emergency == b->emergency && a->generation == b->generation &&
		a->overlap_s == b->overlap_s && a->activation_s == b->activation_s &&
		a->stage_count == b->stage_count && memcmp(a->id, b->id, sizeof(a->id)) == 0;

	for (uint8_t i = 0; same && i < a->stage_count; i++)
		same = a->stage[i].from_s == b->stage[i].from_s &&
			a->stage[i].ppm == b->stage[i].ppm;
	return same;
}
