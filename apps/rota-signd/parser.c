/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/parser.h"
#include "apps/rota-signd/conn.h"
#include "apps/rota-signd/ledger.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/say.h"
#include "apps/rota-signd/standing.h"
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
/* Of these, so that nobody shuts the others out: of one user (nginx for all from afar), and of all whom signd.ini does not know. */
#define OF_ONE_MAX 48
#define OF_STRANGERS_MAX 8
#define BODIES_MAX ((size_t)64 * 1024 * 1024)
/* With so much of its own nobody is refused for what others have. */
#define SMALL_BYTES ((size_t)64 * 1024)
/* Longer than a holder gives its module; then the signature will not come. */
#define TOKEN_MS 40000
#define LOG_MS 40000
#define TICK_MS 500
#define STOP_MS 1000
#define CUT_MS 100
/* Answers of a holder that are taken at once. */
#define DONE_MAX 16

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
	struct ledger ledger;
	struct standing standing;
	struct conn conns[CONNS_MAX];
	struct rota_pool_done done[DONE_MAX];
	struct rota_remote *remote; /* NULL: nobody from afar */
	uint64_t turn; /* of requests */
	uint64_t cut_ms; /* when connections are looked through again for those that are late */
	uint64_t close_ms; /* when the next request that waits may be closed */
	uint64_t stop_ms; /* when it was told to stop */
	bool stopping, broken;
	bool stale; /* an entry was not taken; what was judged since falls */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct conn *conn_of(struct parser *p, uint64_t tag, enum conn_phase phase)
{
	struct conn *c = &p->conns[tag % CONNS_MAX];

	return tag != 0 && c->phase == phase && c->tag == tag ? c : NULL; /* who asked is gone */
}

/* Of a new request: never one that was, and where its connection stands. */
static uint64_t tag_for(struct parser *p, const struct conn *c)
{
	return ++p->turn * CONNS_MAX + (uint64_t)(c - p->conns);
}

/* ---- one request ---- */

static void answer(struct parser *p, struct conn *c)
{
	struct rota_bytes body = { 0 };
	uint64_t retry_s = c->deed.wait_s;
	int status = desk_status(&c->deed);

	standing_count(&p->standing, status);
	if (status == 503)
		retry_s = 10;
	if (status == 200 && c->deed.receipt.len > 0)
		rota_bytes_add(&body, rota_bytes_span(&c->deed.receipt));
	else
		rota_answer_write(&c->deed.answer, &body);
	conn_answer(c, status, rota_bytes_span(&body), retry_s, now_ms());
	rota_bytes_free(&body);
}

/* That it failed ends us. */
static void order(struct parser *p, uint64_t tag, const struct deed *deed)
{
	const struct ledger_parts parts = { .leaf = deed->leaf,
		.record = rota_bytes_span(&deed->record),
		.ask = deed->approved ? rota_bytes_span(&deed->ask.bytes) : ROTA_STR("") };

	p->broken |= !ledger_order(&p->ledger, tag, &deed->order, &parts);
}

/* The deed of a request is known: it is entered, or answered. */
static void proceed(struct parser *p, struct conn *c)
{
	if (c->deed.unsaid) {
		answer(p, c);
		return;
	}
	c->tag = tag_for(p, c);
	c->phase = CONN_LOG;
	c->until_ms = now_ms() + LOG_MS;
	order(p, c->tag, &c->deed);
}

static void ask(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), now_ms() };

	desk_ask(&p->desk, &c->who, conn_body(c), &when, &c->deed);
	proceed(p, c);
}

static void approve(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), now_ms() };
	struct rota_bytes body = conn_body(c);

	desk_approve(&p->desk, &c->who, rota_bytes_span(&body), &when, &c->deed);
	rota_bytes_free(&body);
	proceed(p, c);
}

static void artifact(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), now_ms() };

	desk_artifact(&p->desk, &c->who, c->route.word[0], c->reader, &when, &c->deed);
	proceed(p, c);
}

static void state(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), now_ms() };

	if (desk_ask_again(&p->desk, &c->who, c->route.word[0], &when, &c->deed))
		proceed(p, c);
	else
		conn_answer(c, 404, ROTA_STR(""), 0, now_ms());
}

