/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/frame.h -- messages on a stream socket: a length (u32, little-endian), then so many bytes.
 *
 * No byte is read beyond the frame, so that one process may read the first frame of a connection and leave the next to
 * another. Every wait has the deadline that the caller gives, over the whole frame.
 */
#ifndef HOST_BASE_FRAME_H
#define HOST_BASE_FRAME_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

/* Nothing that goes this way is longer than the file of a root, which has room for 1,024 keys. */
#define ROTA_FRAME_MAX (4 * 1024 * 1024)

/* What came is in one piece of memory, which rota_bytes_wipe() clears. ROTA_ERR_TIMEOUT; ROTA_ERR_IO: the other side ended.
 * ROTA_ERR_LIMIT: longer than `max`. */
ROTA_MUST_USE enum rota_err rota_frame_read(
	int fd, size_t max, unsigned deadline_ms, struct rota_bytes *out, struct rota_fail *why);
ROTA_MUST_USE enum rota_err rota_frame_write(
	int fd, struct rota_span bytes, unsigned deadline_ms, struct rota_fail *why);

/* What is said first in answer to anything: an error (0: none) and its sentence. */
ROTA_MUST_USE enum rota_err rota_frame_say(
	int fd, const struct rota_fail *how, unsigned deadline_ms, struct rota_fail *why);
/* The other side's error becomes ours. */
ROTA_MUST_USE enum rota_err rota_frame_hear(int fd, unsigned deadline_ms, struct rota_fail *why);

#endif
