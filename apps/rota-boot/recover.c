/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/recover.h"
#include "boot/burn.h"
#include "host/recovery/lineport.h"
#include "host/recovery/packfile.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/orders.h"
#include "ports/slots_boot/slots_boot.h"
#include "rota/codec/image.h"
#include "rota/store/orderbook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_S 2 /* between two looks at a folder */
#define QUIET_S 30 /* of a sender */
#define PACK_MAX (UINT64_C(1) << 32)

/* A pack that is being taken. */
struct taking {
	const struct device *d;
	struct rota_packfile pack;
	struct rota_order_desk desk;
	struct rota_flash_file places;
	struct rota_slots_boot slots;
	uint8_t record[ROTA_KEYSET_MAX], order[ROTA_ORDER_MAX];
	size_t record_len, order_len;
	uint8_t component; /* that the image is for */
	uint64_t off; /* of the image */
	struct rota_image image;
	struct rota_fail why;
};

/* ---- the order ---- */

static enum rota_err take_order(void *ctx, struct rota_span piece)
{
	struct taking *t = ctx;

	if (piece.len > sizeof(t->order) - t->order_len)
		return ROTA_ERR_LIMIT;
	memcpy(&t->order[t->order_len], piece.p, piece.len);
	t->order_len += piece.len;
	return rota_order_feed(&t->desk.order, piece);
}

static enum rota_err take_record(void *ctx, struct rota_span piece)
{
	struct taking *t = ctx;

	if (piece.len > sizeof(t->record) - t->record_len)
		return ROTA_ERR_LIMIT;
	memcpy(&t->record[t->record_len], piece.p, piece.len);
	t->record_len += piece.len;
	return rota_keyset_feed(&t->desk.record, piece);
}

static enum rota_err read_both(struct taking *t)
{
	const struct rota_rom *rom = &t->d->rom.rom;

	rota_orderbook_begin_record(&t->desk, &rota_crypto_openssl);
	ROTA_TRY(rota_packfile_read(&t->pack, ROTA_PACK_RECORD, 0, t, take_record, &t->why));
	ROTA_TRY(rota_keyset_end(&t->desk.record, rom->recovery_sha256.p));
	rota_orderbook_begin_order(&t->desk, &rota_crypto_openssl, rom);
	ROTA_TRY(rota_packfile_read(&t->pack, ROTA_PACK_ORDER, 0, t, take_order, &t->why));
	return rota_order_end(&t->desk.order);
}

/* Whether the boot state names this very order, and it still counts: then it is gone on with. Of *held nothing but the epoch and what
 * is due is set: nothing runs that could rest on the rest. */
static bool is_held(const struct taking *t, const struct rota_bootstate *state, uint32_t burnt,
	struct rota_order_held *held)
{
	const struct rota_rom *rom = &t->d->rom.rom;
	struct rota_order_desk desk;
	enum rota_err err = rota_orderbook_judge(
		&desk, &t->places.port, state, rom, &rota_crypto_openssl, burnt);

	*held = (struct rota_order_held){ .epoch = burnt };
	if (err == ROTA_OK) {
		held->epoch = desk.order.order.epoch;
		rota_orderbook_due(state, &desk.order.order, rom, held);
	}
	return err == ROTA_OK && state->order_phase != ROTA_ORDER_FAILED &&
		memcmp(state->order, t->desk.order.file_sha256, ROTA_SHA256_LEN) == 0;
}

/* By hardware too: the flash may be an older one, or made anew. */
static uint32_t burnt_epoch(const struct device *d, const struct rota_bootstate *state)
{
	struct rota_burn_facts facts;

	rota_burn_begin(&facts, device_counter(d), &d->rom.rom);
	return rota_burn_floor(state, &facts, ROTA_COUNTER_EPOCH);
}

/* The order that is held begins anew, another one takes its place or the other one. A trial that is under way ends: nothing of
 * it runs. */
static enum rota_err name_it(struct taking *t, struct rota_layout_state *l)
{
	const struct rota_rom *rom = &t->d->rom.rom;
	struct rota_bootstate *state = &l->state;
	uint8_t place = state->order_place;
	struct rota_order_held held;

