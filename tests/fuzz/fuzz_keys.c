/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns of keys: what is read whole reads the same in single bytes, and what comes out is in its range. */
#include "rota/codec/keys.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	uint32_t campaigns, trees;
	uint64_t sum; /* of what they say */
	uint16_t next; /* tree */
};

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	struct seen *s = ctx;

	if (c->stage_count == 0 || c->stage_count > ROTA_KEYS_STAGES_MAX || c->generation == 0 ||
		c->stage[c->stage_count - 1].ppm != ROTA_KEYS_PPM)
		abort();
	s->campaigns++;
	s->sum += c->generation + c->activation_s + c->id[0] + c->purpose + c->emergency;
	s->next = 0;
	return ROTA_OK;
}

static enum rota_err on_tree(
	void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	struct seen *s = ctx;

	if (s->campaigns == 0 || tree < s->next || size == 0 || size > ROTA_KEYS_TREE_SIZE_MAX)
		abort();
	s->trees++;
	s->sum += size + root[0];
	s->next = (uint16_t)(tree + 1);
	return ROTA_OK;
}

static enum rota_err decode(struct seen *s, struct rota_span file, size_t piece)
{
	static uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	static struct rota_keys_decoder d;

	memset(s, 0, sizeof(*s));
	rota_keys_begin(&d, (struct rota_keys_sink){ s, on_campaign, on_tree }, ROTA_BUF(names),
		ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_keys_feed(&d, rota_span_slice(file, at, piece)));
	return rota_keys_end(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole, pieces;
	enum rota_err err = decode(&whole, rota_span(data, len), len);

	if (decode(&pieces, rota_span(data, len), 1) != err)
		abort();
	if (err == ROTA_OK && (whole.trees != pieces.trees || whole.sum != pieces.sum))
		abort();
	if (err == ROTA_OK && whole.trees < whole.campaigns)
		abort();
	return 0;
}
