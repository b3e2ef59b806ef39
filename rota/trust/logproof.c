/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/logproof.h"
#include "rota/base/base64.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define DASH "\xE2\x80\x94 " /* begins a signature line */

enum part { PART_HEAD, PART_EXTRA, PART_INDEX, PART_HASHES, PART_TEXT, PART_LINES };

static enum rota_err read_key(const struct rota_crypto *crypto, struct rota_reader *r,
	enum rota_note_kind kind, struct rota_note_key *out)
{
	out->kind = kind;
	out->name = rota_read_span(r, rota_read_u8(r));
	out->raw = rota_read_span(r, ROTA_P256_KEY_LEN);
	if (r->failed || !rota_note_name_valid(out->name))
		return ROTA_ERR_FORMAT;
	rota_note_key_id(crypto, out);
	return ROTA_OK;
}

/* Nobody counts twice, and the log is no witness of itself. */
static bool distinct(const struct rota_log_demand *d)
{
	for (uint8_t i = 0; i < d->count; i++) {
		if (rota_span_eq(d->witness[i].raw, d->log.raw))
			return false;
		for (uint8_t k = 0; k < i; k++) {
			if (rota_span_eq(d->witness[i].raw, d->witness[k].raw))
				return false;
		}
	}
	return true;
}

enum rota_err rota_log_demand_read(
	const struct rota_crypto *crypto, struct rota_span in, struct rota_log_demand *out)
{
	struct rota_reader r = rota_reader(in);

	out->need = rota_read_u8(&r);
	out->count = rota_read_u8(&r);
	if (out->count > ROTA_WITNESSES_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(read_key(crypto, &r, ROTA_NOTE_LOG_P256, &out->log));
	for (uint8_t i = 0; i < out->count; i++)
		ROTA_TRY(read_key(crypto, &r, ROTA_NOTE_WITNESS_P256, &out->witness[i]));
	ROTA_TRY(rota_reader_end(&r));
	if (out->need == 0 || out->need > out->count || !distinct(out))
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

static void write_key(struct rota_writer *w, const struct rota_note_key *key)
{
	rota_write_u8(w, (uint8_t)key->name.len);
	rota_write_span(w, key->name);
	rota_write_span(w, key->raw);
}

enum rota_err rota_log_demand_write(const struct rota_crypto *crypto,
	const struct rota_log_demand *demand, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);
	struct rota_log_demand back;

	if (demand->count > ROTA_WITNESSES_MAX)
		return ROTA_ERR_ARGUMENT;
	rota_write_u8(&w, demand->need);
	rota_write_u8(&w, demand->count);
	write_key(&w, &demand->log);
	for (uint8_t i = 0; i < demand->count; i++)
		write_key(&w, &demand->witness[i]);
	ROTA_TRY(rota_writer_end(&w, out));
	return rota_log_demand_read(crypto, *out, &back) == ROTA_OK ? ROTA_OK : ROTA_ERR_ARGUMENT;
}

void rota_logproof_begin(struct rota_logproof *p, const struct rota_crypto *crypto,
	const struct rota_log_demand *demand, struct rota_span path,
	const uint8_t sha256[static ROTA_SHA256_LEN])
{
	memset(p, 0, sizeof(*p));
	p->crypto = crypto;
	p->demand = demand;
	p->path = path;
	memcpy(p->sha256, sha256, sizeof(p->sha256));
}

/* What follows `word` on this line, whose newline is taken off. */
static enum rota_err after(struct rota_span line, struct rota_span word, struct rota_span *rest)
{
	if (!rota_span_starts(line, word))
		return ROTA_ERR_FORMAT;
	*rest = rota_span_skip(line, word.len);
	return ROTA_OK;
}

/* It says that this release was logged; what is kept of it is its hash. */
static enum rota_err take_leaf(struct rota_logproof *p, struct rota_span line)
{
	uint8_t room[ROTA_LEAF_MAX];
	struct rota_span letters, bytes;
	struct rota_leaf leaf;

	ROTA_TRY(after(line, ROTA_STR("extra "), &letters));
	bytes.p = room;
	ROTA_TRY(rota_base64_decode(letters, ROTA_BUF(room), &bytes.len));
	ROTA_TRY(rota_leaf_decode(bytes, &leaf));
	if (leaf.kind != ROTA_LEAF_RELEASE && leaf.kind != ROTA_LEAF_GRANTED)
		return ROTA_ERR_HASH;
	if (!rota_span_eq(leaf.path, p->path))
		return ROTA_ERR_HASH;
	if (memcmp(leaf.digest, p->sha256, sizeof(p->sha256)) != 0)
		return ROTA_ERR_HASH;
	rota_merkle_leaf(p->crypto, bytes, p->leaf);
	return ROTA_OK;
}

static enum rota_err take_index(struct rota_logproof *p, struct rota_span line)
{
	struct rota_span digits;

	ROTA_TRY(after(line, ROTA_STR("index "), &digits));
	return rota_note_decimal(digits, &p->index);
}

static enum rota_err take_hash(struct rota_logproof *p, struct rota_span line)
{
	size_t len;

	if (p->hashes == ROTA_MERKLE_PROOF_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_base64_decode(line, ROTA_BUF(p->hash[p->hashes]), &len));
	if (len != ROTA_SHA256_LEN)
		return ROTA_ERR_FORMAT;
	p->hashes++;
	return ROTA_OK;
}

static enum rota_err take_text(struct rota_logproof *p)
{
	if (p->line_len > sizeof(p->text) - p->text_len)
		return ROTA_ERR_LIMIT;
	memcpy(p->text + p->text_len, p->line, p->line_len);
	p->text_len = (uint16_t)(p->text_len + p->line_len);
	return ROTA_OK;
}

/* A line of a key of ours verifies, or the proof is refused; *is: it was of this key. */
static enum rota_err signed_by(
	const struct rota_logproof *p, const struct rota_note_key *key, bool *is)
{
	uint64_t time_s;
	enum rota_err err = rota_note_verify(p->crypto, key, rota_span(p->text, p->text_len),
		rota_span(p->line, p->line_len), &time_s);

	*is = err == ROTA_OK;
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err take_signature(struct rota_logproof *p)
{
	bool is;

	if (++p->lines > ROTA_NOTE_SIGS_MAX)
		return ROTA_ERR_LIMIT;
	if (p->passed_over)
		return ROTA_OK;
	ROTA_TRY(signed_by(p, &p->demand->log, &is));
	p->by_log = p->by_log || is;
	for (uint8_t i = 0; i < p->demand->count; i++) {
		ROTA_TRY(signed_by(p, &p->demand->witness[i], &is));
		p->by_witness |= (uint8_t)((unsigned)is << i);
	}
	return ROTA_OK;
}

/* A line is here, whole, or passed over. */
static enum rota_err take_line(struct rota_logproof *p)
{
	struct rota_span line = rota_span(p->line, p->line_len - 1u);

	switch ((enum part)p->part) {
	case PART_HEAD:
		p->part = PART_EXTRA;
		return rota_span_is(line, "c2sp.org/tlog-proof@v1") ? ROTA_OK
								    : ROTA_ERR_UNSUPPORTED;
	case PART_EXTRA:
		p->part = PART_INDEX;
		return take_leaf(p, line);
	case PART_INDEX:
		p->part = PART_HASHES;
		return take_index(p, line);
	case PART_HASHES:
		if (line.len > 0)
			return take_hash(p, line);
		p->part = PART_TEXT;
		return ROTA_OK;
	case PART_TEXT:
		if (line.len > 0)
			return take_text(p);
		p->part = PART_LINES;
		return ROTA_OK;
	case PART_LINES:
		return take_signature(p);
	}
	return ROTA_ERR_STATE;
}

static enum rota_err take_byte(struct rota_logproof *p, uint8_t byte)
{
	enum rota_err err;

	if (!p->passed_over && p->line_len == sizeof(p->line)) {
		/* only signatures of keys that we do not know are as long */
		if (p->part != PART_LINES || !rota_span_starts(ROTA_SPAN(p->line), ROTA_STR(DASH)))
			return ROTA_ERR_LIMIT;
		p->passed_over = true;
	}
	if (!p->passed_over)
		p->line[p->line_len++] = byte;
	if (byte != '\n')
		return ROTA_OK;
	err = take_line(p);
	p->line_len = 0;
	p->passed_over = false;
	return err;
}

enum rota_err rota_logproof_feed(struct rota_logproof *p, struct rota_span piece)
{
	if (p->err == ROTA_OK && piece.len > ROTA_LOGPROOF_MAX - p->fed)
		p->err = ROTA_ERR_LIMIT;
	for (size_t i = 0; i < piece.len && p->err == ROTA_OK; i++) {
		p->fed++;
		p->err = take_byte(p, piece.p[i]);
	}
	return p->err;
}

static unsigned bits(uint8_t of)
{
	unsigned count = 0;

	for (; of != 0; of &= (uint8_t)(of - 1))
		count++;
	return count;
}

/* The leaf stands in the tree of this checkpoint. */
static enum rota_err included(const struct rota_logproof *p, const struct rota_checkpoint *c)
{
	uint8_t root[ROTA_SHA256_LEN];

	ROTA_TRY(rota_merkle_inclusion(p->crypto, p->index, c->size, p->leaf,
		rota_span(p->hash, (size_t)p->hashes * ROTA_SHA256_LEN), root));
	return memcmp(root, c->root, sizeof(root)) == 0 ? ROTA_OK : ROTA_ERR_HASH;
}

enum rota_err rota_logproof_end(struct rota_logproof *p, struct rota_log_seen *seen)
{
	struct rota_checkpoint c;

	ROTA_TRY(p->err);
	if (p->part != PART_LINES || p->line_len > 0)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_checkpoint_read(rota_span(p->text, p->text_len), &c));
	if (!rota_span_eq(c.origin, p->demand->log.name))
		return ROTA_ERR_ROLE;
	if (!p->by_log)
		return ROTA_ERR_SIGNATURE;
	if (bits(p->by_witness) < p->demand->need)
		return ROTA_ERR_THRESHOLD;
	ROTA_TRY(included(p, &c));
	if (c.size == seen->size && memcmp(c.root, seen->root, sizeof(c.root)) != 0)
		return ROTA_ERR_VERSION;
	if (c.size > seen->size) {
		seen->size = c.size;
		memcpy(seen->root, c.root, sizeof(seen->root));
	}
	return ROTA_OK;
}

const struct rota_logproof_calls rota_logproof_calls = {
	.begin = rota_logproof_begin,
	.feed = rota_logproof_feed,
	.end = rota_logproof_end,
};
