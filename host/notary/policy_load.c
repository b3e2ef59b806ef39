/* SPDX-License-Identifier: Apache-2.0 */
/* signd.ini from its text: every setting known, every rule one that can sign. */
#include "host/base/when.h"
#include "host/notary/policy_parts.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rota_err wrong(const struct rota_policy *p, struct rota_fail *why, const char *section,
	const char *key, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] %s %s", p->ini.path, section, key, what);
}

/* "KIND NAME" of the n-th section of a kind, and NAME; false: there is none. */
static bool section_at(const struct rota_policy *p, const char *kind, size_t n,
	char section[static 64], const char **name)
{
	*name = rota_ini_section(&p->ini, kind, n);
	if (*name)
		snprintf(section, 64, "%s %s", kind, *name);
	return *name != NULL;
}

static enum rota_err load_flag(struct rota_policy *p, const char *section, const char *key,
	bool fallback, bool *out, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, key);

	*out = text ? strcmp(text, "yes") == 0 : fallback;
	if (!text || *out || strcmp(text, "no") == 0)
		return ROTA_OK;
	return wrong(p, why, section, key, "is neither yes nor no");
}

/* Relative names are below the folder of the file, which may be moved with what it names. */
static const char *path_of(struct rota_policy *p, const char *path)
{
	const char *slash = strrchr(p->ini.path, '/');
	char *real, *folder, *whole;

	if (!path || *path == '/')
		return path;
	folder = slash ? rota_text("%.*s/", (int)(slash - p->ini.path), p->ini.path)
		       : rota_text("./");
	real = realpath(folder, NULL);
	whole = rota_text("%s/%s", real ? real : folder, path);
	free(folder);
	free(real);
	p->paths[p->path_count++] = whole;
	return whole;
}

/* Who from afar is a client, and what `rota-signd --nginx` writes down for them. */
static enum rota_err load_remote(struct rota_policy *p, struct rota_fail *why)
{
	struct rota_policy_daemon *d = &p->daemon;
	const char *address = rota_ini_get(&p->ini, "remote", "address");
	uint64_t port;

	d->remote_socket = path_of(p, rota_ini_get(&p->ini, "daemon", "remote_socket"));
	d->nginx_user = rota_ini_get(&p->ini, "daemon", "nginx_user");
	d->client_ca = path_of(p, rota_ini_get(&p->ini, "remote", "client_ca"));
	d->crl = path_of(p, rota_ini_get(&p->ini, "remote", "crl"));
	d->certificate = path_of(p, rota_ini_get(&p->ini, "remote", "certificate"));
	d->key = path_of(p, rota_ini_get(&p->ini, "remote", "key"));
	d->address = address ? address : "*";
	ROTA_TRY(rota_ini_number(&p->ini, "remote", "port", 1, 65535, 8445, &port, why));
	d->port = (uint16_t)port;
	if (!d->remote_socket || (d->nginx_user && d->client_ca))
		return ROTA_OK;
	return wrong(p, why, "daemon", "remote_socket",
		"needs nginx_user, who alone may connect, and [remote] client_ca");
}

static enum rota_err load_daemon(struct rota_policy *p, struct rota_fail *why)
{
	struct rota_policy_daemon *d = &p->daemon;
	uint64_t threads;

	ROTA_TRY(rota_ini_need(&p->ini, "daemon", "state", &d->state, why));
	ROTA_TRY(rota_ini_need(&p->ini, "daemon", "socket", &d->socket, why));
	d->state = path_of(p, d->state);
	d->socket = path_of(p, d->socket);
	d->users = rota_ini_get(&p->ini, "daemon", "users");
	ROTA_TRY(rota_ini_number(&p->ini, "daemon", "threads", 1, 4, 2, &threads, why));
	d->threads = (unsigned)threads;
	ROTA_TRY(load_flag(p, "daemon", "lock", true, &d->lock, why));
	return load_remote(p, why);
}

