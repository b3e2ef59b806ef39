/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: whatever comes, the file whole and in two pieces must give the same verdict and the same
 * number of tokens and of canonical bytes. The first byte of the input says where the cut is. */
#include "rota/codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct rota_json json;
	size_t tokens, canonical;
};

static struct seen *owner(struct rota_json *j)
{
	return ROTA_JSON_OWNER(j, struct seen, json);
}

static enum rota_err on_token(struct rota_json *j)
{
	owner(j)->tokens++;
	if (j->token.text.len > 64 || (j->token.depth > 0 && rota_json_name(j, 0).len > 64))
		abort();
	return ROTA_OK;
}

static void on_canonical(struct rota_json *j, struct rota_span bytes)
{
	owner(j)->canonical += bytes.len;
}

static enum rota_err scan(struct rota_span file, size_t cut, struct seen *seen)
{
	static const struct rota_json_sink sink = { on_token, on_canonical };
	uint8_t names[64], value[64];
	const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
	struct rota_json *j = &seen->json;

	rota_json_init(j, &sink, &room);
	ROTA_TRY(rota_json_feed(j, rota_span_slice(file, 0, cut)));
	ROTA_TRY(rota_json_feed(j, rota_span_skip(file, cut)));
	return rota_json_end(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span file = rota_span_skip(rota_span(data, len), 1);
	struct seen whole = { 0 }, parts = { 0 };
	enum rota_err err = scan(file, file.len, &whole);

	if (len > 0 && scan(file, data[0], &parts) != err)
		abort();
	if (len > 0 && err == ROTA_OK &&
		(whole.tokens != parts.tokens || whole.canonical != parts.canonical))
		abort();
	return 0;
}
