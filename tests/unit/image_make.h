/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/image_make.h -- images for tests, good ones and wrong ones, signed with keys made on the fly. */
#ifndef TESTS_UNIT_IMAGE_MAKE_H
#define TESTS_UNIT_IMAGE_MAKE_H

#include "rota/codec/image.h"
#include "rota/codec/rom.h"

#define IMAGE_MAKE_MAX 65536

/* Key 0 and 1 of this run. */
#define IMAGE_MAKE_KEYS 2
struct image_key {
	uint8_t spki[128];
	size_t spki_len;
	uint8_t hash[32];
	uint8_t point[65];
};
const struct image_key *image_key(int n);

/* What to make. Each TLV area is a recipe, a letter for each TLV in order:
 *
 *   protected: c counter, C counter of 3 bytes, p product, P product that is no name, h hardware id
 *              "demo-1", H hardware id that is no name, x unknown TLV, l unknown TLV of 200 bytes, z empty TLV
 *   tail:      d digest, D wrong digest, k key hash of key 0, K of key 1, s signature of key 0,
 *              S of key 1, b signature that is no DER, t key hash of 31 bytes, x, l, z as above
 */
struct image_spec {
	const char *protected_recipe; /* NULL: "cph" */
	const char *tail_recipe; /* NULL: "dks" */
	uint64_t version;
	uint32_t counter;
	const char *product; /* NULL: "sensor" */
	struct rota_span payload;
};

/* The image into `room` (IMAGE_MAKE_MAX bytes); its length. */
size_t image_make(const struct image_spec *spec, uint8_t *room);

/* A ROM of product "sensor", hardware "demo-1", counter 0, with the first `keys` keys. Points to static
 * bytes. */
struct rota_rom image_rom(int keys);

#endif
