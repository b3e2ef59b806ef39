/* SPDX-License-Identifier: Apache-2.0 */
/* Lists trees that are sealed. Nothing secret passes here: what is read is the outbox, and the daemon says what was approved. */
#include "apps/rota-seald/desk.h"
#include "apps/rota-seald/verbs.h"
#include "host/campaign/keyentry.h"
#include "host/campaign/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ID.TREE.sealed */
struct sheet {
	uint8_t id[32];
	unsigned tree;
};

struct sheets {
	struct sheet *at;
	size_t count;
};

/* ---- what lies in the outbox ---- */

static bool read_name(const char *name, struct sheet *out)
{
	char hex[65], *end;
	unsigned long tree;

	if (strlen(name) < sizeof(hex) || name[64] != '.')
		return false;
	memcpy(hex, name, 64);
	hex[64] = 0;
	tree = strtoul(name + 65, &end, 10);
	out->tree = (unsigned)tree;
	return rota_unhex(hex, ROTA_BUF(out->id)) && name[65] >= '0' && name[65] <= '9' &&
		tree < ROTA_KEYS_TREES_MAX && strcmp(end, ".sealed") == 0;
}

/* Trees of a campaign are listed in their order. */
static int by_tree(const void *a, const void *b)
{
	const struct sheet *one = a, *other = b;
	int by_id = memcmp(one->id, other->id, sizeof(one->id));

	return by_id ? by_id : (one->tree > other->tree) - (one->tree < other->tree);
}

/* All of it, or those of one campaign. */
static enum rota_err look(
	const char *dir, const char *campaign, struct sheets *out, struct rota_fail *why)
{
	struct dirent *entry;
	DIR *open = opendir(dir);

	*out = (struct sheets){ 0 };
	if (!open)
		return rota_fail_errno(why, errno, "cannot read %s", dir);
	while ((entry = readdir(open)) != NULL) {
		struct sheet one;

		if (!read_name(entry->d_name, &one) ||
			(campaign && strncmp(entry->d_name, campaign, 64) != 0))
			continue;
		out->at = realloc(out->at, (out->count + 1) * sizeof(one));
		if (!out->at)
			abort();
		out->at[out->count++] = one;
	}
	closedir(open);
	if (out->count)
		qsort(out->at, out->count, sizeof(out->at[0]), by_tree);
	return ROTA_OK;
}

/* ---- one tree ---- */

/* Whether it stands in a list, so that the daemon need not be asked what it is. */
static bool is_listed(const struct desk *d, const struct sheet *s, const struct rota_key_tree *tree)
{
	char root[65];

	rota_hex(ROTA_SPAN(tree->root), root);
	for (size_t role = 0; role < d->lists; role++) {
		const json_t *found = rota_keyentry_find(d->list[role].file, s->id);
		const json_t *all = json_object_get(found, "trees");

		for (size_t i = 0; i < json_array_size(all); i++) {
			const json_t *one = json_array_get(all, i);
			const char *is = json_string_value(json_object_get(one, "root"));

			if (json_integer_value(json_object_get(one, "tree")) == s->tree && is &&
				strcmp(is, root) == 0)
				return true;
		}
	}
	return false;
}

static enum rota_err enter(struct desk *d, const struct config *c, const struct sheet *s,
	const struct rota_key_tree *tree, struct rota_fail *why)
{
	static struct approved approved;
	char id[65];
	size_t role;
	bool changed;

	rota_hex(ROTA_SPAN(s->id), id);
	ROTA_TRY(approved_load(c, id, &approved, why));
	role = desk_role(rota_purpose_role(approved.request.campaign.purpose));
	ROTA_TRY(rota_keyentry_add(d->list[role].file, &approved.request.campaign,
		approved.request.most, tree, &changed, why));
	d->changed[role] |= changed;
	return ROTA_OK;
}

static enum rota_err enter_sheet(
	struct desk *d, const struct config *c, const struct sheet *s, struct rota_fail *why)
{
	struct rota_seal_result result;
	struct rota_key_tree tree = { .number = (uint8_t)s->tree };
	char path[ROTA_FILE_PATH_MAX], id[65];

