/* SPDX-License-Identifier: Apache-2.0 */
/* Each field has a row: its id, whether there is anything to say, how to write it and how to read it. Reading
 * goes through a reader that covers exactly the field, so a wrong length shows when the row is done. */
#include "rota/store/state.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FORMAT 1
#define OPTIONAL_ID 0x80 /* SPEC 11.1 */
#define FIELD_HEAD_LEN 3

_Static_assert(ROTA_STATE_UNKNOWN_MAX <= UINT16_MAX, "unknown_len holds it");

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

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
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

/* A number of metadata; one of 64 bits was never written by a device that counts in 32. */
static rota_num read_num(struct rota_reader *r)
{
	uint64_t n = rota_read_le64(r);

	if (n > (rota_num)-1)
		rota_reader_fail(r);
	return (rota_num)n;
}

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

/* ---- what is trusted ---- */

static bool always(const struct rota_state *s)
{
	(void)s;
	return true;
}

static void write_root(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_le64(w, s->trusted.root.version);
	rota_write_span(w, ROTA_SPAN(s->trusted.root.sha256));
	rota_write_le64(w, s->trusted.time_floor_s);
}

static void read_root(struct rota_reader *r, struct rota_state *s)
{
	s->trusted.root.version = read_num(r);
	rota_read_bytes(r, ROTA_BUF(s->trusted.root.sha256));
	s->trusted.time_floor_s = read_num(r);
}

static bool has_timestamp(const struct rota_state *s)
{
	return s->trusted.timestamp_version != 0;
}

static void write_timestamp(struct rota_writer *w, const struct rota_state *s)
{
	const struct rota_trusted *t = &s->trusted;

	rota_write_le64(w, t->timestamp_version);
	rota_write_le64(w, t->timestamp_expires_s);
	rota_write_le64(w, t->timestamp_issued_s);
	rota_write_le64(w, t->listed.version);
	rota_write_le64(w, t->listed.length);
	rota_write_u8(w, t->listed.has_sha256);
	rota_write_span(w, ROTA_SPAN(t->listed.sha256));
}

static void read_timestamp(struct rota_reader *r, struct rota_state *s)
{
	struct rota_trusted *t = &s->trusted;

	t->timestamp_version = read_num(r);
	t->timestamp_expires_s = read_num(r);
	t->timestamp_issued_s = read_num(r);
	t->listed.version = read_num(r);
	t->listed.length = read_num(r);
	t->listed.has_sha256 = read_count(r, 1) != 0;
	rota_read_bytes(r, ROTA_BUF(t->listed.sha256));
}

static bool has_snapshot(const struct rota_state *s)
{
	return s->trusted.snapshot.version != 0;
}

static void write_snapshot(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_le64(w, s->trusted.snapshot.version);
	rota_write_span(w, ROTA_SPAN(s->trusted.snapshot.sha256));
}

static void read_snapshot(struct rota_reader *r, struct rota_state *s)
{
	s->trusted.snapshot.version = read_num(r);
	rota_read_bytes(r, ROTA_BUF(s->trusted.snapshot.sha256));
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

/* ---- what was decided ---- */

static bool has_policy(const struct rota_state *s)
{
	return s->policy_sequence != 0 || !is_zero(s->policy_sha256, ROTA_SHA256_LEN);
}

static void write_policy(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_le64(w, s->policy_sequence);
	rota_write_span(w, ROTA_SPAN(s->policy_sha256));
}

static void read_policy(struct rota_reader *r, struct rota_state *s)
{
	s->policy_sequence = rota_read_le64(r);
	rota_read_bytes(r, ROTA_BUF(s->policy_sha256));
}

static bool has_admission(const struct rota_state *s)
{
	return !is_zero(s->admission.release, ROTA_SHA256_LEN);
}

static void write_admission(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_span(w, ROTA_SPAN(s->admission.release));
	rota_write_u8(w, s->admission.attempt);
}

static void read_admission(struct rota_reader *r, struct rota_state *s)
{
	rota_read_bytes(r, ROTA_BUF(s->admission.release));
	s->admission.attempt = rota_read_u8(r);
}

/* ---- what is installed, is being, was not ---- */

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

static bool has_failed(const struct rota_state *s)
{
	return !is_zero(s->failed.release, ROTA_SHA256_LEN);
}

static void write_failed(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_span(w, ROTA_SPAN(s->failed.release));
	rota_write_u8(w, s->failed.attempt);
	rota_write_u8(w, s->failed.tries);
	rota_write_le64(w, s->failed.at_s);
}

static void read_failed(struct rota_reader *r, struct rota_state *s)
{
	rota_read_bytes(r, ROTA_BUF(s->failed.release));
	s->failed.attempt = rota_read_u8(r);
	s->failed.tries = rota_read_u8(r);
	s->failed.at_s = rota_read_le64(r);
}

/* ---- what was said ---- */

static void write_seq(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_le64(w, s->next_seq);
}

static void read_seq(struct rota_reader *r, struct rota_state *s)
{
	s->next_seq = rota_read_le64(r);
}

static bool has_refused(const struct rota_state *s)
{
	return !is_zero(s->refused, sizeof(s->refused));
}

static void write_refused(struct rota_writer *w, const struct rota_state *s)
{
	rota_write_span(w, ROTA_SPAN(s->refused));
}

static void read_refused(struct rota_reader *r, struct rota_state *s)
{
	rota_read_bytes(r, ROTA_BUF(s->refused));
}

/* ---- the payload ---- */

static const struct field {
	uint8_t id;
	bool (*present)(const struct rota_state *s);
	void (*write)(struct rota_writer *w, const struct rota_state *s);
	void (*read)(struct rota_reader *r, struct rota_state *s);
} fields[] = {
	{ 0x01, always, write_root, read_root },
	{ 0x02, has_timestamp, write_timestamp, read_timestamp },
	{ 0x03, has_snapshot, write_snapshot, read_snapshot },
	{ 0x04, has_floors, write_floors, read_floors },
	{ 0x05, has_policy, write_policy, read_policy },
	{ 0x06, has_admission, write_admission, read_admission },
	{ 0x07, always, write_installed, read_installed },
	{ 0x08, has_components, write_components, read_components },
	{ 0x09, has_pending, write_pending, read_pending },
	{ 0x0A, has_failed, write_failed, read_failed },
	{ 0x0B, always, write_seq, read_seq },
	{ 0x80, has_refused, write_refused, read_refused },
};

enum rota_err rota_state_encode(
	const struct rota_state *s, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	rota_write_u8(&w, FORMAT);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t head = w.used;

		if (!fields[i].present(s))
			continue;
		rota_write_u8(&w, fields[i].id);
		rota_write_le16(&w, 0);
		fields[i].write(&w, s);
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
	f->read(&r, s);
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
