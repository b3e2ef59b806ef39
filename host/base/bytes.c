/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The least that is allocated: short texts grow once. */
#define ROOM_MIN 480
/* What most prints come to. */
#define PRINT_FEW 128

/* Room for `len` bytes more, and a NUL. */
static void grow(struct rota_bytes *to, size_t len)
{
	size_t room = to->p ? (to->room + len) * 2 : len;
	uint8_t *p;

	if (to->p && to->room - to->len >= len)
		return;
	room = room < ROOM_MIN ? ROOM_MIN : room;
	p = realloc(to->p, room + 1);
	if (!p)
		abort();
	to->p = p;
	to->room = room;
}

void rota_bytes_add(struct rota_bytes *to, struct rota_span from)
{
	grow(to, from.len);
	if (from.len)
		memcpy(to->p + to->len, from.p, from.len);
	to->len += from.len;
	to->p[to->len] = 0;
}

void rota_bytes_add_byte(struct rota_bytes *to, char byte)
{
	grow(to, 1);
	to->p[to->len++] = (uint8_t)byte;
	to->p[to->len] = 0;
}

void rota_bytes_add_text(struct rota_bytes *to, const char *text)
{
	rota_bytes_add(to, rota_span(text, strlen(text)));
}

void rota_bytes_free(struct rota_bytes *bytes)
{
	free(bytes->p);
	*bytes = (struct rota_bytes){ 0 };
}

void rota_bytes_wipe(struct rota_bytes *bytes)
{
	if (bytes->p)
		explicit_bzero(bytes->p, bytes->room);
	rota_bytes_free(bytes);
}

void rota_hex(struct rota_span from, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < from.len; i++) {
		to[2 * i] = digits[from.p[i] >> 4];
		to[2 * i + 1] = digits[from.p[i] & 15];
	}
	to[2 * from.len] = 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rota_unhex(const char *text, struct rota_buf to)
{
	if (!text || strlen(text) != 2 * to.len)
		return false;
	for (size_t i = 0; i < to.len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to.p[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static char *written(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static char *written(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		abort();
	return text;
}

char *rota_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = written(format, args);
	va_end(args);
	return text;
}

void rota_bytes_print(struct rota_bytes *to, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	grow(to, PRINT_FEW);
	len = vsnprintf((char *)to->p + to->len, to->room - to->len + 1, format, args);
	if (len < 0)
		abort();
	if ((size_t)len > to->room - to->len) {
		grow(to, (size_t)len);
		(void)vsnprintf((char *)to->p + to->len, (size_t)len + 1, format, again);
	}
	to->len += (size_t)len;
	va_end(again);
	va_end(args);
}
