/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_witness.h"
#include "tests/fuzz/tuf_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name for what was violated, where the fuzzer's log shows it. */
static void demand(bool held, const char *rule)
{
	if (held)
		return;
	fprintf(stderr, "witness: trusted against %s\n", rule);
	abort();
}

static int role_of(struct rota_span name)
{
	for (int r = 0; r < TUF_ROLES; r++) {
		if (rota_span_eq(name, rota_span_cstr(tuf_role_names[r])))
			return r;
	}
	return -1;
}

void tuf_witness_init(struct tuf_witness *w, enum tuf_profile profile, const struct tuf_file *root)
{
	memset(w, 0, sizeof(*w));
	w->profile = profile;
	w->kept[TUF_ROOT] = root;
}

void tuf_witness_lost(struct tuf_witness *w, unsigned role)
{
	if (w->profile == TUF_PLAIN)
		w->uncompared = true;
	else if (role == TUF_TIMESTAMP || role == TUF_SNAPSHOT)
		w->kept[role] = NULL;
}

/* SPEC 4.9: to the letter a copy counts only as far as the trusted root's keys signed it. */
static void drop_unsigned(struct tuf_witness *w)
{
	for (unsigned r = TUF_TIMESTAMP; r <= TUF_SNAPSHOT && w->profile == TUF_LETTER; r++) {
		if (w->kept[r] != NULL &&
			!judge_signed(w->kept[r], judge_top(w->kept[TUF_ROOT], tuf_role_names[r])))
			tuf_witness_lost(w, r);
	}
}

void tuf_witness_session(struct tuf_witness *w, uint64_t now_s)
{
	drop_unsigned(w);
	w->now_s = now_s;
	w->seen_count = 0;
	w->walk[0] = w->kept[TUF_ROOT];
	w->walk_count = 1;
	w->path = NULL;
	w->rotated = false;
	w->uncompared = false;
}

/* ---- roots ---- */

/* TUF 5.3.4, 5.3.5: the next version, or with root skip any later one, by the thresholds of both. */
static bool follows(
	const struct tuf_witness *w, const struct tuf_file *old, const struct tuf_file *root)
{
	uint64_t from = judge_number(old->body, "version"),
		 to = judge_number(root->body, "version");

	return (w->profile == TUF_DEVICE ? to > from : to == from + 1) &&
		judge_signed(root, judge_top(old, "root")) &&
		judge_signed(root, judge_top(root, "root"));
}

static void note_root(struct tuf_witness *w, const struct tuf_file *root)
{
	for (int i = 0; i < w->walk_count; i++) {
		if (w->walk[i] == root)
			return;
	}
	for (int i = 0; i < w->walk_count; i++) {
		if (w->walk_count == TUF_SEEN_MAX || !follows(w, w->walk[i], root))
			continue;
		if (judge_keys(judge_top(w->walk[i], "timestamp")) !=
				judge_keys(judge_top(root, "timestamp")) ||
			judge_keys(judge_top(w->walk[i], "snapshot")) !=
				judge_keys(judge_top(root, "snapshot")))
			w->rotated = true;
		w->walk[w->walk_count++] = root;
		return;
	}
}

void tuf_witness_seen(struct tuf_witness *w, struct rota_span role, const struct tuf_file *f)
{
	int as = role_of(role);

	if (as < 0 || w->seen_count == TUF_SEEN_MAX)
		return;
	w->seen[w->seen_count] = f;
	w->seen_as[w->seen_count++] = (uint8_t)as;
	if (as == TUF_ROOT)
		note_root(w, f);
}

static void keep_root(
	struct tuf_witness *w, const struct tuf_file *f, const struct rota_trusted *trusted)
{
	bool reached = false;

	for (int i = 1; i < w->walk_count; i++)
		reached = reached || w->walk[i] == f;
	demand(reached, "TUF 5.3.4 or 5.3.5");
	demand(trusted->root.version == judge_number(f->body, "version") &&
			trusted->root.version > judge_number(w->kept[TUF_ROOT]->body, "version") &&
			memcmp(trusted->root.sha256, f->sha256, ROTA_SHA256_LEN) == 0,
		"TUF 5.3.8");
	demand(w->profile != TUF_DEVICE || w->now_s == 0 ||
			judge_time(f->body, "x-rota-not-before") <= w->now_s,
		"SPEC 4.6 c");
	if (w->rotated)
		w->stale[TUF_TIMESTAMP] = w->stale[TUF_SNAPSHOT] = true;
}

/* ---- timestamp and snapshot ---- */

static bool alive(const struct tuf_witness *w, const struct tuf_file *f)
{
	return w->now_s == 0 || judge_time(f->body, "expires") > w->now_s;
}

/* SPEC 4.5 */
static bool within_horizon(const struct tuf_witness *w, const struct tuf_file *f, uint64_t life_s)
{
	uint64_t issued = judge_time(f->body, "x-rota-issued");
	uint64_t expires = judge_time(f->body, "expires");

	if (w->profile != TUF_DEVICE)
		return true;
	return issued != 0 && expires >= issued && expires - issued <= life_s &&
		(w->now_s == 0 || issued <= w->now_s + 600);
}

