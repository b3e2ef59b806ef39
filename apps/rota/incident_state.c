/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of incidents ask the state of the authority. What cannot be read is not done. */
#include "apps/rota/ceremony.h"
#include "apps/rota/incident.h"
#include "apps/rota/incident_steps.h"
#include "apps/rota/recovery.h"
#include "host/base/when.h"
#include "host/notary/officers.h"
#include "host/repo/ahead.h"
#include "host/repo/bundle_view.h"
#include "host/repo/pending.h"
#include "host/repo/retire.h"
#include "host/repo/store.h"
#include "host/repo/trust.h"
#include "host/series/emergency.h"
#include "host/sign/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many as a keeper asks for where keeper.ini says nothing (SPEC 23.9); where it says more, it tells whoever ends the series. */
#define OFFICERS 2

/* ---- keys ---- */

static const struct rota_key_info *info(const struct incident_scene *c, size_t at)
{
	const struct rota_key_info *key;
	struct rota_fail ignored;

	return rota_keys_find(c->keys, c->key[at].id, &key, &ignored) == ROTA_OK ? key : NULL;
}

bool incident_is_marked(const struct incident_scene *c)
{
	const struct rota_key_info *key = info(c, c->at);

	return key && key->compromised;
}

/* Where it was made in somebody's vault its public half is brought here as a file. */
bool incident_is_made(const struct incident_scene *c)
{
	const struct incident_key *key = &c->key[c->at];
	char name[ROTA_SIGNER_LABEL_MAX + 8], path[ROTA_FILE_PATH_MAX];

	snprintf(name, sizeof(name), "%s.pem", key->successor);
	incident_path(c, name, path);
	return rota_file_exists(path);
}

bool incident_is_seated(const struct incident_scene *c)
{
	const struct incident_key *key = &c->key[c->at];
	const struct rota_party *party = rota_authdir_party(&c->s->dir, key->use);

	for (size_t i = 0; i < party->seat_count; i++)
		if (strcmp(party->seats[i].key, key->successor) == 0 &&
			strcmp(party->seats[i].token->name, key->to) == 0)
			return true;
	return false;
}

bool incident_is_replaced(const struct incident_scene *c)
{
	for (size_t i = 0; i < c->key_count; i++) {
		const struct rota_key_info *key = info(c, i);

		if (!key || key->named)
			return false;
	}
	return true;
}

bool incident_is_destroyed(const struct incident_scene *c)
{
	const struct rota_key_info *key = info(c, c->at);

	return key && key->state == ROTA_KEY_DESTROYED;
}

/* ---- the folder of the ceremony ---- */

static bool is_complete(const struct incident_scene *c, const char *folder)
{
	struct rota_bundle_base base;
	struct rota_bundle_view view;
	struct ceremony ceremony;
	struct rota_fail ignored;
	bool complete = false;

	if (ceremony_open(folder, &ceremony, &ignored) != ROTA_OK)
		return false;
	base = (struct rota_bundle_base){ .roots = ceremony.bundle.roots,
		.targets = ceremony.bundle.targets };
	if (rota_bundle_view_open(&c->s->dir, &ceremony.bundle, &base, c->s->desk.now, &view,
		    &ignored) == ROTA_OK) {
		complete = true;
		for (size_t i = 0; i < view.count; i++)
			complete &= rota_bundle_complete(&view.items[i]);
		rota_bundle_view_close(&view);
	}
	ceremony_close(&ceremony);
	return complete;
}

bool incident_has_folder(const struct incident_scene *c)
{
	char folder[ROTA_FILE_PATH_MAX];

	incident_path(c, "ceremony", folder);
	return rota_file_exists(folder);
}

bool incident_is_prepared(const struct incident_scene *c)
{
	return incident_has_folder(c) || incident_is_replaced(c) || !incident_is_plain(c);
}

bool incident_has_signatures(const struct incident_scene *c)
{
	char folder[ROTA_FILE_PATH_MAX];

	incident_path(c, "ceremony", folder);
	return is_complete(c, folder);
}

bool incident_is_signed(const struct incident_scene *c)
{
	return incident_is_replaced(c) || !incident_is_plain(c) || incident_has_signatures(c);
}

bool incident_is_finished(const struct incident_scene *c)
{
	return incident_is_replaced(c) || !incident_is_plain(c);
}

/* ---- a series ---- */

