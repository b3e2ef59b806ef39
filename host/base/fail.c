/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line: what came from a file name or a token must not break it. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			*text = '?';
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
