/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's state folder: lock, journal, and the state that a device begins with. */
#include "apps/rota-agent/device.h"
#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "ports/slots_boot/booted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL "journal.bin"
#define JOURNAL_NEW "journal.new"

/* A payload of 2,048 bytes per commit and a few commits a day: four sectors of common flash. */
static const struct rota_flash_geometry geometry = {
	.run = { { .sector_len = 4096, .count = 4 } },
	.write_len = 16,
};

static enum rota_err take_lock(struct agent_device *d, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	snprintf(path, sizeof(path), "%s/lock", d->config->state);
	err = rota_lock_take(path, 0, &d->lock_fd, why);
	if (err == ROTA_ERR_BUSY)
		return rota_fail(
			why, err, "%s is held: another rota-agent works on this state", path);
	return err;
}

/* ---- the first state ---- */

/* What a root file says of itself; its digest was compared already. */
static enum rota_err read_root(
	struct rota_span root, uint64_t *version, uint64_t *not_before, struct rota_fail *why)
{
	json_t *file, *part;
	const char *text;

	*not_before = 0;
	ROTA_TRY(rota_json_parse(root, &file, why));
	part = json_object_get(file, "signed");
	*version = (uint64_t)json_integer_value(json_object_get(part, "version"));
	text = json_string_value(json_object_get(part, "x-rota-not-before"));
	if (*version < 1 || *version > ((uint64_t)1 << 53) ||
		(text && !rota_when_parse(text, not_before)))
		rota_fail(
			why, ROTA_ERR_FORMAT, "it has no version, or a damaged x-rota-not-before");
	else
		why->err = ROTA_OK;
	json_decref(file);
	return why->err;
}

/* The version of the image that the factory put there, as the boot stage says; 0 where no slot is its. The state
 * begins with it and learns it from nobody later, so a device that was never booted has no first state. */
static enum rota_err factory_version(
	const struct agent_device *d, uint64_t *version, struct rota_fail *why)
{
	struct rota_booted_file booted;

	*version = 0;
	for (uint8_t i = 0; i < d->slots_count; i++) {
		const struct agent_slot *slot = &d->config->slot[i];
		enum rota_err err;

		if (slot->backend != AGENT_BACKEND_BOOT)
			continue;
		err = rota_booted_read(agent_slots_boot(d, i)->device_fd, &booted);
		if (err != ROTA_OK)
			return rota_fail(why, err,
				"[slot %s] nothing runs there yet (%s): the first start needs the "
				"device booted, see rota-boot --device %s",
				slot->name, rota_err_str(err), slot->at);
		if (*version == 0)
			*version = booted.version[0];
	}
	return ROTA_OK;
}

static enum rota_err first_state(
	struct agent_device *d, struct rota_state *state, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	uint64_t version, not_before, runs;
	char name[ROTA_META_NAME_MAX], path[ROTA_FILE_PATH_MAX];
	struct rota_bytes root;
	enum rota_err err;

	ROTA_TRY(factory_version(d, &runs, why));
	ROTA_TRY(agent_factory_root(d, &root, why));
	err = read_root(rota_bytes_span(&root), &version, &not_before, why);
	if (err != ROTA_OK) {
		rota_bytes_free(&root);
		return rota_fail_in(why, "%s", d->config->root);
	}
	rota_digest_of(rota_bytes_span(&root), digest);
	err = rota_meta_name(ROTA_STR("root"), version, name);
	if (err == ROTA_OK &&
		(size_t)snprintf(path, sizeof(path), "%s/%s", d->meta.dir, name) < sizeof(path))
		err = rota_file_write(path, rota_bytes_span(&root), 0600, why);
	rota_bytes_free(&root);
	if (err == ROTA_OK)
		rota_state_factory(state, rota_num_nearest(version), digest,
			rota_num_nearest(not_before), runs);
	return err;
}

/* ---- the journal ---- */

static enum rota_err fail_journal(
	const struct agent_device *d, enum rota_err err, struct rota_fail *why)
{
	if (err == ROTA_ERR_CORRUPT || err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_FORMAT)
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"%s/" JOURNAL
			" is damaged; removing it starts over with the factory's root, "
			"which forgets what protects against old releases",
			d->dir);
	if (err == ROTA_ERR_UNSUPPORTED)
		return rota_fail(
			why, err, "%s/" JOURNAL " was written by a later rota-agent", d->dir);
	return rota_fail_errno(why, errno ? errno : EIO, "cannot use %s/" JOURNAL, d->dir);
}

static enum rota_err open_journal(
	struct agent_device *d, int dir_fd, const char *name, struct rota_fail *why)
{
	enum rota_err err;

