/* SPDX-License-Identifier: Apache-2.0 */
/* What can be is said once, in agrees(): decoding refuses the rest, and encoding does not write it. */
#include "rota/store/keystate.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FORMAT 1
#define OPTIONAL_ID 0x80 /* SPEC 11.1 */
#define FIELD_HEAD_LEN 3
#define SLOT_FLAGS (ROTA_KEY_PROVED | ROTA_KEY_SENT)
#define CIPHER_MAX 2 /* SPEC 31.2 */
#define FLAGS (ROTA_KEYS_GONE | ROTA_KEYS_ANEW)
#define WRAP_PLACES 2 /* what holds data keys: the seed does not */

enum field_id {
	CORE = 0x01,
	SEEN = 0x02,
	NUMBERS = 0x03,
	SLOTS = 0x04,
	FACTORY = 0x06,
	USED = 0x80,
	REPORT = 0x81,
};

/* ---- slots ---- */

/* Order of slots: by (purpose, state). */
static unsigned rank(const struct rota_key_slot *slot)
{
	return slot->purpose * 4u + slot->state;
}

/* Where a slot of that rank stands, or would. */
static uint8_t place_of(const struct rota_keystate *s, unsigned wanted)
{
	uint8_t i = 0;

	while (i < s->slot_count && rank(&s->slot[i]) < wanted)
		i++;
	return i;
}

struct rota_key_slot *rota_keystate_slot(
	struct rota_keystate *s, uint8_t purpose, enum rota_key_slot_state state)
{
	unsigned wanted = purpose * 4u + (unsigned)state;
	uint8_t i = place_of(s, wanted);

	return i < s->slot_count && rank(&s->slot[i]) == wanted ? &s->slot[i] : NULL;
}

const struct rota_key_slot *rota_keystate_generation(
	const struct rota_keystate *s, uint8_t purpose, uint32_t generation)
{
	for (uint8_t i = 0; i < s->slot_count; i++) {
		if (s->slot[i].purpose == purpose && s->slot[i].generation == generation)
			return &s->slot[i];
	}
	return NULL;
}

enum rota_err rota_keystate_put(struct rota_keystate *s, const struct rota_key_slot *slot)
{
	uint8_t i = place_of(s, rank(slot));

	if (i == s->slot_count || rank(&s->slot[i]) != rank(slot)) {
		if (s->slot_count == ROTA_KEY_SLOTS_MAX)
			return ROTA_ERR_FULL;
		memmove(&s->slot[i + 1], &s->slot[i],
			(size_t)(s->slot_count - i) * sizeof(s->slot[0]));
		s->slot_count++;
	}
	s->slot[i] = *slot;
	return ROTA_OK;
}

void rota_keystate_remove(struct rota_keystate *s, uint8_t purpose, enum rota_key_slot_state state)
{
	unsigned wanted = purpose * 4u + (unsigned)state;
	uint8_t i = place_of(s, wanted);

	if (i == s->slot_count || rank(&s->slot[i]) != wanted)
		return;
	s->slot_count--;
	memmove(&s->slot[i], &s->slot[i + 1], (size_t)(s->slot_count - i) * sizeof(s->slot[0]));
}

/* ---- what can be ---- */

static bool slot_agrees(const struct rota_keystate *s, const struct rota_key_slot *slot)
{
	bool proved = (slot->flags & ROTA_KEY_PROVED) != 0;

	return slot->purpose >= 1 && slot->purpose <= ROTA_PURPOSES_MAX &&
		slot->state >= ROTA_KEY_PREVIOUS && slot->state <= ROTA_KEY_STAGED &&
		slot->cipher >= 1 && slot->cipher <= CIPHER_MAX &&
		(slot->flags & ~SLOT_FLAGS) == 0 && (proved || slot->state == ROTA_KEY_STAGED) &&
		slot->generation >= 1 && slot->generation <= s->of[slot->purpose - 1].highest &&
		(slot->state != ROTA_KEY_STAGED || slot->until_s >= slot->activation_s) &&
		slot->wrapped[0] < WRAP_PLACES;
}

/* Ascending by (purpose, state), and within a purpose by generation. */
static bool in_order(const struct rota_key_slot *before, const struct rota_key_slot *after)
{
	return before->purpose < after->purpose ||
		(rank(before) < rank(after) && before->generation < after->generation);
}

static bool slots_agree(const struct rota_keystate *s)
{
	if (s->slot_count > ROTA_KEY_SLOTS_MAX)
		return false;
	for (uint8_t i = 0; i < s->slot_count; i++) {
		if (!slot_agrees(s, &s->slot[i]) ||
			(i > 0 && !in_order(&s->slot[i - 1], &s->slot[i])))
			return false;
	}
	return true;
}

