/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/ledger.h"
#include "apps/rota-signd/beside.h"
#include "host/base/when.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Of orders whose answer is waited for here; those of requests count up from 1. */
#define OWN_TAG UINT64_MAX

static enum rota_err gone(struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_IO, "the log writer is gone");
}

/* What is gathered; file: what goes beside it, or nothing. */
static bool send_with(struct ledger *l, struct rota_span file)
{
	bool good = beside_send(l->plan->entries[1], l->part, l->count * LEDGER_PARTS, file);

	l->count = l->len = 0;
	l->since_us = 0;
	return good;
}

bool ledger_send(struct ledger *l)
{
	return l->count == 0 || send_with(l, ROTA_STR(""));
}

uint64_t ledger_linger(struct ledger *l, size_t under_way, uint64_t now_us)
{
	if (l->count == 0 || l->count >= under_way / 3)
		return 0;
	if (l->since_us == 0)
		l->since_us = now_us;
	return now_us - l->since_us < LEDGER_LINGER_US ? l->since_us + LEDGER_LINGER_US - now_us
						       : 0;
}

/* There is room for it. */
static void gather(struct ledger *l, uint64_t tag, const struct signd_order *order,
	const struct ledger_parts *parts)
{
	struct signd_order *head = &l->head[l->count];
	struct iovec *part = &l->part[l->count * LEDGER_PARTS];

	*head = *order;
	head->tag = tag;
	head->round = l->round;
	head->ask_len = (uint32_t)parts->ask.len;
	part[0] = (struct iovec){ head, sizeof(*head) };
	part[1] = (struct iovec){ (void *)(uintptr_t)parts->leaf, order->leaf_len };
	part[2] = (struct iovec){ (void *)(uintptr_t)parts->record.p, parts->record.len };
	l->count++;
	l->len += sizeof(*head) + order->leaf_len + parts->record.len;
}

bool ledger_order(struct ledger *l, uint64_t tag, const struct signd_order *order,
	const struct ledger_parts *parts)
{
	size_t len = sizeof(*order) + order->leaf_len + parts->record.len;
	bool alone = parts->ask.len > 0;

	if ((alone || l->count == SIGND_ORDERS_MAX || l->len + len > SIGND_ORDER_MAX) &&
		!ledger_send(l))
		return false;
	gather(l, tag, order, parts);
	return !alone || send_with(l, parts->ask);
}

static void heard(struct ledger *l, const struct signd_logged *head)
{
	if (head->err == ROTA_OK && head->index >= l->entries)
		l->entries = head->index + 1;
}

/* Answers, one behind the other; *own: to an order of our own. false: it is something else. */
static bool tell(struct ledger *l, struct rota_span message, struct signd_logged *own)
{
	struct signd_logged head;

	for (; message.len >= sizeof(head); message = rota_span_skip(message, sizeof(head))) {
		memcpy(&head, message.p, sizeof(head));
		if (head.leaf_len > 0)
			return false;
		heard(l, &head);
		if (head.tag == OWN_TAG)
			*own = head;
		else
			l->logged(l->ctx, &head);
	}
	return message.len == 0;
}

static ssize_t receive(struct ledger *l, int flags)
{
	ssize_t got;

	do
		got = recv(l->plan->entries[1], l->room, sizeof(l->room), flags);
	while (got < 0 && errno == EINTR);
	return got;
}

bool ledger_hear(struct ledger *l)
{
	struct signd_logged own;
	ssize_t got;

	while ((got = receive(l, MSG_DONTWAIT)) > 0)
		if (!tell(l, rota_span(l->room, (size_t)got), &own))
			return false;
	return got < 0 && errno == EAGAIN;
}

/* An entry that is there. */
static enum rota_err take_past(struct ledger *l, struct rota_span message, struct rota_fail *why)
{
	struct rota_span rest = rota_span_skip(message, sizeof(struct signd_logged)), record;
	struct signd_logged head;
	struct rota_leaf past;

