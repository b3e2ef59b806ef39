/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of the key journal (the first byte is even) and of the archive: what is read is written back as it was read, and
 * a slot that is taken out and put back changes nothing. */
#include "rota/store/keyarchive.h"
#include "rota/store/keystate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t room[ROTA_KEYSTATE_LEN_MAX], room2[ROTA_KEYSTATE_LEN_MAX];

static void state(struct rota_span in)
{
	static struct rota_keystate s, again;
	struct rota_key_slot slot;
	struct rota_span out, out2;

	if (rota_keystate_decode(in, &s) != ROTA_OK)
		return;
	if (rota_keystate_encode(&s, ROTA_BUF(room), &out) != ROTA_OK ||
		rota_keystate_decode(out, &again) != ROTA_OK)
		abort();
	for (uint8_t i = 0; i < s.slot_count; i++) {
		slot = s.slot[i];
		if (rota_keystate_generation(&again, slot.purpose, slot.generation) == NULL)
			abort();
		rota_keystate_remove(&again, slot.purpose, (enum rota_key_slot_state)slot.state);
		if (rota_keystate_put(&again, &slot) != ROTA_OK)
			abort();
	}
	if (rota_keystate_encode(&again, ROTA_BUF(room2), &out2) != ROTA_OK ||
		!rota_span_eq(out, out2))
		abort();
}

static void archive(struct rota_span in)
{
	struct rota_key_archived list[ROTA_KEY_ARCHIVE_MAX];
	struct rota_span out;
	uint8_t count;

	if (rota_key_archive_decode(in, list, &count) != ROTA_OK)
		return;
	if (rota_key_archive_encode(list, count, ROTA_BUF(room), &out) != ROTA_OK ||
		!rota_span_eq(in, out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if ((data[0] & 1) == 0)
		state(rota_span(data + 1, len - 1));
	else
		archive(rota_span(data + 1, len - 1));
	return 0;
}
