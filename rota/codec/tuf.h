/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/tuf.h -- TUF metadata files as a stream of typed events.
 *
 * One decoder for root, timestamp, snapshot and targets (TUF 4). Bytes go in, in pieces of any size; out
 * come the signatures, the canonical bytes of `signed`, keys, roles, delegations, metadata entries and
 * targets, one at a time, in the file's order, which is canonical: signatures before what they sign, the
 * keys of a section before the roles that use them, delegations before targets. Nothing is collected
 * here, so nothing here grows with a repository. What it means is for rota/trust and rota/update.
 *
 * Unknown members are skipped; a known member of the wrong type, or a required one that is missing, is
 * ROTA_ERR_FORMAT (SPEC 2.5, 3). Nothing may be believed before the file was verified to its last byte.
 */
#ifndef ROTA_CODEC_TUF_H
#define ROTA_CODEC_TUF_H

#include "rota/base/num.h"
#include "rota/codec/json.h"
#include "rota/port/crypto.h"

/* Longest key type and longest scheme in use, "ecdsa-sha2-nistp256". */
#define ROTA_TUF_KEYTYPE_MAX 19

/* Longest key id (SPEC 3.3), and so the least room for a string value. */
#define ROTA_TUF_KEYID_MAX 128

/* What metadata calls itself by type, before ROTA_TUF_NONE: also the names of the top-level roles. */
#define ROTA_TUF_TYPE_ROOM 10

enum rota_tuf_type {
	ROTA_TUF_ROOT,
	ROTA_TUF_TIMESTAMP,
	ROTA_TUF_SNAPSHOT,
	ROTA_TUF_TARGETS, /* top-level and delegated */
	ROTA_TUF_NONE, /* JSON that the caller reads himself, from the member json on */
};

extern const char rota_tuf_types[][ROTA_TUF_TYPE_ROOM];

enum rota_tuf_event_kind {
	ROTA_TUF_SIGNATURE, /* id: key id; text: the signature as written (hex) */
	ROTA_TUF_KEY, /* id: key id; keytype, scheme; text: public. Each may be empty: too long to be known */
	ROTA_TUF_ROLE, /* of root. id: its name; threshold */
	ROTA_TUF_DELEGATION, /* id: role name; threshold; terminating */
	ROTA_TUF_BINS, /* succinct delegations (TAP 15): id: name prefix; threshold; bits; its key ids before */
	ROTA_TUF_META, /* id: file name; file */
	ROTA_TUF_TARGET, /* id: target path; file */
	ROTA_TUF_SIGNED, /* the signed part begins: canonical bytes follow */
	ROTA_TUF_ROLE_KEYID, /* text: a key id of the role or delegation that comes next */
	ROTA_TUF_ROLE_PATH, /* text: a path pattern of that delegation */
	ROTA_TUF_ROLE_PREFIX, /* text: a path hash prefix of that delegation */
};

/* What is listed of a metadata file or a target. */
struct rota_tuf_file {
	rota_num version; /* of metadata */
	rota_num length; /* 0: not listed, or a target that is empty */
	bool has_sha256;
	uint8_t sha256[ROTA_SHA256_LEN];
};

/* Beyond what its kind says above, the members of an event mean nothing. */
struct rota_tuf_event {
	enum rota_tuf_event_kind kind;
	bool terminating;
	rota_num bits; /* of the path's digest that name the bin, 1 to 32 */
	rota_num threshold;
	struct rota_span id;
	struct rota_span text;
	union { /* a key is no file */
		struct {
			struct rota_span keytype;
			struct rota_span scheme;
		};
		struct rota_tuf_file file;
	};
};

/* Members that stand once in `signed`. Times are seconds since 1970; 0: absent. */
struct rota_tuf_head {
	rota_num version;
	rota_num expires_s;
	rota_num issued_s; /* x-rota-issued */
	rota_num not_before_s; /* x-rota-not-before */
	rota_num slot_end_s; /* x-rota-slot-end */
	bool consistent_snapshot;
};

struct rota_tuf;

/* Who takes what comes out holds the decoder in a struct of his own, as with ROTA_JSON_OWNER(). */
struct rota_tuf_sink {
	/* An error ends the file with it. Spans are valid during the call. */
	enum rota_err (*event)(struct rota_tuf *d, const struct rota_tuf_event *e);
	/* Canonical bytes of `signed`, in order. */
	void (*signed_bytes)(struct rota_tuf *d, struct rota_span bytes);
};

/* Where strings go; in use until the file has ended. */
struct rota_tuf_room {
	/* value: at least ROTA_TUF_KEYID_MAX, the longest signature and the longest public key as text. A longer
	 * string is ROTA_ERR_LIMIT where it matters.
	 * names: the longest path or role name that the caller wants to follow, and about 160 bytes for the names
	 * above and below it. */
	struct rota_json_room json;
	/* A role's name, or a public key as text and twice ROTA_TUF_KEYTYPE_MAX. */
	struct rota_buf hold;
};

/* Private to tuf.c but for head and json. Rows of the grammar have a byte for where a value goes. */
struct rota_tuf {
	enum rota_tuf_type type;
	bool in_signed;
	uint8_t path[ROTA_JSON_DEPTH_MAX +
		2]; /* by depth, behind row 0: the row of the value that was last */
	uint32_t seen; /* members of the file and of the entry */
	size_t held; /* bytes of the entry's strings in `hold` */
	struct rota_buf hold;
	const struct rota_tuf_sink *sink;
	struct rota_tuf_event entry; /* being gathered */
	struct rota_tuf_head head; /* complete when the file has ended */
	struct rota_json json;
};

/* Begin a file that must be of `type`. The sink stays in use. */
void rota_tuf_init(struct rota_tuf *d, enum rota_tuf_type type, const struct rota_tuf_sink *sink,
	const struct rota_tuf_room *room);

/* The next piece. ROTA_ERR_SPELLING (SPEC 2), ROTA_ERR_FORMAT, ROTA_ERR_ROLE (another type of metadata),
 * ROTA_ERR_UNSUPPORTED (spec version other than 1.x), ROTA_ERR_LIMIT, or what the sink returned. An error sticks. */
ROTA_MUST_USE enum rota_err rota_tuf_feed(struct rota_tuf *d, struct rota_span piece);

/* The file is over: whether it was complete. */
ROTA_MUST_USE enum rota_err rota_tuf_end(struct rota_tuf *d);

#endif
