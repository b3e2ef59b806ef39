/* SPDX-License-Identifier: Apache-2.0 */
#include "host/recovery/lineport.h"
#include "host/base/file.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS                                                                                   \
	500 /* a frame that is not answered is sent again: ten times what it takes at 115,200 baud */
#define LINGER_MS 3000 /* how long questions for the verdict are answered after the last one */
#define PIECE 512

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- opening ---- */

enum rota_err rota_lineport_open(struct rota_lineport *l, const char *path, struct rota_fail *why)
{
	struct termios raw;

	*l = (struct rota_lineport){ .fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) };
	if (l->fd < 0)
		return rota_fail_errno(why, errno, "%s", path);
	snprintf(l->path, sizeof(l->path), "%s", path);
	if (tcgetattr(l->fd, &l->before) != 0) {
		close(l->fd);
		l->fd = -1;
		return rota_fail(why, ROTA_ERR_FORMAT, "%s is no serial line", path);
	}
	raw = l->before;
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL | CREAD;
	cfsetispeed(&raw, B115200);
	cfsetospeed(&raw, B115200);
	if (tcsetattr(l->fd, TCSANOW, &raw) != 0) {
		rota_lineport_close(l);
		return rota_fail_errno(why, errno, "%s cannot be set to raw bytes", path);
	}
	rota_line_receive(&l->receiver);
	return ROTA_OK;
}

void rota_lineport_close(struct rota_lineport *l)
{
	if (l->fd < 0)
		return;
	tcsetattr(l->fd, TCSANOW, &l->before);
	close(l->fd);
	l->fd = -1;
}

/* ---- bytes ---- */

static bool stopped(const struct rota_lineport *l)
{
	return l->stop != NULL && *l->stop != 0;
}

/* What arrives within `ms`; 0 bytes: nothing did. A line that was unplugged says so for ever: that is quiet too. */
static size_t receive(const struct rota_lineport *l, uint8_t bytes[static PIECE], uint64_t ms)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	ssize_t got;

	if (poll(&p, 1, ms < 100 ? (int)ms : 100) <= 0)
		return 0;
	got = read(l->fd, bytes, PIECE);
	if (got <= 0)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	return got > 0 ? (size_t)got : 0;
}

/* All of it, or as much as the line takes within a second: what is lost is sent again. */
static void send_bytes(const struct rota_lineport *l, struct rota_span bytes)
{
	uint64_t end = now_ms() + 1000;

	while (bytes.len > 0 && now_ms() < end && !stopped(l)) {
		struct pollfd p = { .fd = l->fd, .events = POLLOUT };
		ssize_t put;

		if (poll(&p, 1, 100) <= 0)
			continue;
		put = write(l->fd, bytes.p, bytes.len);
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return;
		bytes = rota_span_skip(bytes, put > 0 ? (size_t)put : 0);
	}
}

/* ---- the receiving end ---- */

static enum rota_err put_all(int fd, struct rota_span data)
{
	while (data.len > 0) {
		ssize_t put = write(fd, data.p, data.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC ? ROTA_ERR_FULL : ROTA_ERR_IO;
		data = rota_span_skip(data, (size_t)put);
	}
	return ROTA_OK;
}

/* What one byte led to, done. */
static enum rota_err act(
	struct rota_lineport *l, const struct rota_line_event *e, int to_fd, uint64_t most)
{
	if (e->began && (ftruncate(to_fd, 0) != 0 || lseek(to_fd, 0, SEEK_SET) != 0))
		return ROTA_ERR_IO;
	if (e->began && l->receiver.length > most)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(put_all(to_fd, e->data));
	send_bytes(l, e->answer);
	return ROTA_OK;
}

static enum rota_err take(struct rota_lineport *l, struct rota_span bytes, int to_fd, uint64_t most)
{
	uint8_t room[ROTA_FRAME_WIRE_MAX];

