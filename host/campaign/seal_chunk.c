/* SPDX-License-Identifier: Apache-2.0 */
/* One chunk: secrets drawn, sealed to their devices, kept. All that a chunk is lies in four pieces of memory until it is
 * whole, and goes to its three places in three writes. */
#include "host/campaign/bundlefile.h"
#include "host/campaign/confirm.h"
#include "host/campaign/seal_parts.h"
#include "rota/base/mem.h"
#include "rota/crypto/hpke.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK ROTA_COPIES_CHUNK

struct worker {
	struct sealing *s;
	struct rota_book own, factory;
	struct rota_earlier_chunk kept;
	uint8_t bundles[CHUNK * ROTA_KEYBUNDLE_LEN];
	uint8_t confirm[CHUNK * ROTA_CONFIRM_KEY_LEN];
	uint8_t secrets[ROTA_COPIES_CHUNK_LEN]; /* attempt salt, secrets, room for the tag */
};

/* Devices of a chunk. */
struct counts {
	uint32_t all, base, again;
};

static void count_device(struct counts *c, const struct rota_index_device *d)
{
	c->all++;
	c->base += !d->has_psk;
	c->again += d->earlier.tree != NULL;
}

/* ---- one device ---- */

static enum rota_err seal_bundle(const struct sealing *s, uint32_t index,
	const struct rota_index_device *d, const uint8_t secret[static ROTA_SECRET_LEN],
	uint8_t out[static ROTA_KEYBUNDLE_LEN])
{
	const struct rota_seal_plan *plan = s->plan;
	const struct rota_hpke hpke = { plan->crypto, plan->aead };
	const struct rota_keybundle_terms terms = { .suite = plan->suite,
		.purpose = plan->purpose,
		.cipher = plan->cipher,
		.tree = plan->tree,
		.generation = plan->generation,
		.activation_s = plan->activation_s,
		.campaign = plan->campaign,
		.device = d->row.device };
	uint8_t agree_id[ROTA_KEY_ID_LEN], psk_id[ROTA_KEY_ID_LEN] = { 0 };
	uint8_t enc[ROTA_HPKE_ENC_LEN], sealed[ROTA_SECRET_LEN], tag[ROTA_AEAD_TAG_LEN];
	uint8_t aad[ROTA_KEYBUNDLE_AAD_LEN], info[ROTA_KEYBUNDLE_INFO_LEN];
	const struct rota_keybundle bundle = {
		.mode = d->has_psk ? ROTA_KEYBUNDLE_PSK : ROTA_KEYBUNDLE_BASE,
		.index = index,
		.locator = ROTA_SPAN(s->index.entries[index].locator),
		.agree_id = ROTA_SPAN(agree_id),
		.psk_id = ROTA_SPAN(psk_id),
		.enc = ROTA_SPAN(enc),
		.sealed = ROTA_SPAN(sealed),
		.tag = ROTA_SPAN(tag),
	};
	const struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	struct rota_hpke_psk psk = { 0 };

	if (d->has_psk) {
		rota_psk_id(plan->crypto, d->psk, psk_id);
		psk = (struct rota_hpke_psk){ ROTA_SPAN(d->psk), ROTA_SPAN(psk_id) };
	}
	rota_agree_id(plan->crypto, d->row.agree, agree_id);
	rota_keybundle_aad(&bundle, aad);
	rota_keybundle_info(&terms, info);
	memcpy(sealed, secret, sizeof(sealed));
	ROTA_TRY(rota_hpke_seal(
		&hpke, plan->p256, d->row.agree, &psk, &text, ROTA_BUF(sealed), enc, tag));
	rota_keybundle_encode(&bundle, out);
	return ROTA_OK;
}

/* What follows from a secret: the psk, and the confirmation key where `confirm` is not NULL. */
static enum rota_err derive(const struct sealing *s, const struct rota_index_device *d,
	const uint8_t secret[static ROTA_SECRET_LEN], uint8_t *confirm,
	uint8_t psk[static ROTA_PSK_LEN])
{
	const struct rota_crypto *crypto = s->plan->crypto;
	const struct rota_datakey of = { .purpose = s->plan->purpose,
		.cipher = s->plan->cipher,
		.generation = s->plan->generation,
		.device = d->row.device };
	uint8_t prk[ROTA_HKDF_PRK_LEN];
	enum rota_err err = ROTA_OK;

	rota_datakey_begin(crypto, secret, prk);
	if (confirm)
		err = rota_datakey_expand(crypto, prk, &of, ROTA_USE_CONFIRM,
			rota_buf(confirm, ROTA_CONFIRM_KEY_LEN));
	if (err == ROTA_OK)
		err = rota_datakey_expand(
			crypto, prk, &of, ROTA_USE_PSK, rota_buf(psk, ROTA_PSK_LEN));
	rota_wipe(prk, sizeof(prk));
	return err;
}