	memcpy(&head, message.p, sizeof(head));
	if (rest.len != (size_t)head.leaf_len + head.record_len)
		return gone(why);
	heard(l, &head);
	record = rota_span_skip(rest, head.leaf_len);
	ROTA_TRY(rota_leaf_decode(rota_span_slice(rest, 0, head.leaf_len), &past));
	if (rota_records_entry(l->records, head.index, &past, record) == ROTA_OK &&
		pending_entry(&l->pending, head.index, &past, record) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "the private record of entry %llu is none of ours",
		(unsigned long long)head.index);
}

/* The next message: an entry, or answers. */
static enum rota_err take(struct ledger *l, struct signd_logged *own, struct rota_fail *why)
{
	struct signd_logged head;
	ssize_t got = receive(l, 0);
	struct rota_span message;

	if (got < (ssize_t)sizeof(head))
		return gone(why);
	message = rota_span(l->room, (size_t)got);
	memcpy(&head, message.p, sizeof(head));
	if (head.leaf_len > 0)
		return take_past(l, message, why);
	return tell(l, message, own) ? ROTA_OK : gone(why);
}

/* An order of our own, and its answer; what comes before is told, or is an entry. */
static enum rota_err ask(struct ledger *l, const struct signd_order *order,
	const struct ledger_parts *parts, struct rota_fail *why)
{
	struct signd_logged own = { .tag = 0 };

	if (!ledger_order(l, OWN_TAG, order, parts) || !ledger_send(l))
		return gone(why);
	while (own.tag != OWN_TAG)
		ROTA_TRY(take(l, &own, why));
	if (own.err != ROTA_OK)
		return rota_fail(why, (enum rota_err)own.err, "the log does not take entries now");
	if (order->leaf_len == 0)
		l->round = own.round;
	return ROTA_OK;
}

static enum rota_err enter(
	void *ctx, const struct rota_leaf *leaf, struct rota_span record, struct rota_fail *why)
{
	struct ledger *l = ctx;
	struct signd_order order = { .record_len = (uint32_t)record.len };
	uint8_t room[ROTA_LEAF_MAX];
	const struct ledger_parts parts = { .leaf = room, .record = record };
	struct rota_span encoded;

	ROTA_TRY(rota_leaf_encode(leaf, ROTA_BUF(room), &encoded));
	order.leaf_len = (uint16_t)encoded.len;
	ROTA_TRY(ask(l, &order, &parts, why));
	return rota_records_entry(l->records, 0, leaf, record);
}

static enum rota_err adopt(struct ledger *l, struct rota_fail *why)
{
	const struct rota_records_sink sink = { .ctx = l, .entry = enter };
	const struct rota_authdir *scope;

	for (size_t i = 0; (scope = rota_policy_scope_at(l->plan->policy, i)) != NULL; i++)
		if (!rota_records_knows(l->records, scope->product))
			ROTA_TRY(
				rota_records_adopt(l->records, scope, rota_when_now(), &sink, why));
	return ROTA_OK;
}

enum rota_err ledger_read(struct ledger *l, struct rota_fail *why)
{
	static const struct signd_order all = { .leaf_len = 0 };
	static const struct ledger_parts none = { .leaf = NULL };
	const char *state = rota_policy_daemon(l->plan->policy)->state;

	rota_records_free(l->records);
	l->records = NULL;
	ROTA_TRY(rota_records_open(state, &l->records, why));
	l->pending.count = 0;
	ROTA_TRY(pending_open(&l->pending, state, why));
	ROTA_TRY(ask(l, &all, &none, why));
	ROTA_TRY(rota_records_load(l->records, why));
	ROTA_TRY(pending_load(&l->pending, why));
	return adopt(l, why);
}

void ledger_close(struct ledger *l)
{
	rota_records_free(l->records);
	l->records = NULL;
}
