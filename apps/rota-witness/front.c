/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-witness/front.h"
#include "host/base/when.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_MAX 8192 /* a request line and the few headers that a log, or nginx, sends */
#define SILENCE_S 10 /* on a connection */
#define BACKLOG 64

struct front {
	struct rota_cosigner *cosigner;
	struct event_base *base;
};

static void say(const char *what, const char *text)
{
	char when[ROTA_WHEN_LEN];

	rota_when_text(rota_when_now(), when);
	fprintf(stderr, "%s rota-witness: %s%s\n", when, what, text);
}

static void answer(
	struct evhttp_request *req, enum rota_cosigner_status status, const struct rota_bytes *body)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(req);
	const char *type =
		status == ROTA_COSIGNER_CONFLICT ? "text/x.tlog.size" : "text/plain; charset=utf-8";

	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", type);
	if (body->len > 0)
		evbuffer_add(out, body->p, body->len);
	evhttp_send_reply(req, (int)status, NULL, NULL);
}

static void on_checkpoint(struct evhttp_request *req, void *arg)
{
	const struct front *f = arg;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	struct rota_bytes body = { 0 };
	enum rota_cosigner_status status;
	struct rota_fail why;
	bool alarm;

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		evhttp_send_error(req, 405, NULL);
		return;
	}
	status = rota_cosigner_add(f->cosigner, rota_span(evbuffer_pullup(in, -1), len),
		rota_when_now(), &body, &alarm, &why);
	if (alarm)
		say("ALARM: ", why.text);
	else if (status == ROTA_COSIGNER_FAILED)
		say("", why.text);
	answer(req, status, &body);
	rota_bytes_free(&body);
}

static void on_else(struct evhttp_request *req, void *arg)
{
	(void)arg;
	evhttp_send_error(req, 404, NULL);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct front *f = arg;

	(void)number, (void)what;
	event_base_loopexit(f->base, NULL);
}

static enum rota_err bound(
	int fd, const struct sockaddr *at, socklen_t len, const char *where, struct rota_fail *why)
{
	const int on = 1;

	if (at->sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, at, len) == 0 && listen(fd, BACKLOG) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "[witness] listen = %s", where);
}

static bool loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;

	if (at->ss_family == AF_INET)
		return v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	return memcmp(&v6->sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

static enum rota_err parse(
	const char *where, struct sockaddr_storage *at, socklen_t *len, struct rota_fail *why)
{
	struct sockaddr_un *local = (struct sockaddr_un *)at;
	int room = sizeof(*at);

	memset(at, 0, sizeof(*at));
	if (strncmp(where, "unix:", 5) == 0 && strlen(where + 5) < sizeof(local->sun_path)) {
		local->sun_family = AF_UNIX;
		memcpy(local->sun_path, where + 5, strlen(where + 5) + 1);
		*len = sizeof(*local);
		return ROTA_OK;
	}
	if (strncmp(where, "unix:", 5) != 0 &&
		evutil_parse_sockaddr_port(where, (struct sockaddr *)at, &room) == 0 &&
		loopback(at)) {
		*len = (socklen_t)room;
		return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_FORMAT,
		"[witness] listen = %s: 127.0.0.1:PORT, [::1]:PORT or unix:PATH is wanted; nginx "
		"stands before it",
		where);
}

enum rota_err front_listen(const char *where, int *fd, struct rota_fail *why)
{
	struct sockaddr_storage at;
	struct stat st;
	socklen_t len = 0;
	enum rota_err err;
	mode_t old;

	ROTA_TRY(parse(where, &at, &len, why));
	/* the state's lock is ours: nobody else's witness listens on what is left of a socket */
	if (at.ss_family == AF_UNIX && lstat(where + 5, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(where + 5);
	*fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return rota_fail_errno(why, errno, "[witness] listen = %s", where);
	old = umask(0117);
	err = bound(*fd, (const struct sockaddr *)&at, len, where, why);
	umask(old);
	if (err != ROTA_OK)
		close(*fd);
	return err;
}

static enum rota_err serve(struct front *f, struct evhttp *http, int fd, struct rota_fail *why)
{
	struct event *term = evsignal_new(f->base, SIGTERM, on_signal, f);
	struct event *intr = evsignal_new(f->base, SIGINT, on_signal, f);
	bool ready;

	evhttp_set_max_headers_size(http, HEAD_MAX);
	evhttp_set_max_body_size(http, ROTA_COSIGNER_BODY_MAX);
	evhttp_set_timeout(http, SILENCE_S);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(http, on_else, f);
	ready = term && intr && event_add(term, NULL) == 0 && event_add(intr, NULL) == 0 &&
		evhttp_set_cb(http, "/add-checkpoint", on_checkpoint, f) == 0 &&
		evhttp_accept_socket(http, fd) == 0;
	if (ready)
		event_base_dispatch(f->base);
	if (term)
		event_free(term);
	if (intr)
		event_free(intr);
	return ready ? ROTA_OK : rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory");
}

enum rota_err front_run(int fd, struct rota_cosigner *cosigner, struct rota_fail *why)
{
	struct front f = { .cosigner = cosigner, .base = event_base_new() };
	struct evhttp *http = f.base ? evhttp_new(f.base) : NULL;
	enum rota_err err = http ? serve(&f, http, fd, why)
				 : rota_fail(why, ROTA_ERR_FULL, "no event loop: out of memory");

	if (http)
		evhttp_free(http);
	if (f.base)
		event_base_free(f.base);
	return err;
}
