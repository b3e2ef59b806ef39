/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/route.h"
#include "host/notary/approval.h"

#include <string.h>

/* A root file system (SPEC 18.2). */
#define ARTIFACT_MAX ((uint64_t)4 << 30)

const uint64_t route_body_max = ARTIFACT_MAX;

static const struct row {
	enum rota_http_method method;
	const char *path; /* up to the words */
	size_t words;
	enum route_kind kind;
	uint64_t body_max;
} rows[] = {
	{ ROTA_HTTP_POST, "/v1/ask", 0, ROUTE_ASK, ROTA_ASK_MAX },
	{ ROTA_HTTP_GET, "/v1/ask", 1, ROUTE_STATE, 0 },
	{ ROTA_HTTP_GET, "/v1/pending", 0, ROUTE_LIST, 0 },
	{ ROTA_HTTP_GET, "/v1/pending", 1, ROUTE_SHOW, 0 },
	{ ROTA_HTTP_POST, "/v1/approve", 0, ROUTE_APPROVE, ROTA_APPROVAL_MAX },
	{ ROTA_HTTP_POST, "/v1/artifact", 1, ROUTE_ARTIFACT, ARTIFACT_MAX },
	{ ROTA_HTTP_GET, "/v1/state", 0, ROUTE_STANDING, 0 },
	{ ROTA_HTTP_GET, "/metrics", 0, ROUTE_METRICS, 0 },
	{ ROTA_HTTP_GET, "/v1/keys", 2, ROUTE_KEYS, 0 },
	{ ROTA_HTTP_GET, "/v1/series", 2, ROUTE_DUE, 0 },
	{ ROTA_HTTP_GET, "/v1/nonce", 2, ROUTE_NONCE, 0 },
	{ ROTA_HTTP_GET, "/v1/campaigns", 1, ROUTE_CAMPAIGNS, 0 },
	{ ROTA_HTTP_GET, "/v1/campaign", 1, ROUTE_CAMPAIGN, 0 },
};

/* "/WORD" as often as the row says, and nothing behind it. */
static bool take_words(struct rota_span rest, size_t words, struct route *out)
{
	for (size_t i = 0; i < words; i++) {
		size_t len = 1;

		if (rest.len == 0 || rest.p[0] != '/')
			return false;
		while (len < rest.len && rest.p[len] != '/')
			len++;
		if (len == 1 || len > ROUTE_WORD_MAX)
			return false;
		memcpy(out->word[i], rest.p + 1, len - 1);
		out->word[i][len - 1] = 0;
		rest = rota_span_skip(rest, len);
	}
	return rest.len == 0;
}

int route_find(const struct rota_http_head *head, struct route *out)
{
	int status = 404;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_span path = rota_span_cstr(rows[i].path);

		*out = (struct route){ .kind = rows[i].kind, .body_max = rows[i].body_max };
		if (!rota_span_starts(head->target, path) ||
			!take_words(rota_span_skip(head->target, path.len), rows[i].words, out))
			continue;
		if (head->method == rows[i].method)
			return head->body_len <= rows[i].body_max ? 0 : 413;
		status = 405;
	}
	return status;
}
