/* SPDX-License-Identifier: Apache-2.0 */
#include "host/serve/say.h"
#include "host/base/when.h"

#include <stdarg.h>
#include <stdio.h>

void rota_say(const char *program, const char *format, ...)
{
	char when[ROTA_WHEN_LEN], text[700];
	va_list args;

	rota_when_text(rota_when_now(), when);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "%s %s: %s\n", when, program, text);
}
