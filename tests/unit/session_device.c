/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/session_device.h"

#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct rota_limits device_limits = {
	.schemes = rota_schemes_all,
	ROTA_LIMITS_USUAL,
	.keys = 24,
	.key_len = 65,
	.sigs = 8,
	.sig_len = 64,
	.pending_len = ROTA_PENDING_LEN(6, 8, ROTA_ROLE_NAME_MAX),
	.visited = 8,
	.names_len = 288,
	.text_len = 192,
	.hold_len = 192 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.listed = 16,
	.components = 2,
};

static struct device *device; /* one at a time: it is large */

static struct maker_file *kept(struct device *d, const struct rota_want *w)
{
	char name[128];

	snprintf(name, sizeof(name), "%.*s %llu", (int)w->role.len, (const char *)w->role.p,
		(unsigned long long)w->version);
	for (int i = 0; i < d->kept_count; i++) {
		if (strcmp(d->kept[i].name, name) == 0)
			return &d->kept[i];
	}
	snprintf(d->kept[d->kept_count].name, sizeof(d->kept[0].name), "%s", name);
	d->kept[d->kept_count].bytes.p = NULL;
	return &d->kept[d->kept_count++];
}

static const struct maker_file *from_network(struct device *d, const struct rota_want *w)
{
	char role[ROTA_ROLE_NAME_MAX + 1];

	d->fetched++;
	if (d->server != NULL) {
		const struct maker_file *f = d->server(d, w);

		if (f != NULL)
			return f;
	}
	snprintf(role, sizeof(role), "%.*s", (int)w->role.len, (const char *)w->role.p);
	return maker_meta(&d->m, role, w->version);
}

/* Read a file into the session, as an application does. Returns how it ended. */
static enum rota_err feed(
	struct device *d, struct rota_session *s, const struct maker_file *f, size_t max_len)
{
	struct rota_span rest = rota_span(f->bytes.p, f->bytes.len);
	size_t piece = d->piece != 0 ? d->piece : rest.len;

	while (rest.len > 0) {
		enum rota_err err = rota_session_feed(s, rota_span_slice(rest, 0, piece));

		if (err != ROTA_OK)
			return err;
		rest = rota_span_skip(rest, piece);
	}
	return f->bytes.len > max_len ? ROTA_ERR_STATE : ROTA_OK;
}

/* Where a device to the letter keeps the files of these two roles. */
static struct maker_bytes *disk_of(struct device *d, struct rota_span role)
{
	if (rota_span_eq(role, ROTA_STR("timestamp")))
		return &d->disk[0];
	return rota_span_eq(role, ROTA_STR("snapshot")) ? &d->disk[1] : NULL;
}

static const struct maker_file *on_disk(
	struct device *d, const struct rota_want *w, struct maker_file *room)
{
	const struct maker_bytes *bytes = disk_of(d, w->role);

	if (rota_span_eq(w->role, ROTA_STR("root")))
		return maker_meta(&d->m, "root", w->version);
	if (d->forgetful || bytes == NULL || bytes->p == NULL)
		return NULL;
	room->bytes = *bytes;
	return room;
}

static void keep_on_disk(struct device *d, const struct rota_want *w)
{
	struct maker_bytes *bytes = disk_of(d, w->role);

	if (bytes != NULL)
		*bytes = d->last;
	if (rota_span_eq(w->role, ROTA_STR("root")) && d->trusted.timestamp_version == 0)
		memset(d->disk, 0, sizeof(d->disk)); /* TUF 5.3.11 */
}

/* A copy at hand that may be read in place of the server's file. */
static const struct maker_file *copy_of(
	struct device *d, const struct rota_want *w, const struct maker_file *last)
{
	const struct maker_file *planted;

	if (w->sha256 == NULL || w->fresh)
		return NULL;
	planted = d->planted != NULL ? d->planted(d, w) : NULL;
	if (planted != NULL)
		return planted;
	return !d->forgetful && last->bytes.p != NULL ? last : NULL;
}

static void fetch(struct device *d, struct rota_session *s, const struct rota_want *w)
{
	struct maker_file *last = kept(d, w), disk;
	const struct maker_file *copy = copy_of(d, w, last);
	const struct maker_file *f = copy != NULL ? copy
		: w->at_hand                      ? on_disk(d, w, &disk)
						  : from_network(d, w);
	struct rota_want before = *w;

	if (f == NULL) {
		rota_session_fetched(s, ROTA_ERR_NOT_FOUND);
		return;
	}
	d->last = f->bytes;
	if (copy != NULL || w->at_hand)
		rota_session_copy(s);
	else
		last->bytes = f->bytes; /* the file fetched last stays at hand */
	rota_session_fetched(s, feed(d, s, f, before.max_len));
}

