/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/note.h"
#include "rota/base/base64.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/der.h"

#define DASH "\xE2\x80\x94 " /* U+2014 and a blank begin a signature line */
#define HEAD "cosignature/v1\ntime "
#define TIME_LEN 8
/* Longest that stands in base64 on a line that we read. */
#define BLOB_MAX (ROTA_NOTE_ID_LEN + TIME_LEN + ROTA_DER_ECDSA_MAX)
#define ROOT_LETTERS 44 /* base64 of 32 bytes */
#define DIGITS_MAX 20 /* of 2^64 - 1 */

bool rota_note_name_valid(struct rota_span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '+')
			return false;
	}
	return name.len > 0 && name.len <= ROTA_NOTE_NAME_MAX;
}

/* n by ten, and what is left; in steps that a microcontroller divides by itself. */
static uint8_t split_digit(uint64_t *n)
{
	uint64_t left = *n;
	uint32_t rest = 0;

	for (unsigned i = 0; i < 4; i++) {
		rest = rest << 16 | (uint32_t)(left >> 48);
		left <<= 16;
		*n = *n << 16 | rest / 10;
		rest %= 10;
	}
	return (uint8_t)rest;
}

static void write_decimal(struct rota_writer *w, uint64_t n)
{
	uint8_t digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	do
		digits[--at] = (uint8_t)('0' + split_digit(&n));
	while (n != 0);
	rota_write_span(w, rota_span(digits + at, sizeof(digits) - at));
}

enum rota_err rota_note_decimal(struct rota_span text, uint64_t *out)
{
	*out = 0;
	if (text.len == 0 || (text.p[0] == '0' && text.len > 1))
		return ROTA_ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)text.p[i] - '0';

		if (digit > 9 || *out > UINT64_MAX / 10 ||
			(*out == UINT64_MAX / 10 && digit > UINT64_MAX % 10))
			return ROTA_ERR_FORMAT;
		*out = *out * 10 + digit;
	}
	return ROTA_OK;
}

/* Where `byte` first stands; s.len where it does not. */
static size_t find(struct rota_span s, uint8_t byte)
{
	size_t at = 0;

	while (at < s.len && s.p[at] != byte)
		at++;
	return at;
}

struct rota_span rota_note_next(struct rota_span *rest)
{
	size_t at = find(*rest, '\n');
	struct rota_span line = rota_span_slice(*rest, 0, at < rest->len ? at + 1 : at);

	*rest = rota_span_skip(*rest, line.len);
	return line;
}

/* The same without its newline; *bad when it has none. */
static struct rota_span text_line(struct rota_span *rest, bool *bad)
{
	struct rota_span line = rota_note_next(rest);

	*bad = *bad || line.len == 0 || line.p[line.len - 1] != '\n';
	return rota_span_slice(line, 0, line.len > 0 ? line.len - 1 : 0);
}

enum rota_err rota_checkpoint_read(struct rota_span text, struct rota_checkpoint *out)
{
	struct rota_span rest = text, origin, size, root;
	size_t len = 0;
	bool bad = false;

	if (text.len > ROTA_NOTE_TEXT_MAX)
		return ROTA_ERR_LIMIT;
	origin = text_line(&rest, &bad);
	size = text_line(&rest, &bad);
	root = text_line(&rest, &bad);
	if (bad || rest.len > 0 || root.len != ROOT_LETTERS || !rota_note_name_valid(origin))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_note_decimal(size, &out->size));
	if (rota_base64_decode(root, ROTA_BUF(out->root), &len) != ROTA_OK ||
		len != sizeof(out->root))
		return ROTA_ERR_FORMAT;
	out->origin = origin;
	return ROTA_OK;
}

/* Base64 of at most BLOB_MAX bytes. */
static void write_base64(struct rota_writer *w, struct rota_span bytes)
{
	uint8_t letters[(BLOB_MAX + 2) / 3 * 4];
	size_t len = 0;

	w->failed = w->failed || rota_base64_encode(bytes, ROTA_BUF(letters), &len) != ROTA_OK;
	rota_write_span(w, rota_span(letters, len));
}

enum rota_err rota_checkpoint_write(
	const struct rota_checkpoint *c, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	if (!rota_note_name_valid(c->origin))
		return ROTA_ERR_ARGUMENT;
	rota_write_span(&w, c->origin);
	rota_write_u8(&w, '\n');
	write_decimal(&w, c->size);
	rota_write_u8(&w, '\n');
	write_base64(&w, ROTA_SPAN(c->root));
	rota_write_u8(&w, '\n');
	return rota_writer_end(&w, out);
}

