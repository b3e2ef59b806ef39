/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/offices.h"
#include "apps/rota-signd/turn.h"
#include "host/base/when.h"
#include "host/notary/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- making ---- */

/* Whether names in a token's settings mean the same for each scope: none is relative to its directory. */
static bool is_absolute(const struct rota_token *t)
{
	const char *value = t->environment;

	if (!t->pin_file || t->pin_file[0] != '/')
		return false;
	while (value && (value = strchr(value, '=')) != NULL)
		if (*++value != '/')
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Several scopes may have their keys in one token: it has one holder. */
static bool same_token(const struct rota_token *a, const struct rota_token *b)
{
	return a == b ||
		(is_absolute(a) && same_text(a->module, b->module) &&
			same_text(a->label, b->label) && same_text(a->pin_file, b->pin_file) &&
			same_text(a->environment, b->environment));
}

static struct holder *holder_of(
	struct plan *p, const struct rota_authdir *scope, const struct rota_token *token)
{
	struct holder *h;

	for (size_t i = 0; i < p->holder_count; i++)
		if (same_token(p->holders[i].token, token))
			return &p->holders[i];
	if (p->holder_count == HOLDERS_MAX)
		return NULL;
	h = &p->holders[p->holder_count++];
	h->scope = scope;
	h->token = token;
	return h;
}

struct holder *plan_add(struct plan *p, const struct rota_authdir *scope)
{
	struct holder *h;

	if (p->holder_count == HOLDERS_MAX)
		return NULL;
	h = &p->holders[p->holder_count++];
	h->scope = scope;
	h->token = scope->slot_token;
	return h;
}

static enum rota_err hold_seat(
	struct holder *h, const struct rota_seat *seat, struct rota_fail *why)
{
	for (size_t i = 0; i < h->key_count; i++)
		if (strcmp(h->keys[i].label, seat->key) == 0)
			return ROTA_OK;
	if (h->key_count == ROTA_POOL_KEYS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "token %s: more than %d keys",
			seat->token->name, ROTA_POOL_KEYS_MAX);
	h->keys[h->key_count++].label = seat->key;
	return ROTA_OK;
}

static enum rota_err hold_party(struct plan *p, const struct rota_authdir *scope,
	const struct rota_party *party, struct rota_fail *why)
{
	for (size_t i = 0; i < party->seat_count; i++) {
		const struct rota_seat *seat = &party->seats[i];
		struct holder *h;

		if (!seat->token->online)
			continue;
		h = holder_of(p, scope, seat->token);
		if (!h)
			return rota_fail(
				why, ROTA_ERR_LIMIT, "more than %d online tokens", HOLDERS_MAX);
		ROTA_TRY(hold_seat(h, seat, why));
	}
	return ROTA_OK;
}

/* The key of checkpoints signs nothing else, whether or not a rule is for what it would sign. */
static enum rota_err judge_log_key(
	const struct plan *p, const struct rota_party *party, struct rota_fail *why)
{
	for (size_t i = 0; i < party->seat_count; i++) {
		const struct rota_seat *seat = &party->seats[i];

		if (same_token(seat->token, p->log.token) &&
			strcmp(seat->key, p->log.keys[0].label) == 0)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"[log] key: key %s of token %s signs for %s: one key signs one "
				"thing; make "
				"another for the log (rota keys make --use log)",
				seat->key, seat->token->name, party->name);
	}
	return ROTA_OK;
}

static enum rota_err hold_log_key(
	struct plan *p, const struct rota_policy_log *log, struct rota_fail *why)
{
	p->log.scope = rota_policy_scope_at(p->policy, 0);
	p->log.token = log->key.token;
	if (!log->key.token->online)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"[log] key: token %s is not online in rota.ini of %s, and checkpoints are "
			"signed by the second",
			log->key.token->name, p->log.scope->product);
	return hold_seat(&p->log, &log->key, why);
}

static void fill_port(struct holder *h)
{
	h->port = (struct rota_pkcs11_token){ .name = h->token->name,
		.dir = h->scope->dir,
		.module = h->token->module,
		.label = h->token->label,
		.pin_file = h->token->pin_file,
		.environment = h->token->environment };
}