static bool agrees(const struct rota_keystate *s)
{
	bool gone = (s->flags & ROTA_KEYS_GONE) != 0;

	return s->wrap < WRAP_PLACES && s->agree <= 1 &&
		(s->agree_next == ROTA_KEY_PLACE_NONE || s->agree_next == 1 - s->agree) &&
		(s->flags & ~FLAGS) == 0 && s->counter >= 1 &&
		(!gone || (s->slot_count == 0 && !s->has_factory)) &&
		(!s->has_factory || s->factory[0] == ROTA_ROT_SEED) && slots_agree(s);
}

/* ---- writing ---- */

/* The head of a field, whose length is known after it: end_field(). */
static size_t begin_field(struct rota_writer *w, enum field_id id)
{
	rota_write_u8(w, (uint8_t)id);
	rota_write_le16(w, 0);
	return w->used;
}

static void end_field(struct rota_writer *w, size_t from)
{
	rota_rewrite_le16(w, from - 2, (uint16_t)(w->used - from));
}

static void write_core(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from = begin_field(w, CORE);

	rota_write_le32(w, s->binding);
	rota_write_u8(w, s->wrap);
	rota_write_u8(w, s->agree);
	rota_write_u8(w, s->agree_next);
	rota_write_u8(w, s->flags);
	rota_write_le32(w, s->counter);
	rota_write_le32(w, s->statements);
	rota_write_le32(w, s->opening);
	end_field(w, from);
}

static void write_seen(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from;

	if (s->seen[ROTA_KEYS_LINK].sequence == 0 && s->seen[ROTA_KEYS_STORE].sequence == 0)
		return;
	from = begin_field(w, SEEN);
	for (unsigned i = 0; i < ROTA_KEYS_ROLES; i++) {
		rota_write_le64(w, s->seen[i].sequence);
		rota_write_span(w, ROTA_SPAN(s->seen[i].sha256));
	}
	end_field(w, from);
}

static void write_numbers(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from = begin_field(w, NUMBERS);

	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		if (s->of[i].highest == 0 && s->of[i].retired == 0)
			continue;
		rota_write_u8(w, (uint8_t)(i + 1));
		rota_write_le32(w, s->of[i].highest);
		rota_write_le32(w, s->of[i].retired);
	}
	end_field(w, from);
}

static void write_slots(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from = begin_field(w, SLOTS);

	for (uint8_t i = 0; i < s->slot_count; i++) {
		const struct rota_key_slot *slot = &s->slot[i];

		rota_write_u8(w, slot->purpose);
		rota_write_u8(w, slot->state);
		rota_write_u8(w, slot->cipher);
		rota_write_u8(w, slot->flags);
		rota_write_le32(w, slot->generation);
		rota_write_le64(w, slot->activation_s);
		rota_write_le64(w, slot->until_s);
		rota_write_span(w, ROTA_SPAN(slot->campaign));
		rota_write_span(w, ROTA_SPAN(slot->wrapped));
	}
	end_field(w, from);
}

static void write_factory(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from;

	if (!s->has_factory)
		return;
	from = begin_field(w, FACTORY);
	rota_write_span(w, ROTA_SPAN(s->factory));
	end_field(w, from);
}

static void write_used(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from = begin_field(w, USED);

	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		if (s->of[i].used == 0)
			continue;
		rota_write_u8(w, (uint8_t)(i + 1));
		rota_write_le64(w, s->of[i].used);
	}
	end_field(w, from);
}

static void write_report(struct rota_writer *w, const struct rota_keystate *s)
{
	size_t from;

	if (s->report.at_s == 0)
		return;
	from = begin_field(w, REPORT);
	rota_write_le32(w, s->report.at_s);
	rota_write_u8(w, s->report.taken);
	rota_write_span(w, ROTA_SPAN(s->report.generations));
	rota_write_span(w, ROTA_SPAN(s->report.all));
	end_field(w, from);
}

enum rota_err rota_keystate_encode(
	const struct rota_keystate *s, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	*out = rota_span(NULL, 0);
	if (!agrees(s))
		return ROTA_ERR_ARGUMENT;
	rota_write_u8(&w, FORMAT);
	write_core(&w, s);
	write_seen(&w, s);
	write_numbers(&w, s);
	write_slots(&w, s);
	write_factory(&w, s);
	write_used(&w, s);
	write_report(&w, s);
	return rota_writer_end(&w, out);
}

/* ---- reading ---- */

