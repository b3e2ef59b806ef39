/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/turn.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/store.h"
#include "host/series/hands.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const turn_roles[2] = { "snapshot", "timestamp" };

bool turn_lasts(const struct rota_timeslot *slot, uint64_t now)
{
	return now + ROTA_OVERLAP_S >= slot->from_s &&
		(slot->end_s == ROTA_SLOT_OPEN || now < slot->end_s + ROTA_OVERLAP_S);
}

/* ---- a slot ---- */

void turn_name(struct holder *h, uint64_t version)
{
	char unused[ROTA_AHEAD_NAME_MAX], label[ROTA_AHEAD_NAME_MAX];

	for (size_t i = 0; i < 2; i++) {
		rota_slot_label(turn_roles[i], version, h->label[i]);
		h->keys[i].label = h->label[i];
	}
	rota_ahead_token(version, label, unused);
	snprintf(h->label[2], sizeof(h->label[2]), "%.39s", label);
	h->key_count = 2;
	h->port = (struct rota_pkcs11_token){ .name = h->label[2],
		.dir = h->scope->dir,
		.module = h->token->module,
		.label = h->label[2],
		.environment = h->token->environment,
		.handed = true };
}

/* The keys that its root names: no token's word is taken for them. */
static enum rota_err name_keys(struct holder *h, const json_t *root, struct rota_fail *why)
{
	for (size_t i = 0; i < 2; i++) {
		struct rota_delegation by;
		const char *id = NULL;

		if (rota_chain_find(root, turn_roles[i], &by))
			id = json_string_value(json_array_get(by.keyids, 0));
		if (!id || !rota_unhex(id, ROTA_BUF(h->id[i])) ||
			rota_p256_of_object(json_object_get(by.keys, id), h->keys[i].point) !=
				ROTA_OK)
			return rota_fail(why, ROTA_ERR_FORMAT, "root %llu names no key for %s",
				(unsigned long long)h->slot.version, turn_roles[i]);
	}
	return ROTA_OK;
}

/* Its root, of which nothing is believed but what people signed. */
static enum rota_err verified(
	const struct rota_authdir *scope, uint64_t version, json_t **root, struct rota_fail *why)
{
	struct rota_bytes file;
	json_t *newest;
	enum rota_err err;

	ROTA_TRY(rota_store_signed(scope, "root", &newest, why));
	err = rota_ahead_file(scope, version, &file, why);
	if (err == ROTA_OK) {
		err = rota_chain_verify(newest, "root", rota_bytes_span(&file), root, why);
		rota_bytes_free(&file);
	}
	json_decref(newest);
	ROTA_TRY(err);
	if (rota_chain_version(*root) == version)
		return ROTA_OK;
	json_decref(*root);
	return rota_fail(why, ROTA_ERR_VERSION, "it is another root");
}

/* The slot by its own root, and no longer than a later one lets it. */
static enum rota_err fill(struct holder *h, const struct rota_timeslot *slot, const json_t *root,
	struct rota_fail *why)
{
	struct rota_timeline own = { .count = 0 };

	ROTA_TRY(rota_timeline_add(&own, root, why));
	h->slot = own.at[0];
	if (slot->end_s < h->slot.end_s)
		h->slot.end_s = slot->end_s;
	return name_keys(h, root, why);
}

static enum rota_err hold_slot(struct plan *p, const struct rota_authdir *scope,
	const struct rota_timeslot *slot, struct rota_fail *why)
{
	struct holder filled = { .key_count = 0 }, *h;
	enum rota_err err;
	json_t *root;

	err = verified(scope, slot->version, &root, why);
	if (err == ROTA_OK) {
		err = fill(&filled, slot, root, why);
		json_decref(root);
	}
	if (err != ROTA_OK)
		return rota_fail_in(why, "%s: root %llu of the series", scope->product,
			(unsigned long long)slot->version);
	h = plan_add(p, scope);
	if (!h)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d online tokens", HOLDERS_MAX);
	h->slot = filled.slot;
	memcpy(h->id, filled.id, sizeof(h->id));
	memcpy(h->keys, filled.keys, sizeof(h->keys));
	turn_name(h, slot->version);
	return ROTA_OK;
}

/* ---- a scope ---- */

/* The next moment at which it is another's turn. */
static uint64_t next_change(const struct rota_ahead *a, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < a->timeline.count; i++) {
		const struct rota_timeslot *slot = &a->timeline.at[i];
		uint64_t begin = slot->from_s - ROTA_OVERLAP_S, end = slot->end_s + ROTA_OVERLAP_S;

		if (begin > now && begin < next)
			next = begin;
		if (slot->end_s != ROTA_SLOT_OPEN && end > now && end < next)
			next = end;
	}
	return next;
}

