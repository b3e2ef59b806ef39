/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/drill_fleet.h"
#include "apps/rota/drill_keys.h"
#include "host/base/when.h"
#include "host/repo/store.h"
#include "host/sign/imagefile.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/signedtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20) /* of what these devices read */
#define RECORD_MAX 65536
#define BOARD "h7" /* with every counter */

enum { PRODUCTION, CI };

/* ---- the world ---- */

static enum rota_err read_in(struct drill_fleet *f, const char *base, const char *name)
{
	char *path = rota_text("%s/%s", base, name);
	struct rota_fail ignored;
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (rota_file_exists(path)) {
		rota_bytes_free(&f->given);
		f->given = (struct rota_bytes){ 0 };
		err = rota_file_read(path, FILE_MAX, &f->given, &ignored);
	}
	free(path);
	return err;
}

static enum rota_err give(struct drill_fleet *f, const char *name, struct rota_span *out)
{
	enum rota_err err = f->front ? read_in(f, f->front, name) : ROTA_ERR_NOT_FOUND;

	if (err == ROTA_ERR_NOT_FOUND)
		err = read_in(f, f->dir->repo, name);
	if (err == ROTA_OK)
		*out = rota_bytes_span(&f->given);
	return err;
}

static enum rota_err meta(
	void *ctx, const struct sim_device *d, const struct rota_want *want, struct rota_span *out)
{
	int len = (int)want->role.len;
	const char *role = (const char *)want->role.p;
	char name[ROTA_ROLE_NAME_MAX + 64];

	(void)d;
	if (want->hint || want->version == 0)
		snprintf(name, sizeof(name), "metadata/%.*s.json", len, role);
	else
		snprintf(name, sizeof(name), "metadata/%llu.%.*s.json",
			(unsigned long long)want->version, len, role);
	return give(ctx, name, out);
}

static enum rota_err target(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	const char *path = (const char *)want->path.p;
	int len = (int)want->path.len, slash = len;
	char hex[ROTA_DIGEST_HEX], name[ROTA_PATH_MAX + ROTA_DIGEST_HEX + 16];

	(void)d;
	while (slash > 0 && path[slash - 1] != '/')
		slash--;
	rota_hex(ROTA_SPAN(want->sha256), hex);
	snprintf(name, sizeof(name), "targets/%.*s%s.%.*s", slash, path, hex, len - slash,
		path + slash);
	return give(ctx, name, out);
}

static enum rota_err recovery(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	struct drill_fleet *f = ctx;
	char hex[ROTA_DIGEST_HEX], name[ROTA_NAME_MAX + ROTA_DIGEST_HEX + 16];

	(void)d;
	rota_hex(ROTA_SPAN(want->sha256), hex);
	if (want->part == ROTA_PACK_ORDER)
		snprintf(name, sizeof(name), "recovery/%s.json", f->dir->product);
	else
		snprintf(name, sizeof(name), "recovery/%s", hex);
	return give(f, name, out);
}

static enum rota_err signed_time(void *ctx, const struct sim_device *d, const uint8_t *nonce,
	struct rota_buf room, struct rota_span *out)
{
	struct drill_fleet *f = ctx;
	struct rota_time_question question = { .device_id = d->what.id };
	uint8_t message[ROTA_TIME_MESSAGE_MAX], digest[ROTA_DIGEST_LEN];
	struct rota_writer m = rota_writer(ROTA_BUF(message)), a = rota_writer(room);
	struct rota_seat_sig sig;
	struct rota_fail ignored;

	if (!f->clock)
		return ROTA_ERR_NOT_FOUND;
	memcpy(question.nonce, nonce, sizeof(question.nonce));
	rota_time_message(&m, &question, d->clock_s);
	rota_digest_of(rota_writer_span(&m), digest);
	if (rota_tokens_sign(f->clock_tokens, &f->clock->seats[0], digest, &sig, &ignored) !=
		ROTA_OK)
		return ROTA_ERR_NOT_FOUND;
	rota_write_le64(&a, d->clock_s);
	rota_timesig_write(&a,
		&(struct rota_timesig){ .alg = ROTA_ALG_ECDSA_P256,
			.key = ROTA_SPAN(sig.key),
			.sig = ROTA_SPAN(sig.sig) });
	return rota_writer_end(&a, out);
}

/* ---- the factory ---- */

/* Points of production keys, and of ci, as trust/image-keys.json has them. */
static enum rota_err read_image_keys(struct drill_fleet *f, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	json_t *file, *row;
	size_t i, production = 0;
	bool ci = false;

	rota_authdir_path(f->dir, "trust/image-keys.json", path);
	ROTA_TRY(rota_json_load(path, RECORD_MAX, &file, why));
	json_array_foreach(json_object_get(file, "keys"), i, row)
	{
		const char *channel = json_string_value(json_object_get(row, "channel"));
		const char *hex = json_string_value(json_object_get(row, "public"));
		bool is_ci = channel && strcmp(channel, "ci") == 0;
		size_t at = is_ci ? 2 : production;

		if (!hex || (!is_ci && production == 2) || !rota_unhex(hex, ROTA_BUF(f->point[at])))
			continue;
		ci |= is_ci;
		production += !is_ci;
	}
	json_decref(file);
	if (production == 2 && ci)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"%s has not two production keys and one of ci; a drill needs them", path);
}

static void add_key(struct drill_fleet *f, struct rota_rom *rom, size_t at)
{
	uint8_t spki[ROTA_P256_SPKI_LEN];

	rota_p256_spki(f->point[at], spki);
	rota_digest_of(ROTA_SPAN(spki), f->hash[at]);
	rom->key[rom->key_count++] = (struct rota_rom_key){ .alg = ROTA_ALG_ECDSA_P256,
		.hash = ROTA_SPAN(f->hash[at]),
		.raw = ROTA_SPAN(f->point[at]) };
}

