/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/statements.h"
#include "apps/rotad/api.h"
#include "apps/rotad/await.h"
#include "apps/rotad/keys.h"
#include "apps/rotad/log.h"
#include "apps/rotad/peer.h"
#include "apps/rotad/post.h"
#include "host/base/bytes.h"
#include "host/base/when.h"
#include "host/identity/nonce.h"
#include "host/registry/campaignlog.h"
#include "host/registry/holding.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CRYPTO (&rota_crypto_openssl)

/* One on its way. */
struct said {
	struct worker *worker;
	struct evhttp_request *request; /* NULL once the device is gone */
	struct rota_reg_device device;
	struct rota_row row;
	bool over; /* is_last_word() */
	struct rota_statement s; /* points into `bytes` */
	size_t len;
	uint8_t bytes[ROTA_STATEMENT_MAX];
};

/* A refusal: an HTTP status, and why. status 0: none. */
struct verdict {
	int status;
	const char *why;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- whose it is ---- */

static struct verdict read_said(struct said *said, const struct peer *peer)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(said->request);

	said->len = evbuffer_get_length(body);
	if (said->len > sizeof(said->bytes))
		return (struct verdict){ 400, "it is longer than a statement can be" };
	evbuffer_remove(body, said->bytes, said->len);
	if (rota_statement_decode(rota_span(said->bytes, said->len), &said->s) != ROTA_OK)
		return (struct verdict){ 400, "it is no statement" };
	if (memcmp(said->s.device, peer->id, sizeof(peer->id)) != 0)
		return (struct verdict){ 403, "it is another device's" };
	return (struct verdict){ 0 };
}

/* SPEC 35.1 */
static bool is_signed(const struct said *said)
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_statement_digest(CRYPTO, said->s.body, digest);
	return rota_p256_verify(said->row.identity, digest, said->s.sig.p);
}

/* Of a device that is decommissioned: its answer was lost, or somebody else said it first. It keeps its keys until it hears that this was taken. */
static bool is_last_word(const struct said *said)
{
	return said->device.state == ROTA_REG_DECOMMISSIONED && said->s.kind == ROTA_STATEMENT_GONE;
}

/* The device, as the registry has it now. */
static struct verdict look(struct said *said)
{
	enum rota_err err = keys_device(said->worker, said->s.device, &said->device, &said->row);

	said->over = err == ROTA_ERR_DENIED && is_last_word(said);
	if (said->over)
		return (struct verdict){ 0 };
	if (err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_DENIED)
		return (struct verdict){ 403, "the device is not of the fleet" };
	if (err != ROTA_OK)
		return (struct verdict){ 503, "the registry cannot be read now" };
	return (struct verdict){ 0 };
}

/* ---- whether it may come ---- */

static bool brings_point(const struct rota_statement *s)
{
	return s->kind == ROTA_STATEMENT_PROVED || s->kind == ROTA_STATEMENT_ANEW;
}

/* What no row could follow from must not be acknowledged (SPEC 30.2): the point, and what the row says where it is the newest. */
static struct verdict judge_point(const struct said *said)
{
	EVP_PKEY *point = rota_p256_pkey(said->s.point);
	struct rota_row next;

	if (point == NULL || memcmp(said->s.point, said->row.identity, sizeof(said->s.point)) == 0)
		return (struct verdict){ 400, "its agree key is none" };
	EVP_PKEY_free(point);
	if (said->row.counter != said->device.agreed)
		return (struct verdict){ 0 };
	switch ((int)rota_row_next(&said->row, &said->s, &next)) {
	case ROTA_OK:
		return (struct verdict){ 0 };
	case ROTA_ERR_COUNTER:
	case ROTA_ERR_VERSION:
		return (struct verdict){ 409, NULL };
	default:
		return (struct verdict){ 422, "no row follows from it" };
	}
}