/* SPEC 4.5, 4.6: the slot of the root that names a file's keys. */
static bool within_slot(const struct tuf_witness *w, const struct tuf_file *f)
{
	const struct jnode *root = w->kept[TUF_ROOT]->body;
	uint64_t end = judge_time(root, "x-rota-slot-end");
	uint64_t issued = judge_time(f->body, "x-rota-issued");

	if (w->profile != TUF_DEVICE || end == 0)
		return true;
	if (w->now_s != 0)
		return w->now_s <= end + 3600;
	return issued + 3600 >= judge_time(root, "x-rota-not-before") && issued <= end + 3600;
}

static void keep_timestamp(struct tuf_witness *w, const struct tuf_file *f)
{
	const struct tuf_file *old = w->stale[TUF_TIMESTAMP] ? NULL : w->kept[TUF_TIMESTAMP];

	demand(judge_signed(f, judge_top(w->kept[TUF_ROOT], "timestamp")), "TUF 5.4.2");
	if (old != NULL) {
		demand(judge_number(f->body, "version") > judge_number(old->body, "version"),
			"TUF 5.4.3.1");
		demand(judge_number(judge_listed(f, "snapshot"), "version") >=
				judge_number(judge_listed(old, "snapshot"), "version"),
			"TUF 5.4.3.2");
	}
	demand(alive(w, f) && alive(w, w->kept[TUF_ROOT]), "TUF 5.4.4 or 5.3.10");
	demand(within_horizon(w, f, 86400) && within_slot(w, f), "SPEC 4.5 or 4.6");
}

/* Each role that the old snapshot lists stands in the new one, and no lower. */
static bool none_goes_back(const struct tuf_file *old, const struct tuf_file *f)
{
	const struct jnode *meta = jt_get(old->body, "meta");

	for (const struct jnode *c = meta->child; c != NULL; c = c->next) {
		const struct jnode *now = jt_get_span(jt_get(f->body, "meta"), c->name);

		if (now == NULL || judge_number(now, "version") < judge_number(c, "version"))
			return false;
	}
	return true;
}

static void keep_snapshot(struct tuf_witness *w, const struct tuf_file *f)
{
	const struct tuf_file *timestamp = w->kept[TUF_TIMESTAMP], *old = w->kept[TUF_SNAPSHOT];

	demand(timestamp != NULL && judge_lists(timestamp, "snapshot", f), "TUF 5.5.2 or 5.5.4");
	demand(judge_signed(f, judge_top(w->kept[TUF_ROOT], "snapshot")), "TUF 5.5.3");
	demand(w->profile == TUF_DEVICE || old == NULL || w->stale[TUF_SNAPSHOT] || w->uncompared ||
			none_goes_back(old, f),
		"TUF 5.5.5");
	demand(judge_listed(f, "targets") != NULL, "TUF 5.5.5");
	demand(alive(w, f), "TUF 5.5.6");
	demand(within_horizon(w, f, 86400) && within_slot(w, f), "SPEC 4.5 or 4.6");
}

/* ---- roles that sign targets ---- */

/* Whether `f` may stand for `role` in this session, by what `by` demands. */
static bool role_passes(const struct tuf_witness *w, struct rota_span role,
	const struct tuf_file *f, struct judge_by by)
{
	uint64_t life_s = rota_span_eq(role, ROTA_STR("rollouts")) ? 86400 : 366 * UINT64_C(86400);

	return w->kept[TUF_SNAPSHOT] != NULL && judge_lists_span(w->kept[TUF_SNAPSHOT], role, f) &&
		judge_signed(f, by) && alive(w, f) && within_horizon(w, f, life_s);
}

/* The file of `role` that this session read and that passes; NULL: none does. */
static const struct tuf_file *passing(
	const struct tuf_witness *w, struct rota_span role, struct judge_by by)
{
	int as = role_of(role);

	for (int i = w->seen_count - 1; i >= 0; i--) {
		if (w->seen_as[i] == as && role_passes(w, role, w->seen[i], by))
			return w->seen[i];
	}
	return NULL;
}

/* SPEC 4.3, by the delegation that let it pass. */
static void hold_floor(
	struct tuf_witness *w, int role, const struct tuf_file *f, struct judge_by by)
{
	struct tuf_floor *floor = &w->floor[role];
	uint32_t keys = judge_keys(by);
	bool stands = judge_count(floor->keys & keys) >= judge_number(by.role, "threshold");

	if (w->profile != TUF_DEVICE)
		return;
	demand(!stands || judge_number(f->body, "version") >= floor->version, "SPEC 4.3");
	*floor = (struct tuf_floor){ judge_number(f->body, "version"), keys };
}

