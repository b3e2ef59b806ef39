/* SPDX-License-Identifier: Apache-2.0 */
/* boot/record.h -- what a boot measured, handed on to whom it runs and to who asks from outside (SPEC 10.7).
 *
 * What decided: the anchors in ROM, the numbers in force, each member of the set that runs with the keys that
 * vouch for it, and the verdict. A microcontroller leaves the struct in RAM; Linux a file, DEVICE/run/record.
 * Encoded it is a row of entries, and a chain of digests runs over them as over a PCR of a TPM:
 *
 *     chain := SHA-256(chain || SHA-256(entry)), from zeros
 *
 * so where each entry's digest was extended into a PCR, the PCR vouches for the whole record. Nothing of one boot
 * alone is in it (no count, no time, no device id): devices of one kind that booted the same have the same chain,
 * and what is sealed to it can be opened at the next boot.
 */
#ifndef BOOT_RECORD_H
#define BOOT_RECORD_H

#include "boot/burn.h"
#include "rota/codec/image.h"
#include "rota/port/slots.h"

struct rota_record_member {
	uint8_t place; /* 0 or 1 */
	uint8_t keys; /* that vouch for it: bits of boot/keys.h */
	uint32_t counter; /* its security counter */
	uint64_t version; /* SPEC 1.3 */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image */
};

struct rota_record {
	uint8_t anchors[ROTA_SHA256_LEN]; /* of rota_record_anchors() */
	uint8_t hardware; /* bit (1u << enum rota_counter_id): the number was read from hardware */
	uint8_t unreadable; /* the same: it should have been, and could not */
	bool restored; /* the flash is older than the hardware (SPEC 10.5) */
	uint32_t counter, epoch; /* in force */
	uint8_t key_floor;
	bool has_order;
	uint8_t order[ROTA_SHA256_LEN]; /* file of the recovery order in force */
	uint8_t count; /* members of the set that runs, 1 to ROTA_SET_MAX */
	struct rota_record_member member[ROTA_SET_MAX]; /* by component */
	uint8_t kind; /* enum rota_boot_kind */
	bool updater; /* the updater runs alone (SPEC 10.8) */
};

#define ROTA_RECORD_ENTRIES_MAX (4 + ROTA_SET_MAX)
/* Magic, and each entry with its head of 3 bytes. */
#define ROTA_RECORD_MAX (8 + 35 + 15 + 35 + ROTA_SET_MAX * 50 + 5)

/* The record into `room`; *out is the part used. ROTA_ERR_ARGUMENT: what decode would refuse. ROTA_ERR_LIMIT: too
 * little room. */
ROTA_MUST_USE enum rota_err rota_record_encode(
	const struct rota_record *record, struct rota_buf room, struct rota_span *out);

/* ROTA_ERR_FORMAT: not the layout. ROTA_ERR_UNSUPPORTED: of another format. */
ROTA_MUST_USE enum rota_err rota_record_decode(struct rota_span in, struct rota_record *out);

/* The digests of the entries of an encoded record, in order, and the chain over them. ROTA_ERR_FORMAT,
 * ROTA_ERR_UNSUPPORTED as above. */
struct rota_record_chain {
	uint8_t count;
	uint8_t entry[ROTA_RECORD_ENTRIES_MAX][ROTA_SHA256_LEN];
	uint8_t chain[ROTA_SHA256_LEN];
};
ROTA_MUST_USE enum rota_err rota_record_measure(
	struct rota_span in, const struct rota_crypto *crypto, struct rota_record_chain *out);

#endif
