/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/hand.h"
#include "host/base/file.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

#include <stdlib.h>
#include <string.h>

#define INFO ROTA_STR("rota-hand-v1")
#define PLAIN_LEN 60 /* of the head: all before enc */
#define KEY_LEN 32
/* A device and two keys of at most 32 bytes. */
#define ROW_MAX (ROTA_DEVICE_LEN + 2 * 32)

struct handing {
	const struct rota_hand_plan *plan;
	struct rota_draft draft;
	struct rota_aead_key key; /* of the file */
	uint8_t head[ROTA_HAND_HEAD_LEN];
	uint8_t campaign_key[ROTA_KEYWRAP_KEY_LEN];
	uint8_t (*devices)[ROTA_DEVICE_LEN]; /* by place */
	uint8_t secrets[ROTA_COPIES_CHUNK_LEN];
	uint8_t rows[ROTA_COPIES_CHUNK * ROW_MAX + ROTA_AEAD_TAG_LEN];
};

static void write_plain(struct handing *h)
{
	const struct rota_copies *of = &h->plan->tree->head;
	struct rota_writer w = rota_writer(ROTA_BUF(h->head));
	uint8_t id[ROTA_KEY_ID_LEN];

	rota_agree_id(h->plan->tree->crypto, h->plan->point, id);
	rota_write_span(&w, ROTA_STR("ROTAHND"));
	rota_write_u8(&w, 1);
	rota_write_span(&w, ROTA_SPAN(of->campaign));
	rota_write_le16(&w, of->tree);
	rota_write_u8(&w, of->purpose);
	rota_write_u8(&w, of->cipher);
	rota_write_le32(&w, of->generation);
	rota_write_le32(&w, of->size);
	rota_write_span(&w, ROTA_SPAN(id));
}

/* The head: what the file is, and its key, sealed to the point. */
static enum rota_err begin(struct handing *h, struct rota_fail *why)
{
	const struct rota_backkeys *tree = h->plan->tree;
	const struct rota_hpke hpke = { tree->crypto, tree->aead };
	const struct rota_hpke_text text = { INFO, rota_span(h->head, PLAIN_LEN) };
	const struct rota_hpke_psk none = { 0 };
	const struct rota_random *entropy = h->plan->entropy;
	uint8_t key[KEY_LEN], *enc = h->head + PLAIN_LEN, *sealed = enc + ROTA_HPKE_ENC_LEN;
	enum rota_err err;

	write_plain(h);
	if (entropy->fill(entropy->ctx, ROTA_BUF(key)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "the HSM gives no random bytes");
	memcpy(sealed, key, sizeof(key));
	err = rota_hpke_seal(&hpke, h->plan->p256, h->plan->point, &none, &text,
		rota_buf(sealed, KEY_LEN), enc, sealed + KEY_LEN);
	if (err == ROTA_OK)
		err = tree->aead->begin(&h->key, ROTA_SPAN(key));
	rota_wipe(key, sizeof(key));
	if (err == ROTA_OK)
		return rota_draft_write(&h->draft, ROTA_SPAN(h->head), why);
	rota_wipe(sealed, KEY_LEN);
	return rota_fail(why, err, "cannot seal to the back end's point: %s", rota_err_str(err));
}

/* Rows of a chunk whose secrets are open; *len bytes. */
static enum rota_err fill(struct handing *h, uint32_t chunk, uint32_t count, size_t *len)
{
	struct rota_writer w = rota_writer(ROTA_BUF(h->rows));
	struct rota_backkeys_keys keys;
	enum rota_err err = ROTA_OK;

