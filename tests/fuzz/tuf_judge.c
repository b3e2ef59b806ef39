/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tuf_judge.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- members ---- */

uint64_t judge_number(const struct jnode *object, const char *name)
{
	const struct jnode *n = jt_get(object, name);

	return n != NULL && n->type == JT_INT && n->number > 0 ? (uint64_t)n->number : 0;
}

uint64_t judge_time(const struct jnode *object, const char *name)
{
	const struct jnode *n = jt_get(object, name);
	struct tm tm = { 0 };
	char text[32];

	if (n == NULL || n->type != JT_STRING || n->text.len >= sizeof(text))
		return 0;
	memcpy(text, n->text.p, n->text.len);
	text[n->text.len] = '\0';
	return strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ? (uint64_t)timegm(&tm) : 0;
}

bool judge_digest(const struct jnode *hashes, const uint8_t sha256[static ROTA_SHA256_LEN])
{
	const struct jnode *n = jt_get(hashes, "sha256");
	char hex[2 * ROTA_SHA256_LEN + 1];

	for (size_t i = 0; i < ROTA_SHA256_LEN; i++)
		sprintf(hex + 2 * i, "%02x", sha256[i]);
	return jt_is(n, hex);
}

/* ---- delegations ---- */

struct judge_by judge_top(const struct tuf_file *root, const char *role)
{
	return (struct judge_by){ jt_get(jt_get(root->body, "roles"), role),
		jt_get(root->body, "keys"), false };
}

bool judge_delegation(const struct tuf_file *f, unsigned n, struct judge_by *out)
{
	const struct jnode *delegations = jt_get(f->body, "delegations");
	const struct jnode *roles = jt_get(delegations, "roles");
	const struct jnode *bins = jt_get(delegations, "succinct_roles");
	const struct jnode *role = roles != NULL ? roles->child : n == 0 ? bins : NULL;

	for (; roles != NULL && role != NULL && n > 0; n--)
		role = role->next;
	*out = (struct judge_by){ role, jt_get(delegations, "keys"), roles == NULL };
	return role != NULL;
}

bool judge_terminates(struct judge_by by)
{
	const struct jnode *n = jt_get(by.role, "terminating");

	return by.bins || (n != NULL && n->type == JT_TRUE);
}

/* TUF 4.5: `*` is any run of bytes without '/', `?` one such byte. */
static bool glob(struct rota_span pattern, const char *path)
{
	struct rota_span rest = rota_span_skip(pattern, 1);

	if (pattern.len == 0)
		return *path == '\0';
	if (*pattern.p == '*')
		return glob(rest, path) ||
			(*path != '\0' && *path != '/' && glob(pattern, path + 1));
	if (*path == '\0' || (*pattern.p == '?' ? *path == '/' : *pattern.p != (uint8_t)*path))
		return false;
	return glob(rest, path + 1);
}

static void path_digest(const char *path, char hex[static 65], uint32_t *first)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)path, strlen(path), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	*first = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
		digest[3];
}

static struct rota_span bin_name(struct judge_by by, const char *path, char bin[static 80])
{
	const struct jnode *prefix = jt_get(by.role, "name_prefix");
	uint64_t bits = judge_number(by.role, "bit_length");
	char hex[65];
	uint32_t first;

	if (prefix == NULL || prefix->type != JT_STRING || prefix->text.len > 60 || bits == 0 ||
		bits > 32)
		return rota_span(NULL, 0);
	path_digest(path, hex, &first);
	return rota_span_cstr(
		(sprintf(bin, "%.*s-%0*x", (int)prefix->text.len, (const char *)prefix->text.p,
			 (int)((bits + 3) / 4), first >> (32 - bits)),
			bin));
}

struct rota_span judge_covers(struct judge_by by, const char *path, char bin[static 80])
{
	const struct jnode *name = jt_get(by.role, "name");
	const struct jnode *paths = jt_get(by.role, "paths");
	const struct jnode *prefixes = jt_get(by.role, "path_hash_prefixes");
	char hex[65];
	uint32_t first;
	bool covers = false;

