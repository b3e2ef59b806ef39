/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/serve_config.h"
#include "apps/rota/sibling.h"
#include "apps/rota/verb.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/base/ini.h"
#include "host/sign/authdir.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTION "serve"

/* Absolute, since children run in other directories. The caller frees. */
static char *absolute(const char *base, const char *path)
{
	char *joined = path[0] == '/' ? rota_text("%s", path) : rota_text("%s/%s", base, path);
	char *real = realpath(joined, NULL);

	if (real == NULL)
		return joined; /* not there (yet): named by whoever opens it */
	free(joined);
	return real;
}

static char *path_of(struct rota_ini *ini, const char *base, const char *key, const char *fallback)
{
	const char *value = rota_ini_get(ini, SECTION, key);

	return absolute(base, value == NULL ? fallback : value);
}

static char *text_of(struct rota_ini *ini, const char *key, const char *fallback)
{
	const char *value = rota_ini_get(ini, SECTION, key);

	return rota_text("%s", value == NULL ? fallback : value);
}

/* Who signs the time; the setting is the authority's, as the repository's is. */
static void find_signd(struct rota_ini *ini, const char *base, struct serve_config *c)
{
	const char *signd = rota_ini_get(ini, "authority", "signd");
	const char *product = rota_ini_get(ini, "authority", "product");

	if (signd == NULL || product == NULL || rota_signd_is_remote(signd))
		return; /* rotad asks a daemon of its own machine */
	c->signd = absolute(base, signd);
	c->product = rota_text("%s", product);
}

/* Where the authority keeps its repository, unless [serve] says otherwise. */
static char *repository_of(struct rota_ini *ini, const char *base)
{
	const char *path = rota_ini_get(ini, "repository", "path");

	return path_of(ini, base, "repository", path == NULL ? "repo" : path);
}

static char *default_state(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return rota_text("/var/lib/rota-serve");
	if (state != NULL && state[0] == '/')
		return rota_text("%s/rota-serve", state);
	return rota_text("%s/.local/state/rota-serve", home == NULL ? "." : home);
}

static enum rota_err port(struct rota_ini *ini, const char *key, const char *option,
	uint64_t fallback, uint64_t *out, struct rota_fail *why)
{
	char *end;

	ROTA_TRY(rota_ini_number(ini, SECTION, key, 0, 65535, fallback, out, why));
	if (option == NULL)
		return ROTA_OK;
	*out = strtoull(option, &end, 10);
	if (option[0] < '0' || option[0] > '9' || *end != '\0' || *out > 65535)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"'%s' is no port: a number from 1 to 65535, or 0 for a free one", option);
	return ROTA_OK;
}

static enum rota_err yes_no(struct rota_ini *ini, const char *key, bool *out, struct rota_fail *why)
{
	const char *value = rota_ini_get(ini, SECTION, key);

	*out = value != NULL && strcmp(value, "yes") == 0;
	if (value == NULL || *out || strcmp(value, "no") == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: [" SECTION "] %s: 'yes' or 'no', not '%s'",
		ini->path, key, value);
}

static enum rota_err numbers(struct rota_ini *ini, const struct serve_options *o,
	struct serve_config *c, struct rota_fail *why)
{
	c->http = o->http_port != NULL || rota_ini_get(ini, SECTION, "http_port") != NULL;
	ROTA_TRY(port(ini, "port", o->port, 8443, &c->repo_port, why));
	ROTA_TRY(port(ini, "device_port", o->device_port, 8444, &c->device_port, why));
	ROTA_TRY(port(ini, "http_port", o->http_port, 0, &c->http_port, why));
	ROTA_TRY(yes_no(ini, "targets_mtls", &c->targets_mtls, why));
	ROTA_TRY(rota_ini_number(ini, SECTION, "workers", 1, 64, 2, &c->workers, why));
	ROTA_TRY(rota_ini_number(ini, SECTION, "device_rate", 1, 10000, 5, &c->device_rate, why));
	ROTA_TRY(rota_ini_number(ini, SECTION, "segment_bytes", (uint64_t)128 * 1024,
		(uint64_t)1024 * 1024 * 1024, (uint64_t)64 * 1024 * 1024, &c->segment_bytes, why));
	return rota_ini_number(
		ini, SECTION, "keep_segments", 0, 1000000, 0, &c->keep_segments, why);
}

