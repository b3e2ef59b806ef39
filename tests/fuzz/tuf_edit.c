/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_edit.h"

#include <string.h>

/* Texts that mean something somewhere. Those of keys come behind them. */
static const char *const texts[] = { "", "root", "timestamp", "snapshot", "targets", "rollouts",
	"a", "c", "c-0", "c-1", "c-", "*", "?", "a/*", "a/*/*", "rollouts/*", "*/*", "0", "e", "9",
	"k00", "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "k10", "k11", "k12",
	"k13", "2027-01-15T08:00:00Z", "2027-01-15T08:30:00Z", "2027-01-15T09:30:00Z",
	"2027-01-16T08:00:00Z", "2028-01-15T08:00:00Z", "9999-12-31T23:59:59Z",
	"2027-02-30T08:00:00Z", "1970-01-01T00:00:00Z", "1.0.0", "1.1", "2.0.0", "ecdsa", "ed25519",
	"ecdsa-sha2-nistp256", "rsa", "_type", "version", "length", "hashes", "sha256", "sha512",
	"threshold", "keyids", "keys", "roles", "delegations", "succinct_roles", "bit_length",
	"name_prefix", "name", "paths", "path_hash_prefixes", "terminating", "meta",
	"snapshot.json", "targets.json", "a.json", "c.json", "rollouts.json", "expires",
	"consistent_snapshot", "x-rota-issued", "x-rota-not-before", "x-rota-slot-end", "top.txt",
	"a/x", "a/b/y", "c/y", "c/*", "rollouts/lamp.json",
	"a role whose name is longer than any file of it may be called, by far",
	"0000000000000000000000000000000000000000000000000000000000000000" };
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const int64_t numbers[] = { 0, 1, 2, 3, 4, 5, 8, 9, 16, 32, 33, 255, 256, 65535, 65536,
	4294967295, 4294967296, (INT64_C(1) << 53) - 1, INT64_C(1) << 53, -1 };
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static uint8_t take(struct rota_span *input)
{
	if (input->len == 0)
		return 0;
	input->len--;
	return *input->p++;
}

static struct rota_span text(struct rota_span *input)
{
	uint8_t n = take(input);

	if (n < TEXTS)
		return rota_span_cstr(texts[n]);
	return rota_span_cstr(tuf_key_public((n - (int)TEXTS) % TUF_KEYS));
}

/* One byte says which file: 0x0f its role, 0x10 as a new version, 0x20 not listed anew, 0x40 the one before,
 * 0x80 as another tool spells it. */
static struct tuf_file *open(struct tuf_scene *s, struct rota_span *input)
{
	uint8_t which = take(input);
	struct tuf_file **at =
		tuf_repo_newest(&s->repo, (which & 0x0fu) % TUF_ROLES, (which & 0x40) != 0);
	struct tuf_file *f = tuf_repo_open(&s->repo, at, (which & 0x10) != 0);

	if (f == NULL)
		return NULL;
	f->unlisted = (which & 0x20) != 0;
	f->raw = (which & 0x80) != 0;
	return f;
}

static const struct tuf_file *any_file(const struct tuf_scene *s, struct rota_span *input)
{
	return s->repo.file[take(input) % s->repo.count];
}

/* ---- of trees ---- */

static void set_number(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), JT_INT) : NULL;
	uint8_t n = take(input);

	if (at == NULL)
		return;
	if (n >= 128)
		(*at)->number += (int8_t)n / 2 + 32; /* -32 to 31 */
	else
		(*at)->number = numbers[n % NUMBERS];
}

static void set_text(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), JT_STRING) : NULL;

	if (at != NULL)
		(*at)->text = text(input);
}

static void rename_node(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;

	if (at != NULL && (*at)->name.p != NULL)
		(*at)->name = text(input);
}

static void remove_node(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;

	if (at != NULL)
		*at = (*at)->next;
}

/* Another type in its place. */
static void retype(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;
	uint8_t type = take(input) % (JT_OBJECT + 1);

	if (at != NULL)
		(*at)->type = (enum jtype)type;
	if (at != NULL && type < JT_ARRAY)
		(*at)->child = NULL;
}

