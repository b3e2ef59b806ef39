/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bins.h"
#include "host/repo/verify_parts.h"
#include "rota/trust/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest name of a delegated role: SPEC 4.8. */
#define NAME_MAX_LEN 64

/* A file of targets, and what it may list. */
struct place {
	const char *role; /* the role, also of a bin */
	const char *pattern;
	unsigned bits; /* 0: no bin */
	uint32_t index;
};

static bool is_set(const char *path)
{
	return path && *path;
}

static bool may_list(const struct place *p, const char *path)
{
	return rota_path_match(rota_span_cstr(p->pattern), rota_span_cstr(path)) &&
		(p->bits == 0 || rota_bins_index(path, p->bits) == p->index);
}

static void check_file(
	struct rota_verify_walk *w, const char *path, const char *want, const json_t *entry)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path + 1) : 0;
	uint8_t digest[ROTA_DIGEST_LEN] = { 0 };
	char hex[ROTA_DIGEST_HEX];
	struct rota_fail why;
	uint64_t len;
	const char *above = is_set(w->plan->staging) && strncmp(path, "ci/", 3) == 0
		? w->plan->staging
		: w->repo;
	char *file = rota_text("%s/targets/%.*s%s.%s", above, dir_len, path, want, path + dir_len);
	enum rota_err err = rota_digest_file(file, NULL, &len, digest, &why);

	rota_hex(ROTA_SPAN(digest), hex);
	if (err == ROTA_OK &&
		(len != rota_verify_number(entry, "length") || strcmp(hex, want) != 0))
		err = rota_fail(
			&why, ROTA_ERR_HASH, "%s: length or SHA-256 is not the listed one", file);
	rota_verify_say(w, err == ROTA_OK, "%s", err == ROTA_OK ? path : why.text);
	free(file);
}

static void check_target(
	struct rota_verify_walk *w, const struct place *p, const char *path, const json_t *entry)
{
	const char *want =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));

	if (!want || !may_list(p, path)) {
		rota_verify_say(w, false, "%s: role %s may not list it (%s%s)", path, p->role,
			p->pattern, p->bits ? ", in another bin" : "");
		return;
	}
	w->result->targets++;
	w->sum.targets++;
	w->sum.bytes += rota_verify_number(entry, "length");
	if (w->plan->metadata_only)
		return;
	rota_reach_add_target(&w->reached, path, want);
	check_file(w, path, want, entry);
}

/* A role file or bin as snapshot lists it; its targets too. */
static json_t *check_place(struct rota_verify_walk *w, const struct place *p, const char *name,
	const json_t *keys, const json_t *role)
{
	const struct rota_progress *progress = w->plan->progress;
	char listed[NAME_MAX_LEN + 8], file[NAME_MAX_LEN + 32];
	const json_t *meta = json_object_get(w->snapshot, "meta"), *entry;
	json_t *content, *target;
	const char *path;

	snprintf(listed, sizeof(listed), "%s.json", name);
	entry = json_object_get(meta, listed);
	if (!entry) {
		rota_verify_say(w, false, "%s: the snapshot does not list it", listed);
		return NULL;
	}
	snprintf(file, sizeof(file), "%llu.%s",
		(unsigned long long)rota_verify_number(entry, "version"), listed);
	content = rota_verify_role(w, file, entry, keys, role);
	json_object_foreach(json_object_get(content, "targets"), path, target)
		check_target(w, p, path, target);
	if (progress)
		progress->step(progress->ctx, ++w->role_files, json_object_size(meta));
	return content;
}

/* The bins to which `content` of a role hands its targets (SPEC 3.7). */
static void check_bins(struct rota_verify_walk *w, const struct place *role, const json_t *content)
{
	const json_t *delegations = json_object_get(content, "delegations");
	struct place p = *role;
	char name[ROTA_BIN_NAME_MAX];
	struct rota_fail why;

	if (rota_bins_of(content, role->role, &p.bits, &why) != ROTA_OK) {
		rota_verify_say(w, false, "%s", why.text);
		return;
	}
	for (p.index = 0; p.bits && p.index < 1u << p.bits; p.index++) {
		json_t *bin;

		rota_bins_name(p.role, p.bits, p.index, name);
		bin = check_place(w, &p, name, json_object_get(delegations, "keys"),
			json_object_get(delegations, "succinct_roles"));
		if (bin &&
			rota_verify_number(bin, "version") < rota_verify_number(content, "version"))
			rota_verify_say(
				w, false, "%s: older than its role's file (SPEC 4.3)", name);
		json_decref(bin);
	}
}

static void check_delegation(struct rota_verify_walk *w, const json_t *keys, const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));
	const struct place p = { .role = name,
		.pattern = json_string_value(json_array_get(json_object_get(role, "paths"), 0)) };
	json_t *content = NULL;

	rota_verify_begin(w, name ? name : "no name");
	if (!name || !p.pattern || strlen(name) > NAME_MAX_LEN)
		rota_verify_say(w, false, "targets: a delegation without name or path");
	else
		content = check_place(w, &p, name, keys, role);
	if (content)
		check_bins(w, &p, content);
	json_decref(content);
	rota_verify_end(w);
}

void rota_verify_targets(struct rota_verify_walk *w)
{
	const json_t *delegations = json_object_get(w->targets, "delegations");
	const json_t *roles = json_object_get(delegations, "roles");

	for (size_t i = 0; i < json_array_size(roles); i++)
		check_delegation(w, json_object_get(delegations, "keys"), json_array_get(roles, i));
}

static enum rota_err count(void *ctx, const struct rota_stray *stray, struct rota_fail *why)
{
	struct rota_verify_walk *w = ctx;

	(void)why;
	w->result->strays++;
	w->result->stray_bytes += stray->bytes;
	return ROTA_OK;
}

enum rota_err rota_verify_strays(struct rota_verify_walk *w, struct rota_fail *why)
{
	ROTA_TRY(rota_reach_strays(&w->reached, w->repo, "metadata", w, count, why));
	ROTA_TRY(rota_reach_strays(&w->reached, w->repo, "targets", w, count, why));
	if (!is_set(w->plan->staging))
		return ROTA_OK;
	return rota_reach_strays(&w->reached, w->plan->staging, "targets", w, count, why);
}
