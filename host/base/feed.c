/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/feed.h"
#include "host/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE_LEN (256 * 1024)

struct feed {
	const char *path;
	int fd;
	uint64_t total;
	const struct rota_progress *progress;
	void *ctx;
	enum rota_err (*take)(void *ctx, struct rota_span piece);
	struct rota_fail *why;
};

static enum rota_err feed_all(const struct feed *f, uint8_t *room)
{
	uint64_t done = 0;

	for (;;) {
		ssize_t got = read(f->fd, room, PIECE_LEN);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return rota_fail_errno(f->why, errno, "cannot read %s", f->path);
		if (got == 0)
			return ROTA_OK;
		ROTA_TRY(f->take(f->ctx, rota_span(room, (size_t)got)));
		done += (uint64_t)got;
		if (f->progress)
			f->progress->step(f->progress->ctx, done, f->total);
	}
}

enum rota_err rota_feed_file(const char *path, const struct rota_progress *progress, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why)
{
	struct feed f = { path, -1, 0, progress, ctx, take, why };
	enum rota_err err;
	uint8_t *room;

	ROTA_TRY(rota_file_open(path, &f.fd, &f.total, why));
	room = malloc(PIECE_LEN);
	if (!room)
		abort();
	err = feed_all(&f, room);
	free(room);
	close(f.fd);
	return err;
}
