/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/api.h"
#include "apps/rotad/est.h"
#include "apps/rotad/metrics.h"
#include "apps/rotad/peer.h"
#include "apps/rotad/post.h"
#include "apps/rotad/responder.h"
#include "apps/rotad/statements.h"
#include "apps/rotad/teller.h"
#include "host/base/json.h"
#include "host/registry/delivery.h"
#include "host/registry/report.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* When a device may come again after 503: long enough for a full disk to be noticed. */
#define RETRY_AFTER_S "10"
/* 16 bytes (SPEC 5.5) and a zero byte. */
#define NONCE_HEX 33

/* Takes the body. */
static void reply(struct evhttp_request *req, int status, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct bufferevent *bev;

	if (type != NULL)
		evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (status == 503 || status == 429)
		evhttp_add_header(headers, "Retry-After", RETRY_AFTER_S);
	bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	evhttp_send_reply(req, status, status < 300 ? "OK" : "Refused", body);
	/* evhttp fills the filter's buffer before it allows writing, and a filter looks again only when told to
	 * (libevent 2.1). The connection may be freed in here. */
	bufferevent_flush(bev, EV_WRITE, BEV_FLUSH);
	evbuffer_free(body);
}

static struct evbuffer *new_body(void)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		abort();
	return body;
}

static void answer(struct evhttp_request *req, int status, const char *type, const char *format,
	...) __attribute__((format(printf, 4, 5)));

static void answer(
	struct evhttp_request *req, int status, const char *type, const char *format, ...)
{
	struct evbuffer *body = new_body();
	va_list args;

	va_start(args, format);
	evbuffer_add_vprintf(body, format, args);
	va_end(args);
	reply(req, status, type, body);
}

void api_bytes(struct evhttp_request *request, struct rota_span bytes)
{
	struct evbuffer *body = new_body();

	evbuffer_add(body, bytes.p, bytes.len);
	reply(request, 200, "application/octet-stream", body);
}

void api_send(struct evhttp_request *request, const char *type, struct rota_span bytes)
{
	struct evbuffer *body = new_body();

	evbuffer_add(body, bytes.p, bytes.len);
	if (strncmp(type, "application/pkcs7", sizeof("application/pkcs7") - 1) == 0)
		evhttp_add_header(evhttp_request_get_output_headers(request),
			"Content-Transfer-Encoding", "base64");
	reply(request, 200, type, body);
}

void api_nothing(struct evhttp_request *request)
{
	reply(request, 204, NULL, new_body());
}

void api_json(struct evhttp_request *request, int status, const char *text)
{
	answer(request, status, "application/json", "%s", text);
}

/* Reasons are our own sentences or JSON member names; quotes in them would break the answer. */
void api_error(struct evhttp_request *req, int status, const char *reason)
{
	char safe[256];
	size_t n = 0;

	for (const char *p = reason; *p != '\0' && n + 1 < sizeof(safe); p++)
		safe[n++] = *p == '"' || *p == '\\' || (unsigned char)*p < ' ' ? '\'' : *p;
	safe[n] = '\0';
	answer(req, status, "application/json", "{\"error\":\"%s\"}\n", safe);
}

static void report_told(struct worker *w, struct post *p)
{
	if (p->request == NULL)
		return;
	if (p->result != ROTA_OK) {
		count_one(&w->shared->figures.busy);
		api_error(p->request, 503, "the report could not be stored");
		return;
	}
	count_one(&w->shared->figures.accepted);
	answer(p->request, 200, "application/json", "{\"acknowledged\":%" PRIu64 "}\n",
		p->acknowledge);
}

/* With the certificate in place (host/registry/delivery.h), and room for the body behind it. NULL: out of memory. */
static struct post *report_new(
	struct worker *w, struct evhttp_request *req, const struct peer *peer, size_t *report_at)
{
	size_t body = evbuffer_get_length(evhttp_request_get_input_buffer(req));
	struct post *p =
		post_new(w, ROTA_RECORD_DELIVERY, ROTA_DELIVERY_HEAD_LEN + peer->der_len + body);

	if (p == NULL)
		return NULL;
	memcpy(p->record.device, peer->id, sizeof(peer->id));
	p->tell = report_told;
	if (rota_delivery_begin(rota_span(peer->der, peer->der_len),
		    rota_buf(p->payload, p->payload_len), report_at) == ROTA_OK)
		return p;
	free(p);
	return NULL;
}

static const char *wrong_type(struct evhttp_request *req)
{
	const char *type =
		evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");

	return type != NULL && strcmp(type, "application/json") == 0
		? NULL
		: "the content type is not application/json";
}

static void take_report(
	struct worker *w, struct evhttp_request *req, struct post *p, size_t report_at)
{
	struct rota_buf body = rota_buf(p->payload + report_at, p->payload_len - report_at);
	struct rota_report *report;
	struct rota_fail why;
	enum rota_err err;

	evbuffer_remove(evhttp_request_get_input_buffer(req), body.p, body.len);
	err = rota_report_read(rota_span(body.p, body.len), &report, &why);
	if (err != ROTA_OK) {
		free(p);
		count_one(&w->shared->figures.refused_report);
		api_error(req, 400, why.text);
		return;
	}
	p->acknowledge = rota_report_last(report);
	rota_report_free(report);
	(void)post_send(w, req, p);
}