static bool stand(struct parser *p, enum route_kind kind, struct rota_bytes *out)
{
	p->standing.entries = p->ledger.entries;
	p->standing.pending = p->ledger.pending.count;
	p->standing.connections = 0;
	for (size_t i = 0; i < CONNS_MAX; i++)
		p->standing.connections += p->conns[i].phase != CONN_FREE;
	if (kind == ROUTE_METRICS)
		standing_metrics(&p->standing, p->plan, out);
	else
		standing_json(&p->standing, p->plan, out);
	return true;
}

/* What there is to read: 200, or 404. What waits is for those alone whom signd.ini knows; public keys are public. */
static void show(struct parser *p, struct conn *c)
{
	const struct route *r = &c->route;
	struct rota_bytes body = { 0 };
	bool found = false;

	if (r->kind == ROUTE_KEYS)
		found = desk_keys(&p->desk, r->word[0], r->word[1], &body);
	else if (r->kind == ROUTE_SHOW && desk_knows(&p->desk, &c->who))
		found = desk_show(&p->desk, r->word[0], &body);
	else if (r->kind == ROUTE_LIST && desk_knows(&p->desk, &c->who)) {
		desk_list(&p->desk, &body);
		found = true;
	} else if (r->kind == ROUTE_STANDING || r->kind == ROUTE_METRICS) {
		found = desk_knows(&p->desk, &c->who) && stand(p, r->kind, &body);
	}
	conn_answer(c, found ? 200 : 404, rota_bytes_span(&body), 0, now_ms());
	rota_bytes_free(&body);
}

static void route(struct parser *p, struct conn *c)
{
	switch (c->route.kind) {
	case ROUTE_ASK:
		ask(p, c);
		return;
	case ROUTE_APPROVE:
		approve(p, c);
		return;
	case ROUTE_STATE:
		state(p, c);
		return;
	case ROUTE_ARTIFACT:
		artifact(p, c);
		return;
	case ROUTE_LIST:
	case ROUTE_SHOW:
	case ROUTE_STANDING:
	case ROUTE_METRICS:
	case ROUTE_KEYS:
		show(p, c);
		return;
	}
}

/* The token did not sign: say so, and enter it (SPEC 21.4). */
static void fail(struct parser *p, struct conn *c, const char *text)
{
	struct deed failed;

	desk_failed(&c->deed, c->deed.answer.entry, text, rota_when_now(), &failed);
	order(p, 0, &failed);
	deed_free(&failed);
	p->standing.failed++;
	say("entry %llu: %s", (unsigned long long)c->deed.answer.entry, text);
	desk_refuse(&c->deed, ROTA_REFUSED_TOKEN, text);
	answer(p, c);
}

/* ---- what the other processes say ---- */

static void take_logged(void *ctx, const struct signd_logged *logged)
{
	struct parser *p = ctx;
	struct conn *c = conn_of(p, logged->tag, CONN_LOG);

	p->stale |= logged->err != ROTA_OK;
	if (!c)
		return;
	if (c->deed.kind != DEED_APPROVED) /* which tells of the entry ASKED */
		c->deed.answer.entry = logged->index;
	if (logged->err != ROTA_OK)
		desk_refuse(&c->deed, ROTA_REFUSED_LOG, "the log does not take entries now");
	else
		desk_settled(&p->desk, &c->deed, logged->index);
	c->missing = c->deed.order.count;
	if (c->deed.answer.kind == ROTA_ANSWER_REFUSED || c->missing == 0) {
		answer(p, c);
		return;
	}
	c->phase = CONN_TOKEN;
	c->until_ms = now_ms() + TOKEN_MS;
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
	struct conn *c = conn_of(p, done->tag / ROTA_ANSWER_SIGS_MAX, CONN_TOKEN);
	size_t n = done->tag % ROTA_ANSWER_SIGS_MAX;

	if (!c)
		return;
	if (done->err != ROTA_OK) {
		fail(p, c, done->text);
		return;
	}
	memcpy(c->deed.answer.sig[n].sig, done->sig, sizeof(done->sig));
	if (--c->missing == 0)
		answer(p, c);
}

static void hear_signed(struct parser *p, size_t holder)
{
	int fd = p->plan->holders[holder].answer[1];
	size_t count = rota_pool_take_some(fd, p->done, DONE_MAX);

	hear_logged(p); /* of each of these the log writer told us before the holder could */
	for (size_t i = 0; i < count; i++)
		take_signed(p, &p->done[i]);
	p->standing.failing[holder] = count > 0 && p->done[count - 1].err != ROTA_OK;
	p->broken |= count == 0;
}

