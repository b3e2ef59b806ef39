/* SPDX-License-Identifier: Apache-2.0 */
/* Method: the session says what it wants; this file answers from disk or network, in this order. What comes from
 * the network goes to the session and to a draft at the same time; the draft may be wanted a second time before it
 * is verified, and becomes a file of the directory only with a KEEP. */
#include "host/tuf/client.h"
#include "host/agent/metastore.h"
#include "host/base/digest.h"
#include "host/tuf/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rota_tuf_client {
	struct rota_tuf_settings settings;
	struct rota_tuf_session s;
	struct rota_draft draft; /* the file fetched last, until it is kept */
	char role[ROTA_ROLE_NAME_MAX + 1]; /* of the draft */
	bool placed; /* a root that is not synced yet */
	char name[ROTA_META_NAME_MAX]; /* of the file that is wanted, for the reason */
	struct rota_fail detail; /* what the disk, the fetch or the adapter said of it */
};

struct rota_tuf_client *rota_tuf_open(
	const struct rota_tuf_settings *settings, struct rota_fail *why)
{
	struct rota_tuf_client *c = calloc(1, sizeof(*c));
	char root[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	if (!c)
		abort();
	c->settings = *settings;
	c->draft.fd = -1;
	err = rota_metadir_path(settings->metadir, ROTA_STR("root"), root, why);
	if (err == ROTA_OK)
		err = rota_tuf_session_open(&c->s, settings->crypto, root, settings->now_s, why);
	c->s.limits.roots = settings->roots;
	if (err == ROTA_OK)
		return c;
	if (err == ROTA_ERR_NOT_FOUND)
		rota_fail(why, err, "%s is not there (TUF 5.2); begin with: rota-tuf init", root);
	else
		rota_fail_in(why, "%s cannot be used; begin anew with: rota-tuf init", root);
	rota_tuf_close(c);
	return NULL;
}

void rota_tuf_close(struct rota_tuf_client *c)
{
	if (!c)
		return;
	rota_draft_drop(&c->draft);
	rota_tuf_session_close(&c->s);
	free(c);
}

/* ---- copies at hand ---- */

static bool has_draft(const struct rota_tuf_client *c, struct rota_span role)
{
	return c->draft.fd >= 0 && rota_span_eq(role, rota_span_cstr(c->role));
}

/* Where a copy of what is wanted may lie. One of another digest than the wanted one is none; where only the version
 * is known, the session finds out. */
static bool at_hand(struct rota_tuf_client *c, const struct rota_want *want,
	char path[static ROTA_FILE_PATH_MAX])
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_fail ignored;
	uint64_t len;

	if (want->fresh || (want->sha256 == NULL && want->current == 0 && !want->at_hand))
		return false;
	if (has_draft(c, want->role))
		snprintf(path, ROTA_FILE_PATH_MAX, "%s", c->draft.path);
	else if (rota_metadir_path(c->settings.metadir, want->role, path, &c->detail) != ROTA_OK)
		return false;
	if (want->sha256 == NULL)
		return rota_file_exists(path);
	return rota_digest_file(path, NULL, &len, digest, &ignored) == ROTA_OK &&
		memcmp(digest, want->sha256, sizeof(digest)) == 0;
}

static enum rota_err from_disk(
	struct rota_tuf_client *c, const struct rota_want *want, const char *path)
{
	struct rota_tuf_intake in = { .session = &c->s.session };

	rota_session_copy(&c->s.session);
	return rota_tuf_intake_file(&in, path, want->sha256, &c->detail);
}

/* ---- the network ---- */

struct transfer {
	struct rota_tuf_client *c;
	struct rota_tuf_intake in;
	struct rota_fail fail; /* what disk or adapter said */
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct transfer *t = ctx;

	ROTA_TRY(rota_draft_write(&t->c->draft, piece, &t->fail));
	return rota_tuf_intake_take(&t->in, piece, &t->fail);
}

static enum rota_err begin_draft(struct rota_tuf_client *c, struct rota_span role)
{
	rota_draft_drop(&c->draft);
	snprintf(c->role, sizeof(c->role), "%.*s", (int)role.len, (const char *)role.p);
	return rota_draft_open(&c->draft, c->settings.metadir->dir, 0644, &c->detail);
}

