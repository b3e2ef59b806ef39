/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/stationhead.h"

#include <stdio.h>
#include <string.h>

#define MEMBERS "at did head lines product"

void rota_stationhead_text(
	const struct rota_stationlog *l, char out[static ROTA_STATION_HEAD_TEXT_MAX])
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(l->last), hex);
	snprintf(out, ROTA_STATION_HEAD_TEXT_MAX, ROTA_STATION_LOG " %llu %s",
		(unsigned long long)l->lines, hex);
}

enum rota_err rota_stationhead_make(
	const struct rota_stationlog *l, struct rota_bytes *line, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err;
	json_t *row;

	rota_hex(ROTA_SPAN(l->last), hex);
	row = json_pack("{s:s,s:s,s:I,s:s}", "did", "head", "head", hex, "lines",
		(json_int_t)l->lines, "product", l->desk->dir->product);
	err = rota_stationlog_sign(l, row, line, why);
	json_decref(row);
	return err;
}

/* ---- one that was kept ---- */

static bool is_head(const struct rota_stationlog *l, const json_t *row,
	uint8_t head[static ROTA_DIGEST_LEN], json_int_t *lines)
{
	const char *did = json_string_value(json_object_get(row, "did"));
	const char *product = json_string_value(json_object_get(row, "product"));

	*lines = json_integer_value(json_object_get(row, "lines"));
	return rota_json_members(row, MEMBERS) && did && strcmp(did, "head") == 0 && product &&
		strcmp(product, l->desk->dir->product) == 0 && *lines >= 0 &&
		rota_unhex(json_string_value(json_object_get(row, "head")),
			rota_buf(head, ROTA_DIGEST_LEN));
}

static enum rota_err judge(const struct rota_stationlog *l, json_t *row, struct rota_fail *why)
{
	static const uint8_t none[ROTA_DIGEST_LEN];
	uint8_t head[ROTA_DIGEST_LEN];
	json_int_t lines;

	ROTA_TRY(rota_stationlog_signed(l, row, why));
	if (!is_head(l, row, head, &lines))
		return rota_fail(why, ROTA_ERR_FORMAT, "is no head of this station's log");
	if ((uint64_t)lines > l->lines)
		return rota_fail(why, ROTA_ERR_HASH,
			"knows %lld lines of " ROTA_STATION_LOG ", which has %llu now",
			(long long)lines, (unsigned long long)l->lines);
	if (memcmp(head, lines > 0 ? l->digest[lines - 1] : none, sizeof(head)) != 0)
		return rota_fail(why, ROTA_ERR_HASH, "knows another line %lld of " ROTA_STATION_LOG,
			(long long)lines);
	return ROTA_OK;
}

enum rota_err rota_stationhead_check(
	const struct rota_stationlog *l, struct rota_span line, struct rota_fail *why)
{
	json_t *row;
	enum rota_err err;

	ROTA_TRY(rota_json_parse_strict(line, &row, why));
	err = judge(l, row, why);
	json_decref(row);
	return err;
}

/* ---- a file of them ---- */

static enum rota_err check_all(const struct rota_stationlog *l, struct rota_span text,
	const char *path, unsigned *held, struct rota_fail *why)
{
	for (unsigned n = 1; text.len > 0; n++) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : text.len;

		/* Half a line that a cut left; the next append takes it away. */
		if (!end)
			return ROTA_OK;
		if (rota_stationhead_check(l, rota_span_slice(text, 0, len), why) != ROTA_OK)
			return rota_fail_in(why, "%s line %u", path, n);
		*held = n;
		text = rota_span_skip(text, len + 1);
	}
	return ROTA_OK;
}

enum rota_err rota_stationhead_keep(
	const struct rota_stationlog *l, const char *path, unsigned *held, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err;

	*held = 0;
	if (rota_file_exists(path)) {
		ROTA_TRY(rota_file_read(path, ROTA_STATION_HEADS_MAX, &text, why));
		err = check_all(l, rota_bytes_span(&text), path, held, why);
		rota_bytes_free(&text);
		ROTA_TRY(err);
	}
	ROTA_TRY(rota_stationhead_make(l, &text, why));
	rota_bytes_add_text(&text, "\n");
	err = rota_file_append(path, rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	return err;
}
