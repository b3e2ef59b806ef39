/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/est.h"
#include "apps/rotad/api.h"
#include "apps/rotad/log.h"
#include "apps/rotad/peer.h"
#include "apps/rotad/post.h"
#include "host/base/bytes.h"
#include "host/est/est.h"
#include "host/notary/certify.h"
#include "host/notary/client_certificate.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENDORSEMENT "X-Rota-Endorsement"
#define IDEVID "X-Rota-IDevID"
#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"

/* One question, and what came of it. The post that carries it there and back has it as `arg`. */
struct enrol {
	bool nonce; /* that is all that is asked for */
	uint8_t device[ROTA_DEVICE_ID_LEN];
	struct rota_bytes csr, endorsement, identity, ldevid;
	int status; /* of the answer */
	char why[sizeof(((struct rota_fail *)0)->text)]; /* where it is not 200 */
	struct rota_bytes out; /* 200: the body */
};

static void enrol_free(struct enrol *e)
{
	rota_bytes_free(&e->csr);
	rota_bytes_free(&e->endorsement);
	rota_bytes_free(&e->identity);
	rota_bytes_free(&e->ldevid);
	rota_bytes_free(&e->out);
	free(e);
}

/* ---- the thread that asks ---- */

static void answered(struct enrol *e, int status, const char *why)
{
	e->status = status;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

/* What may be another answer in a while is no answer: the rate, the token, the log. */
static enum rota_err ask_certificate(
	struct rota_client *client, const char *scope, struct enrol *e, struct rota_fail *why)
{
	const struct rota_certificate_ask ask = { .scope = scope,
		.party = "operational-ca",
		.reason = "a device asks for a certificate",
		.csr = rota_bytes_span(&e->csr),
		.endorsement = rota_bytes_span(&e->endorsement),
		.identity = rota_bytes_span(&e->identity),
		.ldevid = rota_bytes_span(&e->ldevid) };
	struct rota_bytes der;
	enum rota_err err = rota_client_certificate(client, &ask, &der, why);

	if (err == ROTA_OK) {
		rota_est_certs(rota_bytes_span(&der), &e->out);
		answered(e, 200, "");
	} else if (rota_err_class(err) == ROTA_CLASS_REFUSED ||
		rota_err_class(err) == ROTA_CLASS_MALFORMED) {
		answered(e, 403, why->text);
		err = ROTA_OK;
	}
	rota_bytes_free(&der);
	return err;
}

static enum rota_err ask_nonce(
	struct rota_client *client, const char *scope, struct enrol *e, struct rota_fail *why)
{
	char device[2 * ROTA_DEVICE_ID_LEN + 1], hex[2 * ROTA_DIGEST_LEN + 1];
	uint8_t nonce[ROTA_DIGEST_LEN];
	enum rota_err err;

	rota_hex(ROTA_SPAN(e->device), device);
	err = rota_client_nonce(client, scope, device, nonce, why);
	if (err == ROTA_ERR_NOT_FOUND) {
		answered(e, 404, "no certificates are issued here");
		return ROTA_OK;
	}
	ROTA_TRY(err);
	rota_hex(ROTA_SPAN(nonce), hex);
	rota_bytes_add_text(&e->out, hex);
	answered(e, 200, "");
	return ROTA_OK;
}

static enum rota_err ask(struct est *t, struct enrol *e, struct rota_fail *why)
{
	const struct config *c = &t->shared->config;
	const struct rota_client_server server = { .address = c->authority };

	if (t->client == NULL)
		ROTA_TRY(rota_client_open(&server, &t->client, why));
	return e->nonce ? ask_nonce(t->client, c->product, e, why)
			: ask_certificate(t->client, c->product, e, why);
}

static void serve(struct est *t, struct enrol *e)
{
	struct rota_fail why;

	if (ask(t, e, &why) == ROTA_OK) {
		t->failed = false;
		return;
	}
	answered(e, 503, "the signing daemon cannot be asked now");
	rota_client_close(t->client);
	t->client = NULL;
	if (!t->failed)
		log_line("est: %s", why.text);
	t->failed = true;
}

static void *run(void *arg)
{
	struct est *t = arg;
	struct post *p;
	bool closed;

	do {
		queue_wait(&t->shared->est);
		closed = queue_closed(&t->shared->est);
		while ((p = queue_pop(&t->shared->est)) != NULL) {
			serve(t, p->arg);
			if (!queue_push(p->home, p))
				abort(); /* it has room for all that its worker gave away */
		}
	} while (!closed);
	rota_client_close(t->client);
	return NULL;
}

bool est_start(struct est *e, struct shared *shared)
{
	*e = (struct est){ .shared = shared };
	return pthread_create(&e->thread, NULL, run, e) == 0;
}

void est_join(struct est *e)
{
	pthread_join(e->thread, NULL);
}

/* ---- the front ---- */

static void told(struct worker *w, struct post *p)
{
	struct enrol *e = p->arg;

	if (!e->nonce)
		turns_give(&w->shared->enrols, e->device);
	if (p->request != NULL && e->status == 200)
		api_send(
			p->request, e->nonce ? "text/plain" : CERTS_ONLY, rota_bytes_span(&e->out));
	else if (p->request != NULL)
		api_error(p->request, e->status, e->why);
	enrol_free(e);
}

static void send_off(struct worker *w, struct evhttp_request *request, struct enrol *e)
{
	struct post *p = post_new(w, 0, 0);

	if (p == NULL)
		abort();
	p->tell = told;
	p->arg = e;
	if (post_send_to(&w->shared->est, w, request, p, "too many devices ask for certificates"))
		return;
	if (!e->nonce)
		turns_give(&w->shared->enrols, e->device);
	enrol_free(e);
}

/* A header in hex; empty where it is not there. false: it is no hex, or longer. */
static bool read_header(
	struct evhttp_request *request, const char *name, size_t most, struct rota_bytes *out)
{
	const char *text = evhttp_find_header(evhttp_request_get_input_headers(request), name);
	uint8_t room[ROTA_EST_PART_MAX];
	size_t len = text == NULL ? 0 : strlen(text) / 2;

	if (text == NULL)
		return true;
	if (len > most || !rota_unhex(text, rota_buf(room, len)))
		return false;
	rota_bytes_add(out, rota_span(room, len));
	return true;
}

/* NULL, or what is wrong. */
static const char *read_request(struct evhttp_request *request, struct enrol *e)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(body), got;
	uint8_t der[ROTA_EST_PART_MAX];

	if (len == 0 ||
		rota_est_read(rota_span(evbuffer_pullup(body, -1), len), ROTA_BUF(der), &got) !=
			ROTA_OK)
		return "the body is no request in base64";
	rota_bytes_add(&e->csr, rota_span(der, got));
	if (!read_header(request, ENDORSEMENT, ROTA_CERTIFY_ENDORSEMENT_MAX, &e->endorsement) ||
		e->endorsement.len == 0)
		return ENDORSEMENT " is missing, or is none";
	if (!read_header(request, IDEVID, ROTA_EST_PART_MAX, &e->identity))
		return IDEVID " is none";
	return NULL;
}

