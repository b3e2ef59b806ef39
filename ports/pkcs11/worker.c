/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/worker.h"
#include "host/base/cpus.h"
#include "ports/pkcs11/ck.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Between two openings of a token that went away, at most. */
#define WAIT_MAX_MS 60000
/* How often the first thread looks at the others; a fraction of the deadline where that is shorter. */
#define WATCH_MS 1000
/* Memory that is locked is there for good: modules do with far less than eight megabytes of stack. */
#define STACK_BYTES (512 * 1024)
/* What a thread is at: set by itself, taken away by who answers its orders. */
struct station {
	_Atomic uint64_t since_ms; /* when it began with the one at hand; 0: idle, or answered */
	_Atomic unsigned count;
	_Atomic uint64_t tag[ROTA_POOL_BATCH];
};

struct work {
	const struct rota_pool_plan *plan;
	struct holder_fds fds;
	struct station at[ROTA_POOL_THREADS_MAX];
	_Atomic unsigned hired;

	pthread_rwlock_t gate; /* over all below */
	struct module module;
	CK_SESSION_HANDLE session[ROTA_POOL_THREADS_MAX];
	struct module_key key[ROTA_POOL_KEYS_MAX];
	struct rota_fail key_why[ROTA_POOL_KEYS_MAX];
	unsigned opened; /* how often */
	bool open, refused; /* refused: the PIN; for good */
	uint64_t wait_ms, next_ms; /* before the next opening, and when */
	struct rota_fail why; /* of the last opening, or of what shut the gate */

	pthread_mutex_t ending; /* over `working` */
	pthread_cond_t ended;
	unsigned working;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + 1;
}

/* ---- opening */

/* The first time what is there counts. Later, only a key that is still the same. */
static void find_key(struct work *w, size_t n)
{
	struct module_key found;
	struct rota_fail *why = &w->key_why[n];

	if (w->opened == 0) {
		*why = (struct rota_fail){ 0 };
		why->err = module_key(&w->module, w->plan->keys[n].label, &w->key[n], why);
		return;
	}
	if (why->err != ROTA_OK)
		return;
	if (module_key(&w->module, w->plan->keys[n].label, &found, why) != ROTA_OK)
		return;
	if (memcmp(found.point, w->key[n].point, sizeof(found.point)) != 0)
		(void)rota_fail(why, ROTA_ERR_STATE,
			"the token came back with another key; start anew if that is meant");
	w->key[n].handle = found.handle;
}

/* The module is started. */
static enum rota_err open_token(struct work *w, struct rota_fail *why)
{
	ROTA_TRY(holder_login(&w->module, w->plan->token, w->fds.keeper, why));
	for (size_t i = 0; i < w->plan->key_count; i++)
		find_key(w, i);
	w->session[0] = w->module.session;
	for (unsigned i = 1; i < w->plan->threads; i++)
		ROTA_TRY(module_session(&w->module, &w->session[i], why));
	return ROTA_OK;
}

static enum rota_err begin(struct work *w)
{
	ROTA_TRY(rota_cpus_stay(w->plan->cpus, &w->why));
	ROTA_TRY(rota_apart("rota-token", w->plan->user, w->plan->lock, &w->why));
	ROTA_TRY(holder_load(&w->module, w->plan->token, &w->why));
	ROTA_TRY(open_token(w, &w->why));
	if (w->fds.keeper)
		close(w->fds.keeper);
	w->opened = 1;
	w->open = true;
	w->wait_ms = w->plan->retry_ms;
	w->next_ms = now_ms() + w->wait_ms;
	return ROTA_OK;
}

static enum rota_err open_again(struct work *w)
{
	const char *pin_file = w->plan->token->pin_file;

	if (!pin_file || !*pin_file)
		return rota_fail(&w->why, ROTA_ERR_DENIED,
			"it went away, and nobody is there to give the PIN again");
	module_end(&w->module);
	ROTA_TRY(module_start(&w->module, &w->why));
	return open_token(w, &w->why);
}

