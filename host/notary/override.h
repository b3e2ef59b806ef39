/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/override.h -- retiring a generation of data keys that devices still need: a file that two officers approve (SPEC 38.3).
 *
 * The first line says what is to go, and how many need it; the others are approvals (20.1) of its SHA-256. The file is carried as it
 * is. What officers did not see is not overridden: are there more devices by then, it is asked anew.
 */
#ifndef HOST_NOTARY_OVERRIDE_H
#define HOST_NOTARY_OVERRIDE_H

#include "host/notary/officers.h"

#define ROTA_OVERRIDE_OFFICERS 2
#define ROTA_OVERRIDE_REASON_MAX 256
#define ROTA_OVERRIDE_LINE_MAX 1024
#define ROTA_OVERRIDE_MAX                                                                          \
	(ROTA_OVERRIDE_LINE_MAX + ROTA_OFFICERS_LINES_MAX * (ROTA_APPROVAL_MAX + 1))

struct rota_override {
	const char *product; /* the caller's, of write and judge */
	uint8_t purpose;
	uint32_t generation;
	uint64_t need, silent; /* devices */
	char reason[ROTA_OVERRIDE_REASON_MAX + 1];
	uint8_t digest[ROTA_DIGEST_LEN]; /* of the first line; out of read and judge */
};

/* The first line, with its end. ROTA_ERR_FORMAT: a reason that is no UTF-8. */
ROTA_MUST_USE enum rota_err rota_override_write(
	const struct rota_override *o, struct rota_bytes *out, struct rota_fail *why);

/* *approvals is what stands behind the first line, in `file`. ROTA_ERR_PRODUCT: of another product than out->product.
 * ROTA_ERR_FORMAT, ROTA_ERR_SPELLING: it is none. */
ROTA_MUST_USE enum rota_err rota_override_read(struct rota_span file, struct rota_override *out,
	struct rota_span *approvals, struct rota_fail *why);

/* ROTA_OK: the file is for what *now says, no more devices need that than officers saw, and two of them say yes; reason and digest
 * of *now become the file's.
 * ROTA_ERR_DENIED     one of them says no
 * ROTA_ERR_THRESHOLD  too few say yes
 * ROTA_ERR_STATE      it is for something else, or for fewer devices
 * Others as read. */
ROTA_MUST_USE enum rota_err rota_override_judge(const struct rota_named_key *officers,
	size_t officer_count, struct rota_span file, uint64_t now_s, struct rota_override *now,
	struct rota_fail *why);

#endif
