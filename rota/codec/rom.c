/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/rom.h"
#include "rota/base/crc32.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"
#include "rota/codec/name.h"

#define MAGIC "ROTAROM\x01" /* the last byte is the format */
#define CRC_LEN 4
#define SET_MAX 8 /* components of a set, SPEC 7.1 */
#define NV_LEN (1u + 4u + 8u) /* of one counter in field 10 */

enum field {
	FIELD_PRODUCT = 1,
	FIELD_HARDWARE = 2,
	FIELD_IMAGE_KEY = 3,
	FIELD_RECOVERY = 4,
	FIELD_DEVICE_ID = 5,
	FIELD_COUNTER = 6,
	FIELD_ROOT = 7,
	FIELD_IDEVID = 8,
	FIELD_WATCHDOG = 9,
	FIELD_COUNTERS = 10,
	FIELD_DEMAND = 11,
	FIELD_ROT = 12,
};

static enum rota_err read_key(struct rota_rom *rom, struct rota_span value)
{
	struct rota_reader r = rota_reader(value);
	struct rota_rom_key key;

	if (rom->key_count == ROTA_ROM_KEYS_MAX)
		return ROTA_ERR_LIMIT;
	key.alg = (enum rota_alg)rota_read_u8(&r);
	key.hash = rota_read_span(&r, ROTA_SHA256_LEN);
	key.raw = rota_read_span(&r, r.rest.len);
	ROTA_TRY(rota_reader_end(&r));
	if (key.raw.len == 0)
		return ROTA_ERR_FORMAT;
	rom->key[rom->key_count++] = key;
	return ROTA_OK;
}

static enum rota_err read_counter(struct rota_rom *rom, struct rota_span value)
{
	struct rota_reader r = rota_reader(value);

	rom->counter = rota_read_le32(&r);
	return rota_reader_end(&r);
}

static enum rota_err read_watchdog(struct rota_rom *rom, struct rota_span value)
{
	struct rota_reader r = rota_reader(value);

	rom->watchdog.period_s = rota_read_le32(&r);
	rom->watchdog.bound_s = rota_read_le32(&r);
	rom->watchdog.updater = rota_read_u8(&r);
	ROTA_TRY(rota_reader_end(&r));
	return rom->watchdog.period_s > 0 ? ROTA_OK : ROTA_ERR_FORMAT; /* none is no field */
}

static enum rota_err read_counters(struct rota_rom *rom, struct rota_span value)
{
	struct rota_reader r = rota_reader(value);

	while (r.rest.len > 0 && !r.failed) {
		uint8_t id = rota_read_u8(&r);

		if (id >= ROTA_COUNTER_COUNT || rom->nv_have >> id != 0) /* ascending */
			return ROTA_ERR_FORMAT;
		rom->nv_have |= (uint8_t)(1u << id);
		rom->nv[id].index = rota_read_le32(&r);
		rom->nv[id].base = rota_read_le64(&r);
	}
	ROTA_TRY(rota_reader_end(&r));
	return rom->nv_have != 0 ? ROTA_OK : ROTA_ERR_FORMAT;
}

static enum rota_err read_rot(struct rota_rom *rom, struct rota_span value)
{
	struct rota_reader r = rota_reader(value);

	rom->rot = (enum rota_rot_kind)rota_read_u8(&r);
	rom->rot_name = r.rest;
	return rom->rot != ROTA_ROT_NONE ? ROTA_OK : ROTA_ERR_FORMAT; /* none is no field */
}