	for (size_t i = 0; i < bytes.len; i++) {
		struct rota_line_event e = rota_line_take(&l->receiver, bytes.p[i], ROTA_BUF(room));

		ROTA_TRY(act(l, &e, to_fd, most));
	}
	return ROTA_OK;
}

enum rota_err rota_lineport_receive(struct rota_lineport *l, int to_fd, uint64_t most,
	unsigned wait_s, unsigned quiet_s, struct rota_fail *why)
{
	uint64_t end = wait_s == 0 ? UINT64_MAX : now_ms() + (uint64_t)wait_s * 1000;
	uint8_t bytes[PIECE];
	enum rota_err err = ROTA_OK;

	rota_line_receive(&l->receiver);
	while (err == ROTA_OK && l->receiver.state < ROTA_LINE_WHOLE) {
		size_t got = receive(l, bytes, AGAIN_MS);

		if (stopped(l))
			return rota_fail(why, ROTA_ERR_TIMEOUT, "%s: stopped", l->path);
		if (got > 0)
			err = take(l, rota_span(bytes, got), to_fd, most);
		if (got > 0 && l->receiver.state != ROTA_LINE_WAITING)
			end = now_ms() + (uint64_t)quiet_s * 1000;
		if (now_ms() >= end)
			return rota_fail(why, ROTA_ERR_TIMEOUT,
				"%s: nobody sends a pack (`rota recovery send --line TTY`)",
				l->path);
	}
	if (err == ROTA_OK)
		return ROTA_OK;
	rota_fail(why, err, "%s: the pack cannot be taken: %s", l->path, rota_err_str(err));
	return err;
}

void rota_lineport_tell(struct rota_lineport *l, enum rota_err verdict, const char *text)
{
	uint8_t bytes[PIECE], room[ROTA_FRAME_WIRE_MAX];
	uint64_t end = now_ms() + LINGER_MS;

	snprintf(l->text, sizeof(l->text), "%s", text);
	rota_line_tell(&l->receiver, verdict, rota_span_cstr(l->text));
	while (now_ms() < end && !stopped(l)) {
		size_t got = receive(l, bytes, AGAIN_MS);

		for (size_t i = 0; i < got; i++) {
			struct rota_line_event e =
				rota_line_take(&l->receiver, bytes[i], ROTA_BUF(room));

			send_bytes(l, e.answer);
			if (e.answer.len > 0) /* asked again within this, the answer was lost */
				end = now_ms() + 3 * AGAIN_MS;
		}
	}
}

/* ---- the sending end ---- */

static enum rota_err send_frame(
	const struct rota_lineport *l, const struct rota_line_sender *s, int from_fd)
{
	uint8_t data[ROTA_FRAME_DATA_MAX], room[ROTA_FRAME_WIRE_MAX];
	size_t due = rota_line_due(s);

	if (pread(from_fd, data, due, (off_t)s->sent) != (ssize_t)due)
		return ROTA_ERR_IO;
	send_bytes(l, rota_line_frame(s, rota_span(data, due), ROTA_BUF(room)));
	return ROTA_OK;
}

/* Wait for the answer to a frame; whether one came. */
static bool wait_answer(const struct rota_lineport *l, struct rota_line_sender *s)
{
	uint64_t end = now_ms() + AGAIN_MS;
	uint8_t bytes[PIECE];
	bool answered = false;

	while (!answered && now_ms() < end && !stopped(l)) {
		size_t got = receive(l, bytes, end - now_ms());

		for (size_t i = 0; i < got; i++)
			answered = rota_line_answer(s, bytes[i]) || answered;
	}
	return answered;
}

enum rota_err rota_lineport_send(struct rota_lineport *l, int from_fd, uint64_t len,
	unsigned quiet_s, unsigned verdict_s, const struct rota_progress *progress,
	struct rota_fail *why)
{
	uint64_t end = now_ms() + (uint64_t)quiet_s * 1000;
	struct rota_line_sender s;

	rota_line_send(&s, len);
	while (!s.done) {
		bool over = s.sent == len;

		if (send_frame(l, &s, from_fd) != ROTA_OK)
			return rota_fail(why, ROTA_ERR_IO, "the pack cannot be read");
		if (wait_answer(l, &s))
			end = now_ms() + (uint64_t)(s.sent == len ? verdict_s : quiet_s) * 1000;
		if (progress != NULL)
			progress->step(progress->ctx, s.sent, len);
		if (stopped(l))
			return rota_fail(why, ROTA_ERR_TIMEOUT, "%s: stopped", l->path);
		if (!s.done && now_ms() >= end)
			return rota_fail(why, ROTA_ERR_TIMEOUT,
				over ? "%s: the device took the pack and says nothing more"
				     : "%s: no device answers; is it in recovery, and the line "
				       "right?",
				l->path);
	}
	if (s.verdict == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why,
		s.verdict < ROTA_ERR_COUNT ? (enum rota_err)s.verdict : ROTA_ERR_FORMAT,
		"the device refuses the pack: %.*s", (int)s.text_len, (const char *)s.text);
}