/* Who may write it may sign; who may write a folder may put another file there. */
static enum rota_err check_owner(const char *path, struct rota_fail *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return rota_fail_errno(why, errno, "cannot look at %s", path);
	if ((st.st_uid == 0 || st.st_uid == geteuid()) &&
		((st.st_mode & 022) == 0 || (S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX)))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"%s may be written by others; let root own it, mode %s", path,
		S_ISDIR(st.st_mode) ? "0755" : "0644");
}

static enum rota_err check_config(const char *path, struct rota_fail *why)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? rota_text("%.*s/", (int)(slash - path), path) : rota_text(".");
	enum rota_err err = check_owner(folder, why);

	free(folder);
	if (err == ROTA_OK)
		err = check_owner(path, why);
	return err == ROTA_ERR_NOT_FOUND ? rota_fail(why, err, "there is no %s", path) : err;
}

/* A scope's rota.ini says which module has the PINs and how many sign, its anchor what is believed. */
static enum rota_err check_authority(const char *dir, struct rota_fail *why)
{
	static const char *const names[] = { ".", "rota.ini", "trust", "trust/root.json" };
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == ROTA_OK; i++) {
		char *path = rota_text("%s/%s", dir, names[i]);

		if (rota_file_exists(path))
			err = check_owner(path, why);
		free(path);
	}
	return err;
}

static enum rota_err load_scopes(struct rota_policy *p, struct rota_fail *why)
{
	char section[64];
	const char *name, *dir;

	for (size_t i = 0; section_at(p, "scope", i, section, &name); i++) {
		if (i == ROTA_POLICY_SCOPES_MAX)
			return wrong(p, why, section, "", "is one scope too many");
		ROTA_TRY(rota_ini_need(&p->ini, section, "authority", &dir, why));
		dir = path_of(p, dir);
		if (check_authority(dir, why) != ROTA_OK ||
			rota_authdir_load(dir, &p->scopes[i], why) != ROTA_OK)
			return rota_fail_in(why, "%s: [%s] authority", p->ini.path, section);
		p->scope_count++;
		if (strcmp(p->scopes[i].product, name) != 0)
			return wrong(p, why, section, "authority", "is of another product");
	}
	if (p->scope_count)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: there is no [scope PRODUCT]", p->ini.path);
}

/* TOKEN:KEY of the first scope. */
static enum rota_err load_seat(struct rota_policy *p, const char *key, const char *text,
	struct rota_seat *out, struct rota_fail *why)
{
	const struct rota_authdir *dir = &p->scopes[0];
	const char *colon = strchr(text, ':');

	for (size_t i = 0; colon && i < dir->token_count; i++)
		if (strlen(dir->tokens[i].name) == (size_t)(colon - text) &&
			strncmp(dir->tokens[i].name, text, (size_t)(colon - text)) == 0)
			out->token = &dir->tokens[i];
	if (out->token && colon[1] && strlen(colon + 1) < sizeof(out->key)) {
		snprintf(out->key, sizeof(out->key), "%s", colon + 1);
		return ROTA_OK;
	}
	return wrong(p, why, "log", key, "is not TOKEN:KEY with a token of the first scope");
}

static enum rota_err load_log(struct rota_policy *p, struct rota_fail *why)
{
	const char *text, *every = rota_ini_get(&p->ini, "log", "every");
	const char *origin = rota_ini_get(&p->ini, "log", "origin");
	const char *witnesses = rota_ini_get(&p->ini, "log", "witnesses");

	ROTA_TRY(rota_ini_need(&p->ini, "log", "key", &text, why));
	ROTA_TRY(load_seat(p, "key", text, &p->log.key, why));
	text = rota_ini_get(&p->ini, "log", "ed25519");
	if (text)
		ROTA_TRY(load_seat(p, "ed25519", text, &p->log.ed25519, why));
	p->log.witnesses = witnesses ? witnesses : "";
	if (origin && (strlen(origin) >= sizeof(p->log.origin) || strpbrk(origin, " +\t")))
		return wrong(p, why, "log", "origin", "is too long, or has a blank or +");
	if (origin)
		snprintf(p->log.origin, sizeof(p->log.origin), "%s", origin);
	else
		snprintf(p->log.origin, sizeof(p->log.origin), "%s.rota.invalid/log",
			p->scopes[0].product);
	p->log.every_s = 1;
	if (every && (!rota_duration_parse(every, &p->log.every_s) || p->log.every_s < 1))
		return wrong(p, why, "log", "every", "is no duration of a second or more");
	return ROTA_OK;
}

