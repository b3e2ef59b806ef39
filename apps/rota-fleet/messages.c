/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/messages.h"
#include "rota/base/mem.h"

#include <string.h>

#define PURPOSE ROTA_PURPOSE_TELEMETRY
#define RECORD_LEN (MESSAGES_TEXT_LEN + ROTA_RECORD_OVERHEAD)

/* What a start seals with. */
struct sealing {
	struct rota_record_opening opening;
	struct rota_record_key key;
};

static void put_le(uint8_t *to, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

void messages_write(struct messages *m, struct rota_span head, struct rota_span body)
{
	uint8_t len[4];

	put_le(len, body.len, sizeof(len));
	pthread_mutex_lock(&m->lock);
	if ((head.len > 0 && fwrite(head.p, head.len, 1, m->out) != 1) ||
		fwrite(len, sizeof(len), 1, m->out) != 1 ||
		fwrite(body.p, body.len, 1, m->out) != 1)
		m->failed = true;
	pthread_mutex_unlock(&m->lock);
}

static enum rota_err begin(
	struct sealing *s, struct fleet_device *d, uint64_t now_s, uint32_t count)
{
	const struct rota_key_slot *slot =
		rota_keystate_slot(&d->slots.state, PURPOSE, ROTA_KEY_IN_USE);
	struct rota_datakey of;
	uint8_t key[32];
	struct rota_buf room;
	enum rota_err err;
	bool renew;

	if (slot == NULL)
		return ROTA_ERR_NOT_FOUND;
	of = (struct rota_datakey){ PURPOSE, slot->cipher, slot->generation, d->id };
	room = rota_buf(key, rota_datakey_len(ROTA_USE_UP, slot->cipher));
	ROTA_TRY(rota_keyslots_used(&d->slots, PURPOSE, count, &renew));
	ROTA_TRY(rota_keyslots_opening(&d->slots, &d->model->random, (uint32_t)now_s, &s->opening));
	err = rota_keyslots_key(&d->slots, PURPOSE, 0, ROTA_USE_UP, true, room);
	if (err == ROTA_OK)
		err = rota_record_key_begin(&s->key, d->model->crypto, d->model->aead,
			rota_span(room.p, room.len), &of, ROTA_USE_UP, s->opening.epoch);
	rota_wipe(key, sizeof(key));
	return err;
}

enum rota_err messages_send(
	struct messages *m, struct fleet_device *d, uint64_t now_s, uint32_t count, uint32_t *sent)
{
	uint8_t record[RECORD_LEN];
	uint8_t *text = &record[ROTA_RECORD_HEAD_LEN_V1];
	enum rota_err err = ROTA_OK;
	struct sealing s;

	ROTA_TRY(begin(&s, d, now_s, count));
	for (uint32_t i = 0; i < count && err == ROTA_OK; i++) {
		put_le(text, *sent + 1, 4);
		put_le(&text[4], now_s + i, 8);
		err = rota_record_seal(&s.key, d->model->aead, &s.opening,
			ROTA_STR(MESSAGES_CONTEXT), ROTA_BUF(record), MESSAGES_TEXT_LEN);
		if (err == ROTA_OK) {
			++*sent;
			messages_write(m, ROTA_SPAN(d->id), ROTA_SPAN(record));
		}
	}
	rota_record_key_end(&s.key, d->model->aead);
	return err;
}