/* Put `node` behind the node at `at`, or in its object where the name belongs. */
static void insert(struct jnode **at, struct jnode *node)
{
	node->next = (*at)->next;
	(*at)->next = node;
}

static void duplicate(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;
	struct jnode *copy = at != NULL ? jt_clone(s->repo.room, *at) : NULL;

	if (copy == NULL)
		return;
	insert(at, copy);
	if (copy->name.p != NULL)
		copy->name = text(input);
}

static void swap(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;
	struct jnode *second = at != NULL ? (*at)->next : NULL;

	if (second == NULL)
		return;
	(*at)->next = second->next;
	second->next = *at;
	*at = second;
}

/* A part of one file in the place of a part of another. */
static void graft(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	struct jnode **at = f != NULL ? jt_nth(f->body, take(input), -1) : NULL;
	const struct tuf_file *from = any_file(s, input);
	struct jnode **what = jt_nth(from->body, take(input), -1);
	struct jnode *copy = at != NULL && what != NULL ? jt_clone(s->repo.room, *what) : NULL;

	if (copy == NULL)
		return;
	copy->name = (*at)->name;
	copy->next = (*at)->next;
	*at = copy;
}

/* ---- of signers ---- */

static void set_signer(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);
	uint8_t at = take(input), id = take(input), key = take(input);

	if (f == NULL)
		return;
	at %= TUF_SIGS_MAX;
	if (at >= f->sig_count)
		at = f->sig_count < TUF_SIGS_MAX ? f->sig_count++ : 0;
	f->sig[at] = (struct tuf_sig){ id % TUF_KEYS, key % TUF_KEYS, (key >> 4) % TUF_SIG_HOWS };
}

static void drop_signer(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);

	if (f != NULL && f->sig_count > 0)
		f->sig_count--;
}

/* ---- of what delegators say ---- */

/* The description of a role in a new version of its delegator's file, and the keys beside it. NULL: edits took it
 * away. */
static struct jnode *described(struct tuf_scene *s, unsigned role, struct jnode **keys)
{
	unsigned from = role <= TUF_TARGETS ? TUF_ROOT : role <= TUF_C ? TUF_TARGETS : TUF_C;
	struct tuf_file *f = tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, from, false), true);
	struct jnode *in, *roles;

	if (f == NULL)
		return NULL;
	in = role <= TUF_TARGETS ? f->body : jt_get(f->body, "delegations");
	*keys = jt_get(in, "keys");
	roles = jt_get(in, "roles");
	if (role <= TUF_TARGETS || roles == NULL)
		return jt_get(roles, tuf_role_names[role]);
	for (struct jnode *c = roles->child; c != NULL; c = c->next) {
		if (jt_is(jt_get(c, "name"), tuf_role_names[role]))
			return c;
	}
	return NULL;
}

static void set_threshold(struct tuf_scene *s, struct rota_span *input)
{
	struct jnode *keys, *role = described(s, take(input) % TUF_ROLES, &keys);
	struct jnode *threshold = jt_get(role, "threshold");
	uint8_t n = take(input);

	if (threshold != NULL)
		threshold->number = n % 5;
}

/* The role's first two key ids are one key, which signs under both; two are wanted. */
static void alias(struct tuf_scene *s, struct rota_span *input)
{
	static const uint8_t of[] = { TUF_ROOT, TUF_TARGETS, TUF_A };
	unsigned role = of[take(input) % 3];
	struct jnode *keys, *by = described(s, role, &keys), *ids = jt_get(by, "keyids");
	struct jnode *first = ids != NULL ? ids->child : NULL;
	struct jnode *second = first != NULL ? first->next : NULL, *key, *copy;
	struct tuf_file *f =
		tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, role, false), role != TUF_ROOT);

	if (f == NULL || second == NULL || f->sig_count == 0)
		return;
	key = jt_get_span(keys, second->text);
	copy = jt_get_span(keys, first->text);
	if (key == NULL || copy == NULL)
		return;
	key->child = copy->child;
	if (jt_get(by, "threshold") != NULL)
		jt_get(by, "threshold")->number = 2;
	f->sig[1] = (struct tuf_sig){ (uint8_t)(f->sig[0].id + 1), f->sig[0].key, TUF_SIG_GOOD };
	f->sig_count = 2;
}

