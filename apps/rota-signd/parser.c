/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/parser.h"
#include "apps/rota-signd/parser_parts.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/say.h"
#include "host/base/when.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 500
#define TICK_US (TICK_MS * 1000)
#define STOP_MS 1000

enum {
	FD_SIGNAL,
	FD_LISTENER,
	FD_REMOTE,
	FD_ENTRIES,
	FD_HOLDERS,
	FD_MAX = FD_HOLDERS + HOLDERS_MAX + CROWD_MAX
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t parser_now_ms(void)
{
	return now_us() / 1000;
}

/* ---- what the other processes say ---- */

static void take_logged(void *ctx, const struct signd_logged *logged)
{
	struct parser *p = ctx;
	struct conn *c = crowd_find(&p->crowd, logged->tag, CONN_LOG);

	p->stale |= logged->err != ROTA_OK;
	if (c)
		request_logged(p, c, logged);
}

/* From the log, what is so. What was judged and not entered is forgotten. */
static bool read_log(struct parser *p)
{
	struct rota_fail why = { 0 };
	bool good = ledger_read(&p->ledger, &why) == ROTA_OK;

	p->desk.records = p->ledger.records;
	p->desk.pending = &p->ledger.pending;
	p->stale = false;
	p->broken |= !good;
	if (!good)
		say("%s", why.text);
	return good;
}

/* All of it. */
static void hear_logged(struct parser *p)
{
	p->broken |= !ledger_hear(&p->ledger);
	if (p->stale && !p->broken)
		(void)read_log(p);
}

static void take_signed(struct parser *p, const struct rota_pool_done *done)
{
	struct conn *c = crowd_find(&p->crowd, done->tag / ROTA_ANSWER_SIGS_MAX, CONN_TOKEN);

	if (c)
		request_signed(p, c, done->tag % ROTA_ANSWER_SIGS_MAX, done);
}

static void hear_signed(struct parser *p, size_t holder)
{
	int fd = p->plan->holders[holder].answer[1];
	size_t count = rota_pool_take(fd, p->done);

	hear_logged(p); /* of each of these the log writer told us before the holder could */
	for (size_t i = 0; i < count; i++)
		take_signed(p, &p->done[i]);
	p->standing.failing[holder] = count > 0 && p->done[count - 1].err != ROTA_OK;
	p->broken |= count == 0;
}

/* ---- the wait ---- */

static void admit(struct parser *p, int listener, struct rota_remote *remote)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		crowd_admit(&p->crowd, fd, p->plan, remote, parser_now_ms());
}

static void hear_client(struct parser *p, struct conn *c)
{
	if (c->phase == CONN_SEND)
		conn_send(c, parser_now_ms());
	else if (conn_read(c, crowd_room(&p->crowd, c), parser_now_ms()))
		request_route(p, c);
}

static void watch(const struct conn *c, struct pollfd *out)
{
	out->fd = c->phase == CONN_FREE || c->gone ? -1 : c->fd;
	out->events = c->phase == CONN_SEND ? POLLOUT : POLLIN;
}

/* Requests whose time to be approved is over, one at a time: when the disk is full, each is tried again. */
static void close_late(struct parser *p)
{
	struct deed deed;

	if (parser_now_ms() < p->close_ms || !desk_expire(&p->desk, rota_when_now(), &deed))
		return;
	p->close_ms = parser_now_ms() + TICK_MS;
	request_order(p, 0, &deed);
	desk_settled(&p->desk, &deed, 0);
	deed_free(&deed);
}

static size_t fill(struct parser *p, int signals, struct pollfd fds[static FD_MAX])
{
	size_t count = FD_HOLDERS;

	for (size_t i = 0; i < FD_HOLDERS + p->plan->holder_count; i++)
		fds[i].events = POLLIN;
	fds[FD_SIGNAL].fd = p->stopping ? -1 : signals;
	fds[FD_LISTENER].fd = p->stopping ? -1 : p->plan->listener;
	fds[FD_REMOTE].fd = p->stopping ? -1 : p->plan->remote_listener;
	fds[FD_ENTRIES].fd = p->plan->entries[1];
	for (size_t i = 0; i < p->plan->holder_count; i++)
		fds[count++].fd = p->plan->holders[i].answer[1];
	for (size_t i = 0; i < CROWD_MAX; i++)
		watch(&p->crowd.conns[i], &fds[count++]);
	return count;
}

static void send_orders(struct parser *p)
{
	p->linger_us = ledger_linger(&p->ledger, crowd_under_way(&p->crowd), now_us());
	if (p->linger_us == 0)
		p->broken |= !ledger_send(&p->ledger);
}

static void act(struct parser *p, const struct pollfd fds[static FD_MAX])
{
	const struct pollfd *holders = fds + FD_HOLDERS, *conns = holders + p->plan->holder_count;

	plan_turn(p->plan, parser_now_ms());
	if (fds[FD_SIGNAL].revents && !p->stopping) {
		p->stopping = true;
		p->stop_ms = parser_now_ms();
	}
	if (fds[FD_ENTRIES].revents)
		hear_logged(p);
	for (size_t i = 0; i < p->plan->holder_count; i++)
		if (holders[i].revents)
			hear_signed(p, i);
	for (size_t i = 0; i < CROWD_MAX; i++)
		if (conns[i].revents && p->crowd.conns[i].fd == conns[i].fd &&
			p->crowd.conns[i].phase != CONN_FREE)
			hear_client(p, &p->crowd.conns[i]);
	if (fds[FD_LISTENER].revents)
		admit(p, p->plan->listener, NULL);
	if (fds[FD_REMOTE].revents)
		admit(p, p->plan->remote_listener, p->remote);
	crowd_cut(&p->crowd, parser_now_ms(), request_late, p);
	close_late(p);
	send_orders(p);
	standing_look(&p->standing, p->plan, rota_when_now());
}

/* What is entered is answered. Who has just come has a moment to say what for. */
static bool is_busy(const struct parser *p)
{
	return crowd_is_busy(&p->crowd, parser_now_ms() < p->stop_ms + STOP_MS);
}

int parser_run(struct plan *plan, int ready)
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
	p->supervisor = ready;
	if (remote_open(plan, &p->remote, &why) != ROTA_OK) {
		say("%s", why.text);
		free(p);
		return 1;
	}
	p->ledger = (struct ledger){ .plan = plan, .logged = take_logged, .ctx = p };
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	signals = signalfd(-1, &ends, SFD_CLOEXEC); /* the supervisor has blocked it */
	standing_look(&p->standing, plan, rota_when_now());
	if (read_log(p) && send(ready, "", 1, MSG_NOSIGNAL) != 1)
		p->broken = true;
	while (!p->broken && (!p->stopping || is_busy(p))) {
		uint64_t us = p->linger_us ? p->linger_us : TICK_US;
		const struct timespec most = { .tv_nsec = (long)us * 1000 };

		if (ppoll(fds, fill(p, signals, fds), &most, NULL) >= 0)
			act(p, fds);
	}
	if (p->broken)
		say("without the log writer and its tokens' holders nothing goes on");
	well = !p->broken;
	crowd_close(&p->crowd);
	rota_remote_close(p->remote);
	ledger_close(&p->ledger);
	standing_free(&p->standing);
	free(p);
	return well ? 0 : 1;
}
