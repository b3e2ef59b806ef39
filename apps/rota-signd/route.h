/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/route.h -- what a request line asks for (SPEC 18.2). */
#ifndef APPS_ROTA_SIGND_ROUTE_H
#define APPS_ROTA_SIGND_ROUTE_H

#include "host/http/head.h"

/* A digest in hex, or a name (SPEC 1.2). */
#define ROUTE_WORD_MAX 65

enum route_kind {
	ROUTE_ASK, /* POST /v1/ask */
	ROUTE_STATE, /* GET /v1/ask/DIGEST */
	ROUTE_LIST, /* GET /v1/pending */
	ROUTE_SHOW, /* GET /v1/pending/DIGEST */
	ROUTE_APPROVE, /* POST /v1/approve */
	ROUTE_ARTIFACT, /* POST /v1/artifact/SCOPE */
	ROUTE_STANDING, /* GET /v1/state */
	ROUTE_METRICS, /* GET /metrics */
	ROUTE_KEYS, /* GET /v1/keys/SCOPE/PARTY */
	ROUTE_DUE, /* GET /v1/series/SCOPE/due */
	ROUTE_CAMPAIGNS, /* GET /v1/campaigns/SCOPE */
	ROUTE_NONCE, /* GET /v1/nonce/SCOPE/DEVICE */
	ROUTE_CAMPAIGN, /* GET /v1/campaign/ID */
};

struct route {
	enum route_kind kind;
	uint64_t body_max;
	char word[2][ROUTE_WORD_MAX]; /* what stands in the path behind its fixed part; "" */
};

/* The longest body of all routes. */
extern const uint64_t route_body_max;

/* 0, or the status to refuse with: 404, 405, 413. The head's target is read here, as it moves when more bytes come. */
int route_find(const struct rota_http_head *head, struct route *out);

#endif
