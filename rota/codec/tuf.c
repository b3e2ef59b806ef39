/* SPDX-License-Identifier: Apache-2.0 */
/* Method: the grammar is a table. A row is a member of some container: its name, what is done with its value, and
 * the bit that remembers it; the rows of one container stand together. On the way down the row that opened each
 * container is kept, so a token is looked up among the rows of the container that it stands in, and what no row
 * names is skipped with all that is in it. An entry (a key, a role, a file, a target) is gathered in d->entry and
 * goes out when its object ends. */
#include "rota/codec/tuf.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/time.h"

/* ---- the grammar ---- */

/* The names of members, end to end: a row says where its own begins. The first stands for any. */
#define NAMES(X)                                                                                   \
	X(each, "")                                                                                \
	X(bit_length, "bit_length")                                                                \
	X(consistent_snapshot, "consistent_snapshot")                                              \
	X(delegations, "delegations")                                                              \
	X(expires, "expires")                                                                      \
	X(hashes, "hashes")                                                                        \
	X(issued, "x-rota-issued")                                                                 \
	X(keyid, "keyid")                                                                          \
	X(keyids, "keyids")                                                                        \
	X(keys, "keys")                                                                            \
	X(keytype, "keytype")                                                                      \
	X(keyval, "keyval")                                                                        \
	X(meta, "meta")                                                                            \
	X(name, "name")                                                                            \
	X(name_prefix, "name_prefix")                                                              \
	X(not_before, "x-rota-not-before")                                                         \
	X(path_hash_prefixes, "path_hash_prefixes")                                                \
	X(paths, "paths")                                                                          \
	X(public, "public")                                                                        \
	X(scheme, "scheme")                                                                        \
	X(sha256, "sha256")                                                                        \
	X(sig, "sig")                                                                              \
	X(signatures, "signatures")                                                                \
	X(signed_part, "signed")                                                                   \
	X(slot_end, "x-rota-slot-end")                                                             \
	X(spec_version, "spec_version")                                                            \
	X(succinct_roles, "succinct_roles")                                                        \
	X(targets, "targets")                                                                      \
	X(terminating, "terminating")                                                              \
	X(threshold, "threshold")                                                                  \
	X(type, "_type")

#define NAME_ROOM(id, text) char id[sizeof(text)];
#define NAME_TEXT(id, text) .id = text,
struct names {
	NAMES(NAME_ROOM)
};
static const struct names names = { NAMES(NAME_TEXT) };

/* Where a name stands in `names`; three are the tails of others. */
enum {
#define NAME_AT(id, text) NAME_##id = offsetof(struct names, id),
	NAMES(NAME_AT)
#define TAIL_AT(id, text, of) NAME_##id = NAME_##of + sizeof(names.of) - sizeof(text)
		TAIL_AT(length, "length", bit_length),
	TAIL_AT(roles, "roles", succinct_roles),
	TAIL_AT(version, "version", spec_version),
};

/* What is done with a value; each wants one kind of token. */
enum act {
	ACT_OBJECT, /* arg: its rows */
	ACT_ENTRY, /* an object that is gathered; arg: its rows */
	ACT_SIGNED, /* between its brackets stand the bytes that are signed; arg: its rows */
	ACT_ARRAY, /* arg: its rows */
	ACT_BOOL, /* arg: offset of a bool in struct rota_tuf */
	ACT_COUNT, /* 1 or more; arg: offset of a rota_num */
	ACT_LENGTH, /* 0 or more; likewise */
	ACT_BITS, /* 1 to 32; likewise */
	ACT_TIME, /* arg: offset of a rota_num */
	ACT_TYPE,
	ACT_SPEC,
	ACT_SHA256,
	ACT_EACH_TEXT, /* goes out as it comes; arg: its event */
	ACT_EACH_KEYID, /* likewise */
	ACT_KEYID, /* kept; arg: offset of a span */
	ACT_NAME, /* likewise */
	ACT_KEEP, /* likewise; what is too long is empty, and so unknown */
	ACT_SIG,
};