/* One opening at a time, not before its hour. */
static void reopen(struct work *w)
{
	enum rota_err err;

	pthread_rwlock_wrlock(&w->gate);
	if (!w->open && !w->refused && now_ms() >= w->next_ms) {
		err = open_again(w);
		w->open = err == ROTA_OK;
		w->refused = err == ROTA_ERR_DENIED;
		w->opened += w->open;
		w->wait_ms = w->open                   ? w->plan->retry_ms
			: 2 * w->wait_ms < WAIT_MAX_MS ? 2 * w->wait_ms
						       : WAIT_MAX_MS;
		w->next_ms = now_ms() + w->wait_ms;
	}
	pthread_rwlock_unlock(&w->gate);
}

/* ---- signing */

static void shut(struct work *w, unsigned opened, const struct rota_fail *why)
{
	pthread_rwlock_wrlock(&w->gate);
	if (w->opened == opened && w->open) {
		w->open = false;
		w->why = *why;
	}
	pthread_rwlock_unlock(&w->gate);
}

/* With the gate held for reading. *lost: the token must be opened anew. */
static enum rota_err sign(struct work *w, unsigned n, const struct rota_pool_order *order,
	struct rota_pool_done *done, bool *lost, struct rota_fail *why)
{
	CK_RV rv;

	if (order->key >= w->plan->key_count)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "no key %u", (unsigned)order->key);
	if (!w->open) {
		*why = w->why;
		return why->err;
	}
	if (w->key_why[order->key].err != ROTA_OK) {
		*why = w->key_why[order->key];
		return why->err;
	}
	rv = module_sign(
		&w->module, w->session[n], w->key[order->key].handle, order->digest, done->sig);
	*lost = ck_lost(rv);
	return rv == CKR_OK ? ROTA_OK : ck_fail(why, rv, "signing");
}

/* false: the token is gone. */
static bool serve(struct work *w, unsigned n, const struct rota_pool_order *order,
	struct rota_pool_done *done)
{
	const char *label = order->key < w->plan->key_count ? w->plan->keys[order->key].label : "";
	struct rota_fail why = { 0 };
	bool lost = false;
	unsigned opened;

	pthread_rwlock_rdlock(&w->gate);
	if (!w->open) {
		pthread_rwlock_unlock(&w->gate);
		reopen(w);
		pthread_rwlock_rdlock(&w->gate);
	}
	opened = w->opened;
	done->err = (int32_t)sign(w, n, order, done, &lost, &why);
	pthread_rwlock_unlock(&w->gate);
	if (lost)
		shut(w, opened, &why);
	if (done->err == ROTA_OK)
		return true;
	(void)rota_fail_in(&why, "token %s, key %s", w->plan->token->name, label);
	snprintf(done->text, sizeof(done->text), "%s", why.text);
	return !lost;
}

/* Nobody listens: the next recv ends us. */
static void answer(struct work *w, const struct rota_pool_done *done, unsigned count)
{
	static const size_t short_len = offsetof(struct rota_pool_done, text);
	struct iovec parts[ROTA_POOL_BATCH];
	struct msghdr whole = { .msg_iov = parts };

	for (unsigned i = 0; i < count; i++)
		if (done[i].err != ROTA_OK)
			(void)send(w->fds.out, &done[i], sizeof(done[i]), MSG_NOSIGNAL);
		else
			parts[whole.msg_iovlen++] =
				(struct iovec){ (void *)(uintptr_t)&done[i], short_len };
	if (whole.msg_iovlen > 0)
		(void)sendmsg(w->fds.out, &whole, MSG_NOSIGNAL);
}

/* At least one; 0: the end. */
static unsigned take(struct work *w, struct rota_pool_order orders[static ROTA_POOL_BATCH])
{
	ssize_t got = recv(w->fds.in, orders, ROTA_POOL_BATCH * sizeof(*orders), MSG_TRUNC);
	size_t count = got > 0 ? (size_t)got / sizeof(*orders) : 0;

	return count <= ROTA_POOL_BATCH && count * sizeof(*orders) == (size_t)got ? (unsigned)count
										  : 0;
}

static void arrive(struct station *at, const struct rota_pool_order *orders,
	struct rota_pool_done *done, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		done[i].tag = orders[i].tag;
		done[i].text[0] = 0;
		atomic_store(&at->tag[i], orders[i].tag);
	}
	atomic_store(&at->count, count);
	atomic_store(&at->since_ms, now_ms());
}

