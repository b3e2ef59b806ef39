/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/worker.h"
#include "host/base/digest.h"
#include "host/base/file.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* A line is below 20 KB with the longest certificate; so is a census of the most devices in RAM, of usual ones, 1.5 GB. */
#define CENSUS_MAX ((size_t)4 << 30)
#define LINE_HEAD (64 + 1 + 64 + 1 + 130 + 1)
#define SECRET_HEX 64

/* ---- the census ---- */

static bool field(const char *at, char behind, struct rota_buf out)
{
	char text[2 * ROTA_P256_KEY_LEN + 1];

	memcpy(text, at, 2 * out.len);
	text[2 * out.len] = 0;
	return at[2 * out.len] == behind && rota_unhex(text, out);
}

/* ` NAME=` and a secret in hex, if `rest` begins so. */
static bool secret_word(struct rota_span *rest, const char *name, const char **out)
{
	struct rota_span head = rota_span_cstr(name);
	uint8_t secret[SECRET_HEX / 2];
	bool good;

	*out = NULL;
	if (!rota_span_starts(*rest, head))
		return true;
	*rest = rota_span_skip(*rest, head.len);
	*out = (const char *)rest->p;
	good = rota_hex_decode(rota_span_slice(*rest, 0, SECRET_HEX), ROTA_BUF(secret)) == ROTA_OK;
	*rest = rota_span_skip(*rest, SECRET_HEX);
	rota_wipe(secret, sizeof(secret));
	return good;
}

static bool read_line(struct fleet_member *m, const char *line, size_t len)
{
	struct rota_span rest = rota_span((const uint8_t *)line, len);
	const uint8_t *end;

	rest = rota_span_skip(rest, LINE_HEAD);
	end = rest.len == 0 ? NULL : memchr(rest.p, ' ', rest.len);
	m->certificate = rota_span_slice(rest, 0, end ? (size_t)(end - rest.p) : rest.len);
	rest = rota_span_skip(rest, m->certificate.len);
	if (m->certificate.len == 0 || m->certificate.len > SERVER_CERT_MAX ||
		!secret_word(&rest, " login=", &m->login) ||
		!secret_word(&rest, " factory=", &m->factory) || rest.len > 0)
		return false;
	return field(line, ' ', ROTA_BUF(m->id)) && field(line + 65, ' ', ROTA_BUF(m->secret)) &&
		field(line + 130, ' ', ROTA_BUF(m->point));
}

static enum rota_err read_census(struct fleet *f, const char *path, struct rota_fail *why)
{
	const char *at, *end;

	ROTA_TRY(rota_file_read(path, CENSUS_MAX, &f->census, why));
	at = (const char *)f->census.p;
	end = at + f->census.len;
	for (const char *p = at; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		f->count++;
	if (f->count == 0 || f->count > FLEET_DEVICES_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "%s has %zu lines: 1 to %d devices", path,
			f->count, FLEET_DEVICES_MAX);
	f->member = calloc(f->count, sizeof(*f->member));
	if (f->member == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory for %zu devices", f->count);
	for (size_t i = 0; i < f->count; i++) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (!read_line(&f->member[i], at, (size_t)(line_end - at)))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s line %zu is not: ID SECRET POINT CERTIFICATE "
				"[login=KEY] [factory=SECRET]",
				path, i + 1);
		at = line_end + 1;
	}
	return ROTA_OK;
}

static enum rota_err read_root(struct fleet *f, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes root = { 0 };

	if (snprintf(path, sizeof(path), "%s/metadata/1.root.json", f->settings.repository) >=
		(int)sizeof(path))
		return rota_fail(why, ROTA_ERR_LIMIT, "%s: too long", f->settings.repository);
	ROTA_TRY(rota_file_read(path, REPOSITORY_FILE_MAX, &root, why));
	rota_digest_of(rota_bytes_span(&root), f->root_sha256);
	rota_bytes_free(&root);
	return ROTA_OK;
}

enum rota_err fleet_open(struct fleet *f, const struct fleet_settings *settings, const char *census,
	struct rota_fail *why)
{
	memset(f, 0, sizeof(*f));
	f->settings = *settings;
	pthread_mutex_init(&f->lock, NULL);
	pthread_mutex_init(&f->messages.lock, NULL);
	pthread_mutex_init(&f->said.lock, NULL);
	ROTA_TRY(read_root(f, why));
	return read_census(f, census, why);
}

void fleet_close(struct fleet *f)
{
	for (size_t i = 0; f->member != NULL && i < f->count; i++)
		fleet_sleeper_free(&f->member[i].sleeper);
	free(f->member);
	rota_bytes_wipe(&f->census);
}

/* ---- threads ---- */

static enum rota_err draw(void *ctx, struct rota_buf room)
{
	(void)ctx;
	while (room.len > 0) {
		ssize_t n = getrandom(room.p, room.len, 0);

		if (n <= 0)
			return ROTA_ERR_IO;
		room = rota_buf(room.p + n, room.len - (size_t)n);
	}
	return ROTA_OK;
}

