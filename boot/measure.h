/* SPDX-License-Identifier: Apache-2.0 */
/* boot/measure.h -- fill the boot record (boot/record.h) from what this boot saw (SPEC 10.7).
 */
#ifndef BOOT_MEASURE_H
#define BOOT_MEASURE_H

#include "boot/record.h"

/* Digest of what decides in a ROM record, without what is the device's own. */
void rota_record_anchors(const struct rota_rom *rom, const struct rota_crypto *crypto,
	uint8_t out[static ROTA_SHA256_LEN]);

/* The numbers in force: after the burn, and the order where there is one. */
void rota_record_numbers(struct rota_record *record, const struct rota_bootstate *state,
	const struct rota_burn_facts *facts);

/* The next member of the set. One more than ROTA_SET_MAX is left out: no boot state has so many. */
void rota_record_member(struct rota_record *record, uint8_t place,
	const struct rota_image_info *info, uint8_t keys);

#endif