/* The next of those taken: it has its own time. false: they were answered meanwhile. */
static bool go_on(struct station *at)
{
	return atomic_exchange(&at->since_ms, now_ms()) != 0;
}

/* Nothing more can be had from this process. */
_Noreturn static void give_up(struct work *w, enum rota_err err, const char *text)
{
	struct rota_pool_done done[ROTA_POOL_BATCH];

	for (unsigned i = 0; i < w->plan->threads; i++) {
		struct station *at = &w->at[i];
		unsigned count = atomic_load(&at->count);

		if (atomic_exchange(&at->since_ms, 0) == 0)
			continue;
		for (unsigned k = 0; k < count; k++) {
			done[k] = (struct rota_pool_done){ .tag = atomic_load(&at->tag[k]),
				.err = (int32_t)err };
			snprintf(done[k].text, sizeof(done[k].text), "token %s: %s",
				w->plan->token->name, text);
		}
		answer(w, done, count);
	}
	_exit(1);
}

static void *work(void *arg)
{
	struct work *w = arg;
	unsigned n = atomic_fetch_add(&w->hired, 1), count;
	struct station *at = &w->at[n];
	struct rota_pool_order orders[ROTA_POOL_BATCH];
	struct rota_pool_done done[ROTA_POOL_BATCH];
	bool there = true;

	while ((count = take(w, orders)) > 0) {
		unsigned i = 0;

		arrive(at, orders, done, count);
		do
			there &= serve(w, n, &orders[i], &done[i]);
		while (++i < count && go_on(at));
		if (i < count || atomic_exchange(&at->since_ms, 0) == 0)
			break; /* they were answered: this process ends */
		answer(w, done, count);
		if (!there && w->plan->token->handed)
			give_up(w, ROTA_ERR_IO, "it went away; its PIN is asked for anew");
	}
	pthread_mutex_lock(&w->ending);
	w->working--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->ending);
	return NULL;
}

/* ---- the first thread */

/* For a module that does not come back. */
static void look(struct work *w)
{
	uint64_t now = now_ms();
	char text[48];

	for (unsigned i = 0; i < w->plan->threads; i++) {
		uint64_t since = atomic_load(&w->at[i].since_ms);

		if (since != 0 && now > since && now - since > w->plan->deadline_ms) {
			snprintf(
				text, sizeof(text), "no answer within %u ms", w->plan->deadline_ms);
			give_up(w, ROTA_ERR_TIMEOUT, text);
		}
	}
}

static void watch(struct work *w)
{
	unsigned tick_ms = w->plan->deadline_ms / 4 + 1;
	struct timespec until;

	if (tick_ms > WATCH_MS)
		tick_ms = WATCH_MS;
	pthread_mutex_lock(&w->ending);
	while (w->working > 0) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)(tick_ms % 1000) * 1000000;
		until.tv_sec += (time_t)(tick_ms / 1000) + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&w->ended, &w->ending, &until);
		look(w);
	}
	pthread_mutex_unlock(&w->ending);
}

/* false: a thread could not be made. */
static bool hire(struct work *w)
{
	pthread_condattr_t clock;
	pthread_attr_t small;
	pthread_t thread;
	bool good = true;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_rwlock_init(&w->gate, NULL);
	pthread_mutex_init(&w->ending, NULL);
	pthread_cond_init(&w->ended, &clock);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	w->working = w->plan->threads;
	for (unsigned i = 0; i < w->plan->threads && good; i++)
		good = pthread_create(&thread, &small, work, w) == 0;
	return good;
}

static bool report(const struct work *w)
{
	int fd = w->fds.report;

	if (send(fd, &w->why, sizeof(w->why), MSG_NOSIGNAL) < 0 || w->why.err != ROTA_OK)
		return false;
	for (size_t i = 0; i < w->plan->key_count; i++) {
		struct holder_key key = { .why = w->key_why[i] };

		memcpy(key.point, w->key[i].point, sizeof(key.point));
		if (send(fd, &key, sizeof(key), MSG_NOSIGNAL) < 0)
			return false;
	}
	close(fd);
	return true;
}

void worker_run(const struct holder_fds *fds, const void *plan)
{
	struct work w = { .plan = plan, .fds = *fds };

	w.why.err = begin(&w);
	if (report(&w) && hire(&w))
		watch(&w);
	module_end(&w.module);
}
