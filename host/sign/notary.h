/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/notary.h -- who signs for a party: the seam between what is to be signed and where the keys lie.
 *
 * Verbs say which file of which party is to be signed. They see neither a token nor a digest of their own making: an
 * implementation gets the content itself, hashes it, and may look at it first. Here is the one that has the tokens at
 * hand. Three things stay with the tokens: the signatures of people over a bundle (host/repo/bundle_sign.h), recovery
 * orders, and certificates.
 *
 * Errors are those of who signs; `why` names party or key.
 */
#ifndef HOST_SIGN_NOTARY_H
#define HOST_SIGN_NOTARY_H

#include "host/base/json.h"
#include "host/sign/tokens.h"

/* A file of metadata. */
struct rota_notary_file {
	const struct rota_party *party; /* whose signatures */
	const char *role; /* the party's name, or that of one of its bins */
	const json_t *
		content; /* `signed`, complete: the signatures cover its canonical bytes (SPEC 2.3) */
};

/* An image, and what stands in it. Who signs may read the file for himself, or believe the digest (SPEC 6.2). */
struct rota_notary_image {
	const struct rota_party *party;
	size_t seat; /* of the party: image keys are chosen one by one */
	const char *file; /* what the digest covers, and nothing behind it */
	uint8_t digest[ROTA_SHA256_LEN];
	const char *const *hardware;
	size_t hardware_count;
	uint64_t version; /* SPEC 1.3 */
	uint32_t counter;
};

/* A statement of a build (SPEC 26.1). */
struct rota_notary_statement {
	const struct rota_party *party;
	struct rota_span text;
	uint8_t digest
		[ROTA_SHA256_LEN]; /* of what DSSE signs, which is made of the text (SPEC 26.2) */
};

/* What others signed or did, for the signing log (SPEC 18.3, kind `record`). */
struct rota_notary_event {
	const char *role; /* whose matter it is: the rule for kind `record` of that role applies */
	const json_t *event; /* `kind`, `what`, and if they apply `digest`, `path`, `version` */
};

/* Where there is no log nothing is recorded, and that is no error: *entry says so. */
#define ROTA_NOTARY_NO_ENTRY UINT64_MAX

struct rota_notary {
	void *ctx;
	/* Public key of a seat of the party. */
	enum rota_err (*key)(void *ctx, const struct rota_party *party, size_t seat,
		uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why);
	/* *count signatures, each verified: as many as the party's threshold, or more where two sets of keys count.
	 * ROTA_ERR_THRESHOLD: there are too few. */
	enum rota_err (*sign)(void *ctx, const struct rota_notary_file *file,
		struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count,
		struct rota_fail *why);
	/* The signature of one seat, verified. */
	enum rota_err (*image)(void *ctx, const struct rota_notary_image *image,
		struct rota_seat_sig *out, struct rota_fail *why);
	/* *count signatures, each verified: as many as the party's threshold. */
	enum rota_err (*statement)(void *ctx, const struct rota_notary_statement *statement,
		struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count,
		struct rota_fail *why);
	/* *entry: its index in the log, where it is durable. */
	enum rota_err (*record)(void *ctx, const struct rota_notary_event *event, uint64_t *entry,
		struct rota_fail *why);
};

/* The tokens themselves. They stay the caller's, and in use. */
struct rota_notary rota_notary_at_hand(struct rota_tokens *tokens);

#endif
