/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tuf/intake.h"
#include "host/adapter/respell.h"
#include "host/base/digest.h"
#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Read from the disk at a time. */
#define PIECE 65536

enum rota_err rota_tuf_intake_take(
	struct rota_tuf_intake *in, struct rota_span piece, struct rota_fail *why)
{
	in->len += piece.len;
	if (!in->misspelt) {
		enum rota_err err = rota_session_feed(in->session, piece);

		/* FORMAT: what the decoder misses may stand in another order. */
		if (err != ROTA_ERR_SPELLING && err != ROTA_ERR_FORMAT)
			return err;
		in->misspelt = true;
		rota_session_again(in->session);
	}
	if (in->len > ROTA_RESPELL_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"not canonical, and longer than the %zu bytes that are respelled",
			ROTA_RESPELL_MAX);
	return ROTA_OK;
}

/* What cannot be respelled goes in as it is: the session refuses it, and says by which clause. */
static enum rota_err respell(
	struct rota_tuf_intake *in, struct rota_span file, struct rota_fail *why)
{
	struct rota_bytes spelled;
	bool good = rota_respell(file, &spelled, why) == ROTA_OK;
	enum rota_err err = rota_session_feed(in->session, good ? rota_bytes_span(&spelled) : file);

	rota_bytes_free(&spelled);
	return err;
}

enum rota_err rota_tuf_intake_end(
	struct rota_tuf_intake *in, const char *path, const uint8_t *sha256, struct rota_fail *why)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes file;
	enum rota_err err = ROTA_OK;

	if (!in->misspelt)
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, ROTA_RESPELL_MAX, &file, why));
	rota_digest_of(rota_bytes_span(&file), digest);
	if (sha256 == NULL || memcmp(digest, sha256, sizeof(digest)) == 0)
		err = respell(in, rota_bytes_span(&file), why);
	if (err == ROTA_OK)
		err = rota_session_raw(in->session, file.len, digest);
	rota_bytes_free(&file);
	return err;
}

static enum rota_err take_all(
	struct rota_tuf_intake *in, int fd, const char *path, struct rota_fail *why)
{
	uint8_t piece[PIECE];

	for (;;) {
		ssize_t got = read(fd, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return rota_fail_errno(why, errno, "cannot read %s", path);
		if (got == 0)
			return ROTA_OK;
		ROTA_TRY(rota_tuf_intake_take(in, rota_span(piece, (size_t)got), why));
	}
}

enum rota_err rota_tuf_intake_file(
	struct rota_tuf_intake *in, const char *path, const uint8_t *sha256, struct rota_fail *why)
{
	int fd = open(path, ROTA_FILE_OPEN);
	enum rota_err err;

	if (fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	err = take_all(in, fd, path, why);
	close(fd);
	return err == ROTA_OK ? rota_tuf_intake_end(in, path, sha256, why) : err;
}
