/* SPDX-License-Identifier: Apache-2.0 */
/* Method: the scanner's tokens are sorted by where they stand. `signatures` and the members of `signed`
 * are told apart once, when they begin, and become a section; each section has a function that looks at
 * the names below its own depth (base). An entry (a key, a role, a file, a target) is gathered in
 * d->entry and goes out when its object ends. */
#include "rota/codec/tuf.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/tuf_want.h"

enum section {
	SEC_NONE, /* unknown members: skipped */
	SEC_SIGNATURES,
	SEC_KEYS,
	SEC_ROLES, /* root: an object by name */
	SEC_DELEGATIONS, /* above the two that follow */
	SEC_DELEGATED_ROLES,
	SEC_BINS, /* succinct_roles: one entry */
	SEC_META,
	SEC_TARGETS,
};

/* Bits of d->seen: members of `signed`. */
enum {
	SEEN_SIGNATURES = 1 << 0,
	SEEN_TYPE = 1 << 1,
	SEEN_SPEC = 1 << 2,
	SEEN_VERSION = 1 << 3,
	SEEN_EXPIRES = 1 << 4,
	SEEN_KEYS = 1 << 5,
	SEEN_ROLES = 1 << 6,
	SEEN_META = 1 << 7,
	SEEN_TARGETS = 1 << 8,
	SEEN_SIGNED = 1 << 9,
	SEEN_DELEGATED_ROLES = 1 << 10,
};
#define SEEN_ALWAYS                                                                                \
	(SEEN_SIGNATURES | SEEN_SIGNED | SEEN_TYPE | SEEN_SPEC | SEEN_VERSION | SEEN_EXPIRES)

/* Bits of d->has: members of the entry being gathered. */
enum {
	HAS_ID = 1 << 0,
	HAS_TEXT = 1 << 1,
	HAS_KEYTYPE = 1 << 2,
	HAS_SCHEME = 1 << 3,
	HAS_THRESHOLD = 1 << 4,
	HAS_VERSION = 1 << 5,
	HAS_LENGTH = 1 << 6,
	HAS_HASHES = 1 << 7,
	HAS_KEYIDS = 1 << 8,
	HAS_TERMINATING = 1 << 9,
	HAS_BITS = 1 << 10,
};

static const uint32_t seen_of_type[] = {
	[ROTA_TUF_ROOT] = SEEN_ALWAYS | SEEN_KEYS | SEEN_ROLES,
	[ROTA_TUF_TIMESTAMP] = SEEN_ALWAYS | SEEN_META,
	[ROTA_TUF_SNAPSHOT] = SEEN_ALWAYS | SEEN_META,
	[ROTA_TUF_TARGETS] = SEEN_ALWAYS | SEEN_TARGETS,
};

/* ---- small checks ---- */

static bool named(const struct rota_tuf *d, int depth, const char *name)
{
	return rota_span_eq(rota_json_name(&d->json, (uint8_t)depth), rota_span_cstr(name));
}

static enum rota_err keep(struct rota_tuf *d, struct rota_span text)
{
	if (text.len > d->hold.len)
		return ROTA_ERR_LIMIT;
	memcpy(d->hold.p, text.p, text.len);
	d->hold_len = text.len;
	return ROTA_OK;
}

static struct rota_span kept(const struct rota_tuf *d)
{
	return rota_span(d->hold.p, d->hold_len);
}

static void begin_entry(struct rota_tuf *d, enum rota_tuf_event_kind kind)
{
	memset(&d->entry, 0, sizeof(d->entry));
	d->entry.kind = kind;
	d->has = 0;
	d->hold_len = 0;
}

static enum rota_err end_entry(struct rota_tuf *d, uint32_t required)
{
	if ((d->has & required) != required)
		return ROTA_ERR_FORMAT;
	return d->sink.event(d->sink.ctx, &d->entry);
}

static enum rota_err send(struct rota_tuf *d, enum rota_tuf_event_kind kind, struct rota_span id,
	struct rota_span text)
{
	struct rota_tuf_event e = { .kind = kind, .id = id, .text = text };

	return d->sink.event(d->sink.ctx, &e);
}

/* ---- sections; r is the depth below the section's own value ---- */

