/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/frame.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HEAD 4

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum rota_err wait_for(int fd, short what, uint64_t until_ms, struct rota_fail *why)
{
	struct pollfd p = { .fd = fd, .events = what };
	int ready;

	do {
		uint64_t now = now_ms();

		if (now >= until_ms)
			ready = 0;
		else
			ready = poll(
				&p, 1, until_ms - now < INT_MAX ? (int)(until_ms - now) : INT_MAX);
	} while (ready < 0 && errno == EINTR);
	if (ready == 1)
		return ROTA_OK;
	if (ready == 0)
		return rota_fail(why, ROTA_ERR_TIMEOUT, "no answer in time");
	return rota_fail_errno(why, errno, "poll");
}

static enum rota_err take(int fd, struct rota_buf to, uint64_t until_ms, struct rota_fail *why)
{
	size_t have = 0;

	while (have < to.len) {
		ssize_t got;

		ROTA_TRY(wait_for(fd, POLLIN, until_ms, why));
		got = recv(fd, to.p + have, to.len - have, MSG_DONTWAIT);
		if (got == 0)
			return rota_fail(why, ROTA_ERR_IO, "the other side hung up");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return rota_fail_errno(why, errno, "recv");
		have += got > 0 ? (size_t)got : 0;
	}
	return ROTA_OK;
}

static enum rota_err give(int fd, struct rota_span from, uint64_t until_ms, struct rota_fail *why)
{
	size_t sent = 0;

	while (sent < from.len) {
		ssize_t n;

		ROTA_TRY(wait_for(fd, POLLOUT, until_ms, why));
		n = send(fd, from.p + sent, from.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return rota_fail_errno(why, errno, "send");
		sent += n > 0 ? (size_t)n : 0;
	}
	return ROTA_OK;
}

enum rota_err rota_frame_read(
	int fd, size_t max, unsigned deadline_ms, struct rota_bytes *out, struct rota_fail *why)
{
	uint64_t until_ms = now_ms() + deadline_ms;
	uint8_t head[HEAD];
	struct rota_reader r;
	size_t len;

	*out = (struct rota_bytes){ 0 };
	ROTA_TRY(take(fd, ROTA_BUF(head), until_ms, why));
	r = rota_reader(ROTA_SPAN(head));
	len = rota_read_le32(&r);
	if (len > max)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "a message of %zu bytes; %zu are allowed", len, max);
	out->p = calloc(1, len + 1);
	if (!out->p)
		abort();
	out->room = out->len = len;
	if (take(fd, rota_buf(out->p, len), until_ms, why) == ROTA_OK)
		return ROTA_OK;
	rota_bytes_wipe(out);
	return why->err;
}

enum rota_err rota_frame_write(
	int fd, struct rota_span bytes, unsigned deadline_ms, struct rota_fail *why)
{
	uint64_t until_ms = now_ms() + deadline_ms;
	uint8_t head[HEAD];
	struct rota_writer w = rota_writer(ROTA_BUF(head));

	if (bytes.len > ROTA_FRAME_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "a message of %zu bytes", bytes.len);
	rota_write_le32(&w, (uint32_t)bytes.len);
	ROTA_TRY(give(fd, ROTA_SPAN(head), until_ms, why));
	return give(fd, bytes, until_ms, why);
}

enum rota_err rota_frame_say(
	int fd, const struct rota_fail *how, unsigned deadline_ms, struct rota_fail *why)
{
	uint8_t room[1 + sizeof(how->text)];
	struct rota_writer w = rota_writer(ROTA_BUF(room));

	rota_write_u8(&w, (uint8_t)how->err);
	if (how->err != ROTA_OK)
		rota_write_span(&w, rota_span(how->text, strnlen(how->text, sizeof(how->text))));
	return rota_frame_write(fd, rota_writer_span(&w), deadline_ms, why);
}

enum rota_err rota_frame_hear(int fd, unsigned deadline_ms, struct rota_fail *why)
{
	struct rota_bytes said;
	enum rota_err err;

	ROTA_TRY(rota_frame_read(fd, 1 + sizeof(why->text), deadline_ms, &said, why));
	if (said.len == 0 || said.p[0] >= ROTA_ERR_COUNT)
		err = rota_fail(why, ROTA_ERR_FORMAT, "the other side says nothing that is known");
	else if (said.p[0] == ROTA_OK)
		err = ROTA_OK;
	else
		err = rota_fail(why, (enum rota_err)said.p[0], "%s", (const char *)said.p + 1);
	rota_bytes_free(&said);
	return err;
}