static enum rota_err read_field(struct rota_rom *rom, uint8_t id, struct rota_span value)
{
	switch (id) {
	case FIELD_PRODUCT:
		rom->product = value;
		return ROTA_OK;
	case FIELD_HARDWARE:
		rom->hardware = value;
		return ROTA_OK;
	case FIELD_IMAGE_KEY:
		return read_key(rom, value);
	case FIELD_RECOVERY:
		rom->recovery_sha256 = value;
		return ROTA_OK;
	case FIELD_DEVICE_ID:
		rom->device_id = value;
		return ROTA_OK;
	case FIELD_COUNTER:
		return read_counter(rom, value);
	case FIELD_ROOT:
		rom->root_sha256 = value;
		return ROTA_OK;
	case FIELD_IDEVID:
		rom->idevid_spki = value;
		return ROTA_OK;
	case FIELD_WATCHDOG:
		return read_watchdog(rom, value);
	case FIELD_COUNTERS:
		return read_counters(rom, value);
	case FIELD_DEMAND:
		rom->demand = value;
		return value.len > 0 ? ROTA_OK : ROTA_ERR_FORMAT; /* none is no field */
	case FIELD_ROT:
		return read_rot(rom, value);
	default:
		return ROTA_ERR_UNSUPPORTED;
	}
}

