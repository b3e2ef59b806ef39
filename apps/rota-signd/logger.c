/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/logger.h"
#include "apps/rota-signd/beside.h"
#include "apps/rota-signd/checkpoint.h"
#include "apps/rota-signd/gate.h"
#include "apps/rota-signd/post.h"
#include "apps/rota-signd/say.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/log/log.h"
#include "host/log/walk.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/writer.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Orders that are synced together. */
#define GROUP_MAX SIGND_ORDERS_MAX

struct logger {
	struct gate gate;
	struct plan *plan;
	char dir[ROTA_FILE_PATH_MAX]; /* of the log */
	struct rota_log *log;
	struct checkpoint_maker maker;
	size_t count; /* of the group */
	struct group {
		struct signd_order order;
		struct signd_logged logged;
		uint8_t digest[ROTA_DIGEST_LEN];
		uint8_t scope[ROTA_DIGEST_LEN]; /* its digest */
		bool begins; /* the scope, once it is durable */
		char name[ROTA_LEAF_NAME_MAX + 1]; /* of the scope */
		struct rota_bytes batch; /* of rows; owned */
		struct rota_bytes
			entry; /* leaf and record that the gate takes when they are durable; owned */
	} group[GROUP_MAX];
	bool heavy; /* the group ends with this one: it has a batch, or is what the next is judged by */
	struct signd_logged told[GROUP_MAX];
	struct rota_span unread; /* orders of the last message, in room */
	struct rota_bytes ask; /* what came beside the first of them */
	uint8_t room[SIGND_ORDER_MAX], past[SIGND_LOGGED_MAX];
};

/* ---- one order ---- */

/* rest: leaf and record, and what is behind them. */
static enum rota_err append(
	struct logger *l, struct group *g, struct rota_span rest, struct rota_fail *why)
{
	size_t len = (size_t)g->order.leaf_len + g->order.record_len;
	struct rota_span record;
	struct rota_leaf leaf;

	if (g->order.leaf_len > ROTA_LEAF_MAX || g->order.record_len > ROTA_LOG_PRIVATE_MAX ||
		rest.len < len)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "an order of a wrong length");
	l->unread = rota_span_skip(rest, len);
	rest = rota_span_slice(rest, 0, len);
	ROTA_TRY(rota_leaf_decode(rota_span_slice(rest, 0, g->order.leaf_len), &leaf));
	record = rota_span_skip(rest, g->order.leaf_len);
	ROTA_TRY(gate_pass(&l->gate, &g->order, &leaf, record, &l->ask, why));
	ROTA_TRY(rota_log_append(l->log, &leaf, record, &g->logged.index, why));
	memcpy(g->digest, leaf.message, sizeof(g->digest));
	g->begins = gate_begins(&leaf, g->scope);
	if (leaf.kind == ROTA_LEAF_ISSUED || gate_matters(&leaf))
		rota_bytes_add(&g->entry, rest);
	l->heavy |= gate_matters(&leaf);
	if (leaf.kind == ROTA_LEAF_ROWS) {
		memcpy(g->name, leaf.scope.p, leaf.scope.len); /* rota_leaf_decode() bounds it */
		g->name[leaf.scope.len] = 0;
		g->batch = l->ask;
		l->ask = (struct rota_bytes){ 0 };
		l->heavy = true;
	}
	return ROTA_OK;
}

/* The next message. false: there is none. */
static bool receive(struct logger *l, int flags)
{
	ssize_t got =
		beside_recv(l->plan->entries[0], ROTA_BUF(l->room), flags, ROTA_ASK_MAX, &l->ask);

	if (got <= 0)
		return false;
	l->unread = rota_span(l->room, (size_t)got);
	return true;
}

/* The next order is in the group, or answered. false: nothing more comes. */
static bool take(struct logger *l, int flags)
{
	struct group *g = &l->group[l->count];
	struct rota_fail why = { 0 };
	struct rota_span rest;

	if (l->unread.len == 0 && !receive(l, flags))
		return false;
	rest = rota_span_skip(l->unread, sizeof(g->order));
	if (l->unread.len < sizeof(g->order)) { /* nobody to answer */
		l->unread.len = 0;
		return false;
	}
	memcpy(&g->order, l->unread.p, sizeof(g->order));
	g->logged = (struct signd_logged){ .tag = g->order.tag };
	g->begins = false;
	g->batch = g->entry = (struct rota_bytes){ 0 };
	l->count++;
	l->unread.len = 0; /* of an order that is none, nothing behind it is one */
	if (g->order.leaf_len == 0) {
		g->order.count = 0;
		return true;
	}
	g->logged.err = (int32_t)append(l, g, rest, &why);
	rota_bytes_free(&l->ask);
	if (g->logged.err == ROTA_OK)
		return true;
	l->gate.round++;
	say("entry refused: %s", why.text);
	return true;
}

