/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/logger.h"
#include "apps/rota-signd/checkpoint.h"
#include "apps/rota-signd/message.h"
#include "apps/rota-signd/pending.h"
#include "apps/rota-signd/post.h"
#include "apps/rota-signd/say.h"
#include "host/base/file.h"
#include "host/base/when.h"
#include "host/log/log.h"
#include "host/log/walk.h"
#include "host/notary/digestset.h"
#include "host/notary/record.h"
#include "host/notary/vouch.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/writer.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Orders that are synced together. */
#define GROUP_MAX SIGND_ORDERS_MAX
/* Between when an entry says that it was made and its arrival here: the first start adopts for long. */
#define AT_MAX_S 600
/* A group of fewer goes at once. */
#define LINGER_LEAST 4
#define LINGER_NS 100000

struct logger {
	struct digestset approved; /* what_of() of what officers approved */
	struct digestset begun; /* digests of scopes of which a role's file was signed */
	struct pending pending; /* of nothing: for check_read() */
	struct plan *plan;
	char dir[ROTA_FILE_PATH_MAX]; /* of the log */
	uint32_t round;
	struct rota_log *log;
	struct checkpoint_maker maker;
	size_t count; /* of the group */
	struct group {
		struct signd_order order;
		struct signd_logged logged;
		uint8_t digest[ROTA_DIGEST_LEN];
		uint8_t scope[ROTA_DIGEST_LEN]; /* its digest */
		bool begins; /* the scope, once it is durable */
	} group[GROUP_MAX];
	struct signd_logged told[GROUP_MAX];
	struct rota_span unread; /* orders of the last message, in room */
	struct rota_bytes ask; /* what came beside the first of them */
	uint8_t room[SIGND_ORDER_MAX], past[SIGND_LOGGED_MAX];
};

/* ---- one order ---- */

/* A message under a key, as what it was approved: the next reader of the log believes the version. */
static void what_of(const struct rota_leaf *leaf, uint8_t out[static ROTA_DIGEST_LEN])
{
	uint8_t all[sizeof(leaf->message) + sizeof(leaf->key) + sizeof(leaf->version)];

	memcpy(all, leaf->message, sizeof(leaf->message));
	memcpy(all + sizeof(leaf->message), leaf->key, sizeof(leaf->key));
	memcpy(all + sizeof(leaf->message) + sizeof(leaf->key), &leaf->version,
		sizeof(leaf->version));
	rota_digest_of(ROTA_SPAN(all), out);
}

/* Something is adopted until the first file of the scope is signed, and never again (SPEC 19.6). */
static enum rota_err check_opened(
	const struct logger *l, const struct rota_leaf *leaf, struct rota_fail *why)
{
	uint8_t scope[ROTA_DIGEST_LEN];

	rota_digest_of(leaf->scope, scope);
	if (leaf->kind != ROTA_LEAF_OPENED || !digestset_find(&l->begun, scope))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT, "an adoption when all was adopted");
}

/* Whether the entry is of the signature of a file; scope: digest of whose. */
static bool begins(const struct rota_leaf *leaf, uint8_t scope[static ROTA_DIGEST_LEN])
{
	rota_digest_of(leaf->scope, scope);
	return leaf->kind == ROTA_LEAF_GRANTED && leaf->version != 0;
}

/* Of an entry that is there. */
static enum rota_err remember(
	void *ctx, uint64_t index, const struct rota_leaf *leaf, struct rota_span record)
{
	static const char none[] = "\"approvals\":[],";
	struct logger *l = ctx;
	uint8_t what[ROTA_DIGEST_LEN];

	(void)index;
	if (begins(leaf, what))
		digestset_add(&l->begun, what);
	if (leaf->kind != ROTA_LEAF_GRANTED || memmem(record.p, record.len, none, sizeof(none) - 1))
		return ROTA_OK;
	what_of(leaf, what);
	digestset_add(&l->approved, what);
	return ROTA_OK;
}

/* A device installs what an entry names by its path (SPEC 22.3): that is a release of this scope's people, recorded under
 * their role, whose rules guard it (SPEC 20.4). */
