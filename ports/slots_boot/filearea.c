/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/filearea.h"
#include "ports/flash_file/written.h"
#include "ports/posix/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both files have the slots' capacity, but for the moment in discard() when one of them is empty; a cut just
 * then must not take the slot away. */
static enum rota_err open_place(struct rota_filearea *a, uint8_t place)
{
	char path[ROTA_COMPONENTS_PATH_MAX], beside[ROTA_COMPONENTS_PATH_MAX];
	struct stat st, other;

	if (a->fd >= 0 && a->place == place)
		return ROTA_OK;
	rota_filearea_close(a);
	a->place = place;
	rota_components_slot(a->components, a->component, place, path);
	rota_components_slot(a->components, a->component, rota_slot_other(place), beside);
	a->fd = openat(a->device_fd, path, O_RDWR | O_CLOEXEC);
	if (a->fd < 0 || fstat(a->fd, &st) != 0 || fstatat(a->device_fd, beside, &other, 0) != 0)
		return rota_fd_errno(errno);
	a->capacity = (uint64_t)(st.st_size > other.st_size ? st.st_size : other.st_size);
	return ROTA_OK;
}

static enum rota_err area_capacity(void *ctx, uint8_t place, uint64_t *out)
{
	struct rota_filearea *a = ctx;

	ROTA_TRY(open_place(a, place));
	*out = a->capacity;
	return ROTA_OK;
}

/* ---- how far it is ---- */

static struct rota_written progress_of(const struct rota_filearea *a)
{
	struct rota_written p = { .length = a->length, .place = a->place, .durable = a->end };

	memcpy(p.digest, a->digest, ROTA_SHA256_LEN);
	return p;
}

static enum rota_err save_progress(const struct rota_filearea *a)
{
	const struct rota_written p = progress_of(a);
	char path[ROTA_COMPONENTS_PATH_MAX];

	rota_components_progress(a->components, a->component, a->place, path);
	return rota_written_save(a->device_fd, path, &p);
}

/* ---- the port ---- */

/* Give the slot's blocks back: erased bytes take no room, and no block is written twice. */
static enum rota_err area_discard(void *ctx, uint8_t place)
{
	struct rota_filearea *a = ctx;
	char path[ROTA_COMPONENTS_PATH_MAX];

	ROTA_TRY(open_place(a, place));
	rota_components_progress(a->components, a->component, place, path);
	ROTA_TRY(rota_written_forget(a->device_fd, path));
	if (ftruncate(a->fd, 0) != 0 || ftruncate(a->fd, (off_t)a->capacity) != 0)
		return rota_fd_errno(errno);
	a->end = 0;
	a->flushed = 0;
	return ROTA_OK;
}

static enum rota_err area_begin(void *ctx, uint8_t place,
	const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct rota_filearea *a = ctx;
	struct rota_written progress;
	char path[ROTA_COMPONENTS_PATH_MAX];

	ROTA_TRY(open_place(a, place));
	rota_components_progress(a->components, a->component, place, path);
	memcpy(a->digest, digest, ROTA_SHA256_LEN);
	a->length = length;
	progress = progress_of(a);
	*durable = rota_written_load(a->device_fd, path, &progress);
	if (*durable == 0)
		return area_discard(a, place);
	a->end = *durable;
	a->flushed = *durable;
	return ROTA_OK;
}

static enum rota_err area_write(void *ctx, uint8_t place, uint64_t off, struct rota_span data)
{
	struct rota_filearea *a = ctx;

	if (a->fd < 0 || place != a->place)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_fd_write(a->fd, off, data));
	a->end = off + data.len;
	rota_fd_push(a->fd, &a->flushed, a->end);
	return ROTA_OK;
}

/* Of a whole image the update cycle keeps that it is whole. */
static enum rota_err area_finish(void *ctx, uint8_t place, uint64_t len)
{
	struct rota_filearea *a = ctx;

	if (a->fd < 0 || place != a->place)
		return ROTA_ERR_ARGUMENT;
	if (fdatasync(a->fd) != 0)
		return rota_fd_errno(errno);
	return len < a->length ? save_progress(a) : ROTA_OK;
}

static enum rota_err area_read(void *ctx, uint8_t place, uint64_t off, struct rota_buf to)
{
	struct rota_filearea *a = ctx;

	ROTA_TRY(open_place(a, place));
	return rota_fd_read(a->fd, off, to);
}

void rota_filearea_init(struct rota_filearea *a, int device_fd,
	const struct rota_components *components, uint8_t component)
{
	*a = (struct rota_filearea){
		.device_fd = device_fd,
		.components = components,
		.component = component,
		.fd = -1,
	};
	a->port = (struct rota_slotarea){
		.ctx = a,
		.capacity = area_capacity,
		.begin = area_begin,
		.discard = area_discard,
		.write = area_write,
		.finish = area_finish,
		.read = area_read,
	};
}

void rota_filearea_close(struct rota_filearea *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}
