/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/keyarchive.h -- generations of data keys that only read, as the payload of a journal (SPEC 34.2).
 *
 * A key that a newer one has put out of its slot is needed as long as something lies there that it sealed: years, where
 * records sleep. It is kept here with what may still be derived from it, and nothing is ever sealed with it.
 */
#ifndef ROTA_STORE_KEYARCHIVE_H
#define ROTA_STORE_KEYARCHIVE_H

#include "rota/crypto/datakey.h"
#include "rota/port/rot.h"

#define ROTA_KEY_ARCHIVE_MAX                                                                       \
	16 /* what a payload of half a sector of 4 KiB has room for, and a switch waits for */
#define ROTA_KEY_ARCHIVE_LEN(count) (1u + (count)*69u)

struct rota_key_archived {
	uint8_t purpose, cipher;
	uint8_t uses; /* bit (1u << use): enum rota_key_use that may be derived */
	uint32_t generation;
	uint8_t wrapped[ROTA_WRAPPED_LEN];
};

/* A format byte 1 and `count` records of 69 bytes, ascending by (purpose, generation), into `room`; *out is the part used.
 * ROTA_ERR_ARGUMENT: a list that decode would refuse. */
ROTA_MUST_USE enum rota_err rota_key_archive_encode(const struct rota_key_archived *list,
	uint8_t count, struct rota_buf room, struct rota_span *out);

/* `list` has room for ROTA_KEY_ARCHIVE_MAX. ROTA_ERR_FORMAT: not such a payload, or values that do not agree.
 * ROTA_ERR_UNSUPPORTED: of a later release. *count is 0 then. */
ROTA_MUST_USE enum rota_err rota_key_archive_decode(
	struct rota_span in, struct rota_key_archived *list, uint8_t *count);

#endif