static void set_date(struct tuf_scene *s, struct rota_span *input)
{
	static const char *const dates[] = { "2027-01-15T08:00:00Z", "2027-01-15T08:59:59Z",
		"2027-01-15T09:00:00Z", "2027-01-15T09:00:01Z", "2027-01-15T09:30:00Z",
		"2027-01-16T08:00:01Z", "2028-01-17T08:00:00Z", "1970-01-01T00:00:00Z" };
	struct tuf_file *f = open(s, input);
	uint8_t which = take(input);
	struct jnode *date =
		f == NULL ? NULL : jt_get(f->body, which < 128 ? "expires" : "x-rota-issued");

	if (date != NULL && date->type == JT_STRING)
		date->text = rota_span_cstr(dates[which % 8]);
}

/* ---- of the server and the network ---- */

static struct tuf_lie *new_lie(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_lie *l = &s->lie[s->lie_count % TUF_LIES_MAX];

	s->lie_count += s->lie_count < TUF_LIES_MAX;
	*l = (struct tuf_lie){ .role = take(input) % TUF_ROLES };
	return l;
}

static void answer_instead(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_lie *l = new_lie(s, input);

	l->instead = any_file(s, input);
}

static void damage(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_lie *l = new_lie(s, input);
	uint8_t how = take(input);

	l->cut = how < 16 ? how : 0;
	l->flip_at = how < 16 ? 0 : (uint16_t)(how * 8 + take(input));
}

static void drop_file(struct tuf_scene *s, struct rota_span *input)
{
	struct tuf_file *f = open(s, input);

	if (f != NULL)
		f->gone = true;
}

static void set_device(struct tuf_scene *s, struct rota_span *input)
{
	static const uint64_t clocks[] = { TUF_NOW, 0, TUF_NOW + 86400, TUF_NOW - 7200,
		TUF_NOW + 400 * UINT64_C(86400), 1 };
	uint8_t what = take(input);

	s->now_s = clocks[what % 6];
	s->small = (what & 0x40) != 0;
	s->fails_at = take(input) % 16;
	s->damaged = take(input);
}

/* ---- what the repository's owner does ---- */

static void add_key(struct tuf_scene *s, struct jnode *keys, int key, struct rota_span id)
{
	struct jnode *node = jt_clone(s->repo.room, tuf_key_node(key));
	struct jnode **link = &keys->child;

	if (node == NULL)
		return;
	node->name = id;
	while (*link != NULL && (*link)->name.len == id.len &&
		memcmp((*link)->name.p, id.p, id.len) < 0)
		link = &(*link)->next;
	node->next = *link;
	*link = node;
}

static struct jnode *last_of(const struct jnode *array)
{
	struct jnode *last = array != NULL ? array->child : NULL;

	while (last != NULL && last->next != NULL)
		last = last->next;
	return last;
}

/* The next root, in which the last key of timestamp, snapshot or targets is another one, and that role's next
 * file, signed by it. */
static void rotate(struct tuf_scene *s, struct rota_span *input)
{
	static const uint8_t roles[] = { TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS };
	static const char *const ids[] = { "k12", "k13", "k14", "k15" };
	unsigned role = roles[take(input) % 3], spare = take(input) % 4u;
	struct rota_span id = rota_span_cstr(ids[spare]);
	struct tuf_file *root =
		tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, TUF_ROOT, false), true);
	struct tuf_file *f = tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, role, false), true);
	struct jnode *keys, *last;

	if (root == NULL || f == NULL)
		return;
	keys = jt_get(root->body, "keys");
	last = last_of(jt_get(jt_get(jt_get(root->body, "roles"), tuf_role_names[role]), "keyids"));
	if (keys == NULL || last == NULL || f->sig_count == 0)
		return; /* other edits were there before */
	if (jt_get_span(keys, id) == NULL)
		add_key(s, keys, 12 + (int)spare, id);
	last->text = id;
	f->sig[f->sig_count - 1] =
		(struct tuf_sig){ (uint8_t)(12 + spare), (uint8_t)(12 + spare), TUF_SIG_GOOD };
}