static void note_device(struct sealing *s, uint32_t index, const struct rota_index_device *d)
{
	struct seal_known *k = &s->known[index];

	memcpy(k->device, d->row.device, sizeof(k->device));
	k->counter = d->row.counter;
	k->proved = d->row.proved[s->plan->purpose - 1];
}

/* One of an earlier tree keeps its secret, in the place of the one that was drawn. */
static enum rota_err recall_secret(struct worker *w, const struct rota_index_device *d,
	uint8_t secret[static ROTA_SECRET_LEN], struct rota_fail *why)
{
	if (!d->earlier.tree)
		return ROTA_OK;
	return rota_earlier_secret(&w->s->earlier, &d->earlier, &w->kept, secret, why);
}

static enum rota_err seal_to(struct worker *w, const struct rota_index_device *d, uint32_t index,
	uint32_t slot, struct rota_fail *why)
{
	struct sealing *s = w->s;
	const uint8_t *secret = w->secrets + ROTA_COPIES_SALT_LEN + (size_t)slot * ROTA_SECRET_LEN;
	enum rota_err err;

	err = seal_bundle(s, index, d, secret, w->bundles + (size_t)slot * ROTA_KEYBUNDLE_LEN);
	if (err == ROTA_OK)
		err = derive(s, d, secret, w->confirm + (size_t)slot * ROTA_CONFIRM_KEY_LEN,
			s->psk[index]);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "%s: row %u: cannot seal to its agree key: %s",
		s->plan->export_path, (unsigned)s->index.entries[index].row, rota_err_str(err));
}

static enum rota_err seal_device(struct worker *w, uint32_t index, uint32_t slot,
	struct counts *counts, struct rota_fail *why)
{
	struct sealing *s = w->s;
	uint8_t *secret = w->secrets + ROTA_COPIES_SALT_LEN + (size_t)slot * ROTA_SECRET_LEN;
	struct rota_index_device d;
	enum rota_err err;

	ROTA_TRY(
		rota_index_look(&s->look, &s->index.entries[index], &w->own, &w->factory, &d, why));
	note_device(s, index, &d);
	err = recall_secret(w, &d, secret, why);
	if (err == ROTA_OK)
		err = seal_to(w, &d, index, slot, why);
	count_device(counts, &d);
	rota_wipe(&d, sizeof(d));
	return err;
}

/* ---- one chunk ---- */

static enum rota_err put(
	const struct rota_part *part, uint64_t at, struct rota_span bytes, struct rota_fail *why)
{
	ROTA_TRY(rota_part_write(part, at, bytes, why));
	rota_part_flow(part, at, bytes.len);
	return ROTA_OK;
}

static enum rota_err write_chunk(
	const struct worker *w, uint32_t chunk, uint32_t count, struct rota_fail *why)
{
	const struct sealing *s = w->s;
	uint32_t first = chunk * CHUNK;

	ROTA_TRY(put(&s->keys, ROTA_KEYFILE_BUNDLES_AT + (uint64_t)first * ROTA_KEYBUNDLE_LEN,
		rota_span(w->bundles, (size_t)count * ROTA_KEYBUNDLE_LEN), why));
	ROTA_TRY(put(&s->confirm, rota_confirm_at(first),
		rota_span(w->confirm, (size_t)count * ROTA_CONFIRM_KEY_LEN), why));
	return put(&s->copies, rota_copies_at(chunk),
		rota_span(w->secrets, ROTA_COPIES_OVERHEAD + (size_t)count * ROTA_SECRET_LEN), why);
}

/* The salt of this attempt comes with the secrets, so a chunk that is made twice is never sealed under one key twice. */
static enum rota_err make_chunk(struct worker *w, uint32_t chunk, uint32_t count,
	struct counts *counts, struct rota_fail *why)
{
	const struct rota_random *entropy = w->s->plan->entropy;
	const size_t drawn = ROTA_COPIES_SALT_LEN + (size_t)count * ROTA_SECRET_LEN;
	enum rota_err err;

	err = entropy->fill(entropy->ctx, rota_buf(w->secrets, drawn));
	if (err != ROTA_OK)
		return rota_fail(why, err, "the HSM gives no random bytes");
	for (uint32_t i = 0; i < count; i++)
		ROTA_TRY(seal_device(w, chunk * CHUNK + i, i, counts, why));
	err = rota_copies_seal(
		&w->s->copies_key, chunk, rota_buf(w->secrets, drawn + ROTA_AEAD_TAG_LEN));
	if (err != ROTA_OK)
		return rota_fail(why, err, "cannot seal the copies of a chunk");
	return write_chunk(w, chunk, count, why);
}

