/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/turns.h"

#include <string.h>

void turns_init(struct turns *t, uint32_t at_once, uint32_t each_ms)
{
	memset(t, 0, sizeof(*t));
	t->at_once = at_once;
	t->each_ms = each_ms;
	pthread_mutex_init(&t->lock, NULL);
}

/* Ids are digests: any bytes of them spread. */
static struct turn *set_of(struct turns *t, const uint8_t *device)
{
	return t->set[((unsigned)device[0] << 8 | device[1]) % TURNS_SETS];
}

static struct turn *find(struct turns *t, const uint8_t *device)
{
	struct turn *set = set_of(t, device);

	for (size_t i = 0; i < TURNS_WAYS; i++)
		if (set[i].at_ms != 0 && memcmp(set[i].device, device, sizeof(set[i].device)) == 0)
			return &set[i];
	return NULL;
}

/* The place of who has waited longest; NULL: all of them have a turn. */
static struct turn *make_room(struct turns *t, const uint8_t *device, uint64_t now_ms)
{
	struct turn *set = set_of(t, device), *oldest = NULL;

	for (size_t i = 0; i < TURNS_WAYS; i++)
		if (!set[i].busy && (oldest == NULL || set[i].at_ms < oldest->at_ms))
			oldest = &set[i];
	if (oldest == NULL)
		return NULL;
	*oldest = (struct turn){ .left = t->at_once, .at_ms = now_ms };
	memcpy(oldest->device, device, sizeof(oldest->device));
	return oldest;
}

static void refill(const struct turns *t, struct turn *at, uint64_t now_ms)
{
	uint64_t more = now_ms > at->at_ms ? (now_ms - at->at_ms) / t->each_ms : 0;

	if (more >= t->at_once - at->left) {
		at->left = t->at_once;
		at->at_ms = now_ms;
	} else {
		at->left += (uint32_t)more;
		at->at_ms += more * t->each_ms;
	}
}

bool turns_take(struct turns *t, const uint8_t device[static ROTA_DEVICE_ID_LEN], uint64_t now_ms)
{
	struct turn *at;
	bool good;

	pthread_mutex_lock(&t->lock);
	at = find(t, device);
	if (at == NULL)
		at = make_room(t, device, now_ms);
	else
		refill(t, at, now_ms);
	good = at != NULL && !at->busy && at->left > 0;
	if (good) {
		at->busy = true;
		at->left--;
	}
	pthread_mutex_unlock(&t->lock);
	return good;
}

void turns_give(struct turns *t, const uint8_t device[static ROTA_DEVICE_ID_LEN])
{
	struct turn *at;

	pthread_mutex_lock(&t->lock);
	at = find(t, device);
	if (at != NULL)
		at->busy = false;
	pthread_mutex_unlock(&t->lock);
}
