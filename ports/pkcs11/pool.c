/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of a holder. */
#include "ports/pkcs11/pool.h"
#include "ports/pkcs11/worker.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum rota_err hear_keys(
	const struct rota_pool_plan *plan, int report, pid_t pid, struct rota_fail *why)
{
	ROTA_TRY(holder_wait(report, pid, plan->token, why));
	for (size_t i = 0; i < plan->key_count; i++) {
		struct rota_pool_key *key = &plan->keys[i];
		struct holder_key said;

		if (recv(report, &said, sizeof(said), 0) != (ssize_t)sizeof(said))
			return rota_fail(why, ROTA_ERR_IO,
				"token %s: the process with its PKCS#11 module died",
				plan->token->name);
		said.why.text[sizeof(said.why.text) - 1] = 0;
		key->why = said.why;
		memcpy(key->point, said.point, sizeof(key->point));
		if (key->why.err != ROTA_OK)
			(void)rota_fail_in(
				&key->why, "token %s, key %s", plan->token->name, key->label);
	}
	return ROTA_OK;
}

enum rota_err rota_pkcs11_pool(
	const struct rota_pool_plan *plan, int in, int out, pid_t *pid, struct rota_fail *why)
{
	struct holder_fds fds = { .in = in, .out = out, .keeper = plan->keeper };
	enum rota_err err;
	int pair[2];

	if (plan->key_count > ROTA_POOL_KEYS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "token %s: more than %d keys",
			plan->token->name, ROTA_POOL_KEYS_MAX);
	if (plan->threads < 1 || plan->threads > ROTA_POOL_THREADS_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "token %s: 1 to %d threads, not %u",
			plan->token->name, ROTA_POOL_THREADS_MAX, plan->threads);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return rota_fail_errno(why, errno, "token %s: socketpair", plan->token->name);
	fds.report = pair[1];
	err = holder_fork(&fds, worker_run, plan, pid, why);
	close(pair[1]);
	if (err != ROTA_OK) {
		close(pair[0]);
		return rota_fail_in(why, "token %s", plan->token->name);
	}
	err = hear_keys(plan, pair[0], *pid, why);
	if (err == ROTA_OK)
		close(pair[0]);
	else
		holder_end(pair[0], *pid);
	return err;
}

/* Without its text. */
#define SHORT_LEN offsetof(struct rota_pool_done, text)

/* One that failed, with its text. */
static size_t take_failure(struct rota_span message, struct rota_pool_done *done)
{
	if (message.len != sizeof(*done))
		return 0;
	memcpy(done, message.p, sizeof(*done));
	done->text[sizeof(done->text) - 1] = 0;
	return 1;
}

size_t rota_pool_take(int fd, struct rota_pool_done done[static ROTA_POOL_BATCH])
{
	uint8_t room[ROTA_POOL_BATCH * SHORT_LEN + sizeof(*done)];
	struct rota_span rest;
	size_t count = 0;
	ssize_t got;

	do
		got = recv(fd, room, sizeof(room), 0);
	while (got < 0 && errno == EINTR);
	rest = rota_span(room, got > 0 ? (size_t)got : 0);
	for (; rest.len >= SHORT_LEN && count < ROTA_POOL_BATCH; count++) {
		memcpy(&done[count], rest.p, SHORT_LEN);
		done[count].text[0] = 0;
		if (done[count].err != ROTA_OK)
			return count == 0 ? take_failure(rest, done) : 0;
		rest = rota_span_skip(rest, SHORT_LEN);
	}
	return rest.len == 0 ? count : 0;
}

bool rota_pool_take_one(int fd, struct rota_pool_done *done)
{
	struct rota_pool_done all[ROTA_POOL_BATCH];
	bool one = rota_pool_take(fd, all) == 1;

	if (one)
		*done = all[0];
	return one;
}