void device_step(struct device *d, struct rota_session *s, const struct rota_want *w)
{
	if (w->kind == ROTA_WANT_FETCH) {
		fetch(d, s, w);
	} else if (w->kind == ROTA_WANT_KEEP) {
		d->trusted = *rota_session_trusted(s);
		d->floors = d->raised;
		keep_on_disk(d, w);
		d->floor_fell = d->floor_fell || w->floor_fell;
		rota_session_kept(s, ROTA_OK);
	}
}

struct rota_why device_run(struct device *d, struct rota_session *s)
{
	struct rota_want w;

	for (int i = 0; i < 2000; i++) {
		w = *rota_session_want(s);
		if (w.kind == ROTA_WANT_FAILED)
			return *rota_session_why(s);
		if (w.kind != ROTA_WANT_FETCH && w.kind != ROTA_WANT_KEEP)
			return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
		device_step(d, s, &w);
	}
	return (struct rota_why){ ROTA_ERR_STATE, ROTA_CLAUSE_NONE };
}

enum rota_err device_begin(struct device *d, struct rota_session *s)
{
	static uint8_t room[65536];
	const struct rota_session_config config = { .crypto = &rota_crypto_openssl,
		.limits = d->limits,
		.start = { .unix_s = rota_num_nearest(d->clock_s), .trusted = d->clock_s != 0 },
		.profile = d->profile,
		.floors = &d->raised };

	d->raised = d->floors;
	d->fetched = 0;
	d->floor_fell = false;
	return rota_session_init(s, &config, &d->trusted, ROTA_BUF(room));
}

struct rota_why device_session(struct device *d, const char *role, const char *path)
{
	struct rota_session s;
	struct rota_why why;
	enum rota_err err = device_begin(d, &s);

	if (err != ROTA_OK)
		return (struct rota_why){ err, ROTA_CLAUSE_NONE };
	why = device_run(d, &s);
	if (why.err == ROTA_OK && path != NULL) {
		why.err = rota_session_find_in(&s, rota_span_cstr(role), rota_span_cstr(path));
		why = why.err == ROTA_OK ? device_run(d, &s) : why;
	}
	if (why.err == ROTA_OK)
		d->target = *rota_session_target(&s);
	rota_session_drop(&s);
	return why;
}

struct rota_why device_refresh(struct device *d)
{
	return device_session(d, "", NULL);
}

struct maker_bytes device_bytes(const char *text)
{
	return (struct maker_bytes){ (uint8_t *)(uintptr_t)text, strlen(text) };
}

struct device *device_new(void)
{
	struct device *d;
	const struct maker_file *root;

	free(device);
	d = device = calloc(1, sizeof(*device));
	maker_init(&d->m, NOW);
	maker_target(&d->m, MAKER_ROLLOUTS, POLICY, device_bytes("policy"));
	maker_target(&d->m, MAKER_RELEASES, RELEASE, device_bytes("release"));
	maker_publish(&d->m);
	d->limits = &device_limits;
	d->profile = &rota_session_device;
	d->clock_s = NOW + HOUR_S;
	root = maker_meta(&d->m, "root", 1);
	d->trusted.root.version = 1;
	maker_sha256(root->bytes, d->trusted.root.sha256);
	d->trusted.time_floor_s = NOW;
	return d;
}

static void add_signer(struct maker_role *r, int key)
{
	for (int i = 0; i < r->signer_count; i++) {
		if (r->signers[i] == key)
			return;
	}
	r->signers[r->signer_count++] = key;
}

void device_next_root(struct maker *m, uint64_t now_s, int a, int b, int c, int e)
{
	struct maker_role *r = &m->role[MAKER_ROOT];

	r->version++;
	r->issued_s = now_s;
	r->expires_s = now_s + 365 * DAY_S;
	r->not_before_s = now_s;
	r->signer_count = 0;
	add_signer(r, a);
	add_signer(r, b);
	add_signer(r, c);
	add_signer(r, e);
}

/* ---- attacks ---- */

void device_sign_by(struct device *d, int role, int key_a, int key_b)
{
	struct maker_role *r = &d->m.role[role];

	r->signers[0] = key_a;
	r->signers[1] = key_b;
	r->signer_count = key_b < 0 ? 1 : 2;
}

void device_publish(struct device *d, int role)
{
	maker_next(&d->m, NOW + HOUR_S, role, -1);
}

static const char *asked;

const struct maker_file *device_give(struct device *d, const struct rota_want *w)
{
	return rota_span_eq(w->role, rota_span_cstr(asked)) ? d->answer : NULL;
}

void device_answer(struct device *d, const char *role, const struct maker_file *with)
{
	static struct maker_file copy;

	copy = *with;
	asked = role;
	d->answer = &copy;
	d->server = device_give;
}

void device_plant(struct device *d, const char *role, const struct maker_file *with)
{
	device_answer(d, role, with);
	d->planted = device_give;
	d->server = NULL;
}
