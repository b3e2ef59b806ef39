/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/logproof.h -- does the log have this release, and did enough witnesses see that? (SPEC 22.3)
 *
 * A proof is a text (C2SP tlog-proof):
 *
 *     c2sp.org/tlog-proof@v1
 *     extra BASE64               the leaf
 *     index N                    where it stands
 *     BASE64                     hashes of the inclusion proof, at most ROTA_MERKLE_PROOF_MAX
 *
 *     checkpoint with the log's signature and those of witnesses
 *
 * It is fed in pieces of any size. Kept are a line, the hashes and the checkpoint's text, under 3 KB; each signature is
 * verified as its line comes. Nothing holds before rota_logproof_end() said so. Linked only into programs that name it.
 */
#ifndef ROTA_TRUST_LOGPROOF_H
#define ROTA_TRUST_LOGPROOF_H

#include "rota/codec/leaf.h"
#include "rota/codec/note.h"
#include "rota/crypto/merkle.h"

#define ROTA_LOGPROOF_MAX 16384 /* bytes of a proof: cosignatures of keys that are not ours too */
#define ROTA_WITNESSES_MAX 8
/* "extra ", base64 of the longest leaf, newline */
#define ROTA_LOGPROOF_LINE_MAX (6 + (ROTA_LEAF_MAX + 2) / 3 * 4 + 1)

/* What a device wants to see. Of its ROM (SPEC 12.1, field 11). */
struct rota_log_demand {
	struct rota_note_key log; /* its name is the log's origin */
	uint8_t need; /* witnesses that must have cosigned, from 1 */
	uint8_t count;
	struct rota_note_key witness[ROTA_WITNESSES_MAX]; /* distinct keys */
};

/* The value of that field: need (u8), count (u8), then the log and each witness: length (u8) of its name || name ||
 * P-256 point (65). Names point into it. ROTA_ERR_FORMAT: not the layout, a name that is none, nobody or more than are
 * there needed, a key that stands twice. ROTA_ERR_LIMIT: more than ROTA_WITNESSES_MAX. */
ROTA_MUST_USE enum rota_err rota_log_demand_read(
	const struct rota_crypto *crypto, struct rota_span in, struct rota_log_demand *out);

/* What read would refuse, or a key that is not on P-256, is ROTA_ERR_ARGUMENT; too little room ROTA_ERR_LIMIT. */
ROTA_MUST_USE enum rota_err rota_log_demand_write(const struct rota_crypto *crypto,
	const struct rota_log_demand *demand, struct rota_buf room, struct rota_span *out);

/* The largest checkpoint that was ever seen; size 0: none. */
struct rota_log_seen {
	uint64_t size;
	uint8_t root[ROTA_SHA256_LEN];
};

struct rota_logproof {
	const struct rota_crypto *crypto;
	const struct rota_log_demand *demand;
	struct rota_span path;
	uint8_t sha256[ROTA_SHA256_LEN];
	enum rota_err err; /* the first; sticks */
	uint8_t part; /* which line comes next */
	uint8_t hashes, lines; /* so many came */
	bool passed_over; /* the rest of a line that is too long to be of a key of ours */
	bool by_log; /* the log's own signature verified */
	uint8_t by_witness; /* bit n: that of demand->witness[n] */
	uint16_t line_len, text_len;
	uint32_t fed;
	uint64_t index;
	uint8_t leaf[ROTA_SHA256_LEN]; /* its hash in the tree */
	uint8_t hash[ROTA_MERKLE_PROOF_MAX][ROTA_SHA256_LEN];
	uint8_t text[ROTA_NOTE_TEXT_MAX];
	uint8_t line[ROTA_LOGPROOF_LINE_MAX];
};

/* The release.json at `path` that has this digest; `demand` and `path` stay in use. */
void rota_logproof_begin(struct rota_logproof *p, const struct rota_crypto *crypto,
	const struct rota_log_demand *demand, struct rota_span path,
	const uint8_t sha256[static ROTA_SHA256_LEN]);

/* The next bytes of the proof. The error sticks: what follows is not read.
 *
 * ROTA_ERR_HASH       the leaf is of another release, or not one of kind RELEASE or GRANTED
 * ROTA_ERR_SIGNATURE  a line of the log's key, or of a witness of ours, does not verify
 * ROTA_ERR_FORMAT, ROTA_ERR_LIMIT, ROTA_ERR_UNSUPPORTED (a leaf of another format, a scheme that `crypto` has not) */
ROTA_MUST_USE enum rota_err rota_logproof_feed(struct rota_logproof *p, struct rota_span piece);

/* All was fed. *seen rises with ROTA_OK only, to the checkpoint of the proof if that is larger: a smaller one is no
 * error, as a proof is made once and the log goes on.
 *
 * ROTA_ERR_FORMAT     it ends too early, or the proof has too few or too many hashes
 * ROTA_ERR_ROLE       the checkpoint is of another log
 * ROTA_ERR_SIGNATURE  the log did not sign it
 * ROTA_ERR_THRESHOLD  fewer than demand->need witnesses did
 * ROTA_ERR_HASH       the leaf is not in that tree
 * ROTA_ERR_VERSION    it has the size of the checkpoint seen and another root: the log is two logs
 * and the error of feed, if there was one. */
ROTA_MUST_USE enum rota_err rota_logproof_end(struct rota_logproof *p, struct rota_log_seen *seen);

/* The three, for who is to carry them only in programs that name this. */
struct rota_logproof_calls {
	void (*begin)(struct rota_logproof *p, const struct rota_crypto *crypto,
		const struct rota_log_demand *demand, struct rota_span path,
		const uint8_t sha256[static ROTA_SHA256_LEN]);
	enum rota_err (*feed)(struct rota_logproof *p, struct rota_span piece);
	enum rota_err (*end)(struct rota_logproof *p, struct rota_log_seen *seen);
};

extern const struct rota_logproof_calls rota_logproof_calls;

#endif
