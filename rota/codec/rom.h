/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/rom.h -- what the factory burns into a device and nothing changes (SPEC 12).
 *
 * The anchors of every later decision: whose product this is, which keys sign what it boots, who it is.
 * Decoding copies nothing: spans point into the record, which lives as long as the device.
 */
#ifndef ROTA_CODEC_ROM_H
#define ROTA_CODEC_ROM_H

#include "rota/port/counter.h"
#include "rota/port/crypto.h"
#include "rota/port/rot.h"

/* Of a whole record: two ML-DSA-44 keys (1,312 bytes each), an RSA IDevID and the small fields. */
#define ROTA_ROM_MAX 4096
#define ROTA_ROM_KEYS_MAX 2 /* SPEC 12.1: the image key and its cold successor */
#define ROTA_DEVICE_ID_LEN 64 /* hex digits, SPEC 1.1 */
#define ROTA_ROM_ROOT_NAME_LEN 34 /* of a TPM's storage root: 0x000B || SHA-256 */

struct rota_rom_key {
	enum rota_alg alg;
	struct rota_span hash; /* 32 bytes: SHA-256 of its SubjectPublicKeyInfo DER */
	struct rota_span raw; /* rota/port/crypto.h's form */
};

/* Field 9: past a deadline that only a verified refresh or a signed ticket moves, boot runs the updater
 * alone once (boot/watchdog.h). */
struct rota_rom_watchdog {
	uint32_t
		period_s; /* running seconds between two refreshes; 0: the device has no watchdog */
	uint32_t bound_s; /* how long the updater may run, from 1 */
	uint8_t updater; /* component of the set that is run alone */
};

/* Where a counter of rota/port/counter.h is in a TPM, and what it stood at in the factory: its number is
 * what the TPM says less `base`. Here, not in NV, where who may define an index could raise it. */
struct rota_rom_counter {
	uint32_t index; /* NV index */
	uint64_t base;
};

struct rota_rom {
	struct rota_span product;
	struct rota_span hardware;
	uint8_t key_count; /* 1 or 2 */
	struct rota_rom_key key[ROTA_ROM_KEYS_MAX];
	struct rota_span recovery_sha256; /* 32 bytes: of the recovery key-set record */
	struct rota_span device_id; /* ROTA_DEVICE_ID_LEN */
	uint32_t counter; /* initial security counter */
	struct rota_span root_sha256; /* 32 bytes: of the initial root metadata */
	struct rota_span idevid_spki; /* SubjectPublicKeyInfo DER */
	struct rota_rom_watchdog watchdog; /* all zeros: none */
	uint8_t nv_have; /* bit (1u << enum rota_counter_id): nv[] has it; 0: no counters in a TPM */
	struct rota_rom_counter nv[ROTA_COUNTER_COUNT]; /* by enum rota_counter_id */
	struct rota_span
		demand; /* field 11, for rota_log_demand_read() (rota/trust/logproof.h); empty: none */
	enum rota_rot_kind rot; /* field 12: where its keys are, SPEC 28.4 */
	struct rota_span rot_name; /* ROTA_ROM_ROOT_NAME_LEN of a TPM; else empty */
};

/* ROTA_ERR_FORMAT       not the layout, a field missing, out of order, or not of its form
 * ROTA_ERR_UNSUPPORTED  another version of the record, or an unknown field
 * ROTA_ERR_LIMIT        longer than ROTA_ROM_MAX
 * ROTA_ERR_CORRUPT      the CRC is wrong
 * An image key of an unknown algorithm is kept: nothing verifies under it. */
ROTA_MUST_USE enum rota_err rota_rom_decode(struct rota_span record, struct rota_rom *out);

/* The record into `room` (ROTA_ROM_MAX is enough); *out is the part used. What decode would refuse is
 * ROTA_ERR_ARGUMENT, too little room ROTA_ERR_LIMIT. */
ROTA_MUST_USE enum rota_err rota_rom_encode(
	const struct rota_rom *rom, struct rota_buf room, struct rota_span *out);

#endif
