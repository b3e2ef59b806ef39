/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repo_maker.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- memory ---- */

/* Everything made here lives as long as the program, and stays within its reach: what a leak checker then finds
 * was lost by what is tested. */
struct room {
	struct room *before;
	max_align_t bytes[];
};

void *maker_room(size_t len)
{
	static struct room *rooms;
	struct room *room = must(calloc(1, sizeof(*room) + len));

	room->before = rooms;
	rooms = room;
	return room->bytes;
}

/* ---- text ---- */

void maker_printf(struct maker_text *t, const char *format, ...)
{
	va_list args;
	int need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need < 0)
		abort();
	if (t->len + (size_t)need + 1 > t->room) {
		t->room = (t->len + (size_t)need + 1) * 2;
		t->p = t->len == 0 ? maker_room(t->room)
				   : memcpy(maker_room(t->room), t->p, t->len);
	}
	va_start(args, format);
	vsnprintf(t->p + t->len, t->room - t->len, format, args);
	va_end(args);
	t->len += (size_t)need;
}

struct maker_bytes maker_text_bytes(const struct maker_text *t)
{
	return (struct maker_bytes){ .p = (uint8_t *)t->p, .len = t->len };
}

void maker_sha256(struct maker_bytes bytes, uint8_t out[32])
{
	SHA256(bytes.p, bytes.len, out);
}

void maker_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void maker_time(uint64_t unix_s, char out[21])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- keys ---- */

static struct {
	EVP_PKEY *pkey;
	char *object; /* the key object, control characters escaped */
	char id[2][65]; /* its id, and another one */
} keys[KEY_COUNT];

/* The pair that stands behind a key. */
static int pair_of(int key)
{
	if ((key & KEY_FALSE) != 0)
		return key % 2 == 0 ? KEY_ROGUE1 : KEY_ROGUE2;
	return key & ~KEY_ALIAS;
}

struct maker_bytes maker_spki(int key)
{
	struct maker_bytes out;
	uint8_t *at;
	int len;

	key = pair_of(key);
	if (keys[key].pkey == NULL)
		keys[key].pkey = must(EVP_EC_gen("P-256"));
	len = i2d_PUBKEY(keys[key].pkey, NULL);
	if (len <= 0)
		abort();
	out = (struct maker_bytes){ maker_room((size_t)len), (size_t)len };
	at = out.p;
	i2d_PUBKEY(keys[key].pkey, &at);
	return out;
}

static void put_public(struct maker_text *t, int key)
{
	struct maker_bytes der = maker_spki(key);
	char base64[256];
	int len = EVP_EncodeBlock((unsigned char *)base64, der.p, (int)der.len);

	maker_printf(t, "-----BEGIN PUBLIC KEY-----\\n");
	for (int i = 0; i < len; i += 64)
		maker_printf(t, "%.*s\\n", len - i < 64 ? len - i : 64, base64 + i);
	maker_printf(t, "-----END PUBLIC KEY-----\\n");
}

/* Canonical bytes: the only escape written here is that of the newline. */
static struct maker_bytes canonical(const char *text)
{
	uint8_t *out = maker_room(strlen(text) + 1);
	size_t len = 0;

	for (; *text != '\0'; text++) {
		bool newline = text[0] == '\\' && text[1] == 'n';

		out[len++] = newline ? '\n' : (uint8_t)*text;
		text += newline;
	}
	return (struct maker_bytes){ out, len };
}

