/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/authdir.h"
#include "host/base/when.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool optional;
} key_sets[] = { { "image", false }, { "ci-image", false }, { "recovery", false },
	{ "device-ca", false }, { "operational-ca", false }, { "server-ca", false },
	{ "approval", true }, { "builder", true }, { "station", true } };

static enum rota_err load_token(
	struct rota_ini *ini, const char *name, struct rota_token *t, struct rota_fail *why)
{
	char section[128];
	const char *online;

	snprintf(section, sizeof(section), "token %s", name);
	if (!rota_name_ok(name))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] is no name of 1 to 32 [a-z0-9._-]",
			ini->path, section);
	t->name = name;
	ROTA_TRY(rota_ini_need(ini, section, "module", &t->module, why));
	ROTA_TRY(rota_ini_need(ini, section, "label", &t->label, why));
	if (strlen(t->label) > 32)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] label has more than 32 bytes",
			ini->path, section);
	t->pin_file = rota_ini_get(ini, section, "pin_file");
	t->environment = rota_ini_get(ini, section, "environment");
	t->owner = rota_ini_get(ini, section, "owner");
	t->audit = rota_ini_get(ini, section, "audit");
	if (!t->owner)
		t->owner = name;
	if (strlen(t->owner) > ROTA_OWNER_MAX)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] owner has more than %d bytes",
			ini->path, section, ROTA_OWNER_MAX);
	online = rota_ini_get(ini, section, "online");
	if (online && strcmp(online, "yes") != 0 && strcmp(online, "no") != 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] online is neither yes nor no",
			ini->path, section);
	t->online = online && strcmp(online, "yes") == 0;
	return ROTA_OK;
}

static enum rota_err load_tokens(struct rota_authdir *a, struct rota_fail *why)
{
	const char *name;

	for (size_t i = 0; (name = rota_ini_section(&a->ini, "token", i)) != NULL; i++) {
		if (i == ROTA_TOKENS_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "%s: more than %d tokens",
				a->ini.path, ROTA_TOKENS_MAX);
		ROTA_TRY(load_token(&a->ini, name, &a->tokens[i], why));
		a->token_count = i + 1;
	}
	return ROTA_OK;
}

static const struct rota_token *find_token(const struct rota_authdir *a, const char *name)
{
	for (size_t i = 0; i < a->token_count; i++)
		if (strcmp(a->tokens[i].name, name) == 0)
			return &a->tokens[i];
	return NULL;
}

/* One "TOKEN:KEY" of a list. */
static enum rota_err add_seat(
	struct rota_authdir *a, struct rota_party *party, char *text, struct rota_fail *why)
{
	struct rota_seat *seat = &party->seats[party->seat_count];
	char *colon = strchr(text, ':');

	if (party->seat_count == ROTA_SIGNERS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "%s: [%s] has more than %d signers",
			a->ini.path, party->name, ROTA_SIGNERS_MAX);
	if (!colon || !colon[1] || strlen(colon + 1) >= sizeof(seat->key))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] signer '%s' is not TOKEN:KEY",
			a->ini.path, party->name, text);
	*colon = 0;
	seat->token = find_token(a, text);
	if (!seat->token)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: [%s] names token '%s', which has no section", a->ini.path, party->name,
			text);
	snprintf(seat->key, sizeof(seat->key), "%s", colon + 1);
	for (size_t i = 0; i < party->seat_count; i++)
		if (party->seats[i].token == seat->token &&
			strcmp(party->seats[i].key, seat->key) == 0)
			return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] names %s:%s twice",
				a->ini.path, party->name, text, seat->key);
	party->seat_count++;
	return ROTA_OK;
}

static enum rota_err load_seats(struct rota_authdir *a, const char *section,
	struct rota_party *party, struct rota_fail *why)
{
	const char *list;
	char *copy, *rest, *one;
	enum rota_err err = ROTA_OK;
	uint64_t threshold;

