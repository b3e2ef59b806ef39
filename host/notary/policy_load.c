/* SPDX-License-Identifier: Apache-2.0 */
/* signd.ini from its text: every setting known; what its rules say is policy_rules.c. */
#include "host/base/cpus.h"
#include "host/base/when.h"
#include "host/notary/policy_parts.h"
#include "host/pki/tbs.h"
#include "host/sign/p256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum rota_err policy_wrong(const struct rota_policy *p, struct rota_fail *why, const char *section,
	const char *key, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] %s %s", p->ini.path, section, key, what);
}

bool policy_section(const struct rota_policy *p, const char *kind, size_t n,
	char section[static POLICY_SECTION_MAX], const char **name)
{
	*name = rota_ini_section(&p->ini, kind, n);
	if (*name)
		snprintf(section, POLICY_SECTION_MAX, "%s %s", kind, *name);
	return *name != NULL;
}

static enum rota_err load_flag(struct rota_policy *p, const char *section, const char *key,
	bool fallback, bool *out, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, key);

	*out = text ? strcmp(text, "yes") == 0 : fallback;
	if (!text || *out || strcmp(text, "no") == 0)
		return ROTA_OK;
	return policy_wrong(p, why, section, key, "is neither yes nor no");
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
	return policy_wrong(p, why, "daemon", "remote_socket",
		"needs nginx_user, who alone may connect, and [remote] client_ca");
}

static enum rota_err load_cpus(
	struct rota_policy *p, const char *key, uint64_t *out, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, "daemon", key);

	if (!text || rota_cpus_parse(text, out, why) == ROTA_OK)
		return ROTA_OK;
	return rota_fail_in(why, "%s: [daemon] %s", p->ini.path, key);
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
	ROTA_TRY(load_cpus(p, "cpus", &d->cpus, why));
	ROTA_TRY(load_cpus(p, "token_cpus", &d->token_cpus, why));
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

/* SPEC 29.4: it goes into each certificate. */
static enum rota_err load_url(struct rota_policy *p, const char *section, const char *key,
	const char **out, struct rota_fail *why)
{
	const char *url = rota_ini_get(&p->ini, section, key);
	bool good = url && strlen(url) <= ROTA_TBS_URL_MAX &&
		(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);

	*out = url;
	for (size_t i = 0; good && url[i]; i++)
		good = url[i] > ' ' && url[i] <= '~';
	if (!url || good)
		return ROTA_OK;
	return policy_wrong(p, why, section, key, "is no URL of at most 200 bytes without blanks");
}

static enum rota_err load_scopes(struct rota_policy *p, struct rota_fail *why)
{
	char section[POLICY_SECTION_MAX];
	const char *name, *dir;

	for (size_t i = 0; policy_section(p, "scope", i, section, &name); i++) {
		if (i == ROTA_POLICY_SCOPES_MAX)
			return policy_wrong(p, why, section, "", "is one scope too many");
		ROTA_TRY(rota_ini_need(&p->ini, section, "authority", &dir, why));
		dir = path_of(p, dir);
		if (check_authority(dir, why) != ROTA_OK ||
			rota_authdir_load(dir, &p->scopes[i], why) != ROTA_OK)
			return rota_fail_in(why, "%s: [%s] authority", p->ini.path, section);
		p->scope_count++;
		ROTA_TRY(load_url(p, section, "ocsp_url", &p->urls[i].ocsp, why));
		ROTA_TRY(load_url(p, section, "crl_url", &p->urls[i].crl, why));
		if (strcmp(p->scopes[i].product, name) != 0)
			return policy_wrong(p, why, section, "authority", "is of another product");
	}
	if (p->scope_count)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: there is no [scope PRODUCT]", p->ini.path);
}

/* The file is rota-seald's: where it makes campaigns, it checks rows by the same key. */
static enum rota_err load_registries(struct rota_policy *p, struct rota_fail *why)
{
	char section[POLICY_SECTION_MAX];
	const char *name;

