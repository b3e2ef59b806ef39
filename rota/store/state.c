/* SPDX-License-Identifier: Apache-2.0 */
/* Each field has a row. Most are a few values one after the other: a list of members says which, and one function
 * writes and one reads them all. Where a field holds lists, its row names functions of its own. Reading goes
 * through a reader that covers exactly the field, so a wrong length shows when the row is done. */
#include "rota/store/state.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <stddef.h>

#define FORMAT 1
#define OPTIONAL_ID 0x80 /* SPEC 11.1 */
#define FIELD_HEAD_LEN 3

_Static_assert(ROTA_STATE_UNKNOWN_MAX <= UINT16_MAX, "unknown_len holds it");
_Static_assert(sizeof(struct rota_state) <= UINT16_MAX, "a member's place fits its row");

void rota_state_factory(struct rota_state *s, rota_num root_version,
	const uint8_t root_sha256[static ROTA_SHA256_LEN], rota_num time_floor_s, uint64_t version)
{
	memset(s, 0, sizeof(*s));
	s->trusted.root.version = root_version;
	memcpy(s->trusted.root.sha256, root_sha256, ROTA_SHA256_LEN);
	s->trusted.time_floor_s = time_floor_s;
	s->installed.version = version;
	s->next_seq = 1;
}

/* A count that must not exceed the room for it; 0 after a failure. */
static uint8_t read_count(struct rota_reader *r, uint8_t max)
{
	uint8_t count = rota_read_u8(r);

	if (count <= max)
		return count;
	rota_reader_fail(r);
	return 0;
}

/* ---- values ---- */

enum kind {
	NUM, /* rota_num, 8 bytes in the payload */
	U64,
	U32,
	U8,
	FLAG, /* bool, 0 or 1 */
	TAG,
	DIGEST,
	VALUES /* how many kinds */
};

struct member {
	uint8_t kind; /* enum kind */
	uint16_t at; /* in struct rota_state */
};

/* Bytes in memory. */
static const uint8_t size_of[VALUES] = { [NUM] = sizeof(rota_num),
	[U64] = 8,
	[U32] = 4,
	[U8] = 1,
	[FLAG] = sizeof(bool),
	[TAG] = ROTA_FLOOR_TAG_LEN,
	[DIGEST] = ROTA_SHA256_LEN };

/* A number of metadata; one of 64 bits was never written by a device that counts in 32. */
static rota_num read_num(struct rota_reader *r)
{
	uint64_t n = rota_read_le64(r);

	if (n > (rota_num)-1)
		rota_reader_fail(r);
	return (rota_num)n;
}

static void write_member(struct rota_writer *w, const struct rota_state *s, struct member m)
{
	const uint8_t *at = (const uint8_t *)s + m.at;

	switch (m.kind) {
	case NUM:
		rota_write_le64(w, *(const rota_num *)(const void *)at);
		break;
	case U64:
		rota_write_le64(w, *(const uint64_t *)(const void *)at);
		break;
	case U32:
		rota_write_le32(w, *(const uint32_t *)(const void *)at);
		break;
	default:
		rota_write_span(w, rota_span(at, size_of[m.kind]));
		break;
	}
}

static void read_member(struct rota_reader *r, struct rota_state *s, struct member m)
{
	uint8_t *at = (uint8_t *)s + m.at;

	switch (m.kind) {
	case NUM:
		*(rota_num *)(void *)at = read_num(r);
		break;
	case U64:
		*(uint64_t *)(void *)at = rota_read_le64(r);
		break;
	case U32:
		*(uint32_t *)(void *)at = rota_read_le32(r);
		break;
	case FLAG:
		*(bool *)at = read_count(r, 1) != 0;
		break;
	default:
		rota_read_bytes(r, rota_buf(at, size_of[m.kind]));
		break;
	}
}

