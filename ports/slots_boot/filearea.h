/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/filearea.h -- the area of rota/store/slots.h over two files.
 *
 * Writing goes straight to the slot's file, with write-back started early. How far an image is durable stands in a
 * small file beside it, rewritten by each finish in the middle: image digest, length, bytes that are durable, and a
 * CRC, so that one that a cut tore counts for nothing. What it says is a hint: the caller reads all of that
 * back through its verifier.
 */
#ifndef PORTS_SLOTS_BOOT_FILEAREA_H
#define PORTS_SLOTS_BOOT_FILEAREA_H

#include "ports/slots_boot/components.h"
#include "rota/store/slots.h"

struct rota_filearea {
	struct rota_slotarea port; /* its ctx is this struct: do not move it while it is open */
	int device_fd;
	const struct rota_components *components;
	uint8_t component;
	int fd; /* of the place at hand, -1: none */
	uint8_t place;
	uint64_t capacity;
	uint64_t end; /* of what is there */
	uint64_t flushed; /* write-back was started up to here */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image that is written, */
	uint64_t length; /* and its length */
};

/* Over the two files of a component of an open directory. Opens nothing yet; `components` stays in use. */
void rota_filearea_init(struct rota_filearea *a, int device_fd,
	const struct rota_components *components, uint8_t component);
void rota_filearea_close(struct rota_filearea *a);

#endif