	for (size_t i = 0; policy_section(p, "registry", i, section, &name); i++) {
		struct rota_policy_registry *r = &p->registries[i];

		if (i == ROTA_POLICY_SCOPES_MAX || !rota_policy_scope(p, name))
			return policy_wrong(p, why, section, "", "is of no [scope]");
		r->scope = name;
		ROTA_TRY(rota_ini_need(&p->ini, section, "key", &r->key, why));
		ROTA_TRY(rota_ini_need(&p->ini, section, "module", &r->module, why));
		ROTA_TRY(rota_ini_need(&p->ini, section, "label", &r->label, why));
		ROTA_TRY(rota_ini_need(&p->ini, section, "pin_file", &r->pin_file, why));
		r->environment = rota_ini_get(&p->ini, section, "environment");
		r->key = path_of(p, r->key);
		r->pin_file = path_of(p, r->pin_file);
		p->registry_count++;
	}
	return ROTA_OK;
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
	return policy_wrong(p, why, "log", key, "is not TOKEN:KEY with a token of the first scope");
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
		return policy_wrong(p, why, "log", "origin", "is too long, or has a blank or +");
	if (origin)
		snprintf(p->log.origin, sizeof(p->log.origin), "%s", origin);
	else
		snprintf(p->log.origin, sizeof(p->log.origin), "%s.rota.invalid/log",
			p->scopes[0].product);
	p->log.every_s = 1;
	if (every && (!rota_duration_parse(every, &p->log.every_s) || p->log.every_s < 1))
		return policy_wrong(p, why, "log", "every", "is no duration of a second or more");
	return ROTA_OK;
}

static enum rota_err load_clients(struct rota_policy *p, struct rota_fail *why)
{
	char section[POLICY_SECTION_MAX];
	const char *name;

	for (size_t i = 0; policy_section(p, "client", i, section, &name); i++) {
		struct client *c = &p->clients[i];
		const char *uid = rota_ini_get(&p->ini, section, "uid");
		const char *spki = rota_ini_get(&p->ini, section, "spki");
		uint64_t number;

		if (i == ROTA_POLICY_SECTIONS_MAX || !uid == !spki)
			return policy_wrong(p, why, section, "",
				uid ? "is too many, or has both uid and spki"
				    : "lacks uid = N, or spki = 64 hex digits");
		c->name = name;
		c->who.remote = spki != NULL;
		ROTA_TRY(rota_ini_number(
			&p->ini, section, "uid", 0, UINT32_MAX - 1, 0, &number, why));
		c->who.uid = (uid_t)number;
		if (spki && !rota_unhex(spki, ROTA_BUF(c->who.spki)))
			return policy_wrong(p, why, section, "spki", "is not 64 hex digits");
		for (size_t k = 0; k < i; k++)
			if (c->who.remote == p->clients[k].who.remote &&
				c->who.uid == p->clients[k].who.uid &&
				memcmp(c->who.spki, p->clients[k].who.spki, ROTA_DIGEST_LEN) == 0)
				return policy_wrong(
					p, why, section, "", "is another client's identity");
		p->client_count++;
	}
	return ROTA_OK;
}

static enum rota_err load_officers(struct rota_policy *p, struct rota_fail *why)
{
	char section[POLICY_SECTION_MAX], id[ROTA_DIGEST_HEX];
	const char *name, *hex;

	for (size_t i = 0; policy_section(p, "officer", i, section, &name); i++) {
		struct rota_officer *o = &p->officers[i];

		if (i == ROTA_POLICY_SECTIONS_MAX)
			return policy_wrong(p, why, section, "", "is one officer too many");
		o->name = name;
		ROTA_TRY(rota_ini_need(&p->ini, section, "key", &hex, why));
		if (!rota_p256_unhex(hex, o->key))
			return policy_wrong(
				p, why, section, "key", "is no P-256 point of 130 hex digits");
		rota_p256_key_id(o->key, id);
		if (!rota_unhex(id, ROTA_BUF(o->id)))
			return ROTA_ERR_STATE; /* a key id is 64 digits */
		if (rota_policy_officer(p, o->id))
			return policy_wrong(p, why, section, "key",
				"is another officer's; approvals count distinct people");
		p->officer_count++;
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
	ROTA_TRY(rota_named_keys_load(&p->ini, "builder", p->builders, &p->builder_count, why));
	ROTA_TRY(load_registries(p, why));
	ROTA_TRY(policy_load_rules(p, why));
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
