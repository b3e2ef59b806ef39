/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/gc.h"
#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/repo/chain.h"
#include "host/repo/inventory.h"
#include "host/repo/metadata.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/duty.h"
#include "host/sign/envelope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
	const struct rota_authdir *dir;
	const struct rota_gc_plan *plan;
	struct rota_gc_done *done;
	struct rota_reach metadata, targets;
	const char *above; /* the folder whose targets/ is looked at */
	bool snapshots; /* only they go, now */
};

static enum rota_err read_signed(
	const char *path, struct rota_bytes *file, json_t **content, struct rota_fail *why)
{
	json_t *whole;
	enum rota_err err;

	*content = NULL;
	ROTA_TRY(rota_file_read(path, ROTA_ENVELOPE_MAX, file, why));
	err = rota_json_parse(rota_bytes_span(file), &whole, why);
	if (err == ROTA_OK) {
		*content = json_incref(json_object_get(whole, "signed"));
		json_decref(whole);
		return ROTA_OK;
	}
	rota_bytes_free(file);
	return rota_fail_in(why, "%s", path);
}

static void reach_targets(struct work *w, json_t *targets)
{
	const char *path;
	json_t *entry;

	json_object_foreach(targets, path, entry)
	{
		const char *sha256 = json_string_value(
			json_object_get(json_object_get(entry, "hashes"), "sha256"));

		if (sha256)
			rota_reach_add_target(&w->targets, path, sha256);
	}
}

/* A role file that a snapshot lists, and what it lists in turn. */
static enum rota_err reach_role(
	struct work *w, const char *file, const json_t *entry, bool current, struct rota_fail *why)
{
	const json_t *hashes = json_object_get(entry, "hashes");
	const char *want = json_string_value(json_object_get(hashes, "sha256"));
	char hex[ROTA_DIGEST_HEX], name[ROTA_INVENTORY_NAME_MAX + 64], *path;
	struct rota_bytes text;
	json_t *content;
	enum rota_err err;

	snprintf(name, sizeof(name), "metadata/%llu.%s",
		(unsigned long long)rota_chain_version(entry), file);
	if (rota_reach_has(&w->metadata, name))
		return ROTA_OK;
	path = rota_text("%s/%s", w->dir->repo, name);
	err = read_signed(path, &text, &content, why);
	free(path);
	if (err != ROTA_OK) /* an old one that is gone keeps nothing */
		return current ? rota_fail_in(why, "the current snapshot lists it") : ROTA_OK;
	rota_digest_hex(rota_bytes_span(&text), hex);
	if (current && (!want || strcmp(want, hex) != 0))
		err = rota_fail(why, ROTA_ERR_HASH,
			"%s is not what the snapshot lists; see rota repo verify", name);
	if (err == ROTA_OK) {
		rota_reach_add(&w->metadata, name);
		reach_targets(w, json_object_get(content, "targets"));
	}
	rota_bytes_free(&text);
	json_decref(content);
	return err;
}

static enum rota_err reach_snapshot(struct work *w, uint64_t version, const json_t *content,
	bool current, struct rota_fail *why)
{
	char name[64];
	const char *file;
	json_t *entry;

	snprintf(name, sizeof(name), "metadata/%llu.snapshot.json", (unsigned long long)version);
	rota_reach_add(&w->metadata, name);
	w->done->snapshots++;
	json_object_foreach(json_object_get(content, "meta"), file, entry)
		ROTA_TRY(reach_role(w, file, entry, current, why));
	return ROTA_OK;
}

/* The current snapshot: what timestamp.json names. */
static enum rota_err reach_current(struct work *w, uint64_t *version, struct rota_fail *why)
{
	json_t *timestamp, *content;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_store_signed(w->dir, "timestamp", &timestamp, why));
	*version = rota_chain_version(
		json_object_get(json_object_get(timestamp, "meta"), "snapshot.json"));
	json_decref(timestamp);
	ROTA_TRY(rota_store_read(w->dir, "snapshot", *version, &text, why));
	err = rota_trust_check(w->dir, "snapshot", rota_bytes_span(&text), &content, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK)
		return rota_fail_in(why, "snapshot %llu", (unsigned long long)*version);
	err = reach_snapshot(w, *version, content, true, why);
	json_decref(content);
	return err;
}

/* A snapshot beside the current one: newer ones, of a publish that was cut off, count as well. */
static enum rota_err reach_other(
	struct work *w, uint64_t version, uint64_t current, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t issued, expires, now = w->plan->now;
	struct rota_bytes text;
	json_t *content;
	enum rota_err err = ROTA_OK;

	rota_store_path(w->dir, "snapshot", version, false, path);
	if (read_signed(path, &text, &content, why) != ROTA_OK)
		return ROTA_OK; /* what cannot be read, no reader takes */
	rota_bytes_free(&text);
	if (version > current ||
		(rota_metadata_times(content, &issued, &expires) &&
			expires + w->plan->grace_s >= now))
		err = reach_snapshot(w, version, content, false, why);
	json_decref(content);
	return err;
}