/* A campaign is for one purpose and generation, and its confirmation keys are for no other. Which, only the registry says: of one that it
 * has not heard of yet a device could name any generation, and the next campaign would have to be above that. */
static struct verdict judge_campaign(const struct said *said)
{
	struct rota_fail why;

	switch ((int)rota_campaignlog_fits(&said->worker->keys.reg, &said->s, &why)) {
	case ROTA_OK:
		return (struct verdict){ 0 };
	case ROTA_ERR_VERSION:
		return (struct verdict){ 422, "the campaign is for another generation" };
	case ROTA_ERR_NOT_FOUND:
		count_one(&said->worker->shared->figures.early_proofs);
		return (struct verdict){ 503, "the registry has not heard of the campaign yet" };
	default:
		keys_failed(said->worker, &why);
		return (struct verdict){ 503, "the registry cannot be read now" };
	}
}

/* SPEC 35.3 */
static struct verdict judge_proof(const struct said *said)
{
	struct worker *w = said->worker;
	struct verdict v = judge_campaign(said);
	struct rota_fail why;

	if (v.status != 0)
		return v;
	switch ((int)rota_nonce_check(CRYPTO, &w->shared->prove, KEYS_NONCE, said->s.device,
		rota_when_now(), said->s.nonce)) {
	case ROTA_OK:
		break;
	case ROTA_ERR_EXPIRED:
		return (struct verdict){ 410,
			"the nonce's hour is over: ask for the bundle again" };
	default: /* also after the server was put back with another secret */
		return (struct verdict){ 410,
			"the nonce is none of this server for the device: ask for the bundle "
			"again" };
	}
	switch ((int)rota_keyshelf_proved(w->keys.shelf, said->row.identity, &said->s, &why)) {
	case ROTA_OK:
		return (struct verdict){ 0 };
	case ROTA_ERR_SIGNATURE:
		return (struct verdict){ 422, "the proof is wrong" };
	case ROTA_ERR_NOT_FOUND:
		return (struct verdict){ 404, "the campaign is not here" };
	default:
		keys_failed(w, &why);
		return (struct verdict){ 503, "confirmation keys cannot be read now" };
	}
}

/* What a device says that it proved is its word alone; where it is more than it showed here, this server was put back from a copy that is
 * older than its last 204, and the next campaign is sealed under a psk that the device takes no more (SPEC 35.6). */
static enum rota_err look_for_lost(const struct said *said, struct rota_fail *why)
{
	const struct rota_regdb *reg = &said->worker->keys.reg;
	struct rota_reg_holding h;

	for (size_t i = 0; i < said->s.count; i++) {
		const struct rota_holding *word = &said->s.holding[i];
		enum rota_err err = reg->holding(reg->ctx, said->device.id, word->purpose, &h, why);

		if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
			return err;
		if (word->proved <= (err == ROTA_OK ? h.held.proved : 0))
			continue;
		count_one(&said->worker->shared->figures.lost_proofs);
		log_line("device %s: it says that it proved generation %u of purpose %u, which the "
			 "registry does not have: it was put back from a copy",
			said->device.id, (unsigned)word->proved, (unsigned)word->purpose);
		break;
	}
	return ROTA_OK;
}

/* 204 stands for a repeat, 409 without a sentence for what is out of turn. */
static struct verdict judge(const struct said *said)
{
	const struct rota_regdb *reg = &said->worker->keys.reg;
	struct verdict v = { 0 };
	enum rota_fleet_result result;
	struct rota_fail why;