enum rota_err rota_note_message(const struct rota_note_key *key, struct rota_span text,
	uint64_t time_s, struct rota_buf room, struct rota_span *message)
{
	struct rota_writer w = rota_writer(room);

	*message = text;
	if (!rota_note_is_witness(key->kind))
		return ROTA_OK;
	rota_write_span(&w, ROTA_STR(HEAD));
	write_decimal(&w, time_s);
	rota_write_u8(&w, '\n');
	rota_write_span(&w, text);
	return rota_writer_end(&w, message);
}

enum rota_err rota_note_line(const struct rota_note_key *key, uint64_t time_s, struct rota_span sig,
	struct rota_buf room, struct rota_span *line)
{
	uint8_t bytes[BLOB_MAX], der[ROTA_DER_ECDSA_MAX];
	struct rota_writer blob = rota_writer(ROTA_BUF(bytes)), w = rota_writer(room);

	if (sig.len != ROTA_NOTE_SIG_LEN || !rota_note_name_valid(key->name))
		return ROTA_ERR_ARGUMENT;
	if (key->kind == ROTA_NOTE_LOG_P256)
		ROTA_TRY(rota_der_ecdsa_encode(sig, ROTA_BUF(der), &sig));
	rota_write_span(&blob, ROTA_SPAN(key->id));
	if (rota_note_is_witness(key->kind))
		rota_write_be64(&blob, time_s);
	rota_write_span(&blob, sig);
	rota_write_span(&w, ROTA_STR(DASH));
	rota_write_span(&w, key->name);
	rota_write_u8(&w, ' ');
	write_base64(&w, rota_writer_span(&blob));
	rota_write_u8(&w, '\n');
	return rota_writer_end(&w, line);
}

/* The letters behind the name; empty when the line is of another name. */
static enum rota_err find_letters(
	const struct rota_note_key *key, struct rota_span line, struct rota_span *letters)
{
	struct rota_span rest = rota_span_skip(line, sizeof(DASH) - 1);
	size_t name;

	*letters = rota_span(NULL, 0);
	if (!rota_span_starts(line, ROTA_STR(DASH)) || line.p[line.len - 1] != '\n')
		return ROTA_ERR_FORMAT;
	name = find(rest, ' ');
	if (name == 0 || name == rest.len)
		return ROTA_ERR_FORMAT;
	if (rota_span_eq(rota_span_slice(rest, 0, name), key->name))
		*letters = rota_span_slice(rest, name + 1, rest.len - name - 2);
	return ROTA_OK;
}

/* What stands behind the id. */
static enum rota_err take_sig(
	const struct rota_note_key *key, struct rota_span blob, uint64_t *time_s, uint8_t *sig)
{
	struct rota_reader r = rota_reader(blob);

	*time_s = rota_note_is_witness(key->kind) ? rota_read_be64(&r) : 0;
	if (key->kind == ROTA_NOTE_LOG_P256)
		return rota_der_ecdsa_decode(r.rest, rota_buf(sig, ROTA_NOTE_SIG_LEN));
	rota_read_bytes(&r, rota_buf(sig, ROTA_NOTE_SIG_LEN));
	return rota_reader_end(&r);
}

enum rota_err rota_note_line_read(const struct rota_note_key *key, struct rota_span line,
	uint64_t *time_s, uint8_t sig[static ROTA_NOTE_SIG_LEN])
{
	uint8_t blob[BLOB_MAX];
	struct rota_span letters;
	size_t len = 0;

	ROTA_TRY(find_letters(key, line, &letters));
	/* Eight letters have the id; what another kind of key of that name has behind it is not ours to read. */
	if (letters.len < 8)
		return letters.len > 0 ? ROTA_ERR_FORMAT : ROTA_ERR_NOT_FOUND;
	ROTA_TRY(rota_base64_decode(rota_span_slice(letters, 0, 8), ROTA_BUF(blob), &len));
	if (len < sizeof(key->id) || memcmp(blob, key->id, sizeof(key->id)) != 0)
		return ROTA_ERR_NOT_FOUND;
	if (rota_base64_decode(letters, ROTA_BUF(blob), &len) != ROTA_OK)
		return ROTA_ERR_FORMAT;
	return take_sig(key, rota_span_skip(rota_span(blob, len), sizeof(key->id)), time_s, sig);
}

enum rota_err rota_note_split(
	struct rota_span note, struct rota_span *text, struct rota_span *lines)
{
	size_t at = note.len;

	if (note.len == 0 || note.p[note.len - 1] != '\n')
		return ROTA_ERR_FORMAT;
	while (at > 2 && !(note.p[at - 1] == '\n' && note.p[at - 2] == '\n'))
		at--;
	if (at <= 2)
		return ROTA_ERR_FORMAT;
	*text = rota_span_slice(note, 0, at - 1);
	*lines = rota_span_skip(note, at);
	return ROTA_OK;
}