static enum rota_err load_clients(struct rota_policy *p, struct rota_fail *why)
{
	char section[64];
	const char *name;

	for (size_t i = 0; section_at(p, "client", i, section, &name); i++) {
		struct client *c = &p->clients[i];
		const char *uid = rota_ini_get(&p->ini, section, "uid");
		const char *spki = rota_ini_get(&p->ini, section, "spki");
		uint64_t number;

		if (i == ROTA_POLICY_SECTIONS_MAX || !uid == !spki)
			return wrong(p, why, section, "",
				uid ? "is too many, or has both uid and spki"
				    : "lacks uid = N, or spki = 64 hex digits");
		c->name = name;
		c->who.remote = spki != NULL;
		ROTA_TRY(rota_ini_number(
			&p->ini, section, "uid", 0, UINT32_MAX - 1, 0, &number, why));
		c->who.uid = (uid_t)number;
		if (spki && !rota_unhex(spki, ROTA_BUF(c->who.spki)))
			return wrong(p, why, section, "spki", "is not 64 hex digits");
		for (size_t k = 0; k < i; k++)
			if (c->who.remote == p->clients[k].who.remote &&
				c->who.uid == p->clients[k].who.uid &&
				memcmp(c->who.spki, p->clients[k].who.spki, ROTA_DIGEST_LEN) == 0)
				return wrong(p, why, section, "", "is another client's identity");
		p->client_count++;
	}
	return ROTA_OK;
}

/* A public key that is on the curve. */
static enum rota_err load_point(struct rota_policy *p, const char *section,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	const char *hex;
	EVP_PKEY *key;

	ROTA_TRY(rota_ini_need(&p->ini, section, "key", &hex, why));
	key = rota_unhex(hex, rota_buf(out, ROTA_P256_KEY_LEN)) ? rota_p256_pkey(out) : NULL;
	if (!key)
		return wrong(p, why, section, "key", "is no P-256 point of 130 hex digits");
	EVP_PKEY_free(key);
	return ROTA_OK;
}

static enum rota_err load_officers(struct rota_policy *p, struct rota_fail *why)
{
	char section[64], id[ROTA_DIGEST_HEX];
	const char *name;

	for (size_t i = 0; section_at(p, "officer", i, section, &name); i++) {
		struct rota_officer *o = &p->officers[i];

		if (i == ROTA_POLICY_SECTIONS_MAX)
			return wrong(p, why, section, "", "is one officer too many");
		o->name = name;
		ROTA_TRY(load_point(p, section, o->key, why));
		rota_p256_key_id(o->key, id);
		if (!rota_unhex(id, ROTA_BUF(o->id)))
			return ROTA_ERR_STATE; /* a key id is 64 digits */
		if (rota_policy_officer(p, o->id))
			return wrong(p, why, section, "key",
				"is another officer's; approvals count distinct people");
		p->officer_count++;
	}
	return ROTA_OK;
}

static enum rota_err load_builders(struct rota_policy *p, struct rota_fail *why)
{
	char section[64];
	const char *name;

	for (size_t i = 0; section_at(p, "builder", i, section, &name); i++) {
		if (i == ROTA_NAMED_KEYS_MAX)
			return wrong(p, why, section, "", "is one builder too many");
		p->builders[i].name = name;
		ROTA_TRY(load_point(p, section, p->builders[i].key, why));
		for (size_t k = 0; k < i; k++)
			if (memcmp(p->builders[i].key, p->builders[k].key, ROTA_P256_KEY_LEN) == 0)
				return wrong(p, why, section, "key", "is another builder's");
		p->builder_count++;
	}
	return ROTA_OK;
}