/* Whose turn it is, of roots that are here; indices into the timeline. */
static size_t due(const struct rota_ahead *a, uint64_t now, size_t at[static 2])
{
	struct rota_due all;
	size_t count = 0;

	rota_timeline_due(&a->timeline, now, &all);
	for (size_t i = 0; i < all.signers; i++)
		if (a->root[all.sign[i]])
			at[count++] = all.sign[i];
	return count;
}

/* Published, and an hour behind their end, or behind that of a root that took their place. */
static void find_over(struct turn *t, const struct rota_ahead *a, uint64_t now)
{
	uint64_t published;

	if (rota_store_newest(t->scope, "root", false, &published, &t->trouble) != ROTA_OK)
		return;
	t->over = calloc(a->timeline.count + 1, sizeof(*t->over));
	if (!t->over)
		abort();
	for (size_t i = 0; i < a->timeline.count; i++)
		if (a->kept[i] && a->root[i] && a->timeline.at[i].version <= published &&
			rota_timeline_over(&a->timeline, i, now))
			t->over[t->over_count++] = a->timeline.at[i].version;
}

/* Those that have a token of their own are held. */
static void hold_due(struct plan *p, struct turn *t, const struct rota_ahead *ahead, uint64_t now)
{
	size_t at[2], count = due(ahead, now, at);

	for (size_t i = 0; i < count; i++) {
		const struct rota_timeslot *slot = &ahead->timeline.at[at[i]];

		t->seen[t->seen_count++] = slot->version;
		t->plain |= !json_object_get(ahead->root[at[i]], "x-rota-slot-end");
		if (ahead->kept[at[i]] && hold_slot(p, t->scope, slot, &t->trouble) != ROTA_OK)
			t->shut = slot->version;
	}
}

static void look(struct plan *p, struct turn *t, uint64_t now)
{
	struct rota_ahead ahead;

	t->until_s = UINT64_MAX;
	if (rota_ahead_open(t->scope, &ahead, &t->trouble) != ROTA_OK)
		return;
	hold_due(p, t, &ahead, now);
	t->until_s = next_change(&ahead, now);
	find_over(t, &ahead, now);
	rota_ahead_close(&ahead);
}

void turn_look(struct plan *p, uint64_t now)
{
	const struct rota_authdir *scope;
	size_t scopes = 0;

	while (rota_policy_scope_at(p->policy, scopes))
		scopes++;
	p->turns = calloc(scopes + 1, sizeof(*p->turns));
	if (!p->turns)
		abort();
	for (size_t n = 0; (scope = rota_policy_scope_at(p->policy, n)) != NULL; n++) {
		if (!scope->keeper)
			continue;
		p->turns[p->turn_count].scope = scope;
		look(p, &p->turns[p->turn_count++], now);
	}
}

/* ---- asked ---- */

uint64_t turn_until(const struct plan *p)
{
	uint64_t until_s = UINT64_MAX;

	for (size_t n = 0; n < p->turn_count; n++)
		if (p->turns[n].until_s < until_s)
			until_s = p->turns[n].until_s;
	return until_s;
}

static const struct turn *find(const struct plan *p, const char *scope)
{
	for (size_t n = 0; n < p->turn_count; n++)
		if (strcmp(p->turns[n].scope->product, scope) == 0)
			return &p->turns[n];
	return NULL;
}

bool turn_is_stale(const struct plan *p, const struct rota_authdir *scope, uint64_t now)
{
	const struct turn *t = find(p, scope->product);
	struct rota_ahead ahead;
	struct rota_fail why;
	size_t at[2], count;
	bool same;

	if (!t || rota_ahead_open(scope, &ahead, &why) != ROTA_OK)
		return false;
	count = due(&ahead, now, at);
	same = count == t->seen_count;
	for (size_t i = 0; i < count && same; i++)
		same = ahead.timeline.at[at[i]].version == t->seen[i];
	rota_ahead_close(&ahead);
	return !same;
}

void turn_of(const struct plan *p, const char *scope, const char *role, uint64_t now,
	struct turn_hands *out)
{
	const struct turn *t = find(p, scope);

	*out = (struct turn_hands){ .plain = true };
	while (out->key < 2 && strcmp(turn_roles[out->key], role) != 0)
		out->key++;
	if (!t || out->key == 2)
		return;
	for (size_t i = 0; i < p->holder_count && out->count < 2; i++) {
		const struct holder *h = &p->holders[i];

		if (h->slot.version == 0 || h->scope != t->scope || !turn_lasts(&h->slot, now))
			continue;
		if (h->pid > 0)
			out->holder[out->count++] = i;
		else
			out->shut = h->slot.version;
	}
	if (t->shut)
		out->shut = t->shut;
	out->plain = t->plain || (out->count == 0 && !out->shut);
}