/* signatures: [{"keyid", "sig"}] */
static enum rota_err on_signatures(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	if (r == 0)
		return want(t, ROTA_JSON_ARRAY_BEGIN);
	if (r == 1) {
		ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
		if (begins(t)) {
			begin_entry(d, ROTA_TUF_SIGNATURE);
			return ROTA_OK;
		}
		return (d->has & HAS_TEXT) != 0 ? ROTA_OK : ROTA_ERR_FORMAT;
	}
	if (r == 2 && named(d, d->base + 1, "keyid")) {
		ROTA_TRY(want_keyid(t));
		d->has |= HAS_ID;
		return keep(d, t->text);
	}
	if (r == 2 && named(d, d->base + 1, "sig")) {
		if (t->kind != ROTA_JSON_STRING || (d->has & HAS_ID) == 0)
			return ROTA_ERR_FORMAT;
		d->has |= HAS_TEXT;
		/* A signature that is too long for us is one of an algorithm that we do not have. */
		return t->cut ? ROTA_OK : send(d, ROTA_TUF_SIGNATURE, kept(d), t->text);
	}
	return ROTA_OK;
}

/* keys: {KEYID: {"keytype", "keyval": {"public"}, "scheme"}} */
static enum rota_err on_key_member(struct rota_tuf *d, const struct rota_json_token *t)
{
	uint8_t at = (uint8_t)(d->base + 1);

	if (named(d, at, "keytype")) {
		ROTA_TRY(want_string(t));
		d->has |= HAS_KEYTYPE;
		d->keytype_len = 0;
		if (t->text.len <= ROTA_TUF_KEYTYPE_MAX) /* a longer one is an unknown one */
			d->keytype_len = (uint8_t)t->text.len;
		memcpy(d->keytype, t->text.p, d->keytype_len);
		return ROTA_OK;
	}
	if (named(d, at, "keyval"))
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	if (!named(d, at, "scheme"))
		return ROTA_OK;
	ROTA_TRY(want_string(t));
	d->has |= HAS_SCHEME;
	if ((d->has & (HAS_KEYTYPE | HAS_TEXT)) != (HAS_KEYTYPE | HAS_TEXT))
		return ROTA_ERR_FORMAT;
	d->entry.id = rota_json_name(&d->json, d->base);
	d->entry.keytype = rota_span(d->keytype, d->keytype_len);
	d->entry.scheme = t->text;
	d->entry.text = kept(d);
	return d->sink.event(d->sink.ctx, &d->entry);
}

static enum rota_err on_keys(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	if (r == 0)
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	if (r == 1) {
		size_t id_len = rota_json_name(&d->json, d->base).len;

		ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
		if (id_len == 0 || id_len > ROTA_TUF_KEYID_MAX)
			return ROTA_ERR_FORMAT;
		if (begins(t)) {
			begin_entry(d, ROTA_TUF_KEY);
			return ROTA_OK;
		}
		return (d->has & HAS_SCHEME) != 0 ? ROTA_OK : ROTA_ERR_FORMAT;
	}
	if (r == 2)
		return on_key_member(d, t);
	if (r == 3 && named(d, d->base + 1, "keyval") && named(d, d->base + 2, "public")) {
		d->has |= HAS_TEXT;
		/* A text that is too long for us is a key of a scheme that we do not have. */
		return t->cut                         ? ROTA_OK
			: t->kind == ROTA_JSON_STRING ? keep(d, t->text)
						      : ROTA_ERR_FORMAT;
	}
	return ROTA_OK;
}

static enum rota_err on_threshold(struct rota_tuf *d, const struct rota_json_token *t)
{
	uint64_t threshold;

	ROTA_TRY(want_count(t, 1, &threshold));
	if (threshold > UINT32_MAX)
		return ROTA_ERR_FORMAT;
	d->entry.threshold = (uint32_t)threshold;
	d->has |= HAS_THRESHOLD;
	return ROTA_OK;
}

/* A member of a role, in root and in delegations alike; r counts from the role's object. */
static enum rota_err on_role_member(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	uint8_t at = (uint8_t)(d->base + 1);
	bool keyids = named(d, at, "keyids");
	bool paths = d->section == SEC_DELEGATED_ROLES && named(d, at, "paths");
	bool prefixes = d->section == SEC_DELEGATED_ROLES && named(d, at, "path_hash_prefixes");

	if (r == 1 && keyids)
		d->has |= HAS_KEYIDS;
	if (r == 1 && (paths || prefixes))
		d->has |= HAS_TEXT;
	if (r == 1 && (keyids || paths || prefixes))
		return want(t, ROTA_JSON_ARRAY_BEGIN);
	if (r == 1 && named(d, at, "threshold"))
		return on_threshold(d, t);
	if (r != 2)
		return ROTA_OK;
	if (keyids) {
		ROTA_TRY(want_keyid(t));
		return send(d, ROTA_TUF_ROLE_KEYID, t->text, rota_span(NULL, 0));
	}
	if (!paths && !prefixes)
		return ROTA_OK;
	ROTA_TRY(want_string(t));
	return send(
		d, paths ? ROTA_TUF_ROLE_PATH : ROTA_TUF_ROLE_PREFIX, rota_span(NULL, 0), t->text);
}

