/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/server.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (SERVER_CERT_MAX + 1024)

static uint64_t now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

void server_init(struct server *s, const char *path)
{
	*s = (struct server){ .path = path, .fd = -1 };
}

void server_close(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static enum rota_err open_socket(struct server *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(s->path) >= sizeof(to.sun_path))
		return ROTA_ERR_ARGUMENT;
	memcpy(to.sun_path, s->path, strlen(s->path));
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		server_close(s);
		return ROTA_ERR_NET;
	}
	return ROTA_OK;
}

/* Until it can be read or written, or the deadline. */
static bool ready(const struct server *s, short what, uint64_t deadline_ms)
{
	struct pollfd at = { .fd = s->fd, .events = what };
	uint64_t now = now_ms();

	return now < deadline_ms && poll(&at, 1, (int)(deadline_ms - now)) > 0;
}

static enum rota_err send_all(struct server *s, struct rota_span bytes, uint64_t deadline_ms)
{
	while (bytes.len > 0) {
		ssize_t n;

		if (!ready(s, POLLOUT, deadline_ms))
			return ROTA_ERR_NET;
		n = send(s->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			return ROTA_ERR_NET;
		bytes = rota_span_skip(bytes, (size_t)n);
	}
	return ROTA_OK;
}

/* The value of a header of the answer as a number; `none` where it is not there. */
static uint64_t number_of(const char *head, const char *name, uint64_t none)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, len) == 0)
			return strtoull(line + 2 + len, NULL, 10);
	return none;
}

/* Status line and headers into `head`, a string; *got bytes of the body came along behind it. */
static enum rota_err read_head(struct server *s, char head[static SERVER_HEAD_MAX + 1],
	struct rota_span *rest, uint64_t deadline_ms)
{
	size_t len = 0;

	for (;;) {
		ssize_t n;
		char *end;

		if (len == SERVER_HEAD_MAX || !ready(s, POLLIN, deadline_ms))
			return ROTA_ERR_NET;
		n = recv(s->fd, &head[len], SERVER_HEAD_MAX - len, MSG_DONTWAIT);
		if (n <= 0)
			return ROTA_ERR_NET;
		len += (size_t)n;
		head[len] = 0;
		end = strstr(head, "\r\n\r\n");
		if (end == NULL)
			continue;
		*rest = rota_span((const uint8_t *)end + 4, len - (size_t)(end + 4 - head));
		end[2] = 0;
		return ROTA_OK;
	}
}

static enum rota_err read_answer(
	struct server *s, struct rota_buf room, struct server_answer *out, uint64_t deadline_ms)
{
	char head[SERVER_HEAD_MAX + 1];
	struct rota_span rest;
	uint64_t len;

	ROTA_TRY(read_head(s, head, &rest, deadline_ms));
	if (sscanf(head, "HTTP/1.1 %3u", &out->status) != 1)
		return ROTA_ERR_NET;
	len = number_of(head, "Content-Length:", 0);
	out->retry_s = (uint32_t)number_of(head, "Retry-After:", 0);
	if (len > room.len)
		return ROTA_ERR_LENGTH;
	if (rest.len > len)
		return ROTA_ERR_NET;
	memcpy(room.p, rest.p, rest.len);
	for (out->len = rest.len; out->len < len;) {
		ssize_t n;

		if (!ready(s, POLLIN, deadline_ms))
			return ROTA_ERR_NET;
		n = recv(s->fd, &room.p[out->len], (size_t)len - out->len, MSG_DONTWAIT);
		if (n <= 0)
			return ROTA_ERR_NET;
		out->len += (size_t)n;
	}
	return ROTA_OK;
}

static enum rota_err once(struct server *s, struct rota_span request, struct rota_span body,
	struct rota_buf room, struct server_answer *out)
{
	uint64_t deadline_ms = now_ms() + 1000u * SERVER_DEADLINE_S;
	enum rota_err err = s->fd < 0 ? open_socket(s) : ROTA_OK;

	if (err == ROTA_OK)
		err = send_all(s, request, deadline_ms);
	if (err == ROTA_OK)
		err = send_all(s, body, deadline_ms);
	if (err == ROTA_OK)
		err = read_answer(s, room, out, deadline_ms);
	if (err != ROTA_OK)
		server_close(s);
	return err;
}

enum rota_err server_call(struct server *s, struct rota_span certificate, const char *target,
	struct rota_span body, struct rota_buf room, struct server_answer *out)
{
	bool was_open = s->fd >= 0;
	char request[REQUEST_MAX];
	struct rota_span head;
	enum rota_err err;
	int len;

	*out = (struct server_answer){ 0 };
	len = snprintf(request, sizeof(request),
		"%s %s HTTP/1.1\r\nHost: rotad\r\nX-Rota-Client-Cert: %.*s\r\n",
		body.p ? "POST" : "GET", target, (int)certificate.len, (const char *)certificate.p);
	if (body.p && len > 0 && (size_t)len < sizeof(request))
		len += snprintf(&request[len], sizeof(request) - (size_t)len,
			"Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n",
			body.len);
	if (len > 0 && (size_t)len < sizeof(request))
		len += snprintf(&request[len], sizeof(request) - (size_t)len, "\r\n");
	if (len < 0 || (size_t)len >= sizeof(request))
		return ROTA_ERR_LIMIT;
	head = rota_span((const uint8_t *)request, (size_t)len);
	err = once(s, head, body, room, out);
	if (err == ROTA_ERR_NET &&
		was_open) /* shut while it was idle; all that we ask may be asked again */
		err = once(s, head, body, room, out);
	return err;
}
