/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge_scene.h"
#include "host/notary/refusal.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *court_release(const char *role, const char *version, unsigned length, const char *sha256)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sensor/%s/app", role, version);
	return json_pack("{s:s,s:s,s:s,s:{s:i,s:s,s:i,s:[s],s:i,s:i},s:[{s:i,s:[],s:[s],s:i,s:s,"
			 "s:i,s:s,s:s,s:s}],s:[],s:i,s:s,s:s,s:s,s:[],s:s}",
		"_type", "release", "abort", "revert", "build", "b1", "ceilings", "canary", 1,
		"everyone", "human", "first_ppm", 1000, "groups", "lab", "growth", 10, "soak_s",
		SOAK_S, "components", "counter", 0, "depends", "hardware", "rev-a", "length",
		(int)length, "name", "app", "order", 0, "path", path, "sha256", sha256, "slot",
		"app", "deltas", "format", 1, "issued", "2027-01-15T08:00:00Z", "minimum", "0.0.0",
		"product", "sensor", "revert_to", "version", version);
}

/* ---- the log ---- */

static void append(struct court *c, const struct rota_leaf *leaf, struct rota_span record)
{
	struct entry *e;

	c->log = realloc(c->log, (c->entries + 1) * sizeof(*c->log));
	if (!c->log)
		abort();
	e = &c->log[c->entries++];
	*e = (struct entry){ .leaf = *leaf };
	memcpy(e->names[0], leaf->scope.p, leaf->scope.len);
	memcpy(e->names[1], leaf->role.p, leaf->role.len);
	if (leaf->path.len)
		memcpy(e->names[2], leaf->path.p, leaf->path.len);
	rota_bytes_add(&e->record, record);
}

static enum rota_err on_entry(
	void *ctx, const struct rota_leaf *leaf, struct rota_span record, struct rota_fail *why)
{
	struct court *c = ctx;

	(void)why;
	append(c, leaf, record);
	return rota_records_entry(c->records, c->entries - 1, leaf, record);
}

enum rota_err court_restart(struct court *c)
{
	rota_records_free(c->records);
	ROTA_TRY(rota_records_open(tempdir_path("state"), &c->records, &c->n.s.why));
	c->judge.records = c->records;
	for (size_t i = 0; i < c->entries; i++) {
		struct rota_leaf leaf = c->log[i].leaf;

		leaf.scope = rota_span(c->log[i].names[0], leaf.scope.len);
		leaf.role = rota_span(c->log[i].names[1], leaf.role.len);
		leaf.path = rota_span(c->log[i].names[2], leaf.path.len);
		ROTA_TRY(rota_records_entry(
			c->records, i, &leaf, rota_bytes_span(&c->log[i].record)));
	}
	return rota_records_load(c->records, &c->n.s.why);
}

/* ---- the repository ---- */

enum rota_err court_store(struct court *c, const char *role, const json_t *content)
{
	struct scene *s = &c->n.s;
	const struct rota_notary_file what = {
		.party = rota_authdir_party(&s->online, role), .role = role, .content = content
	};
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_envelope_sign(s->desk.notary, &what, &file, &s->why));
	err = rota_store_stage(
		&s->online, role, rota_chain_version(content), rota_bytes_span(&file), &s->why);
	if (err == ROTA_OK)
		err = rota_store_put(&s->online, role, rota_chain_version(content),
			rota_bytes_span(&file), &s->why);
	rota_bytes_free(&file);
	return err;
}

void court_list(json_t *content, json_t *files, const char *path, json_t *text)
{
	struct rota_store_target target;
	struct rota_bytes bytes;
	struct rota_fail why;

	if (rota_json_encode(text, ROTA_JSON_FILE, &bytes, &why) != ROTA_OK)
		abort();
	target.len = bytes.len;
	rota_digest_of(rota_bytes_span(&bytes), target.sha256);
	json_object_set_new(
		json_object_get(content, "targets"), path, rota_store_target_object(&target));
	json_object_set_new(files, path, json_stringn((char *)bytes.p, bytes.len));
	rota_bytes_free(&bytes);
	json_decref(text);
}

/* Release 1.0.0, signed by its people. */
static enum rota_err add_release(struct court *c)
{
	struct scene *s = &c->n.s;
	json_t *content = rota_metadata_empty(), *files = json_object();
	struct rota_store_target target;
	const char *text;
	uint64_t version;
	enum rota_err err;

	court_list(content, files, RELEASE_PATH, court_release("releases", "1.0.0", 1, &DIGEST[1]));
	text = json_string_value(json_object_get(files, RELEASE_PATH));
	err = rota_store_put_target(
		&s->online, RELEASE_PATH, rota_span_cstr(text), &target, &s->why);
	rota_hex(ROTA_SPAN(target.sha256), c->release);
	if (err == ROTA_OK)
		err = rota_metadata_sign(&s->desk, "releases", content, 0, &version, &s->why);
	json_decref(content);
	json_decref(files);
	return err;
}

