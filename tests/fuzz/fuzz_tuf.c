/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: the first byte says which type. In one piece or byte by byte, a file gives the same verdict, the same
 * events and the same signed bytes. */
#include "rota/codec/tuf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct rota_tuf tuf;
	uint64_t events, bytes; /* running sums that notice any difference */
};

static enum rota_err on_event(struct rota_tuf *d, const struct rota_tuf_event *e)
{
	struct seen *s = ROTA_JSON_OWNER(d, struct seen, tuf);

	s->events = s->events * 31 + (uint64_t)e->kind * 7 + e->id.len + e->text.len * 3;
	return ROTA_OK;
}

static void on_signed(struct rota_tuf *d, struct rota_span bytes)
{
	struct seen *s = ROTA_JSON_OWNER(d, struct seen, tuf);

	for (size_t i = 0; i < bytes.len; i++)
		s->bytes = s->bytes * 31 + bytes.p[i];
}

static enum rota_err decode(uint8_t type, struct rota_span in, size_t piece, struct seen *seen)
{
	static const struct rota_tuf_sink sink = { on_event, on_signed };
	uint8_t names[288], value[192], hold[230];
	const struct rota_tuf_room room = { { ROTA_BUF(value), ROTA_BUF(names) }, ROTA_BUF(hold) };
	struct rota_tuf *d = &seen->tuf;

	memset(seen, 0, sizeof(*seen));
	rota_tuf_init(d, (enum rota_tuf_type)(type % 4), &sink, &room);
	for (; in.len > 0; in = rota_span_skip(in, piece))
		ROTA_TRY(rota_tuf_feed(d, rota_span_slice(in, 0, piece)));
	return rota_tuf_end(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole, bytewise;
	enum rota_err err;

	if (len == 0)
		return 0;
	err = decode(data[0], rota_span(data + 1, len - 1), len, &whole);
	if (decode(data[0], rota_span(data + 1, len - 1), 1, &bytewise) != err ||
		(err == ROTA_OK &&
			(whole.events != bytewise.events || whole.bytes != bytewise.bytes)))
		abort();
	return 0;
}
