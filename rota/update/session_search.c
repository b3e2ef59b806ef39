/* SPDX-License-Identifier: Apache-2.0 */
/* Roles that sign targets: TUF 5.6. Each is verified against the delegator at hand, every time; nothing is
 * remembered of a role by its name but its floor.
 *
 * The search is a stack of pending delegations. While a role's file is read, those of its delegations that
 * cover the path are put above the stack; when the file has passed, they join it, the first on top, which
 * makes the order pre-order and depth-first. If the file does not pass they are forgotten. */
#include "rota/update/session_parts.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/trust/path.h"

/* ---- which role is next ---- */

static void set_role(struct rota_session *s, struct rota_span name)
{
	memcpy(s->role_name, name.p, name.len);
	s->role_name_len = (uint8_t)name.len;
	rota_floor_tag(s->config.crypto, name, s->role_tag);
}

static bool visited(const struct rota_session *s)
{
	for (size_t i = 0; i < s->visited_count; i++) {
		if (memcmp(s->visited[i], s->role_tag, ROTA_FLOOR_TAG_LEN) == 0)
			return true;
	}
	return false;
}

static void visit(struct rota_session *s)
{
	memcpy(s->visited[s->visited_count++], s->role_tag, ROTA_FLOOR_TAG_LEN);
}

void rota_search_begin(struct rota_session *s)
{
	s->pending_count = 0;
	s->visited_count = 0;
	set_role(s, ROTA_STR("targets"));
	s->at_top = true;
	visit(s);
}

enum rota_err rota_session_find(
	struct rota_session *s, struct rota_span role, struct rota_span path)
{
	if (s->state != ROTA_ST_READY && s->state != ROTA_ST_FOUND)
		return ROTA_ERR_STATE;
	if (path.len == 0)
		return ROTA_ERR_ARGUMENT;
	s->want_role = role;
	s->want_path = path;
	rota_search_begin(s);
	rota_session_enter(s, ROTA_ST_META);
	return ROTA_OK;
}

/* Nothing lists the target (TUF 5.7.2); with a role asked, not the one that had to. */
static void not_found(struct rota_session *s)
{
	rota_session_fail(s, ROTA_ERR_NOT_FOUND,
		s->want_role.len == 0 ? ROTA_CLAUSE_TUF_5_6_7 : ROTA_CLAUSE_SPEC_4_4);
}

static void next_role(struct rota_session *s)
{
	while (s->pending_count > 0) {
		struct rota_pending *p = &s->pending[s->pending_count - 1];

		set_role(s, rota_span(p->name, p->name_len));
		if (visited(s)) { /* TUF 5.6.7.1: cycles */
			s->pending_count--;
			continue;
		}
		if (s->visited_count == s->config.limits->visited)
			break;
		visit(s);
		s->at_top = false;
		rota_session_enter(s, ROTA_ST_META);
		return;
	}
	not_found(s);
}

/* ---- what snapshot lists of it ---- */

void rota_search_meta_describe(const struct rota_session *s, struct rota_want *out)
{
	out->role = ROTA_STR("snapshot");
	out->version = s->consistent ? s->trusted.snapshot_version : 0;
	out->sha256 = s->trusted.snapshot_sha256;
}

void rota_search_meta_done(struct rota_session *s)
{
	if (s->meta_found)
		rota_session_enter(s, ROTA_ST_ROLE);
	else if (rota_floor_stands(&s->trusted.floors, s->role_tag)) /* it was there before */
		rota_session_fail(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_5_5);
	else
		rota_session_fail(s, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_6_7);
}

/* ---- its file ---- */

void rota_search_role_describe(const struct rota_session *s, struct rota_want *out)
{
	out->role = rota_session_role(s);
	out->version = s->consistent ? s->meta.version : 0;
	if (s->meta.has_sha256)
		out->sha256 = s->meta.sha256;
	else
		out->current = s->meta.version;
}