static bool is_hex(struct rota_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* None, or one that can run something for some time. */
static bool watchdog_valid(const struct rota_rom_watchdog *w)
{
	if (w->period_s == 0)
		return w->bound_s == 0 && w->updater == 0;
	return w->bound_s > 0 && w->updater < SET_MAX;
}

/* A root of trust of a known kind, with what names it. */
static bool rot_valid(const struct rota_rom *rom)
{
	return rom->rot <= ROTA_ROT_SOFT &&
		rom->rot_name.len == (rom->rot == ROTA_ROT_TPM ? ROTA_ROM_ROOT_NAME_LEN : 0);
}

/* Every field is there and of its form. */
static bool complete(const struct rota_rom *rom)
{
	if (rom->key_count == 0 || rom->key_count > ROTA_ROM_KEYS_MAX)
		return false;
	for (uint8_t i = 0; i < rom->key_count; i++) {
		if (rom->key[i].hash.len != ROTA_SHA256_LEN || rom->key[i].raw.len == 0)
			return false;
	}
	return rota_name_valid(rom->product) && rota_name_valid(rom->hardware) &&
		rom->recovery_sha256.len == ROTA_SHA256_LEN &&
		rom->device_id.len == ROTA_DEVICE_ID_LEN && is_hex(rom->device_id) &&
		rom->root_sha256.len == ROTA_SHA256_LEN && rom->idevid_spki.len > 0 &&
		rom->demand.len <= ROTA_ROM_MAX && watchdog_valid(&rom->watchdog) &&
		rom->nv_have >> ROTA_COUNTER_COUNT == 0 && rot_valid(rom);
}

static enum rota_err check_frame(struct rota_span record)
{
	struct rota_reader head = rota_reader(record);
	struct rota_reader tail = rota_reader(rota_span_skip(record, record.len - CRC_LEN));

	if (record.len < ROTA_MAGIC_LEN + CRC_LEN)
		return ROTA_ERR_FORMAT;
	if (record.len > ROTA_ROM_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_magic_read(&head, ROTA_STR(MAGIC)));
	if (rota_read_le32(&tail) !=
		rota_crc32(0, rota_span_slice(record, 0, record.len - CRC_LEN)))
		return ROTA_ERR_CORRUPT;
	return ROTA_OK;
}

enum rota_err rota_rom_decode(struct rota_span record, struct rota_rom *out)
{
	struct rota_rom rom = { .key_count = 0 };
	struct rota_reader r;
	uint8_t last = 0;
	bool counter = false;

	ROTA_TRY(check_frame(record));
	r = rota_reader(
		rota_span_slice(record, ROTA_MAGIC_LEN, record.len - ROTA_MAGIC_LEN - CRC_LEN));
	while (r.rest.len > 0 && !r.failed) {
		uint8_t id = rota_read_u8(&r);
		struct rota_span value = rota_read_span(&r, rota_read_le16(&r));

		if (id < last || (id == last && id != FIELD_IMAGE_KEY)) /* SPEC 12.1: ascending */
			return ROTA_ERR_FORMAT;
		ROTA_TRY(read_field(&rom, id, value));
		counter = counter || id == FIELD_COUNTER;
		last = id;
	}
	ROTA_TRY(rota_reader_end(&r));
	if (!counter || !complete(&rom))
		return ROTA_ERR_FORMAT;
	*out = rom;
	return ROTA_OK;
}

static void write_field(struct rota_writer *w, enum field id, struct rota_span value)
{
	rota_write_u8(w, (uint8_t)id);
	rota_write_le16(w, (uint16_t)value.len);
	rota_write_span(w, value);
}

static void write_key(struct rota_writer *w, const struct rota_rom_key *key)
{
	rota_write_u8(w, FIELD_IMAGE_KEY);
	rota_write_le16(w, (uint16_t)(1 + key->hash.len + key->raw.len));
	rota_write_u8(w, (uint8_t)key->alg);
	rota_write_span(w, key->hash);
	rota_write_span(w, key->raw);
}

static void write_watchdog(struct rota_writer *w, const struct rota_rom_watchdog *watchdog)
{
	if (watchdog->period_s == 0)
		return;
	rota_write_u8(w, FIELD_WATCHDOG);
	rota_write_le16(w, 4 + 4 + 1);
	rota_write_le32(w, watchdog->period_s);
	rota_write_le32(w, watchdog->bound_s);
	rota_write_u8(w, watchdog->updater);
}

static void write_counters(struct rota_writer *w, const struct rota_rom *rom)
{
	unsigned count = 0;

	if (rom->nv_have == 0)
		return;
	for (uint8_t id = 0; id < ROTA_COUNTER_COUNT; id++)
		count += rom->nv_have >> id & 1;
	rota_write_u8(w, FIELD_COUNTERS);
	rota_write_le16(w, (uint16_t)(count * NV_LEN));
	for (uint8_t id = 0; id < ROTA_COUNTER_COUNT; id++) {
		if ((rom->nv_have >> id & 1) == 0)
			continue;
		rota_write_u8(w, id);
		rota_write_le32(w, rom->nv[id].index);
		rota_write_le64(w, rom->nv[id].base);
	}
}

static void write_rot(struct rota_writer *w, const struct rota_rom *rom)
{
	if (rom->rot == ROTA_ROT_NONE)
		return;
	rota_write_u8(w, FIELD_ROT);
	rota_write_le16(w, (uint16_t)(1 + rom->rot_name.len));
	rota_write_u8(w, (uint8_t)rom->rot);
	rota_write_span(w, rom->rot_name);
}

enum rota_err rota_rom_encode(
	const struct rota_rom *rom, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w =
		rota_writer(rota_buf(room.p, room.len < ROTA_ROM_MAX ? room.len : ROTA_ROM_MAX));

	if (!complete(rom))
		return ROTA_ERR_ARGUMENT;
	rota_write_span(&w, ROTA_STR(MAGIC));
	write_field(&w, FIELD_PRODUCT, rom->product);
	write_field(&w, FIELD_HARDWARE, rom->hardware);
	for (uint8_t i = 0; i < rom->key_count; i++)
		write_key(&w, &rom->key[i]);
	write_field(&w, FIELD_RECOVERY, rom->recovery_sha256);
	write_field(&w, FIELD_DEVICE_ID, rom->device_id);
	rota_write_u8(&w, FIELD_COUNTER);
	rota_write_le16(&w, sizeof(rom->counter));
	rota_write_le32(&w, rom->counter);
	write_field(&w, FIELD_ROOT, rom->root_sha256);
	write_field(&w, FIELD_IDEVID, rom->idevid_spki);
	write_watchdog(&w, &rom->watchdog);
	write_counters(&w, rom);
	if (rom->demand.len > 0)
		write_field(&w, FIELD_DEMAND, rom->demand);
	write_rot(&w, rom);
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
	return rota_writer_end(&w, out);
}