/* ---- a group ---- */

static bool tell(int fd, const void *what, size_t len)
{
	ssize_t sent;

	do
		sent = send(fd, what, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)len;
}

static void order_of(const struct group *g, size_t i, struct rota_pool_order *out)
{
	*out = (struct rota_pool_order){ .tag = signd_sig_tag(g->order.tag, i),
		.key = g->order.key[i] };
	memcpy(out->digest, g->digest, sizeof(out->digest));
}

/* Those of one holder; how many. */
static size_t orders_of(const struct logger *l, size_t holder, struct rota_pool_order *out)
{
	size_t count = 0;

	for (size_t n = 0; n < l->count; n++) {
		const struct group *g = &l->group[n];

		for (size_t i = 0; g->logged.err == ROTA_OK && i < g->order.count; i++)
			if (g->order.holder[i] == holder)
				order_of(g, i, &out[count++]);
	}
	return count;
}

/* To each of a holder's threads its share, or as many as a message has. */
static size_t share(const struct logger *l, size_t count)
{
	unsigned threads = rota_policy_daemon(l->plan->policy)->threads;
	size_t each = (count + threads - 1) / threads;

	return each < ROTA_POOL_BATCH ? each : ROTA_POOL_BATCH;
}

/* 21.4: nothing goes to a token before its entry is durable. */
static void order_all(struct logger *l)
{
	struct rota_pool_order orders[GROUP_MAX * ROTA_ANSWER_SIGS_MAX];
	struct post post = { .count = 0 };

	for (size_t h = 0; h < l->plan->holder_count; h++) {
		size_t count = orders_of(l, h, orders), each = share(l, count), n;

		for (size_t i = 0; i < count; i += n) {
			n = count - i < each ? count - i : each;
			post_add(&post, &orders[i], n * sizeof(orders[0]));
		}
		post_send(&post, l->plan->holders[h].order[1]);
	}
}

/* 21.4 too. What does not come through, the parser waits for in vain, and says so. */
static void order_rows(struct logger *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct group *g = &l->group[i];
		struct signd_rows_order order = { .tag = g->order.tag };
		struct iovec part = { &order, sizeof(order) };

		if (g->batch.len == 0)
			continue;
		memcpy(order.digest, g->digest, sizeof(order.digest));
		memcpy(order.scope, g->name, sizeof(order.scope));
		if (g->logged.err == ROTA_OK &&
			!beside_send(
				l->plan->registrar.order[1], &part, 1, rota_bytes_span(&g->batch)))
			say("rows: the registrar is not to be reached");
		rota_bytes_free(&g->batch);
	}
}

/* ---- all that is there, for the parser ---- */

static enum rota_err send_past(void *ctx, const struct rota_log_entry *entry, struct rota_fail *why)
{
	struct logger *l = ctx;
	const struct signd_logged head = { .index = entry->index,
		.leaf_len = (uint32_t)entry->bytes.len,
		.record_len = (uint32_t)entry->record.len };
	struct rota_writer w = rota_writer(ROTA_BUF(l->past));
	struct rota_span message;

	rota_write_span(&w, rota_span(&head, sizeof(head)));
	rota_write_span(&w, entry->bytes);
	rota_write_span(&w, entry->record);
	ROTA_TRY(rota_writer_end(&w, &message));
	if (tell(l->plan->entries[0], message.p, message.len))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_IO, "the parser is gone");
}

static enum rota_err send_all(struct logger *l, struct rota_fail *why)
{
	const struct rota_log_visitor visitor = { .ctx = l, .take = send_past };
	char journal[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_log_path(l->dir, "journal", ROTA_BUF(journal), why));
	return rota_log_walk_journal(&rota_crypto_openssl, journal, &visitor, why);
}

