/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/parser.h"
#include "apps/rota-signd/parser_parts.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/say.h"
#include "host/base/when.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 500
#define STOP_MS 1000
/* How long an entry that was not taken may stay unheard while tokens are awaited. */
#define DEAF_MS 2

/* What is waited for. */
enum {
	SIGNALS,
	LISTENER,
	REMOTE,
	ENTRIES,
	ROWS,
	HOLDERS,
	CONNS = HOLDERS + HOLDERS_MAX,
	WAITS_MAX = CONNS + CROWD_MAX
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

/* The registrar's, one message: the log writer told us of its entry before. */
static void hear_rows(struct parser *p)
{
	ssize_t got = recv(p->plan->registrar.answer[1], &p->rows, sizeof(p->rows), 0);
	const size_t head = offsetof(struct signd_rows_done, result);
	struct conn *c;

	hear_logged(p);
	p->broken |= got < (ssize_t)head || p->rows.count > SIGND_ROWS_MAX ||
		(size_t)got != head + p->rows.count * sizeof(p->rows.result[0]);
	if (p->broken)
		return;
	c = crowd_find(&p->crowd, p->rows.tag, CONN_TOKEN);
	if (c)
		request_rows(p, c, &p->rows);
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

static void watch(struct parser *p, unsigned what, int fd, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u32 = what };

	if (fd >= 0 && epoll_ctl(p->waits, how, fd, &e) != 0)
		p->broken = true;
}

static void watch_all(struct parser *p, int signals)
{
	const struct plan *plan = p->plan;

	watch(p, SIGNALS, signals, EPOLL_CTL_ADD, EPOLLIN);
	watch(p, LISTENER, plan->listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(p, REMOTE, plan->remote_listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(p, ENTRIES, plan->entries[1], EPOLL_CTL_ADD, EPOLLIN);
	if (plan->registrar.wanted)
		watch(p, ROWS, plan->registrar.answer[1], EPOLL_CTL_ADD, EPOLLIN);
	for (unsigned i = 0; i < plan->holder_count; i++)
		watch(p, HOLDERS + i, plan->holders[i].answer[1], EPOLL_CTL_ADD, EPOLLIN);
}

/* Nobody is let in any more. */
static void stop(struct parser *p, int signals)
{
	p->stopping = true;
	p->stop_ms = parser_now_ms();
	watch(p, SIGNALS, signals, EPOLL_CTL_DEL, 0);
	watch(p, LISTENER, p->plan->listener, EPOLL_CTL_DEL, 0);
	watch(p, REMOTE, p->plan->remote_listener, EPOLL_CTL_DEL, 0);
}

/* Who has just come, whose answer does not fit into the socket, or did; and who has left. What is shut is watched no more. */
static void watch_conns(struct parser *p)
{
	for (unsigned i = 0; i < CROWD_MAX; i++) {
		struct conn *c = &p->crowd.conns[i];
		uint32_t events = c->gone ? 0 : c->phase == CONN_SEND ? EPOLLOUT : EPOLLIN;

		if (c->phase == CONN_FREE || c->watched == events)
			continue;
		watch(p, CONNS + i, c->fd,
			!events              ? EPOLL_CTL_DEL
				: c->watched ? EPOLL_CTL_MOD
					     : EPOLL_CTL_ADD,
			events);
		c->watched = events;
	}
}

/* An entry that is signed is told of by its signature: the parser wakes once for the two, and hears both (hear_signed). */
static bool be_deaf(struct parser *p)
{
	bool deaf = crowd_awaits_tokens(&p->crowd);

	if (deaf != p->deaf)
		watch(p, ENTRIES, p->plan->entries[1], EPOLL_CTL_MOD, deaf ? 0 : EPOLLIN);
	p->deaf = deaf;
	return deaf;
}

static void send_orders(struct parser *p)
{
	p->linger_us = ledger_linger(&p->ledger, crowd_under_way(&p->crowd), now_us());
	if (p->linger_us == 0)
		p->broken |= !ledger_send(&p->ledger);
}

static void act(struct parser *p, int signals, const bool ready[static WAITS_MAX])
{
	plan_turn(p->plan, parser_now_ms());
	if (ready[SIGNALS])
		stop(p, signals);
	if (ready[ENTRIES] || (p->deaf && !p->linger_us))
		hear_logged(p);
	if (ready[ROWS])
		hear_rows(p);
	for (size_t i = 0; i < p->plan->holder_count; i++)
		if (ready[HOLDERS + i])
			hear_signed(p, i);
	for (size_t i = 0; i < CROWD_MAX; i++)
		if (ready[CONNS + i] && p->crowd.conns[i].phase != CONN_FREE)
			hear_client(p, &p->crowd.conns[i]);
	if (ready[LISTENER])
		admit(p, p->plan->listener, NULL);
	if (ready[REMOTE])
		admit(p, p->plan->remote_listener, p->remote);
	crowd_cut(&p->crowd, parser_now_ms(), request_late, p);
	close_late(p);
	send_orders(p);
	standing_look(&p->standing, p->plan, rota_when_now());
}

/* At most so long as orders linger. */
static int wait_a_while(struct parser *p, struct epoll_event events[static WAITS_MAX])
{
	const struct timespec most = { .tv_nsec = (long)p->linger_us * 1000 };
	struct pollfd any = { .fd = p->waits, .events = POLLIN };

	return ppoll(&any, 1, &most, NULL) > 0 ? epoll_wait(p->waits, events, WAITS_MAX, 0) : 0;
}

/* Wait for something, and do it. */
static void turn(struct parser *p, int signals)
{
	struct epoll_event events[WAITS_MAX];
	bool ready[WAITS_MAX] = { false };
	int most_ms = be_deaf(p) ? DEAF_MS : TICK_MS, count;

	watch_conns(p);
	count = p->linger_us ? wait_a_while(p, events)
			     : epoll_wait(p->waits, events, WAITS_MAX, most_ms);
	for (int i = 0; i < count; i++)
		ready[events[i].data.u32] = true;
	act(p, signals, ready);
}

/* What is entered is answered. Who has just come has a moment to say what for. */
static bool is_busy(const struct parser *p)
{
	return crowd_is_busy(&p->crowd, parser_now_ms() < p->stop_ms + STOP_MS);
}

int parser_run(struct plan *plan, int ready)
{
	struct parser *p = calloc(1, sizeof(*p));
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
	p->waits = epoll_create1(EPOLL_CLOEXEC);
	watch_all(p, signals);
	standing_look(&p->standing, plan, rota_when_now());
	if (read_log(p) && send(ready, "", 1, MSG_NOSIGNAL) != 1)
		p->broken = true;
	while (!p->broken && (!p->stopping || is_busy(p)))
		turn(p, signals);
	if (p->broken)
		say("without the log writer and its tokens' holders nothing goes on");
	well = !p->broken;
	close(p->waits);
	close(signals);
	crowd_close(&p->crowd);
	rota_remote_close(p->remote);
	ledger_close(&p->ledger);
	standing_free(&p->standing);
	free(p);
	return well ? 0 : 1;
}
