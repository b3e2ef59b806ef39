/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum phase {
	IDLE, /* between requests */
	HEAD,
	BODY,
	BUSY, /* evhttp has the request, no answer yet */
	SHUT, /* refused; only the end of file follows */
};

struct conn {
	struct gate *gate;
	struct bufferevent *socket; /* below the filter */
	struct event *deadline;
	struct timeval began; /* first byte of the request, CLOCK_MONOTONIC */
	struct rota_http_body body;
	enum phase phase;
	bool known; /* the peer's uid was checked */
};

static void arm(struct conn *c, uint64_t seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	event_add(c->deadline, &tv);
}

/* What is left of `seconds` since the request began. */
static void arm_since(struct conn *c, uint64_t seconds)
{
	struct timeval end = c->began, now, left;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (struct timeval){ .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
	end.tv_sec += (time_t)seconds;
	timersub(&end, &now, &left);
	if (left.tv_sec < 0)
		left = (struct timeval){ 0 };
	event_add(c->deadline, &left);
}

/* Nothing more is taken. */
static void shut(struct conn *c)
{
	c->phase = SHUT;
	event_del(c->deadline);
	shutdown(bufferevent_getfd(c->socket), SHUT_RDWR);
}

/* Answer by hand and shut down. status 0: without a word. */
static void refuse(struct conn *c, int status)
{
	evutil_socket_t fd = bufferevent_getfd(c->socket);
	char text[160];
	int len;

	if (c->phase == SHUT || fd < 0)
		return;
	if (status != 0) {
		len = snprintf(text, sizeof(text),
			"HTTP/1.1 %d Refused\r\nConnection: close\r\n%sContent-Length: 0\r\n\r\n",
			status, status == 503 ? "Retry-After: 10\r\n" : "");
		(void)!send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	shut(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd, (void)what;
	if (c->phase == IDLE) {
		refuse(c, 0);
		return;
	}
	count_one(&c->gate->shared->figures.deadlines);
	refuse(c, c->phase == BUSY ? 503 : 408);
}

static bool peer_allowed(const struct conn *c)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(bufferevent_getfd(c->socket), SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	for (size_t i = 0; i < c->gate->user_count; i++)
		if (peer.uid == c->gate->users[i])
			return true;
	return peer.uid == geteuid() || peer.uid == 0;
}

/* The first bytes of a connection. 0, or the status to refuse with. */
static int admit(struct conn *c)
{
	if (c->known)
		return 0;
	c->known = true;
	if (c->gate->open > c->gate->shared->config.connections)
		return 503;
	return peer_allowed(c) ? 0 : 403;
}

static void move(struct evbuffer *from, struct evbuffer *to, size_t len)
{
	evbuffer_remove_buffer(from, to, len);
}

static void begin_request(struct conn *c)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->began = (struct timeval){ .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
	c->phase = HEAD;
	arm(c, c->gate->shared->config.header_s);
}

/* Whether the client asks for it (RFC 9112, 9.6). */
static bool wants_close(struct rota_span in)
{
	struct rota_span value;

	return rota_http_header(in, "connection", &value) && value.len == 5 &&
		strncasecmp((const char *)value.p, "close", value.len) == 0;
}

/* Nothing waits in front of it. */
static void put_out(struct conn *c, struct rota_span answer)
{
	struct evbuffer *out = bufferevent_get_output(c->socket);
	ssize_t sent = send(
		bufferevent_getfd(c->socket), answer.p, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	answer = rota_span_skip(answer, sent > 0 ? (size_t)sent : 0);
	if (answer.len > 0)
		evbuffer_add(out, answer.p, answer.len);
}

/* 0, or the status to refuse with; *done: it was answered. */
static int answer_direct(
	struct conn *c, struct evbuffer *from, const struct rota_http_head *head, bool *done)
{
	uint8_t out[CONN_DIRECT_MAX];
	struct rota_span in;
	size_t len;

	*done = false;
	if (c->gate->direct == NULL || head->chunked || head->body_len > 0)
		return 0;
	if (evbuffer_get_length(from) > head->len)
		return 400; /* bytes behind a request */
	if (evbuffer_get_length(bufferevent_get_output(c->socket)) > 0) {
		/* Who asks again without having read the last answer would fill our memory with them. */
		count_one(&c->gate->shared->figures.refused_http);
		shut(c);
		*done = true;
		return 0;
	}
	in = rota_span(evbuffer_pullup(from, (ev_ssize_t)head->len), head->len);
	len = c->gate->direct(c->gate->direct_ctx, head, in, ROTA_BUF(out));
	*done = len > 0;
	if (!*done)
		return 0;
	put_out(c, rota_span(out, len));
	if (wants_close(in)) {
		shut(c);
		return 0;
	}
	evbuffer_drain(from, head->len);
	c->phase = IDLE;
	arm(c, c->gate->shared->config.idle_s);
	return 0;
}

static int take_head(struct conn *c, struct evbuffer *from, struct evbuffer *to)
{
	size_t have = evbuffer_get_length(from);
	size_t want = have < ROTA_HTTP_HEAD_MAX ? have : ROTA_HTTP_HEAD_MAX;
	struct rota_http_head head;
	bool done;
	int status = rota_http_head(rota_span(evbuffer_pullup(from, (ev_ssize_t)want), want),
		ROTA_HTTP_BODY_MAX, &head);

	if (status != 0 || head.len == 0)
		return status;
	status = answer_direct(c, from, &head, &done);
	if (status != 0 || done)
		return status;
	move(from, to, head.len);
	c->body = rota_http_body(&head);
	c->phase = BODY;
	arm_since(c, c->gate->shared->config.request_s);
	return 0;
}

static int take_body(struct conn *c, struct evbuffer *from, struct evbuffer *to)
{
	while (!rota_http_body_done(&c->body)) {
		size_t have = evbuffer_get_contiguous_space(from), taken;
		int status;

		if (have == 0)
			return 0;
		status = rota_http_body_feed(
			&c->body, rota_span(evbuffer_pullup(from, (ev_ssize_t)have), have), &taken);
		if (status != 0)
			return status;
		move(from, to, taken);
	}
	c->phase = BUSY;
	return 0;
}

static int take(struct conn *c, struct evbuffer *from, struct evbuffer *to)
{
	int status = admit(c);

	if (status == 0 && c->phase == BUSY)
		return 400; /* bytes behind a request */
	if (status == 0 && c->phase == IDLE)
		begin_request(c);
	if (status == 0 && c->phase == HEAD)
		status = c->gate->closing ? 503 : take_head(c, from, to);
	if (status == 0 && c->phase == BODY)
		status = take_body(c, from, to);
	if (status == 0 && c->phase == BUSY && evbuffer_get_length(from) > 0)
		status = 400;
	return status;
}

static enum bufferevent_filter_result on_input(struct evbuffer *from, struct evbuffer *to,
	ev_ssize_t limit, enum bufferevent_flush_mode mode, void *arg)
{
	struct conn *c = arg;
	size_t before = evbuffer_get_length(to);
	int status;

	(void)limit, (void)mode;
	if (evbuffer_get_length(from) == 0)
		return BEV_NEED_MORE;
	status = c->phase == SHUT ? 0 : take(c, from, to);
	if (status != 0) {
		count_one(&c->gate->shared->figures.refused_http);
		refuse(c, status);
	}
	if (c->phase == SHUT)
		evbuffer_drain(from, evbuffer_get_length(from));
	return evbuffer_get_length(to) > before ? BEV_OK : BEV_NEED_MORE;
}

/* The answer. It is written at once: evhttp closes some connections when its own buffer is empty, and would
 * take what waits below the filter with it. */
static enum bufferevent_filter_result on_output(struct evbuffer *from, struct evbuffer *to,
	ev_ssize_t limit, enum bufferevent_flush_mode mode, void *arg)
{
	struct conn *c = arg;

	(void)limit, (void)mode;
	if (c->phase == SHUT) {
		evbuffer_drain(from, evbuffer_get_length(from));
		return BEV_OK;
	}
	if (evbuffer_get_length(from) == 0)
		return BEV_NEED_MORE;
	if (c->phase == BUSY) {
		c->phase = IDLE;
		arm(c, c->gate->shared->config.idle_s);
	}
	if (evbuffer_get_length(to) == 0)
		evbuffer_write(from, bufferevent_getfd(c->socket));
	evbuffer_add_buffer(to, from);
	return BEV_OK;
}

static void conn_free(void *arg)
{
	struct conn *c = arg;

	c->gate->open--;
	event_free(c->deadline);
	free(c);
}

struct bufferevent *conn_new(struct event_base *base, void *gate)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct bufferevent *filter = NULL;

	if (c == NULL)
		abort(); /* NULL would mean a connection without the gate */
	c->gate = gate;
	c->gate->open++;
	count_one(&c->gate->shared->figures.connections);
	c->socket = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	c->deadline = evtimer_new(base, on_deadline, c);
	if (c->socket != NULL && c->deadline != NULL)
		filter = bufferevent_filter_new(
			c->socket, on_input, on_output, BEV_OPT_CLOSE_ON_FREE, conn_free, c);
	if (filter == NULL)
		abort();
	arm(c, c->gate->shared->config.header_s); /* a connection is made to send something */
	return filter;
}
