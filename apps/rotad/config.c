/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/config.h"
#include "host/base/bytes.h"
#include "host/base/ini.h"
#include "host/ingest/journal.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct number {
	const char *section, *key;
	uint64_t least, most, fallback;
	uint64_t *to;
};

static enum rota_err numbers(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	const struct number rows[] = {
		{ "server", "workers", 1, WORKERS_MAX, 2, &c->workers },
		{ "limits", "connections", 1, 65536, 512, &c->connections },
		{ "limits", "idle_s", 1, 3600, 75, &c->idle_s },
		{ "limits", "header_s", 1, 600, 5, &c->header_s },
		{ "limits", "request_s", 1, 600, 15, &c->request_s },
		{ "limits", "queue", 1, 65536, 1024, &c->queue },
		{ "journal", "segment_bytes", ROTA_SEGMENT_MIN, ROTA_SEGMENT_MAX,
			(uint64_t)64 * 1024 * 1024, &c->segment_bytes },
		{ "journal", "keep_segments", 0, 1000000, 0, &c->keep_segments },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ROTA_TRY(rota_ini_number(ini, rows[i].section, rows[i].key, rows[i].least,
			rows[i].most, rows[i].fallback, rows[i].to, why));
	return ROTA_OK;
}

static enum rota_err text(struct rota_ini *ini, const char *section, const char *key, char **to,
	struct rota_fail *why)
{
	const char *value;

	ROTA_TRY(rota_ini_need(ini, section, key, &value, why));
	*to = rota_text("%s", value);
	return ROTA_OK;
}

static enum rota_err peer(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	const char *name = rota_ini_get(ini, "server", "peer_user");
	struct passwd *pw;

	c->peer = geteuid();
	if (name == NULL)
		return ROTA_OK;
	pw = getpwnam(name);
	if (pw == NULL)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: [server] peer_user: there is no user '%s'", ini->path, name);
	c->peer = pw->pw_uid;
	return ROTA_OK;
}

static enum rota_err fits_socket(
	const struct rota_ini *ini, const char *setting, const char *path, struct rota_fail *why)
{
	if (strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_LIMIT, "%s: %s: a Unix socket's path has at most %zu bytes",
		ini->path, setting, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
}

/* [operators]: names between blanks. */
static enum rota_err read_operators(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	const char *users = rota_ini_get(ini, "operators", "users");
	char *copy, *rest, *name;
	enum rota_err err = ROTA_OK;

	if (rota_ini_get(ini, "operators", "socket") == NULL)
		return ROTA_OK;
	ROTA_TRY(text(ini, "operators", "socket", &c->desk, why));
	ROTA_TRY(fits_socket(ini, "[operators] socket", c->desk, why));
	copy = rest = rota_text("%s", users == NULL ? "" : users);
	while (err == ROTA_OK && (name = strsep(&rest, " ")) != NULL) {
		const struct passwd *pw = *name == '\0' ? NULL : getpwnam(name);

		if (*name == '\0')
			continue;
		if (pw == NULL)
			err = rota_fail(why, ROTA_ERR_NOT_FOUND,
				"%s: [operators] users: there is no user '%s'", ini->path, name);
		else if (c->operator_count == OPERATORS_MAX)
			err = rota_fail(why, ROTA_ERR_LIMIT, "%s: [operators] users: more than %d",
				ini->path, OPERATORS_MAX);
		else
			c->operators[c->operator_count++] = pw->pw_uid;
	}
	free(copy);
	return err;
}

/* [signd]: both, or none of it. */
static enum rota_err read_signd(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	if (rota_ini_get(ini, "signd", "socket") == NULL)
		return ROTA_OK;
	ROTA_TRY(text(ini, "signd", "socket", &c->authority, why));
	ROTA_TRY(fits_socket(ini, "[signd] socket", c->authority, why));
	return text(ini, "signd", "product", &c->product, why);
}

/* A statement is acknowledged for the row that follows from it (SPEC 35.4): where nobody makes rows none would ever follow. */
static enum rota_err read_keys(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	const char *keys = rota_ini_get(ini, "keys", "directory");

	if (keys == NULL)
		return ROTA_OK;
	c->keys = rota_text("%s", keys);
	if (c->authority != NULL)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"%s: [keys] needs [signd]: the daemon makes rows of what devices say of their keys",
		ini->path);
}

/* [ocsp]: all three, and a list to answer from. */
static enum rota_err read_ocsp(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	if (rota_ini_get(ini, "ocsp", "key") == NULL)
		return ROTA_OK;
	ROTA_TRY(text(ini, "ocsp", "key", &c->ocsp_key, why));
	ROTA_TRY(text(ini, "ocsp", "certificate", &c->ocsp_certificate, why));
	ROTA_TRY(text(ini, "ocsp", "issuer", &c->ocsp_issuer, why));
	if (c->crl == NULL)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%s: [ocsp] answers out of [identity] crl, which is missing", ini->path);
	return ROTA_OK;
}

/* [time]: both, or none of it. */
static enum rota_err read_time(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	if (rota_ini_get(ini, "time", "signd") == NULL)
		return ROTA_OK;
	ROTA_TRY(text(ini, "time", "signd", &c->signd, why));
	ROTA_TRY(fits_socket(ini, "[time] signd", c->signd, why));
	return text(ini, "time", "product", &c->scope, why);
}

static enum rota_err read_all(struct rota_ini *ini, struct config *c, struct rota_fail *why)
{
	const char *crl, *device_ca, *log;

	ROTA_TRY(text(ini, "server", "socket", &c->socket, why));
	ROTA_TRY(fits_socket(ini, "[server] socket", c->socket, why));
	ROTA_TRY(peer(ini, c, why));
	ROTA_TRY(text(ini, "identity", "ca", &c->ca, why));
	crl = rota_ini_get(ini, "identity", "crl");
	c->crl = crl == NULL ? NULL : rota_text("%s", crl);
	ROTA_TRY(text(ini, "journal", "directory", &c->journal, why));
	ROTA_TRY(text(ini, "projection", "database", &c->database, why));
	log = rota_ini_get(ini, "log", "directory");
	c->log = log == NULL ? NULL : rota_text("%s", log);
	device_ca = rota_ini_get(ini, "identity", "device_ca");
	c->device_ca = device_ca == NULL ? NULL : rota_text("%s", device_ca);
	ROTA_TRY(read_signd(ini, c, why));
	ROTA_TRY(read_keys(ini, c, why));
	ROTA_TRY(read_ocsp(ini, c, why));
	ROTA_TRY(read_operators(ini, c, why));
	ROTA_TRY(read_time(ini, c, why));
	ROTA_TRY(numbers(ini, c, why));
	if (c->header_s > c->request_s)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [limits] header_s is above request_s",
			ini->path);
	return rota_ini_all_used(ini, why);
}

enum rota_err config_load(const char *path, struct config *out, struct rota_fail *why)
{
	struct rota_ini ini;
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_ini_load(path, &ini, why));
	err = read_all(&ini, out, why);
	rota_ini_free(&ini);
	if (err != ROTA_OK)
		config_free(out);
	return err;
}

void config_free(struct config *c)
{
	free(c->socket);
	free(c->desk);
	free(c->ocsp_key);
	free(c->ocsp_certificate);
	free(c->ocsp_issuer);
	free(c->authority);
	free(c->product);
	free(c->ca);
	free(c->crl);
	free(c->device_ca);
	free(c->journal);
	free(c->database);
	free(c->keys);
	free(c->log);
	free(c->signd);
	free(c->scope);
	memset(c, 0, sizeof(*c));
}
