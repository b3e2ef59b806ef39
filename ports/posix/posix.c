/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix/posix.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static enum rota_err fill(void *ctx, struct rota_buf room)
{
	(void)ctx;
	while (room.len > 0) {
		ssize_t got = getrandom(room.p, room.len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ROTA_ERR_IO;
		room.p += got;
		room.len -= (size_t)got;
	}
	return ROTA_OK;
}

static uint64_t seconds(void *ctx)
{
	struct timespec now;

	(void)ctx;
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		abort(); /* there is no Linux without it */
	return (uint64_t)now.tv_sec;
}

const struct rota_random rota_random_posix = { .fill = fill };
const struct rota_uptime rota_uptime_posix = { .seconds = seconds };
