/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/note.h -- signed notes, checkpoints of a log, and cosignatures of witnesses (SPEC 21.5, 22.1).
 *
 * A note (C2SP signed-note) is a text, an empty line, and lines of signatures:
 *
 *     ORIGIN                                    the log's name
 *     SIZE                                      leaves, decimal
 *     BASE64 of the root
 *
 *     — NAME BASE64 of id (4) || signature
 *
 * The name and the four bytes of id say which key a line is of. Lines of keys that nobody named are passed over,
 * however they look behind the name; a line of a key that is known and does not verify makes the whole note bad, since
 * nobody honest writes one.
 *
 * | kind            | id: first 4 bytes of SHA-256 of          | signed                    | signature           |
 * | LOG_P256        | the key's SubjectPublicKeyInfo DER       | the text                  | DER, P-256, SHA-256 |
 * | LOG_ED25519     | name, LF, 01, key                        | the text                  | 64 bytes            |
 * | WITNESS_ED25519 | name, LF, 04, key                        | head with a time and text | time (u64 BE), 64   |
 * | WITNESS_P256    | name, LF, ff "rota.invalid/p256-v1", key | head with a time and text | time (u64 BE), r, s |
 *
 * The head is "cosignature/v1\ntime N\n" (C2SP tlog-cosignature). LOG_P256 is what github.com/transparency-dev writes,
 * the two of Ed25519 are C2SP's; WITNESS_P256 is ours, as C2SP has none that a microcontroller without Ed25519 verifies.
 *
 * Of a name only printable ASCII without blank and `+` is taken.
 */
#ifndef ROTA_CODEC_NOTE_H
#define ROTA_CODEC_NOTE_H

#include "rota/port/crypto.h"

#define ROTA_NOTE_NAME_MAX 128 /* room for a host and a product, twice over */
#define ROTA_NOTE_TEXT_MAX                                                                         \
	320 /* of a checkpoint: name, 20 digits, 44 letters, newlines; cosigned, the head before */
#define ROTA_NOTE_LINE_MAX                                                                         \
	320 /* dash, name, base64 of 4 + 8 + 72 bytes; longer ones are of keys that we have none of */
#define ROTA_NOTE_SIGS_MAX 16 /* signature lines: as many as C2SP wants readers to take */
#define ROTA_NOTE_ID_LEN 4
#define ROTA_NOTE_SIG_LEN 64

enum rota_note_kind {
	ROTA_NOTE_LOG_P256,
	ROTA_NOTE_LOG_ED25519,
	ROTA_NOTE_WITNESS_ED25519,
	ROTA_NOTE_WITNESS_P256,
};

/* A key that somebody named. Its spans stay in use. */
struct rota_note_key {
	enum rota_note_kind kind;
	struct rota_span name;
	struct rota_span raw; /* as rota/port/crypto.h: 65 bytes of P-256, 32 of Ed25519 */
	uint8_t id[ROTA_NOTE_ID_LEN];
};

struct rota_checkpoint {
	struct rota_span origin; /* points into the text */
	uint64_t size;
	uint8_t root[ROTA_SHA256_LEN];
};

/* A number as it stands in such texts, in its one spelling: no sign, no leading zero. ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err rota_note_decimal(struct rota_span text, uint64_t *out);

bool rota_note_name_valid(struct rota_span name);

static inline bool rota_note_is_witness(enum rota_note_kind kind)
{
	return kind == ROTA_NOTE_WITNESS_ED25519 || kind == ROTA_NOTE_WITNESS_P256;
}

/* Fill `id` from kind, name and raw. */
void rota_note_key_id(const struct rota_crypto *crypto, struct rota_note_key *key);

/* Three lines and nothing behind them: extension lines are not taken. ROTA_ERR_FORMAT, ROTA_ERR_LIMIT (longer than
 * ROTA_NOTE_TEXT_MAX). */
ROTA_MUST_USE enum rota_err rota_checkpoint_read(
	struct rota_span text, struct rota_checkpoint *out);

/* ROTA_ERR_ARGUMENT: the origin is no name. ROTA_ERR_LIMIT: no room; ROTA_NOTE_TEXT_MAX is enough. */
ROTA_MUST_USE enum rota_err rota_checkpoint_write(
	const struct rota_checkpoint *c, struct rota_buf room, struct rota_span *out);

/* What `key` signs for this text: the text itself, or for a witness the head with `time_s` and the text, in `room`
 * (ROTA_NOTE_TEXT_MAX is enough for a checkpoint). ROTA_ERR_LIMIT: no room. */
ROTA_MUST_USE enum rota_err rota_note_message(const struct rota_note_key *key,
	struct rota_span text, uint64_t time_s, struct rota_buf room, struct rota_span *message);

/* A signature line with its newline, from the raw signature (64 bytes; for P-256 r || s). time_s: of a witness.
 * ROTA_ERR_ARGUMENT: no name, or `sig` of another length. ROTA_ERR_LIMIT: no room; ROTA_NOTE_LINE_MAX is enough. */
ROTA_MUST_USE enum rota_err rota_note_line(const struct rota_note_key *key, uint64_t time_s,
	struct rota_span sig, struct rota_buf room, struct rota_span *line);

/* Read a line with its newline: the raw signature, and a witness's time (0 of a log).
 * ROTA_ERR_NOT_FOUND: of another key, to be passed over. ROTA_ERR_FORMAT: no signature line, or one of this key that is
 * malformed. */
ROTA_MUST_USE enum rota_err rota_note_line_read(const struct rota_note_key *key,
	struct rota_span line, uint64_t *time_s, uint8_t sig[static ROTA_NOTE_SIG_LEN]);

/* The same, and does it verify over `text`? ROTA_ERR_SIGNATURE: no. ROTA_ERR_UNSUPPORTED: a scheme that `crypto` does
 * not have. ROTA_ERR_LIMIT: the text is longer than a checkpoint. */
ROTA_MUST_USE enum rota_err rota_note_verify(const struct rota_crypto *crypto,
	const struct rota_note_key *key, struct rota_span text, struct rota_span line,
	uint64_t *time_s);

/* A note in two: its text, with the newline at its end, and its signature lines. They are apart where the last empty
 * line is, as a text may have some. ROTA_ERR_FORMAT: there is none, or no newline at the end. */
ROTA_MUST_USE enum rota_err rota_note_split(
	struct rota_span note, struct rota_span *text, struct rota_span *lines);

/* The next line with its newline, taken off `rest`; empty at the end. */
struct rota_span rota_note_next(struct rota_span *rest);

/* Who of `keys` (at most 32) signed this note: bit n of *who for keys[n]. Text and lines point into the note.
 * ROTA_ERR_FORMAT: no note, a line that is none, or a malformed one of a known key. ROTA_ERR_SIGNATURE: one of a known
 * key that does not verify. ROTA_ERR_LIMIT: more than ROTA_NOTE_SIGS_MAX lines. ROTA_ERR_UNSUPPORTED: as above. */
ROTA_MUST_USE enum rota_err rota_note_open(const struct rota_crypto *crypto, struct rota_span note,
	const struct rota_note_key *keys, size_t count, struct rota_span *text, uint32_t *who);

#endif
