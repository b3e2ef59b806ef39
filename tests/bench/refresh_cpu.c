/* SPDX-License-Identifier: Apache-2.0 */
/* CPU of a refresh: a whole session over a repository's files in memory, against the least that anybody could do: two
 * passes of SHA-256 over the targets file (one for its digest, one for its signatures) and the verifications that the
 * session asked for, by OpenSSL. Both alternate, and so do the scanner alone and the respelling of foreign files.
 *
 *     bench_refresh_cpu DIRECTORY RUNS     DIRECTORY: root.json, timestamp.json, snapshot.json, targets.json
 *
 * Prints a line `name value unit` for each figure, of the medians. */
#include "host/adapter/respell.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/update/session.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE 65536 /* as rota-tuf feeds */
#define RUNS_MAX 99
#define CHECKS_MAX 16

struct file {
	char role[16];
	uint8_t *p;
	size_t len;
};

enum { ROOT, TIMESTAMP, SNAPSHOT, TARGETS, FILES };

static struct file files[FILES] = {
	[ROOT] = { .role = "root" },
	[TIMESTAMP] = { .role = "timestamp" },
	[SNAPSHOT] = { .role = "snapshot" },
	[TARGETS] = { .role = "targets" },
};

static void stop(const char *what)
{
	fprintf(stderr, "bench_refresh_cpu: %s\n", what);
	exit(1);
}

static void load(struct file *f, const char *directory)
{
	char path[4096];
	FILE *from;
	long len = 0;

	snprintf(path, sizeof(path), "%s/%s.json", directory, f->role);
	from = fopen(path, "rb");
	if (from == NULL || fseek(from, 0, SEEK_END) != 0 || (len = ftell(from)) <= 0)
		stop(path);
	rewind(from);
	f->len = (size_t)len;
	f->p = malloc(f->len);
	if (f->p == NULL || fread(f->p, 1, f->len, from) != f->len)
		stop(path);
	fclose(from);
}

/* ---- the session ---- */

/* A verification that the session asked for, to be done again by the baseline. */
struct check {
	enum rota_alg alg;
	uint8_t key[ROTA_P256_KEY_LEN], sig[ROTA_P256_SIG_LEN], digest[ROTA_SHA256_LEN];
};
static struct check checks[CHECKS_MAX];
static size_t check_count;

static enum rota_err verify(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct check *c = &checks[check_count++];

	if (check_count == CHECKS_MAX || key.len != sizeof(c->key) || sig.len != sizeof(c->sig))
		stop("a verification that this program does not expect");
	c->alg = alg;
	memcpy(c->key, key.p, sizeof(c->key));
	memcpy(c->sig, sig.p, sizeof(c->sig));
	memcpy(c->digest, digest, sizeof(c->digest));
	return rota_crypto_openssl.verify_digest(ctx, alg, key, sig, digest);
}

static enum rota_err feed(struct rota_session *s, const struct file *f)
{
	struct rota_span rest = rota_span(f->p, f->len);

	for (; rest.len > 0; rest = rota_span_skip(rest, PIECE))
		ROTA_TRY(rota_session_feed(s, rota_span_slice(rest, 0, PIECE)));
	return ROTA_OK;
}

/* There is no second root, and nothing lies on disk but the first. */
static bool missing(const struct rota_want *w, const struct file *f)
{
	return f == &files[ROOT] ? w->version != 1 : w->at_hand;
}

static void fetch(struct rota_session *s, const struct rota_want *w)
{
	for (size_t i = 0; i < FILES; i++) {
		if (rota_span_is(w->role, files[i].role) && !missing(w, &files[i])) {
			rota_session_fetched(s, feed(s, &files[i]));
			return;
		}
	}
	rota_session_fetched(s, ROTA_ERR_NOT_FOUND);
}

