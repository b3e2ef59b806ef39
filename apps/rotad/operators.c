/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/operators.h"
#include "apps/rotad/api.h"
#include "apps/rotad/await.h"
#include "apps/rotad/keys.h"
#include "apps/rotad/post.h"
#include "host/base/bytes.h"
#include "host/pki/idevid.h"
#include "host/registry/rehearse.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/v1/record/"

/* A record on its way: first judged, then written, then seen in the database. */
struct entry {
	struct worker *worker;
	struct evhttp_request *request; /* NULL once the client is gone */
	struct post *post; /* not yet given away */
	uint64_t sequence; /* in the journal */
};

/* A worker that is not the one with the socket has no entries. */
static void finish(struct entry *e, int status, const char *text)
{
	if (e->request != NULL) {
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(e->request), NULL, NULL);
		if (status == 200 || status == 409)
			api_json(e->request, status, text);
		else
			api_error(e->request, status, text);
	}
	free(e->post);
	free(e);
}

static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct entry *e = arg;

	(void)connection;
	e->request = NULL;
}

static void watch(struct entry *e)
{
	if (e->request != NULL)
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(e->request), on_gone, e);
}

/* ---- 3: it is in the database ---- */

static void seen(void *arg, bool there)
{
	struct entry *e = arg;
	char text[64];

	snprintf(
		text, sizeof(text), "{\"record\":%" PRIu64 ",\"result\":\"taken\"}\n", e->sequence);
	if (there)
		finish(e, 200, text);
	else
		finish(e, 503, "it is in the journal, and the database is behind");
}

/* ---- 2: it is in the journal ---- */

static void stored(struct worker *w, struct post *p)
{
	struct entry *e = p->arg;

	e->request = p->request;
	e->sequence = p->record.sequence;
	if (p->result != ROTA_OK) {
		finish(e, 503, "the record could not be stored");
		return;
	}
	watch(e);
	await_projection(w, e->sequence, seen, e);
}

/* ---- 1: what would come of it ---- */

/* An IDevID that the device CA issued for this very device (SPEC 1.1), where rotad knows that CA. */
static bool is_genuine(const struct entry *e)
{
	const X509 *ca = e->worker->shared->device_ca;
	const struct rota_record *r = &e->post->record;
	struct rota_idevid idevid;
	struct rota_fail why;

	if (r->type != ROTA_RECORD_ENROL || ca == NULL)
		return true;
	return rota_idevid_read(ca, rota_span_skip(r->payload, ROTA_ROW_LEN), &idevid, &why) ==
		ROTA_OK &&
		memcmp(idevid.device, r->device, sizeof(idevid.device)) == 0;
}

static void judge(void *arg, bool there)
{
	struct entry *e = arg;
	struct post *p = e->post;
	struct rota_fleet_news news;
	struct rota_fail why;

	if (!there) {
		finish(e, 503, "the registry is behind");
		return;
	}
	p->record.payload = rota_span(p->payload, p->payload_len);
	if (!is_genuine(e))
		finish(e, 403, "its IDevID is none that the device CA issued for it");
	else if (rota_fleet_rehearse(&e->worker->keys.reg, &p->record, &news, &why) != ROTA_OK) {
		keys_failed(e->worker, &why);
		finish(e, 503, "the registry cannot be read now");
	} else if (news.result == ROTA_FLEET_REPEATED) {
		finish(e, 200, "{\"record\":null,\"result\":\"repeated\"}\n");
	} else if (news.result == ROTA_FLEET_STALE) {
		finish(e, 409, "{\"result\":\"stale\"}\n");
	} else if (news.result == ROTA_FLEET_STRANGER) {
		finish(e, 404, "no such device of the fleet, or no such campaign");
	} else if (news.result != ROTA_FLEET_TAKEN) {
		finish(e, 400, "it is no record of SPEC 30");
	} else if (e->request == NULL) {
		finish(e, 0, NULL);
	} else {
		e->post = NULL;
		if (!post_send(e->worker, e->request, p))
			free(e); /* answered with 503 */
	}
}

/* ---- what is asked ---- */

static const struct kind {
	const char *word;
	enum rota_record_type type;
	bool device;
} kinds[] = {
	{ "campaign", ROTA_RECORD_CAMPAIGN, false },
	{ "edit", ROTA_RECORD_EDIT, true },
	{ "enrol", ROTA_RECORD_ENROL, true },
	{ "owner", ROTA_RECORD_OWNER, true },
};

/* NULL: there is no such thing. */
static const struct kind *read_target(const char *uri, uint8_t device[static ROTA_DEVICE_ID_LEN])
{
	const char *word = uri + sizeof(PREFIX) - 1;

	if (strncmp(uri, PREFIX, sizeof(PREFIX) - 1) != 0)
		return NULL;
	memset(device, 0, ROTA_DEVICE_ID_LEN);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].word);

		if (strncmp(word, kinds[i].word, len) != 0)
			continue;
		if (!kinds[i].device)
			return word[len] == '\0' ? &kinds[i] : NULL;
		return word[len] == '/' &&
				rota_unhex(word + len + 1, rota_buf(device, ROTA_DEVICE_ID_LEN))
			? &kinds[i]
			: NULL;
	}
	return NULL;
}

static void take(struct worker *w, struct evhttp_request *request, const struct kind *kind,
	const uint8_t device[static ROTA_DEVICE_ID_LEN])
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	*e = (struct entry){ .worker = w, .request = request };
	e->post = post_new(w, kind->type, evbuffer_get_length(body));
	if (e->post == NULL)
		abort();
	memcpy(e->post->record.device, device, ROTA_DEVICE_ID_LEN);
	evbuffer_remove(body, e->post->payload, e->post->payload_len);
	e->post->tell = stored;
	e->post->arg = e;
	watch(e);
	await_projection(w, atomic_load(&w->shared->figures.durable), judge, e);
}

void operators_request(struct evhttp_request *request, void *worker)
{
	uint8_t device[ROTA_DEVICE_ID_LEN];
	const struct kind *kind = read_target(evhttp_request_get_uri(request), device);
	struct worker *w = worker;

	count_one(&w->shared->figures.requests);
	if (kind == NULL)
		api_error(request, 404, "no such resource");
	else if (evhttp_request_get_command(request) != EVHTTP_REQ_POST)
		api_error(request, 405, "not this method here");
	else
		take(w, request, kind, device);
}