uint64_t rota_search_listed_length(const struct rota_session *s)
{
	return s->meta.length;
}

/* The pending entry keeps the role's keys until its file has passed: a second reading needs them again. What the
 * first one found is forgotten: it came from a file that proved to be another. */
enum rota_err rota_search_role_authority(struct rota_session *s)
{
	const struct rota_authority *from;

	s->target_listed = false;
	s->found_count = 0;
	s->terminated = false;
	s->path_match = false;
	rota_keyring_clear(&s->file_keys);
	if (s->at_top)
		return rota_session_top_authority(s, ROTA_TOP_TARGETS);
	from = &s->pending[s->pending_count - 1].by;
	rota_keyring_clear(&s->by.keys);
	s->by.threshold = from->threshold;
	for (size_t i = 0; i < from->keys.count; i++)
		ROTA_TRY(rota_keyring_copy(&s->by.keys, &from->keys.key[i]));
	return ROTA_OK;
}

/* TUF 4.5, path_hash_prefixes: the hex SHA-256 of the path begins with the prefix. */
static bool prefix_match(const struct rota_session *s, struct rota_span prefix)
{
	uint8_t digest[ROTA_SHA256_LEN];
	uint8_t hex[2 * ROTA_SHA256_LEN];

	rota_sha256_of(s->config.crypto, s->want_path, digest);
	if (rota_hex_encode(ROTA_SPAN(digest), ROTA_BUF(hex)) != ROTA_OK)
		return false;
	return rota_span_starts(ROTA_SPAN(hex), prefix);
}

/* Whether the role being visited is a bin of the role asked for: only that role leads to one (own_bins). */
static bool in_bin(const struct rota_session *s)
{
	struct rota_span name = rota_span(s->role_name, s->role_name_len);

	return s->want_role.len != 0 && !s->at_top && !rota_span_eq(name, s->want_role);
}

struct rota_span rota_search_duty(const struct rota_session *s)
{
	return in_bin(s) ? s->want_role : rota_span(s->role_name, s->role_name_len);
}

/* With a role asked for, bins are followed from its own file only, and under its own name (SPEC 4.4). */
static bool own_bins(const struct rota_session *s, struct rota_span prefix)
{
	struct rota_span name = rota_span(s->role_name, s->role_name_len);

	if (s->want_role.len == 0)
		return true;
	return !s->at_top && rota_span_eq(name, s->want_role) && rota_span_eq(prefix, s->want_role);
}

/* Whether a delegation that covers the path is to be followed. With a role asked for, only top-level
 * targets may lead to it, and only to it (SPEC 4.4). */
static bool follows(const struct rota_session *s, const struct rota_tuf_event *e)
{
	if (s->want_path.len == 0 || !s->path_match || s->terminated)
		return false;
	if (s->want_role.len == 0 || e->kind == ROTA_TUF_BINS) /* follow_bin() has looked */
		return true;
	return s->at_top && rota_span_eq(e->id, s->want_role);
}

static enum rota_err add_pending(struct rota_session *s, const struct rota_tuf_event *e)
{
	size_t at = (size_t)s->pending_count + s->found_count;
	struct rota_pending *p;

	if (at == s->config.limits->pending || e->id.len > ROTA_ROLE_NAME_MAX)
		return ROTA_ERR_LIMIT;
	p = &s->pending[at];
	memcpy(p->name, e->id.p, e->id.len);
	p->name_len = (uint8_t)e->id.len;
	p->by.threshold = e->threshold;
	rota_keyring_clear(&p->by.keys);
	for (size_t i = 0; i < s->file_keys.count; i++) {
		if (s->file_keys.key[i].marks != 0)
			ROTA_TRY(rota_keyring_copy(&p->by.keys, &s->file_keys.key[i]));
	}
	s->terminated = e->terminating;
	s->found_count++;
	return ROTA_OK;
}