static void on_report(struct worker *w, struct evhttp_request *req)
{
	const char *refusal;
	size_t report_at;
	struct peer peer;
	struct post *p;

	if (!peer_identify(w, req, &peer))
		return;
	refusal = wrong_type(req);
	if (refusal != NULL) {
		count_one(&w->shared->figures.refused_report);
		api_error(req, 400, refusal);
		return;
	}
	p = report_new(w, req, &peer, &report_at);
	if (p == NULL) {
		api_error(req, 503, "out of memory");
		return;
	}
	take_report(w, req, p, report_at);
}

/* {"nonce"}, 32 hex digits (SPEC 13.5), as the daemon takes them. */
static bool read_nonce(struct evhttp_request *req, char out[static NONCE_HEX])
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct rota_span text = rota_span(evbuffer_pullup(body, -1), evbuffer_get_length(body));
	uint8_t nonce[(NONCE_HEX - 1) / 2];
	struct rota_fail why;
	const char *hex;
	json_t *whole;
	bool good;

	if (text.len == 0 || rota_json_parse(text, &whole, &why) != ROTA_OK)
		return false;
	hex = json_string_value(json_object_get(whole, "nonce"));
	good = rota_json_members(whole, "nonce") && hex && rota_unhex(hex, ROTA_BUF(nonce));
	if (good)
		rota_hex(ROTA_SPAN(nonce), out);
	json_decref(whole);
	return good;
}

static void on_time(struct worker *w, struct evhttp_request *req)
{
	char device[2 * ROTA_DEVICE_ID_LEN + 1], nonce[NONCE_HEX];
	struct peer peer;
	const char *refusal;

	if (w->shared->config.signd == NULL) {
		api_error(req, 404, "no time is signed here");
		return;
	}
	if (!peer_identify(w, req, &peer))
		return;
	refusal = wrong_type(req);
	if (refusal == NULL && !read_nonce(req, nonce))
		refusal = "the body is not {\"nonce\"} with 32 hex digits";
	if (refusal != NULL) {
		api_error(req, 400, refusal);
		return;
	}
	rota_hex(ROTA_SPAN(peer.id), device);
	teller_ask(w, req, device, nonce);
}

static void on_health(struct worker *w, struct evhttp_request *req)
{
	(void)w;
	answer(req, 200, "text/plain", "ok\n");
}

static void on_ready(struct worker *w, struct evhttp_request *req)
{
	struct figures *f = &w->shared->figures;
	bool ingest = atomic_load(&f->ingest_ok), projection = atomic_load(&f->projection_ok);

	answer(req, ingest && projection ? 200 : 503, "text/plain", "journal: %s\nprojection: %s\n",
		ingest ? "ok" : "cannot be written", projection ? "ok" : "stands still");
}

static void on_metrics(struct worker *w, struct evhttp_request *req)
{
	struct evbuffer *text = new_body();

	metrics_add(text, &w->shared->figures);
	ends_add(&w->ends, &w->shared->config, text);
	reply(req, 200, "text/plain; version=0.0.4", text);
}

static const struct route {
	const char *target; /* with more behind it where it ends with a slash */
	enum evhttp_cmd_type method;
	void (*run)(struct worker *w, struct evhttp_request *req); /* NULL: the gate answers it */
} routes[] = {
	{ "/api/v1/report", EVHTTP_REQ_POST, on_report },
	{ "/api/v1/time", EVHTTP_REQ_POST, on_time },
	{ "/api/v1/statement", EVHTTP_REQ_POST, statements_on },
	{ RESPONDER_PATH, EVHTTP_REQ_POST, responder_on_post },
	{ RESPONDER_PATH "/", EVHTTP_REQ_GET, responder_on_get },
	{ EST_PATH "cacerts", EVHTTP_REQ_GET, est_on_cacerts },
	{ EST_PATH "nonce", EVHTTP_REQ_GET, est_on_nonce },
	{ EST_PATH "simpleenroll", EVHTTP_REQ_POST, est_on_enrol },
	{ EST_PATH "simplereenroll", EVHTTP_REQ_POST, est_on_enrol },
	{ API_KEYS, EVHTTP_REQ_GET, NULL },
	{ "/healthz", EVHTTP_REQ_GET, on_health },
	{ "/readyz", EVHTTP_REQ_GET, on_ready },
	{ "/metrics", EVHTTP_REQ_GET, on_metrics },
};

static bool is_at(const char *target, const char *route)
{
	size_t len = strlen(route);

	return route[len - 1] == '/' ? strncmp(target, route, len) == 0
				     : strcmp(target, route) == 0;
}

void api_request(struct evhttp_request *request, void *worker)
{
	struct worker *w = worker;
	const char *target = evhttp_request_get_uri(request);

	count_one(&w->shared->figures.requests);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!is_at(target, routes[i].target))
			continue;
		if (routes[i].run != NULL &&
			evhttp_request_get_command(request) == routes[i].method)
			routes[i].run(w, request);
		else
			api_error(request, 405, "not this method here");
		return;
	}
	api_error(request, 404, "no such resource");
}
