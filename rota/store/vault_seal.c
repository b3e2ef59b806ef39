/* SPDX-License-Identifier: Apache-2.0 */
/* Two keys are prepared at a time: the one that seals, and the one that opened last. Records stand in the log in the order
 * of their epochs, so a rewriting seldom wants another. */
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/store/vault_parts.h"

#define CONTEXT_LEN 4

/* What a record is sealed for: its id. */
static struct rota_span context_of(uint32_t id, uint8_t room[static CONTEXT_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(room, CONTEXT_LEN));

	rota_write_le32(&w, id);
	return rota_writer_span(&w);
}

static bool is_of(const struct rota_vault_cached *c, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN])
{
	return c->held && c->key.generation == generation &&
		memcmp(c->key.epoch, epoch, ROTA_RECORD_EPOCH_LEN) == 0;
}

static void let_go(struct rota_vault *v, struct rota_vault_cached *c)
{
	if (c->held)
		rota_record_key_end(&c->key, v->c.aead);
	c->held = false;
}

static enum rota_err hold(struct rota_vault *v, struct rota_vault_cached *c, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals)
{
	if (is_of(c, generation, epoch))
		return ROTA_OK;
	let_go(v, c);
	ROTA_TRY(v->c.keys->key(v->c.keys->ctx, generation, epoch, seals, &c->key));
	c->held = true;
	return ROTA_OK;
}

enum rota_err rota_vault_probe(struct rota_vault *v, uint32_t generation, bool *gone)
{
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	*gone = false;
	if (generation > 0)
		err = hold(v, &v->unsealing, generation, v->opening.epoch, false);
	*gone = err == ROTA_ERR_NOT_FOUND;
	return *gone ? ROTA_OK : err;
}

struct rota_buf rota_vault_plain_room(const struct rota_vault *v)
{
	const size_t before = ROTA_VAULT_ENTRY_HEAD_LEN + ROTA_RECORD_HEAD_LEN_V1;
	const size_t behind = ROTA_AEAD_TAG_LEN + ROTA_VAULT_ENTRY_OVERHEAD -
		ROTA_VAULT_ENTRY_HEAD_LEN + v->c.flash->write_len - 1;

	return rota_buf(v->c.record.p + before, v->c.record.len - before - behind);
}

static enum rota_err open_with(struct rota_vault *v, struct rota_vault_cached *c,
	const struct rota_vault_entry *e, struct rota_span *plain)
{
	uint8_t context[CONTEXT_LEN];
	enum rota_err err = rota_record_open(&c->key, v->c.aead, context_of(e->id, context),
		rota_buf(v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN, e->len), plain);

	return err == ROTA_ERR_ARGUMENT ? ROTA_ERR_SIGNATURE : err; /* of another use */
}

enum rota_err rota_vault_unseal(
	struct rota_vault *v, const struct rota_vault_entry *e, struct rota_span *plain)
{
	struct rota_record_head head;
	struct rota_vault_count *count;
	enum rota_err err;

	*plain = rota_span(NULL, 0);
	if (rota_record_head(rota_span(v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN, e->len), &head) !=
		ROTA_OK)
		return ROTA_ERR_CORRUPT;
	if (is_of(&v->sealing, head.generation, head.epoch))
		return open_with(v, &v->sealing, e, plain);
	err = hold(v, &v->unsealing, head.generation, head.epoch, false);
	if (err == ROTA_ERR_NOT_FOUND) {
		count = rota_vault_counted(v, head.generation);
		if (count != NULL)
			count->gone = true;
		return ROTA_ERR_EXPIRED;
	}
	ROTA_TRY(err);
	return open_with(v, &v->unsealing, e, plain);
}

enum rota_err rota_vault_seal(
	struct rota_vault *v, uint32_t generation, size_t plain_len, struct rota_vault_entry *e)
{
	struct rota_buf room = rota_buf(v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN,
		v->c.record.len - ROTA_VAULT_ENTRY_HEAD_LEN);
	uint8_t context[CONTEXT_LEN];

	ROTA_TRY(hold(v, &v->sealing, generation, v->opening.epoch, true));
	if (v->c.keys->count != NULL)
		ROTA_TRY(v->c.keys->count(v->c.keys->ctx, generation));
	ROTA_TRY(rota_record_seal(&v->sealing.key, v->c.aead, &v->opening,
		context_of(e->id, context), room, plain_len));
	e->len = (uint16_t)(plain_len + ROTA_RECORD_OVERHEAD);
	return ROTA_OK;
}

void rota_vault_close(struct rota_vault *v)
{
	let_go(v, &v->sealing);
	let_go(v, &v->unsealing);
	rota_wipe(v->c.record.p, v->c.record.len);
}