/* One of an earlier run: its secrets say which psks follow, and that the copies are whole. */
static enum rota_err recall_chunk(struct worker *w, uint32_t chunk, uint32_t count,
	struct counts *counts, struct rota_fail *why)
{
	struct sealing *s = w->s;
	struct rota_buf all =
		rota_buf(w->secrets, ROTA_COPIES_OVERHEAD + (size_t)count * ROTA_SECRET_LEN);
	enum rota_err err;

	ROTA_TRY(rota_part_read(&s->copies, rota_copies_at(chunk), all, why));
	err = rota_copies_open(&s->copies_key, chunk, all);
	for (uint32_t i = 0; err == ROTA_OK && i < count; i++) {
		const struct rota_index_entry *e = &s->index.entries[chunk * CHUNK + i];
		struct rota_index_device d;

		ROTA_TRY(rota_index_look(&s->look, e, &w->own, &w->factory, &d, why));
		note_device(s, chunk * CHUNK + i, &d);
		err = derive(s, &d, all.p + ROTA_COPIES_SALT_LEN + (size_t)i * ROTA_SECRET_LEN,
			NULL, s->psk[chunk * CHUNK + i]);
		count_device(counts, &d);
		rota_wipe(&d, sizeof(d));
	}
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err,
		"%s.part: chunk %u of the earlier run does not open; remove the .part files of "
		"this campaign, and all of it is made anew",
		s->copies.path, (unsigned)chunk);
}

/* ---- all of them ---- */

/* First what the chunks are, then that they are: SPEC 37.2. */
static enum rota_err note(
	struct sealing *s, const uint32_t *chunks, uint32_t count, struct rota_fail *why)
{
	enum rota_err err;

	pthread_mutex_lock(&s->syncing);
	err = rota_part_sync(&s->keys, why);
	if (err == ROTA_OK)
		err = rota_part_sync(&s->confirm, why);
	if (err == ROTA_OK)
		err = rota_part_sync(&s->copies, why);
	if (err == ROTA_OK)
		err = rota_resume_note(&s->resume, chunks, count, why);
	pthread_mutex_unlock(&s->syncing);
	return err;
}

/* A chunk is written, or was there. */
static enum rota_err chunk_done(struct sealing *s, uint32_t chunk, bool made,
	const struct counts *counts, struct rota_fail *why)
{
	uint32_t due[SEAL_BATCH], count = 0;

	pthread_mutex_lock(&s->one);
	s->devices += counts->all;
	s->base += counts->base;
	s->again += counts->again;
	if (made)
		s->batch[s->batched++] = chunk;
	if (s->batched == s->batch_len) {
		memcpy(due, s->batch, s->batched * sizeof(due[0]));
		count = s->batched;
		s->batched = 0;
	}
	if (s->plan->progress)
		s->plan->progress->step(s->plan->progress->ctx, s->devices, s->index.size);
	pthread_mutex_unlock(&s->one);
	return count ? note(s, due, count, why) : ROTA_OK;
}

static enum rota_err do_chunks(struct worker *w, struct rota_crew *crew, struct rota_fail *why)
{
	struct sealing *s = w->s;
	uint32_t chunk;

	while (rota_crew_take(crew, &chunk)) {
		uint32_t count = rota_copies_devices(s->index.size, chunk);
		struct counts counts = { 0 };
		bool made = !rota_resume_has(&s->before, chunk);

		ROTA_TRY((made ? make_chunk : recall_chunk)(w, chunk, count, &counts, why));
		ROTA_TRY(chunk_done(s, chunk, made, &counts, why));
	}
	return ROTA_OK;
}

static enum rota_err work(void *ctx, struct rota_crew *crew, struct rota_fail *why)
{
	struct worker *w = calloc(1, sizeof(*w));
	enum rota_err err;

	if (!w)
		abort();
	w->s = ctx;
	err = rota_book_open(&w->own, w->s->own_book, w->s->plan->purpose, &w->s->tools, why);
	if (err == ROTA_OK) {
		err = rota_book_open(
			&w->factory, w->s->factory_book, ROTA_BOOK_FACTORY, &w->s->tools, why);
		if (err == ROTA_OK) {
			err = do_chunks(w, crew, why);
			rota_book_close(&w->factory);
		}
		rota_book_close(&w->own);
	}
	rota_wipe(w, sizeof(*w));
	free(w);
	return err;
}

enum rota_err seal_chunks(struct sealing *s, struct rota_fail *why)
{
	ROTA_TRY(rota_crew_run(s->plan->threads, rota_copies_chunks(s->index.size), work, s, why));
	return s->batched ? note(s, s->batch, s->batched, why) : ROTA_OK;
}
