/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/bar.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 20 /* all of a transfer's line in 80 columns, up to 10 GB */
#define EVERY_MS 100
#define LINE_ROOM 160

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void step(void *ctx, uint64_t done, uint64_t all)
{
	rota_bar_step(ctx, done, all);
}

void rota_bar_begin(struct rota_bar *b, FILE *out, const char *what)
{
	*b = (struct rota_bar){ .what = what, .port = { .ctx = b, .step = step } };
	if (!out || !isatty(fileno(out)))
		return;
	b->out = out;
	b->from_ms = b->last_ms = now_ms();
}

void rota_bar_begin_bytes(struct rota_bar *b, FILE *out, const char *what, uint64_t from)
{
	rota_bar_begin(b, out, what);
	b->bytes = true;
	b->from = from;
}

/* Columns of the terminal; a line that fills them wraps, and \r does not bring it back. */
static int columns(FILE *out)
{
	struct winsize w;

	if (ioctl(fileno(out), TIOCGWINSZ, &w) != 0 || w.ws_col < 2)
		return 80;
	return w.ws_col;
}

/* Behind the bar of a transfer. */
static void put_rate(const struct rota_bar *b, uint64_t now, uint64_t done, uint64_t all,
	char *text, size_t room)
{
	uint64_t ms = now > b->from_ms ? now - b->from_ms : 1;
	double rate = (double)(done - b->from) * 1000.0 / (double)ms;
	double left = rate > 0 ? (double)(all - done) / rate : 0;

	snprintf(text, room, "  %.1f of %.1f MB  %.1f MB/s  %d:%02d", (double)done / 1e6,
		(double)all / 1e6, rate / 1e6, (int)left / 60, (int)left % 60);
}

static void draw(struct rota_bar *b, uint64_t now, uint64_t done, uint64_t all)
{
	double part = (double)done / (double)all;
	char bar[WIDTH + 1], line[LINE_ROOM];
	int len;

	memset(bar, '.', WIDTH);
	memset(bar, '#', (size_t)(part * WIDTH));
	bar[WIDTH] = 0;
	len = snprintf(line, sizeof(line), "%s [%s] %3d %%", b->what, bar, (int)(part * 100));
	if (b->bytes && len > 0 && (size_t)len < sizeof(line))
		put_rate(b, now, done, all, line + len, sizeof(line) - (size_t)len);
	fprintf(b->out, "\r%.*s\033[K", columns(b->out) - 1, line);
	fflush(b->out);
	b->drawn = true;
}

void rota_bar_step(struct rota_bar *b, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!b->out || all == 0 || done > all || done < b->from)
		return;
	now = now_ms();
	if (now - b->last_ms < EVERY_MS)
		return;
	b->last_ms = now;
	draw(b, now, done, all);
}

void rota_bar_end(struct rota_bar *b)
{
	if (!b->drawn)
		return;
	fputs("\r\033[K", b->out);
	fflush(b->out);
	b->drawn = false;
}
