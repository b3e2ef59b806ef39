/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/slots_boot.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/booted.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static enum rota_err what_runs(void *ctx, struct rota_running *out)
{
	const struct rota_slots_boot *s = ctx;
	struct rota_booted_file file;

	ROTA_TRY(rota_booted_read(s->device_fd, &file));
	*out = file.running;
	return ROTA_OK;
}

static void make_members(struct rota_slots_boot *s)
{
	rota_slots_boot_access(&s->access, s->device_fd, s->components.count);
	rota_set_init(&s->set, &s->access.port, &s->running);
	for (uint8_t i = 0; i < s->components.count; i++) {
		rota_filearea_init(&s->area[i], s->device_fd, &s->components, i);
		rota_set_member_init(&s->member[i], &s->set, i, &s->area[i].port);
	}
}

enum rota_err rota_slots_boot_open(struct rota_slots_boot *s, const char *device_dir)
{
	enum rota_err err;

	*s = (struct rota_slots_boot){ .running = { .ctx = s, .get = what_runs } };
	s->device_fd = open(device_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->device_fd < 0)
		return rota_fd_errno(errno);
	err = rota_components_read(&s->components, s->device_fd);
	if (err == ROTA_OK)
		make_members(s);
	else
		rota_slots_boot_close(s);
	return err;
}

void rota_slots_boot_close(struct rota_slots_boot *s)
{
	for (uint8_t i = 0; i < s->components.count; i++)
		rota_filearea_close(&s->area[i]);
	s->components.count = 0;
	if (s->device_fd >= 0)
		(void)close(s->device_fd);
	s->device_fd = -1;
}
