/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/policy_parts.h"
#include "host/notary/refusal.h"
#include "host/notary/rows.h"
#include "host/sign/duty.h"
#include "rota/trust/path.h"

#include <stdlib.h>
#include <string.h>

const char *policy_next_word(const char *at, size_t *len)
{
	at += strspn(at, " \t");
	*len = strcspn(at, " \t");
	return at;
}

bool policy_has_word(const char *words, const char *word)
{
	size_t len;

	for (words = policy_next_word(words, &len); len;
		words = policy_next_word(words + len, &len))
		if (len == strlen(word) && strncmp(words, word, len) == 0)
			return true;
	return false;
}

void rota_policy_free(struct rota_policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->scope_count; i++)
		rota_authdir_free(&p->scopes[i]);
	for (size_t i = 0; i < p->path_count; i++)
		free(p->paths[i]);
	rota_ini_free(&p->ini);
	free(p);
}

void rota_policy_digest(const struct rota_policy *p, uint8_t out[static ROTA_DIGEST_LEN])
{
	memcpy(out, p->digest, ROTA_DIGEST_LEN);
}

const struct rota_policy_daemon *rota_policy_daemon(const struct rota_policy *p)
{
	return &p->daemon;
}

const struct rota_policy_log *rota_policy_log(const struct rota_policy *p)
{
	return &p->log;
}

const struct rota_authdir *rota_policy_scope_at(const struct rota_policy *p, size_t n)
{
	return n < p->scope_count ? &p->scopes[n] : NULL;
}

const struct rota_authdir *rota_policy_scope(const struct rota_policy *p, const char *scope)
{
	for (size_t i = 0; i < p->scope_count; i++)
		if (strcmp(p->scopes[i].product, scope) == 0)
			return &p->scopes[i];
	return NULL;
}

const struct rota_rule *rota_policy_rule(const struct rota_policy *p, const char *name)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (strcmp(p->rules[i].name, name) == 0)
			return &p->rules[i];
	return NULL;
}

const struct rota_officer *rota_policy_officer(
	const struct rota_policy *p, const uint8_t keyid[static ROTA_DIGEST_LEN])
{
	for (size_t i = 0; i < p->officer_count; i++)
		if (memcmp(p->officers[i].id, keyid, ROTA_DIGEST_LEN) == 0)
			return &p->officers[i];
	return NULL;
}

const struct rota_named_key *rota_policy_builders(const struct rota_policy *p, size_t *count)
{
	*count = p->builder_count;
	return p->builders;
}

bool rota_policy_approves(const struct rota_rule *rule, const char *officer)
{
	return policy_has_word(rule->approvers, officer);
}

bool rota_policy_path(const struct rota_rule *rule, const char *path)
{
	const struct rota_duty *duty = rota_duty_find(rule->role);
	const char *at = rule->paths;
	size_t len;

	if (!duty || !duty->paths ||
		!rota_path_match(rota_span_cstr(duty->paths), rota_span_cstr(path)))
		return false;
	if (!at)
		return true;
	for (at = policy_next_word(at, &len); len; at = policy_next_word(at + len, &len))
		if (rota_path_match(rota_span(at, len), rota_span_cstr(path)))
			return true;
	return false;
}

bool rota_policy_issues(const char *role)
{
	return strcmp(role, "device-ca") == 0 || strcmp(role, "operational-ca") == 0;
}

bool rota_policy_is_authoritys(enum rota_ask_kind kind)
{
	return kind == ROTA_ASK_CERTIFICATE || kind == ROTA_ASK_REVOKE || kind == ROTA_ASK_CRL ||
		kind == ROTA_ASK_OCSP;
}

bool rota_policy_keeps(const char *role)
{
	return strcmp(role, ROTA_ROWS_ROLE) == 0;
}

bool rota_policy_lets(const struct rota_policy *p, struct rota_span scope, struct rota_span role,
	enum rota_ask_kind kind)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rota_rule *r = &p->rules[i];

		if (rota_span_eq(scope, rota_span_cstr(r->scope)) &&
			rota_span_eq(role, rota_span_cstr(r->role)) &&
			policy_has_word(r->kinds, rota_ask_word(kind)))
			return true;
	}
	return false;
}

const struct rota_policy_urls *rota_policy_urls(const struct rota_policy *p, const char *scope)
{
	static const struct rota_policy_urls none;

	for (size_t i = 0; i < p->scope_count; i++)
		if (strcmp(p->scopes[i].product, scope) == 0)
			return &p->urls[i];
	return &none;
}

