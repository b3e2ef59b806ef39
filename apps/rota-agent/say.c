/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/say.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 20 /* all of its line in 80 columns, up to 10 GB */
#define BAR_EVERY_MS 100

static struct {
	bool json, verbose, terminal;
	bool drawn; /* a bar stands on the line */
	uint64_t from_ms, last_ms; /* of the transfer: its start, the last drawing */
	uint64_t from; /* its first byte */
} it;

void say_begin(bool json, bool verbose)
{
	it.json = json;
	it.verbose = verbose;
	it.terminal = !json && isatty(STDOUT_FILENO);
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

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Columns of the terminal; a line that fills them wraps, and \r does not bring it back. */
static int columns(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 2)
		return 80;
	return w.ws_col;
}

static void draw(const char *what, uint64_t now, uint64_t done, uint64_t all)
{
	uint64_t ms = now > it.from_ms ? now - it.from_ms : 1;
	double rate = (double)(done - it.from) * 1000.0 / (double)ms;
	double left = rate > 0 ? (double)(all - done) / rate : 0;
	int filled = (int)(BAR_WIDTH * done / all);
	char bar[BAR_WIDTH + 1], line[160];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[BAR_WIDTH] = 0;
	snprintf(line, sizeof(line), "%s [%s] %3d %%  %.1f of %.1f MB  %.1f MB/s  %d:%02d", what,
		bar, (int)(100 * done / all), (double)done / 1e6, (double)all / 1e6, rate / 1e6,
		(int)left / 60, (int)left % 60);
	printf("\r%.*s\033[K", columns() - 1, line);
	fflush(stdout);
	it.drawn = true;
}

void say_progress(const char *what, uint64_t from, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!it.terminal || all == 0 || done > all)
		return;
	now = now_ms();
	if (!it.drawn && it.from_ms == 0) {
		it.from_ms = it.last_ms = now;
		it.from = from;
	}
	if (now - it.last_ms < BAR_EVERY_MS && done < all)
		return;
	it.last_ms = now;
	draw(what, now, done, all);
}

void say_progress_end(void)
{
	if (it.drawn)
		fputs("\r\033[K", stdout);
	it.drawn = false;
	it.from_ms = 0;
}