/* Nothing that the gate has passed can fail here. */
static void take_entry(struct logger *l, struct group *g)
{
	struct rota_span entry = rota_bytes_span(&g->entry);
	struct rota_leaf leaf;

	if (g->logged.err == ROTA_OK && entry.len > 0 &&
		(rota_leaf_decode(rota_span_slice(entry, 0, g->order.leaf_len), &leaf) != ROTA_OK ||
			gate_taken(&l->gate, &leaf, rota_span_skip(entry, g->order.leaf_len)) !=
				ROTA_OK))
		abort();
	rota_bytes_free(&g->entry);
}

/* Answers to the parser that are gathered. */
static void send_told(struct logger *l, size_t *count)
{
	if (*count > 0)
		(void)tell(l->plan->entries[0], l->told, *count * sizeof(l->told[0]));
	*count = 0;
}

/* Of a parser that is gone nothing more comes. */
static void tell_all(struct logger *l, enum rota_err err)
{
	struct rota_fail why = { 0 };
	size_t told = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct group *g = &l->group[i];

		if (g->logged.err == ROTA_OK && g->order.leaf_len > 0)
			g->logged.err = (int32_t)err;
		if (g->logged.err == ROTA_OK && g->begins)
			gate_begun(&l->gate, g->scope);
		take_entry(l, g);
		if (g->order.leaf_len == 0) {
			send_told(l, &told); /* what comes before all entries */
			g->logged.err = (int32_t)send_all(l, &why);
			g->logged.round = l->gate.round;
		}
		l->told[told++] = g->logged;
	}
	send_told(l, &told);
}

static enum rota_err commit(struct logger *l)
{
	struct rota_fail why = { 0 };
	enum rota_err err = rota_log_commit(l->log, &why);

	if (err != ROTA_OK)
		say("%s", why.text);
	l->gate.round += err != ROTA_OK;
	tell_all(l, err); /* before a holder can answer */
	order_all(l);
	order_rows(l);
	l->heavy = false;
	l->count = 0;
	checkpoint_durable(&l->maker, rota_log_size(l->log));
	return err == ROTA_ERR_FULL ? ROTA_OK : err;
}

/* Who wakes from a sync beside busy processes waits for their time to end, unless he comes before all of them. Where the limits do
 * not allow it (LimitRTPRIO), it goes on as it is. This thread alone: its work is short, and it sleeps for most of its time. */
static void rise(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	(void)sched_setscheduler(0, SCHED_FIFO, &first);
}

/* Until the parser is gone, or the disk. */
static enum rota_err serve(struct logger *l)
{
	rise();
	while (take(l, 0)) {
		while (l->count < GROUP_MAX && !l->heavy && take(l, MSG_DONTWAIT))
			;
		ROTA_TRY(commit(l));
	}
	return ROTA_OK;
}

/* ---- beginning and end ---- */

/* Who may ask for what, from now on (SPEC 19.1). */
static enum rota_err log_policy(struct logger *l, struct rota_fail *why)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_POLICY, .at_s = rota_when_now() };
	uint64_t index;

	rota_policy_digest(l->plan->policy, leaf.digest);
	ROTA_TRY(rota_log_append(l->log, &leaf, ROTA_STR("{}"), &index, why));
	return rota_log_commit(l->log, why);
}

static enum rota_err open_log(struct logger *l, struct rota_fail *why)
{
	const char *state = rota_policy_daemon(l->plan->policy)->state;
	const struct rota_log_config config = { .dir = l->dir,
		.crypto = &rota_crypto_openssl,
		.each = gate_remember,
		.ctx = &l->gate };

	ROTA_TRY(rota_log_path(state, "log", ROTA_BUF(l->dir), why));
	ROTA_TRY(rota_file_mkdirs(l->dir, 0750, why));
	ROTA_TRY(rota_log_open(&config, &l->log, why));
	ROTA_TRY(log_policy(l, why));
	return checkpoint_start(&l->maker, l->plan, l->dir, rota_log_size(l->log), why);
}

int logger_run(struct plan *plan, int ready)
{
	struct logger *l = calloc(1, sizeof(*l));
	struct rota_fail why = { 0 };
	enum rota_err err;

	if (!l)
		abort();
	l->plan = plan;
	l->gate.plan = plan;
	l->gate.revoked.now_s = rota_when_now();
	err = open_log(l, &why);
	if (err != ROTA_OK)
		say("%s", why.text);
	if (err == ROTA_OK && tell(ready, "", 1))
		err = serve(l);
	checkpoint_stop(&l->maker);
	if (rota_log_close(l->log, &why) != ROTA_OK)
		err = why.err;
	gate_free(&l->gate);
	free(l);
	return err == ROTA_OK ? 0 : 1;
}