static enum rota_err find_users(struct plan *p, struct rota_fail *why)
{
	struct rota_daemon_users users;

	ROTA_TRY(rota_daemon_users(p->policy, &users, why));
	p->user[PLAN_PARSER] = users.user[ROTA_DAEMON_PARSER];
	p->user[PLAN_LOGGER] = users.user[ROTA_DAEMON_LOGGER];
	p->user[PLAN_HOLDER] = users.user[ROTA_DAEMON_HOLDER];
	p->drops = users.apart;
	return ROTA_OK;
}

enum rota_err plan_make(struct plan *p, struct rota_policy *policy, struct rota_fail *why)
{
	const struct rota_policy_log *log = rota_policy_log(policy);
	const struct rota_authdir *scope;

	memset(p, 0, sizeof(*p));
	p->policy = policy;
	ROTA_TRY(hold_log_key(p, log, why));
	for (size_t n = 0; (scope = rota_policy_scope_at(policy, n)) != NULL; n++)
		for (size_t i = 0; i < scope->party_count; i++) {
			ROTA_TRY(judge_log_key(p, &scope->parties[i], why));
			if (rota_policy_signs(policy, scope->product, scope->parties[i].name))
				ROTA_TRY(hold_party(p, scope, &scope->parties[i], why));
		}
	for (size_t i = 0; i < p->holder_count; i++)
		fill_port(&p->holders[i]);
	fill_port(&p->log);
	for (size_t n = 0; (scope = rota_policy_scope_at(policy, n)) != NULL; n++)
		p->registrar.wanted |= rota_policy_registry(policy, scope->product) != NULL;
	return find_users(p, why);
}

enum rota_err plan_load(const char *config, struct plan **out, struct rota_fail *why)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct rota_policy *policy = NULL;
	enum rota_err err;

	*out = NULL;
	if (!p)
		abort();
	err = rota_policy_load(config, &policy, why);
	if (err == ROTA_OK)
		err = plan_make(p, policy, why);
	if (err == ROTA_OK)
		turn_look(p, rota_when_now());
	p->policy = policy;
	if (err == ROTA_OK)
		*out = p;
	else
		plan_free(p);
	return err;
}

void plan_free(struct plan *p)
{
	for (size_t n = 0; p->guards && p->guards[n].keys.dir; n++)
		rota_key_guard_close(&p->guards[n].keys);
	free(p->guards);
	offices_close(p);
	for (size_t n = 0; n < p->turn_count; n++)
		free(p->turns[n].over);
	free(p->turns);
	rota_policy_free(p->policy);
	free(p);
}

static enum rota_err pair(int fds[static 2], struct rota_fail *why)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "socketpair");
}

enum rota_err plan_connect(struct plan *p, struct rota_fail *why)
{
	for (size_t i = 0; i < p->holder_count; i++) {
		ROTA_TRY(pair(p->holders[i].order, why));
		ROTA_TRY(pair(p->holders[i].answer, why));
	}
	if (p->registrar.wanted) {
		ROTA_TRY(pair(p->registrar.order, why));
		ROTA_TRY(pair(p->registrar.answer, why));
	}
	ROTA_TRY(pair(p->log.order, why));
	return pair(p->entries, why);
}

/* ---- asking ---- */

/* A slot's key is nobody's who is called so in rota.ini. */
static bool is_key(const struct holder *h, size_t key, const struct rota_seat *seat)
{
	return h->slot.version == 0 && strcmp(h->keys[key].label, seat->key) == 0 &&
		same_token(h->token, seat->token);
}

bool plan_find(const struct plan *p, const struct rota_seat *seat, size_t *holder, size_t *key)
{
	for (*holder = 0; *holder < p->holder_count; ++*holder)
		for (*key = 0; *key < p->holders[*holder].key_count; ++*key)
			if (is_key(&p->holders[*holder], *key, seat))
				return true;
	return false;
}

static size_t scope_count(const struct plan *p)
{
	size_t n = 0;

	while (rota_policy_scope_at(p->policy, n))
		n++;
	return n;
}