	ROTA_TRY(rota_ini_need(&a->ini, section, "signers", &list, why));
	copy = rest = strdup(list);
	while (err == ROTA_OK && copy && (one = strsep(&rest, " ,\t")) != NULL)
		if (*one)
			err = add_seat(a, party, one, why);
	free(copy);
	ROTA_TRY(err);
	ROTA_TRY(rota_ini_number(
		&a->ini, section, "threshold", 1, party->seat_count, 1, &threshold, why));
	party->threshold = (unsigned)threshold;
	return ROTA_OK;
}

static enum rota_err load_lifetime(struct rota_authdir *a, const char *section,
	const struct rota_duty *role, struct rota_party *party, struct rota_fail *why)
{
	const char *text = rota_ini_get(&a->ini, section, "lifetime");

	party->lifetime_s = role->lifetime_s;
	if (!text)
		return ROTA_OK;
	if (rota_duration_parse(text, &party->lifetime_s) && party->lifetime_s > 0 &&
		party->lifetime_s <= role->lifetime_s)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"%s: [%s] lifetime = %s is not a duration of at most %llu s (SPEC 3.2)",
		a->ini.path, section, text, (unsigned long long)role->lifetime_s);
}

static enum rota_err load_parties(struct rota_authdir *a, struct rota_fail *why)
{
	char section[64];

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		struct rota_party *party = &a->parties[a->party_count++];

		party->name = rota_duties[i].name;
		party->is_role = true;
		snprintf(section, sizeof(section), "role %s", party->name);
		ROTA_TRY(load_seats(a, section, party, why));
		ROTA_TRY(load_lifetime(a, section, &rota_duties[i], party, why));
	}
	for (size_t i = 0; i < sizeof(key_sets) / sizeof(key_sets[0]); i++) {
		struct rota_party *party = &a->parties[a->party_count];

		snprintf(section, sizeof(section), "keys %s", key_sets[i].name);
		if (key_sets[i].optional && !rota_ini_get(&a->ini, section, "signers"))
			continue;
		party->name = key_sets[i].name;
		a->party_count++;
		ROTA_TRY(load_seats(a, section, party, why));
	}
	return ROTA_OK;
}

enum rota_err rota_named_keys_load(struct rota_ini *ini, const char *kind,
	struct rota_named_key list[static ROTA_NAMED_KEYS_MAX], size_t *count,
	struct rota_fail *why)
{
	const char *name, *hex;
	char section[128];

	for (*count = 0; (name = rota_ini_section(ini, kind, *count)) != NULL; ++*count) {
		struct rota_named_key *one = &list[*count];

		if (*count == ROTA_NAMED_KEYS_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "%s: more than %d sections [%s NAME]",
				ini->path, ROTA_NAMED_KEYS_MAX, kind);
		snprintf(section, sizeof(section), "%s %s", kind, name);
		ROTA_TRY(rota_ini_need(ini, section, "key", &hex, why));
		if (!rota_p256_unhex(hex, one->key))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [%s] key is no P-256 point of 130 hex digits", ini->path,
				section);
		one->name = name;
		for (size_t i = 0; i < *count; i++)
			if (memcmp(list[i].key, one->key, sizeof(one->key)) == 0)
				return rota_fail(why, ROTA_ERR_FORMAT,
					"%s: %s and %s are one key; who speaks twice proves "
					"nothing",
					ini->path, list[i].name, name);
	}
	return ROTA_OK;
}

static enum rota_err load_others(struct rota_authdir *a, struct rota_fail *why)
{
	uint64_t need;

	ROTA_TRY(rota_named_keys_load(&a->ini, "builder", a->builders, &a->builder_count, why));
	ROTA_TRY(rota_named_keys_load(&a->ini, "officer", a->officers, &a->officer_count, why));
	ROTA_TRY(rota_ini_number(
		&a->ini, "promotion", "builders", 0, a->builder_count, 0, &need, why));
	a->builders_need = (unsigned)need;
	return ROTA_OK;
}

/* Who holds root must not be able to sign targets alone too. */
static enum rota_err check_apart(const struct rota_authdir *a, struct rota_fail *why)
{
	const struct rota_party *root = rota_authdir_party(a, "root");
	const struct rota_party *targets = rota_authdir_party(a, "targets");