/* ---- the wait ---- */

static bool is_crowded(const struct parser *p, const struct conn *c)
{
	size_t same = 0, strangers = 0;

	for (size_t i = 0; i < CONNS_MAX; i++) {
		if (p->conns[i].phase == CONN_FREE)
			continue;
		same += p->conns[i].peer == c->peer;
		strangers += p->conns[i].stranger;
	}
	return same > OF_ONE_MAX || (c->stranger && strangers > OF_STRANGERS_MAX);
}

static void admit(struct parser *p, int listener, struct rota_remote *remote)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNS_MAX && (!remote || remote_is_nginx(p->plan, fd)); i++)
		if (p->conns[i].phase == CONN_FREE) {
			if (conn_open(&p->conns[i], fd, p->plan, remote, now_ms()) &&
				is_crowded(p, &p->conns[i]))
				conn_close(&p->conns[i]);
			return;
		}
	close(fd);
}

/* What one connection may hold, so that all together stay within BODIES_MAX. */
static size_t room_for(const struct parser *p, const struct conn *c)
{
	size_t others = 0;

	if (c->in.len <= SMALL_BYTES)
		return 2 * SMALL_BYTES;
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (&p->conns[i] != c)
			others += p->conns[i].in.len + p->conns[i].deed.ask.bytes.len;
	return others < BODIES_MAX ? BODIES_MAX - others : 0;
}

static void hear_client(struct parser *p, struct conn *c)
{
	if (c->phase == CONN_SEND)
		conn_send(c, now_ms());
	else if (conn_read(c, room_for(p, c), now_ms()))
		route(p, c);
}

static void cut_late(struct parser *p)
{
	uint64_t now = now_ms();

	if (now < p->cut_ms)
		return;
	p->cut_ms = now + CUT_MS;
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &p->conns[i];

		if (c->phase == CONN_FREE || now < c->until_ms)
			continue;
		if (c->phase == CONN_TOKEN)
			fail(p, c, "the token does not answer");
		else
			conn_leave(c);
	}
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

	if (now_ms() < p->close_ms || !desk_expire(&p->desk, rota_when_now(), &deed))
		return;
	p->close_ms = now_ms() + TICK_MS;
	order(p, 0, &deed);
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
	for (size_t i = 0; i < CONNS_MAX; i++)
		watch(&p->conns[i], &fds[count++]);
	return count;
}

static void act(struct parser *p, const struct pollfd fds[static FD_MAX])
{
	const struct pollfd *holders = fds + FD_HOLDERS, *conns = holders + p->plan->holder_count;

	if (fds[FD_SIGNAL].revents && !p->stopping) {
		p->stopping = true;
		p->stop_ms = now_ms();
	}
	if (fds[FD_ENTRIES].revents)
		hear_logged(p);
	for (size_t i = 0; i < p->plan->holder_count; i++)
		if (holders[i].revents)
			hear_signed(p, i);
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (conns[i].revents && p->conns[i].fd == conns[i].fd &&
			p->conns[i].phase != CONN_FREE)
			hear_client(p, &p->conns[i]);
	if (fds[FD_LISTENER].revents)
		admit(p, p->plan->listener, NULL);
	if (fds[FD_REMOTE].revents)
		admit(p, p->plan->remote_listener, p->remote);
	cut_late(p);
	close_late(p);
	standing_look(&p->standing, p->plan, rota_when_now());
}

/* What is entered is answered. Who has just come has a moment to say what for. */
static bool busy(const struct parser *p)
{
	bool grace = now_ms() < p->stop_ms + STOP_MS;

	for (size_t i = 0; i < CONNS_MAX; i++) {
		const struct conn *c = &p->conns[i];

		if (c->phase == CONN_LOG || c->phase == CONN_TOKEN ||
			(grace && c->phase != CONN_FREE && !c->served))
			return true;
	}
	return false;
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
	close(ready);
	while (!p->broken && (!p->stopping || busy(p))) {
		if (poll(fds, fill(p, signals, fds), TICK_MS) >= 0)
			act(p, fds);
	}
	if (p->broken)
		say("without the log writer and its tokens' holders nothing goes on");
	well = !p->broken;
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].phase != CONN_FREE)
			conn_close(&p->conns[i]);
	rota_remote_close(p->remote);
	ledger_close(&p->ledger);
	standing_free(&p->standing);
	free(p);
	return well ? 0 : 1;
}
