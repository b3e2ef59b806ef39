/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/format.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/components.h"
#include "ports/slots_boot/layout.h"
#include "ports/slots_boot/source.h"
#include "rota/store/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_JOURNAL ROTA_LAYOUT_JOURNAL ".new"

struct job {
	const struct rota_format_plan *plan;
	struct rota_components components;
	uint8_t component; /* that is being made */
	int device_fd;
	int flash_fd;
	int slot_fd; /* of its place 0; -1: none */
	const struct rota_crypto *crypto;
	struct rota_format_fault *fault;
	uint8_t *room; /* ROTA_SOURCE_PIECE */
	struct rota_layout_rom rom;
	struct rota_image image[ROTA_SET_MAX]; /* as verified */
};

static enum rota_err fail(struct job *job, const char *what, enum rota_err err)
{
	job->fault->what = what;
	return err;
}

static enum rota_err fail_errno(struct job *job, const char *what)
{
	job->fault->what = what;
	job->fault->os_error = errno;
	return rota_fd_errno(errno);
}

static enum rota_err make_dir(struct job *job, const char *name)
{
	if (mkdirat(job->device_fd, name, 0755) == 0 || errno == EEXIST)
		return ROTA_OK;
	return fail_errno(job, name);
}

static enum rota_err make_slot(struct job *job, uint8_t place, int *fd)
{
	char path[ROTA_COMPONENTS_PATH_MAX];

	rota_components_slot(&job->components, job->component, place, path);
	*fd = openat(job->device_fd, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (*fd < 0 || ftruncate(*fd, (off_t)job->plan->capacity) != 0 || fsync(*fd) != 0)
		return fail_errno(job, "a place");
	return ROTA_OK;
}

static enum rota_err sync_folder(struct job *job, const char *path)
{
	int fd = openat(job->device_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	enum rota_err err = good ? ROTA_OK : fail_errno(job, "a component's folder");

	if (fd >= 0)
		(void)close(fd);
	return err;
}

static enum rota_err make_places(struct job *job)
{
	char folder[ROTA_COMPONENTS_PATH_MAX];
	enum rota_err err;
	int other = -1;

	rota_components_folder(&job->components, job->component, folder);
	if (mkdirat(job->device_fd, folder, 0755) != 0 && errno != EEXIST)
		return fail_errno(job, "a component's folder");
	ROTA_TRY(make_slot(job, 0, &job->slot_fd));
	err = make_slot(job, 1, &other);
	if (other >= 0)
		(void)close(other);
	return err == ROTA_OK ? sync_folder(job, folder) : err;
}

static enum rota_err make_dirs(struct job *job)
{
	if (faccessat(job->device_fd, ROTA_LAYOUT_JOURNAL, F_OK, 0) == 0)
		return fail(job, ROTA_LAYOUT_JOURNAL, ROTA_ERR_BUSY);
	ROTA_TRY(make_dir(job, ROTA_LAYOUT_FLASH));
	ROTA_TRY(make_dir(job, ROTA_LAYOUT_RUN));
	job->flash_fd =
		openat(job->device_fd, ROTA_LAYOUT_FLASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return job->flash_fd >= 0 ? ROTA_OK : fail_errno(job, ROTA_LAYOUT_FLASH);
}

static enum rota_err copy_image(struct job *job)
{
	int from = job->plan->part[job->component].image_fd;
	uint64_t off = 0;

	for (;;) {
		const struct rota_buf piece = rota_buf(job->room, ROTA_SOURCE_PIECE);
		size_t got;

		if (rota_fd_read_some(from, off, piece, &got) != ROTA_OK)
			return fail_errno(job, "the image");
		if (got == 0)
			break;
		if (got > job->plan->capacity - off)
			return fail(job, "the image is larger than a slot", ROTA_ERR_FULL);
		if (rota_fd_write(job->slot_fd, off, rota_span(piece.p, got)) != ROTA_OK)
			return fail_errno(job, "a place");
		off += got;
	}
	return fsync(job->slot_fd) == 0 ? ROTA_OK : fail_errno(job, "a place");
}

/* What was written is what is looked at, as boot will. */
static enum rota_err verify_image(struct job *job)
{
	const struct rota_boot_policy policy = {
		.crypto = job->crypto,
		.rom = &job->rom.rom,
		.counter = job->rom.rom.counter,
	};
	struct rota_image *image = &job->image[job->component];
	struct rota_source_file source;
	enum rota_err err;
	uint8_t keys;

	rota_source_file(&source, job->slot_fd, -1);
	source.data = job->component > 0;
	err = rota_source_verify(
		&source, &policy, rota_buf(job->room, ROTA_SOURCE_PIECE), image, &keys);
	if (err == ROTA_OK)
		return ROTA_OK;
	job->fault->clause = image->clause;
	return fail(job, source.why != NULL ? source.why : "the image", err);
}

static enum rota_err make_component(struct job *job)
{
	enum rota_err err = make_places(job);

	if (err == ROTA_OK)
		err = copy_image(job);
	if (err == ROTA_OK)
		err = verify_image(job);
	if (job->slot_fd >= 0)
		(void)close(job->slot_fd);
	job->slot_fd = -1;
	return err;
}

static enum rota_err make_components(struct job *job)
{
	struct rota_components found;