	if (!is_held(t, state, burnt_epoch(t->d, state), &held)) {
		place = rota_orderbook_place(state);
		ROTA_TRY(rota_orderbook_accepts(&t->desk, state, rom, &rota_crypto_openssl, &held));
		ROTA_TRY(rota_orderplace_write(&t->places.port, place,
			rota_span(t->record, t->record_len), rota_span(t->order, t->order_len)));
	}
	rota_bootstate_revert(state);
	rota_orderbook_put(state, place, &t->desk.order, rom, &held);
	if (t->desk.order.order.has_image)
		ROTA_TRY(rota_orderbook_try(state));
	return rota_layout_state_commit(l);
}

/* A boot state that is lost is no more than its flash: an order that counts begins it anew, nothing else does. */
static enum rota_err open_state(const struct taking *t, struct rota_layout_state *l)
{
	enum rota_err err = rota_layout_state_open(l, t->d->fd);

	if (err != ROTA_ERR_NOT_FOUND && err != ROTA_ERR_CORRUPT)
		return err;
	return rota_layout_state_anew(l, t->d->fd, &t->d->rom.rom, t->d->set.count);
}

/* Of several components the one that the order's image names; a single one answers to any name. */
static enum rota_err find_component(struct taking *t)
{
	const struct rota_order *order = &t->desk.order.order;

	if (!order->has_image)
		return ROTA_OK;
	if (rota_components_find(
		    &t->d->set, rota_name_span(&order->image.component), &t->component) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(&t->why, ROTA_ERR_NOT_FOUND,
		"the order is refused: this device has no component %.*s (SPEC 15.10)",
		(int)order->image.component.len, (const char *)order->image.component.text);
}

static enum rota_err store(struct taking *t)
{
	struct rota_layout_state l;
	enum rota_err err;

	ROTA_TRY(read_both(t));
	ROTA_TRY(find_component(t));
	ROTA_TRY(open_state(t, &l));
	err = device_agrees(t->d, &l.state) ? rota_orders_open(&t->places, t->d->fd)
					    : ROTA_ERR_STATE;
	if (err == ROTA_OK) {
		err = name_it(t, &l);
		rota_flash_file_close(&t->places);
	}
	rota_layout_state_close(&l);
	return err;
}

/* ---- the image ---- */

static enum rota_err take_image(void *ctx, struct rota_span piece)
{
	struct taking *t = ctx;
	const struct rota_slots *port = &t->slots.member[t->component].port;

	ROTA_TRY(rota_image_update(&t->image, piece));
	ROTA_TRY(port->write(port->ctx, t->off, piece));
	t->off += piece.len;
	return ROTA_OK;
}

/* What boot will ask for once more, and that these are the bytes that the order names. */
static enum rota_err check_image(struct taking *t)
{
	const struct rota_order_image *wanted = &t->desk.order.order.image;