static bool is_place(const struct rota_leaf *leaf)
{
	struct rota_span folder = ROTA_STR("releases/"), rest = leaf->path;

	if (leaf->kind == ROTA_LEAF_GRANTED)
		return leaf->path.len == 0;
	if (leaf->kind != ROTA_LEAF_RELEASE &&
		(leaf->kind != ROTA_LEAF_OPENED || leaf->path.len == 0))
		return true;
	if (!rota_span_eq(leaf->role, ROTA_STR("releases")) || !rota_span_starts(rest, folder))
		return false;
	rest = rota_span_skip(rest, folder.len);
	return rota_span_starts(rest, leaf->scope) && rest.len > leaf->scope.len &&
		rest.p[leaf->scope.len] == '/';
}

/* Rules guard scopes by their names, soaks are counted by when something was entered: both are what they are. What was
 * asked for and refused may have been of any scope; settings are entered here. */
static bool is_now_and_ours(const struct plan *plan, const struct rota_leaf *leaf)
{
	uint64_t now = rota_when_now(), at = leaf->at_s;

	if ((at > now ? at - now : now - at) > AT_MAX_S || leaf->kind == ROTA_LEAF_POLICY)
		return false;
	return leaf->kind == ROTA_LEAF_REFUSED || leaf->kind == ROTA_LEAF_FAILED ||
		plan_is_scope(plan, leaf);
}

/* What is signed is what the entry says, by the key that it says, and only by keys of whom it says. */
static enum rota_err check(const struct plan *plan, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_fail *why)
{
	if (!is_now_and_ours(plan, leaf))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"an entry of another time, of a scope that there is not, or of settings");
	if (!is_place(leaf))
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "an entry with a path that is not its own");
	if (order->count == 0)
		return leaf->kind != ROTA_LEAF_GRANTED
			? ROTA_OK
			: rota_fail(why, ROTA_ERR_ARGUMENT, "a grant of nothing");
	if (leaf->kind != ROTA_LEAF_GRANTED || order->count > ROTA_ANSWER_SIGS_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "only what is granted is signed");
	for (size_t i = 0; i < order->count; i++)
		if (!plan_is_seat(plan, leaf, order->holder[i], order->key[i]))
			return rota_fail(why, ROTA_ERR_ARGUMENT,
				"a key of somebody else than the entry says");
	if (memcmp(leaf->key, plan->holders[order->holder[0]].id[order->key[0]],
		    sizeof(leaf->key)) != 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "the entry names another key");
	return ROTA_OK;
}

/* What officers have to approve, they approved (SPEC 20.4): now, or when the same was signed before. */
static enum rota_err vouch(struct logger *l, const struct rota_leaf *leaf, struct rota_span record,
	struct rota_fail *why)
{
	struct rota_bytes bytes = l->ask;
	uint8_t what[ROTA_DIGEST_LEN];
	enum rota_err err;

	if (!rota_vouch_needed(l->plan->policy, leaf))
		return ROTA_OK;
	what_of(leaf, what);
	if (leaf->kind == ROTA_LEAF_GRANTED && digestset_find(&l->approved, what))
		return ROTA_OK;
	l->ask = (struct rota_bytes){ 0 };
	err = rota_vouch(l->plan->policy, leaf, record, bytes, rota_when_now(), why);
	if (err == ROTA_OK && leaf->kind == ROTA_LEAF_GRANTED && bytes.len > 0)
		digestset_add(&l->approved, what);
	return err;
}

/* Nothing is taken back from a log: what the next reader of it would stop at is not taken (SPEC 20.4). */
static enum rota_err check_read(struct logger *l, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_fail *why)
{
	l->pending.count = 0;
	if (rota_records_check(leaf, record) == ROTA_OK &&
		pending_entry(&l->pending, 0, leaf, record) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_ARGUMENT, "a private record that nobody could read later");
}

/* What was judged after something that was not entered falls with it (message.h). */
static enum rota_err check_round(const struct logger *l, const struct signd_order *order,
	const struct rota_leaf *leaf, struct rota_fail *why)
{
	if (order->round == l->round || leaf->kind == ROTA_LEAF_REFUSED ||
		leaf->kind == ROTA_LEAF_FAILED)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE, "judged after what was not entered");
}

