/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/rebin.h"
#include "host/repo/listing.h"
#include "host/repo/making.h"
#include "host/repo/shelf.h"
#include "host/repo/trust.h"

#include <string.h>

/* One run. */
struct work {
	struct rota_desk *desk;
	const struct rota_rebin_plan *plan;
	struct rota_rebin_done *done;
	struct rota_listing from;
	struct rota_shelf shelf; /* every target, where they move between files */
	size_t at; /* of the shelf, next to be taken */
	json_t *content; /* the role's new file */
};

static void step(const struct work *w, uint32_t index)
{
	const struct rota_progress *progress = w->plan->progress;

	if (progress)
		progress->step(progress->ctx, index + 1, 1u << w->done->bits);
}

/* All targets of the role, from wherever it lists them now. */
static enum rota_err collect(struct work *w, struct rota_fail *why)
{
	json_t *bin;

	ROTA_TRY(rota_shelf_add_all(&w->shelf, json_object_get(w->from.content, "targets"), why));
	for (uint32_t i = 0; w->from.bits && i < 1u << w->from.bits; i++) {
		enum rota_err err = rota_listing_bin(&w->from, i, &bin, why);

		if (err == ROTA_OK)
			err = rota_shelf_add_all(&w->shelf, json_object_get(bin, "targets"), why);
		json_decref(bin);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* The targets of bin `index`, which come next on the shelf. */
static json_t *take(struct work *w, uint32_t index)
{
	json_t *content = rota_metadata_empty();
	json_t *targets = json_object_get(content, "targets");

	for (; w->at < w->shelf.count && w->shelf.at[w->at].bin == index; w->at++)
		json_object_set_new(targets, rota_shelf_path(&w->shelf, w->at),
			rota_store_target_object(&w->shelf.at[w->at].is));
	return content;
}

static enum rota_err sign_bins(struct work *w, struct rota_fail *why)
{
	char name[ROTA_BIN_NAME_MAX];
	const struct rota_seal seal = {
		.role = name, .version = w->done->version, .lifetime_s = w->plan->lifetime_s
	};

	for (uint32_t i = 0; w->done->bits && i < 1u << w->done->bits; i++) {
		json_t *bin = NULL;
		enum rota_err err = ROTA_OK;

		rota_bins_name(w->plan->role, w->done->bits, i, name);
		if (w->plan->keep)
			err = rota_listing_bin(&w->from, i, &bin, why);
		else
			bin = take(w, i);
		w->done->targets += json_object_size(json_object_get(bin, "targets"));
		if (err == ROTA_OK)
			err = rota_listing_stage(
				w->desk, w->content, w->plan->role, &seal, bin, why);
		json_decref(bin);
		ROTA_TRY(err);
		step(w, i);
	}
	return ROTA_OK;
}

/* The role's own file: its bins, or its targets. */
static enum rota_err describe(struct work *w, struct rota_fail *why)
{
	const struct rota_party *party = rota_authdir_party(w->desk->dir, w->plan->role);
	json_t *keys, *ids;

	if (w->done->bits == 0) {
		w->content = take(w, 0);
		w->done->targets = w->shelf.count;
		return ROTA_OK;
	}
	w->content = rota_metadata_empty();
	keys = json_object();
	if (rota_metadata_keys(w->desk, party, keys, &ids, why) != ROTA_OK) {
		json_decref(keys);
		return why->err;
	}
	json_object_set_new(w->content, "delegations",
		rota_bins_delegations(w->plan->role, w->done->bits, keys, ids, party->threshold));
	return ROTA_OK;
}

/* Last of the set: with it the set is whole. */
static enum rota_err sign_role(struct work *w, struct rota_fail *why)
{
	const struct rota_seal seal = { .role = w->plan->role,
		.version = w->done->version,
		.lifetime_s = w->plan->lifetime_s };
	struct rota_bytes file;
	json_t *again;
	enum rota_err err;

	ROTA_TRY(rota_metadata_seal(w->desk, rota_authdir_party(w->desk->dir, w->plan->role), &seal,
		w->content, &file, why));
	err = rota_trust_check(w->desk->dir, w->plan->role, rota_bytes_span(&file), &again, why);
	json_decref(again);
	if (err == ROTA_OK)
		err = rota_store_stage(
			w->desk->dir, w->plan->role, w->done->version, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

static enum rota_err sign_set(struct work *w, struct rota_fail *why)
{
	w->done->version = w->from.highest + 1;
	rota_shelf_sort(&w->shelf, w->done->bits);
	ROTA_TRY(describe(w, why));
	ROTA_TRY(rota_making_begin(w->desk->dir, w->plan->role, w->done->version, why));
	ROTA_TRY(sign_bins(w, why));
	ROTA_TRY(sign_role(w, why));
	return rota_making_end(w->desk->dir, w->plan->role, why);
}

static enum rota_err run(struct work *w, struct rota_fail *why)
{
	struct rota_fail undone;
	enum rota_err err;

	w->done->bits = w->plan->keep ? w->from.bits : w->plan->bits;
	if (!w->plan->keep || w->from.bits == 0)
		ROTA_TRY(collect(w, why));
	if (w->plan->advised)
		w->done->bits = rota_bins_advice(w->shelf.count);
	err = sign_set(w, why);
	if (err != ROTA_OK && rota_making_undo(w->desk->dir, &undone) != ROTA_OK)
		return rota_fail_in(why, "%s", undone.text); /* the next run undoes it */
	return err;
}

enum rota_err rota_rebin(struct rota_desk *desk, const struct rota_rebin_plan *plan,
	struct rota_rebin_done *out, struct rota_fail *why)
{
	struct work w = { .desk = desk, .plan = plan, .done = out };
	enum rota_err err;

	*out = (struct rota_rebin_done){ 0 };
	if (strcmp(plan->role, "releases") != 0 && strcmp(plan->role, "ci") != 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"role %s: bins are for releases and ci; other roles stay small",
			plan->role);
	ROTA_TRY(rota_listing_open(desk->dir, plan->role, &w.from, why));
	err = run(&w, why);
	json_decref(w.content);
	rota_shelf_free(&w.shelf);
	rota_listing_close(&w.from);
	return err;
}