static void keep_role(struct tuf_witness *w, int role, const struct tuf_file *f)
{
	struct rota_span name = rota_span_cstr(tuf_role_names[role]);
	struct judge_by by = judge_top(w->kept[TUF_ROOT], "targets");

	if (role == TUF_TARGETS || w->path == NULL) {
		demand(role == TUF_TARGETS && role_passes(w, name, f, by), "TUF 5.6");
		hold_floor(w, role, f, by);
		return;
	}
	for (int i = w->seen_count - 1; i >= 0; i--) {
		if (w->seen_as[i] < TUF_TARGETS)
			continue;
		for (unsigned n = 0; judge_delegation(w->seen[i], n, &by); n++) {
			char bin[80];

			if (!rota_span_eq(judge_covers(by, w->path, bin), name) ||
				!role_passes(w, name, f, by))
				continue;
			if (!by.bins || w->role[0] == '\0') /* a bin has none of its own */
				hold_floor(w, role, f, by);
			return;
		}
	}
	demand(false, "TUF 5.6.3, 5.6.4 or 5.6.5");
}

const struct tuf_file *tuf_witness_kept(
	struct tuf_witness *w, const struct rota_want *want, const struct rota_trusted *trusted)
{
	int role = role_of(want->role);
	const struct tuf_file *f = NULL;

	for (int i = w->seen_count - 1; i >= 0 && f == NULL; i--)
		f = w->seen_as[i] == role ? w->seen[i] : NULL;
	demand(f != NULL, "no file at all");
	demand(jt_sound(f->body), "SPEC 2.1");
	demand(want->kept_version == judge_number(f->body, "version"), "the version it says");
	if (role == TUF_ROOT)
		keep_root(w, f, trusted);
	else if (role == TUF_TIMESTAMP)
		keep_timestamp(w, f);
	else if (role == TUF_SNAPSHOT)
		keep_snapshot(w, f);
	else
		keep_role(w, role, f);
	w->kept[role] = f;
	w->stale[role] = false;
	return f;
}

/* ---- the search: TUF 5.6.7, in its own words ---- */

struct search {
	const struct tuf_witness *w;
	bool visited[TUF_ROLES];
	bool over; /* a terminating delegation ended it, or the client fails here */
	const struct jnode *target;
	const struct tuf_file *in;
	const struct tuf_file *holder; /* of the role asked for */
};

/* Whether a role may list the target, and lead on to another: where one is asked for, only top-level targets lead to
 * it, and only it to its own bins (SPEC 4.4). */
static bool may_list(const struct tuf_witness *w, bool top)
{
	return w->role[0] == '\0' || !top;
}

static bool may_lead(const struct tuf_witness *w, struct rota_span from, bool top,
	struct judge_by by, struct rota_span to)
{
	struct rota_span role = rota_span_cstr(w->role);

	if (role.len == 0)
		return true;
	if (by.bins)
		return !top && rota_span_eq(from, role) &&
			jt_is(jt_get(by.role, "name_prefix"), w->role);
	return top && rota_span_eq(to, role);
}

static void search_role(struct search *s, struct rota_span role, struct judge_by by, bool top)
{
	int number = role_of(role);
	const struct tuf_file *f;

	if (number >= 0 && s->visited[number])
		return;
	f = number >= 0 ? passing(s->w, role, by) : NULL;
	if (f == NULL) {
		s->over = true;
		return;
	}
	s->visited[number] = true;
	if (rota_span_eq(role, rota_span_cstr(s->w->role)))
		s->holder = f;
	s->target = may_list(s->w, top) ? jt_get(jt_get(f->body, "targets"), s->w->path) : NULL;
	s->in = f;
	for (unsigned n = 0; judge_delegation(f, n, &by) && !s->over && s->target == NULL; n++) {
		char bin[80];
		struct rota_span name = judge_covers(by, s->w->path, bin);

		s->over = by.bins && s->w->profile == TUF_PLAIN; /* which knows none */
		if (s->over || name.len == 0 || !may_lead(s->w, role, top, by, name))
			continue;
		search_role(s, name, by, false);
		s->over = s->over || judge_terminates(by);
	}
}

void tuf_witness_found(struct tuf_witness *w, const struct rota_target *target)
{
	struct search s = { .w = w };

	demand(w->kept[TUF_TIMESTAMP] != NULL && w->kept[TUF_SNAPSHOT] != NULL, "TUF 5.3.11");
	demand(alive(w, w->kept[TUF_ROOT]) && alive(w, w->kept[TUF_TIMESTAMP]) &&
			alive(w, w->kept[TUF_SNAPSHOT]),
		"an expiry date");
	demand(judge_lists(w->kept[TUF_TIMESTAMP], "snapshot", w->kept[TUF_SNAPSHOT]), "TUF 5.5.2");
	search_role(&s, ROTA_STR("targets"), judge_top(w->kept[TUF_ROOT], "targets"), true);
	demand(s.target != NULL, "TUF 5.6.7 or SPEC 4.4");
	demand(target->length == judge_number(s.target, "length") &&
			target->role_version == judge_number(s.in->body, "version") &&
			judge_digest(jt_get(s.target, "hashes"), target->sha256),
		"TUF 5.7");
	demand(w->profile != TUF_DEVICE || s.holder == NULL ||
			judge_number(s.in->body, "version") >=
				judge_number(s.holder->body, "version"),
		"SPEC 4.3");
}
