/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/when.h"
#include "host/notary/ask.h"
#include "host/notary/refusal.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_quoted(struct rota_bytes *to, const char *before, const char *text)
{
	rota_bytes_add_text(to, before);
	rota_bytes_add_byte(to, '"');
	rota_bytes_add_text(to, text);
	rota_bytes_add_byte(to, '"');
}

/* In our spelling as it is: the daemon writes thousands a second. */
static void write_signed(const struct rota_answer *a, struct rota_span der, struct rota_bytes *out)
{
	*out = (struct rota_bytes){ 0 };
	rota_bytes_add_text(out, "{\"_type\":\"rota-answer\",");
	if (der.len > 0) {
		char *hex = malloc(2 * der.len + 1);

		if (!hex)
			abort();
		rota_hex(der, hex);
		add_quoted(out, "\"der\":", hex);
		rota_bytes_add_byte(out, ',');
		free(hex);
	}
	rota_bytes_print(out, "\"entry\":%" PRIu64, a->entry);
	rota_bytes_add_text(out, ",\"format\":1,\"keys\":[");
	for (size_t i = 0; i < a->count; i++) {
		char point[2 * ROTA_P256_KEY_LEN + 1];

		rota_hex(ROTA_SPAN(a->sig[i].key), point);
		add_quoted(out, i ? "," : "", point);
	}
	rota_bytes_add_text(out, "],\"signatures\":[");
	for (size_t i = 0; i < a->count; i++) {
		char id[ROTA_DIGEST_HEX], hex[ROTA_ENVELOPE_SIG_HEX];

		rota_hex(ROTA_SPAN(a->id[i]), id);
		rota_envelope_signature_hex(&a->sig[i], hex);
		add_quoted(out, i ? ",{\"keyid\":" : "{\"keyid\":", id);
		add_quoted(out, ",\"sig\":", hex);
		rota_bytes_add_byte(out, '}');
	}
	rota_bytes_add_byte(out, ']');
	if (a->time_s)
		rota_bytes_print(out, ",\"time\":%" PRIu64, a->time_s);
	rota_bytes_add_byte(out, '}');
}

void rota_answer_write(const struct rota_answer *a, struct rota_bytes *out)
{
	struct rota_fail why;
	json_t *whole = NULL;

	switch (a->kind) {
	case ROTA_ANSWER_SIGNED:
		write_signed(a, rota_span(a->der, a->der_len), out);
		return;
	case ROTA_ANSWER_PENDING:
		whole = json_pack("{s:s,s:I,s:i,s:i,s:i}", "_type", "rota-pending", "entry",
			(json_int_t)a->entry, "format", 1, "have", a->have, "need", a->need);
		break;
	case ROTA_ANSWER_REFUSED:
		whole = json_pack("{s:s,s:s,s:s,s:i,s:s}", "_type", "rota-refusal", "clause",
			a->clause, "code", a->code, "format", 1, "text", a->text);
		if (!whole) /* a sentence cut inside a character */
			whole = json_pack("{s:s,s:s,s:s,s:i,s:s}", "_type", "rota-refusal",
				"clause", a->clause, "code", a->code, "format", 1, "text", "?");
		break;
	}
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(whole);
}

void rota_answer_write_long(
	const struct rota_answer *a, struct rota_span der, struct rota_bytes *out)
{
	write_signed(a, der, out);
}

static enum rota_err wrong(struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "the signing daemon's answer is none of SPEC 18.5");
}

static bool is_count(const json_t *whole, const char *name, json_int_t most)
{
	const json_t *value = json_object_get(whole, name);

	return json_is_integer(value) && json_integer_value(value) >= 0 &&
		json_integer_value(value) <= most;
}

/* One signature and the key that it is said to be of. */
static bool read_sig(const json_t *one, const json_t *key, struct rota_seat_sig *out,
	uint8_t out_id[static ROTA_DIGEST_LEN])
{
	const char *point = json_string_value(key), *id, *hex;
	uint8_t raw[ROTA_SIG_RAW_MAX];
	char own[ROTA_DIGEST_HEX];
	size_t len;

	id = json_string_value(json_object_get(one, "keyid"));
	hex = json_string_value(json_object_get(one, "sig"));
	if (!rota_json_members(one, "keyid sig") || !id || !hex || !point ||
		!rota_unhex(point, ROTA_BUF(out->key)))
		return false;
	rota_p256_key_id(out->key, own);
	if (strcmp(own, id) != 0 || !rota_unhex(id, (struct rota_buf){ out_id, ROTA_DIGEST_LEN }) ||
		rota_sig_raw(&rota_scheme_p256, rota_span_cstr(hex), ROTA_BUF(raw), &len) !=
			ROTA_OK ||
		len != sizeof(out->sig))
		return false;
	memcpy(out->sig, raw, sizeof(out->sig));
	return true;
}