/* roles of root: {NAME: {"keyids", "threshold"}} */
static enum rota_err on_roles(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	if (r == 0)
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	if (r > 1)
		return on_role_member(d, t, (uint8_t)(r - 1));
	ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
	if (begins(t)) {
		begin_entry(d, ROTA_TUF_ROLE);
		return ROTA_OK;
	}
	d->entry.id = rota_json_name(&d->json, d->base);
	return end_entry(d, HAS_KEYIDS | HAS_THRESHOLD);
}

/* roles of delegations: [{"keyids", "name", "paths" or "path_hash_prefixes", "terminating", "threshold"}] */
static enum rota_err on_delegated_roles(
	struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	uint8_t at = (uint8_t)(d->base + 1);

	if (r == 0)
		return want(t, ROTA_JSON_ARRAY_BEGIN);
	if (r == 1) {
		ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
		if (begins(t)) {
			begin_entry(d, ROTA_TUF_ROLE);
			return ROTA_OK;
		}
		d->entry.id = kept(d);
		return end_entry(
			d, HAS_ID | HAS_TEXT | HAS_KEYIDS | HAS_THRESHOLD | HAS_TERMINATING);
	}
	if (r == 2 && named(d, at, "name")) {
		ROTA_TRY(want_string(t));
		d->has |= HAS_ID;
		return t->text.len == 0 ? ROTA_ERR_FORMAT : keep(d, t->text);
	}
	if (r == 2 && named(d, at, "terminating")) {
		d->entry.terminating = t->boolean;
		d->has |= HAS_TERMINATING;
		return t->kind == ROTA_JSON_BOOL ? ROTA_OK : ROTA_ERR_FORMAT;
	}
	return on_role_member(d, t, (uint8_t)(r - 1));
}

/* succinct_roles of delegations: {"bit_length", "keyids", "name_prefix", "threshold"} (TAP 15) */
static enum rota_err on_bins(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	uint8_t at = (uint8_t)(d->base + 1);
	uint64_t bits;

	if (r == 1) { /* its end: the beginning is on_delegations()'s */
		d->section = SEC_DELEGATIONS;
		d->entry.id = kept(d);
		return end_entry(d, HAS_ID | HAS_BITS | HAS_KEYIDS | HAS_THRESHOLD);
	}
	if (r == 2 && named(d, at, "bit_length")) {
		ROTA_TRY(want_count(t, 1, &bits));
		d->entry.bits = (uint8_t)bits;
		d->has |= HAS_BITS;
		return bits > 32 ? ROTA_ERR_FORMAT : ROTA_OK;
	}
	if (r == 2 && named(d, at, "name_prefix")) {
		ROTA_TRY(want_string(t));
		d->has |= HAS_ID;
		return t->text.len == 0 ? ROTA_ERR_FORMAT : keep(d, t->text);
	}
	return on_role_member(d, t, (uint8_t)(r - 1));
}

/* What timestamp and snapshot say of a file, and targets of a target. */
static enum rota_err on_file_member(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	uint8_t at = (uint8_t)(d->base + 1);

	if (r == 1 && named(d, at, "version") && d->section == SEC_META) {
		d->has |= HAS_VERSION;
		return want_count(t, 1, &d->entry.file.version);
	}
	if (r == 1 && named(d, at, "length")) {
		d->has |= HAS_LENGTH;
		/* No metadata file is empty, and 0 would pass for a length that is not listed. */
		return want_count(t, d->section == SEC_META ? 1 : 0, &d->entry.file.length);
	}
	if (r == 1 && named(d, at, "hashes")) {
		d->has |= HAS_HASHES;
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	}
	if (r == 2 && named(d, at, "hashes") && named(d, at + 1, "sha256")) {
		ROTA_TRY(want_string(t));
		d->entry.file.has_sha256 = true;
		return rota_hex_decode(t->text, ROTA_BUF(d->entry.file.sha256));
	}
	return ROTA_OK;
}

