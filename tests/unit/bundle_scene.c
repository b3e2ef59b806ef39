/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bundle_scene.h"
#include "host/repo/bundle_import.h"
#include "host/repo/bundle_make.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void seat(struct rota_authdir *dir, const char *role, const char *tokens, unsigned threshold)
{
	struct rota_party *party = &dir->parties[dir->party_count++];

	*party = (struct rota_party){ .name = role,
		.is_role = true,
		.threshold = threshold,
		.lifetime_s = rota_duty_find(role)->lifetime_s };
	for (; *tokens; tokens++)
		party->seats[party->seat_count++] =
			(struct rota_seat){ .token = &dir->tokens[*tokens - '0'], .key = "key" };
}

/* Token 7 is online. */
static void fill_authority(struct rota_authdir *dir, const char *folder)
{
	soft_authdir(dir, 0, 1);
	dir->party_count = 0;
	dir->product = "sensor";
	dir->tokens[7].online = true;
	snprintf(dir->dir, sizeof(dir->dir), "%s", tempdir_path(folder));
	snprintf(dir->repo, sizeof(dir->repo), "%s/repo", tempdir_path(folder));
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const char *name = rota_duties[i].name;

		if (strcmp(name, "root") == 0)
			seat(dir, name, "012", 2);
		else if (strcmp(name, "targets") == 0)
			seat(dir, name, "345", 2);
		else if (strcmp(name, "releases") == 0 || strcmp(name, "retirements") == 0)
			seat(dir, name, "016", 2);
		else
			seat(dir, name, "7", 1);
	}
}

static enum rota_err first(struct scene *s, const char *role, json_t *content)
{
	uint64_t version;
	enum rota_err err = rota_metadata_sign(&s->desk, role, content, 0, &version, &s->why);

	json_decref(content);
	return err;
}

static enum rota_err publish(struct scene *s)
{
	const struct rota_publish_plan plan = { 0 };
	struct rota_publish_role done[ROTA_DUTY_COUNT];

	return rota_publish(&s->desk, &plan, done, &s->why);
}

/* Every role once, and the anchor in the vault. */
static enum rota_err fill_repository(struct scene *s)
{
	struct rota_bytes anchor;
	json_t *content;
	char *path;
	enum rota_err err;

	ROTA_TRY(rota_store_make(&s->online, &s->why));
	ROTA_TRY(rota_metadata_root(&s->desk, &content, &s->why));
	ROTA_TRY(first(s, "root", content));
	ROTA_TRY(rota_metadata_targets(&s->desk, &content, &s->why));
	ROTA_TRY(first(s, "targets", content));
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++)
		ROTA_TRY(first(s, rota_duties[i].name, rota_metadata_empty()));
	ROTA_TRY(publish(s));
	path = rota_text("%s/trust", s->vault.dir);
	err = rota_file_mkdirs(path, 0755, &s->why);
	free(path);
	ROTA_TRY(err);
	ROTA_TRY(rota_file_read(tempdir_path("online/trust/root.json"), 65536, &anchor, &s->why));
	err = rota_file_write(
		tempdir_path("vault/trust/root.json"), rota_bytes_span(&anchor), 0644, &s->why);
	rota_bytes_free(&anchor);
	return err;
}

bool scene_begin(struct scene *s)
{
	tempdir_fresh();
	memset(s, 0, sizeof(*s));
	soft_make(&s->soft);
	fill_authority(&s->online, "online");
	fill_authority(&s->vault, "vault");
	rota_tokens_init(&s->tokens, &s->online, soft_opener(&s->soft));
	rota_tokens_init(&s->cards, &s->vault, soft_opener(&s->soft));
	s->notary = rota_notary_at_hand(&s->tokens);
	s->vault_notary = rota_notary_at_hand(&s->cards);
	s->desk = (struct rota_desk){
		.dir = &s->online, .tokens = &s->tokens, .notary = &s->notary, .now = NOW
	};
	s->bench = (struct rota_desk){
		.dir = &s->vault, .tokens = &s->cards, .notary = &s->vault_notary, .now = NOW
	};
	return fill_repository(s) == ROTA_OK;
}

void scene_end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	rota_tokens_close(&s->cards);
	soft_free(&s->soft);
	tempdir_remove();
}

/* A file of a kind that nobody reads waits for the release signers. */
enum rota_err scene_wait_for(struct scene *s, const char *path, const char *text)
{
	struct rota_store_target target;
	json_t *entries = json_object();
	enum rota_err err =
		rota_store_put_target(&s->online, path, rota_span_cstr(text), &target, &s->why);

	json_object_set_new(entries, path, rota_store_target_object(&target));
	if (err == ROTA_OK)
		err = rota_pending_add(&s->online, "releases", entries, &s->why);
	json_decref(entries);
	return err;
}

/* A target whose file is a byte shorter than is listed. */
enum rota_err scene_wait_for_too_long(struct scene *s, const char *path, const char *text)
{
	struct rota_store_target target;
	json_t *entries = json_object();
	enum rota_err err =
		rota_store_put_target(&s->online, path, rota_span_cstr(text), &target, &s->why);

	target.len++;
	json_object_set_new(entries, path, rota_store_target_object(&target));
	if (err == ROTA_OK)
		err = rota_pending_add(&s->online, "releases", entries, &s->why);
	json_decref(entries);
	return err;
}

enum rota_err scene_make(struct scene *s, unsigned roles, struct rota_bundle *out)
{
	struct rota_bundle_order order = { 0 };

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		order.roles[i] = roles >> i & 1;
	return rota_bundle_make(&s->desk, &order, out, &s->why);
}

enum rota_err scene_view(
	struct scene *s, const struct rota_bundle *b, uint64_t now, struct rota_bundle_view *view)
{
	const struct rota_bundle_base base = { .roots = b->roots, .targets = b->targets };

	return rota_bundle_view_open(&s->vault, b, &base, now, view, &s->why);
}

/* As `rota repo sign` with these tokens of the vault. */
enum rota_err scene_sign(struct scene *s, struct rota_bundle *b, const char *token, bool again)
{
	const struct rota_bundle_hand hand = { .tokens = token ? &token : NULL,
		.token_count = token != NULL };
	struct rota_bundle_view view;
	unsigned added;
	enum rota_err err = scene_view(s, b, s->bench.now, &view);

	ROTA_TRY(err);
	err = rota_bundle_record_check(&s->vault, &view, again, &s->why);
	if (err == ROTA_OK)
		err = rota_bundle_sign(&s->bench, &view, &hand, &added, &s->why);
	rota_bundle_view_close(&view);
	return err;
}

enum rota_err scene_import(struct scene *s, struct rota_bundle *copies, size_t count)
{
	struct rota_publish_role done[ROTA_DUTY_COUNT];

	return rota_bundle_import(&s->desk, copies, count, done, &s->why);
}
