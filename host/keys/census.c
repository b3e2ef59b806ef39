/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/census.h"
#include "host/keys/census_images.h"
#include "host/keys/period.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/sign/duty.h"

#include <stdlib.h>
#include <string.h>

/* Devices that are alike. */
struct group {
	uint64_t root, devices;
	char *version, *release;
	bool known; /* that release is here */
	uint32_t alone; /* image keys, a bit each, that alone sign an image of it */
};

struct rota_census {
	struct group *groups;
	size_t group_count, group_room;
	json_t **roots; /* `signed` of each from version `first` on */
	size_t root_count, root_room;
	uint64_t first;
	struct rota_census_keys images;
};

static void *grown(void *at, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return at;
	*room = *room ? 2 * *room : 64;
	at = realloc(at, *room * size);
	if (!at)
		abort();
	return at;
}

/* ---- what there is ---- */

static void take_holding(void *to, const struct rota_db_holding *h)
{
	struct rota_census *c = to;

	c->groups = grown(c->groups, c->group_count, &c->group_room, sizeof(*c->groups));
	c->groups[c->group_count++] = (struct group){ .root = h->root,
		.devices = h->devices,
		.version = rota_text("%s", h->version),
		.release = rota_text("%s", h->release) };
}

static void keep_root(struct rota_census *c, const json_t *root)
{
	c->roots = grown(c->roots, c->root_count, &c->root_room, sizeof(json_t *));
	c->roots[c->root_count++] = json_incref((json_t *)(uintptr_t)root);
}

/* From the anchor on, each verified under the one before. */
static enum rota_err walk_roots(
	struct rota_census *c, const struct rota_authdir *dir, struct rota_fail *why)
{
	struct rota_bytes file;
	uint64_t newest;
	json_t *root;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	ROTA_TRY(rota_trust_anchor_read(dir, &file, why));
	err = rota_chain_begin(rota_bytes_span(&file), &root, why);
	rota_bytes_free(&file);
	ROTA_TRY(err);
	c->first = rota_chain_version(root);
	keep_root(c, root);
	while (err == ROTA_OK && rota_chain_version(root) < newest) {
		err = rota_store_read(dir, "root", rota_chain_version(root) + 1, &file, why);
		if (err != ROTA_OK)
			break;
		err = rota_chain_succeed(&root, rota_bytes_span(&file), why);
		rota_bytes_free(&file);
		if (err == ROTA_OK)
			keep_root(c, root);
	}
	json_decref(root);
	return err;
}

/* One that cannot be read is not known; so are all that ran nothing that they told of. */
static void look_at_release(struct rota_census *c, size_t n, const struct rota_authdir *dir,
	const struct rota_crypto *crypto)
{
	struct group *g = &c->groups[n];
	struct rota_fail unknown;

	for (size_t i = 0; i < n; i++)
		if (strcmp(c->groups[i].version, g->version) == 0 &&
			strcmp(c->groups[i].release, g->release) == 0) {
			g->known = c->groups[i].known;
			g->alone = c->groups[i].alone;
			return;
		}
	g->known = rota_census_alone(dir, crypto, &c->images, g->version, g->release, &g->alone,
			   &unknown) == ROTA_OK;
}

static enum rota_err look(struct rota_census *c, const struct rota_authdir *dir,
	const struct rota_db *db, const struct rota_crypto *crypto, struct rota_fail *why)
{
	ROTA_TRY(db->holdings(db->ctx, take_holding, c, why));
	ROTA_TRY(walk_roots(c, dir, why));
	ROTA_TRY(rota_census_keys_load(dir, &c->images, why));
	for (size_t i = 0; i < c->group_count; i++)
		look_at_release(c, i, dir, crypto);
	return ROTA_OK;
}

enum rota_err rota_census_open(const struct rota_authdir *dir, const struct rota_db *db,
	const struct rota_crypto *crypto, struct rota_census **out, struct rota_fail *why)
{
	struct rota_census *c = calloc(1, sizeof(*c));
	enum rota_err err;

	*out = NULL;
	if (!c)
		abort();
	err = look(c, dir, db, crypto, why);
	if (err == ROTA_OK)
		*out = c;
	else
		rota_census_free(c);
	return err;
}

void rota_census_free(struct rota_census *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->group_count; i++) {
		free(c->groups[i].version);
		free(c->groups[i].release);
	}
	for (size_t i = 0; i < c->root_count; i++)
		json_decref(c->roots[i]);
	free(c->groups);
	free(c->roots);
	free(c);
}

/* ---- roots ---- */

static const json_t *ids_of(const json_t *root, const char *role)
{
	return json_object_get(json_object_get(json_object_get(root, "roles"), role), "keyids");
}

static bool names(const json_t *ids, const char *id)
{
	for (size_t i = 0; id && i < json_array_size(ids); i++) {
		const char *one = json_string_value(json_array_get(ids, i));

		if (one && strcmp(one, id) == 0)
			return true;
	}
	return false;
}

/* Whether a device with this root can do without the key: it trusts it no more, or all that came beside and after it. */
static bool is_rid(const json_t *ids, const json_t *newest, const char *id)
{
	size_t others = 0;

	if (!names(ids, id))
		return true;
	for (size_t i = 0; i < json_array_size(newest); i++) {
		const char *other = json_string_value(json_array_get(newest, i));

		if (!other || strcmp(other, id) == 0)
			continue;
		if (!names(ids, other))
			return false;
		others++;
	}
	return others > 0;
}

/* The version of the root that brought the new key of a role, and above which nobody needs this one; false: none came, or
 * the key is not of this role. */
static bool brought_by(
	const struct rota_census *c, const char *role, const char *id, uint64_t *version)
{
	const json_t *newest = ids_of(c->roots[c->root_count - 1], role);
	size_t began = 0, n = c->root_count;

	while (began < c->root_count && !names(ids_of(c->roots[began], role), id))
		began++;
	if (began == c->root_count)
		return false;
	if (names(newest, id) &&
		json_array_size(newest) <= json_array_size(ids_of(c->roots[began], role)))
		return false; /* nothing stands beside it that did not when it came */
	while (n > 0 && is_rid(ids_of(c->roots[n - 1], role), newest, id))
		n--;
	*version = c->first + n;
	return true;
}

/* Of all its roles the latest. */
static bool is_replaced(
	const struct rota_census *c, const struct rota_key_info *key, uint64_t *version)
{
	bool is = false;
	uint64_t by;

	*version = 0;
	for (size_t i = 0; i < ROTA_DUTY_TOP_COUNT; i++) {
		if (!brought_by(c, rota_duties[i].name, key->id, &by))
			continue;
		is = true;
		if (by > *version)
			*version = by;
	}
	return is;
}

/* ---- counted ---- */

void rota_census_of(
	const struct rota_census *c, const struct rota_key_info *key, struct rota_census_count *out)
{
	uint64_t version;
	size_t place = 0;
	bool image = rota_key_has_use(key->uses, "image");
	bool here = image && rota_census_keys_find(&c->images, key->id, &place);
	bool root = is_replaced(c, key, &version);

	*out = (struct rota_census_count){ .counted = root || image };
	for (size_t i = 0; out->counted && i < c->group_count; i++) {
		const struct group *g = &c->groups[i];
		bool silent = (root && g->root == 0) || (image && (!g->known || !here));
		bool need =
			silent || (root && g->root < version) || (image && (g->alone >> place & 1));

		out->total += g->devices;
		out->silent += silent ? g->devices : 0;
		out->need += need ? g->devices : 0;
	}
}
