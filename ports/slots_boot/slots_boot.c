/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/slots_boot.h"
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes written between two starts of write-back: the disk is busy while the next ones arrive, and
 * finish() has little left to wait for. */
#define FLUSH_STEP ((uint64_t)8 << 20)

/* What runs; the confirmed image while the power is off. */
static enum rota_err running(const struct rota_slots_boot *s, const struct rota_bootstate *state,
	struct rota_booted *out)
{
	struct rota_booted_file file;
	enum rota_err err = rota_booted_read(s->device_fd, &file);

	if (err == ROTA_OK) {
		*out = file.booted;
		return ROTA_OK;
	}
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	*out = (struct rota_booted){ .id = rota_bootstate_confirmed(state, 0) };
	memcpy(out->digest, state->digest[0][out->id], sizeof(out->digest));
	return ROTA_OK;
}

/* While a trial runs, or was given up and still runs, the slot that does not run is what the next boot needs. */
static bool needed(const struct rota_bootstate *state, const struct rota_booted *now)
{
	return state->phase == ROTA_TRIAL_STARTED ||
		(now->id != rota_bootstate_confirmed(state, 0) && now->kind != ROTA_BOOT_FALLBACK);
}

/* Both files have the slots' capacity, but for the moment in discard() when one of them is empty; a cut just
 * then must not take the slot away. */
static enum rota_err open_slot(struct rota_slots_boot *s, uint8_t slot)
{
	struct stat st, other;

	if (s->slot_fd >= 0 && s->slot == slot)
		return ROTA_OK;
	if (s->slot_fd >= 0)
		(void)close(s->slot_fd);
	s->slot = slot;
	s->end = 0;
	s->slot_fd = openat(s->device_fd, rota_layout_slot(slot), O_RDWR | O_CLOEXEC);
	if (s->slot_fd < 0 || fstat(s->slot_fd, &st) != 0 ||
		fstatat(s->device_fd, rota_layout_slot(rota_slot_other(slot)), &other, 0) != 0)
		return rota_flash_file_errno(errno);
	s->capacity = (uint64_t)(st.st_size > other.st_size ? st.st_size : other.st_size);
	return ROTA_OK;
}

/* Find the inactive slot under the lock; `claim` also clears the way for writing to it. */
static enum rota_err find_inactive(
	struct rota_slots_boot *s, struct rota_layout_state *l, bool claim)
{
	struct rota_booted now;

	ROTA_TRY(running(s, &l->state, &now));
	if (needed(&l->state, &now))
		return ROTA_ERR_BUSY;
	ROTA_TRY(open_slot(s, rota_slot_other(now.id)));
	if (!claim)
		return ROTA_OK;
	if (rota_bootstate_others(&l->state) == 0 &&
		now.id == rota_bootstate_confirmed(&l->state, 0))
		return ROTA_OK; /* as it should be: nothing to commit */
	if (now.id != rota_bootstate_confirmed(&l->state, 0))
		ROTA_TRY(rota_bootstate_adopt(&l->state, 0, now.id, now.digest)); /* SPEC 10.4 */
	ROTA_TRY(rota_bootstate_forget(&l->state));
	return rota_layout_state_commit(l);
}

static enum rota_err with_inactive(struct rota_slots_boot *s, bool claim)
{
	struct rota_layout_state l;
	enum rota_err err;

	ROTA_TRY(rota_layout_state_open(&l, s->device_fd));
	err = find_inactive(s, &l, claim);
	rota_layout_state_close(&l);
	return err;
}

static enum rota_err slots_inactive(void *ctx, struct rota_slot *out)
{
	struct rota_slots_boot *s = ctx;

	ROTA_TRY(with_inactive(s, false));
	*out = (struct rota_slot){ .id = s->slot, .capacity = s->capacity };
	return ROTA_OK;
}

/* Give the slot's blocks back: erased bytes take no room, and no block is written twice. */
static enum rota_err discard(struct rota_slots_boot *s)
{
	if (ftruncate(s->slot_fd, 0) != 0 || ftruncate(s->slot_fd, (off_t)s->capacity) != 0)
		return rota_flash_file_errno(errno);
	s->end = 0;
	s->flushed = 0;
	return ROTA_OK;
}

static enum rota_err prepare(struct rota_slots_boot *s, uint64_t off)
{
	if (off == 0 || !s->ready) {
		bool first = !s->ready;

		s->ready = false;
		ROTA_TRY(with_inactive(s, true));
		if (first) { /* since power-on: the caller says how far it was */
			s->end = off;
			s->flushed = off;
		}
	}
	if (off == 0)
		ROTA_TRY(discard(s));
	s->ready = true;
	return off == s->end ? ROTA_OK : ROTA_ERR_ARGUMENT;
}

static enum rota_err put(int fd, uint64_t off, struct rota_span data)
{
	while (data.len > 0) {
		ssize_t done = pwrite(fd, data.p, data.len, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return rota_flash_file_errno(errno);
		data = rota_span_skip(data, (size_t)done);
		off += (uint64_t)done;
	}
	return ROTA_OK;
}

static enum rota_err slots_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct rota_slots_boot *s = ctx;

	ROTA_TRY(prepare(s, off));
	if (off > s->capacity || data.len > s->capacity - off)
		return ROTA_ERR_FULL;
	ROTA_TRY(put(s->slot_fd, off, data));
	s->end += data.len;
	if (s->end - s->flushed >= FLUSH_STEP) {
		/* only a hint: finish() is what makes it durable */
		(void)sync_file_range(s->slot_fd, (off_t)s->flushed, (off_t)(s->end - s->flushed),
			SYNC_FILE_RANGE_WRITE);
		s->flushed = s->end;
	}
	return ROTA_OK;
}

