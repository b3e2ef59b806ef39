/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/maker_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	maker_printf(
		t, "%s{\"keyid\":\"%s\",\"sig\":\"%s\"}", first ? "" : ",", maker_key_id(key), hex);
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
	struct maker_bytes raw = maker_canonical(body);

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

	maker_put_signed(&body, m, role);
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
