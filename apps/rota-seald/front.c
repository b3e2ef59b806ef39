/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/front.h"
#include "host/http/head.h"
#include "rota/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* nginx has the whole request before it connects, and takes the whole answer. */
#define PATIENCE_MS 5000

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

/* false: the time is over, or somebody wants us to end. */
static bool wait_for(int fd, short what, uint64_t until_ms)
{
	struct pollfd one = { .fd = fd, .events = what };
	uint64_t now = now_ms();

	return now < until_ms && poll(&one, 1, (int)(until_ms - now)) == 1;
}

static bool is_peer(int fd, uid_t want)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == want;
}

/* What was read of a request. */
struct room {
	uint8_t bytes[ROTA_HTTP_HEAD_MAX];
	size_t len;
	struct rota_http_head head;
};

/* 0: a whole head and nothing behind it. Else the status to refuse with; -1: nobody is there any more. */
static int read_head(struct room *r, int fd, uint64_t until_ms)
{
	int status = 0;

	while (status == 0 && r->head.len == 0) {
		ssize_t got;

		if (r->len == sizeof(r->bytes))
			return 431;
		if (!wait_for(fd, POLLIN, until_ms))
			return -1;
		got = recv(fd, r->bytes + r->len, sizeof(r->bytes) - r->len, MSG_DONTWAIT);
		if (got <= 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		r->len += got > 0 ? (size_t)got : 0;
		if (got == 0)
			return -1;
		status = rota_http_head(rota_span(r->bytes, r->len), 0, &r->head);
	}
	if (status == 0 && (r->head.method != ROTA_HTTP_GET || r->head.chunked))
		return 405;
	return status == 0 && r->head.len != r->len ? 400 : status;
}

static void send_all(int fd, const char *bytes, size_t len, uint64_t until_ms)
{
	size_t sent = 0;

	while (sent < len && wait_for(fd, POLLOUT, until_ms)) {
		ssize_t got = send(fd, bytes + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return;
		sent += got > 0 ? (size_t)got : 0;
	}
}

static void send_answer(int fd, const struct front_answer *a, uint64_t until_ms)
{
	char head[256], retry[64] = "";
	int len;

	if (a->retry_s > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %" PRIu64 "\r\n", a->retry_s);
	len = snprintf(head, sizeof(head),
		"HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nContent-Type: application/json\r\n"
		"Cache-Control: no-store\r\n%sConnection: close\r\n\r\n",
		a->status, a->status == 200 ? "OK" : "Refused", a->len, retry);
	send_all(fd, head, (size_t)len, until_ms);
	send_all(fd, a->body, a->len, until_ms);
}

static void serve(int fd, uid_t peer, front_fn answer, void *ctx)
{
	static struct room room;
	static struct front_answer a;
	uint64_t until_ms = now_ms() + PATIENCE_MS;
	struct front_request request;

	if (!is_peer(fd, peer))
		return;
	room.len = 0;
	room.head = (struct rota_http_head){ 0 };
	a = (struct front_answer){ .status = read_head(&room, fd, until_ms) };
	if (a.status == 0) {
		request.target = room.head.target;
		(void)rota_http_header(rota_span(room.bytes, room.head.len), "x-rota-certificate",
			&request.certificate);
		answer(ctx, &request, &a);
		until_ms = now_ms() + PATIENCE_MS;
	}
	if (a.status > 0)
		send_answer(fd, &a, until_ms);
	stopped |= a.last;
	rota_wipe(&a, sizeof(a));
	rota_wipe(&room, sizeof(room));
}

void front_run(int fd, uid_t peer, front_fn answer, void *ctx)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t ends, before;

	/* blocked but while we wait: what is begun is ended */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, &before);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	while (!stopped) {
		struct pollfd one = { .fd = fd, .events = POLLIN };
		int client;

		if (ppoll(&one, 1, NULL, &before) != 1)
			continue;
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0)
			continue;
		serve(client, peer, answer, ctx);
		close(client);
	}
}