/* meta: {FILE: {"hashes", "length", "version"}}; targets: {PATH: {"hashes", "length"}} */
static enum rota_err on_files(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	bool meta = d->section == SEC_META;

	if (r == 0)
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	if (r > 1)
		return on_file_member(d, t, (uint8_t)(r - 1));
	ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
	if (begins(t)) {
		begin_entry(d, meta ? ROTA_TUF_META : ROTA_TUF_TARGET);
		return ROTA_OK;
	}
	d->entry.id = rota_json_name(&d->json, d->base);
	return end_entry(d, meta ? HAS_VERSION : HAS_LENGTH | HAS_HASHES);
}

/* Bins stand in the place of roles, never beside them. */
static enum rota_err begin_bins(struct rota_tuf *d, const struct rota_json_token *t)
{
	if (t->kind != ROTA_JSON_OBJECT_BEGIN || (d->seen & SEEN_DELEGATED_ROLES) != 0)
		return ROTA_ERR_FORMAT;
	begin_entry(d, ROTA_TUF_BINS);
	d->section = SEC_BINS;
	return ROTA_OK;
}

/* delegations: {"keys", "roles" or "succinct_roles"}: opens the sections one level further down. */
static enum rota_err on_delegations(struct rota_tuf *d, const struct rota_json_token *t, uint8_t r)
{
	if (r == 0)
		return want(t, ROTA_JSON_OBJECT_BEGIN);
	if (r != 1)
		return ROTA_OK;
	if (named(d, 2, "succinct_roles"))
		return begin_bins(d, t);
	if (!begins(t))
		return named(d, 2, "keys") || named(d, 2, "roles") ? ROTA_ERR_FORMAT : ROTA_OK;
	d->base = 3;
	if (named(d, 2, "keys")) {
		d->section = SEC_KEYS;
		return on_keys(d, t, 0);
	}
	if (named(d, 2, "roles")) {
		d->section = SEC_DELEGATED_ROLES;
		d->seen |= SEEN_DELEGATED_ROLES;
		return on_delegated_roles(d, t, 0);
	}
	d->base = 2;
	return ROTA_OK;
}

/* ---- members of `signed` ---- */

static enum rota_err on_type(struct rota_tuf *d, const struct rota_json_token *t)
{
	static const char *const names[] = {
		[ROTA_TUF_ROOT] = "root",
		[ROTA_TUF_TIMESTAMP] = "timestamp",
		[ROTA_TUF_SNAPSHOT] = "snapshot",
		[ROTA_TUF_TARGETS] = "targets",
	};

	ROTA_TRY(want_string(t));
	d->seen |= SEEN_TYPE;
	return rota_span_eq(t->text, rota_span_cstr(names[d->type])) ? ROTA_OK : ROTA_ERR_ROLE;
}

/* TUF 4.3: clients that know 1.0.34 read every 1.x. */
static enum rota_err on_spec_version(struct rota_tuf *d, const struct rota_json_token *t)
{
	ROTA_TRY(want_string(t));
	d->seen |= SEEN_SPEC;
	return rota_span_starts(t->text, ROTA_STR("1.")) ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err on_scalar(struct rota_tuf *d, const struct rota_json_token *t)
{
	if (named(d, 1, "_type"))
		return on_type(d, t);
	if (named(d, 1, "spec_version"))
		return on_spec_version(d, t);
	if (named(d, 1, "version")) {
		d->seen |= SEEN_VERSION;
		return want_count(t, 1, &d->head.version);
	}
	if (named(d, 1, "expires")) {
		d->seen |= SEEN_EXPIRES;
		return want_time(t, &d->head.expires_s);
	}
	if (named(d, 1, "x-rota-issued"))
		return want_time(t, &d->head.issued_s);
	if (named(d, 1, "x-rota-not-before"))
		return want_time(t, &d->head.not_before_s);
	if (named(d, 1, "x-rota-slot-end"))
		return want_time(t, &d->head.slot_end_s);
	if (named(d, 1, "consistent_snapshot") && d->type == ROTA_TUF_ROOT) {
		d->head.consistent_snapshot = t->boolean;
		return t->kind == ROTA_JSON_BOOL ? ROTA_OK : ROTA_ERR_FORMAT;
	}
	return ROTA_OK;
}

static const struct {
	const char *name;
	uint8_t section;
	uint8_t types; /* bit per enum rota_tuf_type */
	uint32_t seen;
} members[] = {
	{ "keys", SEC_KEYS, 1u << ROTA_TUF_ROOT, SEEN_KEYS },
	{ "roles", SEC_ROLES, 1u << ROTA_TUF_ROOT, SEEN_ROLES },
	{ "meta", SEC_META, 1u << ROTA_TUF_TIMESTAMP | 1u << ROTA_TUF_SNAPSHOT, SEEN_META },
	{ "delegations", SEC_DELEGATIONS, 1u << ROTA_TUF_TARGETS, 0 },
	{ "targets", SEC_TARGETS, 1u << ROTA_TUF_TARGETS, SEEN_TARGETS },
};

/* The section that the current member of `signed` is, if any. */
static void find_section(struct rota_tuf *d)
{
	d->section = SEC_NONE;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (((unsigned)members[i].types >> d->type & 1u) == 0 ||
			!named(d, 1, members[i].name))
			continue;
		d->section = members[i].section;
		d->seen |= members[i].seen;
	}
}

