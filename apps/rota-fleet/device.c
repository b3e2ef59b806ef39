/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/device.h"
#include "host/base/bytes.h"
#include "ports/rot_soft/page.h"
#include "rota/base/mem.h"

#include <stdio.h>
#include <string.h>

/* Two sectors each. */
enum { AT_JOURNAL, AT_KEYS, AT_ARCHIVE, AT_PAGE, PLACES };

static const struct rota_flash_sim_chip chip = {
	.runs = { { FLEET_SECTOR, 2 * PLACES } }, .write_len = 4, .erased = 0xFF, .erase_steps = 4
};

/* ---- a device ---- */

enum rota_err fleet_device_init(struct fleet_device *d, const struct fleet_model *model)
{
	struct rota_flash_sim_region *const at[PLACES] = { &d->journal_at, &d->keys_at,
		&d->archive_at, &d->page_at };

	memset(d, 0, sizeof(*d));
	d->model = model;
	rota_sim_supply_init(&d->supply, 1);
	fleet_slots_init(&d->slot, &d->supply);
	d->named = (struct rota_named_slots){ ROTA_STR("app"), &d->slot.port };
	ROTA_TRY(rota_flash_sim_init(&d->chip, &chip, &d->supply));
	for (uint32_t i = 0; i < PLACES; i++) {
		enum rota_err err = rota_flash_sim_region(
			at[i], &d->chip, 2 * i * FLEET_SECTOR, FLEET_SECTOR, 2);

		if (err != ROTA_OK) {
			fleet_device_free(d);
			return err;
		}
	}
	return ROTA_OK;
}

void fleet_device_free(struct fleet_device *d)
{
	if (d->chip.sectors != NULL)
		rota_flash_sim_free(&d->chip);
	rota_wipe(d, sizeof(*d));
}

static void wipe_chip(struct fleet_device *d)
{
	for (uint32_t i = 0; i < d->chip.cells.count; i++) {
		rota_sim_cells_wipe(&d->chip.cells, i);
		rota_sim_cells_wipe(&d->chip.synced, i);
	}
	for (uint32_t i = 0; i < d->chip.sector_count; i++) {
		d->chip.sectors[i].erases = 0;
		d->chip.sectors[i].half_steps = 0;
	}
}

/* RAM as at a start. */
static void start(struct fleet_device *d)
{
	const struct rota_rot_soft_parts parts = { &d->page_at.port, d->model->p256, d->model->aead,
		&d->model->random };

	rota_rot_soft_init(&d->soft, &parts);
	d->slots = (struct rota_keyslots){ .rot = &d->soft.port,
		.crypto = d->model->crypto,
		.device = d->id,
		.scratch = ROTA_BUF(d->scratch) };
	d->keys = (struct rota_update_keys){ .work = &rota_key_work,
		.desk = &d->desk,
		.slots = &d->slots,
		.aead = d->model->aead,
		.purposes = d->model->purposes };
	d->keys_why = (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	d->reboots = false;
}

enum rota_err fleet_device_wake(struct fleet_device *d, const uint8_t id[static ROTA_DEVICE_LEN],
	const uint8_t point[static ROTA_P256_KEY_LEN], const struct fleet_sleeper *sleeper,
	struct fleet_images *images)
{
	/* SubjectPublicKeyInfo of a key on P-256, up to its point (RFC 5480) */
	static const uint8_t head[26] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
		0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
		0x03, 0x42, 0x00 };

	memcpy(d->id, id, sizeof(d->id));
	rota_hex(ROTA_SPAN(d->id), d->id_text);
	memcpy(d->spki, head, sizeof(head));
	memcpy(&d->spki[sizeof(head)], point, ROTA_P256_KEY_LEN);
	d->what = (struct rota_device){ .product = d->model->product,
		.hardware = d->model->hardware,
		.channel = d->model->channel,
		.id = rota_span((const uint8_t *)d->id_text, 2 * ROTA_DEVICE_LEN),
		.spki = ROTA_SPAN(d->spki),
		.release_role = ROTA_STR("releases") };
	rota_sim_supply_on(&d->supply);
	wipe_chip(d);
	d->chip.cuts = d->supply.cuts; /* those of before were other devices' */
	d->slot.of = images;
	start(d);
	return sleeper != NULL ? fleet_sleeper_unpack(sleeper, &d->chip) : ROTA_OK;
}

