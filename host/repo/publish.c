/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/publish.h"
#include "host/repo/bins.h"
#include "host/repo/hint.h"
#include "host/repo/making.h"
#include "host/repo/publish_bins.h"
#include "host/repo/rebin.h"
#include "host/repo/released.h"
#include "host/repo/store.h"
#include "host/repo/turn.h"

#include <stdio.h>
#include <string.h>

enum { TARGETS = 1, SNAPSHOT = 2, TIMESTAMP = 3 }; /* places in rota_duties */

/* A third of the lifetime is gone (DESIGN.md, Trust). */
static bool is_due(const json_t *content, uint64_t now)
{
	uint64_t issued, expires;

	if (!rota_metadata_times(content, &issued, &expires))
		return true;
	return now < issued || now - issued >= (expires - issued) / 3;
}

/* All of a role that has grown old: its file, and its bins with it. */
static enum rota_err resign(struct rota_desk *desk, json_t *content, uint64_t lifetime_s,
	struct rota_publish_role *role, struct rota_fail *why)
{
	const struct rota_rebin_plan all = {
		.role = role->name, .keep = true, .lifetime_s = lifetime_s
	};
	struct rota_rebin_done done;
	unsigned bits;

	ROTA_TRY(rota_bins_of(content, role->name, &bits, why));
	if (bits)
		return rota_rebin(desk, &all, &done, why);
	return rota_metadata_sign(desk, role->name, content, lifetime_s, &role->version, why);
}

/* Sign a delegated online role anew when it is due or was asked for. */
static enum rota_err refresh(struct rota_desk *desk, size_t i, const struct rota_publish_plan *plan,
	struct rota_publish_role *role, struct rota_fail *why)
{
	bool asked = plan->all || plan->lifetime_s[i];
	json_t *content;
	enum rota_err err = ROTA_OK;

	if (!rota_party_online(rota_authdir_party(desk->dir, role->name)))
		return ROTA_OK;
	ROTA_TRY(rota_store_signed(desk->dir, role->name, &content, why));
	if (asked || is_due(content, desk->now)) {
		err = resign(desk, content, plan->lifetime_s[i], role, why);
		role->resigned = err == ROTA_OK;
	}
	json_decref(content);
	if (err != ROTA_OK)
		role->late = *why;
	return ROTA_OK;
}

static enum rota_err bring_roles(struct rota_desk *desk, const struct rota_publish_plan *plan,
	struct rota_publish_role *roles, struct rota_fail *why)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		if (i == 0 || i == SNAPSHOT || i == TIMESTAMP)
			continue;
		ROTA_TRY(refresh(desk, i, plan, &roles[i], why));
		if (!roles[i].held)
			ROTA_TRY(rota_store_release(
				desk->dir, roles[i].name, &roles[i].published, why));
		ROTA_TRY(
			rota_store_newest(desk->dir, roles[i].name, false, &roles[i].version, why));
	}
	return rota_store_newest(desk->dir, "root", false, &roles[0].version, why);
}

/* `meta` of the snapshot that was signed last; an empty object before the first. */
static enum rota_err last_meta(struct rota_desk *desk, json_t **meta, struct rota_fail *why)
{
	struct rota_fail none;
	json_t *content;

	ROTA_TRY(rota_store_remembered(desk->dir, "snapshot", &content, why));
	if (!content && rota_store_signed(desk->dir, "snapshot", &content, &none) != ROTA_OK)
		content = NULL; /* every role is listed anew, and of bins none may be missing */
	*meta = json_copy(json_object_get(content, "meta"));
	json_decref(content);
	if (!*meta)
		*meta = json_object();
	return ROTA_OK;
}

/* Put what there is now into `meta`. */
static enum rota_err list_roles(struct rota_desk *desk, struct rota_publish_role *roles,
	json_t *meta, struct rota_fail *why)
{
	for (size_t i = 1; i < ROTA_DUTY_COUNT; i++) {
		char name[64];
		json_t *entry;

		if (i == SNAPSHOT || i == TIMESTAMP)
			continue;
		ROTA_TRY(rota_metadata_entry(
			desk->dir, roles[i].name, roles[i].version, &entry, why));
		snprintf(name, sizeof(name), "%s.json", roles[i].name);
		json_object_set_new(meta, name, entry);
		if (i >= ROTA_DUTY_TOP_COUNT && !roles[i].held)
			ROTA_TRY(rota_publish_bins(desk, roles[i].name, meta, &roles[i].bins, why));
	}
	return ROTA_OK;
}

/* Whether each key whose turn it is has signed that snapshot. */
static bool is_covered(struct rota_desk *desk, const struct rota_hands *hands, uint64_t version)
{
	struct rota_fail why;
	json_t *envelope;
	bool covered;

	if (!hands->count)
		return true;
	if (rota_store_envelope(desk->dir, "snapshot", version, &envelope, &why) != ROTA_OK)
		return false;
	covered = rota_hands_cover(hands, "snapshot", envelope);
	json_decref(envelope);
	return covered;
}

/* Whether the newest snapshot lists exactly `meta` and is young enough to stay. */
static bool snapshot_stays(
	struct rota_desk *desk, const struct rota_hands *hands, const json_t *meta)
{
	struct rota_fail why;
	uint64_t published, signed_last;
	json_t *content;
	bool stays;

