/* SPDX-License-Identifier: Apache-2.0 */
/* Slots that forget in a cut what was not finished, and the boot stage of SPEC 10.2 over them. */
#include "tests/unit/world_parts.h"

#include <string.h>

/* ---- slots ---- */

/* One change: false when the power went before it. */
static bool powered(struct world_slots *s)
{
	struct world *w = s->w;

	if (w->flash.off)
		return false;
	if (++w->slot_ops != w->cut_at)
		return true;
	if (!w->cut_done)
		w->flash.off = true;
	return w->cut_done;
}

/* After a change: whether the caller hears of it. */
static enum rota_err heard(struct world_slots *s)
{
	if (s->w->slot_ops == s->w->cut_at)
		s->w->flash.off = true;
	return s->w->flash.off ? ROTA_ERR_IO : ROTA_OK;
}

static uint8_t inactive_place(const struct world_slots *s)
{
	return s->running ^ 1;
}

static enum rota_err slot_inactive(void *ctx, struct rota_slot *out)
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	*out = (struct rota_slot){ .id = inactive_place(s), .capacity = WORLD_SLOT_LEN };
	return s->w->flash.off ? ROTA_ERR_IO : ROTA_OK;
}

static enum rota_err slot_begin(
	void *ctx, const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	(void)length; /* as a program behind slots_exec, which sees by writing what does not fit */
	if (!powered(s))
		return ROTA_ERR_IO;
	s->trial = WORLD_NONE;
	if (memcmp(s->begun, digest, 32) != 0)
		s->durable = 0;
	memcpy(s->begun, digest, 32);
	*durable = s->durable;
	s->writing = false;
	return heard(s);
}

static enum rota_err slot_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	if (off > WORLD_SLOT_LEN || data.len > WORLD_SLOT_LEN - off)
		return ROTA_ERR_FULL;
	if (!powered(s))
		return ROTA_ERR_IO;
	if (off == 0) {
		memset(s->bytes[inactive_place(s)], 0xff, WORLD_SLOT_LEN);
		s->durable = 0;
	} else if (s->writing ? off != s->end : off > s->durable) {
		world_broken(s->w, "a write that does not go on from the last one");
	}
	memcpy(&s->bytes[inactive_place(s)][off], data.p, data.len);
	s->writing = true;
	s->end = off + data.len;
	s->written += (unsigned)data.len;
	return heard(s);
}

static enum rota_err slot_finish(void *ctx, uint64_t len)
{
	struct world_slots *s = ctx;

	if (s->writing && len != s->end)
		world_broken(s->w, "a finish at another length");
	if (!powered(s))
		return ROTA_ERR_IO;
	s->durable = len;
	return heard(s);
}

static enum rota_err slot_read(void *ctx, uint64_t off, struct rota_buf to)
{
	struct world_slots *s = ctx;

	if (s->w->flash.off)
		return ROTA_ERR_IO;
	memcpy(to.p, &s->bytes[inactive_place(s)][off], to.len);
	return ROTA_OK;
}

static enum rota_err slot_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct world_slots *s = ctx;

	if (s->trial == WORLD_STARTED)
		return ROTA_ERR_BUSY;
	if (!powered(s))
		return ROTA_ERR_IO;
	s->trial = WORLD_ASKED;
	memcpy(s->trial_digest, digest, 32);
	return heard(s);
}

static const struct world_image *image_in(const struct world *w, const uint8_t *place)
{
	for (int i = 0; i < w->image_count; i++) {
		if (memcmp(place, w->image[i].bytes.p, w->image[i].bytes.len) == 0)
			return &w->image[i];
	}
	return NULL;
}

static enum rota_err slot_booted(void *ctx, struct rota_booted *out)
{
	struct world_slots *s = ctx;
	const struct world_image *image = image_in(s->w, s->bytes[s->running]);

	if (s->w->flash.off)
		return ROTA_ERR_IO;
	memset(out, 0, sizeof(*out));
	out->id = s->running;
	out->kind = s->kind;
	out->unknown = s->unknown;
	if (image != NULL && !s->blind)
		memcpy(out->digest, image->digest, 32);
	return ROTA_OK;
}

static enum rota_err slot_confirm(void *ctx)
{
	struct world_slots *s = ctx;

	if (s->trial !=
		WORLD_STARTED) /* an exec script may say that when it was confirmed already */
		return s->obliging ? ROTA_OK : ROTA_ERR_STATE;
	if (!powered(s))
		return ROTA_ERR_IO;
	s->confirmed = s->running;
	s->trial = WORLD_NONE;
	s->kind = ROTA_BOOT_CONFIRMED;
	return heard(s);
}

static enum rota_err slot_revert(void *ctx)
{
	struct world_slots *s = ctx;

	if (!powered(s))
		return ROTA_ERR_IO;
	s->trial = WORLD_NONE;
	return heard(s);
}

void world_slots_init(struct world *w, int at, const char *name)
{
	struct world_slots *s = &w->slots[at];

	*s = (struct world_slots){ .w = w, .name = name, .kind = ROTA_BOOT_CONFIRMED };
	s->port = (struct rota_slots){ .ctx = s,
		.inactive = slot_inactive,
		.begin = slot_begin,
		.write = slot_write,
		.finish = slot_finish,
		.read = slot_read,
		.trial = slot_trial,
		.booted = slot_booted,
		.confirm = slot_confirm,
		.revert = slot_revert };
	w->named[at] = (struct rota_named_slots){ rota_span_cstr(name), &s->port };
	memset(s->bytes, 0xff, sizeof(s->bytes));
}

/* ---- the boot stage ---- */

static void boot_slots(struct world_slots *s)
{
	const struct world_image *image;

	if (s->writing && s->durable < WORLD_SLOT_LEN) /* what was not finished is lost */
		memset(&s->bytes[inactive_place(s)][s->durable], 0x5a, WORLD_SLOT_LEN - s->durable);
	s->writing = false;
	if (s->trial == WORLD_ASKED) {
		s->running = s->confirmed ^ 1;
		s->trial = WORLD_STARTED;
		s->kind = ROTA_BOOT_TRIAL;
		s->trials++;
	} else {
		s->kind = s->trial == WORLD_STARTED || s->running != s->confirmed
			? ROTA_BOOT_REVERTED
			: s->kind;
		s->running = s->confirmed;
		s->trial = WORLD_NONE;
	}
	image = image_in(s->w, s->bytes[s->running]);
	if (image == NULL)
		world_broken(s->w, "an image that nobody released was started");
	else if (s->trial == WORLD_STARTED && memcmp(image->digest, s->trial_digest, 32) != 0)
		world_broken(s->w, "an image on trial that is not the one asked for");
	if (image != NULL && image->crashes && s->trial == WORLD_STARTED)
		boot_slots(s);
}

void world_boot(struct world *w)
{
	bool crashed = false;

	if (w->flash.off) { /* after a cut: no further one is asked for */
		flash_mem_power(&w->flash);
		w->cut_at = 0;
	}
	for (uint8_t i = 0; i < w->slots_count; i++) {
		boot_slots(&w->slots[i]);
		crashed = crashed || w->slots[i].kind == ROTA_BOOT_REVERTED;
	}
	/* all parts of the device are reset together */
	for (uint8_t i = 0; crashed && i < w->slots_count; i++) {
		if (w->slots[i].trial == WORLD_STARTED)
			boot_slots(&w->slots[i]);
	}
	if (rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE) != ROTA_OK)
		world_broken(w, "the journal does not open");
}
