/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/await.h"

#include <event2/event.h>
#include <stdlib.h>

/* How often is looked, and for how long: less than a request may take (rotad.ini, request_s, by default 15 s). */
#define EACH_MS 5
#define LONGEST_MS 8000

struct await {
	struct worker *worker;
	struct event *timer;
	uint64_t mark;
	unsigned waited_ms;
	void (*then)(void *arg, bool there);
	void *arg;
};

static bool is_there(const struct await *a)
{
	return atomic_load(&a->worker->shared->figures.projected) >= a->mark;
}

static void end(struct await *a, bool there)
{
	struct worker *w = a->worker;

	if (a->timer != NULL)
		event_free(a->timer);
	a->then(a->arg, there);
	free(a);
	w->awaiting--;
	worker_returned(w);
}

static void again(struct await *a)
{
	const struct timeval pause = { .tv_usec = EACH_MS * 1000 };

	a->waited_ms += EACH_MS;
	if (is_there(a))
		end(a, true);
	else if (a->timer == NULL || a->waited_ms > LONGEST_MS || event_add(a->timer, &pause) != 0)
		end(a, false);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	again(arg);
}

void await_projection(
	struct worker *w, uint64_t mark, void (*then)(void *arg, bool there), void *arg)
{
	struct await *a = calloc(1, sizeof(*a));

	if (a == NULL)
		abort();
	*a = (struct await){ .worker = w, .mark = mark, .then = then, .arg = arg };
	a->timer = evtimer_new(w->base, on_time, a);
	w->awaiting++;
	again(a);
}