	for (job->component = 0; job->component < job->plan->count; job->component++) {
		job->fault->component = job->component;
		ROTA_TRY(make_component(job));
	}
	if (rota_components_read(&found, job->device_fd) != ROTA_OK ||
		memcmp(&found, &job->components, sizeof(found)) != 0)
		return fail(job, "flash has folders of other components", ROTA_ERR_FORMAT);
	return ROTA_OK;
}

static enum rota_err write_state(struct job *job)
{
	struct rota_flash_file flash;
	struct rota_journal journal;
	struct rota_bootstate state;
	enum rota_err err;

	rota_bootstate_init(&state, job->rom.rom.counter, job->image[0].info.digest);
	for (uint8_t i = 1; i < job->plan->count; i++)
		ROTA_TRY(rota_bootstate_add(&state, job->image[i].info.digest));
	rota_watchdog_init(&job->rom.rom.watchdog, &state);
	ROTA_TRY(rota_flash_file_create(job->device_fd, NEW_JOURNAL, &rota_layout_journal));
	ROTA_TRY(rota_flash_file_open(&flash, job->device_fd, NEW_JOURNAL, &rota_layout_journal));
	err = rota_journal_open(&journal, &flash.port, ROTA_JOURNAL_BOOT);
	if (err == ROTA_OK)
		err = rota_bootstate_commit(&journal, &state);
	rota_flash_file_close(&flash);
	return err;
}

static enum rota_err make_journal(struct job *job)
{
	enum rota_err err;

	(void)unlinkat(job->device_fd, NEW_JOURNAL, 0); /* of a format that was cut off */
	errno = 0;
	err = write_state(job);
	if (err != ROTA_OK) {
		job->fault->os_error = errno;
		return fail(job, ROTA_LAYOUT_JOURNAL, err);
	}
	if (renameat(job->device_fd, NEW_JOURNAL, job->device_fd, ROTA_LAYOUT_JOURNAL) != 0 ||
		fsync(job->flash_fd) != 0 || fsync(job->device_fd) != 0)
		return fail_errno(job, ROTA_LAYOUT_JOURNAL);
	return ROTA_OK;
}

static enum rota_err check_plan(struct job *job)
{
	const struct rota_format_plan *plan = job->plan;
	const char *names[ROTA_SET_MAX];

	if (plan->capacity < ROTA_SLOT_CAPACITY_MIN || plan->capacity > ROTA_SLOT_CAPACITY_MAX)
		return fail(job, "the slots' capacity", ROTA_ERR_ARGUMENT);
	for (uint8_t i = 0; i < plan->count && i < ROTA_SET_MAX; i++)
		names[i] = plan->part[i].name;
	if (rota_components_init(&job->components, names, plan->count) != ROTA_OK)
		return fail(job, "names of components: 1 to 32 of a-z 0-9 . _ -, no two alike",
			ROTA_ERR_FORMAT);
	return ROTA_OK;
}

static enum rota_err run(struct job *job, const char *device_dir)
{
	enum rota_err err;

	ROTA_TRY(check_plan(job));
	job->device_fd = open(device_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->device_fd < 0)
		return fail_errno(job, "the device's directory");
	err = rota_layout_rom_read(&job->rom, job->device_fd);
	if (err != ROTA_OK)
		return fail(job, ROTA_LAYOUT_ROM, err);
	ROTA_TRY(make_dirs(job));
	ROTA_TRY(make_components(job));
	return make_journal(job);
}

/* Places without a journal are of no use to anybody; with one they are another's. */
static void drop_slots(const struct job *job)
{
	char path[ROTA_COMPONENTS_PATH_MAX];

	if (job->flash_fd < 0)
		return;
	for (uint8_t i = 0; i < job->plan->count; i++) {
		for (uint8_t place = 0; place < 2; place++) {
			rota_components_slot(&job->components, i, place, path);
			(void)unlinkat(job->device_fd, path, 0);
		}
		rota_components_folder(&job->components, i, path);
		(void)unlinkat(job->device_fd, path, AT_REMOVEDIR); /* when empty */
	}
	(void)unlinkat(job->device_fd, ROTA_LAYOUT_FLASH, AT_REMOVEDIR);
}

enum rota_err rota_slots_boot_format(const char *device_dir, const struct rota_format_plan *plan,
	const struct rota_crypto *crypto, struct rota_format_fault *fault)
{
	struct job *job = calloc(1, sizeof(*job));
	enum rota_err err = ROTA_ERR_FULL;

	*fault = (struct rota_format_fault){ .what = "memory" };
	if (job == NULL)
		return err;
	job->plan = plan;
	job->device_fd = job->flash_fd = job->slot_fd = -1;
	job->crypto = crypto;
	job->fault = fault;
	job->room = malloc(ROTA_SOURCE_PIECE);
	if (job->room != NULL) {
		err = run(job, device_dir);
		if (err != ROTA_OK)
			drop_slots(job);
	}
	if (job->flash_fd >= 0)
		(void)close(job->flash_fd);
	if (job->device_fd >= 0)
		(void)close(job->device_fd);
	free(job->room);
	free(job);
	return err;
}