static bool is_zero(const struct rota_state *s, struct member m)
{
	const uint8_t *p = (const uint8_t *)s + m.at;

	for (uint8_t i = 0; i < size_of[m.kind]; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* ---- lists ---- */

static void write_versions(struct rota_writer *w, const uint64_t *versions, uint8_t count)
{
	rota_write_u8(w, count);
	for (uint8_t i = 0; i < count; i++)
		rota_write_le64(w, versions[i]);
}

static uint8_t read_versions(struct rota_reader *r, uint64_t *versions)
{
	uint8_t count = read_count(r, ROTA_STATE_REVERT_MAX);

	for (uint8_t i = 0; i < count; i++)
		versions[i] = rota_read_le64(r);
	return count;
}

static bool has_floors(const struct rota_state *s)
{
	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++) {
		if (s->floors.floor[i].version != 0)
			return true;
	}
	return false;
}

static void write_floors(struct rota_writer *w, const struct rota_state *s)
{
	for (size_t i = 0; i < ROTA_FLOORS_MAX; i++) {
		const struct rota_floor *f = &s->floors.floor[i];

		if (f->version == 0)
			continue;
		rota_write_span(w, ROTA_SPAN(f->role));
		rota_write_le64(w, f->version);
		rota_write_u8(w, f->key_count);
		rota_write_span(w, rota_span(f->keys, (size_t)f->key_count * ROTA_FLOOR_TAG_LEN));
	}
}

static void read_floors(struct rota_reader *r, struct rota_state *s)
{
	for (size_t i = 0; i < ROTA_FLOORS_MAX && r->rest.len > 0; i++) {
		struct rota_floor *f = &s->floors.floor[i];

		rota_read_bytes(r, ROTA_BUF(f->role));
		f->version = read_num(r);
		f->key_count = read_count(r, ROTA_FLOOR_KEYS_MAX);
		rota_read_bytes(r, rota_buf(f->keys, (size_t)f->key_count * ROTA_FLOOR_TAG_LEN));
		if (f->version == 0)
			rota_reader_fail(r);
	}
}

static void write_installed(struct rota_writer *w, const struct rota_state *s)
{
	const struct rota_installed_release *i = &s->installed;

	rota_write_span(w, ROTA_SPAN(i->release));
	rota_write_le64(w, i->version);
	rota_write_le64(w, i->previous_version);
	write_versions(w, i->revert_to, i->revert_to_count);
}

static void read_installed(struct rota_reader *r, struct rota_state *s)
{
	struct rota_installed_release *i = &s->installed;

	rota_read_bytes(r, ROTA_BUF(i->release));
	i->version = rota_read_le64(r);
	i->previous_version = rota_read_le64(r);
	i->revert_to_count = read_versions(r, i->revert_to);
}

static bool has_components(const struct rota_state *s)
{
	return s->installed.component_count != 0;
}

static void write_components(struct rota_writer *w, const struct rota_state *s)
{
	for (uint8_t i = 0; i < s->installed.component_count; i++) {
		rota_write_span(w, ROTA_SPAN(s->installed.component[i].name));
		rota_write_le64(w, s->installed.component[i].version);
	}
}

static void read_components(struct rota_reader *r, struct rota_state *s)
{
	struct rota_installed_release *i = &s->installed;

	while (r->rest.len > 0 && i->component_count < ROTA_STATE_COMPONENTS_MAX) {
		struct rota_installed_component *c = &i->component[i->component_count++];

		rota_read_bytes(r, ROTA_BUF(c->name));
		c->version = rota_read_le64(r);
	}
}

static bool has_pending(const struct rota_state *s)
{
	return s->pending.phase != ROTA_INSTALL_NONE;
}

static void write_pending(struct rota_writer *w, const struct rota_state *s)
{
	const struct rota_pending_install *p = &s->pending;

	rota_write_span(w, ROTA_SPAN(p->release));
	rota_write_le64(w, p->version);
	rota_write_u8(w, p->attempt);
	rota_write_u8(w, p->phase);
	rota_write_u8(w, p->component);
	rota_write_le64(w, p->offset);
	rota_write_u8(w, p->reboots);
	write_versions(w, p->revert_to, p->revert_to_count);
	rota_write_u8(w, p->component_count);
	for (uint8_t i = 0; i < p->component_count; i++) {
		rota_write_span(w, ROTA_SPAN(p->components[i].name));
		rota_write_span(w, ROTA_SPAN(p->components[i].slot));
		rota_write_span(w, ROTA_SPAN(p->components[i].digest));
	}
}

static void read_pending(struct rota_reader *r, struct rota_state *s)
{
	struct rota_pending_install *p = &s->pending;

	rota_read_bytes(r, ROTA_BUF(p->release));
	p->version = rota_read_le64(r);
	p->attempt = rota_read_u8(r);
	p->phase = read_count(r, ROTA_INSTALL_REVERT);
	p->component = rota_read_u8(r);
	p->offset = rota_read_le64(r);
	p->reboots = rota_read_u8(r);
	p->revert_to_count = read_versions(r, p->revert_to);
	p->component_count = read_count(r, ROTA_STATE_COMPONENTS_MAX);
	for (uint8_t i = 0; i < p->component_count; i++) {
		rota_read_bytes(r, ROTA_BUF(p->components[i].name));
		rota_read_bytes(r, ROTA_BUF(p->components[i].slot));
		rota_read_bytes(r, ROTA_BUF(p->components[i].digest));
	}
	if (p->phase == ROTA_INSTALL_NONE || p->component > p->component_count)
		rota_reader_fail(r);
}

/* ---- the fields ---- */

static const struct member root[] = {
	{ NUM, offsetof(struct rota_state, trusted.root.version) },
	{ DIGEST, offsetof(struct rota_state, trusted.root.sha256) },
	{ NUM, offsetof(struct rota_state, trusted.time_floor_s) },
};

static const struct member timestamp[] = {
	{ NUM, offsetof(struct rota_state, trusted.timestamp_version) },
	{ NUM, offsetof(struct rota_state, trusted.timestamp_expires_s) },
	{ NUM, offsetof(struct rota_state, trusted.timestamp_issued_s) },
	{ NUM, offsetof(struct rota_state, trusted.listed.version) },
	{ NUM, offsetof(struct rota_state, trusted.listed.length) },
	{ FLAG, offsetof(struct rota_state, trusted.listed.has_sha256) },
	{ DIGEST, offsetof(struct rota_state, trusted.listed.sha256) },
};

static const struct member snapshot[] = {
	{ NUM, offsetof(struct rota_state, trusted.snapshot.version) },
	{ DIGEST, offsetof(struct rota_state, trusted.snapshot.sha256) },
};

static const struct member policy[] = {
	{ U64, offsetof(struct rota_state, policy_sequence) },
	{ DIGEST, offsetof(struct rota_state, policy_sha256) },
};

static const struct member admission[] = {
	{ DIGEST, offsetof(struct rota_state, admission.release) },
	{ U8, offsetof(struct rota_state, admission.attempt) },
};

static const struct member failed[] = {
	{ DIGEST, offsetof(struct rota_state, failed.release) },
	{ U8, offsetof(struct rota_state, failed.attempt) },
	{ U8, offsetof(struct rota_state, failed.tries) },
	{ U64, offsetof(struct rota_state, failed.at_s) },
};

static const struct member seq[] = {
	{ U64, offsetof(struct rota_state, next_seq) },
};

static const struct member bound[] = {
	{ U32, offsetof(struct rota_state, bound.binding) },
	{ FLAG, offsetof(struct rota_state, bound.restored) },
	{ U64, offsetof(struct rota_state, bound.since_s) },
};

static const struct member retired[] = {
	{ U64, offsetof(struct rota_state, retired.sequence) },
	{ DIGEST, offsetof(struct rota_state, retired.sha256) },
	{ U32, offsetof(struct rota_state, retired.counter_floor) },
	{ U8, offsetof(struct rota_state, retired.key_floor) },
};

static const struct member revoked[] = {
	{ U64, offsetof(struct rota_state, revoked.sequence) },
	{ DIGEST, offsetof(struct rota_state, revoked.sha256) },
};

static const struct member logged[] = {
	{ U64, offsetof(struct rota_state, logged.count) },
	{ DIGEST, offsetof(struct rota_state, logged.head) },
};

static const struct member ordered[] = {
	{ U32, offsetof(struct rota_state, ordered.epoch) },
	{ DIGEST, offsetof(struct rota_state, ordered.sha256) },
	{ U8, offsetof(struct rota_state, ordered.phase) },
};

static const struct member refused[] = {
	{ TAG, offsetof(struct rota_state, refused) },
};

static const struct member told[] = {
	{ U8, offsetof(struct rota_state, told) },
};

static const struct member seen[] = {
	{ U64, offsetof(struct rota_state, seen.size) },
	{ DIGEST, offsetof(struct rota_state, seen.root) },
};

#define VALUES_OF(table) .members = table, .count = sizeof(table) / sizeof((table)[0])

static const struct field {
	uint8_t id;
	bool always; /* else left out when there is nothing to say */
	uint8_t count; /* members */
	const struct member *members;
	/* Where there are lists; members is NULL then. */
	bool (*present)(const struct rota_state *s);
	void (*write)(struct rota_writer *w, const struct rota_state *s);
	void (*read)(struct rota_reader *r, struct rota_state *s);
} fields[] = {
	{ .id = 0x01, .always = true, VALUES_OF(root) },
	{ .id = 0x02, VALUES_OF(timestamp) },
	{ .id = 0x03, VALUES_OF(snapshot) },
	{ .id = 0x04, .present = has_floors, .write = write_floors, .read = read_floors },
	{ .id = 0x05, VALUES_OF(policy) },
	{ .id = 0x06, VALUES_OF(admission) },
	{ .id = 0x07, .always = true, .write = write_installed, .read = read_installed },
	{ .id = 0x08,
		.present = has_components,
		.write = write_components,
		.read = read_components },
	{ .id = 0x09, .present = has_pending, .write = write_pending, .read = read_pending },
	{ .id = 0x0A, VALUES_OF(failed) },
	{ .id = 0x0B, .always = true, VALUES_OF(seq) },
	{ .id = 0x0C, VALUES_OF(bound) },
	{ .id = 0x0D, VALUES_OF(retired) },
	{ .id = 0x0E, VALUES_OF(revoked) },
	{ .id = 0x0F, VALUES_OF(logged) },
	{ .id = 0x10, VALUES_OF(ordered) },
	{ .id = 0x80, VALUES_OF(refused) },
	{ .id = 0x81, VALUES_OF(told) },
	{ .id = 0x82, VALUES_OF(seen) },
};

static bool present(const struct field *f, const struct rota_state *s)
{
	if (f->always)
		return true;
	if (f->members == NULL)
		return f->present(s);
	for (uint8_t i = 0; i < f->count; i++) {
		if (!is_zero(s, f->members[i]))
			return true;
	}
	return false;
}

static void write_field(struct rota_writer *w, const struct field *f, const struct rota_state *s)
{
	if (f->members == NULL)
		f->write(w, s);
	for (uint8_t i = 0; i < f->count; i++)
		write_member(w, s, f->members[i]);
}

static void read_field(struct rota_reader *r, const struct field *f, struct rota_state *s)
{
	if (f->members == NULL)
		f->read(r, s);
	for (uint8_t i = 0; i < f->count; i++)
		read_member(r, s, f->members[i]);
}

/* ---- the payload ---- */

enum rota_err rota_state_encode(
	const struct rota_state *s, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	rota_write_u8(&w, FORMAT);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t head = w.used;

		if (!present(&fields[i], s))
			continue;
		rota_write_u8(&w, fields[i].id);
		rota_write_le16(&w, 0);
		write_field(&w, &fields[i], s);
		rota_rewrite_le16(&w, head + 1, (uint16_t)(w.used - head - FIELD_HEAD_LEN));
	}
	rota_write_span(&w, rota_span(s->unknown, s->unknown_len));
	return rota_writer_end(&w, out);
}

