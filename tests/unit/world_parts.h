/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/world_parts.h -- what the files of the world (world.h) have of each other; tests do not see it. */
#ifndef TESTS_UNIT_WORLD_PARTS_H
#define TESTS_UNIT_WORLD_PARTS_H

#include "tests/unit/world.h"

/* An invariant does not hold; the first one is kept. */
void world_broken(struct world *w, const char *what);

/* ---- world_slots.c ---- */

/* Both places of a component empty, and its port. */
void world_slots_init(struct world *w, int at, const char *name);

/* ---- world_offer.c ---- */

uint64_t world_version(const char *text);

/* The image of a release, of its first component or its second; its digest, which a trial is asked with. */
struct maker_bytes world_image_make(const struct world_release *r, bool second);
void world_image_digest(struct maker_bytes bytes, uint8_t out[32]);

/* From now on the boot stage may run it. Its digest is the caller's business. */
struct world_image *world_image_add(struct world *w, struct maker_bytes bytes, bool crashes);

/* The file of a release for the slot `data`, added. */
struct world_image *world_data_make(struct world *w);

#endif
