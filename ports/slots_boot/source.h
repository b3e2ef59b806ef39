/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/source.h -- boot/verify.h's source over a file, with the payload copied to another.
 */
#ifndef PORTS_SLOTS_BOOT_SOURCE_H
#define PORTS_SLOTS_BOOT_SOURCE_H

#include "boot/verify.h"

/* Bytes read at a time: enough that the disk, not the calls, sets the pace. */
#define ROTA_SOURCE_PIECE ((size_t)1 << 18)

struct rota_source_file {
	struct rota_boot_source port; /* its ctx is this struct: do not move it */
	int from_fd;
	int to_fd; /* -1: the payload is not kept */
	bool data; /* the payload is handed on, not executed: any bytes will do */
	const char *why; /* set by rota_source_verify: more about a refusal, or NULL */
};

/* Read images from `from_fd` at offset 0; append payloads to `to_fd` unless that is -1. */
void rota_source_file(struct rota_source_file *s, int from_fd, int to_fd);

/* rota_boot_verify(), then SPEC 6.6: the payload is a static program, unless s->data. `room` and `keys` as there. */
ROTA_MUST_USE enum rota_err rota_source_verify(struct rota_source_file *s,
	const struct rota_boot_policy *policy, struct rota_buf room, struct rota_image *out,
	uint8_t *keys);

#endif
