/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/making.h"
#include "host/repo/bins.h"
#include "host/repo/inventory.h"
#include "host/sign/duty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits of a version, and more than enough. */
#define NOTE_MAX 32

static void note_path(
	const struct rota_authdir *dir, const char *role, char path[static ROTA_FILE_PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), "staging/%.32s.making", role);
	rota_authdir_path(dir, name, path);
}

enum rota_err rota_making_begin(
	const struct rota_authdir *dir, const char *role, uint64_t version, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], text[NOTE_MAX];

	note_path(dir, role, path);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)version);
	return rota_file_write(path, rota_span_cstr(text), 0600, why);
}

enum rota_err rota_making_end(
	const struct rota_authdir *dir, const char *role, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	note_path(dir, role, path);
	return rota_file_remove(path, why);
}

static enum rota_err remove_set(
	const struct rota_authdir *dir, const char *role, uint64_t version, struct rota_fail *why)
{
	char staging[ROTA_FILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];
	struct rota_inventory files;
	enum rota_err err = ROTA_OK;

	rota_authdir_path(dir, "staging", staging);
	ROTA_TRY(rota_inventory_load(staging, &files, why));
	for (size_t i = 0; err == ROTA_OK && i < files.count; i++) {
		const struct rota_inventory_file *f = &files.at[i];

		if (f->version != version ||
			(strcmp(f->role, role) != 0 && !rota_bins_named(role, f->role)))
			continue;
		rota_store_path(dir, f->role, version, true, path);
		err = rota_file_remove(path, why);
	}
	rota_inventory_free(&files);
	return err;
}

static enum rota_err undo(const struct rota_authdir *dir, const char *role, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	uint64_t version;

	note_path(dir, role, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, NOTE_MAX, &text, why));
	version = strtoull((const char *)text.p, NULL, 10);
	rota_bytes_free(&text);
	ROTA_TRY(remove_set(dir, role, version, why));
	return rota_making_end(dir, role, why);
}

enum rota_err rota_making_undo(const struct rota_authdir *dir, struct rota_fail *why)
{
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++)
		ROTA_TRY(undo(dir, rota_duties[i].name, why));
	return ROTA_OK;
}
