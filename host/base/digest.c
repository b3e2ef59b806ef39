/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/digest.h"
#include "host/base/bytes.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

struct rota_digest {
	EVP_MD_CTX *ctx;
};

/* Looked up once: EVP_sha256() is looked up at each use, which takes as long as to hash a kilobyte. */
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		abort();
}

static const EVP_MD *hash(void)
{
	pthread_once(&fetched, fetch);
	return sha256;
}

struct rota_digest *rota_digest_new(void)
{
	struct rota_digest *d = malloc(sizeof(*d));

	if (!d)
		abort();
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, hash(), NULL) != 1)
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
	if (EVP_Digest(data.p, data.len, out, NULL, hash(), NULL) != 1)
		abort();
}

void rota_digest_hex(struct rota_span data, char out[static ROTA_DIGEST_HEX])
{
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_digest_of(data, digest);
	rota_hex(ROTA_SPAN(digest), out);
}

struct file_digest {
	struct rota_digest *running;
	uint64_t len;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct file_digest *d = ctx;

	rota_digest_add(d->running, piece);
	d->len += piece.len;
	return ROTA_OK;
}

enum rota_err rota_digest_file(const char *path, const struct rota_progress *progress,
	uint64_t *len, uint8_t out[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct file_digest d = { rota_digest_new(), 0 };
	enum rota_err err = rota_feed_file(path, progress, &d, take, why);

	if (err == ROTA_OK)
		rota_digest_get(d.running, out);
	*len = d.len;
	rota_digest_free(d.running);
	return err;
}