static bool worker_open(struct fleet_worker *w)
{
	const struct fleet *f = w->fleet;

	sim_memo_init(&w->memo, &rota_crypto_openssl);
	w->model = (struct fleet_model){ .crypto = &w->memo.port,
		.aead = &rota_aead_openssl,
		.p256 = &rota_p256_openssl,
		.random = { NULL, draw },
		.product = rota_span_cstr(f->settings.product),
		.hardware = rota_span_cstr(f->settings.hardware),
		.channel = rota_span_cstr(f->settings.channel) };
	memcpy(w->model.root_sha256, f->root_sha256, sizeof(w->model.root_sha256));
	server_init(&w->server, f->settings.server);
	w->repository.dir = f->settings.repository;
	if (f->settings.front.device_url != NULL &&
		front_open(&w->front, &f->settings.front) != ROTA_OK)
		return false;
	w->dice = f->now_s * FLEET_THREADS_MAX + w->number;
	return fleet_device_init(&w->device, &w->model) == ROTA_OK;
}

static void worker_close(struct fleet_worker *w)
{
	server_close(&w->server);
	front_close(w->front);
	repository_forget(&w->repository);
	fleet_device_free(&w->device);
}

/* When a device polls, in an interval: spread, and the same in each. */
static uint64_t moment(const struct fleet_job *job, size_t device)
{
	return job->step_s == 0 ? 0 : (uint64_t)device * 2654435761u % job->step_s;
}

static void all_devices(struct fleet_worker *w, uint64_t from_s)
{
	struct fleet *f = w->fleet;

	for (size_t i = w->number; i < f->count && !w->failed; i += f->settings.threads) {
		w->failed = !w->job->task(w, &f->member[i], from_s + moment(w->job, i));
		++*w->done;
	}
}

static void *work(void *arg)
{
	struct fleet_worker *w = arg;
	const struct fleet_job *job = w->job;

	w->failed = !worker_open(w);
	for (uint64_t at = job->from_s;
		!w->failed && at<job->until_s; at += job->step_s> 0 ? job->step_s : job->until_s)
		all_devices(w, at);
	worker_close(w);
	return NULL;
}

/* Draw the bar until all that was to be done is, or a thread has given up. */
static void watch(const struct fleet *f, const struct fleet_worker *w,
	const struct rota_progress *progress, uint64_t all)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000000L };
	bool failed = false;

	while (progress != NULL && !failed && *w->done < all) {
		progress->step(progress->ctx, *w->done, all);
		nanosleep(&pause, NULL);
		for (unsigned i = 0; i < f->settings.threads; i++)
			failed = failed || w[i].failed || !w[i].started;
	}
}

enum rota_err fleet_work(struct fleet *f, const struct fleet_job *job,
	const struct rota_progress *progress, struct rota_fail *why)
{
	uint64_t rounds = job->step_s == 0 ? 1 : (job->until_s - job->from_s) / job->step_s;
	struct fleet_worker *w = calloc(f->settings.threads, sizeof(*w));
	_Atomic uint64_t done = 0;
	bool failed = w == NULL;

	for (unsigned i = 0; w != NULL && i < f->settings.threads; i++) {
		w[i].fleet = f;
		w[i].job = job;
		w[i].number = i;
		w[i].done = &done;
		w[i].started = pthread_create(&w[i].thread, NULL, work, &w[i]) == 0;
	}
	if (w != NULL)
		watch(f, w, progress, rounds * f->count);
	for (unsigned i = 0; w != NULL && i < f->settings.threads; i++) {
		if (w[i].started)
			pthread_join(w[i].thread, NULL);
		failed = failed || !w[i].started || w[i].failed;
	}
	free(w);
	if (failed)
		return rota_fail(why, ROTA_ERR_IO, "devices cannot be worked on: %s",
			f->trouble[0] ? f->trouble : "no memory, or no thread");
	if (fflush(f->messages.out) != 0 || fflush(f->said.out) != 0 || f->messages.failed ||
		f->said.failed)
		return rota_fail(why, ROTA_ERR_IO, "messages or statements cannot be written");
	return ROTA_OK;
}

/* ---- what is asked for ---- */

enum rota_err fleet_make(
	struct fleet *f, const struct rota_progress *progress, struct rota_fail *why)
{
	const struct fleet_job job = { fleet_factory_task, 0, 1, 0 };

	return fleet_work(f, &job, progress, why);
}

enum rota_err fleet_run(struct fleet *f, uint64_t seconds, const struct rota_progress *progress,
	struct rota_fail *why)
{
	uint64_t step = f->settings.poll_s;
	const struct fleet_job job = { fleet_poll_task, f->now_s,
		f->now_s + (seconds + step - 1) / step * step, step };

	ROTA_TRY(fleet_work(f, &job, progress, why));
	f->now_s = job.until_s;
	return ROTA_OK;
}

uint32_t fleet_newest(const struct fleet *f, size_t *users)
{
	uint32_t newest = 0;

	*users = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (f->member[i].generation > newest) {
			newest = f->member[i].generation;
			*users = 0;
		}
		if (f->member[i].generation == newest)
			++*users;
	}
	return newest;
}

size_t fleet_updated(const struct fleet *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += fleet_images_new(&f->member[i].images);
	return count;
}
