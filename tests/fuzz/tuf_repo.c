/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_repo.h"
#include "tests/fuzz/tuf_keys.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_ROOM ((size_t)16384) /* bytes of one file; what is longer is cut, and so malformed */
#define TEMPLATE_ROOM ((size_t)8192)

const char *const tuf_role_names[TUF_ROLES] = { "root", "timestamp", "snapshot", "targets",
	"rollouts", "a", "c", "c-0", "c-1" };

/* ---- looking ---- */

struct tuf_file **tuf_repo_newest(struct tuf_repo *r, unsigned role, bool older)
{
	struct tuf_file **newest = NULL, **before = NULL;

	for (int i = 0; i < r->count; i++) {
		if (r->file[i]->role != role)
			continue;
		before = newest;
		newest = &r->file[i];
	}
	if (newest == NULL)
		abort(); /* each role has a file from the beginning, and none is taken away */
	return older && before != NULL ? before : newest;
}

const struct tuf_file *tuf_repo_serve(
	const struct tuf_repo *r, struct rota_span role, uint64_t version)
{
	for (int i = r->count - 1; i >= 0; i--) {
		const struct tuf_file *f = r->file[i];

		if (rota_span_eq(role, rota_span_cstr(tuf_role_names[f->role])) &&
			(version == 0 || f->version == version))
			return f->gone ? NULL : f;
	}
	return NULL;
}

/* ---- changing ---- */

static void set_number(const struct jnode *body, const char *name, int64_t number)
{
	struct jnode *n = jt_get(body, name);

	if (n != NULL && n->type == JT_INT)
		n->number = number;
}

struct tuf_file *tuf_repo_open(struct tuf_repo *r, struct tuf_file **at, bool next)
{
	struct tuf_file *copy;

	if (!(*at)->sealed && !next)
		return *at;
	copy = jt_take(r->room, sizeof(*copy));
	if (copy == NULL || (next && r->count == TUF_FILES_MAX))
		return NULL;
	*copy = **at;
	copy->sealed = false;
	copy->gone = false;
	copy->body = jt_clone(r->room, (*at)->body);
	if (copy->body == NULL)
		return NULL;
	if (next) {
		copy->version++;
		set_number(copy->body, "version", (int64_t)copy->version);
		r->file[r->count++] = copy;
	} else {
		*at = copy;
	}
	return copy;
}

/* ---- writing ---- */

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static size_t put_signatures(const struct tuf_file *f, struct rota_span body, char *out)
{
	size_t len = (size_t)sprintf(out, "{\"signatures\":[");

	for (int i = 0; i < f->sig_count; i++) {
		const struct tuf_sig *s = &f->sig[i];
		uint8_t raw[TUF_SIG_ROOM];
		size_t raw_len = s->how == TUF_SIG_OF_OTHER_BYTES
			? tuf_key_sign(s->key, ROTA_STR("other bytes"), raw)
			: tuf_key_sign(s->key, body, raw);

		raw[raw_len - 1] ^= s->how == TUF_SIG_GARBLED;
		len += (size_t)sprintf(
			out + len, "%s{\"keyid\":\"k%02d\",\"sig\":\"", i == 0 ? "" : ",", s->id);
		put_hex(out + len, raw, raw_len);
		len += 2 * raw_len;
		len += (size_t)sprintf(out + len, "\"}");
	}
	return len + (size_t)sprintf(out + len, "],\"signed\":");
}

static bool seal(struct tuf_repo *r, struct tuf_file *f)
{
	static uint8_t text[FILE_ROOM + 4096];
	size_t len = jt_write(f->body, true, text, FILE_ROOM);

	f->body_at = put_signatures(f, rota_span(text, len), (char *)text + FILE_ROOM);
	memmove(text, text + FILE_ROOM, f->body_at);
	len = f->body_at + jt_write(f->body, false, text + f->body_at, FILE_ROOM - f->body_at - 1);
	text[len++] = '}';
	text[len] = '\n'; /* what a raw file has more */
	f->bytes = jt_take(r->room, len);
	if (f->bytes == NULL)
		return false;
	memcpy(f->bytes, text, len);
	f->len = len;
	f->listed_len = len + f->raw;
	SHA256(text, f->listed_len, f->sha256);
	f->sealed = true;
	return true;
}

