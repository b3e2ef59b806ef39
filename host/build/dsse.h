/* SPDX-License-Identifier: Apache-2.0 */
/* host/build/dsse.h -- signed statements: DSSE envelopes, as in-toto writes them (SPEC 26.2).
 *
 * What is signed is DSSE's pre-authentication encoding, which begins with "DSSEv1 ": no other thing that Rota signs
 * does. An envelope is one line of JSON; a *bundle* is lines of them, one for each builder.
 */
#ifndef HOST_BUILD_DSSE_H
#define HOST_BUILD_DSSE_H

#include "host/base/json.h"
#include "host/sign/notary.h"

/* A statement names a build's materials, some hundred bytes for each package of the machine. */
#define ROTA_DSSE_STATEMENT_MAX (4u * 1024 * 1024)
/* Envelopes of one bundle: builders that agree, and those whom a policy does not know. */
#define ROTA_DSSE_LINES_MAX 8
/* Base64 takes a third more; the rest of the line is some hundred bytes. */
#define ROTA_DSSE_BUNDLE_MAX (ROTA_DSSE_LINES_MAX * (ROTA_DSSE_STATEMENT_MAX / 2 * 3))

/* The encoding of `statement`, which a key signs the SHA-256 of. */
void rota_dsse_message(struct rota_span statement, struct rota_bytes *out);

/* Append the envelope of one signature, with its newline. */
void rota_dsse_write(
	struct rota_span statement, const struct rota_seat_sig *sig, struct rota_bytes *out);

/* Have the party's keys sign `statement`: a line for each of its threshold, appended to *out. */
ROTA_MUST_USE enum rota_err rota_dsse_sign(const struct rota_notary *notary,
	const struct rota_party *party, struct rota_span statement, struct rota_bytes *out,
	struct rota_fail *why);

/* One line, without its newline. *signer: the index of the point whose signature verified, `count` when it is of none
 * of them: then *statement is what it says, by nobody that is known. The caller frees *statement.
 * ROTA_ERR_FORMAT: no envelope of in-toto. ROTA_ERR_SIGNATURE: it names a known key and does not verify. */
ROTA_MUST_USE enum rota_err rota_dsse_read(struct rota_span line,
	const uint8_t (*points)[ROTA_P256_KEY_LEN], size_t count, struct rota_bytes *statement,
	size_t *signer, struct rota_fail *why);

/* The next line of `*rest` without its newline, which *rest then begins behind; false at the end. */
bool rota_dsse_line(struct rota_span *rest, struct rota_span *line);

#endif