static void make_key(int key)
{
	struct maker_text t = { NULL, 0, 0 };
	struct maker_bytes raw;
	uint8_t digest[32];

	maker_printf(&t, "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"");
	put_public(&t, key);
	maker_printf(&t, "\"},\"scheme\":\"ecdsa-sha2-nistp256\"}");
	raw = canonical(t.p);
	maker_sha256(raw, digest);
	maker_hex(digest, 32, keys[key].id[0]);
	digest[0] ^= 0xff;
	maker_hex(digest, 32, keys[key].id[1]);
	keys[key].object = t.p;
}

static const char *key_id(int key)
{
	int k = key & ~(KEY_ALIAS | KEY_FALSE);

	if (keys[k].object == NULL)
		make_key(k);
	return keys[k].id[(key & KEY_ALIAS) != 0];
}

struct maker_bytes maker_sign(int key, struct maker_bytes bytes)
{
	EVP_MD_CTX *ctx = must(EVP_MD_CTX_new());
	struct maker_bytes out = { maker_room(80), 80 };

	(void)key_id(pair_of(key));
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, keys[pair_of(key)].pkey) != 1 ||
		EVP_DigestSign(ctx, out.p, &out.len, bytes.p, bytes.len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return out;
}

/* ---- pieces of metadata ---- */

static void put_time(struct maker_text *t, const char *name, uint64_t unix_s)
{
	char text[21];

	maker_time(unix_s, text);
	maker_printf(t, ",\"%s\":\"%s\"", name, text);
}

static int by_id(const void *a, const void *b)
{
	const int *ka = a, *kb = b;

	return strcmp(key_id(*ka), key_id(*kb));
}

/* The keys of all roles that `lists` says, by ascending id. */
static void put_keys(struct maker_text *t, const struct maker *m, int parent)
{
	int all[MAKER_ROLES_MAX * MAKER_KEYS_MAX], count = 0;
	const char *last = "";

	for (int i = 0; i < m->role_count; i++) {
		for (int k = 0; m->role[i].parent == parent && k < m->role[i].key_count; k++)
			all[count++] = m->role[i].keys[k];
	}
	qsort(all, (size_t)count, sizeof(all[0]), by_id);
	maker_printf(t, "\"keys\":{");
	for (int i = 0; i < count; i++) {
		const char *id = key_id(all[i]);

		if (strcmp(id, last) == 0)
			continue;
		(void)key_id(pair_of(all[i]));
		maker_printf(t, "%s\"%s\":%s", *last == '\0' ? "" : ",", id,
			keys[pair_of(all[i])].object);
		last = id;
	}
	maker_printf(t, "}");
}

static void put_keyids(struct maker_text *t, const struct maker_role *r)
{
	maker_printf(t, "\"keyids\":[");
	for (int i = 0; i < r->key_count; i++)
		maker_printf(t, "%s\"%s\"", i == 0 ? "" : ",", key_id(r->keys[i]));
	maker_printf(t, "]");
}

static void put_words(struct maker_text *t, const char *words)
{
	char copy[512], *save = NULL;
	bool prefixes = words[0] == '#', first = true;

	snprintf(copy, sizeof(copy), "%s", words);
	maker_printf(t, ",\"%s\":[", prefixes ? "path_hash_prefixes" : "paths");
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		maker_printf(t, "%s\"%s\"", first ? "" : ",", w + prefixes);
		first = false;
	}
	maker_printf(t, "]");
}

/* A bin below `parent`, which then lists no other roles. */
static const struct maker_role *bin_of(const struct maker *m, int parent)
{
	for (int i = 0; i < m->role_count; i++) {
		if (m->role[i].parent == parent && m->role[i].bits != 0)
			return &m->role[i];
	}
	return NULL;
}

static void put_bins(struct maker_text *t, const struct maker_role *r)
{
	maker_printf(t, ",\"succinct_roles\":{\"bit_length\":%d,", r->bits);
	put_keyids(t, r);
	maker_printf(t, ",\"name_prefix\":\"%s\",\"threshold\":%d}}", r->prefix, r->threshold);
}

static void put_delegations(struct maker_text *t, const struct maker *m, int parent)
{
	const struct maker_role *bin = bin_of(m, parent);
	bool first = true;

	maker_printf(t, ",\"delegations\":{");
	put_keys(t, m, parent);
	if (bin != NULL) {
		put_bins(t, bin);
		return;
	}
	maker_printf(t, ",\"roles\":[");
	for (int i = 0; i < m->role_count; i++) {
		const struct maker_role *r = &m->role[i];

		if (r->parent != parent)
			continue;
		maker_printf(t, "%s{", first ? "" : ",");
		put_keyids(t, r);
		maker_printf(t, ",\"name\":\"%s\"", r->name);
		put_words(t, r->paths);
		maker_printf(t, ",\"terminating\":%s,\"threshold\":%d}",
			r->terminating ? "true" : "false", r->threshold);
		first = false;
	}
	maker_printf(t, "]}");
}

static void put_hashes(struct maker_text *t, const char *name, struct maker_bytes bytes, bool wrong)
{
	uint8_t digest[32];
	char hex[65];

	maker_sha256(bytes, digest);
	digest[31] ^= wrong;
	maker_hex(digest, 32, hex);
	maker_printf(t, "\"hashes\":{\"%s\":\"%s\"}", name, hex);
}

static int by_path(const void *a, const void *b)
{
	const struct maker_target *const *ta = a, *const *tb = b;

	return strcmp((*ta)->path, (*tb)->path);
}