static void make_guards(struct plan *p)
{
	size_t count = scope_count(p);

	p->guards = calloc(count + 1, sizeof(*p->guards));
	if (!p->guards)
		abort();
	for (size_t n = 0; n < count; n++)
		p->guards[n].keys.dir = rota_policy_scope_at(p->policy, n);
}

void plan_turn(struct plan *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
}

enum rota_err plan_may_sign(struct plan *p, const char *scope, const struct rota_seat *seat,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct plan_guard *g;
	bool folders;

	if (!p->guards)
		make_guards(p);
	for (g = p->guards; g->keys.dir && strcmp(g->keys.dir->product, scope) != 0;)
		g++;
	if (!g->keys.dir)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "no scope %s", scope);
	folders = p->now_ms == 0 || p->now_ms - g->at_ms >= PLAN_LOOK_MS;
	if (folders)
		g->at_ms = p->now_ms;
	rota_key_guard_renew(&g->keys, folders);
	return rota_key_guard_look(&g->keys, seat, point, why);
}

static bool is_word(struct rota_span span, const char *word)
{
	return rota_span_eq(span, rota_span_cstr(word));
}

static const struct rota_authdir *scope_of(const struct plan *p, const struct rota_leaf *leaf)
{
	const struct rota_authdir *dir;

	for (size_t n = 0; (dir = rota_policy_scope_at(p->policy, n)) != NULL; n++)
		if (is_word(leaf->scope, dir->product))
			break;
	return dir;
}

bool plan_is_scope(const struct plan *p, const struct rota_leaf *leaf)
{
	return scope_of(p, leaf) != NULL;
}

/* SPEC 23.6: each for its own role, in its time. */
static bool is_slots(const struct holder *h, const struct rota_leaf *leaf, size_t key)
{
	return is_word(leaf->scope, h->scope->product) && is_word(leaf->role, turn_roles[key]) &&
		turn_lasts(&h->slot, rota_when_now());
}

bool plan_is_seat(const struct plan *p, const struct rota_leaf *leaf, size_t holder, size_t key)
{
	const struct holder *h = &p->holders[holder];
	const struct rota_authdir *dir = scope_of(p, leaf);

	if (holder >= p->holder_count || key >= h->key_count || !dir)
		return false;
	if (h->slot.version != 0)
		return is_slots(h, leaf, key);
	for (size_t i = 0; i < dir->party_count; i++) {
		const struct rota_party *party = &dir->parties[i];

		for (size_t s = 0; is_word(leaf->role, party->name) && s < party->seat_count; s++)
			if (is_key(h, key, &party->seats[s]))
				return true;
	}
	return false;
}

const struct rota_user *plan_user(const struct plan *p, enum plan_process process)
{
	return p->drops ? &p->user[process == PLAN_REGISTRAR ? PLAN_HOLDER : process] : NULL;
}

static void drop(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

static void keep_registrars(struct plan *p, enum plan_process process)
{
	struct plan_registrar *r = &p->registrar;

	if (process != PLAN_REGISTRAR) {
		drop(&r->order[0]);
		drop(&r->answer[0]);
	}
	if (process != PLAN_LOGGER)
		drop(&r->order[1]);
	if (process != PLAN_PARSER)
		drop(&r->answer[1]);
}

void plan_keep(struct plan *p, enum plan_process process)
{
	for (size_t i = 0; i < p->holder_count; i++) {
		drop(&p->holders[i].order[0]);
		drop(&p->holders[i].answer[0]);
		if (process != PLAN_LOGGER)
			drop(&p->holders[i].order[1]);
		if (process != PLAN_PARSER)
			drop(&p->holders[i].answer[1]);
	}
	drop(&p->log.order[0]);
	keep_registrars(p, process);
	if (process == PLAN_HOLDER || process == PLAN_REGISTRAR)
		offices_forget(p);
	if (process != PLAN_LOGGER) {
		drop(&p->log.order[1]);
		drop(&p->entries[0]);
	}
	if (process != PLAN_PARSER) {
		drop(&p->entries[1]);
		drop(&p->listener);
		drop(&p->remote_listener);
	}
}