	ROTA_TRY(rota_image_finish(&t->image));
	if (memcmp(t->image.info.digest, wanted->digest, ROTA_SHA256_LEN) != 0 ||
		memcmp(t->image.info.file_sha256, wanted->sha256, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_HASH;
	return t->image.info.counter == wanted->counter ? ROTA_OK : ROTA_ERR_COUNTER;
}

static enum rota_err write_image(struct taking *t)
{
	const struct rota_order_image *wanted = &t->desk.order.order.image;
	const struct rota_slots *port = &t->slots.member[t->component].port;
	uint64_t durable;

	if (!rota_packfile_has(&t->pack, ROTA_PACK_IMAGE, wanted->sha256))
		return rota_fail(&t->why, ROTA_ERR_NOT_FOUND, "the pack lacks the image");
	ROTA_TRY(port->begin(port->ctx, wanted->digest, wanted->length, &durable));
	rota_image_begin(&t->image, &rota_crypto_openssl);
	ROTA_TRY(rota_packfile_read(&t->pack, ROTA_PACK_IMAGE, 0, t, take_image, &t->why));
	ROTA_TRY(check_image(t));
	ROTA_TRY(port->finish(port->ctx, wanted->length));
	ROTA_TRY(port->trial(port->ctx, wanted->digest));
	return port->set->switch_all(port->set->ctx); /* with what is confirmed of the others */
}

static enum rota_err install(struct taking *t)
{
	enum rota_err err;

	if (!t->desk.order.order.has_image)
		return ROTA_OK; /* a key that it adds may do */
	ROTA_TRY(rota_slots_boot_open(&t->slots, t->d->path));
	err = write_image(t);
	rota_slots_boot_close(&t->slots);
	return err;
}

/* ---- a pack ---- */

static enum rota_err take(const struct device *d, const char *path, struct rota_fail *why)
{
	static struct taking t; /* 20 KB, once */
	enum rota_err err;

	t = (struct taking){ .d = d };
	err = rota_packfile_open(&t.pack, path, &t.why);
	if (err == ROTA_OK) {
		err = store(&t);
		if (err == ROTA_OK)
			err = install(&t);
		rota_packfile_close(&t.pack);
	}
	if (err == ROTA_OK) {
		say("recovery order of epoch %u taken from %s", t.desk.order.order.epoch, path);
		return ROTA_OK;
	}
	if (t.why.err != err)
		rota_fail(&t.why, err, "%s: the order is refused: %s (SPEC 15.3)", path,
			rota_err_str(err));
	*why = t.why;
	say("%s", why->text);
	return err;
}

/* ---- where it comes from ---- */

/* A pack that was refused is passed over until there is another one. */
static bool recover_file(const struct device *d, const char *path)
{
	struct stat before = { .st_size = -1 }, st;

	say("waiting for a recovery pack in %s", path);
	for (;; sleep(LOOK_S)) {
		char file[sizeof(d->path)];
		struct rota_fail why;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			(void)snprintf(file, sizeof(file), "%s/" ROTA_PACKFILE_NAME, path);
		else
			(void)snprintf(file, sizeof(file), "%s", path);
		if (stat(file, &st) != 0 ||
			(st.st_size == before.st_size && st.st_mtime == before.st_mtime &&
				st.st_ino == before.st_ino))
			continue;
		before = st;
		if (take(d, file, &why) == ROTA_OK)
			return true;
	}
}

/* One transfer into a file beside the boot journal, which stays when its order was taken. */
static bool recover_once(
	const struct device *d, struct rota_lineport *line, int fd, const char *spool)
{
	char kept[sizeof(d->path) + 64];
	struct rota_fail why = { ROTA_OK, "" };
	enum rota_err err = rota_lineport_receive(line, fd, PACK_MAX, 0, QUIET_S, &why);

	if (err == ROTA_OK && fsync(fd) == 0)
		err = take(d, spool, &why);
	else
		say("%s", why.text);
	(void)snprintf(kept, sizeof(kept), "%s/" ROTA_LAYOUT_FLASH "/" ROTA_PACKFILE_NAME, d->path);
	if (err == ROTA_OK && rota_file_rename(spool, kept, &why) != ROTA_OK)
		say("%s", why.text); /* the order is taken all the same */
	rota_lineport_tell(line, err, why.text);
	return err == ROTA_OK;
}

static bool recover_line(const struct device *d, struct rota_lineport *line)
{
	char spool[sizeof(d->path) + 64];
	bool taken = false;
	int fd;

	(void)snprintf(spool, sizeof(spool), "%s/" ROTA_LAYOUT_FLASH "/" ROTA_PACKFILE_NAME ".new",
		d->path);
	fd = open(spool, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		say("%s: %s", spool, strerror(errno));
		return false;
	}
	say("waiting for a recovery pack on %s", line->path);
	while (!taken)
		taken = recover_once(d, line, fd, spool);
	(void)close(fd);
	return true;
}

bool recover(const struct device *d, const char *from)
{
	struct rota_lineport line;
	struct rota_fail why;
	bool taken;

	if (rota_lineport_open(&line, from, &why) == ROTA_OK) {
		taken = recover_line(d, &line);
		rota_lineport_close(&line);
		return taken;
	}
	return recover_file(d, from);
}