	for (size_t i = 0; i < root->seat_count; i++)
		for (size_t k = 0; k < targets->seat_count; k++)
			if (root->seats[i].token == targets->seats[k].token)
				return rota_fail(why, ROTA_ERR_FORMAT,
					"%s: token %s stands in [role root] and [role targets]; "
					"they must share none",
					a->ini.path, root->seats[i].token->name);
	return ROTA_OK;
}

/* A misspelt setting must not be silently without effect, so all that verbs ask for later is named here.
 * [serve] is judged by `rota serve`. */
static enum rota_err check_known(struct rota_authdir *a, struct rota_fail *why)
{
	static const struct {
		const char *section, *key;
	} later[] = {
		{ "release", "abort" },
		{ "release", "canary" },
		{ "release", "first_ppm" },
		{ "release", "growth" },
		{ "release", "soak" },
		{ "release", "everyone" },
		{ "factory", "ldevid_lifetime" },
		{ "factory", "repository_url" },
		{ "factory", "server_url" },
		{ "log", "public" },
		{ "fleet", "database" },
		{ "fleet", "journal" },
		{ "fleet", "operators" },
		{ "rotation", "auth" },
		{ "rotation", "devices" },
		{ "rotation", "firmware" },
		{ "rotation", "lead" },
		{ "rotation", "link" },
		{ "rotation", "silent" },
		{ "rotation", "storage" },
		{ "rotation", "telemetry" },
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		(void)rota_ini_get(&a->ini, later[i].section, later[i].key);
	for (size_t i = 0; i < a->ini.count; i++)
		a->ini.rows[i].used |= strcmp(a->ini.rows[i].section, "serve") == 0;
	return rota_ini_all_used(&a->ini, why);
}

static enum rota_err load_folder(struct rota_authdir *a, const char *key, const char *fallback,
	char out[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	const char *path = rota_ini_get(&a->ini, "repository", key);

	if (!path)
		path = fallback;
	if (!path)
		return ROTA_OK;
	if (*path != '/')
		rota_authdir_path(a, path, out);
	else if (strlen(path) < ROTA_FILE_PATH_MAX)
		memcpy(out, path, strlen(path) + 1);
	if (out[0])
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_LIMIT, "%s: [repository] %s is too long", a->ini.path, key);
}

static enum rota_err load_repo(struct rota_authdir *a, struct rota_fail *why)
{
	char kept[ROTA_FILE_PATH_MAX];

	ROTA_TRY(load_folder(a, "path", "repo", a->repo, why));
	ROTA_TRY(load_folder(a, "staging", NULL, a->staging, why));
	rota_authdir_path(a, "staging", kept); /* signed metadata waits there (host/repo/store.h) */
	if (strcmp(a->staging, kept) != 0 && strcmp(a->staging, a->repo) != 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"%s: [repository] staging is a folder that something else has; give it one of its "
		"own, as 'ci'",
		a->ini.path);
}

const char *rota_authdir_targets(const struct rota_authdir *a, const char *target)
{
	return a->staging[0] && strncmp(target, "ci/", 3) == 0 ? a->staging : a->repo;
}

/* Where nothing is said, slots are where the snapshot's key is, and the landing root where they are. */
static enum rota_err load_series(struct rota_authdir *a, struct rota_fail *why)
{
	static const char *const names[] = { "token", "standby" };
	const struct rota_token *found = rota_authdir_party(a, "snapshot")->seats[0].token;

	a->keeper = rota_ini_get(&a->ini, "series", "keeper");
	for (size_t i = 0; i < 2; i++) {
		const char *name = rota_ini_get(&a->ini, "series", names[i]);

		if (name)
			found = find_token(a, name);
		if (!found)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [series] %s = %s names a token that has no section",
				a->ini.path, names[i], name);
		*(i ? &a->standby_token : &a->slot_token) = found;
	}
	return ROTA_OK;
}

bool rota_signd_is_remote(const char *address)
{
	return strncmp(address, "https://", 8) == 0;
}

/* Each of the three is needed where the daemon is asked over HTTPS, and means nothing else. */
bool rota_authdir_slots_held(const struct rota_authdir *a)
{
	return a->keeper && a->signd[0] && !rota_signd_is_remote(a->signd);
}