	if (by.bins)
		return bin_name(by, path, bin);
	path_digest(path, hex, &first);
	for (const struct jnode *c = paths != NULL ? paths->child : NULL; c != NULL; c = c->next)
		covers = covers || (c->type == JT_STRING && glob(c->text, path));
	for (const struct jnode *c = prefixes != NULL ? prefixes->child : NULL; c != NULL;
		c = c->next)
		covers = covers ||
			(c->type == JT_STRING && rota_span_starts(rota_span(hex, 64), c->text));
	return covers && name != NULL && name->type == JT_STRING ? name->text : rota_span(NULL, 0);
}

/* ---- keys and signatures ---- */

/* The number of the key that an id stands for, or -1. */
static int key_under(struct judge_by by, struct rota_span id)
{
	const struct jnode *key = jt_get_span(by.keys, id);
	const struct jnode *public = jt_get(jt_get(key, "keyval"), "public");
	const struct jnode *type = jt_get(key, "keytype"), *scheme = jt_get(key, "scheme");
	int number = public != NULL && public->type == JT_STRING ? tuf_key_of(public->text) : -1;

	if (number < 0)
		return -1;
	if (tuf_key_is_ed25519(number))
		return jt_is(type, "ed25519") && jt_is(scheme, "ed25519") ? number : -1;
	return (jt_is(type, "ecdsa") || jt_is(type, "ecdsa-sha2-nistp256")) &&
			jt_is(scheme, "ecdsa-sha2-nistp256")
		? number
		: -1;
}

uint32_t judge_keys(struct judge_by by)
{
	const struct jnode *ids = jt_get(by.role, "keyids");
	uint32_t keys = 0;

	for (const struct jnode *c = ids != NULL ? ids->child : NULL; c != NULL; c = c->next) {
		int number = c->type == JT_STRING ? key_under(by, c->text) : -1;

		if (number >= 0)
			keys |= UINT32_C(1) << number;
	}
	return keys;
}

unsigned judge_count(uint32_t keys)
{
	return (unsigned)__builtin_popcount(keys);
}

static bool listed_id(struct judge_by by, const char *id)
{
	const struct jnode *ids = jt_get(by.role, "keyids");

	for (const struct jnode *c = ids != NULL ? ids->child : NULL; c != NULL; c = c->next) {
		if (jt_is(c, id))
			return true;
	}
	return false;
}

bool judge_signed(const struct tuf_file *f, struct judge_by by)
{
	uint64_t threshold = judge_number(by.role, "threshold");
	uint32_t signers = 0;

	for (int i = 0; i < f->sig_count; i++) {
		char id[8];

		sprintf(id, "k%02d", f->sig[i].id % 100);
		if (f->sig[i].how == TUF_SIG_GOOD && listed_id(by, id) &&
			key_under(by, rota_span_cstr(id)) == f->sig[i].key)
			signers |= UINT32_C(1) << f->sig[i].key;
	}
	return threshold > 0 && judge_count(signers) >= threshold;
}

/* ---- what is listed ---- */

static const struct jnode *listed(const struct tuf_file *lister, struct rota_span role)
{
	char name[160];

	sprintf(name, "%.*s.json", (int)(role.len < 128 ? role.len : 128), (const char *)role.p);
	return jt_get(jt_get(lister->body, "meta"), name);
}

const struct jnode *judge_listed(const struct tuf_file *lister, const char *role)
{
	return listed(lister, rota_span_cstr(role));
}

bool judge_lists_span(
	const struct tuf_file *lister, struct rota_span role, const struct tuf_file *f)
{
	const struct jnode *entry = listed(lister, role);
	const struct jnode *hashes = jt_get(entry, "hashes");

	if (entry == NULL || judge_number(entry, "version") != judge_number(f->body, "version"))
		return false;
	if (jt_get(entry, "length") != NULL && judge_number(entry, "length") != f->listed_len)
		return false;
	return jt_get(hashes, "sha256") == NULL || judge_digest(hashes, f->sha256);
}

bool judge_lists(const struct tuf_file *lister, const char *role, const struct tuf_file *f)
{
	return judge_lists_span(lister, rota_span_cstr(role), f);
}
