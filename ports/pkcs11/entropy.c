/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/entropy.h"
#include "host/base/apart.h"
#include "ports/pkcs11/ck.h"
#include "ports/pkcs11/holder.h"
#include "rota/base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* What an HSM gives in one call. */
#define DRAW 65536
/* Equal pieces of this length do not come by chance. */
#define PIECE 16
/* A network HSM behind a bad line. */
#define DEADLINE_MS 30000
#define BROKEN "it repeats itself; its generator is broken"

/* ---- in the process that holds the token ---- */

static enum rota_err begin(
	const struct rota_pkcs11_token *token, struct module *m, struct rota_fail *why)
{
	ROTA_TRY(rota_apart("rota-token", NULL, token->lock, why));
	ROTA_TRY(holder_load(m, token, why));
	return holder_login(m, token, 0, why);
}

/* false: nobody takes any more. */
static bool hand_over(int fd, struct rota_span bytes)
{
	while (bytes.len > 0) {
		ssize_t gone = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);

		if (gone < 0 && errno != EINTR)
			return false;
		bytes = rota_span_skip(bytes, gone > 0 ? (size_t)gone : 0);
	}
	return true;
}

/* Until nobody takes any more, or the token gives none, or the same once more. */
static enum rota_err pour(struct module *m, int fd, struct rota_fail *why)
{
	static uint8_t drawn[DRAW];
	uint8_t before[PIECE];
	CK_RV rv;

	do {
		memcpy(before, drawn, sizeof(before));
		rota_wipe(drawn, sizeof(drawn)); /* what a module does not fill is zeros */
		rv = m->f->C_GenerateRandom(m->session, drawn, sizeof(drawn));
		if (rv != CKR_OK)
			return ck_fail(why, rv, "drawing random bytes");
		if (rota_mem_equal_ct(before, drawn, sizeof(before)))
			return rota_fail(why, ROTA_ERR_IO, BROKEN);
	} while (hand_over(fd, ROTA_SPAN(drawn)));
	rota_wipe(drawn, sizeof(drawn));
	return ROTA_OK;
}

static void pourer_run(const struct holder_fds *fds, const void *plan)
{
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = begin(plan, &m, &why);
	if (send(fds->report, &why, sizeof(why), MSG_NOSIGNAL) > 0 && why.err == ROTA_OK &&
		pour(&m, fds->out, &why) != ROTA_OK)
		(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
	module_end(&m);
}

/* ---- who draws ---- */

struct rota_pkcs11_entropy {
	pthread_mutex_t one; /* over all below */
	const char *name;
	int fd, report;
	pid_t pid;
	uint8_t last[PIECE]; /* what came before */
	struct rota_fail why;
};

static enum rota_err wait_for(int fd, struct rota_fail *why)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&p, 1, DEADLINE_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 1)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_TIMEOUT, "no random bytes within %d s", DEADLINE_MS / 1000);
}

/* The child says why it ended, if it still could. */
static enum rota_err ended(struct rota_pkcs11_entropy *e, struct rota_fail *why)
{
	struct rota_fail said;

	if (recv(e->report, &said, sizeof(said), MSG_DONTWAIT) != (ssize_t)sizeof(said))
		return rota_fail(why, ROTA_ERR_IO, "the process with its PKCS#11 module died");
	said.text[sizeof(said.text) - 1] = 0;
	return rota_fail(why, ROTA_ERR_IO, "%s", said.text);
}

static enum rota_err take(
	struct rota_pkcs11_entropy *e, struct rota_buf room, struct rota_fail *why)
{
	while (room.len > 0) {
		ssize_t got;

		ROTA_TRY(wait_for(e->fd, why));
		got = recv(e->fd, room.p, room.len, MSG_DONTWAIT);
		if (got == 0)
			return ended(e, why);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return rota_fail_errno(why, errno, "recv");
		room = rota_buf(
			room.p + (got > 0 ? got : 0), room.len - (got > 0 ? (size_t)got : 0));
	}
	return ROTA_OK;
}