static void make_kind(struct drill_fleet *f, int kind)
{
	static const uint8_t spki[] = "drill",
			     id[] = "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"
				    "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0";
	struct rota_rom *rom = &f->rom[kind];

	*rom = (struct rota_rom){ .product = rota_span_cstr(f->product),
		.hardware = ROTA_STR(DRILL_HARDWARE),
		.recovery_sha256 = ROTA_SPAN(f->recovery),
		.device_id = rota_span(id, ROTA_DEVICE_ID_LEN),
		.root_sha256 = ROTA_SPAN(f->root),
		.idevid_spki = ROTA_SPAN(spki) };
	add_key(f, rom, kind == CI ? 2 : 0);
	add_key(f, rom, kind == CI ? 0 : 1);
	f->what[kind] = (struct rota_device){ .product = rom->product,
		.hardware = rom->hardware,
		.channel = kind == CI ? ROTA_STR("ci") : ROTA_STR("production"),
		.id = rom->device_id,
		.spki = rom->idevid_spki,
		.release_role = kind == CI ? ROTA_STR("ci") : ROTA_STR("releases") };
	f->fleet[kind] = (struct sim_fleet){ .board = sim_board_find(BOARD),
		.rom = rom,
		.crypto = &f->memo.port,
		.what = &f->what[kind],
		.components = 1,
		.slot_name = { ROTA_STR("app") },
		.poll_s = 3600 };
}

static enum rota_err digest_file(const struct rota_authdir *dir, const char *name,
	uint8_t sha256[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t len;

	rota_authdir_path(dir, name, path);
	return rota_digest_file(path, NULL, &len, sha256, why);
}

/* The state that the factory writes: the newest root, and the time from which it counts. */
static enum rota_err first_state(struct drill_fleet *f, uint64_t image_version,
	struct rota_state *state, struct rota_fail *why)
{
	const char *from;
	struct rota_bytes file;
	uint64_t version, from_s;
	json_t *content;

	ROTA_TRY(rota_store_newest(f->dir, "root", false, &version, why));
	ROTA_TRY(rota_store_verified(f->dir, "root", version, &file, &content, why));
	rota_digest_of(rota_bytes_span(&file), f->root);
	rota_bytes_free(&file);
	from = json_string_value(json_object_get(content, "x-rota-not-before"));
	if (!from || !rota_when_parse(from, &from_s))
		from_s = 0;
	json_decref(content);
	rota_state_factory(state, version, f->root, from_s, image_version);
	return ROTA_OK;
}

static enum rota_err build(struct drill_fleet *f, size_t at, struct rota_span image,
	const struct rota_image_info *info, const struct rota_state *state, struct rota_fail *why)
{
	struct sim_device *d = &f->device[at];
	uint8_t digest[1][ROTA_SHA256_LEN];
	enum rota_err err = sim_device_init(d, &f->fleet[at == DRILL_DEVICES ? CI : PRODUCTION]);

	memcpy(digest[0], info->digest, sizeof(digest[0]));
	if (err == ROTA_OK && at > 0 && at < DRILL_DEVICES)
		sim_number(d, (uint32_t)at);
	if (err == ROTA_OK)
		err = sim_factory(d, &image, (const uint8_t(*)[ROTA_SHA256_LEN])digest, state);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "a device of the drill cannot be made: %s",
					rota_err_str(err));
}

enum rota_err drill_fleet_make(struct drill_fleet *f, const struct rota_authdir *dir,
	const char *image, struct rota_fail *why)
{
	struct rota_image_info info;
	struct rota_state state;
	struct rota_bytes bytes;
	struct drill_keys *keys = f->keys;
	enum rota_err err = ROTA_OK;

	memset(f, 0, sizeof(*f));
	f->keys = keys;
	f->dir = dir;
	snprintf(f->product, sizeof(f->product), "%s", dir->product);
	f->world = (struct sim_world){
		.ctx = f, .meta = meta, .target = target, .recovery = recovery, .time = signed_time
	};
	if (keys) {
		f->world.keys = drill_keys_answer;
		f->world.statement = drill_keys_take;
	}
	sim_memo_init(&f->memo, &rota_crypto_openssl);
	ROTA_TRY(read_image_keys(f, why));
	ROTA_TRY(digest_file(dir, "trust/recovery-keys.json", f->recovery, why));
	ROTA_TRY(rota_imagefile_read(image, &rota_crypto_openssl, NULL, &info, why));
	ROTA_TRY(first_state(f, info.version, &state, why));
	make_kind(f, PRODUCTION);
	make_kind(f, CI);
	if (keys)
		f->fleet[PRODUCTION].keys = drill_keys_parts(keys);
	ROTA_TRY(rota_file_read(image, FILE_MAX, &bytes, why));
	for (size_t i = 0; i <= DRILL_DEVICES && err == ROTA_OK; i++)
		err = build(f, i, rota_bytes_span(&bytes), &info, &state, why);
	if (err == ROTA_OK && keys)
		err = drill_keys_enrol(keys, f, why);
	rota_bytes_free(&bytes);
	return err;
}

void drill_fleet_free(struct drill_fleet *f)
{
	for (size_t i = 0; i <= DRILL_DEVICES; i++)
		sim_device_free(&f->device[i]);
	rota_bytes_free(&f->given);
}

enum sim_end drill_poll(struct drill_fleet *f, struct sim_device *d, uint64_t ahead_s)
{
	d->clock_s = rota_when_now() + ahead_s;
	return sim_run(d, &f->world, d->clock_s);
}
