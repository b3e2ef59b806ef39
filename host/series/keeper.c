/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/keeper.h"
#include "host/base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MAX 64 /* a time and a version */

static void path_of(const struct rota_keeper *k, enum rota_sealed_kind kind, uint64_t version,
	char out[static ROTA_FILE_PATH_MAX])
{
	if ((size_t)snprintf(out, ROTA_FILE_PATH_MAX, "%s/%llu.%s", k->dir,
		    (unsigned long long)version,
		    kind == ROTA_SEALED_ROOT ? "root" : "pin") >= ROTA_FILE_PATH_MAX)
		out[0] = 0;
}

static void opened_path(const struct rota_keeper *k, char out[static ROTA_FILE_PATH_MAX])
{
	if ((size_t)snprintf(out, ROTA_FILE_PATH_MAX, "%s/opened", k->dir) >= ROTA_FILE_PATH_MAX)
		out[0] = 0;
}

enum rota_err rota_keeper_put(const struct rota_keeper *k, enum rota_sealed_kind kind,
	uint64_t version, uint64_t from_s, struct rota_span plain, struct rota_fail *why)
{
	const struct rota_sealed what = { kind, version, from_s, k->scope };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_sealed_make(k->sealer, &what, plain, &file, why));
	path_of(k, kind, version, path);
	err = rota_file_write(path, rota_bytes_span(&file), 0600, why);
	rota_bytes_free(&file);
	return err;
}

static enum rota_err unseal(const struct rota_keeper *k, enum rota_sealed_kind kind,
	uint64_t version, uint64_t *from_s, struct rota_bytes *plain, struct rota_fail *why)
{
	struct rota_sealed what = { kind, version, 0, k->scope };
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
	*from_s = what.from_s;
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

enum rota_err rota_keeper_open(const struct rota_keeper *k, uint64_t version, uint64_t now,
	struct rota_bytes *root, struct rota_bytes *pin, struct rota_fail *why)
{
	uint64_t from_s, pin_from_s;
	enum rota_err err;

	ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, version, &from_s, root, why));
	err = unseal(k, ROTA_SEALED_PIN, version, &pin_from_s, pin, why);
	if (err == ROTA_OK) {
		err = pass_hour(k, version, from_s > pin_from_s ? from_s : pin_from_s, now, why);
		if (err != ROTA_OK)
			rota_bytes_wipe(pin);
	}
	if (err != ROTA_OK)
		rota_bytes_wipe(root);
	return err;
}

enum rota_err rota_keeper_undo(const struct rota_keeper *k, uint64_t version,
	struct rota_bytes *pin, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t from_s;

	path_of(k, ROTA_SEALED_ROOT, version, path);
	if (rota_file_exists(path))
		return rota_fail(why, ROTA_ERR_STATE,
			"slot %llu has a root here: its hour is to be waited for",
			(unsigned long long)version);
	return unseal(k, ROTA_SEALED_PIN, version, &from_s, pin, why);
}

enum rota_err rota_keeper_taken(
	const struct rota_keeper *k, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	path_of(k, ROTA_SEALED_PIN, version, path);
	ROTA_TRY(rota_file_remove(path, why));
	path_of(k, ROTA_SEALED_ROOT, version, path);
	return rota_file_remove(path, why);
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
		struct rota_bytes root;
		enum rota_err err;
		uint64_t from_s;

		path_of(k, ROTA_SEALED_ROOT, v, path);
		if (!rota_file_exists(path))
			continue;
		ROTA_TRY(unseal(k, ROTA_SEALED_ROOT, v, &from_s, &root, why));
		err = each(ctx, v, rota_bytes_span(&root), why);
		rota_bytes_free(&root);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}