/* What `lister` says of `f`, where it says anything of it. */
static bool list(struct tuf_repo *r, struct tuf_file *lister, const struct tuf_file *f)
{
	char name[32];
	struct jnode *entry, *sha256;

	snprintf(name, sizeof(name), "%s.json", tuf_role_names[f->role]);
	entry = jt_get(jt_get(lister->body, "meta"), name);
	if (entry == NULL || entry->type != JT_OBJECT)
		return true;
	set_number(entry, "version", (int64_t)f->version);
	set_number(entry, "length", (int64_t)f->listed_len);
	sha256 = jt_get(jt_get(entry, "hashes"), "sha256");
	if (sha256 == NULL || sha256->type != JT_STRING)
		return true;
	sha256->text.p = jt_take(r->room, 65);
	sha256->text.len = 64;
	if (sha256->text.p == NULL)
		return false;
	put_hex((char *)(uintptr_t)sha256->text.p, f->sha256, 32);
	return true;
}

/* The newest file of `role`, open: as edits left it, or a new version. */
static struct tuf_file *opened(struct tuf_repo *r, unsigned role)
{
	struct tuf_file **at = tuf_repo_newest(r, role, false);

	return (*at)->sealed ? tuf_repo_open(r, at, true) : *at;
}

static bool seal_listed(struct tuf_repo *r, struct tuf_file *f)
{
	struct tuf_file *lister;

	if (!seal(r, f))
		return false;
	if (f->role <= TUF_TIMESTAMP || f->unlisted)
		return true;
	lister = opened(r, f->role == TUF_SNAPSHOT ? TUF_TIMESTAMP : TUF_SNAPSHOT);
	return lister != NULL && list(r, lister, f);
}

bool tuf_repo_seal(struct tuf_repo *r)
{
	static const uint8_t order[TUF_ROLES] = { TUF_ROOT, TUF_TARGETS, TUF_ROLLOUTS, TUF_A, TUF_C,
		TUF_BIN0, TUF_BIN1, TUF_SNAPSHOT, TUF_TIMESTAMP };

	for (int k = 0; k < TUF_ROLES; k++) {
		for (int i = 0; i < r->count; i++) {
			if (r->file[i]->role == order[k] && !r->file[i]->sealed &&
				!seal_listed(r, r->file[i]))
				return false;
		}
	}
	return true;
}

/* ---- the first repository ---- */

#define HEAD(type, expires) "{\"_type\":\"" type "\"" expires
#define DAY ",\"expires\":\"2027-01-16T08:00:00Z\""
#define YEAR ",\"expires\":\"2028-01-15T08:00:00Z\""
#define TAIL ",\"version\":1,\"x-rota-issued\":\"2027-01-15T08:00:00Z\""
#define SPEC ",\"spec_version\":\"1.0.34\""
#define LISTED "{\"hashes\":{\"sha256\":\"00\"},\"length\":1,\"version\":1}"
#define TARGET(path, digit)                                                                        \
	"\"" path "\":{\"hashes\":{\"sha256\":\"" digit digit digit digit digit digit digit digit  \
	"\"},\"length\":8}"
#define EIGHT(d) d d d d d d d d

static const char *const templates[TUF_ROLES] = {
	[TUF_ROOT] = "{\"_type\":\"root\",\"consistent_snapshot\":true" YEAR
		     ",\"keys\":{$00,$01,$02,$03,$04,$05,$06},\"roles\":{"
		     "\"root\":{\"keyids\":[\"k00\",\"k01\",\"k02\"],\"threshold\":2},"
		     "\"snapshot\":{\"keyids\":[\"k04\"],\"threshold\":1},"
		     "\"targets\":{\"keyids\":[\"k05\",\"k06\"],\"threshold\":2},"
		     "\"timestamp\":{\"keyids\":[\"k03\"],\"threshold\":1}}" SPEC TAIL
		     ",\"x-rota-not-before\":\"2027-01-15T08:00:00Z\"}",
	[TUF_TIMESTAMP] =
		HEAD("timestamp", DAY) ",\"meta\":{\"snapshot.json\":" LISTED "}" SPEC TAIL "}",
	[TUF_SNAPSHOT] = HEAD("snapshot", DAY) ",\"meta\":{\"a.json\":" LISTED
					       ",\"c-0.json\":" LISTED ",\"c-1.json\":" LISTED
					       ",\"c.json\":" LISTED ",\"rollouts.json\":" LISTED
					       ",\"targets.json\":" LISTED "}" SPEC TAIL "}",
	[TUF_TARGETS] =
		"{\"_type\":\"targets\",\"delegations\":{\"keys\":{$07,$08,$09,$10},\"roles\":["
		"{\"keyids\":[\"k07\"],\"name\":\"rollouts\",\"paths\":[\"rollouts/*\"],"
		"\"terminating\":true,\"threshold\":1},"
		"{\"keyids\":[\"k08\",\"k09\"],\"name\":\"a\",\"paths\":[\"a/?\",\"a/*/*\"],"
		"\"terminating\":false,\"threshold\":1},"
		"{\"keyids\":[\"k10\"],\"name\":\"c\",\"paths\":[\"c/*\"],"
		"\"terminating\":true,\"threshold\":1}]}" YEAR SPEC
		",\"targets\":{" TARGET("top.txt", EIGHT("1")) "}" TAIL "}",
	[TUF_ROLLOUTS] = HEAD("targets", DAY) SPEC
	",\"targets\":{" TARGET("rollouts/lamp.json", EIGHT("2")) "}" TAIL "}",
	[TUF_A] = "{\"_type\":\"targets\",\"delegations\":{\"keys\":{$08,$10},\"roles\":["
		  "{\"keyids\":[\"k08\"],\"name\":\"a\",\"path_hash_prefixes\":[\"0\",\"e\",\"9\"],"
		  "\"terminating\":false,\"threshold\":1},"
		  "{\"keyids\":[\"k10\"],\"name\":\"c\",\"paths\":[\"a/*/*\",\"b/*\"],"
		  "\"terminating\":true,\"threshold\":1}]}" YEAR SPEC
		  ",\"targets\":{" TARGET("a/x", EIGHT("3")) "}" TAIL "}",
	[TUF_C] = "{\"_type\":\"targets\",\"delegations\":{\"keys\":{$11},\"succinct_roles\":{"
		  "\"bit_length\":1,\"keyids\":[\"k11\"],\"name_prefix\":\"c\",\"threshold\":1}"
		  "}" YEAR SPEC ",\"targets\":{}" TAIL "}",
	[TUF_BIN0] = HEAD("targets", YEAR) SPEC
	",\"targets\":{" TARGET("a/b/y", EIGHT("4")) "," TARGET("c/y", EIGHT("6")) "}" TAIL "}",
	[TUF_BIN1] = HEAD("targets", YEAR) SPEC
	",\"targets\":{" TARGET("a/b/y", EIGHT("5")) "," TARGET("c/y", EIGHT("7")) "}" TAIL "}",
};

