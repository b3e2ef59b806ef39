/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vault/vault.h"
#include "host/vault/backend.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000000) /* in nanoseconds */
#define BATCHES_S 10 /* a second: what is held at a time is the tenth of a second's records */
#define BATCH_MOST 64

struct rota_vault_store {
	struct rota_vault_backend backend;
	struct rota_vault_budget budget;
	pthread_mutex_t lock; /* around the backend */
	pthread_mutex_t pace; /* around `stop` */
	pthread_cond_t wake;
	pthread_t thread;
	bool threaded, stop;
	bool unsettled; /* under `lock`: the thread wrote what nobody made durable yet */
	uint64_t unsettled_ns;
	uint32_t needed; /* under `lock`: at least this, for certain */
	enum rota_err trouble;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- the thread ---- */

/* In how long a time this is no more than the budget's part. */
static uint64_t turn_ns(
	const struct rota_vault_budget *b, uint32_t records, uint32_t bytes, uint64_t cpu_ns)
{
	uint64_t most = SECOND * records / b->records_s, by_bytes = SECOND * bytes / b->bytes_s;
	uint64_t by_cpu = cpu_ns * 1000000 / b->cpu_ppm;

	if (by_bytes > most)
		most = by_bytes;
	return by_cpu > most ? by_cpu : most;
}

static uint32_t batch_of(const struct rota_vault_budget *b)
{
	uint32_t n = b->records_s / BATCHES_S;

	return n == 0 ? 1 : n > BATCH_MOST ? BATCH_MOST : n;
}

/* What nobody made durable for a second; or all, before something has to wait for it with the vault held. */
static void settle_late(struct rota_vault_store *s, bool now)
{
	enum rota_err err;
	bool late;

	(void)pthread_mutex_lock(&s->lock);
	late = s->unsettled && (now || now_ns(CLOCK_MONOTONIC) - s->unsettled_ns >= SECOND);
	if (late)
		s->unsettled = false;
	(void)pthread_mutex_unlock(&s->lock);
	if (!late)
		return;
	err = s->backend.settle(s->backend.ctx);
	(void)pthread_mutex_lock(&s->lock);
	s->trouble = err;
	(void)pthread_mutex_unlock(&s->lock);
}

/* One batch; until when to pause. */
static uint64_t work(struct rota_vault_store *s)
{
	uint64_t begun = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	uint32_t bytes = 0, left = 0, n = batch_of(&s->budget);
	enum rota_err err;
	bool erases = false;

	(void)pthread_mutex_lock(&s->lock);
	err = s->backend.rewrite(s->backend.ctx, n, &bytes, &left, &erases);
	if (bytes > 0 && !s->unsettled) {
		s->unsettled = true;
		s->unsettled_ns = now_ns(CLOCK_MONOTONIC);
	}
	s->trouble = err;
	(void)pthread_mutex_unlock(&s->lock);
	settle_late(s, erases);
	if (bytes == 0 || err != ROTA_OK)
		return now_ns(CLOCK_MONOTONIC) + SECOND;
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	return begun + turn_ns(&s->budget, n, bytes, cpu);
}

static void *run(void *arg)
{
	struct rota_vault_store *s = arg;

	(void)pthread_mutex_lock(&s->pace);
	while (!s->stop) {
		uint64_t until;
		struct timespec at;

		(void)pthread_mutex_unlock(&s->pace);
		until = work(s);
		at = (struct timespec){ (time_t)(until / SECOND), (long)(until % SECOND) };
		(void)pthread_mutex_lock(&s->pace);
		while (!s->stop && pthread_cond_timedwait(&s->wake, &s->pace, &at) != ETIMEDOUT)
			continue;
	}
	(void)pthread_mutex_unlock(&s->pace);
	return NULL;
}

/* ---- the vault ---- */

static enum rota_err begin_thread(struct rota_vault_store *s, struct rota_fail *why)
{
	int code;

