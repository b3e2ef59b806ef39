/* SPDX-License-Identifier: Apache-2.0 */
/* The process that holds the module: set itself apart, then answer until the parent is gone. */
#include "ports/pkcs11/message.h"
#include "ports/pkcs11/module.h"
#include "ports/pkcs11/pin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct child {
	const struct rota_pkcs11_token *token;
	const char *so_pin_file;
	struct module module;
};

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

static enum rota_err prepare(struct child *c, struct rota_fail *why)
{
	if (chdir(c->token->dir) != 0)
		return rota_fail_errno(why, errno, "cannot enter %s", c->token->dir);
	if (c->token->environment)
		ROTA_TRY(set_environment(c->token->environment, why));
	return module_load(&c->module, c->token->module, why);
}

static enum rota_err login(struct child *c, struct rota_fail *why)
{
	struct pin pin;
	enum rota_err err = pin_get(&pin, c->token->pin_file, c->token->name, why);

	if (err == ROTA_OK)
		err = module_login(&c->module, c->token->label, &pin, why);
	pin_wipe(&pin);
	return err;
}

static enum rota_err init_token(struct child *c, struct rota_fail *why)
{
	struct pin so_pin, pin;
	enum rota_err err = pin_get(&so_pin, c->so_pin_file, c->token->name, why);

	if (err == ROTA_OK)
		err = pin_get(&pin, c->token->pin_file, c->token->name, why);
	else
		memset(&pin, 0, sizeof(pin));
	if (err == ROTA_OK)
		err = module_init_token(&c->module, c->token->label, &so_pin, &pin, why);
	pin_wipe(&so_pin);
	pin_wipe(&pin);
	return err;
}

static enum rota_err serve(
	struct child *c, const struct message_ask *ask, struct message_answer *answer)
{
	struct rota_fail *why = &answer->why;

	switch ((enum message_op)ask->op) {
	case MESSAGE_OPEN:
		ROTA_TRY(prepare(c, why));
		return login(c, why);
	case MESSAGE_CREATE:
		ROTA_TRY(prepare(c, why));
		ROTA_TRY(init_token(c, why));
		return login(c, why);
	case MESSAGE_GENERATE:
		return module_generate(&c->module, ask->key, why);
	case MESSAGE_PUBLIC:
		return module_public(&c->module, ask->key, answer->data, why);
	case MESSAGE_SIGN:
		return module_sign(&c->module, ask->key, ask->digest, answer->data, why);
	}
	return rota_fail(why, ROTA_ERR_ARGUMENT, "unknown request");
}

static void set_apart(void)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
}

_Noreturn void rota_pkcs11_child(
	int fd, const struct rota_pkcs11_token *token, const char *so_pin_file)
{
	struct child c = { .token = token, .so_pin_file = so_pin_file };
	struct message_ask ask;
	struct message_answer answer;

	set_apart();
	while (recv(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask)) {
		memset(&answer, 0, sizeof(answer));
		ask.key[sizeof(ask.key) - 1] = 0;
		answer.why.err = serve(&c, &ask, &answer);
		if (send(fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
			break;
	}
	if (c.module.f)
		c.module.f->C_Finalize(NULL);
	_exit(0);
}
