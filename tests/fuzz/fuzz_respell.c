/* SPDX-License-Identifier: Apache-2.0 */
/* Two readers of JSON against each other. What the adapter spells the core must accept, with the canonical bytes
 * that the writer makes; spelled again it stays as it is; and what the core accepts as it came the adapter
 * leaves as it came. */
#include "host/adapter/respell.h"
#include "host/base/json.h"
#include "rota/codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct scanner {
	struct rota_json json;
	struct rota_bytes *canonical;
};

static enum rota_err on_token(struct rota_json *j)
{
	(void)j;
	return ROTA_OK;
}

static void on_canonical(struct rota_json *j, struct rota_span bytes)
{
	rota_bytes_add(ROTA_JSON_OWNER(j, struct scanner, json)->canonical, bytes);
}

static enum rota_err scan(struct rota_span file, struct rota_bytes *canonical)
{
	static const struct rota_json_sink sink = { on_token, on_canonical };
	static uint8_t names[65536], value[64];
	const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
	struct scanner s = { .canonical = canonical };

	*canonical = (struct rota_bytes){ 0 };
	rota_json_init(&s.json, &sink, &room);
	ROTA_TRY(rota_json_feed(&s.json, file));
	return rota_json_end(&s.json);
}

/* The host's strict reader takes what the core takes, and knows what an object holds. */
static void check_strict(struct rota_span file, enum rota_err scanned)
{
	struct rota_fail why;
	json_t *value;
	bool one, two;

	if ((rota_json_parse_strict(file, &value, &why) == ROTA_OK) != (scanned == ROTA_OK))
		abort();
	one = json_object_get(value, "a") != NULL;
	two = json_object_get(value, "b") != NULL;
	if (rota_json_members(value, "a b?") !=
		(one && json_object_size(value) == (size_t)one + two))
		abort();
	json_decref(value);
}

/* The canonical bytes that the host's writer makes of a spelled file. */
static void check_signed(struct rota_span spelled, struct rota_span canonical)
{
	struct rota_bytes want;
	struct rota_fail why;
	json_t *value;

	if (rota_json_parse_strict(spelled, &value, &why) != ROTA_OK ||
		rota_json_encode(value, ROTA_JSON_SIGNED, &want, &why) != ROTA_OK ||
		!rota_span_eq(rota_bytes_span(&want), canonical))
		abort();
	rota_bytes_free(&want);
	json_decref(value);
}

/* What is kept of a request while it is read is what its parsed value has. */
static void check_kept(struct rota_span file)
{
	struct rota_bytes kept, want = { 0 };
	struct rota_fail why;
	const json_t *is;
	json_t *value;

	if (rota_json_parse_signed(file, "a", "b", &value, &kept, &why) != ROTA_OK)
		return;
	is = json_object_get(json_object_get(value, "a"), "b");
	if (json_is_object(is) && rota_json_encode(is, ROTA_JSON_SIGNED, &want, &why) != ROTA_OK)
		abort();
	if (!rota_span_eq(rota_bytes_span(&want), rota_bytes_span(&kept)))
		abort();
	rota_bytes_free(&want);
	rota_bytes_free(&kept);
	json_decref(value);
}

/* Members that are written one by one come to what is written whole. */
static void check_added(struct rota_span file)
{
	struct rota_bytes out = { 0 };
	struct rota_fail why;
	const char *name;
	json_t *value, *member;
	char before = '{';

	if (rota_json_parse_strict(file, &value, &why) != ROTA_OK)
		return;
	if (rota_json_values(file) <= json_object_size(value))
		abort();
	json_object_foreach(value, name, member)
	{
		rota_bytes_add_byte(&out, before);
		before = ',';
		if (rota_json_add_string(rota_span_cstr(name), &out, &why) != ROTA_OK)
			abort();
		rota_bytes_add_byte(&out, ':');
		if (rota_json_add(member, &out, &why) != ROTA_OK)
			abort();
	}
	rota_bytes_add_text(&out, before == '{' ? "{}" : "}");
	if (!rota_span_eq(rota_bytes_span(&out), file))
		abort();
	rota_bytes_free(&out);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span file = rota_span(data, len);
	struct rota_bytes spelled, canonical, other;
	struct rota_fail why;
	enum rota_err as_it_came = scan(file, &other);

	rota_bytes_free(&other);
	check_strict(file, as_it_came);
	check_kept(file);
	check_added(file);
	if (rota_respell(file, &spelled, &why) != ROTA_OK) {
		if (as_it_came == ROTA_OK)
			abort();
		return 0;
	}
	if (spelled.len > len || scan(rota_bytes_span(&spelled), &canonical) != ROTA_OK)
		abort();
	check_signed(rota_bytes_span(&spelled), rota_bytes_span(&canonical));
	if (as_it_came == ROTA_OK && !rota_span_eq(rota_bytes_span(&spelled), file))
		abort();
	rota_bytes_free(&canonical);
	rota_bytes_free(&spelled);
	return 0;
}