static const uint8_t kind_of_act[] = {
	[ACT_OBJECT] = ROTA_JSON_OBJECT_BEGIN,
	[ACT_ENTRY] = ROTA_JSON_OBJECT_BEGIN,
	[ACT_SIGNED] = ROTA_JSON_OBJECT_BEGIN,
	[ACT_ARRAY] = ROTA_JSON_ARRAY_BEGIN,
	[ACT_BOOL] = ROTA_JSON_TRUE,
	[ACT_COUNT] = ROTA_JSON_INTEGER,
	[ACT_LENGTH] = ROTA_JSON_INTEGER,
	[ACT_BITS] = ROTA_JSON_INTEGER,
	[ACT_TIME] = ROTA_JSON_STRING,
	[ACT_TYPE] = ROTA_JSON_STRING,
	[ACT_SPEC] = ROTA_JSON_STRING,
	[ACT_SHA256] = ROTA_JSON_STRING,
	[ACT_EACH_TEXT] = ROTA_JSON_STRING,
	[ACT_EACH_KEYID] = ROTA_JSON_STRING,
	[ACT_KEYID] = ROTA_JSON_STRING,
	[ACT_NAME] = ROTA_JSON_STRING,
	[ACT_KEEP] = ROTA_JSON_STRING,
	[ACT_SIG] = ROTA_JSON_STRING,
};

/* Places of bits in d->seen: the members of the entry being gathered, and those of the file. */
enum bit {
	BIT_ID,
	BIT_TEXT,
	BIT_KEYTYPE,
	BIT_SCHEME,
	BIT_THRESHOLD,
	BIT_VERSION,
	BIT_LENGTH,
	BIT_HASHES,
	BIT_KEYIDS,
	BIT_TERMINATING,
	BIT_BITS,
	BIT_OF_FILE,
	BIT_SIGNATURES = BIT_OF_FILE,
	BIT_SIGNED,
	BIT_TYPE,
	BIT_SPEC,
	BIT_FILE_VERSION,
	BIT_EXPIRES,
	BIT_KEYS,
	BIT_ROLES,
	BIT_META,
	BIT_TARGETS,
	BIT_DELEGATED_ROLES,
	BIT_NONE, /* of a member that may be missing */
};
#define SEEN(bit) (1u << BIT_##bit)
#define SEEN_ALWAYS                                                                                \
	(SEEN(SIGNATURES) | SEEN(SIGNED) | SEEN(TYPE) | SEEN(SPEC) | SEEN(FILE_VERSION) |          \
		SEEN(EXPIRES))

static const uint16_t seen_of_type[] = {
	[ROTA_TUF_ROOT] = (SEEN_ALWAYS | SEEN(KEYS) | SEEN(ROLES)) >> BIT_OF_FILE,
	[ROTA_TUF_TIMESTAMP] = (SEEN_ALWAYS | SEEN(META)) >> BIT_OF_FILE,
	[ROTA_TUF_SNAPSHOT] = (SEEN_ALWAYS | SEEN(META)) >> BIT_OF_FILE,
	[ROTA_TUF_TARGETS] = (SEEN_ALWAYS | SEEN(TARGETS)) >> BIT_OF_FILE,
	[ROTA_TUF_NONE] = 0,
};

/* Where the rows of each container begin: behind as many as the one before has. */
enum {
	IN_NOTHING = 1,
	IN_FILE = IN_NOTHING + 1,
	IN_SIGNATURES = IN_FILE + 2,
	IN_SIGNATURE = IN_SIGNATURES + 1,
	IN_SIGNED = IN_SIGNATURE + 2,
	IN_KEYS = IN_SIGNED + 13,
	IN_KEY = IN_KEYS + 1,
	IN_KEYVAL = IN_KEY + 3,
	IN_ROLES = IN_KEYVAL + 1,
	IN_ROLE = IN_ROLES + 1,
	IN_KEYIDS = IN_ROLE + 6,
	IN_DELEGATIONS = IN_KEYIDS + 1,
	IN_DELEGATED_ROLES = IN_DELEGATIONS + 3,
	IN_PATHS = IN_DELEGATED_ROLES + 1,
	IN_PREFIXES = IN_PATHS + 1,
	IN_BINS = IN_PREFIXES + 1,
	IN_META = IN_BINS + 4,
	IN_TARGETS = IN_META + 1,
	IN_LISTED = IN_TARGETS + 1,
	IN_HASHES = IN_LISTED + 4,
};

