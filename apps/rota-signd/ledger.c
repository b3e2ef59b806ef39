/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/ledger.h"
#include "host/base/when.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of orders whose answer is waited for here; those of requests count up from 1. */
#define OWN_TAG UINT64_MAX

static enum rota_err gone(struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_IO, "the log writer is gone");
}

/* A file in memory with these bytes; -1: it cannot be made. */
static int file_of(struct rota_span bytes)
{
	int fd = memfd_create("ask", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < bytes.len) {
		ssize_t n = write(fd, bytes.p + done, bytes.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

static bool send_parts(int to, struct iovec parts[static 3], int file)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(file))];
	} beside = { .room = { 0 } };
	struct msghdr whole = { .msg_iov = parts, .msg_iovlen = 3 };
	ssize_t sent;

	if (file >= 0) {
		whole.msg_control = beside.room;
		whole.msg_controllen = sizeof(beside.room);
		beside.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(file)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&beside.head), &file, sizeof(file));
	}
	do
		sent = sendmsg(to, &whole, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

bool ledger_order(struct ledger *l, uint64_t tag, const struct signd_order *order,
	const struct ledger_parts *parts)
{
	struct signd_order head = *order;
	struct iovec vec[3] = { { &head, sizeof(head) },
		{ (void *)(uintptr_t)parts->leaf, order->leaf_len },
		{ (void *)(uintptr_t)parts->record.p, parts->record.len } };
	int file = -1;
	bool sent;

	head.tag = tag;
	head.round = l->round;
	head.ask_len = (uint32_t)parts->ask.len;
	if (parts->ask.len > 0 && (file = file_of(parts->ask)) < 0)
		return false;
	sent = send_parts(l->plan->entries[1], vec, file);
	if (file >= 0)
		close(file);
	return sent;
}

/* The next message and what stands behind its head: ROTA_ERR_NOT_FOUND, there is none yet. */
static enum rota_err take(
	struct ledger *l, int flags, struct signd_logged *head, struct rota_span *rest)
{
	ssize_t got;

	do
		got = recv(l->plan->entries[1], l->room, sizeof(l->room), flags);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return ROTA_ERR_NOT_FOUND;
	if (got < (ssize_t)sizeof(*head))
		return ROTA_ERR_IO;
	memcpy(head, l->room, sizeof(*head));
	if (head->err == ROTA_OK && head->index >= l->entries)
		l->entries = head->index + 1;
	*rest = rota_span(l->room + sizeof(*head), (size_t)got - sizeof(*head));
	return rest->len == (size_t)head->leaf_len + head->record_len ? ROTA_OK : ROTA_ERR_IO;
}

bool ledger_hear(struct ledger *l)
{
	struct signd_logged head;
	struct rota_span rest;
	enum rota_err err;

	while ((err = take(l, MSG_DONTWAIT, &head, &rest)) == ROTA_OK)
		l->logged(l->ctx, &head);
	return err == ROTA_ERR_NOT_FOUND;
}

/* An order of our own, and its answer; what comes before is told, or is an entry. */
static enum rota_err ask(struct ledger *l, const struct signd_order *order,
	const struct ledger_parts *parts, struct rota_fail *why)
{
	struct signd_logged head;
	struct rota_span rest;
	struct rota_leaf past;

	if (!ledger_order(l, OWN_TAG, order, parts))
		return gone(why);
	while (take(l, 0, &head, &rest) == ROTA_OK) {
		if (head.leaf_len > 0) {
			struct rota_span record = rota_span_skip(rest, head.leaf_len);

			ROTA_TRY(rota_leaf_decode(rota_span_slice(rest, 0, head.leaf_len), &past));
			if (rota_records_entry(l->records, head.index, &past, record) != ROTA_OK ||
				pending_entry(&l->pending, head.index, &past, record) != ROTA_OK)
				return rota_fail(why, ROTA_ERR_FORMAT,
					"the private record of entry %llu is none of ours",
					(unsigned long long)head.index);
		} else if (head.tag != OWN_TAG) {
			l->logged(l->ctx, &head);
		} else if (head.err != ROTA_OK) {
			return rota_fail(
				why, (enum rota_err)head.err, "the log does not take entries now");
		} else {
			l->round = order->leaf_len == 0 ? head.round : l->round;
			return ROTA_OK;
		}
	}
	return gone(why);
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
