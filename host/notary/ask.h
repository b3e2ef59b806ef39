/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/ask.h -- a request to sign (SPEC 18.3) and the answer (SPEC 18.5, 18.6), both directions.
 *
 * A request carries everything that is to be signed, never a digest of it: what is signed is the canonical value inside
 * these very bytes, which the notary judged. Who reads one knows each of its members; who writes one gets exactly the bytes
 * that another reads. The digest of the whole request is what officers approve and what counts once.
 */
#ifndef HOST_NOTARY_ASK_H
#define HOST_NOTARY_ASK_H

#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/sign/tokens.h"

#define ROTA_ASK_MAX (24 * 1024 * 1024) /* a role file of 16 MiB and the texts that go with it */
/* Five for each of 65,536 bins in a snapshot (SPEC 3.7), and half as many again: a parser's memory goes by values, and a body
 * of nothing but empty objects would take 1.8 GB of it; of so many, 200 MB. */
#define ROTA_ASK_VALUES_MAX (512 * 1024)
#define ROTA_ASK_REASON_MAX 256 /* a sentence */
#define ROTA_ASK_FILES_MAX 256 /* as in a bundle (SPEC 14.1) */
#define ROTA_ASK_TEXT_MAX (1024 * 1024) /* a rollout policy or revocations (SPEC 8.1, 16.2) */
/* That are shown of a scope, the newest: some of each purpose a month, for ten years. */
#define ROTA_ASK_CAMPAIGNS_MAX 1024
#define ROTA_ASK_STATEMENT_MAX                                                                     \
	(256 * 1024) /* what a build was made of: a line for each of 1,000 packages */

enum rota_ask_kind {
	ROTA_ASK_METADATA, /* {"signed"} */
	ROTA_ASK_IMAGE, /* {"counter","digest","hardware","length","sha256","version"} */
	ROTA_ASK_TIME, /* {"device","nonce"} */
	ROTA_ASK_TICKET, /* {"device","number","seconds"} */
	ROTA_ASK_BUILD, /* {"statement"} */
	ROTA_ASK_RECORD, /* {"event"}: {"digest","kind","path","version","what"}, nothing is signed */
	ROTA_ASK_KEY, /* {"do","label","token"} */
	ROTA_ASK_SERIES, /* {"from","landing_s","period_s","slots"} */
	ROTA_ASK_CERTIFICATE, /* {"csr","endorsement","identity","ldevid","party"} of certify.h */
	ROTA_ASK_CAMPAIGN, /* {"activation","cipher","devices", ...} of SPEC 32.1; nothing is signed */
	ROTA_ASK_ROWS, /* {"items"} of rows.h; nothing is signed */
	ROTA_ASK_REVOKE, /* {"device","serial"}; nothing is signed */
	ROTA_ASK_CRL, /* {}: what is signed the daemon makes of its log */
	ROTA_ASK_OCSP, /* {"csr"} of certify.h */
	ROTA_ASK_KINDS,
};

struct rota_ask {
	enum rota_ask_kind kind;
	uint8_t id[16]; /* drawn by the client */
	uint8_t digest
		[ROTA_DIGEST_LEN]; /* of the request's bytes: what approvals and replays go by */
	const char *scope, *role, *reason; /* of `whole` */
	uint64_t expires_s; /* 0: none asked; only with approvals */
	struct rota_span
		signed_; /* METADATA: canonical bytes of body.signed, of `canonical`; else empty */
	json_t *body, *files; /* of `whole`: parsed object of the kind; path to text */
	json_t *whole; /* owned */
	struct rota_bytes bytes, canonical; /* owned */
};

/* Takes the bytes, also when it fails. Refused (host/notary/refusal.h): spelling, member, kind. */
ROTA_MUST_USE enum rota_err rota_ask_parse(
	struct rota_bytes bytes, struct rota_ask *out, struct rota_fail *why);
void rota_ask_free(struct rota_ask *ask);

/* The request's bytes, from kind, id, scope, role, reason, expires_s, body and files (NULL: none); rota_ask_parse() reads
 * them. Errors as rota_json_encode(). */
ROTA_MUST_USE enum rota_err rota_ask_write(
	const struct rota_ask *ask, struct rota_bytes *out, struct rota_fail *why);

/* The word for a kind. */
const char *rota_ask_word(enum rota_ask_kind kind);

/* From the place where two slots of a series meet, two keys sign (SPEC 23.6). */
#define ROTA_ANSWER_SIGS_MAX 2

#define ROTA_ANSWER_DER_MAX 2304 /* a device's certificate: ROTA_TBS_MAX, and a signature */

enum rota_answer_kind { ROTA_ANSWER_SIGNED, ROTA_ANSWER_PENDING, ROTA_ANSWER_REFUSED };

struct rota_answer {
	enum rota_answer_kind kind;
	uint64_t entry; /* of the log; SIGNED, PENDING */
	uint64_t time_s; /* SIGNED, kind `time`: the second that was signed; 0: none */
	uint8_t count; /* signatures: 0 for what is recorded only */
	struct rota_seat_sig sig[ROTA_ANSWER_SIGS_MAX];
	uint8_t id[ROTA_ANSWER_SIGS_MAX][ROTA_DIGEST_LEN]; /* of these keys (SPEC 3.3) */
	uint8_t der[ROTA_ANSWER_DER_MAX]; /* SIGNED, kind `certificate`: it */
	size_t der_len;
	uint8_t have, need; /* PENDING: approvals */
	const char *code, *clause; /* REFUSED; static */
	char text[512]; /* REFUSED: the sentence without the code */
};

/* ROTA_ERR_FORMAT, ROTA_ERR_SPELLING: no answer of SPEC 18.5 or 18.6. Signatures are read, not verified. */
ROTA_MUST_USE enum rota_err rota_answer_read(
	struct rota_span text, struct rota_answer *out, struct rota_fail *why);
void rota_answer_write(const struct rota_answer *a, struct rota_bytes *out);

/* The same with a `der` that is longer than the struct holds: a revocation list. *der: the caller's to free, also after an error. */
void rota_answer_write_long(
	const struct rota_answer *a, struct rota_span der, struct rota_bytes *out);
ROTA_MUST_USE enum rota_err rota_answer_read_long(struct rota_span text, struct rota_answer *out,
	struct rota_bytes *der, struct rota_fail *why);

#endif