/* Whether the newest root that is signed names one of the keys. */
static bool names_one(const struct incident_scene *c, const json_t *root)
{
	const json_t *keys = json_object_get(root, "keys");

	for (size_t i = 0; i < c->key_count; i++)
		if (json_object_get(keys, c->key[i].id))
			return true;
	return false;
}

/* An ordinary root may follow: there is no series. */
bool incident_is_plain(const struct incident_scene *c)
{
	struct rota_fail ignored;

	return rota_ahead_none(&c->s->dir, &ignored) == ROTA_OK;
}

bool incident_is_sealed(const struct incident_scene *c)
{
	struct rota_fail ignored;
	struct rota_ahead ahead;
	bool sealed = false;

	if (rota_ahead_open(&c->s->dir, &ahead, &ignored) != ROTA_OK)
		return false;
	for (size_t i = 0; i < ahead.timeline.count; i++)
		sealed |= !ahead.root[i];
	rota_ahead_close(&ahead);
	return sealed;
}

/* What they approve is the first line. */
size_t incident_approvals(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_fail ignored;
	struct rota_bytes file;
	size_t lines = 0;

	incident_path(c, "emergency", path);
	if (rota_file_read(path, ROTA_EMERGENCY_MAX + ROTA_OFFICERS_LINES_MAX * ROTA_APPROVAL_MAX,
		    &file, &ignored) != ROTA_OK)
		return 0;
	for (size_t i = 0; i < file.len; i++)
		lines += file.p[i] == '\n';
	rota_bytes_free(&file);
	return lines > 0 ? lines - 1 : 0;
}

bool incident_is_asked(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_path(c, "emergency", path);
	return !incident_is_sealed(c) || rota_file_exists(path);
}

bool incident_is_approved(const struct incident_scene *c)
{
	return !incident_is_sealed(c) || incident_approvals(c) >= OFFICERS;
}

bool incident_is_ahead(const struct incident_scene *c)
{
	json_t *root = NULL;
	struct rota_fail ignored;
	bool ended;

	if (incident_is_plain(c))
		return true;
	ended = rota_ahead_newest(&c->s->dir, &root, &ignored) == ROTA_OK &&
		!json_object_get(root, "x-rota-slot-end") && !names_one(c, root);
	json_decref(root);
	return ended;
}

/* ---- what is published ---- */

static bool issued_of(const struct incident_scene *c, const char *role, uint64_t *issued)
{
	struct rota_fail ignored;
	json_t *content = NULL;
	uint64_t expires;
	bool known = rota_store_signed(&c->s->dir, role, &content, &ignored) == ROTA_OK &&
		rota_metadata_times(content, issued, &expires);

	json_decref(content);
	return known;
}

static bool is_out(const struct incident_scene *c, const char *role)
{
	uint64_t published, newest;
	struct rota_fail ignored;

	return rota_store_newest(&c->s->dir, role, false, &published, &ignored) == ROTA_OK &&
		rota_store_newest(&c->s->dir, role, true, &newest, &ignored) == ROTA_OK &&
		published == newest;
}

/* All that was signed ahead and has to be shown is shown. */
static bool roots_are_out(const struct incident_scene *c)
{
	json_t *root = NULL;
	struct rota_fail ignored;
	uint64_t published;
	bool out = rota_store_newest(&c->s->dir, "root", false, &published, &ignored) == ROTA_OK &&
		rota_ahead_newest(&c->s->dir, &root, &ignored) == ROTA_OK &&
		(json_object_get(root, "x-rota-slot-end") || rota_chain_version(root) == published);

	json_decref(root);
	return out;
}

bool incident_is_published(const struct incident_scene *c)
{
	uint64_t timestamp, issued;

	if (!incident_is_replaced(c) || !roots_are_out(c) || !issued_of(c, "timestamp", &timestamp))
		return false;
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const char *role = rota_duties[i].name;

		if (!issued_of(c, role, &issued) || issued > timestamp || !is_out(c, role))
			return false;
	}
	return true;
}

/* ---- floors and releases ---- */

/* Another release, or another stage of it, is what devices are sent to. */
bool incident_is_rolled(const struct incident_scene *c)
{
	const char *then = json_string_value(json_object_get(c->record, "policy"));
	char *now = incident_policy(c);
	bool rolled = then && *now && strcmp(then, now) != 0;

	free(now);
	return rolled;
}

bool incident_is_floored(const struct incident_scene *c)
{
	struct rota_ledger ledger;
	struct rota_fail ignored;
	bool floored;

	if (rota_ledger_open(&c->s->dir, &rota_retirements_kind, c->s->dir.product, &ledger,
		    &ignored) != ROTA_OK)
		return false;
	floored = json_integer_value(json_object_get(ledger.file, "key_floor")) >= 1;
	rota_ledger_close(&ledger);
	return floored;
}