static enum rota_err reach_snapshots(struct work *w, struct rota_fail *why)
{
	char *path = rota_text("%s/metadata", w->dir->repo);
	struct rota_inventory files;
	uint64_t current;
	enum rota_err err = rota_inventory_load(path, &files, why);

	free(path);
	ROTA_TRY(err);
	err = reach_current(w, &current, why);
	for (size_t i = 0; err == ROTA_OK && i < files.count; i++)
		if (strcmp(files.at[i].role, "snapshot") == 0 && files.at[i].version != current)
			err = reach_other(w, files.at[i].version, current, why);
	rota_inventory_free(&files);
	return err;
}

/* What is signed and will be published: it stays where it lies already, and so do its targets. */
static enum rota_err reach_staged(struct work *w, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], name[ROTA_INVENTORY_NAME_MAX + 64];
	struct rota_inventory files;
	enum rota_err err = ROTA_OK;

	rota_authdir_path(w->dir, "staging", path);
	ROTA_TRY(rota_inventory_load(path, &files, why));
	for (size_t i = 0; i < files.count; i++) {
		const struct rota_inventory_file *f = &files.at[i];
		struct rota_bytes text;
		json_t *content;

		rota_store_path(w->dir, f->role, f->version, true, path);
		err = read_signed(path, &text, &content, why);
		if (err != ROTA_OK)
			break;
		snprintf(name, sizeof(name), "metadata/%llu.%s.json",
			(unsigned long long)f->version, f->role);
		rota_reach_add(&w->metadata, name);
		reach_targets(w, json_object_get(content, "targets"));
		rota_bytes_free(&text);
		json_decref(content);
	}
	rota_inventory_free(&files);
	return err;
}

/* What waits for its offline signers. */
static enum rota_err reach_pending(struct work *w, struct rota_fail *why)
{
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++) {
		json_t *targets;

		ROTA_TRY(rota_pending_load(w->dir, rota_duties[i].name, &targets, why));
		reach_targets(w, targets);
		json_decref(targets);
	}
	return ROTA_OK;
}

/* Directories above a target that is gone, as far as they are empty. */
static void remove_dirs(const char *above, const char *path)
{
	char *dir = rota_text("%s", path);
	size_t keep = strlen(above) + strlen("/targets");
	char *slash;

	while ((slash = strrchr(dir, '/')) != NULL && (size_t)(slash - dir) > keep) {
		*slash = 0;
		if (rmdir(dir) != 0)
			break;
	}
	free(dir);
}

static enum rota_err take(void *ctx, const struct rota_stray *stray, struct rota_fail *why)
{
	struct work *w = ctx;
	bool target = strncmp(stray->name, "targets/", 8) == 0;
	bool snapshot = !target && strstr(stray->name, ".snapshot.json") != NULL;

	if ((w->snapshots && !snapshot) || stray->since_s + w->plan->grace_s > w->plan->now)
		return ROTA_OK;
	if (!w->plan->dry_run) {
		if (unlink(stray->path) != 0)
			return rota_fail_errno(why, errno, "cannot remove %s", stray->path);
		if (target)
			remove_dirs(w->above, stray->path);
	} else if (!w->snapshots && snapshot) {
		return ROTA_OK; /* said before */
	}
	*(target ? &w->done->targets : &w->done->metadata) += 1;
	w->done->bytes += stray->bytes;
	w->plan->gone(w->plan->ctx, stray);
	return ROTA_OK;
}

static enum rota_err sweep_targets(struct work *w, const char *above, struct rota_fail *why)
{
	w->above = above;
	return rota_reach_strays(&w->targets, above, "targets", w, take, why);
}

static enum rota_err sweep(struct work *w, struct rota_fail *why)
{
	char *metadata = rota_text("%s/metadata", w->dir->repo);
	enum rota_err err;

	w->snapshots = true;
	err = rota_reach_strays(&w->metadata, w->dir->repo, "metadata", w, take, why);
	if (err == ROTA_OK) /* they are gone for good before anything that they list */
		err = rota_file_sync_dir(metadata, why);
	free(metadata);
	ROTA_TRY(err);
	w->snapshots = false;
	ROTA_TRY(rota_reach_strays(&w->metadata, w->dir->repo, "metadata", w, take, why));
	ROTA_TRY(sweep_targets(w, w->dir->repo, why));
	return w->dir->staging[0] ? sweep_targets(w, w->dir->staging, why) : ROTA_OK;
}

enum rota_err rota_gc(const struct rota_authdir *dir, const struct rota_gc_plan *plan,
	struct rota_gc_done *out, struct rota_fail *why)
{
	struct work w = { .dir = dir, .plan = plan, .done = out };
	enum rota_err err;

	*out = (struct rota_gc_done){ 0 };
	err = reach_snapshots(&w, why);
	if (err == ROTA_OK)
		err = reach_staged(&w, why);
	if (err == ROTA_OK)
		err = reach_pending(&w, why);
	if (err == ROTA_OK)
		err = sweep(&w, why);
	rota_reach_free(&w.metadata);
	rota_reach_free(&w.targets);
	return err;
}
