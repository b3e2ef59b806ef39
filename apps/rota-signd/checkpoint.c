/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/checkpoint.h"
#include "apps/rota-signd/say.h"
#include "host/base/file.h"
#include "host/log/log.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A token's own deadline, and some more. */
#define SIGN_MS 35000
#define LEAST 19 /* nice(2) */

/* The answer to this very order: of one that came too late the tag is another. */
static enum rota_err wait_signed(
	struct checkpoint_maker *m, struct rota_pool_done *done, struct rota_fail *why)
{
	struct pollfd p = { .fd = m->plan->log.order[1], .events = POLLIN };

	do {
		if (poll(&p, 1, SIGN_MS) != 1)
			return rota_fail(why, ROTA_ERR_TIMEOUT, "the log's key does not answer");
		if (!rota_pool_take_one(p.fd, done))
			return rota_fail(why, ROTA_ERR_IO, "the holder of the log's key is gone");
	} while (done->tag != m->tag);
	return done->err == ROTA_OK ? ROTA_OK
				    : rota_fail(why, (enum rota_err)done->err, "%s", done->text);
}

/* Before the token is asked, so that it never signed more often than this says (`rota audit reconcile`). */
static enum rota_err count_one(struct checkpoint_maker *m, struct rota_fail *why)
{
	char text[24], path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_log_path(m->dir, CHECKPOINT_COUNT, ROTA_BUF(path), why));
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)m->asked + 1);
	ROTA_TRY(rota_file_write(path, rota_span_cstr(text), 0640, why));
	m->asked++;
	return ROTA_OK;
}

static enum rota_err read_count(struct checkpoint_maker *m, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;

	ROTA_TRY(rota_log_path(m->dir, CHECKPOINT_COUNT, ROTA_BUF(path), why));
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, 24, &text, why));
	m->asked = strtoull((const char *)text.p, NULL, 10);
	rota_bytes_free(&text);
	return ROTA_OK;
}

static enum rota_err sign(
	void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why)
{
	struct checkpoint_maker *m = ctx;
	struct rota_pool_order order = { .tag = ++m->tag };
	uint8_t room[ROTA_NOTE_LINE_MAX];
	struct rota_pool_done done;
	struct rota_span line;

	rota_digest_of(text, order.digest);
	ROTA_TRY(count_one(m, why));
	if (send(m->plan->log.order[1], &order, sizeof(order), MSG_NOSIGNAL) < 0)
		return rota_fail(why, ROTA_ERR_IO, "the holder of the log's key is gone");
	ROTA_TRY(wait_signed(m, &done, why));
	if (rota_note_line(&m->key, 0, ROTA_SPAN(done.sig), ROTA_BUF(room), &line) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "the log's name is none");
	rota_bytes_add(lines, line);
	return ROTA_OK;
}

/* Wait until there is more than `size`, then a while, so that a checkpoint stands for many. false: the end. */
static bool wait_news(struct checkpoint_maker *m, uint64_t size, uint64_t *durable)
{
	struct timespec until;
	bool ends;

	pthread_mutex_lock(&m->lock);
	m->waits = true;
	while (!m->ends && m->durable == size)
		pthread_cond_wait(&m->news, &m->lock);
	m->waits = false;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)rota_policy_log(m->plan->policy)->every_s;
	while (!m->ends && pthread_cond_timedwait(&m->news, &m->lock, &until) == 0)
		;
	ends = m->ends;
	*durable = m->durable;
	pthread_mutex_unlock(&m->lock);
	return !ends;
}

/* Nobody who signs waits for tiles: they are made in the time that the other threads leave. */
static void step_back(void)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), LEAST);
}

static void *run(void *arg)
{
	struct checkpoint_maker *m = arg;
	uint64_t size = 0, durable;
	struct rota_fail why = { 0 };
	bool more = true;

	step_back();
	while (more) {
		more = wait_news(m, size, &durable);
		if (rota_tiler_step(m->tiler, durable, &size, &why) != ROTA_OK)
			say("checkpoint: %s", why.text);
	}
	return NULL;
}

/* The log writer, whom everybody waits for, takes the lock too: who holds it has its priority meanwhile. */
static void make_locks(struct checkpoint_maker *m)
{
	pthread_mutexattr_t inherits;
	pthread_condattr_t clock;

	pthread_mutexattr_init(&inherits);
	pthread_mutexattr_setprotocol(&inherits, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&m->lock, &inherits);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&m->news, &clock);
}

enum rota_err checkpoint_start(struct checkpoint_maker *m, struct plan *plan, const char *dir,
	uint64_t durable, struct rota_fail *why)
{
	const char *origin = rota_policy_log(plan->policy)->origin;

	m->plan = plan;
	m->durable = durable;
	snprintf(m->dir, sizeof(m->dir), "%s", dir);
	m->key = (struct rota_note_key){ .kind = ROTA_NOTE_LOG_P256,
		.name = rota_span_cstr(origin),
		.raw = ROTA_SPAN(plan->log.keys[0].point) };
	rota_note_key_id(&rota_crypto_openssl, &m->key);
	m->config = (struct rota_tiler_config){ .dir = m->dir,
		.origin = origin,
		.crypto = &rota_crypto_openssl,
		.ctx = m,
		.sign = sign };
	ROTA_TRY(read_count(m, why));
	ROTA_TRY(rota_tiler_open(&m->config, &m->tiler, why));
	make_locks(m);
	m->runs = pthread_create(&m->thread, NULL, run, m) == 0;
	return m->runs ? ROTA_OK : rota_fail(why, ROTA_ERR_FULL, "a thread cannot be made");
}

void checkpoint_durable(struct checkpoint_maker *m, uint64_t durable)
{
	pthread_mutex_lock(&m->lock);
	m->durable = durable;
	if (m->waits)
		pthread_cond_signal(&m->news);
	pthread_mutex_unlock(&m->lock);
}

void checkpoint_stop(struct checkpoint_maker *m)
{
	if (m->runs) {
		pthread_mutex_lock(&m->lock);
		m->ends = true;
		pthread_cond_signal(&m->news);
		pthread_mutex_unlock(&m->lock);
		pthread_join(m->thread, NULL);
	}
	rota_tiler_close(m->tiler);
}