	if (said->over)
		return (struct verdict){ 204, NULL };
	if (rota_holding_judge(reg, &said->device, &said->s, rota_span(said->bytes, said->len),
		    &result, &why) != ROTA_OK) {
		keys_failed(said->worker, &why);
		return (struct verdict){ 503, "the registry cannot be read now" };
	}
	if (result == ROTA_FLEET_REPEATED)
		return (struct verdict){ 204, NULL };
	if (result != ROTA_FLEET_TAKEN)
		return (struct verdict){ 409, NULL };
	if (brings_point(&said->s))
		v = judge_point(said);
	if (v.status == 0 && said->s.kind == ROTA_STATEMENT_PROVED)
		v = judge_proof(said);
	if (said->s.kind == ROTA_STATEMENT_STATE && look_for_lost(said, &why) != ROTA_OK) {
		keys_failed(said->worker, &why);
		v = (struct verdict){ 503, "the registry cannot be read now" };
	}
	return v;
}

/* ---- answers ---- */

static void refuse(struct said *said, struct verdict v)
{
	struct evhttp_request *request = said->request;
	uint32_t has = brings_point(&said->s) ? said->device.agreed : said->device.said;
	char text[32];

	if (v.status == 400 || v.status == 403 || v.status == 410 || v.status == 422)
		count_one(&said->worker->shared->figures.refused_statements);
	if (request == NULL)
		return;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	if (v.status == 204) {
		api_nothing(request);
	} else if (v.status == 409) {
		snprintf(text, sizeof(text), "{\"counter\":%u}\n", (unsigned)has);
		api_json(request, v.status, text);
	} else {
		api_error(request, v.status, v.why);
	}
}

static void told(struct worker *w, struct post *p)
{
	turns_give(&w->shared->turns, p->record.device);
	if (p->request == NULL)
		return;
	if (p->result == ROTA_OK)
		api_nothing(p->request);
	else
		api_error(p->request, 503, "the statement could not be stored");
}

/* Into the journal. Where the device went away before, it says it again. */
static void take(struct said *said)
{
	struct worker *w = said->worker;
	struct post *p = post_new(w, ROTA_RECORD_STATEMENT, said->len);

	if (p == NULL)
		abort();
	memcpy(p->record.device, said->s.device, sizeof(p->record.device));
	memcpy(p->payload, said->bytes, said->len);
	p->tell = told;
	if (!post_send(w, said->request, p))
		turns_give(&w->shared->turns, said->s.device);
}

/* ---- its way ---- */

static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct said *said = arg;

	(void)connection;
	said->request = NULL;
}

/* All that was acknowledged before is in the registry. */
static void go_on(void *arg, bool there)
{
	struct said *said = arg;
	struct verdict v = { 503, "the registry is behind" };

	if (there)
		v = look(said);
	if (v.status == 0)
		v = judge(said);
	if (v.status == 0 && said->request != NULL) {
		take(said);
	} else {
		turns_give(&said->worker->shared->turns, said->s.device);
		refuse(said, v);
	}
	free(said);
}

static void begin(struct said *said, const struct peer *peer)
{
	struct worker *w = said->worker;
	struct verdict v = read_said(said, peer);

	if (v.status == 0 && !turns_take(&w->shared->turns, peer->id, now_ms()))
		v = (struct verdict){ 429, "one statement after the other, and not so many" };
	else if (v.status == 0) {
		v = look(said);
		if (v.status == 0 && !is_signed(said))
			v = (struct verdict){ 422, "its signature is not the device's identity's" };
		if (v.status != 0)
			turns_give(&w->shared->turns, peer->id);
	}
	if (v.status != 0) {
		refuse(said, v);
		free(said);
		return;
	}
	evhttp_connection_set_closecb(evhttp_request_get_connection(said->request), on_gone, said);
	await_projection(w, atomic_load(&w->shared->figures.durable), go_on, said);
}

void statements_on(struct worker *w, struct evhttp_request *request)
{
	struct said *said;
	struct peer peer;

	if (!peer_identify(w, request, &peer))
		return;
	if (w->keys.shelf == NULL) {
		api_error(request, 404, "no statements are taken here");
		return;
	}
	said = calloc(1, sizeof(*said));
	if (said == NULL)
		abort();
	said->worker = w;
	said->request = request;
	begin(said, &peer);
}