static void read_core(struct rota_reader *r, struct rota_keystate *s)
{
	s->binding = rota_read_le32(r);
	s->wrap = rota_read_u8(r);
	s->agree = rota_read_u8(r);
	s->agree_next = rota_read_u8(r);
	s->flags = rota_read_u8(r);
	s->counter = rota_read_le32(r);
	s->statements = rota_read_le32(r);
	s->opening = rota_read_le32(r);
}

static void read_seen(struct rota_reader *r, struct rota_keystate *s)
{
	for (unsigned i = 0; i < ROTA_KEYS_ROLES; i++) {
		s->seen[i].sequence = rota_read_le64(r);
		rota_read_bytes(r, ROTA_BUF(s->seen[i].sha256));
	}
}

/* The next purpose of a list, each higher than the one before. NULL: failed. */
static struct rota_key_numbers *read_purpose(
	struct rota_reader *r, struct rota_keystate *s, uint8_t *last)
{
	uint8_t purpose = rota_read_u8(r);

	if (purpose > *last && purpose <= ROTA_PURPOSES_MAX) {
		*last = purpose;
		return &s->of[purpose - 1];
	}
	rota_reader_fail(r);
	return NULL;
}

static void read_numbers(struct rota_reader *r, struct rota_keystate *s)
{
	struct rota_key_numbers *of;
	uint8_t last = 0;

	while (r->rest.len > 0 && (of = read_purpose(r, s, &last)) != NULL) {
		of->highest = rota_read_le32(r);
		of->retired = rota_read_le32(r);
	}
}

static void read_used(struct rota_reader *r, struct rota_keystate *s)
{
	struct rota_key_numbers *of;
	uint8_t last = 0;

	while (r->rest.len > 0 && (of = read_purpose(r, s, &last)) != NULL)
		of->used = rota_read_le64(r);
}

static void read_slots(struct rota_reader *r, struct rota_keystate *s)
{
	while (r->rest.len > 0 && !r->failed && s->slot_count < ROTA_KEY_SLOTS_MAX) {
		struct rota_key_slot *slot = &s->slot[s->slot_count++];

		slot->purpose = rota_read_u8(r);
		slot->state = rota_read_u8(r);
		slot->cipher = rota_read_u8(r);
		slot->flags = rota_read_u8(r);
		slot->generation = rota_read_le32(r);
		slot->activation_s = rota_read_le64(r);
		slot->until_s = rota_read_le64(r);
		rota_read_bytes(r, ROTA_BUF(slot->campaign));
		rota_read_bytes(r, ROTA_BUF(slot->wrapped));
	}
}

static void read_factory(struct rota_reader *r, struct rota_keystate *s)
{
	s->has_factory = true;
	rota_read_bytes(r, ROTA_BUF(s->factory));
}

static void read_report(struct rota_reader *r, struct rota_keystate *s)
{
	uint8_t taken;

	s->report.at_s = rota_read_le32(r);
	taken = rota_read_u8(r);
	s->report.taken = taken == 1;
	if (s->report.at_s == 0 || taken > 1)
		rota_reader_fail(r);
	rota_read_bytes(r, ROTA_BUF(s->report.generations));
	rota_read_bytes(r, ROTA_BUF(s->report.all));
}

static enum rota_err read_field(uint8_t id, struct rota_span value, struct rota_keystate *s)
{
	struct rota_reader r = rota_reader(value);

	switch (id) {
	case CORE:
		read_core(&r, s);
		break;
	case SEEN:
		read_seen(&r, s);
		break;
	case NUMBERS:
		read_numbers(&r, s);
		break;
	case SLOTS:
		read_slots(&r, s);
		break;
	case FACTORY:
		read_factory(&r, s);
		break;
	case USED:
		read_used(&r, s);
		break;
	case REPORT:
		read_report(&r, s);
		break;
	default: /* of a later release */
		return id < OPTIONAL_ID ? ROTA_ERR_UNSUPPORTED : ROTA_OK;
	}
	return rota_reader_end(&r);
}

enum rota_err rota_keystate_decode(struct rota_span in, struct rota_keystate *out)
{
	struct rota_reader r = rota_reader(in);
	uint8_t last = 0;

	memset(out, 0, sizeof(*out));
	if (in.len == 0)
		return ROTA_ERR_FORMAT;
	if (rota_read_u8(&r) != FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	while (r.rest.len > 0) {
		uint8_t id = rota_read_u8(&r);
		size_t len = rota_read_le16(&r);
		struct rota_span value = rota_read_span(&r, len);

		if (r.failed || id <= last)
			return ROTA_ERR_FORMAT;
		ROTA_TRY(read_field(id, value, out));
		last = id;
	}
	return agrees(out) ? ROTA_OK : ROTA_ERR_FORMAT;
}