static enum rota_err in_section(struct rota_tuf *d, const struct rota_json_token *t)
{
	uint8_t r;

	/* The end of keys or roles in delegations leads back to delegations. */
	if (d->base == 3 && t->depth == 3 && ends(t)) {
		d->base = 2;
		d->section = SEC_DELEGATIONS;
		return ROTA_OK;
	}
	r = (uint8_t)(t->depth - d->base);
	switch (d->section) {
	case SEC_SIGNATURES:
		return on_signatures(d, t, r);
	case SEC_KEYS:
		return on_keys(d, t, r);
	case SEC_ROLES:
		return on_roles(d, t, r);
	case SEC_DELEGATIONS:
		return on_delegations(d, t, r);
	case SEC_DELEGATED_ROLES:
		return on_delegated_roles(d, t, r);
	case SEC_BINS:
		return on_bins(d, t, r);
	case SEC_META:
	case SEC_TARGETS:
		return on_files(d, t, r);
	default:
		return ROTA_OK;
	}
}

/* The bracket of `signed` itself: between the two stand the bytes that are signed. */
static enum rota_err on_signed(
	struct rota_tuf *d, struct rota_json *j, const struct rota_json_token *t)
{
	ROTA_TRY(want(t, ROTA_JSON_OBJECT_BEGIN));
	/* Before in_signed changes: what is flushed here is the envelope at the opening bracket, and the rest
	 * of `signed` with its bracket at the closing one. */
	rota_json_flush(j);
	d->section = SEC_NONE;
	d->in_signed = begins(t);
	if (ends(t))
		return ROTA_OK;
	if ((d->seen & SEEN_SIGNATURES) == 0)
		return ROTA_ERR_FORMAT;
	d->seen |= SEEN_SIGNED;
	return send(d, ROTA_TUF_SIGNED, rota_span(NULL, 0), rota_span(NULL, 0));
}

static enum rota_err on_token(void *ctx, struct rota_json *j, const struct rota_json_token *t)
{
	struct rota_tuf *d = ctx;

	if (t->depth == 0)
		return ROTA_OK;
	if (t->depth == 1 && named(d, 0, "signed"))
		return on_signed(d, j, t);
	if (t->depth == 1) {
		d->section = named(d, 0, "signatures") ? SEC_SIGNATURES : SEC_NONE;
		d->base = 1;
		if (d->section == SEC_SIGNATURES)
			d->seen |= SEEN_SIGNATURES;
		return in_section(d, t);
	}
	if (t->depth == 2 && d->in_signed) {
		if (!ends(t))
			find_section(d);
		d->base = 2;
		return d->section == SEC_NONE ? on_scalar(d, t) : in_section(d, t);
	}
	return in_section(d, t);
}

static void on_canonical(void *ctx, struct rota_span bytes)
{
	struct rota_tuf *d = ctx;

	if (d->in_signed)
		d->sink.signed_bytes(d->sink.ctx, bytes);
}

void rota_tuf_init(struct rota_tuf *d, enum rota_tuf_type type, struct rota_tuf_sink sink,
	struct rota_buf names, struct rota_buf value, struct rota_buf hold)
{
	memset(d, 0, sizeof(*d));
	d->type = type;
	d->sink = sink;
	d->hold = hold;
	rota_json_init(&d->json,
		(struct rota_json_sink){ .ctx = d, .token = on_token, .canonical = on_canonical },
		names, value);
}

enum rota_err rota_tuf_feed(struct rota_tuf *d, struct rota_span piece)
{
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_tuf_end(struct rota_tuf *d)
{
	uint32_t required = seen_of_type[d->type];

	ROTA_TRY(rota_json_end(&d->json));
	return (d->seen & required) == required ? ROTA_OK : ROTA_ERR_FORMAT;
}
