/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/conn.h"
#include "apps/rota-signd/remote.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* SPEC 18.2 */
#define HEAD_MS 10000
#define IDLE_MS 60000
#define BODY_MS 120000
#define SEND_MS 120000
/* An artifact: an hour, and 64 KiB in each second. */
#define STREAM_MS 3600000
#define STREAM_BYTES_MS 65
#define READ_BYTES 65536
/* Of whom signd.ini does not know: all that a refusal needs. */
#define STRANGER_BODY_MAX ROTA_HTTP_BODY_MAX

static const char *phrase(int status)
{
	return status == 200 ? "OK" : status == 202 ? "Accepted" : "Refused";
}

static bool is_stranger(const struct conn *c)
{
	const char *client;
	struct rota_fail why;

	return rota_policy_client(c->plan->policy, &c->who, &client, &why) != ROTA_OK;
}

bool conn_open(struct conn *c, int fd, const struct plan *plan, struct rota_remote *remote,
	uint64_t now_ms)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		close(fd);
		return false;
	}
	c->fd = fd;
	c->who = (struct rota_identity){ .uid = peer.uid };
	c->peer = peer.uid;
	c->plan = plan;
	c->remote = remote;
	c->stranger = !remote && is_stranger(c);
	c->phase = CONN_HEAD;
	c->until_ms = now_ms + HEAD_MS; /* a connection is made to send something */
	return true;
}

void conn_close(struct conn *c)
{
	close(c->fd);
	rota_bytes_free(&c->in);
	rota_bytes_free(&c->out);
	rota_artifact_free(c->reader);
	deed_free(&c->deed);
	*c = (struct conn){ .phase = CONN_FREE };
}

void conn_leave(struct conn *c)
{
	c->gone = true;
	if (c->phase != CONN_LOG && c->phase != CONN_TOKEN)
		conn_close(c);
}

void conn_answer(
	struct conn *c, int status, struct rota_span body, uint64_t retry_s, uint64_t now_ms)
{
	struct rota_bytes *out = &c->out;

	if (c->gone) {
		conn_close(c);
		return;
	}
	rota_bytes_free(out);
	c->sent = 0;
	c->last = status != 200 && body.len == 0;
	rota_bytes_print(
		out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n", status, phrase(status), body.len);
	if (body.len > 0)
		rota_bytes_add_text(out,
			c->route.kind == ROUTE_METRICS ? "Content-Type: text/plain\r\n"
						       : "Content-Type: application/json\r\n");
	if (retry_s > 0)
		rota_bytes_print(out, "Retry-After: %" PRIu64 "\r\n", retry_s);
	rota_bytes_add_text(out, c->last ? "Connection: close\r\n\r\n" : "\r\n");
	rota_bytes_add(out, body);
	deed_free(&c->deed);
	rota_artifact_free(c->reader);
	c->reader = NULL;
	rota_bytes_free(&c->in);
	c->phase = CONN_SEND;
	c->until_ms = now_ms + SEND_MS;
	conn_send(c, now_ms);
}

void conn_send(struct conn *c, uint64_t now_ms)
{
	ssize_t sent =
		send(c->fd, c->out.p + c->sent, c->out.len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		c->sent += (size_t)sent;
	if (sent > 0 && c->sent < c->out.len)
		return;
	if (sent <= 0 || c->last) {
		conn_close(c);
		return;
	}
	rota_bytes_free(&c->out);
	c->served = true;
	c->phase = CONN_HEAD;
	c->until_ms = now_ms + IDLE_MS;
}

/* Bytes of a body that is looked at as it comes, and not kept. As judge(). */
static int stream(struct conn *c, struct rota_span piece)
{
	uint64_t until_ms;

	if (piece.len > c->body_len - c->streamed)
		return 400; /* bytes behind a request */
	if (c->reader)
		rota_artifact_add(c->reader, piece);
	c->streamed += piece.len;
	until_ms = c->begun_ms + BODY_MS + c->streamed / STREAM_BYTES_MS;
	c->until_ms = until_ms < c->begun_ms + STREAM_MS ? until_ms : c->begun_ms + STREAM_MS;
	return c->streamed == c->body_len;
}

/* The head of such a body was read; of who may not bring it, nothing is looked at. */
static int begin_stream(struct conn *c, uint64_t now_ms)
{
	struct rota_bytes rest = conn_body(c);
	int status;

	c->streamed = 0;
	c->begun_ms = now_ms;
	if (rota_policy_brings(c->plan->policy, &c->who, c->route.word[0]))
		c->reader = rota_artifact_begin(&rota_crypto_openssl);
	status = stream(c, rota_bytes_span(&rest));
	rota_bytes_free(&rest);
	return status;
}

/* What the bytes at hand come to: 0 to read on, 1 a whole request, else the status to refuse with. */
static int judge(struct conn *c, uint64_t now_ms)
{
	struct rota_http_head head;
	int status;

	if (c->phase == CONN_HEAD) {
		status = rota_http_head(rota_bytes_span(&c->in), route_body_max, &head);
		if (status != 0)
			return status;
		if (head.len == 0)
			return 0;
		if (head.chunked)
			return 411; /* our clients know how much they send */
		if (c->remote)
			remote_identify(c->remote,
				rota_span_slice(rota_bytes_span(&c->in), 0, head.len), &c->who);
		status = route_find(&head, &c->route);
		if (status != 0)
			return status;
		if (head.body_len > STRANGER_BODY_MAX && is_stranger(c))
			return 413;
		c->head_len = head.len;
		c->body_len = head.body_len;
		c->phase = CONN_BODY;
		c->until_ms = now_ms + BODY_MS;
		if (c->route.kind == ROUTE_ARTIFACT)
			return begin_stream(c, now_ms);
	}
	if (c->in.len > c->head_len + c->body_len)
		return 400; /* bytes behind a request */
	return c->in.len == c->head_len + c->body_len;
}

bool conn_read(struct conn *c, size_t room, uint64_t now_ms)
{
	uint8_t piece[READ_BYTES];
	ssize_t got = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);
	int status;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0 || c->phase > CONN_BODY) { /* gone, or talking while an answer is due */
		conn_leave(c);
		return false;
	}
	if (c->phase == CONN_HEAD && c->in.len == 0)
		c->until_ms = now_ms + HEAD_MS;
	c->served = false;
	if (c->phase == CONN_BODY && c->route.kind == ROUTE_ARTIFACT) {
		status = stream(c, rota_span(piece, (size_t)got));
	} else {
		rota_bytes_add(&c->in, rota_span(piece, (size_t)got));
		status = c->in.len > room ? 503 : judge(c, now_ms);
	}
	if (status > 1)
		conn_answer(c, status, ROTA_STR(""), 0, now_ms);
	return status == 1;
}

struct rota_bytes conn_body(struct conn *c)
{
	struct rota_bytes body = { 0 };

	rota_bytes_add(&body, rota_span_skip(rota_bytes_span(&c->in), c->head_len));
	rota_bytes_free(&c->in);
	return body;
}
