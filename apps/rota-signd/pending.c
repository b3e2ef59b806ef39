/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/pending.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum rota_err pending_open(struct pending *p, const char *state, struct rota_fail *why)
{
	if ((size_t)snprintf(p->dir, sizeof(p->dir), "%s/pending", state) >=
		sizeof(p->dir) - ROTA_DIGEST_HEX - 1)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", state);
	return rota_file_mkdirs(p->dir, 0700, why);
}

static void path_of(const struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN],
	char out[static ROTA_FILE_PATH_MAX])
{
	size_t len = strlen(p->dir);

	memcpy(out, p->dir, len);
	out[len] = '/';
	rota_hex(rota_span(digest, ROTA_DIGEST_LEN), out + len + 1);
}

struct pending_ask *pending_find(struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	for (size_t i = 0; i < p->count; i++)
		if (memcmp(p->asks[i].digest, digest, ROTA_DIGEST_LEN) == 0)
			return &p->asks[i];
	return NULL;
}

/* ---- entries ---- */

static void forget(struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	struct pending_ask *one = pending_find(p, digest);

	if (one)
		*one = p->asks[--p->count];
}

static void name_of(struct rota_span from, char to[static ROTA_LEAF_NAME_MAX + 1])
{
	memcpy(to, from.p, from.len);
	to[from.len] = 0;
}

static bool word_of(const json_t *record, const char *name, char to[static PENDING_NAME_MAX])
{
	const char *word = rota_judge_text(record, name);

	return *word && (size_t)snprintf(to, PENDING_NAME_MAX, "%s", word) < PENDING_NAME_MAX;
}

static bool on_asked(struct pending *p, uint64_t index, const struct rota_leaf *leaf,
	const uint8_t ask[static ROTA_DIGEST_LEN], const json_t *record)
{
	struct pending_ask *one = &p->asks[p->count];

	if (p->count == PENDING_MAX || pending_find(p, ask))
		return true; /* the first entry counts; of more there are no bytes */
	*one = (struct pending_ask){ .entry = index, .until_s = leaf->at_s + PENDING_AGE_S };
	memcpy(one->digest, ask, sizeof(one->digest));
	name_of(leaf->scope, one->scope);
	name_of(leaf->role, one->role);
	p->count++;
	return word_of(record, "client", one->client) && word_of(record, "rule", one->rule);
}

static bool on_approved(
	struct pending *p, const uint8_t ask[static ROTA_DIGEST_LEN], const json_t *record)
{
	struct pending_ask *one = pending_find(p, ask);
	struct rota_approval approval;
	struct rota_fail why;

	if (rota_approval_parse(rota_span_cstr(rota_judge_text(record, "approval")), &approval,
		    &why) != ROTA_OK)
		return false;
	if (one && one->count < ROTA_POLICY_APPROVALS_MAX)
		one->yes[one->count++] = approval;
	return true;
}

static bool on_record(
	struct pending *p, uint64_t index, const struct rota_leaf *leaf, const json_t *record)
{
	uint8_t ask[ROTA_DIGEST_LEN];
	bool whole = rota_unhex(rota_judge_text(record, "ask"), ROTA_BUF(ask));

	if (leaf->kind == ROTA_LEAF_ASKED)
		return whole && on_asked(p, index, leaf, ask, record);
	if (leaf->kind == ROTA_LEAF_APPROVED)
		return whole && on_approved(p, ask, record);
	if (whole)
		forget(p, ask); /* granted, recorded, refused or expired */
	return true;
}

enum rota_err pending_entry(
	struct pending *p, uint64_t index, const struct rota_leaf *leaf, struct rota_span record)
{
	bool opens = leaf->kind == ROTA_LEAF_ASKED || leaf->kind == ROTA_LEAF_APPROVED;
	struct rota_fail why;
	json_t *value;
	bool good;

	if (!opens && p->count == 0)
		return ROTA_OK;
	if (rota_json_parse(record, &value, &why) != ROTA_OK)
		return opens ? ROTA_ERR_FORMAT : ROTA_OK; /* it ends nothing that waits */
	good = on_record(p, index, leaf, value);
	json_decref(value);
	return good ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* ---- bytes ---- */

/* Whether there is room for `len` bytes more, among those of this client; NULL: among all. */
static bool has_room(const struct pending *p, const char *client, size_t len)
{
	size_t part = client ? PENDING_OF_ONE : 1, count = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (client && strcmp(p->asks[i].client, client) != 0)
			continue;
		count++;
		len += p->asks[i].len;
	}
	return count < PENDING_MAX / part && len <= PENDING_BYTES_MAX / part;
}

enum rota_err pending_keep(
	struct pending *p, const char *client, const struct rota_ask *ask, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	if (!has_room(p, NULL, ask->bytes.len) || !has_room(p, client, ask->bytes.len))
		return rota_refuse(why, ROTA_REFUSED_RATE,
			"%zu requests wait for approvals, and there is no room for one more",
			p->count);
	path_of(p, ask->digest, path);
	return rota_file_write(path, rota_bytes_span(&ask->bytes), 0600, why);
}

enum rota_err pending_read(const struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN],
	struct rota_bytes *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint8_t is[ROTA_DIGEST_LEN];

	path_of(p, digest, path);
	ROTA_TRY(rota_file_read(path, ROTA_ASK_MAX, out, why));
	rota_digest_of(rota_bytes_span(out), is);
	if (memcmp(is, digest, sizeof(is)) == 0)
		return ROTA_OK;
	rota_bytes_free(out);
	return rota_fail(why, ROTA_ERR_HASH, "%s is not what was asked", path);
}

void pending_remove(struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN])
{
	char path[ROTA_FILE_PATH_MAX];

	forget(p, digest);
	path_of(p, digest, path);
	(void)unlink(path); /* what stays is swept at the next start */
}

void pending_learn(struct pending *p, const struct rota_ask *ask)
{
	struct pending_ask *one = pending_find(p, ask->digest);

	if (!one)
		return;
	one->len = ask->bytes.len;
	if (ask->expires_s && ask->expires_s < one->until_s)
		one->until_s = ask->expires_s;
}

static void load(struct pending *p, const struct pending_ask *one)
{
	struct rota_bytes bytes;
	struct rota_ask ask;
	struct rota_fail why;

	if (pending_read(p, one->digest, &bytes, &why) != ROTA_OK ||
		rota_ask_parse(bytes, &ask, &why) != ROTA_OK)
		return;
	pending_learn(p, &ask);
	rota_ask_free(&ask);
}

enum rota_err pending_load(struct pending *p, struct rota_fail *why)
{
	DIR *dir = opendir(p->dir);
	uint8_t digest[ROTA_DIGEST_LEN];
	struct dirent *one;

	if (!dir)
		return rota_fail_errno(why, errno, "%s", p->dir);
	while ((one = readdir(dir)) != NULL)
		if (one->d_type == DT_REG &&
			(!rota_unhex(one->d_name, ROTA_BUF(digest)) || !pending_find(p, digest)))
			(void)unlinkat(dirfd(dir), one->d_name, 0);
	closedir(dir);
	for (size_t i = 0; i < p->count; i++)
		load(p, &p->asks[i]);
	return ROTA_OK;
}
