/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/imagefile.h"
#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

static enum rota_err feed(int fd, const char *path, uint64_t total,
	const struct rota_progress *progress, struct rota_image *im, struct rota_fail *why)
{
	uint8_t *chunk = malloc(CHUNK);
	enum rota_err err = ROTA_OK;
	uint64_t done = 0;

	if (!chunk)
		abort();
	while (err == ROTA_OK) {
		ssize_t got = read(fd, chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(chunk);
			return rota_fail_errno(why, errno, "cannot read %s", path);
		}
		if (got == 0)
			break;
		err = rota_image_update(im, rota_span(chunk, (size_t)got));
		done += (uint64_t)got;
		if (progress)
			progress->step(progress->ctx, done, total);
	}
	free(chunk);
	if (err == ROTA_OK)
		err = rota_image_finish(im);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "%s is no image of SPEC 6: %s (SPEC 6.%u)", path,
		rota_err_str(err), im->clause);
}

enum rota_err rota_imagefile_read(const char *path, const struct rota_crypto *crypto,
	const struct rota_progress *progress, struct rota_image_info *out, struct rota_fail *why)
{
	int fd = open(path, ROTA_FILE_OPEN);
	struct rota_image im;
	struct stat st;
	enum rota_err err;

	if (fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return rota_fail(why, ROTA_ERR_IO, "%s is not a regular file", path);
	}
	rota_image_begin(&im, crypto);
	err = feed(fd, path, (uint64_t)st.st_size, progress, &im, why);
	close(fd);
	*out = im.info;
	return err;
}
