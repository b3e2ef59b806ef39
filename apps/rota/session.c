/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/session.h"
#include "apps/rota/slots.h"
#include "host/base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *verb = "";

/* Longer than any verb that signs takes with its hands off the keyboard. */
#define LOCK_WAIT_S 20
#define KEYS_MAX ((size_t)ROTA_PARTIES_MAX * ROTA_SIGNERS_MAX)

/* The keys that parties have on this token, each once. */
static size_t find_keys(const struct rota_authdir *dir, const struct rota_token *token,
	const char *keys[static KEYS_MAX])
{
	size_t count = 0;

	for (size_t p = 0; p < dir->party_count; p++)
		for (size_t s = 0; s < dir->parties[p].seat_count; s++) {
			const struct rota_seat *seat = &dir->parties[p].seats[s];
			size_t at = 0;

			while (at < count && strcmp(keys[at], seat->key) != 0)
				at++;
			if (seat->token == token && at == count)
				keys[count++] = seat->key;
		}
	return count;
}

struct rota_pkcs11_token session_token(
	const struct rota_authdir *dir, const struct rota_token *token)
{
	return (struct rota_pkcs11_token){ .name = token->name,
		.dir = dir->dir,
		.module = token->module,
		.label = token->label,
		.pin_file = token->pin_file,
		.environment = token->environment };
}

static enum rota_err open_token(
	void *ctx, const struct rota_token *token, struct rota_signer *out, struct rota_fail *why)
{
	const struct rota_pkcs11_token pkcs11 = session_token(ctx, token);
	const char *keys[KEYS_MAX];

	return rota_pkcs11_open(&pkcs11, keys, find_keys(ctx, token, keys), out, why);
}

struct rota_opener session_opener(const struct rota_authdir *dir)
{
	return (struct rota_opener){ .ctx = (void *)(uintptr_t)dir, .open = open_token };
}

void session_set_verb(const char *name)
{
	verb = name;
}

static const char *reason(void)
{
	static char text[64];
	const char *env = getenv("ROTA_REASON");

	snprintf(text, sizeof(text), "rota %s", verb);
	return env && *env ? env : text;
}

static enum rota_err start_daemon(void *ctx, struct rota_fail *why)
{
	struct session *s = ctx;

	if (daemon_is_ours(s->dir.dir))
		return daemon_start(&s->daemon, s->dir.dir, s->dir.signd, why);
	return rota_fail(
		why, ROTA_ERR_NET, "no signing daemon at %s; start rota-signd", s->dir.signd);
}

enum rota_err session_daemon(struct session *s)
{
	return rota_signd_is_remote(s->dir.signd) || daemon_listens(s->dir.signd)
		? ROTA_OK
		: start_daemon(s, &s->why);
}

enum rota_err session_open(struct session *s, const char *dir, enum session_lock lock)
{
	char path[ROTA_FILE_PATH_MAX];

	s->lock = -1;
	ROTA_TRY(rota_authdir_load(dir, &s->dir, &s->why));
	if (lock == SESSION_WRITE) {
		rota_authdir_path(&s->dir, "lock", path);
		if (rota_lock_take(path, LOCK_WAIT_S, &s->lock, &s->why) != ROTA_OK) {
			rota_authdir_free(&s->dir);
			return s->why.err;
		}
	}
	rota_tokens_init(&s->tokens, &s->dir, session_opener(&s->dir));
	rota_key_guard_init(&s->guard, &s->dir, &s->tokens);
	rota_proxy_init(&s->proxy, &s->dir, &s->tokens, reason());
	s->daemon = (struct daemon){ 0 };
	s->proxy.start = start_daemon;
	s->proxy.start_ctx = s;
	s->notary = rota_proxy_notary(&s->proxy);
	s->slots = slots_opener(&s->dir);
	s->desk = (struct rota_desk){ .dir = &s->dir,
		.tokens = &s->tokens,
		.notary = &s->notary,
		.now = rota_when_now(),
		.slots = &s->slots };
	if (lock == SESSION_WRITE && rota_proxy_settle(&s->proxy, &s->desk, &s->why) != ROTA_OK) {
		session_drop(s);
		return s->why.err;
	}
	if (s->proxy.unkept.err != ROTA_OK)
		fprintf(stderr, "rota: %s\n", s->proxy.unkept.text);
	return ROTA_OK;
}

void session_by_hand(struct session *s)
{
	s->notary = rota_notary_at_hand(&s->tokens);
}

void session_drop(struct session *s)
{
	rota_proxy_close(&s->proxy);
	daemon_stop(&s->daemon);
	rota_tokens_close(&s->tokens);
	rota_key_guard_close(&s->guard);
	rota_authdir_free(&s->dir);
	if (s->lock >= 0)
		close(s->lock);
}

int session_close(struct session *s, enum rota_err err)
{
	session_drop(s);
	return err == ROTA_OK ? 0 : say_fail(&s->why);
}

int say_fail(const struct rota_fail *why)
{
	fprintf(stderr, "rota: %s\n", why->text);
	return 1;
}

enum rota_err session_confirm(struct session *s, bool yes, const char *question)
{
	char answer[16];

	if (yes)
		return ROTA_OK;
	if (!isatty(STDIN_FILENO))
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"nobody is at the terminal to be asked; a script says --yes");
	fprintf(stderr, "%s Type yes: ", question);
	if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_DENIED, "nothing was done");
}
