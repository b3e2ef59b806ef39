/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/digest.h"
#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One read of a file that is streamed. */
#define CHUNK (256 * 1024)

struct rota_digest {
	EVP_MD_CTX *ctx;
};

struct rota_digest *rota_digest_new(void)
{
	struct rota_digest *d = malloc(sizeof(*d));

	if (!d)
		abort();
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1)
		abort();
	return d;
}

void rota_digest_add(struct rota_digest *d, struct rota_span data)
{
	if (EVP_DigestUpdate(d->ctx, data.p, data.len) != 1)
		abort();
}

void rota_digest_get(const struct rota_digest *d, uint8_t out[static ROTA_DIGEST_LEN])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	if (!copy || EVP_MD_CTX_copy_ex(copy, d->ctx) != 1 ||
		EVP_DigestFinal_ex(copy, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(copy);
}

void rota_digest_free(struct rota_digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void rota_digest_of(struct rota_span data, uint8_t out[static ROTA_DIGEST_LEN])
{
	if (EVP_Digest(data.p, data.len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void rota_digest_hex(struct rota_span data, char out[static ROTA_DIGEST_HEX])
{
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_digest_of(data, digest);
	rota_hex(ROTA_SPAN(digest), out);
}

static enum rota_err feed(int fd, const char *path, uint64_t total,
	const struct rota_progress *progress, struct rota_digest *d, uint64_t *len,
	struct rota_fail *why)
{
	uint8_t *chunk = malloc(CHUNK);
	ssize_t got;

	if (!chunk)
		abort();
	*len = 0;
	while ((got = read(fd, chunk, CHUNK)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		rota_digest_add(d, rota_span(chunk, (size_t)got));
		*len += (uint64_t)got;
		if (progress)
			progress->step(progress->ctx, *len, total);
	}
	free(chunk);
	if (got < 0)
		return rota_fail_errno(why, errno, "cannot read %s", path);
	return ROTA_OK;
}

enum rota_err rota_digest_file(const char *path, const struct rota_progress *progress,
	uint64_t *len, uint8_t out[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	int fd = open(path, ROTA_FILE_OPEN);
	struct rota_digest *d;
	struct stat st;
	enum rota_err err;

	if (fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return rota_fail(why, ROTA_ERR_IO, "%s is not a regular file", path);
	}
	d = rota_digest_new();
	err = feed(fd, path, (uint64_t)st.st_size, progress, d, len, why);
	if (err == ROTA_OK)
		rota_digest_get(d, out);
	rota_digest_free(d);
	close(fd);
	return err;
}