	for (uint32_t i = 0; err == ROTA_OK && i < count; i++) {
		const uint8_t *device = h->devices[chunk * ROTA_COPIES_CHUNK + i];

		err = rota_backkeys_derive(h->plan->tree,
			h->secrets + ROTA_COPIES_SALT_LEN + (size_t)i * ROTA_SECRET_LEN, device,
			&keys);
		if (err != ROTA_OK)
			break;
		rota_write_span(&w, rota_span(device, ROTA_DEVICE_LEN));
		rota_write_span(&w, rota_span(keys.up, keys.len));
		rota_write_span(&w, rota_span(keys.down, keys.len));
	}
	rota_wipe(&keys, sizeof(keys));
	*len = rota_writer_span(&w).len;
	return err;
}

/* SPEC 37.12: the key is the file's alone, so the chunk's number is a nonce. */
static enum rota_err seal(struct handing *h, uint32_t chunk, size_t len, struct rota_fail *why)
{
	const struct rota_aead *aead = h->plan->tree->aead;
	uint8_t nonce[ROTA_AEAD_NONCE_LEN] = { 0 };
	struct rota_writer w = rota_writer(rota_buf(nonce + 8, 4));
	enum rota_err err;

	rota_write_be32(&w, chunk);
	err = aead->seal(&h->key, nonce, ROTA_SPAN(h->head), rota_buf(h->rows, len), h->rows + len);
	if (err != ROTA_OK)
		return rota_fail(why, err, "cannot seal a chunk of keys");
	return rota_draft_write(&h->draft, rota_span(h->rows, len + ROTA_AEAD_TAG_LEN), why);
}

static enum rota_err write_chunks(struct handing *h, struct rota_fail *why)
{
	const struct rota_backkeys *tree = h->plan->tree;
	const uint32_t size = tree->head.size;

	for (uint32_t chunk = 0; chunk < rota_copies_chunks(size); chunk++) {
		uint32_t count;
		size_t len;
		enum rota_err err;

		ROTA_TRY(
			rota_backkeys_chunk(tree, h->campaign_key, chunk, h->secrets, &count, why));
		err = fill(h, chunk, count, &len);
		if (err != ROTA_OK)
			return rota_fail(why, err, "%s: no keys follow", tree->name);
		ROTA_TRY(seal(h, chunk, len, why));
		if (h->plan->progress)
			h->plan->progress->step(
				h->plan->progress->ctx, chunk * ROTA_COPIES_CHUNK + count, size);
	}
	return ROTA_OK;
}

static enum rota_err make(struct handing *h, struct rota_fail *why)
{
	const struct rota_hand_plan *plan = h->plan;
	enum rota_err err;

	ROTA_TRY(rota_backkeys_devices(plan->tree, h->devices, why));
	ROTA_TRY(begin(h, why));
	err = rota_backkeys_unwrap(plan->tree, plan->hsm, h->campaign_key, why);
	if (err == ROTA_OK)
		err = write_chunks(h, why);
	plan->tree->aead->end(&h->key);
	return err == ROTA_OK ? rota_draft_commit(&h->draft, plan->path, why) : err;
}

static enum rota_err open_draft(struct handing *h, struct rota_fail *why)
{
	const char *path = h->plan->path, *slash = strrchr(path, '/');
	char *dir = slash ? rota_text("%.*s", (int)(slash - path), path) : rota_text(".");
	enum rota_err err = rota_draft_open(&h->draft, dir, 0640, why);

	free(dir);
	return err;
}

enum rota_err rota_hand_write(const struct rota_hand_plan *plan, struct rota_fail *why)
{
	struct handing *h;
	enum rota_err err;

	if (!rota_backkeys_for(plan->tree->head.purpose))
		return rota_fail(why, ROTA_ERR_DENIED, "%s: no back end gets keys of its purpose",
			plan->tree->name);
	if (rota_file_exists(plan->path))
		return rota_fail(why, ROTA_ERR_STATE, "%s is there already", plan->path);
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	h->plan = plan;
	h->devices = calloc(plan->tree->head.size, sizeof(h->devices[0]));
	if (!h->devices)
		abort();
	err = open_draft(h, why);
	if (err == ROTA_OK) {
		err = make(h, why);
		rota_draft_drop(&h->draft);
	}
	free(h->devices);
	rota_wipe(h, sizeof(*h));
	free(h);
	return err;
}
