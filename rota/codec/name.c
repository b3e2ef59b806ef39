/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/name.h"

static bool lower_or_digit(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool one_of(uint8_t byte, struct rota_span set)
{
	for (size_t i = 0; i < set.len; i++)
		if (set.p[i] == byte)
			return true;
	return false;
}

bool rota_name_valid(struct rota_span text)
{
	if (text.len == 0 || text.len > ROTA_NAME_MAX || !lower_or_digit(text.p[0]))
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (!lower_or_digit(text.p[i]) && !one_of(text.p[i], ROTA_STR("._-")))
			return false;
	return true;
}

static bool path_byte(uint8_t byte)
{
	return lower_or_digit(byte) || (byte >= 'A' && byte <= 'Z') ||
		one_of(byte, ROTA_STR("._+~=,@-"));
}

static bool segment_valid(struct rota_span segment)
{
	if (segment.len == 0 || rota_span_eq(segment, ROTA_STR(".")) ||
		rota_span_eq(segment, ROTA_STR("..")))
		return false;
	for (size_t i = 0; i < segment.len; i++)
		if (!path_byte(segment.p[i]))
			return false;
	return true;
}

bool rota_path_valid(struct rota_span text)
{
	size_t from = 0;

	if (text.len > ROTA_PATH_MAX)
		return false;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.p[i] != '/')
			continue;
		if (!segment_valid(rota_span_slice(text, from, i - from)))
			return false;
		from = i + 1;
	}
	return true;
}