	errno = 0;
	err = rota_flash_file_open(&d->flash, dir_fd, name, &geometry);
	if (err != ROTA_OK) {
		d->flash.fd = -1;
		return fail_journal(d, err, why);
	}
	err = rota_journal_open(&d->journal, &d->flash.port, ROTA_JOURNAL_DEVICE);
	return err == ROTA_OK ? ROTA_OK : fail_journal(d, err, why);
}

/* Under another name until it holds a state, so that a journal without one is damage and nothing else. */
static enum rota_err make_journal(struct agent_device *d, int dir_fd, struct rota_fail *why)
{
	struct rota_state *state = malloc(sizeof(*state));
	uint8_t room[ROTA_STATE_LEN_MAX];
	enum rota_err err = state ? ROTA_OK : ROTA_ERR_FULL;

	if (err != ROTA_OK)
		return rota_fail(why, err, "out of memory");
	unlinkat(dir_fd, JOURNAL_NEW, 0);
	err = first_state(d, state, why);
	if (err == ROTA_OK && rota_flash_file_create(dir_fd, JOURNAL_NEW, &geometry) != ROTA_OK)
		err = rota_fail_errno(why, errno, "cannot make %s/" JOURNAL_NEW, d->dir);
	if (err == ROTA_OK)
		err = open_journal(d, dir_fd, JOURNAL_NEW, why);
	if (err == ROTA_OK) {
		err = rota_update_factory(&d->journal, state, ROTA_BUF(room));
		if (err != ROTA_OK)
			rota_fail(why, err, "cannot write %s/" JOURNAL_NEW, d->dir);
	}
	free(state);
	if (err == ROTA_OK &&
		(renameat(dir_fd, JOURNAL_NEW, dir_fd, JOURNAL) != 0 || fsync(dir_fd) != 0))
		err = rota_fail_errno(why, errno, "cannot write %s/" JOURNAL, d->dir);
	d->first = err == ROTA_OK;
	return err;
}

static enum rota_err use_journal(struct agent_device *d, struct rota_fail *why)
{
	int dir_fd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rota_err err;

	if (dir_fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", d->dir);
	if (faccessat(dir_fd, JOURNAL, F_OK, 0) == 0)
		err = open_journal(d, dir_fd, JOURNAL, why);
	else
		err = make_journal(d, dir_fd, why);
	close(dir_fd);
	return err;
}

/* ---- the whole ---- */

enum rota_err agent_state_open(struct agent_device *d, struct rota_fail *why)
{
	const struct agent_config *c = d->config;
	char path[ROTA_FILE_PATH_MAX];

	snprintf(d->dir, sizeof(d->dir), "%s/%s", c->state, c->repository);
	ROTA_TRY(rota_file_mkdirs(c->state, 0700, why));
	ROTA_TRY(take_lock(d, why));
	ROTA_TRY(rota_file_mkdirs(d->dir, 0700, why));
	snprintf(path, sizeof(path), "%s/%s/metadata", c->state, c->repository);
	ROTA_TRY(rota_metastore_open(&d->meta, path, why));
	snprintf(path, sizeof(path), "%s/%s/outbox", c->state, c->repository);
	ROTA_TRY(rota_outbox_open(&d->outbox, path, (uint32_t)c->outbox, why));
	snprintf(path, sizeof(path), "%s/%s/order.held", c->state, c->repository);
	rota_patience_open(&d->patience, path);
	return use_journal(d, why);
}

static enum rota_err load_state(
	struct agent_device *d, struct rota_state *state, struct rota_fail *why)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;
	enum rota_err err = rota_journal_load(&d->journal, ROTA_BUF(room), &payload);

	if (err == ROTA_OK)
		err = rota_state_decode(payload, state);
	return err == ROTA_OK ? ROTA_OK : fail_journal(d, err, why);
}

enum rota_err agent_state_look(
	struct agent_device *d, struct rota_state *state, struct rota_fail *why)
{
	const struct agent_config *c = d->config;
	enum rota_err err;
	int dir_fd;

	snprintf(d->dir, sizeof(d->dir), "%s/%s", c->state, c->repository);
	snprintf(d->outbox.dir, sizeof(d->outbox.dir), "%s/%s/outbox", c->state, c->repository);
	dir_fd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", d->dir);
	if (faccessat(dir_fd, JOURNAL, F_OK, 0) != 0)
		err = rota_fail_errno(why, errno, "%s/" JOURNAL, d->dir);
	else
		err = open_journal(d, dir_fd, JOURNAL, why);
	close(dir_fd);
	return err == ROTA_OK ? load_state(d, state, why) : err;
}