static void put_targets(struct maker_text *t, const struct maker *m, int role)
{
	const struct maker_target *all[MAKER_TARGETS_MAX];
	size_t count = 0;

	for (int i = 0; i < m->target_count; i++) {
		if (m->target[i].role == role)
			all[count++] = &m->target[i];
	}
	qsort(all, count, sizeof(all[0]), by_path);
	maker_printf(t, ",\"targets\":{");
	for (size_t i = 0; i < count; i++) {
		uint64_t listed = all[i]->listed_length;

		maker_printf(t, "%s\"%s\":{", i == 0 ? "" : ",", all[i]->path);
		put_hashes(t, all[i]->no_sha256 ? "sha512" : "sha256", all[i]->bytes,
			all[i]->wrong_hash);
		maker_printf(t, ",\"length\":%llu}",
			(unsigned long long)(listed != 0 ? listed : all[i]->bytes.len));
	}
	maker_printf(t, "}");
}

/* As "NAME.json" sorts: "a-b" before "a". */
static int by_file(const void *a, const void *b)
{
	const struct maker_role *const *ra = a, *const *rb = b;
	char fa[96], fb[96];

	snprintf(fa, sizeof(fa), "%s.json", (*ra)->name);
	snprintf(fb, sizeof(fb), "%s.json", (*rb)->name);
	return strcmp(fa, fb);
}

static struct maker_file *current(struct maker *m, const struct maker_role *r)
{
	bool plain = m->inconsistent || strcmp(r->name, "timestamp") == 0;

	return maker_meta(m, r->name, plain ? 0 : r->version);
}

/* What timestamp (of snapshot) or snapshot (of the roles that sign targets) lists. */
static void put_meta(struct maker_text *t, struct maker *m, int role)
{
	const struct maker_role *all[MAKER_ROLES_MAX];
	size_t count = 0;
	bool first = true;

	for (int i = 0; i < m->role_count; i++) {
		if (role == MAKER_TIMESTAMP ? i == MAKER_SNAPSHOT : i >= MAKER_TARGETS)
			all[count++] = &m->role[i];
	}
	qsort(all, count, sizeof(all[0]), by_file);
	maker_printf(t, ",\"meta\":{");
	for (size_t i = 0; i < count; i++) {
		const struct maker_role *r = all[i];
		struct maker_bytes bytes;

		if (r->unlisted || r->ghost)
			continue;
		bytes = current(m, r)->bytes;
		maker_printf(t, "%s\"%s.json\":{", first ? "" : ",", r->name);
		first = false;
		if (!r->no_hash) {
			put_hashes(t, "sha256", bytes, r->wrong_hash);
			maker_printf(t, ",");
		}
		if (!r->no_length)
			maker_printf(t, "\"length\":%llu,",
				(unsigned long long)(r->listed_length != 0 ? r->listed_length
									   : bytes.len));
		maker_printf(t, "\"version\":%llu}",
			(unsigned long long)(r->listed_version != 0 ? r->listed_version
								    : r->version));
	}
	maker_printf(t, "}");
}

static void put_root_roles(struct maker_text *t, const struct maker *m)
{
	static const int order[] = { MAKER_ROOT, MAKER_SNAPSHOT, MAKER_TARGETS, MAKER_TIMESTAMP };

	maker_printf(t, ",\"roles\":{");
	for (int i = 0; i < 4; i++) {
		const struct maker_role *r = &m->role[order[i]];

		maker_printf(t, "%s\"%s\":{", i == 0 ? "" : ",",
			r->listed_as != NULL ? r->listed_as : r->name);
		put_keyids(t, r);
		maker_printf(t, ",\"threshold\":%d}", r->threshold);
	}
	maker_printf(t, "}");
}

/* ---- files ---- */

struct maker_file *maker_put(struct maker *m, const char *name, struct maker_bytes bytes)
{
	struct maker_file *f = maker_file(m, name);

	if (f == NULL) {
		if (m->file_count == MAKER_FILES_MAX)
			abort();
		f = &m->file[m->file_count++];
		snprintf(f->name, sizeof(f->name), "%s", name);
	}
	/* a copy: a test may damage the file, and the target it came from stays as it is */
	f->bytes.p = maker_room(bytes.len + 1);
	memcpy(f->bytes.p, bytes.p, bytes.len);
	f->bytes.len = bytes.len;
	return f;
}

static void put_signature(struct maker_text *t, int key, struct maker_bytes raw, bool first)
{
	struct maker_bytes sig = maker_sign(key, raw);
	char hex[161];

	maker_hex(sig.p, sig.len, hex);
	maker_printf(t, "%s{\"keyid\":\"%s\",\"sig\":\"%s\"}", first ? "" : ",", key_id(key), hex);
}

