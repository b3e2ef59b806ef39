/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of metadata file says, from the knobs. */
#include "tests/unit/maker_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_time(struct maker_text *t, const char *name, uint64_t unix_s)
{
	char text[21];

	maker_time(unix_s, text);
	maker_printf(t, ",\"%s\":\"%s\"", name, text);
}

static int by_id(const void *a, const void *b)
{
	const int *ka = a, *kb = b;

	return strcmp(maker_key_id(*ka), maker_key_id(*kb));
}

/* The keys of all roles that `lists` says, by ascending id. */
static void put_keys(struct maker_text *t, const struct maker *m, int parent)
{
	int all[MAKER_ROLES_MAX * MAKER_KEYS_MAX], count = 0;
	const char *last = "";

	for (int i = 0; i < m->role_count; i++) {
		for (int k = 0; m->role[i].parent == parent && k < m->role[i].key_count; k++)
			all[count++] = m->role[i].keys[k];
	}
	qsort(all, (size_t)count, sizeof(all[0]), by_id);
	maker_printf(t, "\"keys\":{");
	for (int i = 0; i < count; i++) {
		const char *id = maker_key_id(all[i]);

		if (strcmp(id, last) == 0)
			continue;
		maker_printf(
			t, "%s\"%s\":%s", *last == '\0' ? "" : ",", id, maker_key_object(all[i]));
		last = id;
	}
	maker_printf(t, "}");
}

static void put_keyids(struct maker_text *t, const struct maker_role *r)
{
	maker_printf(t, "\"keyids\":[");
	for (int i = 0; i < r->key_count; i++)
		maker_printf(t, "%s\"%s\"", i == 0 ? "" : ",", maker_key_id(r->keys[i]));
	maker_printf(t, "]");
}

static void put_words(struct maker_text *t, const char *words)
{
	char copy[512], *save = NULL;
	bool prefixes = words[0] == '#', first = true;

	snprintf(copy, sizeof(copy), "%s", words);
	maker_printf(t, ",\"%s\":[", prefixes ? "path_hash_prefixes" : "paths");
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		maker_printf(t, "%s\"%s\"", first ? "" : ",", w + prefixes);
		first = false;
	}
	maker_printf(t, "]");
}

/* A bin below `parent`, which then lists no other roles. */
static const struct maker_role *bin_of(const struct maker *m, int parent)
{
	for (int i = 0; i < m->role_count; i++) {
		if (m->role[i].parent == parent && m->role[i].bits != 0)
			return &m->role[i];
	}
	return NULL;
}

static void put_bins(struct maker_text *t, const struct maker_role *r)
{
	maker_printf(t, ",\"succinct_roles\":{\"bit_length\":%d,", r->bits);
	put_keyids(t, r);
	maker_printf(t, ",\"name_prefix\":\"%s\",\"threshold\":%d}}", r->prefix, r->threshold);
}

static void put_delegations(struct maker_text *t, const struct maker *m, int parent)
{
	const struct maker_role *bin = bin_of(m, parent);
	bool first = true;

	maker_printf(t, ",\"delegations\":{");
	put_keys(t, m, parent);
	if (bin != NULL) {
		put_bins(t, bin);
		return;
	}
	maker_printf(t, ",\"roles\":[");
	for (int i = 0; i < m->role_count; i++) {
		const struct maker_role *r = &m->role[i];

		if (r->parent != parent)
			continue;
		maker_printf(t, "%s{", first ? "" : ",");
		put_keyids(t, r);
		maker_printf(t, ",\"name\":\"%s\"", r->name);
		put_words(t, r->paths);
		maker_printf(t, ",\"terminating\":%s,\"threshold\":%d}",
			r->terminating ? "true" : "false", r->threshold);
		first = false;
	}
	maker_printf(t, "]}");
}

static void put_hashes(struct maker_text *t, const char *name, struct maker_bytes bytes, bool wrong)
{
	uint8_t digest[32];
	char hex[65];

	maker_sha256(bytes, digest);
	digest[31] ^= wrong;
	maker_hex(digest, 32, hex);
	maker_printf(t, "\"hashes\":{\"%s\":\"%s\"}", name, hex);
}

static int by_path(const void *a, const void *b)
{
	const struct maker_target *const *ta = a, *const *tb = b;

	return strcmp((*ta)->path, (*tb)->path);
}

