/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/parser.h"
#include "apps/rota-signd/conn.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/say.h"
#include "host/base/when.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* SPEC 18.2 */
#define CONNS_MAX 64
/* Longer than a holder gives its module; then the signature will not come. */
#define TOKEN_MS 40000
#define LOG_MS 40000
#define TICK_MS 500

enum {
	FD_SIGNAL,
	FD_LISTENER,
	FD_REMOTE,
	FD_ENTRIES,
	FD_HOLDERS,
	FD_MAX = FD_HOLDERS + HOLDERS_MAX + CONNS_MAX
};

struct parser {
	struct plan *plan;
	struct desk desk;
	struct conn conns[CONNS_MAX];
	struct rota_remote *remote; /* NULL: nobody from afar */
	uint64_t tag;
	bool stopping, broken;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct conn *conn_of(struct parser *p, uint64_t tag, enum conn_phase phase)
{
	for (size_t i = 0; tag != 0 && i < CONNS_MAX; i++)
		if (p->conns[i].phase == phase && p->conns[i].tag == tag)
			return &p->conns[i];
	return NULL; /* who asked is gone */
}

/* ---- one request ---- */

static void answer(struct conn *c)
{
	struct rota_bytes body = { 0 };
	uint64_t retry_s = c->deed.wait_s;
	int status = desk_status(&c->deed);

	if (status == 503)
		retry_s = 10;
	rota_answer_write(&c->deed.answer, &body);
	conn_answer(c, status, rota_bytes_span(&body), retry_s, now_ms());
	rota_bytes_free(&body);
}

static bool order(struct parser *p, uint64_t tag, struct deed *deed)
{
	uint8_t message[sizeof(deed->order) + ROTA_LEAF_MAX];
	struct iovec parts[2] = { { .iov_base = message,
					  .iov_len = sizeof(deed->order) + deed->order.leaf_len },
		{ .iov_base = deed->record.p, .iov_len = deed->record.len } };
	const struct msghdr whole = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent;

	deed->order.tag = tag;
	memcpy(message, &deed->order, sizeof(deed->order));
	memcpy(message + sizeof(deed->order), deed->leaf, deed->order.leaf_len);
	do
		sent = sendmsg(p->plan->entries[1], &whole, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	p->broken |= sent < 0;
	return sent >= 0;
}

static void ask(struct parser *p, struct conn *c)
{
	desk_ask(&p->desk, &c->who, conn_body(c), rota_when_now(), now_ms(), &c->deed);
	if (c->deed.unsaid) {
		answer(c);
		return;
	}
	c->tag = ++p->tag;
	c->phase = CONN_LOG;
	c->until_ms = now_ms() + LOG_MS;
	(void)order(p, c->tag, &c->deed); /* that it failed ends us */
}

static void route(struct parser *p, struct conn *c)
{
	bool is_ask = rota_span_eq(c->head.target, ROTA_STR("/v1/ask"));

	if (is_ask && c->head.method == ROTA_HTTP_POST)
		ask(p, c);
	else
		conn_answer(c, is_ask ? 405 : 404, ROTA_STR(""), 0, now_ms());
}

/* The token did not sign: say so, and enter it (SPEC 21.4). */
static void fail(struct parser *p, struct conn *c, const char *text)
{
	struct deed failed;

	desk_failed(&c->deed, c->deed.answer.entry, text, rota_when_now(), &failed);
	(void)order(p, 0, &failed);
	deed_free(&failed);
	say("entry %llu: %s", (unsigned long long)c->deed.answer.entry, text);
	desk_refuse(&c->deed, ROTA_REFUSED_TOKEN, text);
	answer(c);
}

/* ---- what the other processes say ---- */

static void take_logged(struct parser *p, const struct signd_logged *logged)
{
	struct conn *c = conn_of(p, logged->tag, CONN_LOG);

	if (!c)
		return;
	c->deed.answer.entry = logged->index;
	if (logged->err != ROTA_OK)
		desk_refuse(&c->deed, ROTA_REFUSED_LOG, "the log does not take entries now");
	if (c->deed.answer.kind == ROTA_ANSWER_REFUSED) {
		answer(c);
		return;
	}
	c->phase = CONN_TOKEN;
	c->until_ms = now_ms() + TOKEN_MS;
}

/* All of it, before a holder is heard: the log writer told us first. */
static void hear_logged(struct parser *p)
{
	struct signd_logged logged;
	ssize_t got;

	while ((got = recv(p->plan->entries[1], &logged, sizeof(logged), MSG_DONTWAIT)) ==
		(ssize_t)sizeof(logged))
		take_logged(p, &logged);
	p->broken |= got >= 0 || (errno != EAGAIN && errno != EINTR);
}

static void hear_signed(struct parser *p, int fd)
{
	struct rota_pool_done done;
	struct conn *c;

	if (!rota_pool_take(fd, &done)) {
		p->broken = true;
		return;
	}
	c = conn_of(p, done.tag, CONN_TOKEN);
	if (!c)
		return;
	if (done.err != ROTA_OK) {
		fail(p, c, done.text);
		return;
	}
	memcpy(c->deed.answer.sig[0].sig, done.sig, sizeof(done.sig));
	answer(c);
}

/* ---- the wait ---- */

static void admit(struct parser *p, int listener, struct rota_remote *remote)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNS_MAX && (!remote || remote_is_nginx(p->plan, fd)); i++)
		if (p->conns[i].phase == CONN_FREE) {
			(void)conn_open(&p->conns[i], fd, remote, now_ms());
			return;
		}
	close(fd);
}