static const struct tuf_sig signers[TUF_ROLES][2] = {
	[TUF_ROOT] = { { 0, 0, 0 }, { 1, 1, 0 } },
	[TUF_TIMESTAMP] = { { 3, 3, 0 } },
	[TUF_SNAPSHOT] = { { 4, 4, 0 } },
	[TUF_TARGETS] = { { 5, 5, 0 }, { 6, 6, 0 } },
	[TUF_ROLLOUTS] = { { 7, 7, 0 } },
	[TUF_A] = { { 8, 8, 0 }, { 9, 9, 0 } },
	[TUF_C] = { { 10, 10, 0 } },
	[TUF_BIN0] = { { 11, 11, 0 } },
	[TUF_BIN1] = { { 11, 11, 0 } },
};

/* `$07` becomes the member of a `keys` object for key 7. */
static struct jnode *from_template(struct jroom *room, const char *template)
{
	char text[TEMPLATE_ROOM];
	size_t len = 0;

	for (const char *c = template; *c != '\0'; c++) {
		int key;

		if (*c != '$') {
			text[len++] = *c;
			continue;
		}
		key = (c[1] - '0') * 10 + (c[2] - '0');
		len += (size_t)sprintf(text + len, "\"k%02d\":%s", key, tuf_key_object(key));
		c += 2;
	}
	text[len] = '\0';
	return jt_parse(room, text);
}

static struct jroom *first_room(void)
{
	static uint8_t bytes[1 << 20];
	static struct jroom room = { bytes, sizeof(bytes), 0 };

	return &room;
}

const struct jnode *tuf_key_node(int key)
{
	static struct jnode *nodes[TUF_KEYS];

	if (nodes[key] == NULL)
		nodes[key] = jt_parse(first_room(), tuf_key_object(key));
	return nodes[key];
}

const struct tuf_repo *tuf_repo_first(void)
{
	static struct tuf_repo first;
	struct jroom *room = first_room();

	if (first.count != 0)
		return &first;
	first.room = room;
	for (int role = 0; role < TUF_ROLES; role++) {
		struct tuf_file *f = jt_take(room, sizeof(*f));

		f->role = (uint8_t)role;
		f->version = 1;
		f->body = from_template(room, templates[role]);
		while (f->sig_count < 2 && (f->sig_count == 0 || signers[role][1].key != 0))
			f->sig[f->sig_count] = signers[role][f->sig_count], f->sig_count++;
		first.file[first.count++] = f;
	}
	if (!tuf_repo_seal(&first))
		abort();
	for (unsigned role = TUF_TARGETS; role < TUF_ROLES; role++)
		(void)tuf_repo_open(&first, tuf_repo_newest(&first, role, false), true);
	if (!tuf_repo_seal(&first))
		abort();
	return &first;
}
