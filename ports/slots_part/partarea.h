/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_part/partarea.h -- the area of rota/store/slots.h over two partitions, or two files.
 *
 * A place is a block device (a partition, a loop device, a logical volume) or a regular file, as the kernel on an
 * EFI system partition is one. The image is its first bytes, just as it was published; a file is cut to the
 * image's length at the end. finish() syncs, drops what the kernel keeps in memory of what was written, reads it
 * back from the medium and compares SHA-256: a card that lies is found before a reset depends on it.
 *
 * How far an image is durable stands in STATE/NAME.progress (ports/flash_file/written.h), so that a write goes on
 * after power loss.
 */
#ifndef PORTS_SLOTS_PART_PARTAREA_H
#define PORTS_SLOTS_PART_PARTAREA_H

#include "rota/store/slots.h"

/* "NAME.progress" with a name of SPEC 1.2. */
#define ROTA_PARTAREA_NAME_MAX 48

struct rota_partarea {
	struct rota_slotarea port; /* its ctx is this struct: do not move it while it is open */
	const struct rota_crypto *crypto;
	const char *path[2]; /* of the places */
	int state_fd; /* the folder of progress */
	char progress[ROTA_PARTAREA_NAME_MAX];
	int fd; /* of the place at hand, -1: none */
	uint8_t place;
	uint64_t from; /* what was written since lies in [from, end), */
	uint64_t end;
	uint64_t flushed; /* write-back was started up to here, */
	struct rota_sha256 written; /* and this is its digest */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image that is written, */
	uint64_t length; /* and its length */
};

/* `name` of the slot; what is pointed to and `state_fd` stay in use. Opens nothing yet. */
void rota_partarea_init(struct rota_partarea *a, const struct rota_crypto *crypto, int state_fd,
	const char *name, const char *place_a, const char *place_b);
void rota_partarea_close(struct rota_partarea *a);

/* Copy all of one place to the other, synced and read back; *digest of what was copied. ROTA_ERR_FULL: the other
 * one is smaller. */
ROTA_MUST_USE enum rota_err rota_partarea_copy(
	struct rota_partarea *a, uint8_t from, uint8_t digest[static ROTA_SHA256_LEN]);

#endif