	rota_hex(ROTA_SPAN(s->id), id);
	snprintf(path, sizeof(path), "%s/%s.%u.sealed", c->outbox, id, s->tree);
	ROTA_TRY(rota_sealed_read(path, s->id, (uint16_t)s->tree, &result, why));
	tree.size = result.size;
	memcpy(tree.root, result.root, sizeof(tree.root));
	return is_listed(d, s, &tree) ? ROTA_OK : enter(d, c, s, &tree, why);
}

/* ---- all of them ---- */

/* What nobody can mend: it is overtaken, as most of all that were ever sealed, or its campaign is over, or it has more devices than were
 * approved. Such ones lie in the outbox for ever, and are an error where somebody asked for that one. */
static bool is_for_good(enum rota_err err)
{
	return err == ROTA_ERR_COUNTER || err == ROTA_ERR_STATE || err == ROTA_ERR_CEILING;
}

static void tell_failed(const struct sheet *s, const struct rota_fail *why)
{
	char id[65];

	rota_hex(ROTA_SPAN(s->id), id);
	fprintf(stderr, "rota-seald: %.16s, tree %u: %s\n", id, s->tree, why->text);
}

/* One that cannot be listed keeps no other one from it. That one is overtaken is told where somebody asked for it. */
static enum rota_err enter_all(struct desk *d, const struct config *c, const struct arguments *a,
	const struct sheets *all, struct rota_fail *first)
{
	struct rota_fail why;

	for (size_t i = 0; i < all->count; i++) {
		enum rota_err err = enter_sheet(d, c, &all->at[i], &why);
		bool passed = is_for_good(err) && !a->campaign;

		if (err == ROTA_OK || (err == ROTA_ERR_COUNTER && passed))
			continue;
		if (first->err == ROTA_OK && !passed)
			*first = why;
		else
			tell_failed(&all->at[i], &why);
	}
	if (first->err != ROTA_OK || all->count || !a->campaign)
		return first->err;
	return rota_fail(first, ROTA_ERR_NOT_FOUND,
		"%s has no tree of campaign %s; rota-seald seal makes it", c->outbox, a->campaign);
}

static void tell(const struct arguments *a, const struct desk_done *done)
{
	if (a->json)
		printf("{\"role\":\"%s\",\"sequence\":%" PRIu64 ",\"version\":%" PRIu64 "}\n",
			done->role, done->sequence, done->version);
	else if (done->version)
		printf("rota-seald: %s version %" PRIu64 ", sequence %" PRIu64
		       "; rota publish makes it count\n",
			done->role, done->version, done->sequence);
	else
		printf("rota-seald: %s sequence %" PRIu64
		       " waits for the role's people: rota repo export\n",
			done->role, done->sequence);
}

static enum rota_err sign_all(struct desk *d, const struct arguments *a, struct rota_fail *why)
{
	bool any = false;

	for (size_t role = 0; role < DESK_ROLES; role++) {
		struct desk_done done;

		if (!d->changed[role])
			continue;
		ROTA_TRY(desk_sign(d, role, &done, why));
		tell(a, &done);
		any = true;
	}
	if (!any && !a->json)
		printf("rota-seald: nothing new is to be listed\n");
	return ROTA_OK;
}

static enum rota_err list(struct desk *d, const struct config *c, const struct arguments *a,
	const struct sheets *all, struct rota_fail *why)
{
	struct rota_fail first = { 0 };

	(void)enter_all(d, c, a, all, &first);
	ROTA_TRY(sign_all(d, a, why));
	if (first.err != ROTA_OK)
		*why = first;
	return first.err;
}

enum rota_err verb_publish(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	static struct desk desk;
	struct sheets all;
	enum rota_err err;

	umask(022); /* what is published everybody may read */
	ROTA_TRY(config_needs(c, "signd", c->signd, why));
	ROTA_TRY(config_needs(c, "authority", c->authority, why));
	ROTA_TRY(config_needs(c, "outbox", c->outbox, why));
	ROTA_TRY(look(c->outbox, a->campaign, &all, why));
	err = desk_open(&desk, c, why);
	if (err == ROTA_OK) {
		err = list(&desk, c, a, &all, why);
		desk_close(&desk);
	}
	free(all.at);
	return err;
}