static void put_targets(struct maker_text *t, const struct maker *m, int role)
{
	const struct maker_target *all[MAKER_TARGETS_MAX];
	size_t count = 0;

	for (int i = 0; i < m->target_count; i++) {
		if (m->target[i].role == role)
			all[count++] = &m->target[i];
	}
	qsort(all, count, sizeof(all[0]), by_path);
	maker_printf(t, ",\"targets\":{");
	for (size_t i = 0; i < count; i++) {
		uint64_t listed = all[i]->listed_length;

		maker_printf(t, "%s\"%s\":{", i == 0 ? "" : ",", all[i]->path);
		put_hashes(t, all[i]->no_sha256 ? "sha512" : "sha256", all[i]->bytes,
			all[i]->wrong_hash);
		maker_printf(t, ",\"length\":%llu}",
			(unsigned long long)(listed != 0 ? listed : all[i]->bytes.len));
	}
	maker_printf(t, "}");
}

/* As "NAME.json" sorts: "a-b" before "a". */
static int by_file(const void *a, const void *b)
{
	const struct maker_role *const *ra = a, *const *rb = b;
	char fa[96], fb[96];

	snprintf(fa, sizeof(fa), "%s.json", (*ra)->name);
	snprintf(fb, sizeof(fb), "%s.json", (*rb)->name);
	return strcmp(fa, fb);
}

static struct maker_file *current(struct maker *m, const struct maker_role *r)
{
	bool plain = m->inconsistent || strcmp(r->name, "timestamp") == 0;

	return maker_meta(m, r->name, plain ? 0 : r->version);
}

/* What timestamp (of snapshot) or snapshot (of the roles that sign targets) lists. */
static void put_meta(struct maker_text *t, struct maker *m, int role)
{
	const struct maker_role *all[MAKER_ROLES_MAX];
	size_t count = 0;
	bool first = true;

	for (int i = 0; i < m->role_count; i++) {
		if (role == MAKER_TIMESTAMP ? i == MAKER_SNAPSHOT : i >= MAKER_TARGETS)
			all[count++] = &m->role[i];
	}
	qsort(all, count, sizeof(all[0]), by_file);
	maker_printf(t, ",\"meta\":{");
	for (size_t i = 0; i < count; i++) {
		const struct maker_role *r = all[i];
		struct maker_bytes bytes;

		if (r->unlisted || r->ghost)
			continue;
		bytes = current(m, r)->bytes;
		maker_printf(t, "%s\"%s.json\":{", first ? "" : ",", r->name);
		first = false;
		if (!r->no_hash) {
			put_hashes(t, "sha256", bytes, r->wrong_hash);
			maker_printf(t, ",");
		}
		if (!r->no_length)
			maker_printf(t, "\"length\":%llu,",
				(unsigned long long)(r->listed_length != 0 ? r->listed_length
									   : bytes.len));
		maker_printf(t, "\"version\":%llu}",
			(unsigned long long)(r->listed_version != 0 ? r->listed_version
								    : r->version));
	}
	maker_printf(t, "}");
}

static void put_root_roles(struct maker_text *t, const struct maker *m)
{
	static const int order[] = { MAKER_ROOT, MAKER_SNAPSHOT, MAKER_TARGETS, MAKER_TIMESTAMP };

	maker_printf(t, ",\"roles\":{");
	for (int i = 0; i < 4; i++) {
		const struct maker_role *r = &m->role[order[i]];

		maker_printf(t, "%s\"%s\":{", i == 0 ? "" : ",",
			r->listed_as != NULL ? r->listed_as : r->name);
		put_keyids(t, r);
		maker_printf(t, ",\"threshold\":%d}", r->threshold);
	}
	maker_printf(t, "}");
}

void maker_put_signed(struct maker_text *t, struct maker *m, int role)
{
	const struct maker_role *r = &m->role[role];

	maker_printf(t, "{\"_type\":\"%s\"", r->type);
	if (role == MAKER_ROOT)
		maker_printf(t, ",\"consistent_snapshot\":%s", m->inconsistent ? "false" : "true");
	if (role >= MAKER_TARGETS)
		put_delegations(t, m, role);
	put_time(t, "expires", r->expires_s);
	if (role == MAKER_ROOT) {
		maker_printf(t, ",");
		put_keys(t, m, -1);
		put_root_roles(t, m);
	} else if (role < MAKER_TARGETS) {
		put_meta(t, m, role);
	}
	maker_printf(t, ",\"spec_version\":\"%s\"", r->spec);
	if (role >= MAKER_TARGETS)
		put_targets(t, m, role);
	maker_printf(t, ",\"version\":%llu", (unsigned long long)r->version);
	if (r->pad > 0)
		maker_printf(t, ",\"x-pad\":\"%0*d\"", (int)r->pad, 0);
	if (!r->no_issued)
		put_time(t, "x-rota-issued", r->issued_s);
	if (r->not_before_s != 0)
		put_time(t, "x-rota-not-before", r->not_before_s);
	if (r->slot_end_s != 0)
		put_time(t, "x-rota-slot-end", r->slot_end_s);
	maker_printf(t, "}");
}