enum rota_err fleet_device_sleep(struct fleet_device *d, struct fleet_sleeper *sleeper)
{
	return fleet_sleeper_pack(sleeper, &d->chip, ROTA_BUF(d->packing));
}

/* ---- the factory ---- */

static void put_pair(struct rota_soft_keys *keys, enum rota_rot_key key, const uint8_t *secret,
	const uint8_t *point)
{
	keys->have |= (uint8_t)(1u << key);
	memcpy(keys->pair[key].secret, secret, ROTA_P256_SECRET_LEN);
	memcpy(keys->pair[key].point, point, ROTA_P256_KEY_LEN);
}

static enum rota_err put_keys(struct fleet_device *d, const struct fleet_birth *birth)
{
	struct rota_soft_page page;
	struct rota_soft_keys keys;
	enum rota_err err = rota_soft_page_open(&page, &d->page_at.port, &keys);

	if (err == ROTA_OK) {
		put_pair(&keys, ROTA_ROT_IDENTITY, birth->secret, birth->point);
		if (birth->has_login)
			put_pair(&keys, ROTA_ROT_LDEVID_0, birth->login_secret, birth->login_point);
		err = rota_soft_page_commit(&page, &keys);
	}
	rota_wipe(&keys, sizeof(keys));
	return err;
}

/* The statement of kind 3, which the station takes along and the device need not send. */
static enum rota_err announce(struct fleet_device *d, struct rota_buf room, struct rota_span *out)
{
	const struct rota_rot *rot = &d->soft.port;
	struct rota_statement s = { .kind = ROTA_STATEMENT_ANEW };
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_agree_next next;
	struct rota_span body;

	ROTA_TRY(rota_keyslots_announce(&d->slots, &next));
	memcpy(s.device, d->id, sizeof(s.device));
	s.number = next.counter;
	memcpy(s.point, next.point, sizeof(s.point));
	ROTA_TRY(rota_statement_encode(&s, room, &body));
	if (room.len - body.len < ROTA_P256_SIG_LEN)
		return ROTA_ERR_LIMIT;
	rota_statement_digest(d->model->crypto, body, digest);
	ROTA_TRY(rot->sign(rot->ctx, ROTA_ROT_IDENTITY, digest, &room.p[body.len]));
	*out = rota_span(room.p, body.len + ROTA_P256_SIG_LEN);
	return rota_keyslots_announced(&d->slots);
}

enum rota_err fleet_device_factory(struct fleet_device *d, const struct fleet_birth *birth,
	struct rota_buf room, struct rota_span *out)
{
	uint8_t agree[ROTA_P256_KEY_LEN];
	struct rota_state state;

	ROTA_TRY(put_keys(d, birth));
	if (rota_keyslots_open(&d->slots, &d->keys_at.port, &d->archive_at.port) !=
		ROTA_ERR_NOT_FOUND)
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_keyslots_factory(&d->slots, 0, agree));
	if (birth->has_factory)
		ROTA_TRY(rota_keyslots_factory_secret(&d->slots, birth->factory));
	ROTA_TRY(announce(d, room, out));
	rota_state_factory(&state, 1, d->model->root_sha256, 0, 0);
	ROTA_TRY(rota_journal_open(&d->journal, &d->journal_at.port, ROTA_JOURNAL_DEVICE));
	return rota_update_factory(
		&d->journal, &state, rota_buf((uint8_t *)d->room, sizeof(d->room)));
}

/* ---- a cycle ---- */

/* Names of SPEC 3.1. */
static void path_of(const struct rota_update_want *want, char *path, size_t room)
{
	const struct rota_want *m = &want->meta;
	char hex[2 * ROTA_SHA256_LEN + 1];
	size_t name = want->path.len;

	if (want->kind == ROTA_UPDATE_FETCH_META) {
		if (m->version > 0)
			snprintf(path, room, "metadata/%llu.%.*s.json",
				(unsigned long long)m->version, (int)m->role.len,
				(const char *)m->role.p);
		else
			snprintf(path, room, "metadata/%.*s.json", (int)m->role.len,
				(const char *)m->role.p);
		return;
	}
	while (name > 0 && want->path.p[name - 1] != '/')
		name--;
	rota_hex(ROTA_SPAN(want->sha256), hex);
	snprintf(path, room, "targets/%.*s%s.%.*s", (int)name, (const char *)want->path.p, hex,
		(int)(want->path.len - name), (const char *)&want->path.p[name]);
}