/* What an entry has. Its event goes out at its end; a row that opens an entry has the event in place of a bit, one that
 * is cleared with the others as the entry begins. */
static const uint16_t required[] = {
	[ROTA_TUF_SIGNATURE] = SEEN(ID) | SEEN(TEXT),
	[ROTA_TUF_KEY] = SEEN(KEYTYPE) | SEEN(TEXT) | SEEN(SCHEME),
	[ROTA_TUF_ROLE] = SEEN(KEYIDS) | SEEN(THRESHOLD),
	[ROTA_TUF_DELEGATION] =
		SEEN(ID) | SEEN(TEXT) | SEEN(KEYIDS) | SEEN(THRESHOLD) | SEEN(TERMINATING),
	[ROTA_TUF_BINS] = SEEN(ID) | SEEN(BITS) | SEEN(KEYIDS) | SEEN(THRESHOLD),
	[ROTA_TUF_META] = SEEN(VERSION),
	[ROTA_TUF_TARGET] = SEEN(LENGTH) | SEEN(HASHES),
};

/* One word each: there are fifty. */
struct row {
	uint32_t name : 9; /* offset in `names` */
	uint32_t
		types : 4; /* bit per enum rota_tuf_type: files of other types may have anything there */
	uint32_t last : 1; /* of its container */
	uint32_t act : 5;
	uint32_t bit : 5;
	uint32_t arg : 8;
};
_Static_assert(sizeof(struct names) <= 512 && BIT_NONE < 32, "fits a row");

#define OF_ROOT (1u << ROTA_TUF_ROOT)
#define OF_META (1u << ROTA_TUF_TIMESTAMP | 1u << ROTA_TUF_SNAPSHOT)
#define OF_TARGETS (1u << ROTA_TUF_TARGETS)
#define OF_ALL (OF_ROOT | OF_META | OF_TARGETS)
#define MEMBER(n, of, a, g, b)                                                                     \
	.name = NAME_##n, .types = (of), .act = ACT_##a, .arg = (g), .bit = (b)
#define ROW(n, a, g, b)                                                                            \
	{                                                                                          \
		MEMBER(n, OF_ALL, a, g, b)                                                         \
	}
#define ROW_OF(n, of, a, g, b)                                                                     \
	{                                                                                          \
		MEMBER(n, of, a, g, b)                                                             \
	}
#define LAST_OF(n, of, a, g, b)                                                                    \
	{                                                                                          \
		MEMBER(n, of, a, g, b), .last = 1                                                  \
	}
#define LAST(n, a, g, b) LAST_OF(n, OF_ALL, a, g, b)
#define AT(member) offsetof(struct rota_tuf, member)