static void lie_in_hint(struct tuf_scene *s, struct rota_span *input)
{
	s->hint = take(input);
}

/* A member of `signed` before all that begin with a later letter. */
static void set_member(struct tuf_scene *s, struct tuf_file *f, const char *name, const char *value)
{
	struct jnode **link = &f->body->child, *node = jt_get(f->body, name);

	if (node == NULL) {
		node = jt_take(s->repo.room, sizeof(*node));
		while (*link != NULL && (*link)->name.p != NULL &&
			!rota_span_starts((*link)->name, ROTA_STR("x-rota-s")))
			link = &(*link)->next;
		if (node == NULL)
			return;
		node->name = rota_span_cstr(name);
		node->next = *link;
		*link = node;
	}
	node->type = JT_STRING;
	node->text = rota_span_cstr(value);
}

/* A root of a pre-signed series (SPEC 4.6): from when on it counts, and until when its online keys may sign. */
static void next_in_series(struct tuf_scene *s, struct rota_span *input)
{
	static const char *const from[] = { "2027-01-15T08:00:00Z", "2027-01-15T08:30:00Z",
		"2027-01-15T09:30:00Z", "2027-01-15T14:00:00Z", "2027-01-14T08:00:00Z" };
	static const char *const until[] = { "2027-01-15T14:00:00Z", "2027-01-15T07:30:00Z",
		"2027-01-15T08:15:00Z", "2027-01-16T08:00:00Z", "2027-01-15T09:00:00Z" };
	uint8_t slot = take(input);
	struct tuf_file *root =
		tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, TUF_ROOT, false), true);

	if (root == NULL)
		return;
	set_member(s, root, "x-rota-not-before", from[slot % 5]);
	set_member(s, root, "x-rota-slot-end", until[slot / 5 % 5]);
	if (slot >= 128)
		rotate(s, input);
}

static void renew(struct tuf_scene *s, struct rota_span *input)
{
	unsigned role = take(input) % TUF_ROLES;

	(void)tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, role, false), true);
	if (role != TUF_C)
		return;
	for (role = TUF_BIN0; role <= TUF_BIN1;
		role++) /* no bin is older than its role (SPEC 3.7) */
		(void)tuf_repo_open(&s->repo, tuf_repo_newest(&s->repo, role, false), true);
}

static void set_piece(struct tuf_scene *s, struct rota_span *input)
{
	static const size_t pieces[] = { 0, 13, 64, 200 };

	s->piece = pieces[take(input) % 4];
}

/* ---- all ---- */

static const struct {
	void (*edit)(struct tuf_scene *s, struct rota_span *input);
	bool honest; /* a session must still end well */
} edits[] = {
	{ renew, true },
	{ rotate, true },
	{ set_piece, true },
	{ set_number, false },
	{ set_text, false },
	{ rename_node, false },
	{ remove_node, false },
	{ retype, false },
	{ duplicate, false },
	{ swap, false },
	{ graft, false },
	{ set_signer, false },
	{ drop_signer, false },
	{ set_threshold, false },
	{ alias, false },
	{ set_date, false },
	{ answer_instead, false },
	{ damage, false },
	{ drop_file, false },
	{ set_device, false },
	{ lie_in_hint, true }, /* which costs a request, and nothing else */
	{ next_in_series, false },
};
#define EDITS (sizeof(edits) / sizeof(edits[0]))

bool tuf_edit(struct tuf_scene *s, struct rota_span *input)
{
	while (input->len > 0) {
		unsigned what = take(input) % 32; /* what is no edit is a session */

		if (what >= EDITS) {
			s->asked = take(input);
			return tuf_repo_seal(&s->repo);
		}
		s->hostile = s->hostile || !edits[what].honest;
		edits[what].edit(s, input);
	}
	return false;
}
