/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/backkeys.h"
#include "rota/base/mem.h"

#include <stdlib.h>

struct walk {
	const struct rota_backkeys *tree;
	uint8_t key[ROTA_KEYWRAP_KEY_LEN];
	uint8_t secrets[ROTA_COPIES_CHUNK_LEN];
	uint8_t (*devices)[ROTA_DEVICE_LEN];
	struct rota_backkeys_keys keys;
};

static enum rota_err walk_chunk(struct walk *w, uint32_t chunk, uint32_t *count,
	rota_backkeys_fn take, void *ctx, struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(rota_backkeys_chunk(w->tree, w->key, chunk, w->secrets, count, why));
	for (uint32_t i = 0; i < *count; i++) {
		const uint8_t *device = w->devices[chunk * ROTA_COPIES_CHUNK + i];

		err = rota_backkeys_derive(w->tree,
			w->secrets + ROTA_COPIES_SALT_LEN + (size_t)i * ROTA_SECRET_LEN, device,
			&w->keys);
		if (err != ROTA_OK)
			return rota_fail(why, err, "%s: no keys follow", w->tree->name);
		ROTA_TRY(take(ctx, device, &w->keys, why));
	}
	return ROTA_OK;
}

static enum rota_err walk(struct walk *w, const struct rota_sealer *hsm,
	const struct rota_progress *progress, rota_backkeys_fn take, void *ctx,
	struct rota_fail *why)
{
	const uint32_t size = w->tree->head.size;

	ROTA_TRY(rota_backkeys_devices(w->tree, w->devices, why));
	ROTA_TRY(rota_backkeys_unwrap(w->tree, hsm, w->key, why));
	for (uint32_t chunk = 0; chunk < rota_copies_chunks(size); chunk++) {
		uint32_t count;

		ROTA_TRY(walk_chunk(w, chunk, &count, take, ctx, why));
		if (progress)
			progress->step(progress->ctx, chunk * ROTA_COPIES_CHUNK + count, size);
	}
	return ROTA_OK;
}

enum rota_err rota_backkeys_each(const struct rota_backkeys *r, const struct rota_sealer *hsm,
	const struct rota_progress *progress, rota_backkeys_fn take, void *ctx,
	struct rota_fail *why)
{
	struct walk *w;
	enum rota_err err;

	if (!rota_backkeys_for(r->head.purpose))
		return rota_fail(
			why, ROTA_ERR_DENIED, "%s: no back end gets keys of its purpose", r->name);
	w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->tree = r;
	w->devices = calloc(r->head.size, sizeof(w->devices[0]));
	if (!w->devices)
		abort();
	err = walk(w, hsm, progress, take, ctx, why);
	free(w->devices);
	rota_wipe(w, sizeof(*w));
	free(w);
	return err;
}