/* What is left of the last piece was looked at already: fills begin a new one. */
static enum rota_err judge(
	struct rota_pkcs11_entropy *e, struct rota_buf room, struct rota_fail *why)
{
	size_t at = 0;

	for (; at + PIECE <= room.len; at += PIECE) {
		if (rota_mem_equal_ct(e->last, room.p + at, PIECE))
			return rota_fail(why, ROTA_ERR_IO, BROKEN);
		memcpy(e->last, room.p + at, PIECE);
	}
	return ROTA_OK;
}

static enum rota_err mix(struct rota_buf room, struct rota_fail *why)
{
	uint8_t own[256]; /* getrandom() gives so many in one piece, always */

	for (size_t at = 0; at < room.len; at += sizeof(own)) {
		size_t len = room.len - at < sizeof(own) ? room.len - at : sizeof(own);

		if (getrandom(own, len, 0) != (ssize_t)len)
			return rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
		for (size_t i = 0; i < len; i++)
			room.p[at + i] ^= own[i];
	}
	rota_wipe(own, sizeof(own));
	return ROTA_OK;
}

static enum rota_err draw(
	struct rota_pkcs11_entropy *e, struct rota_buf room, struct rota_fail *why)
{
	ROTA_TRY(take(e, room, why));
	ROTA_TRY(judge(e, room, why));
	return mix(room, why);
}

static enum rota_err fill(void *ctx, struct rota_buf room)
{
	struct rota_pkcs11_entropy *e = ctx;
	enum rota_err err;

	pthread_mutex_lock(&e->one);
	if (e->why.err == ROTA_OK && draw(e, room, &e->why) != ROTA_OK)
		(void)rota_fail_in(&e->why, "token %s", e->name);
	err = e->why.err;
	pthread_mutex_unlock(&e->one);
	if (err != ROTA_OK)
		rota_wipe(room.p, room.len);
	return err == ROTA_OK ? ROTA_OK : ROTA_ERR_IO;
}

static enum rota_err start(
	const struct rota_pkcs11_token *token, struct rota_pkcs11_entropy *e, struct rota_fail *why)
{
	struct holder_fds fds = { .in = -1 };
	int stream[2], report[2];
	enum rota_err err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) != 0)
		return rota_fail_errno(why, errno, "token %s: socketpair", token->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) != 0) {
		(void)rota_fail_errno(why, errno, "token %s: socketpair", token->name);
		close(stream[0]);
		close(stream[1]);
		return why->err;
	}
	e->fd = stream[0];
	e->report = report[0];
	fds.report = report[1];
	fds.out = stream[1];
	err = holder_fork(&fds, pourer_run, token, &e->pid, why);
	close(report[1]);
	close(stream[1]);
	if (err == ROTA_OK) {
		err = holder_wait(report[0], e->pid, token, why);
		if (err != ROTA_OK)
			holder_end(e->fd, e->pid);
	} else {
		close(e->fd);
	}
	if (err != ROTA_OK)
		close(e->report);
	return err;
}

enum rota_err rota_pkcs11_entropy_open(const struct rota_pkcs11_token *token,
	struct rota_pkcs11_entropy **out, struct rota_fail *why)
{
	struct rota_pkcs11_entropy *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->name = token->name;
	if (start(token, e, why) != ROTA_OK) {
		free(e);
		return why->err;
	}
	pthread_mutex_init(&e->one, NULL);
	*out = e;
	return ROTA_OK;
}

struct rota_random rota_pkcs11_entropy_random(struct rota_pkcs11_entropy *e)
{
	return (struct rota_random){ .ctx = e, .fill = fill };
}

struct rota_fail rota_pkcs11_entropy_why(struct rota_pkcs11_entropy *e)
{
	struct rota_fail why;

	pthread_mutex_lock(&e->one);
	why = e->why;
	pthread_mutex_unlock(&e->one);
	return why;
}

void rota_pkcs11_entropy_close(struct rota_pkcs11_entropy *e)
{
	if (!e)
		return;
	close(e->report);
	holder_end(e->fd, e->pid);
	pthread_mutex_destroy(&e->one);
	rota_wipe(e, sizeof(*e));
	free(e);
}
