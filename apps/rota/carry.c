/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/carry.h"
#include "host/base/file.h"
#include "host/log/carry.h"
#include "host/log/head.h"
#include "host/repo/released.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_S 20 /* for a checkpoint: the daemon makes one each second, and a token may be slow */

static void silent(void *ctx, const char *name, const struct rota_fail *why)
{
	(void)ctx;
	fprintf(stderr, "rota: witness %s did not cosign: %s\n", name, why->text);
}

/* Those of which there is no proof yet; the caller frees. Paths point into the list. */
static struct rota_log_wanted *find_unproven(
	const struct carry *c, const struct rota_released *list, size_t *count)
{
	struct rota_log_wanted *wanted = calloc(list->count + 1, sizeof(*wanted));

	if (!wanted)
		abort();
	*count = 0;
	for (size_t i = 0; i < list->count; i++) {
		char name[ROTA_LOG_PROOF_PATH_MAX];
		char *path;

		rota_log_proof_path(list->at[i].sha256, name);
		path = rota_text("%s/%s", c->to, name);
		if (!rota_file_exists(path)) {
			wanted[*count].path = list->at[i].path;
			memcpy(wanted[*count].sha256, list->at[i].sha256, ROTA_SHA256_LEN);
			++*count;
		}
		free(path);
	}
	return wanted;
}

static enum rota_err all_found(
	const struct rota_log_wanted *wanted, size_t count, uint64_t size, struct rota_fail *why)
{
	for (size_t i = 0; i < count; i++) {
		if (!wanted[i].found)
			return rota_fail(why, ROTA_ERR_NOT_FOUND,
				"%s: the log has no entry of it among its first %" PRIu64,
				wanted[i].path, size);
	}
	return ROTA_OK;
}

/* A log that cannot be brought now is no trouble where nobody waits for a proof. */
static enum rota_err bring_all(struct carry *c, struct rota_log_wanted *wanted, size_t count,
	uint64_t least, struct rota_fail *why)
{
	const struct rota_carry carry = { .crypto = &rota_crypto_openssl,
		.from = c->from,
		.to = c->to,
		.policy = &c->policy,
		.watcher = { .silent = silent },
		.least = least,
		.wait_s = WAIT_S };
	struct rota_carried done = { 0 };
	enum rota_err err = rota_log_carry(&carry, wanted, count, &done, why);

	if (err == ROTA_OK)
		return all_found(wanted, count, done.size, why);
	if (count > 0 || err == ROTA_ERR_CORRUPT)
		return err;
	fprintf(stderr, "rota: the log is not brought along: %s\n", why->text);
	return ROTA_OK;
}

static bool has_checkpoint(const char *folder)
{
	char *path = rota_text("%s/checkpoint", folder);
	bool there = rota_file_exists(path);

	free(path);
	return there;
}

static enum rota_err bring(void *ctx, struct rota_desk *desk, uint64_t least, struct rota_fail *why)
{
	struct carry *c = ctx;
	struct rota_released list;
	struct rota_log_wanted *wanted = NULL;
	size_t count;
	enum rota_err err = rota_released_load(desk->dir, &list, why);

	if (err == ROTA_OK) {
		wanted = find_unproven(c, &list, &count);
		/* a daemon that never ran has nothing to be brought, and nobody misses it */
		if (count > 0 || has_checkpoint(c->from) || has_checkpoint(c->to))
			err = bring_all(c, wanted, count, least, why);
	}
	if (err != ROTA_OK)
		c->held = *why;
	free(wanted);
	rota_released_free(&list);
	return err;
}

enum rota_err carry_open(struct carry *c, struct session *s)
{
	const char *public = rota_ini_get(&s->dir.ini, "log", "public");
	char path[ROTA_FILE_PATH_MAX];

	c->log = (struct rota_publish_log){ .ctx = c, .bring = bring };
	if (!public)
		return ROTA_OK;
	c->from = *public == '/' ? rota_text("%s", public) : rota_text("%s/%s", s->dir.dir, public);
	c->to = rota_text("%s/log", s->dir.repo);
	rota_authdir_path(&s->dir, "trust/log-policy", path);
	ROTA_TRY(rota_log_policy_load(&rota_crypto_openssl, path, &c->policy, &s->why));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return rota_fail(&s->why, ROTA_ERR_FULL, "libcurl does not start");
	c->kept = true;
	return ROTA_OK;
}

static enum rota_err look_checkpoint(
	const struct carry *c, struct carry_standing *out, struct rota_fail *why)
{
	struct rota_tiles files = rota_tiles_in(c->to);
	struct rota_bytes note = { 0 };
	struct rota_checkpoint at;
	uint32_t who;
	enum rota_err err = files.get(files.ctx, "checkpoint", ROTA_LOG_HEAD_MAX, &note, why);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	if (err == ROTA_OK)
		err = rota_log_policy_open(&rota_crypto_openssl, &c->policy, rota_bytes_span(&note),
			false, &at, &who, why);
	if (err == ROTA_OK) {
		out->published = true;
		out->entries = at.size;
		out->witnesses = (unsigned)__builtin_popcount(who & c->policy.quorum);
	}
	rota_bytes_free(&note);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s/checkpoint", c->to);
}

enum rota_err carry_look(const struct carry *c, struct session *s, struct carry_standing *out)
{
	struct rota_released list;
	enum rota_err err;

	*out = (struct carry_standing){ .published = false };
	ROTA_TRY(look_checkpoint(c, out, &s->why));
	err = rota_released_load(&s->dir, &list, &s->why);
	if (err == ROTA_OK)
		free(find_unproven(c, &list, &out->unproven));
	rota_released_free(&list);
	return err;
}

void carry_close(struct carry *c)
{
	if (c->kept)
		curl_global_cleanup();
	free(c->from);
	free(c->to);
}