static void put_signed(struct maker_text *t, struct maker *m, int role)
{
	const struct maker_role *r = &m->role[role];

	maker_printf(t, "{\"_type\":\"%s\"", r->type);
	if (role == MAKER_ROOT)
		maker_printf(t, ",\"consistent_snapshot\":%s", m->inconsistent ? "false" : "true");
	if (role >= MAKER_TARGETS)
		put_delegations(t, m, role);
	put_time(t, "expires", r->expires_s);
	if (role == MAKER_ROOT) {
		maker_printf(t, ",");
		put_keys(t, m, -1);
		put_root_roles(t, m);
	} else if (role < MAKER_TARGETS) {
		put_meta(t, m, role);
	}
	maker_printf(t, ",\"spec_version\":\"%s\"", r->spec);
	if (role >= MAKER_TARGETS)
		put_targets(t, m, role);
	maker_printf(t, ",\"version\":%llu", (unsigned long long)r->version);
	if (r->pad > 0)
		maker_printf(t, ",\"x-pad\":\"%0*d\"", (int)r->pad, 0);
	if (!r->no_issued)
		put_time(t, "x-rota-issued", r->issued_s);
	if (r->not_before_s != 0)
		put_time(t, "x-rota-not-before", r->not_before_s);
	if (r->slot_end_s != 0)
		put_time(t, "x-rota-slot-end", r->slot_end_s);
	maker_printf(t, "}");
}

static void file_name(const struct maker *m, int role, char out[128])
{
	const struct maker_role *r = &m->role[role];

	if (role == MAKER_TIMESTAMP || (m->inconsistent && role != MAKER_ROOT))
		snprintf(out, 128, "metadata/%s.json", r->name);
	else
		snprintf(
			out, 128, "metadata/%llu.%s.json", (unsigned long long)r->version, r->name);
}

/* Signatures are random: a file that would say the same by the same signers stays as it is. */
static void made_of(const struct maker_role *r, const char *body, uint8_t out[32])
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t, "%d%d%s", r->repeat_signature, r->wrong_bytes, body);
	for (int i = 0; i < r->signer_count; i++)
		maker_printf(&t, " %d", r->signers[i]);
	maker_sha256(maker_text_bytes(&t), out);
}

static void sign_role(struct maker_text *t, const struct maker_role *r, const char *body)
{
	struct maker_bytes raw = canonical(body);

	if (r->wrong_bytes)
		raw.p[0] ^= 1;
	maker_printf(t, "{\"signatures\":[");
	for (int i = 0; i < r->signer_count; i++)
		put_signature(t, r->signers[i], raw, i == 0);
	if (r->repeat_signature)
		put_signature(t, r->signers[0], raw, false);
	maker_printf(t, "],\"signed\":%s}", body);
}

static void publish_role(struct maker *m, int role)
{
	struct maker_text body = { NULL, 0, 0 }, t = { NULL, 0, 0 };
	struct maker_file *f;
	char name[128];
	uint8_t of[32];

	put_signed(&body, m, role);
	made_of(&m->role[role], body.p, of);
	file_name(m, role, name);
	f = maker_file(m, name);
	if (f == NULL || memcmp(f->made_of, of, sizeof(of)) != 0) {
		sign_role(&t, &m->role[role], body.p);
		f = maker_put(m, name, maker_text_bytes(&t));
		memcpy(f->made_of, of, sizeof(of));
	}
}

static void target_name(const char *path, const uint8_t sha256[32], char out[256])
{
	const char *slash = strrchr(path, '/');
	int dir = slash == NULL ? 0 : (int)(slash + 1 - path);
	char hex[65];

	maker_hex(sha256, 32, hex);
	snprintf(out, 256, "targets/%.*s%s.%s", dir, path, hex, path + dir);
}

void maker_publish(struct maker *m)
{
	for (int i = 0; i < m->target_count; i++) {
		uint8_t digest[32];
		char name[256];

		maker_sha256(m->target[i].bytes, digest);
		target_name(m->target[i].path, digest, name);
		maker_put(m, name, m->target[i].bytes);
	}
	publish_role(m, MAKER_ROOT);
	for (int i = MAKER_TARGETS; i < m->role_count; i++) {
		if (!m->role[i].ghost)
			publish_role(m, i);
	}
	publish_role(m, MAKER_SNAPSHOT);
	publish_role(m, MAKER_TIMESTAMP);
}

static void renew(struct maker_role *r, uint64_t now_s)
{
	uint64_t life_s = r->expires_s - r->issued_s;

	r->version++;
	r->issued_s = now_s;
	r->expires_s = now_s + life_s;
}