/* Every word is a kind, and what it asks for can be signed here. */
static enum rota_err check_kinds(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	const struct rota_authdir *dir = rota_policy_scope(p, r->scope);
	size_t known = 0, words = 0, len;
	const char *at = r->kinds;

	for (at = policy_next_word(at, &len); len; at = policy_next_word(at + len, &len))
		words++;
	for (size_t i = 0; i < ROTA_ASK_KINDS; i++) {
		const char *name = rota_policy_party((enum rota_ask_kind)i, r->role);
		const struct rota_party *party = name ? rota_authdir_party(dir, name) : NULL;

		if (!policy_has_word(r->kinds, rota_ask_word((enum rota_ask_kind)i)))
			continue;
		known++;
		if (name && (!party || !rota_party_online(party)))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [%s] is for keys of %s, whose seats in rota.ini of %s are not "
				"online: people sign those (rota repo export)",
				p->ini.path, section, name, r->scope);
		if (r->approvals && (i == ROTA_ASK_TIME || i == ROTA_ASK_TICKET))
			return wrong(p, why, section, "approvals",
				"cannot be for kinds time and ticket, which devices wait for");
		if (party && party->threshold > ROTA_ANSWER_SIGS_MAX)
			return wrong(p, why, section, "role", "has a threshold above 2");
	}
	if (words == known && known > 0)
		return ROTA_OK;
	return wrong(p, why, section, "kinds",
		"is not a list of distinct ones of metadata, image, time, ticket, build, record, "
		"key, series");
}

static enum rota_err check_approvers(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	size_t words = 0, known = 0, len;
	const char *at = r->approvers;

	for (at = policy_next_word(at, &len); len; at = policy_next_word(at + len, &len))
		words++;
	for (size_t i = 0; i < p->officer_count; i++)
		known += rota_policy_approves(r, p->officers[i].name);
	if (words != known)
		return wrong(
			p, why, section, "approvers", "names one who is no [officer], or twice");
	if (r->approvals <= known)
		return ROTA_OK;
	return wrong(p, why, section, "approvals", "are more than its approvers");
}

/* Only where releases are judged. */
static enum rota_err load_need(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	bool judged = (strcmp(r->role, "ci") == 0 && policy_has_word(r->kinds, "metadata")) ||
		(strcmp(r->role, "releases") == 0 && policy_has_word(r->kinds, "record"));
	uint64_t need;

	ROTA_TRY(rota_ini_number(
		&p->ini, section, "builders", 0, ROTA_NAMED_KEYS_MAX, 0, &need, why));
	r->builders = (unsigned)need;
	if (need > 0 && !judged)
		return wrong(p, why, section, "builders",
			"is for kind metadata of role ci, and kind record of role releases");
	if (need <= p->builder_count)
		return ROTA_OK;
	return wrong(p, why, section, "builders", "are more than there are [builder] sections");
}

/* "60/1h"; without one a request a second. */
static enum rota_err load_rate(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, "rate");
	uint64_t span = 3600;
	char *end;
	unsigned long count = 3600;

	if (text) {
		count = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '/' ||
			!rota_duration_parse(end + 1, &span) || count < 1 || count > 1000000000 ||
			span < 1 || span > 86400)
			return wrong(p, why, section, "rate",
				"is not COUNT/DURATION of at most a day, like 60/1h");
	}
	r->rate = (uint32_t)count;
	r->rate_s = (uint32_t)span;
	return ROTA_OK;
}

static enum rota_err load_lifetime(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, "lifetime");
	const struct rota_party *party =
		rota_authdir_party(rota_policy_scope(p, r->scope), r->role);
	const struct rota_duty *duty = rota_duty_find(r->role);

	if (!duty || !party)
		return wrong(p, why, section, "role", "is none of SPEC 3.2");
	r->lifetime_s = party->lifetime_s;
	if (!text)
		return ROTA_OK;
	if (rota_duration_parse(text, &r->lifetime_s) && r->lifetime_s > 0 &&
		r->lifetime_s <= party->lifetime_s)
		return ROTA_OK;
	return wrong(p, why, section, "lifetime", "is no duration within the role's in rota.ini");
}