static const struct row rows[] = {
	ROW(each, OBJECT, IN_NOTHING, BIT_NONE),
	[IN_NOTHING] = LAST(each, OBJECT, IN_FILE, BIT_NONE),
	[IN_FILE] = ROW(signatures, ARRAY, IN_SIGNATURES, BIT_SIGNATURES),
	LAST(signed_part, SIGNED, IN_SIGNED, BIT_SIGNED),
	[IN_SIGNATURES] = LAST(each, ENTRY, IN_SIGNATURE, ROTA_TUF_SIGNATURE),
	[IN_SIGNATURE] = ROW(keyid, KEYID, AT(entry.id), BIT_ID),
	LAST(sig, SIG, ROTA_TUF_SIGNATURE, BIT_TEXT),
	[IN_SIGNED] = ROW(type, TYPE, 0, BIT_TYPE),
	ROW_OF(consistent_snapshot, OF_ROOT, BOOL, AT(head.consistent_snapshot), BIT_NONE),
	ROW_OF(delegations, OF_TARGETS, OBJECT, IN_DELEGATIONS, BIT_NONE),
	ROW(expires, TIME, AT(head.expires_s), BIT_EXPIRES),
	ROW_OF(keys, OF_ROOT, OBJECT, IN_KEYS, BIT_KEYS),
	ROW_OF(meta, OF_META, OBJECT, IN_META, BIT_META),
	ROW_OF(roles, OF_ROOT, OBJECT, IN_ROLES, BIT_ROLES),
	ROW(spec_version, SPEC, 0, BIT_SPEC),
	ROW_OF(targets, OF_TARGETS, OBJECT, IN_TARGETS, BIT_TARGETS),
	ROW(version, COUNT, AT(head.version), BIT_FILE_VERSION),
	ROW(issued, TIME, AT(head.issued_s), BIT_NONE),
	ROW(not_before, TIME, AT(head.not_before_s), BIT_NONE),
	LAST(slot_end, TIME, AT(head.slot_end_s), BIT_NONE),
	[IN_KEYS] = LAST(each, ENTRY, IN_KEY, ROTA_TUF_KEY),
	[IN_KEY] = ROW(keytype, KEEP, AT(entry.keytype), BIT_KEYTYPE),
	ROW(keyval, OBJECT, IN_KEYVAL, BIT_NONE),
	LAST(scheme, KEEP, AT(entry.scheme), BIT_SCHEME),
	[IN_KEYVAL] = LAST(public, KEEP, AT(entry.text), BIT_TEXT),
	[IN_ROLES] = LAST(each, ENTRY, IN_ROLE, ROTA_TUF_ROLE),
	[IN_ROLE] = ROW(keyids, ARRAY, IN_KEYIDS, BIT_KEYIDS), /* the root's, and delegated ones */
	ROW_OF(name, OF_TARGETS, NAME, AT(entry.id), BIT_ID),
	ROW_OF(path_hash_prefixes, OF_TARGETS, ARRAY, IN_PREFIXES, BIT_TEXT),
	ROW_OF(paths, OF_TARGETS, ARRAY, IN_PATHS, BIT_TEXT),
	ROW_OF(terminating, OF_TARGETS, BOOL, AT(entry.terminating), BIT_TERMINATING),
	LAST(threshold, COUNT, AT(entry.threshold), BIT_THRESHOLD),
	[IN_KEYIDS] = LAST(each, EACH_KEYID, ROTA_TUF_ROLE_KEYID, BIT_NONE),
	[IN_DELEGATIONS] = ROW(keys, OBJECT, IN_KEYS, BIT_NONE),
	ROW(roles, ARRAY, IN_DELEGATED_ROLES, BIT_DELEGATED_ROLES),
	LAST(succinct_roles, ENTRY, IN_BINS, ROTA_TUF_BINS),
	[IN_DELEGATED_ROLES] = LAST(each, ENTRY, IN_ROLE, ROTA_TUF_DELEGATION),
	[IN_PATHS] = LAST(each, EACH_TEXT, ROTA_TUF_ROLE_PATH, BIT_NONE),
	[IN_PREFIXES] = LAST(each, EACH_TEXT, ROTA_TUF_ROLE_PREFIX, BIT_NONE),
	[IN_BINS] = ROW(bit_length, BITS, AT(entry.bits), BIT_BITS), /* succinct_roles, TAP 15 */
	ROW(keyids, ARRAY, IN_KEYIDS, BIT_KEYIDS),
	ROW(name_prefix, NAME, AT(entry.id), BIT_ID),
	LAST(threshold, COUNT, AT(entry.threshold), BIT_THRESHOLD),
	[IN_META] = LAST(each, ENTRY, IN_LISTED, ROTA_TUF_META),
	[IN_TARGETS] = LAST(each, ENTRY, IN_LISTED, ROTA_TUF_TARGET),
	[IN_LISTED] = ROW(hashes, OBJECT, IN_HASHES, BIT_HASHES),
	/* No metadata file is empty, and 0 would pass for a length that is not listed. */
	ROW_OF(length, OF_META, COUNT, AT(entry.file.length), BIT_LENGTH),
	ROW_OF(length, OF_TARGETS, LENGTH, AT(entry.file.length), BIT_LENGTH),
	LAST_OF(version, OF_META, COUNT, AT(entry.file.version), BIT_VERSION),
	[IN_HASHES] = LAST(sha256, SHA256, 0, BIT_NONE),
};
_Static_assert(AT(entry.file.length) <= UINT8_MAX, "offsets fit a row");

#define SKIPPED UINT8_MAX /* in d->path: no row */

