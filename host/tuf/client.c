/* SPDX-License-Identifier: Apache-2.0 */
/* Method: the session says what it wants; this file answers from memory, disk or network, in this order. The
 * file fetched last is held in memory as it came, since the session may want it a second time before it is
 * verified, and becomes a file on disk only with a KEEP. */
#include "host/tuf/client.h"
#include "host/adapter/respell.h"
#include "host/agent/metastore.h"
#include "host/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Roots that one refresh walks: pre-signed series change them every few hours, so that 256 are soon behind. */
#define ROOTS_MAX 4096

struct rota_tuf_client {
	struct rota_tuf_settings settings;
	struct rota_limits limits;
	struct rota_session session;
	uint8_t *workspace;
	struct rota_bytes file; /* fetched last */
	char role[ROTA_ROLE_NAME_MAX + 1]; /* its role; empty: none */
	bool kept; /* it is on disk */
	char name[ROTA_META_NAME_MAX]; /* of the file that is wanted, for the reason */
	struct rota_fail detail; /* what the fetch or the adapter said of it */
};

struct rota_tuf_client *rota_tuf_open(
	const struct rota_tuf_settings *settings, struct rota_fail *why)
{
	struct rota_tuf_client *c = calloc(1, sizeof(*c));
	struct rota_trusted trusted;
	struct rota_session_config config;
	size_t room;

	if (!c)
		abort();
	c->settings = *settings;
	c->limits = rota_limits_linux;
	c->limits.roots = ROOTS_MAX;
	config = (struct rota_session_config){ .crypto = settings->crypto,
		.limits = &c->limits,
		.start = { .unix_s = settings->now_s, .trusted = true } };
	room = rota_session_room(&c->limits);
	c->workspace = malloc(room);
	if (!c->workspace)
		abort();
	if (rota_metadir_trusted(settings->metadir, &trusted, why) == ROTA_OK) {
		enum rota_err err = rota_session_init(
			&c->session, &config, &trusted, rota_buf(c->workspace, room));

		if (err == ROTA_OK)
			return c;
		rota_fail(why, err, "no session: %s", rota_err_str(err));
	}
	rota_tuf_close(c);
	return NULL;
}

void rota_tuf_close(struct rota_tuf_client *c)
{
	if (!c)
		return;
	rota_session_drop(&c->session);
	rota_bytes_free(&c->file);
	free(c->workspace);
	free(c);
}

/* ---- copies at hand ---- */

static void set_file(
	struct rota_tuf_client *c, const struct rota_want *want, struct rota_bytes *file, bool kept)
{
	rota_bytes_free(&c->file);
	c->file = *file;
	*file = (struct rota_bytes){ 0 };
	c->kept = kept;
	snprintf(c->role, sizeof(c->role), "%.*s", (int)want->role.len, (const char *)want->role.p);
}

/* Whether a copy is what is wanted: by digest where one is known, else by version. */
static bool will_do(const struct rota_want *want, struct rota_span file)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	if (want->sha256 == NULL && want->at_hand)
		return true;
	if (want->sha256 == NULL)
		return want->current != 0 && rota_metadir_version(file) == want->current;
	rota_digest_of(file, digest);
	return memcmp(digest, want->sha256, sizeof(digest)) == 0;
}

static bool at_hand(struct rota_tuf_client *c, const struct rota_want *want)
{
	struct rota_bytes file;
	struct rota_fail ignored;

	if (want->fresh || (want->sha256 == NULL && want->current == 0 && !want->at_hand))
		return false;
	if (rota_span_eq(want->role, rota_span_cstr(c->role)) &&
		will_do(want, rota_bytes_span(&c->file)))
		return true;
	if (rota_metadir_read(c->settings.metadir, want->role, &file, &ignored) != ROTA_OK)
		return false;
	if (!will_do(want, rota_bytes_span(&file))) {
		rota_bytes_free(&file);
		return false;
	}
	set_file(c, want, &file, true);
	return true;
}

/* ---- the network ---- */

static enum rota_err take(void *ctx, struct rota_span piece)
{
	rota_bytes_add(ctx, piece);
	return ROTA_OK;
}

static enum rota_err from_network(struct rota_tuf_client *c, const struct rota_want *want)
{
	struct rota_bytes file = { 0 };
	const struct rota_fetch_get get = {
		.server = &c->settings.server,
		.path = c->name,
		.max_len = want->max_len < ROTA_RESPELL_MAX ? want->max_len : ROTA_RESPELL_MAX,
		.total_s = c->settings.file_s,
		.ctx = &file,
		.take = take,
	};
	enum rota_err err = rota_fetch_get(c->settings.fetch, &get, &c->detail);