/* One rule at most for each (client, scope, role, kind). */
static enum rota_err check_alone(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rota_rule *o = &p->rules[i];

		if (strcmp(o->who, r->who) != 0 || strcmp(o->scope, r->scope) != 0 ||
			strcmp(o->role, r->role) != 0)
			continue;
		for (size_t k = 0; k < ROTA_ASK_KINDS; k++) {
			const char *word = rota_ask_word((enum rota_ask_kind)k);

			if (policy_has_word(o->kinds, word) && policy_has_word(r->kinds, word))
				return rota_fail(why, ROTA_ERR_FORMAT,
					"%s: [%s] and [rule %s] are both for %s of role %s by "
					"client %s",
					p->ini.path, section, o->name, word, r->role, r->who);
		}
	}
	return ROTA_OK;
}

static enum rota_err load_rule(struct rota_policy *p, const char *section, const char *name,
	struct rota_rule *r, struct rota_fail *why)
{
	const char *approvers = rota_ini_get(&p->ini, section, "approvers");
	bool known = false;
	uint64_t approvals;

	r->name = name;
	r->approvers = approvers ? approvers : "";
	ROTA_TRY(rota_ini_need(&p->ini, section, "who", &r->who, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "scope", &r->scope, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "role", &r->role, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "kinds", &r->kinds, why));
	r->paths = rota_ini_get(&p->ini, section, "paths");
	for (size_t i = 0; i < p->client_count; i++)
		known |= strcmp(p->clients[i].name, r->who) == 0;
	if (!known)
		return wrong(p, why, section, "who", "is no [client]");
	if (!rota_policy_scope(p, r->scope))
		return wrong(p, why, section, "scope", "is no [scope]");
	ROTA_TRY(rota_ini_number(
		&p->ini, section, "approvals", 0, ROTA_POLICY_APPROVALS_MAX, 0, &approvals, why));
	r->approvals = (unsigned)approvals;
	ROTA_TRY(load_lifetime(p, section, r, why));
	ROTA_TRY(load_rate(p, section, r, why));
	ROTA_TRY(check_kinds(p, section, r, why));
	ROTA_TRY(check_approvers(p, section, r, why));
	ROTA_TRY(load_need(p, section, r, why));
	return check_alone(p, section, r, why);
}

static enum rota_err load_rules(struct rota_policy *p, struct rota_fail *why)
{
	char section[64];
	const char *name;

	for (size_t i = 0; section_at(p, "rule", i, section, &name); i++) {
		if (i == ROTA_POLICY_SECTIONS_MAX)
			return wrong(p, why, section, "", "is one rule too many");
		ROTA_TRY(load_rule(p, section, name, &p->rules[i], why));
		p->rule_count++;
	}
	return ROTA_OK;
}

static enum rota_err load_all(struct rota_policy *p, struct rota_fail *why)
{
	ROTA_TRY(load_daemon(p, why));
	ROTA_TRY(load_scopes(p, why));
	ROTA_TRY(load_log(p, why));
	ROTA_TRY(load_clients(p, why));
	ROTA_TRY(load_officers(p, why));
	ROTA_TRY(load_builders(p, why));
	ROTA_TRY(load_rules(p, why));
	return rota_ini_all_used(&p->ini, why);
}

enum rota_err rota_policy_load(const char *path, struct rota_policy **out, struct rota_fail *why)
{
	struct rota_policy *p;

	*out = NULL;
	ROTA_TRY(check_config(path, why));
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	if (rota_ini_load(path, &p->ini, why) == ROTA_OK) {
		rota_digest_of(rota_span_cstr(p->ini.text), p->digest);
		if (load_all(p, why) == ROTA_OK) {
			*out = p;
			return ROTA_OK;
		}
	}
	rota_policy_free(p);
	return why->err;
}
