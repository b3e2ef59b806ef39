/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/pkcs11.h"
#include "ports/pkcs11/holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A smart card takes up to a few seconds per key. */
#define DEADLINE_MS 30000
/* The holder knows its own deadline; this much later it is not running at all. */
#define GRACE_MS 2000
#define RETRY_MS 1000

struct client {
	char name[64];
	int fd;
	pid_t pid;
	uint64_t tag;
	size_t key_count;
	struct rota_pool_key keys[];
};

static enum rota_err find(struct client *c, const char *label, size_t *at, struct rota_fail *why)
{
	for (*at = 0; *at < c->key_count; ++*at)
		if (strcmp(c->keys[*at].label, label) == 0) {
			*why = c->keys[*at].why;
			return why->err;
		}
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"token %s, key %s: not one of the keys that it was opened for", c->name, label);
}

static enum rota_err client_public(
	void *ctx, const char *key, uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct client *c = ctx;
	size_t at = 0;

	ROTA_TRY(find(c, key, &at, why));
	memcpy(out, c->keys[at].point, ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

static enum rota_err wait_done(struct client *c, struct rota_pool_done *done, struct rota_fail *why)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&p, 1, DEADLINE_MS + GRACE_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0) {
		kill(c->pid, SIGKILL);
		return rota_fail(why, ROTA_ERR_TIMEOUT, "token %s: no answer within %d s", c->name,
			DEADLINE_MS / 1000);
	}
	if (!rota_pool_take_one(c->fd, done) || done->tag != c->tag)
		return rota_fail(why, ROTA_ERR_IO,
			"token %s: the process with its PKCS#11 module died", c->name);
	return ROTA_OK;
}

static enum rota_err client_sign(void *ctx, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why)
{
	struct client *c = ctx;
	struct rota_pool_order order = { .tag = ++c->tag };
	struct rota_pool_done done;
	size_t at = 0;

	ROTA_TRY(find(c, key, &at, why));
	order.key = (uint32_t)at;
	memcpy(order.digest, digest, sizeof(order.digest));
	if (send(c->fd, &order, sizeof(order), MSG_NOSIGNAL) != (ssize_t)sizeof(order))
		return rota_fail(why, ROTA_ERR_IO, "token %s: its process has ended", c->name);
	ROTA_TRY(wait_done(c, &done, why));
	if (done.err != ROTA_OK)
		return rota_fail(why, (enum rota_err)done.err, "%s", done.text);
	memcpy(sig, done.sig, ROTA_P256_SIG_LEN);
	return ROTA_OK;
}

static void client_close(void *ctx)
{
	struct client *c = ctx;

	holder_end(c->fd, c->pid);
	free(c);
}

static struct client *make_client(
	const struct rota_pkcs11_token *token, const char *const *keys, size_t key_count)
{
	struct client *c = calloc(1, sizeof(*c) + key_count * sizeof(c->keys[0]));

	if (!c)
		abort();
	snprintf(c->name, sizeof(c->name), "%s", token->name);
	c->key_count = key_count;
	for (size_t i = 0; i < key_count; i++)
		c->keys[i].label = keys[i];
	return c;
}

enum rota_err rota_pkcs11_open(const struct rota_pkcs11_token *token, const char *const *keys,
	size_t key_count, struct rota_signer *out, struct rota_fail *why)
{
	struct client *c = make_client(token, keys, key_count);
	const struct rota_pool_plan plan = { .token = token,
		.keys = c->keys,
		.key_count = key_count,
		.threads = 1,
		.deadline_ms = DEADLINE_MS,
		.retry_ms = RETRY_MS };
	enum rota_err err;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(c);
		return rota_fail_errno(why, errno, "token %s: socketpair", token->name);
	}
	err = rota_pkcs11_pool(&plan, pair[1], pair[1], &c->pid, why);
	close(pair[1]);
	c->fd = pair[0];
	if (err != ROTA_OK) {
		close(c->fd);
		free(c);
		return err;
	}
	*out = (struct rota_signer){
		.ctx = c, .public_key = client_public, .sign = client_sign, .close = client_close
	};
	return ROTA_OK;
}

struct creation {
	const struct rota_pkcs11_token *token;
	const char *so_pin_file;
	const char *const *keys;
	size_t key_count;
};

static enum rota_err init_token(
	const struct creation *plan, struct module *m, struct rota_fail *why)
{
	struct pin so_pin, pin = { .len = 0 };
	enum rota_err err = pin_get(&so_pin, plan->so_pin_file, plan->token->name, why);

	if (err == ROTA_OK)
		err = pin_get(&pin, plan->token->pin_file, plan->token->name, why);
	if (err == ROTA_OK)
		err = module_init_token(m, plan->token->label, &so_pin, &pin, why);
	pin_wipe(&so_pin);
	pin_wipe(&pin);
	return err;
}

static enum rota_err create(const struct creation *plan, struct module *m, struct rota_fail *why)
{
	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	ROTA_TRY(holder_load(m, plan->token, why));
	ROTA_TRY(init_token(plan, m, why));
	ROTA_TRY(holder_login(m, plan->token, 0, why));
	for (size_t i = 0; i < plan->key_count; i++)
		if (module_generate(m, plan->keys[i], why) != ROTA_OK)
			return rota_fail_in(why, "key %s", plan->keys[i]);
	return ROTA_OK;
}

static void creator_run(const struct holder_fds *fds, const void *plan)
{
	struct module m = { 0 };
	struct rota_fail why = { 0 };

	why.err = create(plan, &m, &why);
	module_end(&m);
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
}

enum rota_err rota_pkcs11_create(const struct rota_pkcs11_token *token, const char *so_pin_file,
	const char *const *keys, size_t key_count, struct rota_fail *why)
{
	const struct creation plan = { token, so_pin_file, keys, key_count };

	return holder_once(token, creator_run, &plan, NULL, why);
}