	if (s->budget.records_s == 0)
		return ROTA_OK;
	if (s->budget.cpu_ppm == 0 || s->budget.bytes_s == 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "a budget of no time or no bytes");
	code = pthread_create(&s->thread, NULL, run, s);
	if (code != 0)
		return rota_fail_errno(why, code, "no thread to rewrite records");
	s->threaded = true;
	return ROTA_OK;
}

enum rota_err rota_vault_store_begin(const struct rota_vault_backend *backend,
	const struct rota_vault_budget *budget, struct rota_vault_store **out,
	struct rota_fail *why)
{
	struct rota_vault_store *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	enum rota_err err;

	*out = NULL;
	if (s == NULL) {
		backend->close(backend->ctx);
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	}
	s->backend = *backend;
	s->budget = *budget;
	s->needed = backend->needs(backend->ctx);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_mutex_init(&s->pace, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	err = begin_thread(s, why);
	if (err != ROTA_OK) {
		rota_vault_store_close(s);
		return err;
	}
	*out = s;
	return ROTA_OK;
}

void rota_vault_store_close(struct rota_vault_store *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->pace);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->pace);
	if (s->threaded)
		(void)pthread_join(s->thread, NULL);
	if (s->unsettled)
		(void)!s->backend.settle(s->backend.ctx); /* else it is done again */
	s->backend.close(s->backend.ctx);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->pace);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* What a new record needs is needed at once; that something is needed no more is certain only after a sync. */
static void need(struct rota_vault_store *s)
{
	uint32_t now = s->backend.needs(s->backend.ctx);

	if (now > 0 && (s->needed == 0 || now < s->needed))
		s->needed = now;
}

/* A change was made, or was not; what the thread wrote before it becomes durable with it. */
static enum rota_err changed(struct rota_vault_store *s, enum rota_err err)
{
	if (err == ROTA_OK)
		s->unsettled = false;
	need(s);
	(void)pthread_mutex_unlock(&s->lock);
	return err == ROTA_OK ? s->backend.settle(s->backend.ctx) : err;
}

enum rota_err rota_vault_store_put(struct rota_vault_store *s, uint32_t id, struct rota_span plain)
{
	(void)pthread_mutex_lock(&s->lock);
	return changed(s, s->backend.put(s->backend.ctx, id, plain));
}

enum rota_err rota_vault_store_remove(struct rota_vault_store *s, uint32_t id)
{
	(void)pthread_mutex_lock(&s->lock);
	return changed(s, s->backend.remove(s->backend.ctx, id));
}

enum rota_err rota_vault_store_get(
	struct rota_vault_store *s, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	enum rota_err err;

	if (s->backend.gets_beside)
		return s->backend.get(s->backend.ctx, id, room, plain);
	(void)pthread_mutex_lock(&s->lock);
	err = s->backend.get(s->backend.ctx, id, room, plain);
	(void)pthread_mutex_unlock(&s->lock);
	return err;
}

uint32_t rota_vault_store_needs(struct rota_vault_store *s)
{
	uint32_t needs;
	bool well;

	(void)pthread_mutex_lock(&s->lock);
	needs = s->backend.needs(s->backend.ctx);
	(void)pthread_mutex_unlock(&s->lock);
	well = s->backend.settle(s->backend.ctx) == ROTA_OK;
	(void)pthread_mutex_lock(&s->lock);
	if (well)
		s->needed = needs;
	need(s); /* who put something meanwhile */
	needs = s->needed;
	(void)pthread_mutex_unlock(&s->lock);
	return needs;
}

void rota_vault_store_progress(struct rota_vault_store *s, struct rota_vault_progress *out)
{
	(void)pthread_mutex_lock(&s->lock);
	memset(out, 0, sizeof(*out));
	s->backend.progress(s->backend.ctx, out);
	out->trouble = s->trouble;
	(void)pthread_mutex_unlock(&s->lock);
}
