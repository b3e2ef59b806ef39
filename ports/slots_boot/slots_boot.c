/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_boot/slots_boot.h"
#include "ports/posix/fd.h"
#include "ports/slots_boot/booted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static enum rota_err what_runs(void *ctx, struct rota_running *out)
{
	const struct rota_slots_boot *s = ctx;
	struct rota_booted_file file;

	ROTA_TRY(rota_booted_read(s->device_fd, &file));
	*out = (struct rota_running){
		.count = 1,
		.places = file.booted.id,
		.trial = file.booted.kind == ROTA_BOOT_TRIAL,
		.kind = file.booted.kind,
		.unknown = file.booted.unknown,
	};
	memcpy(out->digest[0], file.booted.digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

enum rota_err rota_slots_boot_open(struct rota_slots_boot *s, const char *device_dir)
{
	*s = (struct rota_slots_boot){ .running = { .ctx = s, .get = what_runs } };
	s->device_fd = open(device_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->area.fd = -1;
	if (s->device_fd < 0)
		return rota_fd_errno(errno);
	rota_slots_boot_access(&s->access, s->device_fd);
	rota_filearea_init(&s->area, s->device_fd);
	rota_set_init(&s->set, &s->access.port, &s->running);
	rota_set_member_init(&s->member, &s->set, 0, &s->area.port);
	return ROTA_OK;
}

void rota_slots_boot_close(struct rota_slots_boot *s)
{
	rota_filearea_close(&s->area);
	if (s->device_fd >= 0)
		(void)close(s->device_fd);
	s->device_fd = -1;
}