/* The row of a value with this name in the container of row `in`, or SKIPPED. */
ROTA_APART static uint8_t find(const struct rota_tuf *d, uint8_t in, struct rota_span name)
{
	uint8_t at = in;

	if (in == SKIPPED)
		return SKIPPED;
	for (at = (uint8_t)rows[in].arg;; at++) {
		const struct row *row = &rows[at];

		if (((unsigned)row->types >> d->type & 1u) != 0 &&
			(row->name == 0 || rota_span_is(name, &((const char *)&names)[row->name])))
			return at;
		if (row->last)
			return SKIPPED;
	}
}

/* ---- entries ---- */

static bool seen(const struct rota_tuf *d, uint32_t bits)
{
	return (d->seen & bits) == bits;
}

static enum rota_err send(struct rota_tuf *d, unsigned kind)
{
	d->entry.kind = (enum rota_tuf_event_kind)kind;
	return d->sink->event(d, &d->entry);
}

static bool keyid_ok(size_t len)
{
	return len > 0 && len <= ROTA_TUF_KEYID_MAX;
}

/* name: the entry's id, unless a member of it says another. */
static enum rota_err begin_entry(struct rota_tuf *d, struct rota_span name, unsigned entry)
{
	if (entry == ROTA_TUF_KEY && !keyid_ok(name.len))
		return ROTA_ERR_FORMAT;
	if (entry == ROTA_TUF_BINS && seen(d, SEEN(DELEGATED_ROLES)))
		return ROTA_ERR_FORMAT; /* bins stand in the place of roles, never beside them */
	d->seen = d->seen >> BIT_OF_FILE << BIT_OF_FILE;
	d->held = 0;
	d->entry.id = name;
	d->entry.file.length = 0;
	d->entry.file.has_sha256 = false;
	return ROTA_OK;
}

static enum rota_err end_entry(struct rota_tuf *d, unsigned entry)
{
	if (!seen(d, required[entry]))
		return ROTA_ERR_FORMAT;
	if (entry == ROTA_TUF_META && seen(d, SEEN(HASHES)) && !d->entry.file.has_sha256)
		return ROTA_ERR_UNSUPPORTED; /* TUF 5.5.2: what is listed is never passed over */
	return entry == ROTA_TUF_SIGNATURE ? ROTA_OK : send(d, entry);
}

/* An object or array begins, or ends. What is flushed here is the envelope at the opening bracket of `signed`, and
 * at the closing one the rest of `signed` with its bracket. */
static enum rota_err on_bracket(
	struct rota_tuf *d, const struct row *row, struct rota_span name, bool ends)
{
	if (row->act == ACT_ENTRY)
		return ends ? end_entry(d, row->bit) : begin_entry(d, name, row->bit);
	if (row->act != ACT_SIGNED)
		return ROTA_OK;
	rota_json_flush(&d->json, ends);
	d->in_signed = !ends;
	if (ends)
		return ROTA_OK;
	return seen(d, SEEN(SIGNATURES)) ? send(d, ROTA_TUF_SIGNED) : ROTA_ERR_FORMAT;
}

/* ---- values ---- */

static enum rota_err on_integer(const struct row *row, uint64_t integer, rota_num *to)
{
	unsigned act = row->act;
	rota_num n = (rota_num)integer;

	if (n != integer)
		return ROTA_ERR_LIMIT;
	if ((n == 0 && act != ACT_LENGTH) || (act == ACT_BITS && n > 32))
		return ROTA_ERR_FORMAT;
	*to = n;
	return ROTA_OK;
}

const char rota_tuf_types[][ROTA_TUF_TYPE_ROOM] = {
	[ROTA_TUF_ROOT] = "root",
	[ROTA_TUF_TIMESTAMP] = "timestamp",
	[ROTA_TUF_SNAPSHOT] = "snapshot",
	[ROTA_TUF_TARGETS] = "targets",
};

/* Until the entry ends. */
static enum rota_err keep(
	struct rota_tuf *d, const struct rota_json_token *t, unsigned act, struct rota_span *as)
{
	size_t len = t->text.len;
	uint8_t *to = &d->hold.p[d->held];

	if (t->cut || len > d->hold.len - d->held) {
		if (act != ACT_KEEP)
			return ROTA_ERR_LIMIT;
		len = 0;
	}
	d->held += len;
	*as = rota_span(to, len);
	memcpy(to, t->text.p, len);
	return ROTA_OK;
}

