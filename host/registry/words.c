/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/words.h"

#include <string.h>

bool rota_words_read(const struct rota_record *record, json_t **out)
{
	struct rota_fail unread;

	return rota_json_parse_strict(record->payload, out, &unread) == ROTA_OK;
}

bool rota_words_text(const json_t *from, const char *member, char *to, size_t room)
{
	const json_t *value = json_object_get(from, member);
	size_t len = json_string_length(value);
	const char *text = json_string_value(value);

	if (!text || len == 0 || len >= room)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	memset(to, 0, room);
	memcpy(to, text, len);
	return true;
}

bool rota_words_name(const json_t *from, const char *member, char to[static ROTA_REG_NAME_LEN])
{
	return rota_words_text(from, member, to, ROTA_REG_NAME_LEN) &&
		rota_name_valid(rota_span_cstr(to));
}

bool rota_words_id(const json_t *from, const char *member, char to[static ROTA_DB_ID_LEN])
{
	uint8_t bytes[ROTA_DEVICE_ID_LEN];

	return rota_words_text(from, member, to, ROTA_DB_ID_LEN) && rota_unhex(to, ROTA_BUF(bytes));
}

bool rota_words_number(const json_t *from, const char *member, uint64_t most, uint64_t *to)
{
	const json_t *value = json_object_get(from, member);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > most)
		return false;
	*to = (uint64_t)json_integer_value(value);
	return true;
}

bool rota_words_signed(const json_t *from)
{
	char by[ROTA_REG_TEXT_LEN], why[ROTA_REG_WHY_LEN];

	return rota_words_text(from, "by", by, sizeof(by)) &&
		rota_words_text(from, "why", why, sizeof(why));
}