/* rest: leaf and record, and what is behind them. */
static enum rota_err append(
	struct logger *l, struct group *g, struct rota_span rest, struct rota_fail *why)
{
	size_t len = (size_t)g->order.leaf_len + g->order.record_len;
	struct rota_leaf leaf;

	if (g->order.leaf_len > ROTA_LEAF_MAX || g->order.record_len > ROTA_LOG_PRIVATE_MAX ||
		rest.len < len)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "an order of a wrong length");
	l->unread = rota_span_skip(rest, len);
	rest = rota_span_slice(rest, 0, len);
	ROTA_TRY(rota_leaf_decode(rota_span_slice(rest, 0, g->order.leaf_len), &leaf));
	ROTA_TRY(check_round(l, &g->order, &leaf, why));
	ROTA_TRY(check(l->plan, &g->order, &leaf, why));
	ROTA_TRY(check_opened(l, &leaf, why));
	ROTA_TRY(check_read(l, &leaf, rota_span_skip(rest, g->order.leaf_len), why));
	ROTA_TRY(vouch(l, &leaf, rota_span_skip(rest, g->order.leaf_len), why));
	ROTA_TRY(rota_log_append(
		l->log, &leaf, rota_span_skip(rest, g->order.leaf_len), &g->logged.index, why));
	memcpy(g->digest, leaf.message, sizeof(g->digest));
	g->begins = begins(&leaf, g->scope);
	return ROTA_OK;
}

/* The file that came beside a message: read once, so that nobody changes it afterwards. */
static void read_ask(int fd, struct rota_bytes *out)
{
	uint8_t piece[16384];
	ssize_t n;

	while (out->len <= ROTA_ASK_MAX &&
		(n = pread(fd, piece, sizeof(piece), (off_t)out->len)) > 0)
		rota_bytes_add(out, rota_span(piece, (size_t)n));
	close(fd);
}

/* The next message. false: there is none. */
static bool receive(struct logger *l, int flags)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} beside;
	struct iovec part = { l->room, sizeof(l->room) };
	struct msghdr whole = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = beside.room,
		.msg_controllen = CMSG_LEN(sizeof(int)) }; /* CMSG_SPACE() has room for two */
	const struct cmsghdr *head;
	ssize_t got;
	int fd;

	do
		got = recvmsg(l->plan->entries[0], &whole, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	l->unread = rota_span(l->room, (size_t)got);
	head = CMSG_FIRSTHDR(&whole);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
		head->cmsg_len == CMSG_LEN(sizeof(fd))) {
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
		read_ask(fd, &l->ask);
	}
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
	l->round++;
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
			digestset_add(&l->begun, g->scope);
		if (g->order.leaf_len == 0) {
			send_told(l, &told); /* what comes before all entries */
			g->logged.err = (int32_t)send_all(l, &why);
			g->logged.round = l->round;
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
	l->round += err != ROTA_OK;
	tell_all(l, err); /* before a holder can answer */
	order_all(l);
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

/* What else there is; where many come at a time, what comes in a moment too: a sync costs the same for all. */
static void gather(struct logger *l, size_t last)
{
	static const struct timespec moment = { .tv_nsec = LINGER_NS };
	struct pollfd p = { .fd = l->plan->entries[0], .events = POLLIN };

	do
		while (l->count < GROUP_MAX && take(l, MSG_DONTWAIT))
			;
	while (last >= LINGER_LEAST && l->count < last && ppoll(&p, 1, &moment, NULL) == 1);
}

/* Until the parser is gone, or the disk. */
static enum rota_err serve(struct logger *l)
{
	size_t last = 0;

	rise();
	while (take(l, 0)) {
		gather(l, last);
		last = l->count;
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
	const struct rota_log_config config = {
		.dir = l->dir, .crypto = &rota_crypto_openssl, .each = remember, .ctx = l
	};

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
	err = open_log(l, &why);
	if (err != ROTA_OK)
		say("%s", why.text);
	if (err == ROTA_OK && tell(ready, "", 1))
		err = serve(l);
	checkpoint_stop(&l->maker);
	if (rota_log_close(l->log, &why) != ROTA_OK)
		err = why.err;
	digestset_free(&l->approved, NULL);
	digestset_free(&l->begun, NULL);
	free(l);
	return err == ROTA_OK ? 0 : 1;
}
