/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/journal.h -- one small payload on flash, replaced as a whole, whatever happens to the power.
 *
 * The region is used as a ring of sectors; each holds a header and then one record per commit (SPEC 9).
 * What is current is judged by what is on flash, the same way after a clean stop and after a cut: there
 * is no recovery. A commit that was cut off either happened or did not. The sector that holds the current
 * payload is never erased, so there is always one to fall back to. A sector that cannot be read, erased or
 * programmed is passed over, and costs no more than what it held.
 *
 * One opener at a time: a caller that shares the flash takes its own lock around open ... commit. The
 * struct holds no payload and points only to the port, so a copy is a snapshot.
 */
#ifndef ROTA_STORE_JOURNAL_H
#define ROTA_STORE_JOURNAL_H

#include "rota/port/flash.h"

/* The largest payload: what fits one sector of 4 KiB with room for a second record of half its size. */
#define ROTA_JOURNAL_PAYLOAD_MAX 2048

/* Whose journal it is, in each record: a region is never read as another's. */
enum rota_journal_kind {
	ROTA_JOURNAL_BOOT = 1, /* SPEC 10 */
	ROTA_JOURNAL_DEVICE = 2, /* SPEC 11 */
	ROTA_JOURNAL_KEYS = 3, /* SPEC 34.1 */
	ROTA_JOURNAL_ARCHIVE = 4, /* SPEC 34.2 */
};

struct rota_journal {
	const struct rota_flash *flash;
	uint8_t kind;
	bool blank; /* nothing but erased bytes were found */
	bool held; /* there is a current payload; the next four say which */
	uint32_t sector;
	uint32_t payload_off; /* from the start of the region */
	uint16_t payload_len;
	uint32_t number; /* of its record: counts commits, from 1 */
	uint32_t sequence; /* highest of any sector; 0 when there is none */
	uint32_t seed; /* CRC of the held sector's header, from which its records' CRCs go on */
	uint32_t tail; /* where the next record of the held sector goes, from the sector's start;
			* 0 when nothing may be appended to it */
};

/* Judge what is on `flash`, which must outlive `j`. An empty or damaged region is no error here: load()
 * tells. Syncs first, so that what is found does not vanish after it was acted on.
 *
 * ROTA_ERR_ARGUMENT  a geometry that no journal fits: fewer than two sectors, one too short for any record,
 *                    a program unit above ROTA_FLASH_WRITE_MAX or no power of two
 * ROTA_ERR_IO        the flash fails: as a whole, or some of it and nothing is found in the rest */
ROTA_MUST_USE enum rota_err rota_journal_open(
	struct rota_journal *j, const struct rota_flash *flash, enum rota_journal_kind kind);

/* The current payload into `room`; *out is the part used. The bytes are those that its CRC was computed over, also
 * where flash reads otherwise each time.
 *
 * ROTA_ERR_NOT_FOUND  the region is blank: nothing was ever committed
 * ROTA_ERR_CORRUPT    something is there, and none of it is a valid record of this kind; or it changed
 *                     since it was judged
 * ROTA_ERR_LIMIT      longer than `room`
 * ROTA_ERR_IO */
ROTA_MUST_USE enum rota_err rota_journal_load(
	const struct rota_journal *j, struct rota_buf room, struct rota_span *out);

/* Replace the payload. On ROTA_OK it is durable and was read back; on any error the old one or the new
 * one is current, and the next open (or a further commit) goes on from there.
 *
 * ROTA_ERR_LIMIT  longer than ROTA_JOURNAL_PAYLOAD_MAX
 * ROTA_ERR_FULL   longer than the shortest sector can hold, or the sequence has reached its end (2^32 erasures)
 * ROTA_ERR_IO     in each sector but the current one: it could not be erased, writing failed, or what was read
 *                 back differs */
ROTA_MUST_USE enum rota_err rota_journal_commit(struct rota_journal *j, struct rota_span payload);

#endif
