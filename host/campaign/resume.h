/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/resume.h -- which chunks of a campaign are sealed for good, so that a run that was killed goes on.
 *
 *     head (48 bytes: magic, what is made, chunks, CRC-32) || records (count, numbers, CRC-32), appended
 *
 * A chunk is noted once all that belongs to it is durable, and only then; a chunk that is not noted is made again from
 * nothing, with new secrets, whatever of it lies about. So no secret is in two bundles that go out. What is made is a
 * digest of everything that must be the same for a chunk of an earlier run to be of use: with another one all begins
 * anew.
 */
#ifndef HOST_CAMPAIGN_RESUME_H
#define HOST_CAMPAIGN_RESUME_H

#include "host/campaign/part.h"

/* 2^24 devices in chunks of 1,024. */
#define ROTA_RESUME_CHUNKS_MAX 16384

struct rota_resume {
	struct rota_part part;
	uint32_t chunks, done;
	uint32_t crc; /* of the head; records continue it */
	uint64_t end; /* where the next record goes */
	uint8_t is_done[ROTA_RESUME_CHUNKS_MAX / 8];
};

/* r->done: chunks that an earlier run has noted. ROTA_ERR_LIMIT: too many chunks. */
ROTA_MUST_USE enum rota_err rota_resume_open(struct rota_resume *r, const char *path,
	const uint8_t what[static 32], uint32_t chunks, struct rota_fail *why);

bool rota_resume_has(const struct rota_resume *r, uint32_t chunk);

/* These are durable; and durable is that they are. One thread at a time; none has one that is noted already. */
ROTA_MUST_USE enum rota_err rota_resume_note(
	struct rota_resume *r, const uint32_t *chunks, uint32_t count, struct rota_fail *why);

void rota_resume_close(struct rota_resume *r);
/* All is done and in its place: nothing is left to resume. */
ROTA_MUST_USE enum rota_err rota_resume_end(struct rota_resume *r, struct rota_fail *why);

#endif
