/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/transfer.h"
#include "apps/rota-agent/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define WAIT_FIRST_S 1
#define WAIT_MOST_S 30 /* who asks for more is asked again by the poll schedule */

/* One file, as its tries see it. */
struct transfer {
	const struct rota_fetch_get *get;
	uint64_t at; /* the next byte wanted */
	enum rota_err refused; /* why the sink took no more */
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct transfer *t = ctx;

	t->at += piece.len;
	t->refused = t->get->take(t->get->ctx, piece);
	return t->refused;
}

static uint64_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

/* A signal that ends the agent ends the wait. */
static void wait_for(const struct agent *a, uint64_t seconds)
{
	const struct timespec tenth = { .tv_nsec = 100000000 };

	for (uint64_t end = now_s() + seconds; now_s() < end && !*a->stop;)
		(void)nanosleep(&tenth, NULL);
}

static bool broke_off(const struct transfer *t, bool steady, enum rota_err err)
{
	bool network = err == ROTA_ERR_NET || err == ROTA_ERR_TIMEOUT || err == ROTA_ERR_BUSY;

	return network && t->refused == ROTA_OK && steady && t->at > t->get->offset &&
		t->at < t->get->max_len;
}

static void say_again(const struct transfer *t, unsigned tried, const struct rota_fail *why)
{
	char from[24], of[24], text[16];

	snprintf(from, sizeof(from), "%" PRIu64, t->at);
	snprintf(of, sizeof(of), "%" PRIu64, t->get->max_len);
	snprintf(text, sizeof(text), "%u", tried + 1);
	say("resumed",
		(struct say_field[]){ { "from", from }, { "of", of }, { "try", text },
			{ "detail", why->text }, { NULL, NULL } });
}

/* How long to wait before the next try. */
static uint64_t pause_after(const struct agent *a, unsigned tried)
{
	uint64_t wait = WAIT_FIRST_S, asked = rota_fetch_retry_after(a->fetch);

	while (--tried && wait < WAIT_MOST_S)
		wait *= 2;
	wait = wait < WAIT_MOST_S ? wait : WAIT_MOST_S;
	return asked > wait ? asked : wait;
}

enum rota_err agent_transfer(
	struct agent *a, const struct rota_fetch_get *get, bool steady, struct rota_fail *why)
{
	struct transfer t = { .get = get, .at = get->offset };
	struct rota_fetch_get part = *get;
	uint64_t due = now_s() + get->total_s;

	part.ctx = &t;
	part.take = take;
	for (unsigned tried = 1;; tried++) {
		enum rota_err err = rota_fetch_get(a->fetch, &part, why);
		uint64_t now, wait;

		if (rota_fetch_retry_after(a->fetch) > a->again_s)
			a->again_s = rota_fetch_retry_after(a->fetch);
		if (!broke_off(&t, steady, err) || tried >= a->config->tries || *a->stop)
			return err;
		wait = pause_after(a, tried);
		now = now_s();
		if (wait > WAIT_MOST_S || now + wait >= due)
			return err;
		wait_for(a, wait);
		say_again(&t, tried, why);
		part.offset = t.at;
		part.total_s = (uint32_t)(due - now - wait);
	}
}