bool court_begin(struct court *c)
{
	*c = (struct court){ 0 };
	if (!notary_begin(&c->n) || add_release(c) != ROTA_OK ||
		rota_file_mkdirs(tempdir_path("state"), 0700, &c->n.s.why) != ROTA_OK ||
		rota_records_open(tempdir_path("state"), &c->records, &c->n.s.why) != ROTA_OK)
		return false;
	c->judge = (struct rota_judge){ .policy = c->n.policy, .records = c->records, .now = NOW };
	return court_adopt(c) == ROTA_OK;
}

enum rota_err court_adopt(struct court *c)
{
	const struct rota_records_sink sink = { c, on_entry };

	return rota_records_adopt(
		c->records, rota_policy_scope(c->n.policy, "sensor"), NOW, &sink, &c->n.s.why);
}

void court_end(struct court *c)
{
	for (size_t i = 0; i < c->entries; i++)
		rota_bytes_free(&c->log[i].record);
	free(c->log);
	rota_records_free(c->records);
	notary_end(&c->n);
}

/* ---- asking ---- */

static enum rota_err decide(
	struct court *c, const struct rota_rule *rule, const struct rota_ask *ask)
{
	struct rota_fail *why = &c->n.s.why;
	struct rota_grant grant;
	enum rota_err err;

	ROTA_TRY(rota_judge_ask(&c->judge, rule, ask, &grant, why));
	err = grant.waits ? ROTA_ERR_BUSY : rota_judge_keep(&c->judge, ask, &grant, why);
	if (err == ROTA_OK)
		err = rota_judge_taken(&c->judge, ask, &grant, why);
	if (err == ROTA_OK) {
		append(c, &grant.leaf, rota_bytes_span(&grant.record));
		rota_judge_settled(&c->judge, ask, &grant);
	}
	rota_grant_free(&grant);
	return err;
}

enum rota_err court_ask(struct court *c, const struct rota_identity *who, const char *kind,
	const char *role, json_t *body, json_t *files)
{
	const struct rota_rule *rule;
	struct rota_ask ask;
	enum rota_err err;

	c->n.s.why = (struct rota_fail){ 0 };
	ROTA_TRY(notary_ask(&c->n, kind, role, body, files, &ask));
	err = rota_policy_find(c->n.policy, who, &ask, &rule, &c->judge.client, &c->n.s.why);
	if (err == ROTA_OK)
		err = decide(c, rule, &ask);
	rota_ask_free(&ask);
	return err;
}

enum rota_err court_sign(struct court *c, const char *role, json_t *content, json_t *files)
{
	return court_ask(c, strcmp(role, "ci") == 0 ? &notary_ci : &notary_engineer, "metadata",
		role, json_pack("{s:o}", "signed", content), files);
}

const char *court_code(const struct court *c)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(&c->n.s.why, &text);

	return row ? row->code : c->n.s.why.text;
}

json_t *court_next(struct court *c, const char *role)
{
	struct rota_record_role *was = rota_records_role(c->records, "sensor", role);
	uint64_t lifetime = strcmp(role, "ci") == 0 ? 86400 : rota_duty_find(role)->lifetime_s;
	json_t *content = was->content ? json_deep_copy(was->content) : json_object();

	rota_metadata_stamp(content, role, was->version + 1, c->judge.now, lifetime);
	return content;
}

json_t *court_policy(const struct court *c, unsigned sequence, const char *stages, unsigned open,
	const char *state)
{
	return json_pack("{s:s,s:[{s:i,s:s,s:s,s:i,s:{s:s,s:s},s:{s:i,s:i},s:o,s:s}],s:i,s:s,s:i}",
		"_type", "rollout", "campaigns", "attempt", 0, "channel", "production", "id", "r",
		"open", (int)open, "release", "path", RELEASE_PATH, "sha256", c->release, "retry",
		"backoff_s", 60, "max", 1, "stages", json_loads(stages, 0, NULL), "state", state,
		"format", 1, "product", "sensor", "sequence", (int)sequence);
}

void court_set(json_t *object, const char *path, json_t *value)
{
	char name[80];

	for (;;) {
		size_t len = strcspn(path, " ");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (!path[len])
			break;
		object = json_object_get(object, name);
		path += len + 1;
	}
	if (value)
		json_object_set_new(object, name, value);
	else
		json_object_del(object, name);
}

enum rota_err court_roll(
	struct court *c, unsigned sequence, const char *stages, unsigned open, const char *state)
{
	json_t *content = court_next(c, "rollouts"), *files = json_object();

	court_list(content, files, POLICY_PATH, court_policy(c, sequence, stages, open, state));
	return court_sign(c, "rollouts", content, files);
}

void court_list_role(struct court *c, json_t *snapshot, const char *role, uint64_t version)
{
	char name[64];
	json_t *entry;

	snprintf(name, sizeof(name), "%s.json", role);
	if (rota_metadata_entry(&c->n.s.online, role, version, &entry, &c->n.s.why) != ROTA_OK)
		abort();
	json_object_set_new(json_object_get(snapshot, "meta"), name, entry);
}
