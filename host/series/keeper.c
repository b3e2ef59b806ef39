/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/keeper.h"
#include "host/base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MAX 64 /* a time and a version */

static void file_of(const struct rota_keeper *k, uint64_t version, const char *ending,
	char out[static ROTA_FILE_PATH_MAX])
{
	if ((size_t)snprintf(out, ROTA_FILE_PATH_MAX, "%s/%llu.%s", k->dir,
		    (unsigned long long)version, ending) >= ROTA_FILE_PATH_MAX)
		out[0] = 0;
}

static void path_of(const struct rota_keeper *k, enum rota_sealed_kind kind, uint64_t version,
	char out[static ROTA_FILE_PATH_MAX])
{
	file_of(k, version, kind == ROTA_SEALED_ROOT ? "root" : "pin", out);
}

static bool has(const struct rota_keeper *k, uint64_t version, const char *ending)
{
	char path[ROTA_FILE_PATH_MAX];

	file_of(k, version, ending, path);
	return rota_file_exists(path);
}

static void opened_path(const struct rota_keeper *k, char out[static ROTA_FILE_PATH_MAX])
{
	if ((size_t)snprintf(out, ROTA_FILE_PATH_MAX, "%s/opened", k->dir) >= ROTA_FILE_PATH_MAX)
		out[0] = 0;
}

enum rota_err rota_keeper_put(const struct rota_keeper *k, enum rota_sealed_kind kind,
	const struct rota_timeslot *slot, struct rota_span plain, struct rota_fail *why)
{
	const struct rota_sealed what = { kind, slot->version, slot->from_s, slot->end_s,
		k->scope };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_sealed_make(k->sealer, &what, plain, &file, why));
	path_of(k, kind, slot->version, path);
	err = rota_file_write(path, rota_bytes_span(&file), 0600, why);
	rota_bytes_free(&file);
	return err;
}

static enum rota_err unseal(const struct rota_keeper *k, enum rota_sealed_kind kind,
	uint64_t version, struct rota_timeslot *slot, struct rota_bytes *plain,
	struct rota_fail *why)
{
	struct rota_sealed what = { kind, version, 0, 0, k->scope };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	enum rota_err err;

	path_of(k, kind, version, path);
	ROTA_TRY(rota_file_read(path, ROTA_SEALED_MAX, &file, why));
	err = rota_sealed_peek(rota_bytes_span(&file), &what, why);
	if (err == ROTA_OK)
		err = rota_sealed_open(k->sealer, &what, rota_bytes_span(&file), plain, why);
	rota_bytes_free(&file);
	if (err != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	*slot = (struct rota_timeslot){ version, what.from_s, what.until_s };
	return ROTA_OK;
}

/* When something was opened last; 0: never. */
static enum rota_err last_opened(const struct rota_keeper *k, uint64_t *at_s, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], *end;
	struct rota_bytes text;
	bool good;

	*at_s = 0;
	opened_path(k, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, NOTE_MAX, &text, why));
	*at_s = strtoull((const char *)text.p, &end, 10);
	good = *end == ' ' && *at_s > 0;
	rota_bytes_free(&text);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s does not say when something was opened", path);
}

/* The hour has come, the clock goes on, and that is written down. */
static enum rota_err pass_hour(const struct rota_keeper *k, uint64_t version, uint64_t from_s,
	uint64_t now, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], text[NOTE_MAX], when[ROTA_WHEN_LEN];
	uint64_t last_s;

	ROTA_TRY(last_opened(k, &last_s, why));
	if (now < last_s) {
		rota_when_text(last_s, when);
		return rota_fail(why, ROTA_ERR_TIME,
			"the keeper's clock went back: it has opened something at %s (SPEC 23.4)",
			when);
	}
	if (now + ROTA_KEEPER_EARLY_S < from_s) {
		rota_when_text(from_s, when);
		return rota_fail(why, ROTA_ERR_TIME,
			"slot %llu begins at %s; it is opened an hour before, no earlier (SPEC "
			"23.4)",
			(unsigned long long)version, when);
	}
	opened_path(k, path);
	snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)now,
		(unsigned long long)version);
	return rota_file_write(path, rota_span_cstr(text), 0600, why);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

enum rota_err rota_keeper_open(const struct rota_keeper *k, uint64_t version, uint64_t now,
	struct rota_bytes *root, struct rota_bytes *pin, struct rota_fail *why)
{
	struct rota_timeslot slot, pins;
	enum rota_err err;

	ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, version, &slot, root, why));
	err = unseal(k, ROTA_SEALED_PIN, version, &pins, pin, why);
	if (err == ROTA_OK) {
		err = pass_hour(k, version, later(slot.from_s, pins.from_s), now, why);
		if (err != ROTA_OK)
			rota_bytes_wipe(pin);
	}
	if (err != ROTA_OK)
		rota_bytes_wipe(root);
	return err;
}