static enum rota_err load_signd_files(struct rota_authdir *a, bool remote, struct rota_fail *why)
{
	const struct {
		const char *key;
		char *path;
	} files[] = { { "signd_ca", a->signd_ca }, { "signd_certificate", a->signd_certificate },
		{ "signd_key", a->signd_key } };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = rota_ini_get(&a->ini, "authority", files[i].key);

		if (!path != !remote)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [authority] %s goes with signd = https://..., and is needed "
				"there",
				a->ini.path, files[i].key);
		if (path && *path == '/')
			snprintf(files[i].path, ROTA_FILE_PATH_MAX, "%s", path);
		else if (path)
			rota_authdir_path(a, path, files[i].path);
	}
	return ROTA_OK;
}

static enum rota_err load_signd(struct rota_authdir *a, struct rota_fail *why)
{
	const char *path = rota_ini_get(&a->ini, "authority", "signd");
	char below[ROTA_FILE_PATH_MAX];

	ROTA_TRY(load_signd_files(a, path && rota_signd_is_remote(path), why));
	if (!path)
		return ROTA_OK;
	if (*path != '/' && !rota_signd_is_remote(path)) {
		rota_authdir_path(a, path, below);
		path = below;
	}
	if (*path && strlen(path) < sizeof(a->signd)) {
		snprintf(a->signd, sizeof(a->signd), "%s", path);
		return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_LIMIT,
		"%s: [authority] signd = %s: the address of a socket has at most %d bytes; move "
		"the "
		"directory, or name a shorter path",
		a->ini.path, path, ROTA_SOCKET_PATH_MAX - 1);
}

static enum rota_err load_all(struct rota_authdir *a, struct rota_fail *why)
{
	ROTA_TRY(rota_ini_need(&a->ini, "authority", "product", &a->product, why));
	if (!rota_name_ok(a->product))
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: product '%s' is no name of 1 to 32 [a-z0-9._-] (SPEC 1.2)",
			a->ini.path, a->product);
	ROTA_TRY(load_signd(a, why));
	ROTA_TRY(load_repo(a, why));
	ROTA_TRY(load_tokens(a, why));
	ROTA_TRY(load_parties(a, why));
	ROTA_TRY(load_others(a, why));
	ROTA_TRY(check_apart(a, why));
	ROTA_TRY(load_series(a, why));
	return check_known(a, why);
}

enum rota_err rota_authdir_load(const char *dir, struct rota_authdir *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	char *real = realpath(dir, NULL);

	*out = (struct rota_authdir){ 0 };
	if (!real)
		return rota_fail_errno(why, errno,
			"authority directory %s (name it with --dir or $ROTA_DIR, or make one "
			"with rota init)",
			dir);
	/* files below it must be nameable too */
	if ((size_t)snprintf(out->dir, sizeof(out->dir), "%s", real) >= sizeof(out->dir) / 2) {
		free(real);
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir);
	}
	free(real);
	rota_authdir_path(out, "rota.ini", path);
	if (!rota_file_exists(path))
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s has no rota.ini; name the authority directory with --dir, or make one "
			"with rota init",
			out->dir);
	ROTA_TRY(rota_ini_load(path, &out->ini, why));
	if (load_all(out, why) != ROTA_OK) {
		rota_authdir_free(out);
		return why->err;
	}
	return ROTA_OK;
}

void rota_authdir_free(struct rota_authdir *a)
{
	rota_ini_free(&a->ini);
	a->token_count = a->party_count = 0;
}

const struct rota_party *rota_authdir_party(const struct rota_authdir *a, const char *name)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (strcmp(a->parties[i].name, name) == 0)
			return &a->parties[i];
	return NULL;
}

bool rota_party_online(const struct rota_party *party)
{
	unsigned online = 0;

	for (size_t i = 0; i < party->seat_count; i++)
		online += party->seats[i].token->online;
	return online >= party->threshold;
}

void rota_authdir_path(
	const struct rota_authdir *a, const char *name, char out[static ROTA_FILE_PATH_MAX])
{
	if ((size_t)snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s", a->dir, name) >= ROTA_FILE_PATH_MAX)
		out[0] = 0; /* opens nowhere, and the error then names the empty path */
}