/* The other sections of rota.ini are the signing verbs'. */
static enum rota_err all_used(const struct rota_ini *ini, struct rota_fail *why)
{
	for (size_t i = 0; i < ini->count; i++) {
		const struct rota_ini_row *row = &ini->rows[i];

		if (strcmp(row->section, SECTION) == 0 && !row->used)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [" SECTION "] %s: no such setting; see rota-serve(1)",
				ini->path, row->key);
	}
	return ROTA_OK;
}

static enum rota_err read_all(struct rota_ini *ini, const char *base, const struct serve_options *o,
	struct serve_config *c, struct rota_fail *why)
{
	const char *state = rota_ini_get(ini, SECTION, "state");
	const char *crl = rota_ini_get(ini, SECTION, "crl");
	const char *ocsp_key = rota_ini_get(ini, SECTION, "ocsp_key");
	const char *staging = rota_ini_get(ini, "repository", "staging");
	char cwd[ROTA_FILE_PATH_MAX];

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		cwd[0] = '\0';
	c->repository = repository_of(ini, base);
	c->staging = staging ? absolute(base, staging) : NULL;
	c->certificate = path_of(ini, base, "certificate", "server/cert.pem");
	c->key = path_of(ini, base, "key", "server/key.pem");
	c->device_ca = path_of(ini, base, "device_ca", "ca/device-ca.pem");
	c->operational_ca = path_of(ini, base, "operational_ca", "ca/operational-ca.pem");
	c->crl = crl == NULL ? NULL : absolute(base, crl);
	c->ocsp_key = ocsp_key == NULL ? NULL : absolute(base, ocsp_key);
	c->ocsp_certificate = path_of(ini, base, "ocsp_certificate", "ca/ocsp.pem");
	c->operators = text_of(ini, "operators", "");
	find_signd(ini, base, c);
	c->address = o->address != NULL ? rota_text("%s", o->address)
					: text_of(ini, "address", "127.0.0.1");
	if (o->state != NULL)
		c->state = absolute(cwd, o->state);
	else
		c->state = state != NULL ? absolute(base, state) : default_state();
	c->nginx = text_of(ini, "nginx", "/usr/sbin/nginx");
	c->rotad = rota_ini_get(ini, SECTION, "rotad") != NULL ? text_of(ini, "rotad", "")
							       : sibling_find("rotad");
	c->web_user = text_of(ini, "web_user", "rota-web");
	c->ingest_user = text_of(ini, "ingest_user", "rota-ingest");
	ROTA_TRY(numbers(ini, o, c, why));
	return all_used(ini, why);
}

enum rota_err serve_config_load(
	const struct serve_options *o, struct serve_config *out, struct rota_fail *why)
{
	struct rota_ini ini;
	char *file =
		o->config != NULL ? absolute(".", o->config) : rota_text("%s/rota.ini", verb_dir());
	char *real = realpath(file, NULL), *base;
	enum rota_err err;

	*out = (struct serve_config){ .file = real != NULL ? real : rota_text("%s", file) };
	free(file);
	err = rota_ini_load(out->file, &ini, why);
	if (err == ROTA_ERR_NOT_FOUND)
		rota_fail(why, err,
			"there is no %s; name the authority directory with --dir, or the settings "
			"with --config",
			out->file);
	if (err != ROTA_OK) {
		serve_config_free(out);
		return err;
	}
	base = rota_text("%s", out->file);
	err = read_all(&ini, dirname(base), o, out, why);
	free(base);
	rota_ini_free(&ini);
	if (err != ROTA_OK)
		serve_config_free(out);
	return err;
}

void serve_config_free(struct serve_config *c)
{
	char *const all[] = { c->file, c->state, c->repository, c->staging, c->certificate, c->key,
		c->device_ca, c->operational_ca, c->crl, c->ocsp_key, c->ocsp_certificate,
		c->operators, c->signd, c->product, c->address, c->nginx, c->rotad, c->web_user,
		c->ingest_user };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]);
	*c = (struct serve_config){ 0 };
}
