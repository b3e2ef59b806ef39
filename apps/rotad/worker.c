/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/worker.h"
#include "apps/rotad/api.h"
#include "apps/rotad/operators.h"
#include "apps/rotad/post.h"

#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* evhttp has its own timer for silence; ours are shorter and decide. */
#define EVHTTP_TIMEOUT_S 7200

static void close_if_done(struct worker *w)
{
	if (w->gate.closing && w->waiting == 0 && w->asking == 0 && w->awaiting == 0)
		event_base_loopexit(w->base, NULL);
}

/* Requests under way whose bytes are not all here have until their deadline; then nothing is waited for. */
static void on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd, (void)what;
	close_if_done(w);
}

void worker_returned(struct worker *w)
{
	if (!evtimer_pending(w->linger, NULL))
		close_if_done(w);
}

static void begin_closing(struct worker *w)
{
	struct timeval half = { .tv_usec = 500000 };

	w->gate.closing = w->desk.closing = true;
	if (w->bound != NULL)
		evhttp_del_accept_socket(w->http, w->bound);
	if (w->desk_bound != NULL)
		evhttp_del_accept_socket(w->desk_http, w->desk_bound);
	w->bound = w->desk_bound = NULL;
	event_add(w->linger, &half); /* what was accepted just now gets its 503 */
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct post *p;

	(void)fd, (void)what;
	queue_rearm(&w->answers);
	while ((p = queue_pop(&w->answers)) != NULL) {
		if ((void *)p == w) {
			begin_closing(w);
			continue;
		}
		w->waiting--;
		post_returned(w, p);
	}
	worker_returned(w);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	event_base_dispatch(w->base);
	return NULL;
}

/* A server on a listening socket, duplicated. */
static enum rota_err listen_on(struct worker *w, int listener, struct gate *gate,
	void (*request)(struct evhttp_request *, void *), struct evhttp **http,
	struct evhttp_bound_socket **bound, struct rota_fail *why)
{
	int own = fcntl(listener, F_DUPFD_CLOEXEC, 3);

	*http = own < 0 ? NULL : evhttp_new(w->base);
	if (*http == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory or descriptors");
	evhttp_set_bevcb(*http, conn_new, gate);
	evhttp_set_gencb(*http, request, w);
	evhttp_set_timeout(*http, EVHTTP_TIMEOUT_S);
	/* The gate has decided on these already; evhttp's own limits stand behind it. */
	evhttp_set_max_headers_size(*http, ROTA_HTTP_HEAD_MAX + 1024);
	evhttp_set_max_body_size(*http, ROTA_HTTP_BODY_MAX + 1);
	evhttp_set_allowed_methods(*http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	*bound = evhttp_accept_socket_with_handle(*http, own);
	if (*bound == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory");
	return ROTA_OK;
}

static enum rota_err set_up(struct worker *w, int listener, int desk, struct rota_fail *why)
{
	const struct config *c = &w->shared->config;

	ROTA_TRY(rota_chain_open(c->ca, c->crl, &w->chain, why));
	ROTA_TRY(keys_open(&w->keys, c, why));
	ROTA_TRY(responder_open(&w->responder, c, why));
	w->base = event_base_new();
	if (w->base == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory or descriptors");
	ROTA_TRY(listen_on(w, listener, &w->gate, api_request, &w->http, &w->bound, why));
	if (desk >= 0)
		ROTA_TRY(listen_on(
			w, desk, &w->desk, operators_request, &w->desk_http, &w->desk_bound, why));
	w->wake = event_new(w->base, w->answers.fd, EV_READ | EV_PERSIST, on_wake, w);
	w->linger = evtimer_new(w->base, on_linger, w);
	if (w->wake == NULL || w->linger == NULL || event_add(w->wake, NULL) != 0)
		return rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory");
	return ROTA_OK;
}

static void release(struct worker *w)
{
	if (w->http != NULL)
		evhttp_free(w->http);
	if (w->desk_http != NULL)
		evhttp_free(w->desk_http);
	if (w->wake != NULL)
		event_free(w->wake);
	if (w->linger != NULL)
		event_free(w->linger);
	if (w->base != NULL)
		event_base_free(w->base);
	keys_close(&w->keys);
	responder_close(&w->responder);
	rota_chain_close(w->chain);
	queue_free(&w->answers);
}

enum rota_err worker_start(
	struct worker *w, struct shared *shared, int listener, int desk, struct rota_fail *why)
{
	const struct config *c = &shared->config;
	enum rota_err err;

	*w = (struct worker){
		.shared = shared,
		.gate = { .shared = shared,
			.users = &c->peer,
			.user_count = 1,
			.direct = keys_direct,
			.direct_ctx = w },
		.desk = { .shared = shared, .users = c->operators, .user_count = c->operator_count }
	};
	if (!queue_init(&w->answers, shared->config.queue + 1))
		return rota_fail(why, ROTA_ERR_FULL, "out of memory or descriptors");
	err = set_up(w, listener, desk, why);
	if (err == ROTA_OK && pthread_create(&w->thread, NULL, run, w) != 0)
		err = rota_fail(why, ROTA_ERR_FULL, "a worker thread cannot be made");
	if (err != ROTA_OK)
		release(w);
	return err;
}

void worker_stop(struct worker *w)
{
	/* Not by closing the queue: what is on its way to the disk still comes back through it. */
	if (!queue_push(&w->answers, w))
		abort(); /* it has room for one more than may wait */
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	release(w);
}
