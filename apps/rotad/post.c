/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/post.h"
#include "apps/rotad/api.h"

#include <event2/http.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The client went away while its record was on the way to the disk; evhttp frees the request. */
static void on_gone(struct evhttp_connection *connection, void *arg)
{
	struct post *p = arg;

	(void)connection;
	p->request = NULL;
}

struct post *post_new(struct worker *w, enum rota_record_type type, size_t payload_len)
{
	struct post *p = calloc(1, sizeof(*p) + payload_len);

	if (p == NULL)
		return NULL;
	p->home = w == NULL ? NULL : &w->answers;
	p->record.type = (uint8_t)type;
	p->record.time_ms = now_ms();
	p->payload_len = payload_len;
	return p;
}

bool post_send(struct worker *w, struct evhttp_request *request, struct post *p)
{
	return post_send_to(&w->shared->ingest, w, request, p, "too much waits for the disk");
}

bool post_send_to(struct queue *to, struct worker *w, struct evhttp_request *request,
	struct post *p, const char *busy)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);

	p->request = request;
	evhttp_connection_set_closecb(connection, on_gone, p);
	if (w->waiting < w->shared->config.queue && queue_push(to, p)) {
		w->waiting++;
		return true;
	}
	evhttp_connection_set_closecb(connection, NULL, NULL);
	free(p);
	count_one(&w->shared->figures.busy);
	api_error(request, 503, busy);
	return false;
}

void post_returned(struct worker *w, struct post *p)
{
	if (p->request != NULL)
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(p->request), NULL, NULL);
	p->tell(w, p);
	free(p);
}