/* Durable before anything of the slot is given: its PINs are not for who makes tokens any more. */
static enum rota_err mark_open(const struct rota_keeper *k, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	if (has(k, version, "open"))
		return ROTA_OK;
	file_of(k, version, "open", path);
	return rota_file_write(path, ROTA_STR(""), 0600, why);
}

enum rota_err rota_keeper_root(const struct rota_keeper *k, uint64_t version, uint64_t now,
	struct rota_bytes *root, struct rota_fail *why)
{
	struct rota_timeslot slot;
	enum rota_err err;

	ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, version, &slot, root, why));
	err = pass_hour(k, version, slot.from_s, now, why);
	if (err == ROTA_OK)
		err = mark_open(k, version, why);
	if (err != ROTA_OK)
		rota_bytes_wipe(root);
	return err;
}

enum rota_err rota_keeper_root_taken(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(k, ROTA_SEALED_ROOT, version, path);
	return rota_file_remove(path, why);
}

/* The later hour of root and PINs, while both are here. */
static enum rota_err hour_of(const struct rota_keeper *k, const struct rota_timeslot *pins,
	uint64_t *from_s, struct rota_fail *why)
{
	struct rota_timeslot slot;
	struct rota_bytes root;

	*from_s = pins->from_s;
	if (!has(k, pins->version, "root"))
		return ROTA_OK;
	ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, pins->version, &slot, &root, why));
	rota_bytes_wipe(&root);
	*from_s = later(slot.from_s, pins->from_s);
	return ROTA_OK;
}

/* The state of the table (keeper.h), and the time. */
static enum rota_err pass_pin(const struct rota_keeper *k, const struct rota_timeslot *pins,
	enum rota_keeper_purpose purpose, uint64_t now, struct rota_fail *why)
{
	unsigned long long version = (unsigned long long)pins->version;
	bool open = has(k, pins->version, "open");
	uint64_t from_s;

	if (!open && (purpose == ROTA_KEEPER_TO_EMPTY || !has(k, pins->version, "root")))
		return rota_fail(why, ROTA_ERR_STATE,
			"slot %llu is not open: no root of it was given", version);
	if (purpose == ROTA_KEEPER_TO_SIGN && now >= pins->end_s + ROTA_OVERLAP_S)
		return rota_fail(why, ROTA_ERR_EXPIRED,
			"slot %llu is over: its keys sign no more (SPEC 23.4)", version);
	ROTA_TRY(hour_of(k, pins, &from_s, why));
	ROTA_TRY(pass_hour(k, pins->version, from_s, now, why));
	return mark_open(k, pins->version, why);
}

enum rota_err rota_keeper_pin(const struct rota_keeper *k, uint64_t version,
	enum rota_keeper_purpose purpose, uint64_t now, struct rota_bytes *pin,
	struct rota_fail *why)
{
	struct rota_timeslot pins;
	enum rota_err err;

	ROTA_TRY(unseal(k, ROTA_SEALED_PIN, version, &pins, pin, why));
	err = pass_pin(k, &pins, purpose, now, why);
	if (err != ROTA_OK)
		rota_bytes_wipe(pin);
	return err;
}

enum rota_err rota_keeper_look(const struct rota_keeper *k, uint64_t version, struct rota_fail *why)
{
	if (has(k, version, "pin"))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND, "no PINs of slot %llu are kept",
		(unsigned long long)version);
}

enum rota_err rota_keeper_undo(const struct rota_keeper *k, uint64_t version,
	struct rota_bytes *pin, struct rota_fail *why)
{
	struct rota_timeslot slot;

	if (has(k, version, "root") || has(k, version, "open"))
		return rota_fail(why, ROTA_ERR_STATE,
			"slot %llu has a root here: its hour is to be waited for",
			(unsigned long long)version);
	return unseal(k, ROTA_SEALED_PIN, version, &slot, pin, why);
}

enum rota_err rota_keeper_taken(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why)
{
	static const char *const endings[] = { "pin", "root", "open" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char path[ROTA_FILE_PATH_MAX];

		file_of(k, version, endings[i], path);
		ROTA_TRY(rota_file_remove(path, why));
	}
	return ROTA_OK;
}

enum rota_err rota_keeper_emergency(const struct rota_keeper *k, uint64_t first, uint64_t last,
	enum rota_err (*each)(
		void *ctx, uint64_t version, struct rota_span root, struct rota_fail *why),
	void *ctx, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	for (uint64_t v = first; v <= last; v++) {
		path_of(k, ROTA_SEALED_PIN, v, path);
		if (rota_file_exists(path))
			ROTA_TRY(rota_file_remove(path, why));
	}
	for (uint64_t v = first; v <= last; v++) {
		struct rota_timeslot slot;
		struct rota_bytes root;
		enum rota_err err;

		path_of(k, ROTA_SEALED_ROOT, v, path);
		if (!rota_file_exists(path))
			continue;
		ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, v, &slot, &root, why));
		err = each(ctx, v, rota_bytes_span(&root), why);
		rota_bytes_free(&root);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}
