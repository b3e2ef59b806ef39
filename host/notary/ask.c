/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/ask.h"
#include "host/base/when.h"
#include "host/campaign/request.h"
#include "host/notary/refusal.h"
#include "host/notary/rows.h"
#include "host/repo/judge.h"
#include "host/sign/duty.h"
#include "rota/codec/name.h"

#include <string.h>

static bool is_hex(const json_t *object, const char *name, size_t bytes)
{
	uint8_t room[ROTA_DIGEST_LEN];

	return rota_unhex(rota_judge_text(object, name), rota_buf(room, bytes));
}

static bool is_number(const json_t *object, const char *name, json_int_t most)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) && json_integer_value(value) >= 0 &&
		json_integer_value(value) <= most;
}

/* What nobody can hide anything in: no control characters, which a terminal would obey. */
static bool is_line(const char *line, size_t max)
{
	size_t len = strlen(line);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return false;
	return len >= 1 && len <= max;
}

static bool metadata_ok(const json_t *body)
{
	return rota_json_members(body, "signed") && json_is_object(json_object_get(body, "signed"));
}

static bool image_ok(const json_t *body)
{
	const json_t *hardware = json_object_get(body, "hardware");
	uint64_t version;

	if (!rota_json_members(body, "counter digest hardware length sha256 version") ||
		!is_number(body, "counter", UINT32_MAX) ||
		!is_hex(body, "digest", ROTA_DIGEST_LEN) || !is_number(body, "length", INT64_MAX) ||
		!is_hex(body, "sha256", ROTA_DIGEST_LEN) ||
		!rota_version_of(rota_judge_text(body, "version"), &version) ||
		!json_is_array(hardware))
		return false;
	for (size_t i = 0; i < json_array_size(hardware); i++)
		if (!json_is_string(json_array_get(hardware, i)) ||
			!rota_name_ok(json_string_value(json_array_get(hardware, i))))
			return false;
	return json_array_size(hardware) > 0;
}

static bool time_ok(const json_t *body)
{
	return rota_json_members(body, "device nonce") && is_hex(body, "device", ROTA_DIGEST_LEN) &&
		is_hex(body, "nonce", 16);
}

static bool ticket_ok(const json_t *body)
{
	return rota_json_members(body, "device number seconds") &&
		is_hex(body, "device", ROTA_DIGEST_LEN) && is_number(body, "number", UINT32_MAX) &&
		is_number(body, "seconds", UINT32_MAX);
}

static bool build_ok(const json_t *body)
{
	const json_t *statement = json_object_get(body, "statement");

	return rota_json_members(body, "statement") && json_string_length(statement) > 0 &&
		json_string_length(statement) <= ROTA_ASK_STATEMENT_MAX;
}

static bool record_ok(const json_t *body)
{
	const json_t *event = json_object_get(body, "event");

	return rota_json_members(body, "event") &&
		rota_json_members(event, "digest? kind path? version? what") &&
		json_is_string(json_object_get(event, "kind")) &&
		json_is_object(json_object_get(event, "what")) &&
		(!json_object_get(event, "digest") || is_hex(event, "digest", ROTA_DIGEST_LEN)) &&
		(!json_object_get(event, "path") ||
			rota_path_valid(rota_span_cstr(rota_judge_text(event, "path")))) &&
		(!json_object_get(event, "version") || is_number(event, "version", INT64_MAX));
}

static bool key_ok(const json_t *body)
{
	return rota_json_members(body, "do label token") &&
		(strcmp(rota_judge_text(body, "do"), "generate") == 0 ||
			strcmp(rota_judge_text(body, "do"), "destroy") == 0) &&
		is_line(rota_judge_text(body, "label"), ROTA_SIGNER_LABEL_MAX) &&
		rota_name_ok(rota_judge_text(body, "token"));
}

static bool series_ok(const json_t *body)
{
	uint64_t from;

	return rota_json_members(body, "from landing_s period_s slots") &&
		rota_when_parse(rota_judge_text(body, "from"), &from) &&
		is_number(body, "landing_s", UINT32_MAX) &&
		is_number(body, "period_s", UINT32_MAX) && is_number(body, "slots", UINT32_MAX);
}