void maker_next(struct maker *m, uint64_t now_s, int role_a, int role_b)
{
	renew(&m->role[MAKER_TIMESTAMP], now_s);
	renew(&m->role[MAKER_SNAPSHOT], now_s);
	if (role_a >= 0)
		renew(&m->role[role_a], now_s);
	if (role_b >= 0)
		renew(&m->role[role_b], now_s);
	maker_publish(m);
}

struct maker_file *maker_file(struct maker *m, const char *name)
{
	for (int i = 0; i < m->file_count; i++) {
		if (strcmp(m->file[i].name, name) == 0)
			return &m->file[i];
	}
	return NULL;
}

struct maker_file *maker_meta(struct maker *m, const char *role, uint64_t version)
{
	char name[128];

	if (version == 0)
		snprintf(name, sizeof(name), "metadata/%s.json", role);
	else
		snprintf(name, sizeof(name), "metadata/%llu.%s.json", (unsigned long long)version,
			role);
	return maker_file(m, name);
}

struct maker_file *maker_target_file(struct maker *m, const char *path, const uint8_t sha256[32])
{
	char name[256];

	target_name(path, sha256, name);
	return maker_file(m, name);
}

/* ---- the good repository ---- */

#define DAY_S UINT64_C(86400)

static void set_role(struct maker *m, int at, const char *name, int first_key, int key_count,
	int threshold, uint64_t life_s, uint64_t now_s)
{
	struct maker_role *r = &m->role[at];

	*r = (struct maker_role){ .name = name,
		.type = at < MAKER_TARGETS ? name : "targets",
		.spec = "1.0.34",
		.version = 1,
		.issued_s = now_s,
		.expires_s = now_s + life_s,
		.key_count = key_count,
		.signer_count = threshold,
		.threshold = threshold,
		.terminating = true,
		.parent = at <= MAKER_TARGETS ? -1 : MAKER_TARGETS };
	for (int i = 0; i < key_count; i++) {
		r->keys[i] = first_key + i;
		r->signers[i] = first_key + i;
	}
}

void maker_init(struct maker *m, uint64_t now_s)
{
	memset(m, 0, sizeof(*m));
	m->role_count = MAKER_FIRST_FREE;
	set_role(m, MAKER_ROOT, "root", KEY_ROOT1, 3, 2, 365 * DAY_S, now_s);
	set_role(m, MAKER_TIMESTAMP, "timestamp", KEY_TIMESTAMP, 1, 1, DAY_S, now_s);
	set_role(m, MAKER_SNAPSHOT, "snapshot", KEY_SNAPSHOT, 1, 1, DAY_S, now_s);
	set_role(m, MAKER_TARGETS, "targets", KEY_TARGETS1, 3, 2, 365 * DAY_S, now_s);
	set_role(m, MAKER_RELEASES, "releases", KEY_RELEASES1, 3, 2, 365 * DAY_S, now_s);
	set_role(m, MAKER_ROLLOUTS, "rollouts", KEY_ROLLOUTS, 1, 1, DAY_S, now_s);
	set_role(m, MAKER_CI, "ci", KEY_CI, 1, 1, 7 * DAY_S, now_s);
	m->role[MAKER_ROOT].not_before_s = now_s;
	m->role[MAKER_RELEASES].paths = "releases/*/*/*";
	m->role[MAKER_ROLLOUTS].paths = "rollouts/*";
	m->role[MAKER_CI].paths = "ci/*/*/*";
}

int maker_delegate(struct maker *m, int parent, const char *name, const char *paths,
	bool terminating, int key, uint64_t now_s)
{
	int at = m->role_count++;

	if (at >= MAKER_ROLES_MAX)
		abort();
	set_role(m, at, name, key, 1, 1, 365 * DAY_S, now_s);
	m->role[at].parent = parent;
	m->role[at].paths = paths;
	m->role[at].terminating = terminating;
	return at;
}

struct maker_target *maker_target(
	struct maker *m, int role, const char *path, struct maker_bytes bytes)
{
	struct maker_target *t = NULL;

	for (int i = 0; i < m->target_count; i++) {
		if (m->target[i].role == role && strcmp(m->target[i].path, path) == 0)
			t = &m->target[i];
	}
	if (t == NULL && m->target_count == MAKER_TARGETS_MAX)
		abort();
	if (t == NULL)
		t = &m->target[m->target_count++];
	*t = (struct maker_target){ .role = role, .path = path, .bytes = bytes };
	return t;
}