static void refresh(void)
{
	static struct rota_session s;
	static uint8_t *room;
	struct rota_crypto crypto = rota_crypto_openssl;
	struct rota_limits limits = rota_limits_linux;
	struct rota_session_config config = { .crypto = &crypto,
		.limits = &limits,
		.start = { .unix_s = rota_num_nearest((uint64_t)time(NULL)), .trusted = true },
		.profile = &rota_session_letter };
	struct rota_trusted trusted = { .root.version = 1 };
	size_t need = rota_session_room(&limits);
	struct rota_want w;

	if (EVP_Digest(files[ROOT].p, files[ROOT].len, trusted.root.sha256, NULL, EVP_sha256(),
		    NULL) != 1)
		stop("EVP_Digest");
	crypto.verify_digest = verify;
	check_count = 0;
	if (room == NULL)
		room = malloc(need);
	if (room == NULL ||
		rota_session_init(&s, &config, &trusted, rota_buf(room, need)) != ROTA_OK)
		stop("no session");
	for (w = *rota_session_want(&s); w.kind != ROTA_WANT_NOTHING; w = *rota_session_want(&s)) {
		if (w.kind == ROTA_WANT_FETCH)
			fetch(&s, &w);
		else if (w.kind == ROTA_WANT_KEEP)
			rota_session_kept(&s, ROTA_OK);
		else
			stop(rota_err_str(rota_session_why(&s)->err));
	}
	rota_session_drop(&s);
}

/* ---- what it stands against, and beside ---- */

static void baseline(void)
{
	uint8_t digest[ROTA_SHA256_LEN];

	for (int pass = 0; pass < 2; pass++) {
		if (EVP_Digest(files[TARGETS].p, files[TARGETS].len, digest, NULL, EVP_sha256(),
			    NULL) != 1)
			stop("EVP_Digest");
	}
	for (size_t i = 0; i < check_count; i++) {
		const struct check *c = &checks[i];

		if (rota_crypto_openssl.verify_digest(NULL, c->alg, ROTA_SPAN(c->key),
			    ROTA_SPAN(c->sig), c->digest) != ROTA_OK)
			stop("a signature does not verify");
	}
}

static enum rota_err on_token(struct rota_json *j)
{
	(void)j;
	return ROTA_OK;
}

static void scan(void)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };
	static uint8_t names[4096], value[2048];
	const struct rota_json_room room = { ROTA_BUF(value), ROTA_BUF(names) };
	struct rota_span rest = rota_span(files[TARGETS].p, files[TARGETS].len);
	struct rota_json j;

	rota_json_init(&j, &sink, &room);
	for (; rest.len > 0; rest = rota_span_skip(rest, PIECE)) {
		if (rota_json_feed(&j, rota_span_slice(rest, 0, PIECE)) != ROTA_OK)
			stop("the targets file is not canonical");
	}
}

static void respell(void)
{
	struct rota_bytes out = { 0 };
	struct rota_fail why;

	if (rota_respell(rota_span(files[TARGETS].p, files[TARGETS].len), &out, &why) != ROTA_OK)
		stop("the adapter refuses the targets file");
	rota_bytes_free(&out);
}

/* ---- measuring ---- */

static double cpu_of(void (*work)(void))
{
	struct timespec begin, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	work();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *s, size_t n)
{
	qsort(s, n, sizeof(*s), by_size);
	return s[n / 2];
}

int main(int argc, char **argv)
{
	static void (*const work[])(void) = { refresh, baseline, scan, respell };
	static double took[4][RUNS_MAX];
	size_t runs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	double refresh_s, baseline_s, mb;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: bench_refresh_cpu DIRECTORY RUNS   (1 to %d runs)\n",
			RUNS_MAX);
		return 2;
	}
	for (size_t i = 0; i < FILES; i++)
		load(&files[i], argv[1]);
	refresh(); /* pages, OpenSSL's tables, and the checks for the baseline */
	for (size_t i = 0; i < runs; i++) {
		for (size_t k = 0; k < 4; k++)
			took[k][i] = cpu_of(work[k]);
	}
	refresh_s = median(took[0], runs);
	baseline_s = median(took[1], runs);
	mb = (double)files[TARGETS].len / 1e6;
	printf("refresh_cpu_ratio %.2f ratio\n", refresh_s / baseline_s);
	printf("refresh_cpu_ms %.1f ms\n", refresh_s * 1e3);
	printf("refresh_baseline_ms %.1f ms\n", baseline_s * 1e3);
	printf("refresh_scanner_mb_s %.0f MB/s\n", mb / median(took[2], runs));
	printf("refresh_adapter_ratio %.1f ratio\n", median(took[3], runs) / baseline_s);
	return 0;
}