/* What they are, host/notary/certify.h says. */
static bool certificate_ok(const json_t *body)
{
	static const char *const texts[] = { "csr", "endorsement", "identity", "ldevid", "party" };
	bool good = rota_json_members(body, "csr endorsement identity ldevid party");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		good &= json_is_string(json_object_get(body, texts[i]));
	return good;
}

static bool campaign_ok(const json_t *body)
{
	struct rota_key_request request;
	struct rota_fail why;

	return rota_key_request_read(body, &request, &why) == ROTA_OK;
}

static bool revoke_ok(const json_t *body)
{
	return rota_json_members(body, "device serial") &&
		is_hex(body, "device", ROTA_DIGEST_LEN) &&
		json_is_string(json_object_get(body, "serial"));
}

static bool crl_ok(const json_t *body)
{
	return json_is_object(body) && json_object_size(body) == 0;
}

static bool ocsp_ok(const json_t *body)
{
	return rota_json_members(body, "csr") && json_is_string(json_object_get(body, "csr"));
}

/* Each kind has its word and its body, and nothing that carries a digest to be signed unseen. */
static const struct {
	const char *word;
	bool (*body_ok)(const json_t *body);
} kinds[ROTA_ASK_KINDS] = {
	[ROTA_ASK_METADATA] = { "metadata", metadata_ok },
	[ROTA_ASK_IMAGE] = { "image", image_ok },
	[ROTA_ASK_TIME] = { "time", time_ok },
	[ROTA_ASK_TICKET] = { "ticket", ticket_ok },
	[ROTA_ASK_BUILD] = { "build", build_ok },
	[ROTA_ASK_RECORD] = { "record", record_ok },
	[ROTA_ASK_KEY] = { "key", key_ok },
	[ROTA_ASK_SERIES] = { "series", series_ok },
	[ROTA_ASK_CERTIFICATE] = { "certificate", certificate_ok },
	[ROTA_ASK_CAMPAIGN] = { "campaign", campaign_ok },
	[ROTA_ASK_ROWS] = { "rows", rota_rows_body_ok },
	[ROTA_ASK_REVOKE] = { "revoke", revoke_ok },
	[ROTA_ASK_CRL] = { "crl", crl_ok },
	[ROTA_ASK_OCSP] = { "ocsp", ocsp_ok },
};

const char *rota_ask_word(enum rota_ask_kind kind)
{
	return kinds[kind].word;
}

static enum rota_err wrong(struct rota_fail *why, const char *member)
{
	return rota_refuse(why, ROTA_REFUSED_MEMBER,
		"'%s' of the request is missing, unknown or malformed (SPEC 18.3)", member);
}

static enum rota_err read_kind(struct rota_ask *ask, struct rota_fail *why)
{
	const char *word = rota_judge_text(ask->whole, "kind");

	ask->body = json_object_get(ask->whole, "body");
	for (size_t i = 0; i < ROTA_ASK_KINDS; i++) {
		if (strcmp(word, kinds[i].word) != 0)
			continue;
		ask->kind = (enum rota_ask_kind)i;
		return kinds[i].body_ok(ask->body) ? ROTA_OK : wrong(why, "body");
	}
	return rota_refuse(why, ROTA_REFUSED_KIND, "there is no kind of request of that name");
}

static enum rota_err read_files(struct rota_ask *ask, struct rota_fail *why)
{
	const char *path;
	json_t *file;

	ask->files = json_object_get(ask->whole, "files");
	if (!json_is_object(ask->files) || json_object_size(ask->files) > ROTA_ASK_FILES_MAX)
		return wrong(why, "files");
	json_object_foreach(ask->files, path, file) if (!rota_path_valid(rota_span_cstr(path)) ||
		!json_is_string(file) ||
		json_string_length(file) > ROTA_ASK_TEXT_MAX) return wrong(why, "files");
	return ROTA_OK;
}

