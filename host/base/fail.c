/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of what is here and is not to be seen: a control character, of C0 or C1 (U+0080 to U+009F), no width
 * (U+200B), or one that ends a line or turns its direction (U+061C, 200E, 2028, 202A, 2066 and their like). */
static size_t unseen(const unsigned char *t)
{
	if (*t < ' ' || *t == 0x7F)
		return 1;
	if ((t[0] == 0xC2 && t[1] >= 0x80 && t[1] <= 0x9F) || (t[0] == 0xD8 && t[1] == 0x9C))
		return 2;
	if (t[0] == 0xE2 && t[1] == 0x80 &&
		((t[2] >= 0x8B && t[2] <= 0x8F) || (t[2] >= 0xA8 && t[2] <= 0xAE)))
		return 3;
	return t[0] == 0xE2 && t[1] == 0x81 && t[2] >= 0xA0 && t[2] <= 0xAF ? 3 : 0;
}

/* One line, read as it is written: what came from a file name, a token or somebody's bundle must not break it, nor
 * move the cursor. */
static void flatten(char *text)
{
	while (*text) {
		size_t len = unseen((const unsigned char *)text);

		memset(text, '?', len);
		text += len ? len : 1;
	}
}

enum rota_err rota_fail(struct rota_fail *why, enum rota_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	flatten(why->text);
	return why->err = err;
}

enum rota_err rota_fail_errno(struct rota_fail *why, int code, const char *format, ...)
{
	size_t len;
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	len = strlen(why->text);
	snprintf(why->text + len, sizeof(why->text) - len, ": %s", strerror(code));
	flatten(why->text);
	if (code == ENOSPC || code == EDQUOT)
		return why->err = ROTA_ERR_FULL;
	return why->err = code == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO;
}

enum rota_err rota_fail_in(struct rota_fail *why, const char *format, ...)
{
	char inner[sizeof(why->text)];
	size_t len;
	va_list args;

	memcpy(inner, why->text, sizeof(inner));
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	flatten(why->text);
	len = strlen(why->text);
	snprintf(why->text + len, sizeof(why->text) - len, ": %s", inner);
	return why->err;
}
