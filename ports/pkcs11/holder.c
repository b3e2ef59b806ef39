/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/holder.h"

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

/* A smart card takes up to a few seconds to open; somebody who types a PIN, longer. */
#define OPEN_MS 30000
#define OPEN_PROMPT_MS 180000
/* How long a module may take to finish once its parent has hung up. */
#define GOODBYE_MS 2000
/* Where a child finds its descriptors, and where they lie on their way there: beyond all of them. */
#define FD_FIRST 3
#define FD_APART 16

/* The descriptors as 3 to 6, all others closed. */
static struct holder_fds keep_only(const struct holder_fds *fds)
{
	const int given[] = { fds->report, fds->in, fds->out, fds->keeper ? fds->keeper : -1 };
	int kept[4], next = FD_FIRST;

	for (int i = 0; i < 4; i++)
		kept[i] = given[i] < 0 ? -1 : fcntl(given[i], F_DUPFD, FD_APART);
	for (int i = 0; i < 4; i++)
		if (kept[i] >= 0)
			kept[i] = dup2(kept[i], next++);
	close_range((unsigned)next, ~0U, 0);
	return (struct holder_fds){ kept[0], kept[1], kept[2], kept[3] < 0 ? 0 : kept[3] };
}

enum rota_err holder_fork(const struct holder_fds *fds,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, pid_t *pid,
	struct rota_fail *why)
{
	fflush(NULL);
	*pid = fork();
	if (*pid == 0) {
		const struct holder_fds own = keep_only(fds);

		run(&own, plan);
		_exit(0);
	}
	return *pid > 0 ? ROTA_OK : rota_fail_errno(why, errno, "fork");
}

/* "NAME=VALUE NAME=VALUE": what the module reads from its environment. */
static enum rota_err set_environment(const char *list, struct rota_fail *why)
{
	char *copy = strdup(list), *rest = copy, *one;
	enum rota_err err = ROTA_OK;

	while (copy && (one = strsep(&rest, " ")) != NULL) {
		char *value = strchr(one, '=');

		if (!*one)
			continue;
		if (!value || value == one) {
			err = rota_fail(
				why, ROTA_ERR_FORMAT, "environment '%s' is not NAME=VALUE", one);
			break;
		}
		*value++ = 0;
		setenv(one, value, 1);
	}
	free(copy);
	return err;
}

enum rota_err holder_load(
	struct module *m, const struct rota_pkcs11_token *token, struct rota_fail *why)
{
	if (chdir(token->dir) != 0)
		return rota_fail_errno(why, errno, "cannot enter %s", token->dir);
	if (token->environment)
		ROTA_TRY(set_environment(token->environment, why));
	return module_load(m, token->module, why);
}

static enum rota_err login_handed(
	struct module *m, const struct rota_pkcs11_token *token, int keeper, struct rota_fail *why)
{
	struct pin_pair pair;
	enum rota_err err;

	ROTA_TRY(pin_hear(&pair, keeper, why));
	err = module_login(m, token->label, &pair.user, why);
	pin_pair_wipe(&pair);
	return err;
}

enum rota_err holder_login(
	struct module *m, const struct rota_pkcs11_token *token, int keeper, struct rota_fail *why)
{
	struct pin pin;
	enum rota_err err;

	if (token->handed)
		return login_handed(m, token, keeper, why);
	err = pin_get(&pin, token->pin_file, token->name, why);
	if (err == ROTA_OK)
		err = module_login(m, token->label, &pin, why);
	pin_wipe(&pin);
	return err;
}

void holder_end(int fd, pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	close(fd);
	for (int waited = 0; waited < GOODBYE_MS; waited += 5) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static enum rota_err hear(int report, int deadline_ms, struct rota_fail *why)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	struct rota_fail said;
	int ready;

	do
		ready = poll(&p, 1, deadline_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return rota_fail(
			why, ROTA_ERR_TIMEOUT, "no answer within %d s", deadline_ms / 1000);
	if (recv(report, &said, sizeof(said), 0) != (ssize_t)sizeof(said))
		return rota_fail(why, ROTA_ERR_IO, "the process with its PKCS#11 module died");
	*why = said;
	why->text[sizeof(why->text) - 1] = 0;
	return why->err;
}

enum rota_err holder_wait(
	int report, pid_t pid, const struct rota_pkcs11_token *token, struct rota_fail *why)
{
	bool prompts = !token->handed && (!token->pin_file || !*token->pin_file);

	if (hear(report, prompts ? OPEN_PROMPT_MS : OPEN_MS, why) == ROTA_OK)
		return ROTA_OK;
	if (why->err == ROTA_ERR_TIMEOUT)
		kill(pid, SIGKILL);
	return rota_fail_in(why, "token %s", token->name);
}

/* It comes right behind the report, and the child says no more. */
static enum rota_err take_key(int report, struct holder_key *key, struct rota_fail *why)
{
	if (recv(report, key, sizeof(*key), 0) == (ssize_t)sizeof(*key))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_IO, "the process with its PKCS#11 module died");
}

enum rota_err holder_once(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan,
	struct holder_key *key, struct rota_fail *why)
{
	return holder_with(token, run, plan, -1, key, key != NULL, why);
}

enum rota_err holder_with(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, int in,
	struct holder_key *keys, size_t key_count, struct rota_fail *why)
{
	struct holder_fds fds = { .in = in, .out = -1 };
	enum rota_err err;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return rota_fail_errno(why, errno, "token %s: socketpair", token->name);
	fds.report = pair[1];
	err = holder_fork(&fds, run, plan, &pid, why);
	close(pair[1]);
	if (err != ROTA_OK) {
		close(pair[0]);
		return rota_fail_in(why, "token %s", token->name);
	}
	err = holder_wait(pair[0], pid, token, why);
	for (size_t i = 0; err == ROTA_OK && i < key_count; i++)
		err = take_key(pair[0], &keys[i], why);
	holder_end(pair[0], pid);
	return err;
}

enum rota_err holder_open(const struct rota_pkcs11_token *token,
	void (*run)(const struct holder_fds *fds, const void *plan), const void *plan, int *fd,
	pid_t *pid, struct rota_fail *why)
{
	struct holder_fds fds = { .out = -1 };
	int orders[2], report[2];
	enum rota_err err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders) != 0)
		return rota_fail_errno(why, errno, "token %s: socketpair", token->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) != 0) {
		(void)rota_fail_errno(why, errno, "token %s: socketpair", token->name);
		close(orders[0]);
		close(orders[1]);
		return why->err;
	}
	fds.report = report[1];
	fds.in = orders[1];
	*fd = orders[0];
	err = holder_fork(&fds, run, plan, pid, why);
	close(report[1]);
	close(orders[1]);
	if (err == ROTA_OK) {
		err = holder_wait(report[0], *pid, token, why);
		if (err != ROTA_OK)
			holder_end(*fd, *pid);
	} else {
		close(*fd);
	}
	close(report[0]);
	return err;
}