static enum rota_err read_head(struct rota_ask *ask, struct rota_fail *why)
{
	const json_t *whole = ask->whole, *expires = json_object_get(whole, "expires");
	const json_t *format = json_object_get(whole, "format");

	if (!rota_json_members(whole, "_type body expires files format id kind reason role scope"))
		return wrong(why, "a member");
	if (strcmp(rota_judge_text(whole, "_type"), "rota-ask") != 0 || !json_is_integer(format) ||
		json_integer_value(format) != 1)
		return wrong(why, "_type or format");
	ask->scope = rota_judge_text(whole, "scope");
	ask->role = rota_judge_text(whole, "role");
	ask->reason = rota_judge_text(whole, "reason");
	if (!rota_unhex(rota_judge_text(whole, "id"), ROTA_BUF(ask->id)))
		return wrong(why, "id");
	if (!rota_name_ok(ask->scope) || !rota_name_ok(ask->role))
		return wrong(why, "scope or role");
	if (!is_line(ask->reason, ROTA_ASK_REASON_MAX))
		return wrong(why, "reason");
	if (!json_is_null(expires) &&
		!rota_when_parse(rota_judge_text(whole, "expires"), &ask->expires_s))
		return wrong(why, "expires");
	return ROTA_OK;
}

static enum rota_err read_all(struct rota_ask *ask, struct rota_fail *why)
{
	if (ask->bytes.len > ROTA_ASK_MAX)
		return rota_refuse(why, ROTA_REFUSED_SPELLING, "the request has more than %d bytes",
			ROTA_ASK_MAX);
	/* each value has a byte of its own, but for one */
	if (ask->bytes.len >= ROTA_ASK_VALUES_MAX &&
		rota_json_values(rota_bytes_span(&ask->bytes)) > ROTA_ASK_VALUES_MAX)
		return rota_refuse(why, ROTA_REFUSED_SPELLING,
			"the request has more than %d values", ROTA_ASK_VALUES_MAX);
	if (rota_json_parse_signed(rota_bytes_span(&ask->bytes), "body", "signed", &ask->whole,
		    &ask->canonical, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_SPELLING);
	ROTA_TRY(read_head(ask, why));
	ROTA_TRY(read_files(ask, why));
	ROTA_TRY(read_kind(ask, why));
	rota_digest_of(rota_bytes_span(&ask->bytes), ask->digest);
	if (ask->kind == ROTA_ASK_METADATA)
		ask->signed_ = rota_bytes_span(&ask->canonical);
	return ROTA_OK;
}

enum rota_err rota_ask_parse(struct rota_bytes bytes, struct rota_ask *out, struct rota_fail *why)
{
	*out = (struct rota_ask){ .bytes = bytes };
	if (read_all(out, why) == ROTA_OK)
		return ROTA_OK;
	rota_ask_free(out);
	return why->err;
}

void rota_ask_free(struct rota_ask *ask)
{
	json_decref(ask->whole);
	rota_bytes_free(&ask->bytes);
	rota_bytes_free(&ask->canonical);
	*ask = (struct rota_ask){ 0 };
}

enum rota_err rota_ask_write(
	const struct rota_ask *ask, struct rota_bytes *out, struct rota_fail *why)
{
	char id[2 * sizeof(ask->id) + 1], expires[ROTA_WHEN_LEN];
	json_t *whole;
	enum rota_err err;

	rota_hex(ROTA_SPAN(ask->id), id);
	rota_when_text(ask->expires_s, expires);
	whole = json_pack("{s:s,s:O,s:o,s:i,s:s,s:s,s:s,s:s,s:s}", "_type", "rota-ask", "body",
		ask->body, "expires", ask->expires_s ? json_string(expires) : json_null(), "format",
		1, "id", id, "kind", kinds[ask->kind].word, "reason", ask->reason, "role",
		ask->role, "scope", ask->scope);
	if (whole)
		json_object_set_new(
			whole, "files", ask->files ? json_incref(ask->files) : json_object());
	err = rota_json_encode(whole, ROTA_JSON_FILE, out, why);
	json_decref(whole);
	return err;
}