const struct rota_policy_registry *rota_policy_registry(
	const struct rota_policy *p, const char *scope)
{
	if (!rota_policy_lets(p, rota_span_cstr(scope), ROTA_STR(ROTA_ROWS_ROLE), ROTA_ASK_ROWS))
		return NULL;
	for (size_t i = 0; i < p->registry_count; i++)
		if (strcmp(p->registries[i].scope, scope) == 0)
			return &p->registries[i];
	return NULL;
}

const char *rota_policy_party(enum rota_ask_kind kind, const char *role)
{
	if (kind == ROTA_ASK_CERTIFICATE || kind == ROTA_ASK_CRL || kind == ROTA_ASK_OCSP)
		return role;
	if (kind == ROTA_ASK_METADATA)
		return role;
	if (kind == ROTA_ASK_IMAGE)
		return strcmp(role, "ci") == 0 ? "ci-image" : "image";
	if (kind == ROTA_ASK_BUILD)
		return "builder";
	return kind == ROTA_ASK_TIME || kind == ROTA_ASK_TICKET ? "time" : NULL;
}

bool rota_policy_signs(const struct rota_policy *p, const char *scope, const char *party)
{
	for (size_t i = 0; i < p->rule_count; i++)
		for (size_t k = 0; k < ROTA_ASK_KINDS; k++) {
			const struct rota_rule *r = &p->rules[i];
			const char *name = rota_policy_party((enum rota_ask_kind)k, r->role);

			if (name && strcmp(name, party) == 0 && strcmp(r->scope, scope) == 0 &&
				policy_has_word(r->kinds, rota_ask_word((enum rota_ask_kind)k)))
				return true;
		}
	return false;
}

static bool same_identity(const struct rota_identity *a, const struct rota_identity *b)
{
	if (a->remote != b->remote)
		return false;
	return a->remote ? memcmp(a->spki, b->spki, ROTA_DIGEST_LEN) == 0 : a->uid == b->uid;
}

enum rota_err rota_policy_client(const struct rota_policy *p, const struct rota_identity *who,
	const char **client, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];

	if (who->refused)
		return rota_refuse(why, ROTA_REFUSED_IDENTITY, "%s", who->refused);
	for (size_t i = 0; i < p->client_count; i++)
		if (same_identity(&p->clients[i].who, who)) {
			*client = p->clients[i].name;
			return ROTA_OK;
		}
	if (!who->remote)
		return rota_refuse(why, ROTA_REFUSED_IDENTITY,
			"no [client] of signd.ini has uid %u", (unsigned)who->uid);
	rota_hex(ROTA_SPAN(who->spki), hex);
	return rota_refuse(
		why, ROTA_REFUSED_IDENTITY, "no [client] of signd.ini has the key %s", hex);
}

const struct rota_rule *rota_policy_brings(
	const struct rota_policy *p, const struct rota_identity *who, const char *scope)
{
	const char *client;
	struct rota_fail why;

	if (rota_policy_client(p, who, &client, &why) != ROTA_OK)
		return NULL;
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rota_rule *r = &p->rules[i];

		if (strcmp(r->who, client) == 0 && strcmp(r->scope, scope) == 0 &&
			(strcmp(r->role, "ci") == 0 ||
				policy_has_word(r->kinds, rota_ask_word(ROTA_ASK_IMAGE))))
			return r;
	}
	return NULL;
}

enum rota_err rota_policy_find(const struct rota_policy *p, const struct rota_identity *who,
	const struct rota_ask *ask, const struct rota_rule **rule, const char **client,
	struct rota_fail *why)
{
	bool role = false;

	*rule = NULL;
	ROTA_TRY(rota_policy_client(p, who, client, why));
	for (size_t i = 0; i < p->rule_count && !*rule; i++) {
		const struct rota_rule *one = &p->rules[i];

		if (strcmp(one->who, *client) != 0 || strcmp(one->scope, ask->scope) != 0 ||
			strcmp(one->role, ask->role) != 0)
			continue;
		role = true;
		if (policy_has_word(one->kinds, rota_ask_word(ask->kind)))
			*rule = one;
	}
	if (*rule)
		return ROTA_OK;
	return rota_refuse(why, role ? ROTA_REFUSED_KIND : ROTA_REFUSED_ROLE,
		"no [rule] lets client %s ask for %s of role %s of %s", *client,
		rota_ask_word(ask->kind), ask->role, ask->scope);
}
