/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tuf/trust.h"
#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/tuf/intake.h"

#include <stdlib.h>
#include <string.h>

/* ---- a session ---- */

/* The version that a root file states, whatever its spelling; 0: it is no root. */
static uint64_t version_of(struct rota_span root)
{
	struct rota_fail ignored;
	const json_t *part;
	const char *type;
	json_int_t version;
	json_t *top;

	if (rota_json_parse(root, &top, &ignored) != ROTA_OK)
		return 0;
	part = json_object_get(top, "signed");
	type = json_string_value(json_object_get(part, "_type"));
	version = json_integer_value(json_object_get(part, "version"));
	if (!type || strcmp(type, "root") != 0 || version < 0)
		version = 0;
	json_decref(top);
	return (uint64_t)version;
}

static enum rota_err trusted_root(const char *path, struct rota_trusted *out, struct rota_fail *why)
{
	struct rota_bytes file;

	*out = (struct rota_trusted){ 0 };
	ROTA_TRY(rota_file_read(path, ROTA_TUF_ROOT_MAX, &file, why));
	out->root.version = rota_num_nearest(version_of(rota_bytes_span(&file)));
	rota_digest_of(rota_bytes_span(&file), out->root.sha256);
	rota_bytes_free(&file);
	if (out->root.version == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "no root metadata (TUF 5.2)");
	return ROTA_OK;
}

enum rota_err rota_tuf_session_open(struct rota_tuf_session *s, const struct rota_crypto *crypto,
	const char *root, uint64_t now_s, struct rota_fail *why)
{
	struct rota_session_config config = { .crypto = crypto,
		.limits = &s->limits,
		.start = { .unix_s = rota_num_nearest(now_s), .trusted = true },
		.profile = &rota_session_letter };
	struct rota_trusted trusted;
	enum rota_err err;
	size_t room;

	ROTA_TRY(trusted_root(root, &trusted, why));
	s->limits = rota_limits_linux;
	s->limits.roots = ROTA_TUF_ROOTS_MAX;
	s->limits.max_len[ROTA_TUF_ROOT] = ROTA_TUF_ROOT_MAX;
	s->limits.max_len[ROTA_TUF_SNAPSHOT] = ROTA_TUF_META_MAX;
	s->limits.max_len[ROTA_TUF_TARGETS] = ROTA_TUF_META_MAX;
	room = rota_session_room(&s->limits);
	s->workspace = malloc(room);
	if (!s->workspace)
		abort();
	err = rota_session_init(&s->session, &config, &trusted, rota_buf(s->workspace, room));
	return err == ROTA_OK ? err : rota_fail(why, err, "no session: %s", rota_err_str(err));
}

void rota_tuf_session_close(struct rota_tuf_session *s)
{
	if (!s->workspace)
		return;
	rota_session_drop(&s->session);
	free(s->workspace);
	s->workspace = NULL;
}

enum rota_err rota_tuf_complain(const struct rota_session *s, const char *name,
	const struct rota_fail *detail, struct rota_fail *why)
{
	struct rota_why reason = *rota_session_why(s);
	bool more = detail->text[0] != 0;

	return rota_fail(why, reason.err, "%s: %s (%s: %s)%s%s", name, rota_err_str(reason.err),
		rota_clause_section(reason.clause), rota_clause_demand(reason.clause),
		more ? "; " : "", detail->text);
}

/* ---- begin ---- */

/* The session reads its root twice, the second time against its own keys; what it wants after that is no root at
 * hand any more. */
static enum rota_err verify_root(
	const char *path, const struct rota_crypto *crypto, struct rota_fail *why)
{
	struct rota_tuf_session s = { .workspace = NULL };
	struct rota_fail detail = { 0 };
	enum rota_err err = rota_tuf_session_open(&s, crypto, path, 0, why);
	struct rota_want want = { .kind = ROTA_WANT_NOTHING };

	if (err == ROTA_OK)
		want = *rota_session_want(&s.session);
	while (want.kind == ROTA_WANT_FETCH && want.at_hand &&
		rota_span_eq(want.role, ROTA_STR("root"))) {
		struct rota_tuf_intake in = { .session = &s.session };

		rota_session_fetched(
			&s.session, rota_tuf_intake_file(&in, path, want.sha256, &detail));
		want = *rota_session_want(&s.session);
	}
	if (want.kind == ROTA_WANT_FAILED)
		err = rota_tuf_complain(&s.session, "root", &detail, why);
	rota_tuf_session_close(&s);
	return err;
}

/* From a copy of it that nobody else writes to. */
static enum rota_err begin_with(const struct rota_metadir *m, const struct rota_crypto *crypto,
	struct rota_draft *draft, struct rota_span root, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_draft_write(draft, root, why));
	ROTA_TRY(verify_root(draft->path, crypto, why));
	ROTA_TRY(rota_metadir_path(m, ROTA_STR("root"), path, why));
	ROTA_TRY(rota_metadir_forget(m, why));
	return rota_draft_commit(draft, path, why);
}

enum rota_err rota_tuf_begin(const struct rota_metadir *m, const struct rota_crypto *crypto,
	const char *root, struct rota_fail *why)
{
	struct rota_draft draft;
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_file_read(root, ROTA_TUF_ROOT_MAX, &file, why));
	err = rota_draft_open(&draft, m->dir, 0644, why);
	if (err == ROTA_OK) {
		err = begin_with(m, crypto, &draft, rota_bytes_span(&file), why);
		rota_draft_drop(&draft);
	}
	rota_bytes_free(&file);
	return err == ROTA_OK ? err : rota_fail_in(why, "%s", root);
}
