/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEAD_LEN 4

/* ---- bytes ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum rota_err wait_for(int fd, short what, int64_t end_ms, struct rota_fail *why)
{
	struct pollfd p = { .fd = fd, .events = what };

	for (;;) {
		int64_t left = end_ms - now_ms();
		int got = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (got > 0)
			return ROTA_OK;
		if (got == 0)
			return rota_fail(why, ROTA_ERR_TIMEOUT, "the other side is silent");
		if (errno != EINTR)
			return rota_fail_errno(why, errno, "the way to the other side fails");
	}
}

static enum rota_err take(int fd, uint8_t *to, size_t len, int64_t end_ms, struct rota_fail *why)
{
	while (len > 0) {
		ssize_t got;

		ROTA_TRY(wait_for(fd, POLLIN, end_ms, why));
		got = read(fd, to, len);
		if (got == 0)
			return rota_fail(why, ROTA_ERR_IO, "the other side ended in the middle");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return rota_fail_errno(why, errno, "cannot read from the other side");
		if (got > 0) {
			to += got;
			len -= (size_t)got;
		}
	}
	return ROTA_OK;
}

static enum rota_err give(int fd, struct rota_span from, int64_t end_ms, struct rota_fail *why)
{
	while (from.len > 0) {
		ssize_t put;

		ROTA_TRY(wait_for(fd, POLLOUT, end_ms, why));
		put = write(fd, from.p, from.len);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return rota_fail_errno(why, errno, "cannot write to the other side");
		if (put > 0)
			from = rota_span_skip(from, (size_t)put);
	}
	return ROTA_OK;
}

/* ---- messages ---- */

static bool patient(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

enum rota_err rota_talk_begin(struct rota_talk *t, struct rota_fail *why)
{
	if (!patient(t->in) || !patient(t->out))
		return rota_fail_errno(why, errno, "the way to the other side cannot be used");
	t->said = rota_digest_new();
	return ROTA_OK;
}

void rota_talk_end(struct rota_talk *t)
{
	if (t->said)
		rota_digest_free(t->said);
	t->said = NULL;
}

void rota_talk_said(const struct rota_talk *t, uint8_t out[static ROTA_DIGEST_LEN])
{
	rota_digest_get(t->said, out);
}

static void remember(
	const struct rota_talk *t, const uint8_t head[static HEAD_LEN], struct rota_span all)
{
	rota_digest_add(t->said, rota_span(head, HEAD_LEN));
	rota_digest_add(t->said, all);
}

enum rota_err rota_talk_say(
	const struct rota_talk *t, const struct rota_factory_message *m, struct rota_fail *why)
{
	int64_t end_ms = now_ms() + ROTA_TALK_WAIT_MS;
	struct rota_bytes all = { 0 };
	uint8_t head[HEAD_LEN];
	enum rota_err err;

	rota_factory_encode(m, &all);
	for (unsigned i = 0; i < HEAD_LEN; i++)
		head[i] = (uint8_t)(all.len >> 8 * i & 0xFF);
	err = all.len <= ROTA_FACTORY_MESSAGE_MAX
		? give(t->out, ROTA_SPAN(head), end_ms, why)
		: rota_fail(why, ROTA_ERR_LIMIT, "a message of the factory has more than %u bytes",
			  ROTA_FACTORY_MESSAGE_MAX);
	if (err == ROTA_OK)
		err = give(t->out, rota_bytes_span(&all), end_ms, why);
	if (err == ROTA_OK)
		remember(t, head, rota_bytes_span(&all));
	rota_bytes_free(&all);
	return err;
}

/* The sentence is somebody else's: no byte of it may move a terminal. */
static enum rota_err said_no(struct rota_span text, struct rota_fail *why)
{
	char clean[ROTA_FACTORY_NO_MAX + 1];
	size_t len = text.len < ROTA_FACTORY_NO_MAX ? text.len : ROTA_FACTORY_NO_MAX;

	for (size_t i = 0; i < len; i++)
		clean[i] = text.p[i] >= ' ' && text.p[i] < 0x7F ? (char)text.p[i] : '?';
	clean[len] = 0;
	return rota_fail(why, ROTA_ERR_DENIED, "the other side ends it: %s", clean);
}

static enum rota_err hear(const struct rota_talk *t, struct rota_bytes *room, struct rota_fail *why)
{
	int64_t end_ms = now_ms() + ROTA_TALK_WAIT_MS;
	uint8_t head[HEAD_LEN];
	uint32_t len = 0;

	ROTA_TRY(take(t->in, head, sizeof(head), end_ms, why));
	for (unsigned i = 0; i < HEAD_LEN; i++)
		len |= (uint32_t)head[i] << 8 * i;
	if (len > ROTA_FACTORY_MESSAGE_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "the other side says %u bytes at once", len);
	room->p = malloc((size_t)len + 1);
	if (room->p == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	room->p[len] = 0;
	room->len = room->room = len;
	ROTA_TRY(take(t->in, room->p, len, end_ms, why));
	remember(t, head, rota_bytes_span(room));
	return ROTA_OK;
}

enum rota_err rota_talk_hear(const struct rota_talk *t, enum rota_factory_kind kind,
	struct rota_bytes *room, struct rota_factory_message *out, struct rota_fail *why)
{
	enum rota_err err;

	*room = (struct rota_bytes){ 0 };
	err = hear(t, room, why);
	if (err == ROTA_OK) {
		err = rota_factory_decode(rota_bytes_span(room), out);
		if (err == ROTA_OK && out->kind == ROTA_FACTORY_NO)
			err = said_no(out->field[0], why);
		else if (err != ROTA_OK || out->kind != kind)
			err = rota_fail(why, ROTA_ERR_FORMAT,
				"the other side does not speak as SPEC 28.6 says, or not in turn");
	}
	if (err != ROTA_OK)
		rota_bytes_free(room);
	return err;
}

void rota_talk_no(const struct rota_talk *t, const struct rota_fail *how)
{
	struct rota_factory_message m = { .kind = ROTA_FACTORY_NO };
	struct rota_fail ignored;

	if (!t->said)
		return; /* it never began: there is no way to tell anybody */
	m.field[0] = rota_span(how->text, strnlen(how->text, ROTA_FACTORY_NO_MAX));
	if (rota_talk_say(t, &m, &ignored) != ROTA_OK)
		return; /* nobody is there */
}