static enum rota_err end_delegation(struct rota_session *s, const struct rota_tuf_event *e)
{
	enum rota_err err;

	if (rota_session_top_role(e->id) >= 0) /* its file would pass for the other's */
		return ROTA_ERR_FORMAT;
	err = follows(s, e) ? add_pending(s, e) : ROTA_OK;
	for (size_t i = 0; i < s->file_keys.count; i++)
		s->file_keys.key[i].marks = 0;
	s->path_match = false;
	return err;
}

/* TAP 15: the first bits of the path's SHA-256 name the one bin that may list it, in hex behind the prefix.
 * Nothing else may, so it is terminating. */
static enum rota_err follow_bin(struct rota_session *s, const struct rota_tuf_event *e)
{
	static const char digits[] = "0123456789abcdef";
	struct rota_tuf_event role = *e;
	uint8_t digest[ROTA_SHA256_LEN], name[ROTA_ROLE_NAME_MAX];
	size_t len = e->id.len, count = (e->bits + 3u) / 4;
	uint32_t bin = 0;

	if (s->want_path.len == 0 || !own_bins(s, e->id))
		return end_delegation(s, e); /* which follows nothing: no path of it has matched */
	if (len + 1 + count > sizeof(name))
		return ROTA_ERR_LIMIT;
	rota_sha256_of(s->config.crypto, s->want_path, digest);
	for (size_t i = 0; i < 4; i++)
		bin = bin << 8 | digest[i];
	bin >>= 32 - e->bits;
	memcpy(name, e->id.p, len);
	name[len++] = '-';
	while (count-- > 0)
		name[len++] = (uint8_t)digits[bin >> 4 * count & 15];
	role.id = rota_span(name, len);
	role.terminating = true;
	s->path_match = true;
	return end_delegation(s, &role);
}

static void note_target(struct rota_session *s, const struct rota_tuf_event *e)
{
	if (s->want_path.len == 0 || !rota_span_eq(e->id, s->want_path) || !e->file.has_sha256)
		return;
	if (s->want_role.len != 0 && s->at_top)
		return; /* SPEC 4.4: not from the role that was asked */
	s->target_listed = true;
	s->target.length = e->file.length;
	memcpy(s->target.sha256, e->file.sha256, ROTA_SHA256_LEN);
}

enum rota_err rota_search_event(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_key *key;

	switch (e->kind) {
	case ROTA_TUF_KEY:
		return rota_keyring_add(&s->file_keys, s->config.crypto, e);
	case ROTA_TUF_ROLE_KEYID:
		key = rota_keyring_find(&s->file_keys, s->config.crypto, e->id);
		if (key != NULL)
			key->marks = 1;
		return ROTA_OK;
	case ROTA_TUF_ROLE_PATH:
		s->path_match = s->path_match || rota_path_match(e->text, s->want_path);
		return ROTA_OK;
	case ROTA_TUF_ROLE_PREFIX:
		s->path_match = s->path_match || prefix_match(s, e->text);
		return ROTA_OK;
	case ROTA_TUF_ROLE:
		return end_delegation(s, e);
	case ROTA_TUF_BINS:
		return follow_bin(s, e);
	case ROTA_TUF_TARGET:
		note_target(s, e);
		return ROTA_OK;
	case ROTA_TUF_SIGNATURE:
	case ROTA_TUF_SIGNED:
	case ROTA_TUF_META:
	default:
		return ROTA_OK;
	}
}

/* ---- it has passed ---- */

/* The role's distinct public keys in tags, for its floor. */
static enum rota_err floor_keys(const struct rota_session *s, struct rota_floor_keys *out)
{
	const struct rota_keyring *ring = &s->by.keys;

	memset(out, 0, sizeof(*out));
	out->threshold = s->by.threshold;
	for (size_t i = 0; i < ring->count; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again = again || rota_key_same(&ring->key[k], &ring->key[i]);
		if (again)
			continue;
		if (out->count == ROTA_FLOOR_KEYS_MAX)
			return ROTA_ERR_LIMIT;
		rota_floor_tag(s->config.crypto, rota_span(ring->key[i].raw, ring->key[i].raw_len),
			out->keys[out->count++]);
	}
	return ROTA_OK;
}