bool incident_is_floor_waiting(const struct incident_scene *c)
{
	struct rota_fail ignored;
	json_t *waiting = NULL;
	bool waits = rota_pending_load(&c->s->dir, "retirements", &waiting, &ignored) == ROTA_OK &&
		json_object_size(waiting) > 0;

	json_decref(waiting);
	return waits || incident_is_floored(c);
}

bool incident_has_floor_folder(const struct incident_scene *c)
{
	return incident_has_folder(c) || incident_is_floored(c);
}

bool incident_is_floor_signed(const struct incident_scene *c)
{
	return incident_is_floored(c) || incident_has_signatures(c);
}

static bool has_text(const json_t *list, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(json_string_value(one), text) == 0)
			return true;
	}
	return false;
}

bool incident_is_withdrawn(const struct incident_scene *c)
{
	const json_t *wanted = json_object_get(c->record, "releases"), *one;
	struct rota_ledger ledger;
	struct rota_fail ignored;
	bool all = true;
	size_t i;

	if (rota_ledger_open(&c->s->dir, &rota_revocations_kind, c->s->dir.product, &ledger,
		    &ignored) != ROTA_OK)
		return false;
	json_array_foreach(wanted, i, one)
	{
		all &= has_text(json_object_get(ledger.file, "withdrawn"), json_string_value(one));
	}
	rota_ledger_close(&ledger);
	return all;
}

/* ---- a root that begins anew, and the order that says so ---- */

bool incident_has_root(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_path(c, "root.json", path);
	return rota_file_exists(path);
}

bool incident_is_root_signed(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_fail ignored;
	struct rota_bytes file;
	json_t *content = NULL;
	bool is_signed;

	incident_path(c, "root.json", path);
	if (rota_file_read(path, ROTA_ENVELOPE_MAX, &file, &ignored) != ROTA_OK)
		return false;
	is_signed = rota_chain_begin(rota_bytes_span(&file), &content, &ignored) == ROTA_OK;
	json_decref(content);
	rota_bytes_free(&file);
	return is_signed;
}

bool incident_has_order(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_path(c, "order.json", path);
	return rota_file_exists(path) || !incident_orders(c);
}

bool incident_is_ordered(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];
	struct recovery_order order;
	struct rota_fail ignored;
	bool complete;

	if (!incident_orders(c))
		return true;
	incident_path(c, "order.json", path);
	if (recovery_load(&c->s->dir, path, &order, &ignored) != ROTA_OK)
		return false;
	complete = recovery_complete(&order);
	recovery_free(&order);
	return complete;
}

bool incident_has_pack(const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_path(c, "recovery.pack", path);
	return rota_file_exists(path);
}

static bool same(const char *one, const char *other)
{
	struct rota_bytes a, b;
	struct rota_fail ignored;
	bool equal;

	if (rota_file_read(one, ROTA_ENVELOPE_MAX, &a, &ignored) != ROTA_OK)
		return false;
	if (rota_file_read(other, ROTA_ENVELOPE_MAX, &b, &ignored) != ROTA_OK) {
		rota_bytes_free(&a);
		return false;
	}
	equal = rota_span_eq(rota_bytes_span(&a), rota_bytes_span(&b));
	rota_bytes_free(&a);
	rota_bytes_free(&b);
	return equal;
}

bool incident_is_sent(const struct incident_scene *c)
{
	char mine[ROTA_FILE_PATH_MAX], *theirs;
	bool sent;

	if (!incident_orders(c))
		return true;
	incident_path(c, "order.json", mine);
	theirs = rota_text("%s/recovery/%s.json", c->s->dir.repo, c->s->dir.product);
	sent = same(mine, theirs);
	free(theirs);
	return sent;
}

bool incident_is_anchored(const struct incident_scene *c)
{
	char mine[ROTA_FILE_PATH_MAX], anchor[ROTA_FILE_PATH_MAX];

	incident_path(c, "root.json", mine);
	rota_authdir_path(&c->s->dir, "trust/root.json", anchor);
	return same(mine, anchor);
}

/* Of ci builds: devices that were named get an order; without names there is none. */
bool incident_orders(const struct incident_scene *c)
{
	return json_array_size(json_object_get(c->record, "devices")) > 0 ||
		strcmp(c->what->name, "ci") != 0;
}
