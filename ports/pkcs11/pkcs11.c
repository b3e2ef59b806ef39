/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: start the child, ask, wait no longer than the deadline. */
#include "ports/pkcs11/pkcs11.h"
#include "ports/pkcs11/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A smart card takes up to a few seconds per key; somebody who types a PIN, longer. */
#define DEADLINE_MS 30000
#define DEADLINE_PROMPT_MS 180000
/* How long a module may take to finish once its parent has hung up. */
#define GOODBYE_MS 2000

struct client {
	char name[64];
	int fd;
	pid_t pid;
};

static void hang_up(struct client *c)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	close(c->fd);
	for (int waited = 0; waited < GOODBYE_MS; waited += 5) {
		if (waitpid(c->pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&pause, NULL);
	}
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

static enum rota_err start(struct client *c, const struct rota_pkcs11_token *token,
	const char *so_pin_file, struct rota_fail *why)
{
	int pair[2];

	snprintf(c->name, sizeof(c->name), "%s", token->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return rota_fail_errno(why, errno, "token %s: socketpair", token->name);
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		/* nothing but the standard three and the socket goes along */
		int fd = fcntl(pair[1], F_DUPFD, 3);

		if (fd != 3)
			fd = dup2(fd, 3);
		close_range(4, ~0U, 0);
		rota_pkcs11_child(fd, token, so_pin_file);
	}
	close(pair[1]);
	c->fd = pair[0];
	if (c->pid < 0) {
		close(c->fd);
		return rota_fail_errno(why, errno, "token %s: fork", token->name);
	}
	return ROTA_OK;
}

static enum rota_err ask(struct client *c, const struct message_ask *question, int deadline_ms,
	struct message_answer *answer, struct rota_fail *why)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int ready;

	if (send(c->fd, question, sizeof(*question), MSG_NOSIGNAL) != (ssize_t)sizeof(*question))
		return rota_fail(why, ROTA_ERR_IO, "token %s: its process has ended", c->name);
	do
		ready = poll(&p, 1, deadline_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0) {
		kill(c->pid, SIGKILL);
		return rota_fail(why, ROTA_ERR_TIMEOUT, "token %s: no answer within %d s", c->name,
			deadline_ms / 1000);
	}
	if (recv(c->fd, answer, sizeof(*answer), 0) != (ssize_t)sizeof(*answer))
		return rota_fail(why, ROTA_ERR_IO,
			"token %s: the process with its PKCS#11 module died", c->name);
	if (answer->why.err == ROTA_OK)
		return ROTA_OK;
	*why = answer->why;
	why->text[sizeof(why->text) - 1] = 0;
	if (question->key[0])
		return rota_fail_in(why, "token %s, key %s", c->name, question->key);
	return rota_fail_in(why, "token %s", c->name);
}

static enum rota_err ask_key(struct client *c, enum message_op op, const char *key,
	const uint8_t *digest, struct message_answer *answer, struct rota_fail *why)
{
	struct message_ask question = { .op = op };

	if (strlen(key) > ROTA_SIGNER_LABEL_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "key label longer than %d: %s",
			ROTA_SIGNER_LABEL_MAX, key);
	memcpy(question.key, key, strlen(key));
	if (digest)
		memcpy(question.digest, digest, sizeof(question.digest));
	return ask(c, &question, DEADLINE_MS, answer, why);
}

static enum rota_err client_public(
	void *ctx, const char *key, uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct message_answer answer;

	ROTA_TRY(ask_key(ctx, MESSAGE_PUBLIC, key, NULL, &answer, why));
	memcpy(out, answer.data, ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

static enum rota_err client_sign(void *ctx, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why)
{
	struct message_answer answer;

	ROTA_TRY(ask_key(ctx, MESSAGE_SIGN, key, digest, &answer, why));
	memcpy(sig, answer.data, ROTA_P256_SIG_LEN);
	return ROTA_OK;
}

static void client_close(void *ctx)
{
	hang_up(ctx);
	free(ctx);
}

static int open_deadline(const struct rota_pkcs11_token *token)
{
	return token->pin_file && *token->pin_file ? DEADLINE_MS : DEADLINE_PROMPT_MS;
}

enum rota_err rota_pkcs11_open(
	const struct rota_pkcs11_token *token, struct rota_signer *out, struct rota_fail *why)
{
	const struct message_ask question = { .op = MESSAGE_OPEN };
	struct client *c = calloc(1, sizeof(*c));
	struct message_answer answer;

	if (!c)
		abort();
	if (start(c, token, NULL, why) != ROTA_OK) {
		free(c);
		return why->err;
	}
	if (ask(c, &question, open_deadline(token), &answer, why) != ROTA_OK) {
		client_close(c);
		return why->err;
	}
	*out = (struct rota_signer){
		.ctx = c, .public_key = client_public, .sign = client_sign, .close = client_close
	};
	return ROTA_OK;
}

enum rota_err rota_pkcs11_create(const struct rota_pkcs11_token *token, const char *so_pin_file,
	const char *const *keys, size_t key_count, struct rota_fail *why)
{
	const struct message_ask question = { .op = MESSAGE_CREATE };
	struct message_answer answer;
	struct client c = { 0 };
	enum rota_err err;

	ROTA_TRY(start(&c, token, so_pin_file, why));
	err = ask(&c, &question, open_deadline(token), &answer, why);
	for (size_t i = 0; err == ROTA_OK && i < key_count; i++)
		err = ask_key(&c, MESSAGE_GENERATE, keys[i], NULL, &answer, why);
	hang_up(&c);
	return err;
}
