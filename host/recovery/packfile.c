/* SPDX-License-Identifier: Apache-2.0 */
#include "host/recovery/packfile.h"
#include "host/base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

/* ---- taking it apart ---- */

/* Where the reader is in the file, to know where parts begin. */
struct scan {
	struct rota_packfile *pack;
	uint64_t at;
};

static enum rota_err on_part(void *ctx, enum rota_pack_kind kind, uint32_t len)
{
	struct scan *s = ctx;

	s->at += ROTA_PACK_HEAD_LEN;
	s->pack->part[kind] = (struct rota_packfile_part){ .at = s->at, .len = len, .there = true };
	return ROTA_OK;
}

static enum rota_err on_bytes(void *ctx, struct rota_span piece)
{
	struct scan *s = ctx;

	s->at += piece.len;
	return ROTA_OK;
}

/* All bytes from `at` on, at most `len`, to `take`. */
static enum rota_err walk(int fd, uint64_t at, uint64_t len, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece))
{
	uint8_t bytes[PIECE];

	while (len > 0) {
		size_t want = len < sizeof(bytes) ? (size_t)len : sizeof(bytes);
		ssize_t got = pread(fd, bytes, want, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ROTA_ERR_IO;
		if (got == 0)
			return len == UINT64_MAX ? ROTA_OK : ROTA_ERR_LENGTH;
		ROTA_TRY(take(ctx, rota_span(bytes, (size_t)got)));
		at += (uint64_t)got;
		if (len != UINT64_MAX)
			len -= (uint64_t)got;
	}
	return ROTA_OK;
}

static enum rota_err feed(void *ctx, struct rota_span piece)
{
	return rota_pack_feed(ctx, piece);
}

static enum rota_err take_apart(struct rota_packfile *p)
{
	struct scan scan = { .pack = p, .at = ROTA_PACK_MAGIC_LEN };
	struct rota_pack_reader reader;

	rota_pack_begin(&reader, (struct rota_pack_sink){ &scan, on_part, on_bytes });
	ROTA_TRY(walk(p->fd, 0, UINT64_MAX, &reader, feed));
	return rota_pack_end(&reader);
}

/* ---- opening ---- */

static enum rota_err find(struct rota_packfile *p, const char *path, struct rota_fail *why)
{
	struct stat st;
	int len;

	if (stat(path, &st) != 0)
		return rota_fail_errno(why, errno, "%s", path);
	len = snprintf(p->path, sizeof(p->path), "%s%s", path,
		S_ISDIR(st.st_mode) ? "/" ROTA_PACKFILE_NAME : "");
	if (len < 0 || (size_t)len >= sizeof(p->path))
		return rota_fail(why, ROTA_ERR_LIMIT, "%s: the path is too long", path);
	p->fd = open(p->path, ROTA_FILE_OPEN);
	if (p->fd < 0)
		return rota_fail_errno(why, errno, "%s", p->path);
	if (fstat(p->fd, &st) == 0 && S_ISREG(st.st_mode))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s is no file", p->path);
}

enum rota_err rota_packfile_open(struct rota_packfile *p, const char *path, struct rota_fail *why)
{
	enum rota_err err;

	*p = (struct rota_packfile){ .fd = -1 };
	err = find(p, path, why);
	if (err == ROTA_OK) {
		err = take_apart(p);
		if (err != ROTA_OK)
			rota_fail(why, err,
				"%s is no whole recovery pack: %s (SPEC 15.4); `rota recovery "
				"pack` makes one",
				p->path, rota_err_str(err));
	}
	if (err != ROTA_OK)
		rota_packfile_close(p);
	return err;
}

void rota_packfile_close(struct rota_packfile *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* ---- reading ---- */

static enum rota_err add(void *ctx, struct rota_span piece)
{
	rota_digest_add(ctx, piece);
	return ROTA_OK;
}

bool rota_packfile_digest(
	const struct rota_packfile *p, enum rota_pack_kind kind, uint8_t sha256[static 32])
{
	struct rota_digest *d;
	enum rota_err err;

	if (p->fd < 0 || !p->part[kind].there)
		return false;
	d = rota_digest_new();
	err = walk(p->fd, p->part[kind].at, p->part[kind].len, d, add);
	rota_digest_get(d, sha256);
	rota_digest_free(d);
	return err == ROTA_OK;
}

bool rota_packfile_has(
	const struct rota_packfile *p, enum rota_pack_kind kind, const uint8_t sha256[static 32])
{
	uint8_t own[ROTA_DIGEST_LEN];

	return rota_packfile_digest(p, kind, own) && memcmp(own, sha256, sizeof(own)) == 0;
}

enum rota_err rota_packfile_read(const struct rota_packfile *p, enum rota_pack_kind kind,
	uint64_t off, void *ctx, enum rota_err (*take)(void *ctx, struct rota_span piece),
	struct rota_fail *why)
{
	const struct rota_packfile_part *part = &p->part[kind];
	enum rota_err err;

	if (p->fd < 0 || !part->there || off > part->len)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s has no such part", p->path);
	err = walk(p->fd, part->at + off, part->len - off, ctx, take);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "%s: %s", p->path, rota_err_str(err));
}
