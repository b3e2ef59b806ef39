/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/file_edit.h -- bad files as one good file with one place changed. */
#ifndef TESTS_UNIT_FILE_EDIT_H
#define TESTS_UNIT_FILE_EDIT_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#include <string.h>

struct file_edit {
	const char *reason;
	const char *from; /* which stands in the good file once; NULL: nothing is changed */
	const char *to;
	enum rota_err err;
};

/* The good file with the edit, in `room`; empty where `from` does not stand there, or there is no room. */
static inline struct rota_span file_edited(
	const char *good, const struct file_edit *e, char *room, size_t room_len)
{
	const char *at = strstr(good, e->from);
	size_t before, len;

	if (at == NULL || strlen(good) + strlen(e->to) > room_len)
		return rota_span(NULL, 0);
	before = (size_t)(at - good);
	memcpy(room, good, before);
	len = before;
	memcpy(room + len, e->to, strlen(e->to));
	len += strlen(e->to);
	at += strlen(e->from);
	memcpy(room + len, at, strlen(at));
	return rota_span((const uint8_t *)room, len + strlen(at));
}

#endif