	if (err == ROTA_OK)
		set_file(c, want, &file, false);
	rota_bytes_free(&file);
	return err;
}

/* ---- into the session ---- */

/* What cannot be respelled goes in as it is: the core refuses it, and says by which clause. A file of another
 * digest than the wanted one is not even read. */
static void feed(struct rota_tuf_client *c, const uint8_t *sha256)
{
	struct rota_span file = rota_bytes_span(&c->file);
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes spelled = { 0 };
	bool good;
	enum rota_err err = ROTA_OK;

	rota_digest_of(file, digest);
	if (sha256 == NULL || memcmp(digest, sha256, sizeof(digest)) == 0) {
		good = rota_respell(file, &spelled, &c->detail) == ROTA_OK;
		err = rota_session_feed(&c->session, good ? rota_bytes_span(&spelled) : file);
		rota_bytes_free(&spelled);
	}
	if (err == ROTA_OK)
		err = rota_session_raw(&c->session, file.len, digest);
	rota_session_fetched(&c->session, err);
}

static void fetch(struct rota_tuf_client *c, const struct rota_want *want)
{
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	c->detail = (struct rota_fail){ 0 };
	if (rota_meta_name(want->role, want->version, c->name) != ROTA_OK) {
		rota_session_fetched(&c->session, ROTA_ERR_LIMIT);
	} else if (at_hand(c, want)) {
		rota_session_copy(&c->session);
		feed(c, want->sha256);
	} else {
		if (!want->at_hand)
			err = from_network(c, want);
		if (err == ROTA_OK)
			feed(c, want->sha256);
		else
			rota_session_fetched(&c->session, err);
	}
}

/* Before a root that brings other online keys is trusted, what the old ones signed is forgotten: in the other
 * order a cut between the two would keep it for ever (TUF 5.3.11). */
static enum rota_err keep(struct rota_tuf_client *c, const struct rota_want *want)
{
	const struct rota_metadir *m = c->settings.metadir;

	c->detail = (struct rota_fail){ 0 };
	if (rota_span_eq(want->role, ROTA_STR("root")) &&
		rota_session_trusted(&c->session)->timestamp_version == 0)
		ROTA_TRY(rota_metadir_forget(m, &c->detail));
	if (c->kept)
		return ROTA_OK;
	ROTA_TRY(rota_metadir_write(m, want->role, rota_bytes_span(&c->file), &c->detail));
	c->kept = true;
	return ROTA_OK;
}

/* "timestamp.json: expired (TUF 5.4.4: timestamp has not expired)", and what is known beside. */
static enum rota_err complain(const struct rota_tuf_client *c, struct rota_fail *why)
{
	struct rota_why reason = rota_session_why(&c->session);
	bool more = c->detail.text[0] != 0;

	return rota_fail(why, reason.err, "%s: %s (%s: %s)%s%s", c->name, rota_err_str(reason.err),
		rota_clause_section(reason.clause), rota_clause_demand(reason.clause),
		more ? "; " : "", c->detail.text);
}

static enum rota_err run(struct rota_tuf_client *c, struct rota_fail *why)
{
	struct rota_want want;

	for (;;) {
		rota_session_want(&c->session, &want);
		switch (want.kind) {
		case ROTA_WANT_FETCH:
			fetch(c, &want);
			break;
		case ROTA_WANT_KEEP:
			rota_session_kept(&c->session, keep(c, &want));
			break;
		case ROTA_WANT_NOTHING:
		case ROTA_WANT_FOUND:
			return ROTA_OK;
		case ROTA_WANT_FAILED:
		default:
			return complain(c, why);
		}
	}
}

/* ---- what the caller asks for ---- */

enum rota_err rota_tuf_refresh(struct rota_tuf_client *c, struct rota_fail *why)
{
	return run(c, why);
}

enum rota_err rota_tuf_find(struct rota_tuf_client *c, const char *path,
	const struct rota_target **out, struct rota_fail *why)
{
	enum rota_err err =
		rota_session_find(&c->session, rota_span(NULL, 0), rota_span_cstr(path));

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: %s", path, rota_err_str(err));
	if (run(c, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	*out = rota_session_target(&c->session);
	return ROTA_OK;
}

bool rota_tuf_consistent(const struct rota_tuf_client *c)
{
	return rota_session_consistent(&c->session);
}
