/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/stationhead.h -- what a station's log said on some day, kept where the station does not write (SPEC 29.1).
 *
 *     {"at","did":"head","head","lines","product","signature"}, canonical JSON
 *
 * Who has the log and its key can make another log, and take the devices out of the list as well. He cannot reach heads
 * that others have: that many lines, the last of which has this SHA-256. A file of heads grows by one at each check, and
 * all that stand in it have to be of the log at hand.
 */
#ifndef HOST_FACTORY_STATIONHEAD_H
#define HOST_FACTORY_STATIONHEAD_H

#include "host/factory/stationlog.h"

#define ROTA_STATION_HEADS_MAX ((size_t)16 * 1024 * 1024) /* a file of them */
/* As a sentence has it, for the log of the signing daemon: "station.log LINES SHA256". */
#define ROTA_STATION_HEAD_TEXT_MAX (sizeof("station.log ") + 20 + 1 + 64)

/* The head of today, signed; the caller frees. */
ROTA_MUST_USE enum rota_err rota_stationhead_make(
	const struct rota_stationlog *l, struct rota_bytes *line, struct rota_fail *why);
void rota_stationhead_text(
	const struct rota_stationlog *l, char out[static ROTA_STATION_HEAD_TEXT_MAX]);

/* ROTA_ERR_FORMAT: it is none, or of another product. ROTA_ERR_SIGNATURE: not this station's. ROTA_ERR_HASH: the log has fewer
 * lines, or another one there. */
ROTA_MUST_USE enum rota_err rota_stationhead_check(
	const struct rota_stationlog *l, struct rota_span line, struct rota_fail *why);

/* Check all that are in a file, *held of them, and add that of today; a file that is not there is made, and holds nothing. */
ROTA_MUST_USE enum rota_err rota_stationhead_keep(
	const struct rota_stationlog *l, const char *path, unsigned *held, struct rota_fail *why);

#endif