	if (rota_store_newest(desk->dir, "snapshot", false, &published, &why) != ROTA_OK ||
		rota_store_newest(desk->dir, "snapshot", true, &signed_last, &why) != ROTA_OK ||
		published != signed_last ||
		rota_store_signed(desk->dir, "snapshot", &content, &why) != ROTA_OK)
		return false;
	stays = json_equal(json_object_get(content, "meta"), meta) && !is_due(content, desk->now) &&
		is_covered(desk, hands, published);
	json_decref(content);
	return stays;
}

static enum rota_err bring_snapshot(struct rota_desk *desk, const struct rota_hands *hands,
	const struct rota_publish_plan *plan, struct rota_publish_role *roles,
	struct rota_fail *why)
{
	struct rota_publish_role *self = &roles[SNAPSHOT];
	json_t *meta, *content;
	enum rota_err err;

	ROTA_TRY(last_meta(desk, &meta, why));
	content = json_pack("{s:o}", "meta", meta);
	err = list_roles(desk, roles, meta, why);
	if (err == ROTA_OK &&
		(plan->all || plan->lifetime_s[SNAPSHOT] || !snapshot_stays(desk, hands, meta))) {
		err = rota_metadata_sign(
			desk, "snapshot", content, plan->lifetime_s[SNAPSHOT], &self->version, why);
		self->published = self->resigned = err == ROTA_OK;
	} else if (err == ROTA_OK) {
		err = rota_store_newest(desk->dir, "snapshot", false, &self->version, why);
	}
	json_decref(content);
	return err;
}

static enum rota_err bring_timestamp(struct rota_desk *desk, const struct rota_publish_plan *plan,
	struct rota_publish_role *roles, struct rota_fail *why)
{
	struct rota_publish_role *self = &roles[TIMESTAMP];
	json_t *entry, *content;
	enum rota_err err;

	ROTA_TRY(rota_metadata_entry(desk->dir, "snapshot", roles[SNAPSHOT].version, &entry, why));
	content = json_pack("{s:{s:o}}", "meta", "snapshot.json", entry);
	err = rota_metadata_sign(
		desk, "timestamp", content, plan->lifetime_s[TIMESTAMP], &self->version, why);
	self->published = self->resigned = err == ROTA_OK;
	json_decref(content);
	return err;
}

/* The roots that have begun, and the hint. */
static enum rota_err bring_roots(
	struct rota_turn *s, struct rota_publish_role *root, struct rota_fail *why)
{
	uint64_t before = root->version;

	if (s->due.publish > before)
		ROTA_TRY(rota_ahead_publish(s->desk.dir, s->due.publish, why));
	ROTA_TRY(rota_store_newest(s->desk.dir, "root", false, &root->version, why));
	root->published = root->version > before;
	return rota_hint_write(s->desk.dir, why);
}

static enum rota_err bring_online(struct rota_turn *s, const struct rota_publish_plan *plan,
	struct rota_publish_role *out, struct rota_fail *why)
{
	bool late = rota_hands_turn(&s->hands, out[0].version);

	if (!late)
		ROTA_TRY(bring_roots(s, &out[0], why));
	ROTA_TRY(bring_snapshot(&s->desk, &s->hands, plan, out, why));
	ROTA_TRY(bring_timestamp(&s->desk, plan, out, why));
	return late ? bring_roots(s, &out[0], why) : ROTA_OK;
}

/* The log has what `releases` is to list, or nothing new of that role counts. */
static void bring_log(struct rota_desk *desk, const struct rota_publish_log *log, uint64_t least,
	struct rota_publish_role *roles, struct rota_fail *why)
{
	bool failed = log && log->bring(log->ctx, desk, least, why) != ROTA_OK;

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		roles[i].held = failed && strcmp(roles[i].name, "releases") == 0;
}

/* What is published is staged no more. */
static enum rota_err clean(
	struct rota_desk *desk, const struct rota_publish_role *roles, struct rota_fail *why)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		ROTA_TRY(rota_store_clean(desk->dir, roles[i].name, why));
		if (i >= ROTA_DUTY_TOP_COUNT && !roles[i].held)
			ROTA_TRY(rota_store_clean_bins(desk->dir, roles[i].name, why));
	}
	return ROTA_OK;
}

enum rota_err rota_publish(struct rota_desk *desk, const struct rota_publish_plan *plan,
	struct rota_publish_role out[static ROTA_DUTY_COUNT], struct rota_fail *why)
{
	struct rota_turn s;
	uint64_t least;
	enum rota_err err;

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		out[i] = (struct rota_publish_role){ .name = rota_duties[i].name };
	rota_store_sweep(desk->dir);
	ROTA_TRY(rota_making_undo(desk->dir, why));
	ROTA_TRY(rota_released_record(desk, &least, why));
	bring_log(desk, plan->log, least, out, why);
	ROTA_TRY(bring_roles(desk, plan, out, why));
	ROTA_TRY(rota_turn_open(desk, &s, why));
	err = bring_online(&s, plan, out, why);
	rota_turn_close(&s);
	ROTA_TRY(err);
	return clean(desk, out, why);
}