static void after_role(struct rota_session *s);

/* Raise the role's floor; *raised: the trusted state changed. A bin has none of its own, there may be
 * thousands: it is never older than the file of its role, which was visited last. */
static enum rota_err raise_floor(struct rota_session *s, bool *raised)
{
	struct rota_floors before = s->trusted.floors;
	struct rota_floor_keys keys;

	s->floor_fell = false;
	if (in_bin(s))
		return s->tuf.head.version < s->target.role_version ? ROTA_ERR_VERSION : ROTA_OK;
	ROTA_TRY(floor_keys(s, &keys));
	s->floor_fell = rota_floor_stands(&s->trusted.floors, s->role_tag) &&
		rota_floor_of(&s->trusted.floors, s->role_tag, &keys) == 0;
	ROTA_TRY(rota_floor_raise(&s->trusted.floors, s->role_tag, &keys, s->tuf.head.version));
	*raised = memcmp(&before, &s->trusted.floors, sizeof(before)) != 0;
	return ROTA_OK;
}

/* A copy at hand may be older than what the network has under the same version; a file of a known digest may
 * not. */
static void refuse_role(struct rota_session *s, enum rota_err err, enum rota_clause clause)
{
	if (s->copy)
		rota_session_refuse(s, err, clause);
	else
		rota_session_fail(s, err, clause);
}

void rota_search_role_done(struct rota_session *s)
{
	bool raised = !s->config.device;
	enum rota_err err = ROTA_OK;

	if (s->tuf.head.version != s->meta.version) {
		refuse_role(s, ROTA_ERR_VERSION, ROTA_CLAUSE_TUF_5_6_4);
		return;
	}
	if (s->tuf.head.expires_s <= s->now_s) {
		refuse_role(s, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_6_5);
		return;
	}
	if (s->config.device) /* SPEC 4.3; to the letter there are no floors */
		err = raise_floor(s, &raised);
	if (err != ROTA_OK) {
		rota_session_fail(s, err,
			err == ROTA_ERR_VERSION ? ROTA_CLAUSE_SPEC_4_3 : ROTA_CLAUSE_SPEC_4_8);
		return;
	}
	s->target.role_version = s->tuf.head.version;
	if (raised || s->fresh)
		rota_session_enter(s, ROTA_ST_ROLE_KEEP);
	else
		after_role(s);
}

void rota_search_role_kept(struct rota_session *s)
{
	after_role(s);
}

/* The delegations found join the stack in the place of the role that made them, the first on top. A
 * terminating one ends the search below it: what was pending before is dropped (TUF 5.6.7.2.1). */
static void push_found(struct rota_session *s)
{
	uint16_t first = s->pending_count;
	uint16_t to = s->terminated || s->at_top ? 0 : (uint16_t)(first - 1);

	for (uint16_t i = 0, k = s->found_count; i + 1 < k; i++) {
		struct rota_pending swap = s->pending[first + i];

		k--;
		s->pending[first + i] = s->pending[first + k];
		s->pending[first + k] = swap;
	}
	for (uint16_t i = 0; i < s->found_count && to != first; i++) {
		struct rota_pending swap = s->pending[to + i];

		s->pending[to + i] = s->pending[first + i];
		s->pending[first + i] = swap;
	}
	s->pending_count = (uint16_t)(to + s->found_count);
	s->found_count = 0;
}

static void after_role(struct rota_session *s)
{
	if (s->want_path.len == 0) {
		rota_session_enter(s, ROTA_ST_READY);
	} else if (s->target_listed) {
		rota_session_enter(s, ROTA_ST_FOUND);
	} else {
		push_found(s);
		next_role(s);
	}
}
