/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/guard.h"
#include "host/keys/period.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of people, and a role's. */
static bool is_peoples(const struct rota_seat *seat, const struct rota_key_info *key)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT && !seat->token->online; i++)
		if (rota_key_has_use(key->uses, rota_duties[i].name))
			return true;
	return false;
}

static bool is_over(const struct rota_seat *seat, const struct rota_key_info *key)
{
	switch (key->state) {
	case ROTA_KEY_PRE_ACTIVE: /* it signs what names it first */
	case ROTA_KEY_ACTIVE:
		return false;
	case ROTA_KEY_COMPROMISED:
		return is_peoples(seat, key) || !key->named;
	case ROTA_KEY_DEACTIVATED:
	case ROTA_KEY_DESTROYED:
		break;
	}
	return true;
}

enum rota_err rota_key_guard_look(struct rota_key_guard *g, const struct rota_seat *seat,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], id[ROTA_DIGEST_HEX];
	const struct rota_key_info *key;
	struct rota_fail unknown;

	if (g->absent) /* an authority in the making */
		return ROTA_OK;
	rota_authdir_path(g->dir, "keys", path);
	if (!g->keys && !rota_file_exists(path))
		return ROTA_OK;
	if (!g->keys)
		ROTA_TRY(rota_keys_load(g->dir, &g->keys, why));
	rota_p256_key_id(point, id);
	if (rota_keys_find(g->keys, id, &key, &unknown) != ROTA_OK || !is_over(seat, key))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE, "token %s, key %s: it is %s, and signs no more",
		seat->token->name, seat->key, rota_key_state_text(key->state));
}

static enum rota_err may_sign(void *ctx, const struct rota_seat *seat,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	return rota_key_guard_look(ctx, seat, point, why);
}

static void forget(struct rota_key_guard *g)
{
	rota_keys_free(g->keys);
	g->keys = NULL;
}

enum { WATCHED, KEYS, METADATA, TRUST, CA };

static struct rota_key_stamp stamp_of(const struct stat *is)
{
	return (struct rota_key_stamp){ .inode = (uint64_t)is->st_ino,
		.len = (uint64_t)is->st_size,
		.changed_ns =
			(uint64_t)is->st_mtim.tv_sec * 1000000000 + (uint64_t)is->st_mtim.tv_nsec };
}

static struct rota_key_stamp stamp_at(const char *path)
{
	struct stat is;

	return stat(path, &is) == 0 ? stamp_of(&is) : (struct rota_key_stamp){ 0 };
}

static struct rota_key_stamp stamp_watched(const struct rota_key_guard *g)
{
	struct stat is;

	return g->watched > 0 && fstat(g->watched, &is) == 0 ? stamp_of(&is)
							     : (struct rota_key_stamp){ 0 };
}

/* DIR/keys, which grows in its place; while there is none, DIR, which changes when there is one. */
static void watch(struct rota_key_guard *g)
{
	char path[ROTA_FILE_PATH_MAX];

	if (g->watched > 0)
		close(g->watched);
	rota_authdir_path(g->dir, "keys", path);
	g->watched = open(path, O_PATH | O_CLOEXEC);
	g->absent = g->watched < 0;
	if (g->absent)
		g->watched = open(g->dir->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_as_it_was(const struct rota_key_guard *g)
{
	const struct rota_key_stamp is = stamp_watched(g);

	return g->watched > 0 && memcmp(&is, &g->stamp[WATCHED], sizeof(is)) == 0;
}

void rota_key_guard_renew(struct rota_key_guard *g, bool folders)
{
	struct rota_key_stamp stamp[ROTA_KEY_GUARD_FILES];
	char path[ROTA_FILE_PATH_MAX + 16];

	if (!folders && is_as_it_was(g))
		return;
	watch(g);
	memcpy(stamp, g->stamp, sizeof(stamp));
	stamp[WATCHED] = stamp_watched(g);
	rota_authdir_path(g->dir, "keys", path);
	stamp[KEYS] = stamp_at(path);
	if (folders) {
		snprintf(path, sizeof(path), "%s/metadata", g->dir->repo);
		stamp[METADATA] = stamp_at(path);
		rota_authdir_path(g->dir, "trust", path);
		stamp[TRUST] = stamp_at(path);
		rota_authdir_path(g->dir, "ca", path);
		stamp[CA] = stamp_at(path);
	}
	if (memcmp(stamp, g->stamp, sizeof(stamp)) == 0)
		return;
	forget(g);
	memcpy(g->stamp, stamp, sizeof(stamp));
}

void rota_key_guard_init(
	struct rota_key_guard *g, const struct rota_authdir *dir, struct rota_tokens *tokens)
{
	*g = (struct rota_key_guard){ .dir = dir };
	tokens->guard_ctx = g;
	tokens->guard = may_sign;
}

void rota_key_guard_close(struct rota_key_guard *g)
{
	forget(g);
	if (g->watched > 0)
		close(g->watched);
	g->watched = 0;
}
