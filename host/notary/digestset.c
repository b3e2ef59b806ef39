/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/digestset.h"

#include <stdlib.h>
#include <string.h>

/* Digests are spread evenly as they are; half of the room stays free. */
static size_t place(const struct digestset *s, const uint8_t key[static ROTA_DIGEST_LEN])
{
	size_t at;

	memcpy(&at, key, sizeof(at));
	at &= s->room - 1;
	while (s->slots[at].taken && memcmp(s->slots[at].key, key, ROTA_DIGEST_LEN) != 0)
		at = (at + 1) & (s->room - 1);
	return at;
}

static void grow(struct digestset *s)
{
	struct digestset next = { .room = s->room ? 2 * s->room : 64, .count = s->count };

	next.slots = calloc(next.room, sizeof(*next.slots));
	if (!next.slots)
		abort();
	for (size_t i = 0; i < s->room; i++)
		if (s->slots[i].taken)
			next.slots[place(&next, s->slots[i].key)] = s->slots[i];
	free(s->slots);
	*s = next;
}

struct digestset_slot *digestset_add(struct digestset *s, const uint8_t key[static ROTA_DIGEST_LEN])
{
	struct digestset_slot *slot;

	if (2 * s->count >= s->room)
		grow(s);
	slot = &s->slots[place(s, key)];
	if (!slot->taken) {
		slot->taken = true;
		memcpy(slot->key, key, ROTA_DIGEST_LEN);
		s->count++;
	}
	return slot;
}

const struct digestset_slot *digestset_find(
	const struct digestset *s, const uint8_t key[static ROTA_DIGEST_LEN])
{
	const struct digestset_slot *slot = s->room ? &s->slots[place(s, key)] : NULL;

	return slot && slot->taken ? slot : NULL;
}

void digestset_free(struct digestset *s, void (*drop)(void *value))
{
	for (size_t i = 0; drop && i < s->room; i++)
		if (s->slots[i].taken)
			drop(s->slots[i].value);
	free(s->slots);
	*s = (struct digestset){ 0 };
}
