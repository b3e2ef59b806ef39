/* SPDX-License-Identifier: Apache-2.0 */
/* host/recovery/packfile.h -- a recovery pack (SPEC 15.4) as a file: on a stick, or spooled from a line.
 *
 * It is taken apart once, when it is opened; its parts are then read from where they lie. Nothing of it is trusted:
 * a part is asked for by its digest, and who reads it hashes it again.
 */
#ifndef HOST_RECOVERY_PACKFILE_H
#define HOST_RECOVERY_PACKFILE_H

#include "host/base/file.h"
#include "rota/codec/pack.h"

/* What a directory is searched for, as that of a stick. */
#define ROTA_PACKFILE_NAME "recovery.pack"

struct rota_packfile {
	int fd; /* -1: none is open */
	char path[ROTA_FILE_PATH_MAX];
	struct rota_packfile_part {
		uint64_t at; /* in the file */
		uint32_t len;
		bool there;
	} part[ROTA_PACK_IMAGE + 1];
};

/* Open the pack `path`, or ROTA_PACKFILE_NAME in the directory `path`. ROTA_ERR_NOT_FOUND: there is none;
 * ROTA_ERR_FORMAT, ROTA_ERR_LENGTH: it is no pack, or cut off. Nothing to close after an error. */
ROTA_MUST_USE enum rota_err rota_packfile_open(
	struct rota_packfile *p, const char *path, struct rota_fail *why);
void rota_packfile_close(struct rota_packfile *p);

/* Whether it has a part of this kind and digest. The part is hashed for it. */
bool rota_packfile_has(
	const struct rota_packfile *p, enum rota_pack_kind kind, const uint8_t sha256[static 32]);

/* SHA-256 of a part; false: it has none, or cannot be read. */
bool rota_packfile_digest(
	const struct rota_packfile *p, enum rota_pack_kind kind, uint8_t sha256[static 32]);

/* Hand a part to `take` in pieces, from byte `off` on. What take refuses is the result. ROTA_ERR_NOT_FOUND: there is
 * no such part. */
ROTA_MUST_USE enum rota_err rota_packfile_read(const struct rota_packfile *p,
	enum rota_pack_kind kind, uint64_t off, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why);

#endif