static bool read_long(const json_t *text, struct rota_bytes *der)
{
	size_t len = json_string_length(text) / 2;

	der->p = malloc(len + 1);
	if (!der->p)
		abort();
	der->len = der->room = len;
	return len > 0 && rota_unhex(json_string_value(text), rota_buf(der->p, len));
}

/* der: where it goes; NULL: into the struct. */
static enum rota_err read_der(
	const json_t *whole, struct rota_answer *out, struct rota_bytes *der, struct rota_fail *why)
{
	const json_t *text = json_object_get(whole, "der");

	if (der)
		return read_long(text, der) ? ROTA_OK : wrong(why);
	out->der_len = json_string_length(text) / 2;
	if (out->der_len == 0 || out->der_len > sizeof(out->der) ||
		!rota_unhex(json_string_value(text), rota_buf(out->der, out->der_len)))
		return wrong(why);
	return ROTA_OK;
}

static enum rota_err read_signed(
	const json_t *whole, struct rota_answer *out, struct rota_bytes *der, struct rota_fail *why)
{
	const json_t *sigs = json_object_get(whole, "signatures");
	const json_t *keys = json_object_get(whole, "keys");

	out->kind = ROTA_ANSWER_SIGNED;
	if (!rota_json_members(whole, "_type der? entry format keys signatures time?") ||
		!is_count(whole, "entry", INT64_MAX) || !json_is_array(sigs) ||
		json_array_size(sigs) > ROTA_ANSWER_SIGS_MAX ||
		json_array_size(keys) != json_array_size(sigs))
		return wrong(why);
	if (json_object_get(whole, "time") && !is_count(whole, "time", INT64_MAX))
		return wrong(why);
	out->entry = (uint64_t)json_integer_value(json_object_get(whole, "entry"));
	out->time_s = (uint64_t)json_integer_value(json_object_get(whole, "time"));
	for (size_t i = 0; i < json_array_size(sigs); i++)
		if (!read_sig(json_array_get(sigs, i), json_array_get(keys, i), &out->sig[i],
			    out->id[i]))
			return wrong(why);
	out->count = (uint8_t)json_array_size(sigs);
	return json_object_get(whole, "der") ? read_der(whole, out, der, why) : ROTA_OK;
}

static enum rota_err read_pending(
	const json_t *whole, struct rota_answer *out, struct rota_bytes *der, struct rota_fail *why)
{
	(void)der;
	out->kind = ROTA_ANSWER_PENDING;
	if (!rota_json_members(whole, "_type entry format have need") ||
		!is_count(whole, "entry", INT64_MAX) || !is_count(whole, "have", UINT8_MAX) ||
		!is_count(whole, "need", UINT8_MAX))
		return wrong(why);
	out->entry = (uint64_t)json_integer_value(json_object_get(whole, "entry"));
	out->have = (uint8_t)json_integer_value(json_object_get(whole, "have"));
	out->need = (uint8_t)json_integer_value(json_object_get(whole, "need"));
	return ROTA_OK;
}

static enum rota_err read_refused(
	const json_t *whole, struct rota_answer *out, struct rota_bytes *der, struct rota_fail *why)
{
	const char *code = json_string_value(json_object_get(whole, "code"));
	const char *text = json_string_value(json_object_get(whole, "text"));
	const struct rota_refusal_row *row = code ? rota_refusal_find(code) : NULL;

	(void)der;
	out->kind = ROTA_ANSWER_REFUSED;
	if (!rota_json_members(whole, "_type clause code format text") || !row || !text)
		return wrong(why);
	out->code = row->code;
	out->clause = row->clause;
	snprintf(out->text, sizeof(out->text), "%s", text);
	return ROTA_OK;
}

static enum rota_err read_any(struct rota_span text, struct rota_answer *out,
	struct rota_bytes *der, struct rota_fail *why)
{
	static const struct {
		const char *type;
		enum rota_err (*read)(const json_t *whole, struct rota_answer *out,
			struct rota_bytes *der, struct rota_fail *why);
	} forms[] = {
		{ "rota-answer", read_signed },
		{ "rota-pending", read_pending },
		{ "rota-refusal", read_refused },
	};
	const char *type;
	json_t *whole;
	enum rota_err err;

	*out = (struct rota_answer){ 0 };
	ROTA_TRY(rota_json_parse_strict(text, &whole, why));
	type = json_string_value(json_object_get(whole, "_type"));
	err = wrong(why);
	for (size_t i = 0; type && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(type, forms[i].type) == 0 &&
			json_integer_value(json_object_get(whole, "format")) == 1)
			err = forms[i].read(whole, out, der, why);
	json_decref(whole);
	return err;
}

enum rota_err rota_answer_read(
	struct rota_span text, struct rota_answer *out, struct rota_fail *why)
{
	return read_any(text, out, NULL, why);
}

enum rota_err rota_answer_read_long(struct rota_span text, struct rota_answer *out,
	struct rota_bytes *der, struct rota_fail *why)
{
	*der = (struct rota_bytes){ 0 };
	return read_any(text, out, der, why);
}
