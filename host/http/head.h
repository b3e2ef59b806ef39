/* SPDX-License-Identifier: Apache-2.0 */
/* host/http/head.h -- the one kind of HTTP request that our daemons take, read strictly.
 *
 * evhttp accepts what a gate must not let through: two Content-Lengths, "+5", folded headers, a NUL that ends
 * a value early, blanks before a colon. So each byte passes here first, and evhttp sees only requests that have
 * one reading (RFC 9112, with all that it merely tolerates refused). Who refuses says with which status.
 *
 * Pure: no memory, no clock, no socket. A daemon's connection (apps/rotad/conn.h, apps/rota-signd/conn.h) feeds it.
 */
#ifndef HOST_HTTP_HEAD_H
#define HOST_HTTP_HEAD_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Request line and headers: the escaped client certificate is the longest part by far. */
#define ROTA_HTTP_HEAD_MAX (24 * 1024)
/* nginx sends seven. */
#define ROTA_HTTP_HEADERS_MAX 32
/* The longest path of the API is a tenth of it. */
#define ROTA_HTTP_TARGET_MAX 256
/* rotad's bodies (SPEC 13.2) */
#define ROTA_HTTP_BODY_MAX (16 * 1024)

enum rota_http_method {
	ROTA_HTTP_GET,
	ROTA_HTTP_POST,
};

struct rota_http_head {
	enum rota_http_method method;
	struct rota_span target;
	size_t len; /* of the head, with its empty line */
	uint64_t body_len; /* 0 when chunked */
	uint64_t body_max; /* as given */
	bool chunked;
};

/* Read the head that `in` starts with, of a request whose body has at most body_max bytes. Gives 0 and a filled *out when it is whole and acceptable, 0 and
 * out->len 0 when more bytes are needed, else the HTTP status to refuse it with: 400 malformed, 405 method,
 * 411 a POST without length, 413 body too large, 414 target too long, 417 an expectation, 431 head too large,
 * 501 a transfer coding, 505 version. */
int rota_http_head(struct rota_span in, uint64_t body_max, struct rota_http_head *out);

/* The value, without blanks around it, of the header called `name` (lower case) of a head that rota_http_head() took: `in` is
 * its bytes. false, and an empty value: it does not stand there exactly once. */
bool rota_http_header(struct rota_span in, const char *name, struct rota_span *value);

/* A body's progress: start with rota_http_body(), feed until done. */
struct rota_http_body {
	uint64_t left; /* of the body, or of the chunk */
	uint64_t total, max; /* bytes of content so far, and at most */
	uint8_t phase; /* enum in the source; 0 is done */
	uint8_t digits;
};

struct rota_http_body rota_http_body(const struct rota_http_head *head);

/* Take bytes of `in` that belong to the body; *taken of them. 0, or the status to refuse with. */
int rota_http_body_feed(struct rota_http_body *b, struct rota_span in, size_t *taken);

static inline bool rota_http_body_done(const struct rota_http_body *b)
{
	return b->phase == 0;
}

#endif
