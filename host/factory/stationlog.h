/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/stationlog.h -- what a station did, signed line by line (SPEC 29.1).
 *
 *     DIR/station.log    canonical JSON, a line each: {"at","batch","device","did","images","pcrs","prev","quote_key",
 *                        "root_of_trust","serial","signature","size","text"}, those that apply
 *
 * Each line has the SHA-256 of the line before, and is signed by the key of the party `station`. So a line that was
 * changed, taken out or put in shows; lines that were cut off at the end show by what `enrolments` has more, and by heads
 * that are elsewhere (stationhead.h).
 *
 * A batch begins with its size: so many devices may be made in it. A device that comes again, as it never heard that it is
 * made, is the same device and counts once. What a maker was paid for, what the station made and what the
 * authority enrolled are compared by rota_stationlog_check().
 */
#ifndef HOST_FACTORY_STATIONLOG_H
#define HOST_FACTORY_STATIONLOG_H

#include "host/base/json.h"
#include "host/factory/station.h"

#define ROTA_STATION_LOG "station.log"
#define ROTA_STATION_LOG_MAX ((size_t)256 * 1024 * 1024)
#define ROTA_STATION_PREFIX "rota-station-v1" /* SPEC 28.1 */
/* Of a log; who makes more begins another authority directory. */
#define ROTA_BATCHES_MAX 4096

struct rota_batch {
	char name[33];
	uint32_t size; /* devices that were ordered */
	uint32_t made, refused;
};

struct rota_stationlog {
	struct rota_desk *desk;
	const struct rota_seat *seat; /* of the party `station` */
	uint8_t key[ROTA_P256_KEY_LEN];
	uint8_t last[ROTA_DIGEST_LEN]; /* of the last line; zeros: there is none */
	uint8_t (*digest)[ROTA_DIGEST_LEN]; /* of each line that was read */
	struct rota_batch *batch;
	size_t batch_count;
	uint64_t lines, made;
	/* Devices that it has made, each once, ascending; hex. */
	char (*device)[65];
};

/* Read and verify all of it. ROTA_ERR_NOT_FOUND: rota.ini has no [keys station]. ROTA_ERR_SIGNATURE, ROTA_ERR_HASH,
 * ROTA_ERR_FORMAT: a line that is not the station's, or not in its place; `why` says which. */
ROTA_MUST_USE enum rota_err rota_stationlog_open(
	struct rota_stationlog *l, struct rota_desk *desk, struct rota_fail *why);
void rota_stationlog_close(struct rota_stationlog *l);

/* What open() does with the file's text: l has its desk, key and room for batches. */
ROTA_MUST_USE enum rota_err rota_stationlog_read(
	struct rota_stationlog *l, struct rota_span text, struct rota_fail *why);

/* A batch that begins; nothing to do where it has begun with this size. ROTA_ERR_STATE: with another one. */
ROTA_MUST_USE enum rota_err rota_stationlog_batch(
	struct rota_stationlog *l, const char *name, uint32_t size, struct rota_fail *why);

/* Whether this device (hex) may be made in it: one that was made already may. device NULL: whether it has begun.
 * ROTA_ERR_NOT_FOUND: it never began. ROTA_ERR_CEILING: it is full. */
ROTA_MUST_USE enum rota_err rota_stationlog_room(const struct rota_stationlog *l, const char *name,
	const char *device, struct rota_fail *why);

/* What became of one device: made, made again, or refused for how->text. Durable. batch NULL: of none. */
ROTA_MUST_USE enum rota_err rota_stationlog_add(struct rota_stationlog *l, const char *batch,
	const struct rota_station_made *device, const struct rota_fail *how, struct rota_fail *why);

/* Whether it has made this device (hex; NULL: none). */
bool rota_stationlog_made(const struct rota_stationlog *l, const char *device);

/* DIR/enrolments as it is now, empty where there is none. The caller frees. */
ROTA_MUST_USE enum rota_err rota_stationlog_list(
	const struct rota_desk *desk, struct rota_bytes *list, struct rota_fail *why);

/* Hold it against DIR/enrolments: each device that was made is enrolled, and each that a station enrolled was made. `before`
 * is the list as it was before the log was opened, so that one who reads while a station works sees no difference.
 * stranger: the first device of `before` that no line has made, or "": a station that was cut off between list and log
 * leaves one, until it comes again. ROTA_ERR_HASH: one that was made is not enrolled. */
ROTA_MUST_USE enum rota_err rota_stationlog_check(const struct rota_stationlog *l,
	struct rota_span before, char stranger[static ROTA_DIGEST_HEX], struct rota_fail *why);

/* ---- for stationhead.h ---- */

/* `row` with "at" and "signature", as it is written. The caller frees *line. */
ROTA_MUST_USE enum rota_err rota_stationlog_sign(const struct rota_stationlog *l, json_t *row,
	struct rota_bytes *line, struct rota_fail *why);
/* Whether the station signed it; takes its signature away. ROTA_ERR_FORMAT: there is none. ROTA_ERR_SIGNATURE. */
ROTA_MUST_USE enum rota_err rota_stationlog_signed(
	const struct rota_stationlog *l, json_t *row, struct rota_fail *why);

#endif
