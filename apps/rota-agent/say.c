/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/say.h"
#include "host/base/bar.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	bool json, verbose;
	struct rota_bar bar;
} it;

void say_begin(bool json, bool verbose)
{
	it.json = json;
	it.verbose = verbose;
}

/* ---- lines ---- */

static bool one_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text == '"' || *text == '\\' || *text == '=' || *text == 0x7f)
			return false;
	return true;
}

/* Control characters, which a server's words may hold, never reach a terminal. */
static void put_value(const char *text)
{
	if (one_word(text)) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
	}
	putchar('"');
}

static void put_json(const char *word, const struct say_field *f)
{
	json_t *line = json_pack("{s:s}", "line", word);
	char *text;

	for (; f && f->key; f++)
		if (f->value && *f->value)
			json_object_set_new(
				line, f->key, json_stringn_nocheck(f->value, strlen(f->value)));
	text = json_dumps(line, JSON_COMPACT);
	if (text)
		puts(text);
	free(text);
	json_decref(line);
}

void say(const char *word, const struct say_field *f)
{
	say_progress_end();
	if (it.json) {
		put_json(word, f);
	} else {
		fputs(word, stdout);
		for (; f && f->key; f++) {
			if (!f->value || !*f->value)
				continue;
			printf(" %s=", f->key);
			put_value(f->value);
		}
		putchar('\n');
	}
	fflush(stdout);
}

void say_more(const char *word, const struct say_field *fields)
{
	if (it.verbose)
		say(word, fields);
}

/* ---- the bar ---- */

void say_progress_begin(const char *what, uint64_t from)
{
	rota_bar_begin_bytes(&it.bar, it.json ? NULL : stdout, what, from);
}

void say_progress(uint64_t done, uint64_t all)
{
	rota_bar_step(&it.bar, done, all);
}

void say_progress_end(void)
{
	rota_bar_end(&it.bar);
}
