/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/format.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/layout.h"
#include "ports/slots_boot/source.h"
#include "rota/store/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_JOURNAL ROTA_LAYOUT_JOURNAL ".new"

struct job {
	int device_fd;
	int flash_fd;
	int slot_fd[2];
	uint64_t capacity;
	int image_fd;
	const struct rota_crypto *crypto;
	struct rota_format_fault *fault;
	uint8_t *room; /* ROTA_SOURCE_PIECE */
	struct rota_layout_rom rom;
	struct rota_image image;
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

static enum rota_err make_slot(struct job *job, uint8_t slot)
{
	const char *name = rota_layout_slot(slot);

	job->slot_fd[slot] =
		openat(job->device_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (job->slot_fd[slot] < 0 || ftruncate(job->slot_fd[slot], (off_t)job->capacity) != 0 ||
		fsync(job->slot_fd[slot]) != 0)
		return fail_errno(job, name);
	return ROTA_OK;
}

static enum rota_err make_files(struct job *job)
{
	if (faccessat(job->device_fd, ROTA_LAYOUT_JOURNAL, F_OK, 0) == 0)
		return fail(job, ROTA_LAYOUT_JOURNAL, ROTA_ERR_BUSY);
	ROTA_TRY(make_dir(job, ROTA_LAYOUT_FLASH));
	ROTA_TRY(make_dir(job, ROTA_LAYOUT_RUN));
	job->flash_fd =
		openat(job->device_fd, ROTA_LAYOUT_FLASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->flash_fd < 0)
		return fail_errno(job, ROTA_LAYOUT_FLASH);
	ROTA_TRY(make_slot(job, 0));
	return make_slot(job, 1);
}

static enum rota_err copy_image(struct job *job)
{
	uint64_t off = 0;

	for (;;) {
		const struct rota_buf piece = rota_buf(job->room, ROTA_SOURCE_PIECE);
		size_t got;

		if (rota_fd_read_some(job->image_fd, off, piece, &got) != ROTA_OK)
			return fail_errno(job, "the image");
		if (got == 0)
			break;
		if (got > job->capacity - off)
			return fail(job, "the image is larger than a slot", ROTA_ERR_FULL);
		if (rota_fd_write(job->slot_fd[0], off, rota_span(piece.p, got)) != ROTA_OK)
			return fail_errno(job, ROTA_LAYOUT_SLOT0);
		off += got;
	}
	return fsync(job->slot_fd[0]) == 0 ? ROTA_OK : fail_errno(job, ROTA_LAYOUT_SLOT0);
}

/* What was written is what is looked at, as boot will. */
static enum rota_err verify_image(struct job *job)
{
	const struct rota_boot_policy policy = {
		.crypto = job->crypto,
		.rom = &job->rom.rom,
		.counter = job->rom.rom.counter,
	};
	struct rota_source_file source;
	enum rota_err err;
	uint8_t keys;

	rota_source_file(&source, job->slot_fd[0], -1);
	err = rota_source_verify(
		&source, &policy, rota_buf(job->room, ROTA_SOURCE_PIECE), &job->image, &keys);
	if (err == ROTA_OK)
		return ROTA_OK;
	job->fault->clause = job->image.clause;
	return fail(job, source.why != NULL ? source.why : "the image", err);
}

static enum rota_err write_state(struct job *job)
{
	struct rota_flash_file flash;
	struct rota_journal journal;
	struct rota_bootstate state;
	enum rota_err err;

	rota_bootstate_init(&state, job->rom.rom.counter, job->image.info.digest);
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

static enum rota_err run(struct job *job, const char *device_dir)
{
	enum rota_err err;

	if (job->capacity < ROTA_SLOT_CAPACITY_MIN || job->capacity > ROTA_SLOT_CAPACITY_MAX)
		return fail(job, "the slots' capacity", ROTA_ERR_ARGUMENT);
	job->device_fd = open(device_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->device_fd < 0)
		return fail_errno(job, "the device's directory");
	err = rota_layout_rom_read(&job->rom, job->device_fd);
	if (err != ROTA_OK)
		return fail(job, ROTA_LAYOUT_ROM, err);
	ROTA_TRY(make_files(job));
	ROTA_TRY(copy_image(job));
	ROTA_TRY(verify_image(job));
	return make_journal(job);
}

/* Slots without a journal are of no use to anybody. */
static void drop_slots(const struct job *job)
{
	for (uint8_t i = 0; i < 2; i++) {
		if (job->slot_fd[i] >= 0)
			(void)unlinkat(job->device_fd, rota_layout_slot(i), 0);
	}
	(void)unlinkat(job->device_fd, ROTA_LAYOUT_FLASH, AT_REMOVEDIR); /* when empty */
}

static void close_all(const struct job *job)
{
	const int fds[] = { job->slot_fd[0], job->slot_fd[1], job->flash_fd, job->device_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
}

enum rota_err rota_slots_boot_format(const char *device_dir, uint64_t capacity, int image_fd,
	const struct rota_crypto *crypto, struct rota_format_fault *fault)
{
	struct job job = { .device_fd = -1, .flash_fd = -1, .slot_fd = { -1, -1 } };
	enum rota_err err;

	*fault = (struct rota_format_fault){ .what = "memory" };
	job.capacity = capacity;
	job.image_fd = image_fd;
	job.crypto = crypto;
	job.fault = fault;
	job.room = malloc(ROTA_SOURCE_PIECE);
	if (job.room == NULL)
		return ROTA_ERR_FULL;
	err = run(&job, device_dir);
	if (err != ROTA_OK)
		drop_slots(&job);
	close_all(&job);
	free(job.room);
	return err;
}