static void feed(struct fleet_device *d, enum rota_err err, struct rota_span bytes)
{
	while (err == ROTA_OK && bytes.len > 0 && !d->supply.off) {
		err = rota_update_feed(&d->update, rota_span_slice(bytes, 0, FLEET_PIECE));
		bytes = rota_span_skip(bytes, FLEET_PIECE);
	}
	rota_update_done(&d->update, err);
}

static void fetch(struct fleet_device *d, const struct rota_update_want *want,
	const struct fleet_outside *outside)
{
	char path[ROTA_PATH_MAX + 128];
	struct rota_span bytes = { NULL, 0 };
	enum rota_err err;

	if (want->kind == ROTA_UPDATE_FETCH_META && want->meta.at_hand) {
		rota_update_done(&d->update, ROTA_ERR_NOT_FOUND); /* it keeps no files */
		return;
	}
	path_of(want, path, sizeof(path));
	err = outside->file(outside->ctx, path, &bytes);
	feed(d, err, rota_span_skip(bytes, (size_t)want->offset));
}

static void fetch_keys(struct fleet_device *d, const struct rota_update_want *want,
	const struct fleet_outside *outside)
{
	uint8_t answer[ROTA_KEYANSWER_MAX];
	size_t len = 0;
	enum rota_err err = outside->bundle(outside->ctx, want->sha256, ROTA_BUF(answer), &len);

	feed(d, err, rota_span(answer, len));
}

static void send_statement(struct fleet_device *d, const struct rota_update_want *want,
	const struct fleet_outside *outside)
{
	uint32_t counter = 0;
	enum rota_err err = outside->say(outside->ctx, want->statement, &counter);

	if (err == ROTA_ERR_VERSION)
		rota_update_out_of_turn(&d->update, counter);
	else
		rota_update_done(&d->update, err);
}

/* To the end of the cycle, or of the power. */
static enum rota_update_want_kind drive(struct fleet_device *d, const struct fleet_outside *outside)
{
	struct rota_update_want want;

	while (!d->supply.off) {
		rota_update_want(&d->update, &want);
		switch (want.kind) {
		case ROTA_UPDATE_FETCH_META:
		case ROTA_UPDATE_FETCH_TARGET:
			fetch(d, &want, outside);
			break;
		case ROTA_UPDATE_FETCH_KEYS:
			fetch_keys(d, &want, outside);
			break;
		case ROTA_UPDATE_SEND_STATEMENT:
			send_statement(d, &want, outside);
			break;
		case ROTA_UPDATE_KEEP_META:
		case ROTA_UPDATE_HEALTH:
			rota_update_done(&d->update, ROTA_OK);
			break;
		case ROTA_UPDATE_FETCH_TIME: /* nothing binds its journals, and it takes neither orders nor proofs */
		case ROTA_UPDATE_FETCH_RECOVERY:
		case ROTA_UPDATE_FETCH_PROOF:
			rota_update_done(&d->update, ROTA_ERR_NOT_FOUND);
			break;
		case ROTA_UPDATE_REBOOT:
		case ROTA_UPDATE_IDLE:
		case ROTA_UPDATE_STOPPED:
			return want.kind;
		}
	}
	return ROTA_UPDATE_STOPPED;
}

enum rota_err fleet_device_cycle(
	struct fleet_device *d, uint64_t now_s, const struct fleet_outside *outside)
{
	const struct rota_update_config config = {
		.session = { .crypto = d->model->crypto,
			.limits = &rota_limits_m3,
			.start = { rota_num_nearest(now_s), true },
			.profile = &rota_session_device },
		.device = &d->what,
		.slots = &d->named,
		.slots_count = 1,
		.journal = &d->journal,
		.keys = &d->keys
	};

	start(d);
	(void)!rota_keyslots_open(
		&d->slots, &d->keys_at.port, &d->archive_at.port); /* the cycle judges it */
	ROTA_TRY(rota_journal_open(&d->journal, &d->journal_at.port, ROTA_JOURNAL_DEVICE));
	ROTA_TRY(rota_update_init(
		&d->update, &config, rota_buf((uint8_t *)d->room, sizeof(d->room))));
	d->reboots = drive(d, outside) == ROTA_UPDATE_REBOOT;
	rota_update_outcome(&d->update, &d->outcome);
	d->keys_why = *rota_update_keys_why(&d->update);
	rota_update_drop(&d->update);
	d->slots.rise = NULL; /* it was the cycle's */
	if (d->supply.off)
		return ROTA_ERR_IO;
	return d->outcome.why.err;
}
