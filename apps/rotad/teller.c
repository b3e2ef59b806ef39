/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/teller.h"
#include "apps/rotad/api.h"
#include "apps/rotad/log.h"
#include "host/notary/ask.h"
#include "rota/codec/timesig.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>

/* Questions of one worker at a time: the daemon has 64 connections, for all that ask it. */
#define ASKING_MAX 8
/* A device believes an answer that comes within 60 s of asking (SPEC 5.5). */
#define ANSWER_S 5
/* Head and answer, with room for a refusal's sentence. */
#define ANSWER_MAX 4096

struct asking {
	struct worker *worker;
	struct evhttp_request *request; /* NULL once the device is gone */
	struct bufferevent *daemon;
};

/* Whom to answer, or NULL. The connection may be gone with the answer, so nothing hangs on it any more. */
static struct evhttp_request *end(struct asking *a)
{
	struct evhttp_request *request = a->request;

	if (request != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	if (a->daemon != NULL)
		bufferevent_free(a->daemon);
	a->worker->asking--;
	free(a);
	return request;
}

/* Said once until it is well again: every device may ask. */
static void fail(struct asking *a, const char *why)
{
	struct worker *w = a->worker;
	struct evhttp_request *request = end(a);

	if (!w->teller_failed)
		log_line("time: %s", why);
	w->teller_failed = true;
	if (request != NULL)
		api_error(request, 503, "the time cannot be signed now");
	worker_returned(w);
}

static void tell(struct asking *a, const struct rota_answer *answer)
{
	const struct rota_timesig by = { ROTA_ALG_ECDSA_P256, ROTA_SPAN(answer->sig[0].key),
		ROTA_SPAN(answer->sig[0].sig) };
	uint8_t room[sizeof(uint64_t) + ROTA_TIMESIG_MAX];
	struct rota_writer writer = rota_writer(ROTA_BUF(room));
	struct worker *w = a->worker;
	struct evhttp_request *request = end(a);
	struct rota_span out;

	rota_write_le64(&writer, answer->time_s);
	rota_timesig_write(&writer, &by);
	if (rota_writer_end(&writer, &out) != ROTA_OK)
		abort(); /* the room is for the longest there is */
	w->teller_failed = false;
	count_one(&w->shared->figures.times);
	if (request != NULL)
		api_bytes(request, out);
	worker_returned(w);
}

static void take(struct asking *a, struct rota_span body)
{
	struct rota_answer answer;
	struct rota_fail why;
	char text[sizeof(answer.text) + 64];

	if (rota_answer_read(body, &answer, &why) != ROTA_OK) {
		fail(a, "the signing daemon says what is no answer (SPEC 18.5)");
	} else if (answer.kind == ROTA_ANSWER_REFUSED) {
		snprintf(text, sizeof(text), "the signing daemon refuses it: %s: %s", answer.code,
			answer.text);
		fail(a, text);
	} else if (answer.kind != ROTA_ANSWER_SIGNED || answer.count != 1 || answer.time_s == 0) {
		fail(a, "the signing daemon answers something else");
	} else {
		tell(a, &answer);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	static const char field[] = "\r\nContent-Length: ";
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t have = evbuffer_get_length(in), len;
	struct asking *a = arg;
	char text[ANSWER_MAX + 1];
	const char *body, *length;

	if (have > ANSWER_MAX) {
		fail(a, "the signing daemon's answer is too long");
		return;
	}
	evbuffer_copyout(in, text, have);
	text[have] = '\0';
	body = strstr(text, "\r\n\r\n");
	length = strstr(text, field);
	if (body == NULL)
		return;
	body += 4;
	len = length != NULL && length < body ? strtoul(length + sizeof(field) - 1, NULL, 10) : 0;
	if (len > ANSWER_MAX)
		fail(a, "the signing daemon's answer is too long");
	else if (have - (size_t)(body - text) >= len)
		take(a, rota_span(body, len));
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & BEV_EVENT_TIMEOUT)
		fail(arg, "the signing daemon does not answer");
	else if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
		fail(arg, "there is no signing daemon at the socket of rotad.ini");
}

/* The device went away; evhttp frees the request. */
static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct asking *a = arg;
	struct worker *worker;

	(void)connection;
	a->request = NULL;
	worker = a->worker;
	(void)end(a);
	worker_returned(worker);
}

static bool write_ask(struct asking *a, const char *device, const char *nonce)
{
	struct rota_ask ask = { .kind = ROTA_ASK_TIME,
		.scope = a->worker->shared->config.scope,
		.role = "time",
		.reason = "a device asks for the time" };
	struct rota_bytes text;
	struct rota_fail why;
	bool good;

	ask.body = json_pack("{s:s,s:s}", "device", device, "nonce", nonce);
	good = getrandom(ask.id, sizeof(ask.id), 0) == (ssize_t)sizeof(ask.id) &&
		rota_ask_write(&ask, &text, &why) == ROTA_OK;
	json_decref(ask.body);
	if (!good)
		return false;
	evbuffer_add_printf(bufferevent_get_output(a->daemon),
		"POST /v1/ask HTTP/1.1\r\nHost: signd\r\nContent-Length: %zu\r\n\r\n", text.len);
	evbuffer_add(bufferevent_get_output(a->daemon), text.p, text.len);
	rota_bytes_free(&text);
	return true;
}

static bool call(struct asking *a, const char *device, const char *nonce)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", a->worker->shared->config.signd);
	a->daemon = bufferevent_socket_new(a->worker->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (a->daemon == NULL || !write_ask(a, device, nonce))
		return false;
	bufferevent_setcb(a->daemon, on_read, NULL, on_event, a);
	bufferevent_set_timeouts(a->daemon, &limit, &limit);
	bufferevent_enable(a->daemon, EV_READ | EV_WRITE);
	return bufferevent_socket_connect(a->daemon, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

void teller_ask(
	struct worker *w, struct evhttp_request *request, const char *device, const char *nonce)
{
	struct asking *a = w->asking < ASKING_MAX ? calloc(1, sizeof(*a)) : NULL;

	if (a == NULL) {
		count_one(&w->shared->figures.busy);
		api_error(request, 503, "too many devices ask for the time");
		return;
	}
	a->worker = w;
	a->request = request;
	w->asking++;
	if (!call(a, device, nonce)) {
		fail(a, "there is no signing daemon at the socket of rotad.ini");
		return;
	}
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_gone, a);
}
