/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/fleet_census.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/db_sqlite/db_sqlite.h"

#include <stdio.h>

static void join(const struct session *s, const char *name, const char *more,
	char out[static ROTA_FILE_PATH_MAX])
{
	char path[ROTA_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", name, more);
	if (*name == '/')
		snprintf(out, ROTA_FILE_PATH_MAX, "%s", path);
	else
		rota_authdir_path(&s->dir, path, out);
}

static bool find(
	struct session *s, const char *key, const char *below, char out[static ROTA_FILE_PATH_MAX])
{
	const char *name = rota_ini_get(&s->dir.ini, "fleet", key);
	const char *state = rota_ini_get(&s->dir.ini, "serve", "state");

	if (name) {
		join(s, name, "", out);
		return true;
	}
	if (!state)
		return false;
	join(s, state, below, out);
	return rota_file_exists(out);
}

bool fleet_database(struct session *s, char out[static ROTA_FILE_PATH_MAX])
{
	return find(s, "database", "/rotad/fleet.sqlite", out);
}

bool fleet_operators(struct session *s, char out[static ROTA_FILE_PATH_MAX])
{
	return find(s, "operators", "/desk/operators.sock", out);
}

bool fleet_journal(struct session *s, char out[static ROTA_FILE_PATH_MAX])
{
	return find(s, "journal", "/rotad/journal", out);
}

enum rota_err fleet_census_open(struct session *s, struct rota_census **out)
{
	struct rota_db_sqlite *sqlite;
	char path[ROTA_FILE_PATH_MAX];
	struct rota_db db;
	enum rota_err err;

	*out = NULL;
	if (!fleet_database(s, path) || !rota_file_exists(s->dir.repo))
		return ROTA_OK;
	ROTA_TRY(rota_db_sqlite_look(path, &sqlite, &db, &s->why));
	err = rota_census_open(&s->dir, &db, &rota_crypto_openssl, out, &s->why);
	rota_db_sqlite_close(sqlite);
	return err;
}