static const struct field *find_field(uint8_t id)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].id == id)
			return &fields[i];
	}
	return NULL;
}

/* A field of a later release. It stands behind all that are known, so the bytes are kept as they are. */
static enum rota_err keep_unknown(struct rota_state *s, uint8_t id, struct rota_span value)
{
	struct rota_writer w = rota_writer(ROTA_BUF(s->unknown));
	struct rota_span kept;

	if (id < OPTIONAL_ID)
		return ROTA_ERR_UNSUPPORTED;
	w.used = s->unknown_len;
	rota_write_u8(&w, id);
	rota_write_le16(&w, (uint16_t)value.len);
	rota_write_span(&w, value);
	if (rota_writer_end(&w, &kept) != ROTA_OK)
		return ROTA_ERR_UNSUPPORTED;
	s->unknown_len = (uint16_t)kept.len;
	return ROTA_OK;
}

static enum rota_err take_field(struct rota_state *s, uint8_t id, struct rota_span value)
{
	const struct field *f = find_field(id);
	struct rota_reader r = rota_reader(value);

	if (f == NULL)
		return keep_unknown(s, id, value);
	read_field(&r, f, s);
	return rota_reader_end(&r) == ROTA_OK ? ROTA_OK : ROTA_ERR_CORRUPT;
}

enum rota_err rota_state_decode(struct rota_span in, struct rota_state *out)
{
	struct rota_reader r = rota_reader(in);
	int last = -1;

	memset(out, 0, sizeof(*out));
	if (in.len == 0)
		return ROTA_ERR_CORRUPT;
	if (rota_read_u8(&r) != FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	while (r.rest.len > 0) {
		uint8_t id = rota_read_u8(&r);
		struct rota_span value = rota_read_span(&r, rota_read_le16(&r));

		if (r.failed || id <= last)
			return ROTA_ERR_CORRUPT;
		ROTA_TRY(take_field(out, id, value));
		last = id;
	}
	return out->trusted.root.version == 0 || out->next_seq == 0 ? ROTA_ERR_CORRUPT : ROTA_OK;
}