/* Which certificate is what follows from who speaks. */
static const char *place(const struct peer *peer, enum peer_kind kind, struct enrol *e)
{
	struct rota_span own = rota_span(peer->der, peer->der_len);

	memcpy(e->device, peer->id, sizeof(e->device));
	if (kind == PEER_IDEVID && e->identity.len > 0)
		return IDEVID " is for who comes with an LDevID";
	if (kind == PEER_IDEVID)
		rota_bytes_add(&e->identity, own);
	else if (e->identity.len == 0)
		return IDEVID " is missing";
	else if (e->endorsement.p[0] == ROTA_ENDORSED_BY_LDEVID)
		rota_bytes_add(&e->ldevid, own);
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Where no daemon is named nobody is asked who he is. */
static bool is_served(struct worker *w, struct evhttp_request *request)
{
	if (w->shared->config.authority != NULL && w->shared->device_ca != NULL)
		return true;
	api_error(request, 404, "no certificates are issued here");
	return false;
}

static struct enrol *enrol_new(void)
{
	struct enrol *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	return e;
}

void est_on_enrol(struct worker *w, struct evhttp_request *request)
{
	struct peer peer;
	enum peer_kind kind;
	struct enrol *e;
	const char *wrong;

	if (!is_served(w, request))
		return;
	kind = peer_identify_any(w, request, &peer);
	if (kind == PEER_NONE)
		return;
	e = enrol_new();
	wrong = read_request(request, e);
	if (wrong == NULL)
		wrong = place(&peer, kind, e);
	if (wrong == NULL && turns_take(&w->shared->enrols, peer.id, now_ms())) {
		send_off(w, request, e);
		return;
	}
	enrol_free(e);
	if (wrong == NULL)
		api_error(request, 429, "one request after the other, and not so many");
	else
		api_error(request, 400, wrong);
}

void est_on_nonce(struct worker *w, struct evhttp_request *request)
{
	struct peer peer;
	struct enrol *e;

	if (!is_served(w, request) || peer_identify_any(w, request, &peer) == PEER_NONE)
		return;
	e = enrol_new();
	e->nonce = true;
	memcpy(e->device, peer.id, sizeof(e->device));
	send_off(w, request, e);
}

/* Everybody may know whom this server's devices are issued by. */
void est_on_cacerts(struct worker *w, struct evhttp_request *request)
{
	struct rota_bytes out = { 0 };
	struct rota_fail why;

	if (rota_est_certs_of(w->shared->config.ca, &out, &why) == ROTA_OK)
		api_send(request, CERTS_ONLY, rota_bytes_span(&out));
	else
		api_error(request, 503, "the certificates cannot be read now");
	rota_bytes_free(&out);
}