static void cut_late(struct parser *p)
{
	uint64_t now = now_ms();

	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &p->conns[i];

		if (c->phase == CONN_FREE || now < c->until_ms)
			continue;
		if (c->phase == CONN_TOKEN)
			fail(p, c, "the token does not answer");
		else
			conn_close(c);
	}
}

static size_t fill(struct parser *p, int signals, struct pollfd fds[static FD_MAX])
{
	size_t count = FD_HOLDERS;

	for (size_t i = 0; i < FD_MAX; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fds[FD_SIGNAL].fd = signals;
	fds[FD_LISTENER].fd = p->stopping ? -1 : p->plan->listener;
	fds[FD_REMOTE].fd = p->stopping ? -1 : p->plan->remote_listener;
	fds[FD_ENTRIES].fd = p->plan->entries[1];
	for (size_t i = 0; i < p->plan->holder_count; i++)
		fds[count++].fd = p->plan->holders[i].answer[1];
	for (size_t i = 0; i < CONNS_MAX; i++)
		fds[count++].fd = p->conns[i].phase == CONN_FREE ? -1 : p->conns[i].fd;
	return count;
}

static void act(struct parser *p, const struct pollfd fds[static FD_MAX])
{
	const struct pollfd *holders = fds + FD_HOLDERS, *conns = holders + p->plan->holder_count;

	if (fds[FD_SIGNAL].revents)
		p->stopping = true;
	hear_logged(p);
	for (size_t i = 0; i < p->plan->holder_count; i++)
		if (holders[i].revents)
			hear_signed(p, holders[i].fd);
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (conns[i].revents && p->conns[i].fd == conns[i].fd &&
			p->conns[i].phase != CONN_FREE && conn_read(&p->conns[i], now_ms()))
			route(p, &p->conns[i]);
	if (fds[FD_LISTENER].revents)
		admit(p, p->plan->listener, NULL);
	if (fds[FD_REMOTE].revents)
		admit(p, p->plan->remote_listener, p->remote);
	cut_late(p);
}

static bool busy(const struct parser *p)
{
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].phase >= CONN_LOG)
			return true;
	return false;
}

int parser_run(struct plan *plan)
{
	struct parser *p = calloc(1, sizeof(*p));
	struct pollfd fds[FD_MAX];
	struct rota_fail why;
	sigset_t ends;
	int signals;
	bool well;

	if (!p)
		abort();
	p->plan = plan;
	p->desk.plan = plan;
	if (remote_open(plan, &p->remote, &why) != ROTA_OK) {
		say("%s", why.text);
		free(p);
		return 1;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	signals = signalfd(-1, &ends, SFD_CLOEXEC); /* the supervisor has blocked it */
	while (!p->broken && (!p->stopping || busy(p))) {
		if (poll(fds, fill(p, signals, fds), TICK_MS) >= 0)
			act(p, fds);
	}
	if (p->broken)
		say("the log writer or a token's holder is gone");
	well = !p->broken;
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].phase != CONN_FREE)
			conn_close(&p->conns[i]);
	rota_remote_close(p->remote);
	free(p);
	return well ? 0 : 1;
}