static enum rota_err from_network(struct rota_tuf_client *c, const struct rota_want *want)
{
	struct transfer t = { .c = c, .in = { .session = &c->s.session } };
	const struct rota_fetch_get get = {
		.server = &c->settings.server,
		.path = c->name,
		.max_len = want->max_len,
		.total_s = c->settings.file_s,
		.ctx = &t,
		.take = take,
	};
	const uint8_t *sha256 = want->sha256;
	enum rota_err err = begin_draft(c, want->role);

	if (err == ROTA_OK)
		err = rota_fetch_get(c->settings.fetch, &get, &c->detail);
	if (t.fail.err != ROTA_OK)
		c->detail = t.fail;
	if (err == ROTA_OK)
		err = rota_tuf_intake_end(&t.in, c->draft.path, sha256, &c->detail);
	if (err != ROTA_OK)
		rota_draft_drop(&c->draft);
	return err;
}

static void fetch(struct rota_tuf_client *c, const struct rota_want *want)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;

	c->detail = (struct rota_fail){ 0 };
	err = rota_meta_name(want->role, want->version, c->name);
	if (err != ROTA_OK)
		snprintf(c->name, sizeof(c->name), "a role whose file has too long a name");
	else if (at_hand(c, want, path))
		err = from_disk(c, want, path);
	else
		err = want->at_hand ? ROTA_ERR_NOT_FOUND : from_network(c, want);
	rota_session_fetched(&c->s.session, err);
}

/* Before a root that brings other online keys is trusted, what the old ones signed is forgotten: in the other
 * order a cut between the two would keep it for ever (TUF 5.3.11). */
static enum rota_err keep(struct rota_tuf_client *c, const struct rota_want *want)
{
	const struct rota_metadir *m = c->settings.metadir;
	char path[ROTA_FILE_PATH_MAX];

	c->detail = (struct rota_fail){ 0 };
	if (rota_span_eq(want->role, ROTA_STR("root")) &&
		rota_session_trusted(&c->s.session)->timestamp_version == 0)
		ROTA_TRY(rota_metadir_forget(m, &c->detail));
	if (!has_draft(c, want->role))
		return ROTA_OK; /* it was at hand */
	ROTA_TRY(rota_metadir_path(m, want->role, path, &c->detail));
	if (!rota_span_eq(want->role, ROTA_STR("root")))
		return rota_draft_commit(&c->draft, path, &c->detail);
	c->placed = true;
	return rota_draft_place(&c->draft, path, &c->detail);
}

/* That the walk ends with an expired root shows when the next one was not found. */
static void name_expired_root(struct rota_tuf_client *c)
{
	if (rota_session_why(&c->s.session)->clause != ROTA_CLAUSE_TUF_5_3_10)
		return;
	snprintf(c->name, sizeof(c->name), "root.json");
	c->detail = (struct rota_fail){ 0 };
}

static enum rota_err run(struct rota_tuf_client *c, struct rota_fail *why)
{
	struct rota_want want;

	for (;;) {
		want = *rota_session_want(&c->s.session);
		switch (want.kind) {
		case ROTA_WANT_FETCH:
			fetch(c, &want);
			break;
		case ROTA_WANT_KEEP:
			rota_session_kept(&c->s.session, keep(c, &want));
			break;
		case ROTA_WANT_NOTHING:
		case ROTA_WANT_FOUND:
			return ROTA_OK;
		case ROTA_WANT_FAILED:
		default:
			name_expired_root(c);
			return rota_tuf_complain(&c->s.session, c->name, &c->detail, why);
		}
	}
}

/* ---- what the caller asks for ---- */

enum rota_err rota_tuf_refresh(struct rota_tuf_client *c, struct rota_fail *why)
{
	enum rota_err err = run(c, why);
	struct rota_fail unsynced = { 0 };

	/* Roots that were verified stay, whatever came after them. */
	if (c->placed && rota_metadir_sync(c->settings.metadir, &unsynced) != ROTA_OK &&
		err == ROTA_OK)
		*why = unsynced;
	c->placed = false;
	return err == ROTA_OK ? unsynced.err : err;
}

enum rota_err rota_tuf_find(struct rota_tuf_client *c, const char *path,
	const struct rota_target **out, struct rota_fail *why)
{
	enum rota_err err = rota_session_find(&c->s.session, rota_span_cstr(path));

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: %s", path, rota_err_str(err));
	if (run(c, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	*out = rota_session_target(&c->s.session);
	return ROTA_OK;
}

bool rota_tuf_consistent(const struct rota_tuf_client *c)
{
	return rota_session_consistent(&c->s.session);
}