static enum rota_err on_string(
	struct rota_tuf *d, const struct row *row, const struct rota_json_token *t, void *to)
{
	struct rota_tuf_event *e = &d->entry;
	struct rota_span text = t->text;
	unsigned act = row->act;

	if (t->cut && act < ACT_KEEP)
		return ROTA_ERR_LIMIT;
	if ((act == ACT_KEYID || act == ACT_EACH_KEYID) && !keyid_ok(text.len))
		return ROTA_ERR_FORMAT;
	switch (act) {
	case ACT_TIME:
		return rota_time_parse(text, to);
	case ACT_TYPE:
		return rota_span_is(text, rota_tuf_types[d->type]) ? ROTA_OK : ROTA_ERR_ROLE;
	case ACT_SPEC: /* TUF 4.3: clients that know 1.0.34 read every 1.x */
		return rota_span_starts(text, ROTA_STR("1.")) ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
	case ACT_SHA256:
		e->file.has_sha256 = true;
		return rota_hex_decode(text, ROTA_BUF(e->file.sha256));
	case ACT_NAME:
		if (text.len == 0)
			return ROTA_ERR_FORMAT;
		return keep(d, t, act, to);
	case ACT_KEYID:
	case ACT_KEEP:
		return keep(d, t, act, to);
	case ACT_SIG: /* one that is too long for us is of an algorithm that we do not have */
		if (t->cut)
			return ROTA_OK;
		break;
	default: /* ACT_EACH_KEYID, ACT_EACH_TEXT */
		break;
	}
	e->text = text;
	return send(d, row->arg);
}

/* ---- tokens ---- */

ROTA_APART static enum rota_err on_value(struct rota_tuf *d)
{
	const struct rota_json_token *t = &d->json.token;
	uint8_t *path = &d->path[t->depth];
	unsigned kind = t->kind;
	bool ends = kind == ROTA_JSON_OBJECT_END || kind == ROTA_JSON_ARRAY_END;
	struct rota_span name = rota_json_name(&d->json, t->depth - 1u);
	const struct row *row;
	void *to;

	if (!ends)
		path[1] = find(d, path[0], name);
	if (path[1] == SKIPPED)
		return ROTA_OK;
	row = &rows[path[1]];
	if (ends)
		return on_bracket(d, row, name, true);
	if ((kind == ROTA_JSON_FALSE ? ROTA_JSON_TRUE : kind) != kind_of_act[row->act])
		return ROTA_ERR_FORMAT;
	d->seen |= 1u << row->bit;
	to = &((uint8_t *)d)[row->arg]; /* where that is an offset */
	if (kind == ROTA_JSON_STRING)
		return on_string(d, row, t, to);
	if (kind == ROTA_JSON_INTEGER)
		return on_integer(row, t->integer, to);
	if (kind < ROTA_JSON_STRING)
		return on_bracket(d, row, name, false);
	*(bool *)to = kind == ROTA_JSON_TRUE;
	return ROTA_OK;
}

static enum rota_err on_token(struct rota_json *j)
{
	return on_value(ROTA_JSON_OWNER(j, struct rota_tuf, json));
}

static void on_canonical(struct rota_json *j, struct rota_span bytes)
{
	struct rota_tuf *d = ROTA_JSON_OWNER(j, struct rota_tuf, json);

	if (d->in_signed)
		d->sink->signed_bytes(d, bytes);
}

void rota_tuf_init(struct rota_tuf *d, enum rota_tuf_type type, const struct rota_tuf_sink *sink,
	const struct rota_tuf_room *room)
{
	static const struct rota_json_sink json_sink = { on_token, on_canonical };

	memset(d, 0, offsetof(struct rota_tuf, json));
	d->type = type;
	d->sink = sink;
	d->hold = room->hold;
	rota_json_init(&d->json, &json_sink, &room->json);
}

enum rota_err rota_tuf_feed(struct rota_tuf *d, struct rota_span piece)
{
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_tuf_end(struct rota_tuf *d)
{
	ROTA_TRY(rota_json_end(&d->json));
	return seen(d, (uint32_t)seen_of_type[d->type] << BIT_OF_FILE) ? ROTA_OK : ROTA_ERR_FORMAT;
}