static enum rota_err slots_finish(void *ctx, uint64_t len)
{
	struct rota_slots_boot *s = ctx;

	if (!s->ready) /* since power-on: all of it may have been written before */
		ROTA_TRY(prepare(s, len));
	if (len != s->end || len == 0)
		return ROTA_ERR_ARGUMENT;
	return fdatasync(s->slot_fd) == 0 ? ROTA_OK : rota_flash_file_errno(errno);
}

static enum rota_err slots_read(void *ctx, uint64_t off, struct rota_buf to)
{
	struct rota_slots_boot *s = ctx;

	if (s->slot_fd < 0)
		ROTA_TRY(with_inactive(s, false));
	if (off > s->capacity || to.len > s->capacity - off)
		return ROTA_ERR_ARGUMENT;
	while (to.len > 0) {
		ssize_t got = pread(s->slot_fd, to.p, to.len, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ROTA_ERR_IO;
		to = rota_buf(to.p + got, to.len - (size_t)got);
		off += (uint64_t)got;
	}
	return ROTA_OK;
}

/* ---- changes of the boot state: each a function on it, made durable under the lock ---- */

struct change {
	struct rota_slots_boot *slots;
	const uint8_t *digest; /* ask */
};

static enum rota_err ask(struct rota_layout_state *l, const struct change *c)
{
	struct rota_booted now;

	ROTA_TRY(running(c->slots, &l->state, &now));
	if (needed(&l->state, &now))
		return ROTA_ERR_BUSY;
	if (now.id != rota_bootstate_confirmed(&l->state, 0))
		return ROTA_ERR_STATE; /* a fallback runs, and nothing was written over the other */
	ROTA_TRY(rota_bootstate_ask(&l->state, 0, c->digest));
	return rota_layout_state_commit(l);
}

/* Only what runs can be confirmed. */
static enum rota_err confirm(struct rota_layout_state *l, const struct change *c)
{
	struct rota_booted_file now;
	uint8_t place;

	ROTA_TRY(rota_booted_read(c->slots->device_fd, &now));
	place = rota_bootstate_confirmed(&l->state, 0);
	if (l->state.phase == ROTA_TRIAL_NONE && now.booted.id == place)
		return ROTA_OK;
	if (l->state.phase != ROTA_TRIAL_STARTED || now.booted.id == place ||
		memcmp(now.booted.digest, l->state.digest[0][now.booted.id], ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_bootstate_confirm(&l->state));
	return rota_layout_state_commit(l);
}

static enum rota_err revert(struct rota_layout_state *l, const struct change *c)
{
	(void)c;
	if (l->state.phase == ROTA_TRIAL_NONE)
		return ROTA_OK;
	rota_bootstate_revert(&l->state);
	return rota_layout_state_commit(l);
}

static enum rota_err change(struct rota_slots_boot *s, const uint8_t *digest,
	enum rota_err (*make)(struct rota_layout_state *l, const struct change *c))
{
	const struct change c = { .slots = s, .digest = digest };
	struct rota_layout_state l;
	enum rota_err err;

	ROTA_TRY(rota_layout_state_open(&l, s->device_fd));
	err = make(&l, &c);
	rota_layout_state_close(&l);
	s->ready = false; /* what may be written is to be judged again */
	return err;
}

static enum rota_err slots_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	return change(ctx, digest, ask);
}

static enum rota_err slots_confirm(void *ctx)
{
	return change(ctx, NULL, confirm);
}

static enum rota_err slots_revert(void *ctx)
{
	return change(ctx, NULL, revert);
}

static enum rota_err slots_booted(void *ctx, struct rota_booted *out)
{
	struct rota_slots_boot *s = ctx;
	struct rota_booted_file file;
	struct rota_layout_state l;

	ROTA_TRY(rota_layout_state_open(&l, s->device_fd)); /* not in the middle of a boot */
	rota_layout_state_close(&l);
	ROTA_TRY(rota_booted_read(s->device_fd, &file));
	*out = file.booted;
	if (out->kind == ROTA_BOOT_TRIAL && l.state.phase == ROTA_TRIAL_NONE &&
		out->id == rota_bootstate_confirmed(&l.state, 0))
		out->kind = ROTA_BOOT_CONFIRMED; /* since it was booted */
	return ROTA_OK;
}

enum rota_err rota_slots_boot_open(struct rota_slots_boot *s, const char *device_dir)
{
	*s = (struct rota_slots_boot){ .slot_fd = -1 };
	s->device_fd = open(device_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->device_fd < 0)
		return rota_flash_file_errno(errno);
	s->port = (struct rota_slots){
		.ctx = s,
		.inactive = slots_inactive,
		.write = slots_write,
		.finish = slots_finish,
		.read = slots_read,
		.trial = slots_trial,
		.booted = slots_booted,
		.confirm = slots_confirm,
		.revert = slots_revert,
	};
	return ROTA_OK;
}

void rota_slots_boot_close(struct rota_slots_boot *s)
{
	if (s->slot_fd >= 0)
		(void)close(s->slot_fd);
	if (s->device_fd >= 0)
		(void)close(s->device_fd);
	s->slot_fd = -1;
	s->device_fd = -1;
}
