/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/head.h -- what was said of a log: a file with a signed checkpoint. */
#ifndef HOST_LOG_HEAD_H
#define HOST_LOG_HEAD_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/codec/note.h"

/* Longest note: a checkpoint and ROTA_NOTE_SIGS_MAX lines, of which those with ML-DSA-44 have 3.4 KB. */
#define ROTA_LOG_HEAD_MAX 65536

struct rota_log_head {
	struct rota_bytes note; /* whole, as it stands in the file; owned */
	struct rota_checkpoint at; /* its text; points into `note` */
};

/* Read a file. No signature is looked at. ROTA_ERR_NOT_FOUND: there is none. ROTA_ERR_FORMAT: no checkpoint. */
ROTA_MUST_USE enum rota_err rota_log_head_read(
	const char *path, struct rota_log_head *out, struct rota_fail *why);

void rota_log_head_free(struct rota_log_head *head);

#endif
