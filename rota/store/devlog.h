/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/devlog.h -- what this device decided about updates, as a chain that can only grow (SPEC 11.4).
 *
 * Each decision is an entry; each entry is hashed onto the head of those before it:
 *
 *     head' = SHA-256("rota-devlog-v1" || head || entry)
 *
 * An entry is written to its own flash region first; number of entries and head go into the device journal with the
 * decision itself (`logged` of rota/store/state.h), so the log costs no commit. The journal is what counts: an entry
 * that it does not speak of, since power was cut in between, is void, and the next one takes its number. So
 * there is one chain, whatever happens to the power. Heads are told to the server, which sees when one does not
 * follow from those that it knows.
 *
 * The region is a ring of sectors: the oldest entries make room, a sector at a time; the head still stands for them.
 */
#ifndef ROTA_STORE_DEVLOG_H
#define ROTA_STORE_DEVLOG_H

#include "rota/port/flash.h"
#include "rota/store/state.h"

#define ROTA_DEVLOG_ENTRY_LEN 104

struct rota_devlog_entry {
	uint64_t number; /* from 0, without gaps */
	uint64_t at_s; /* seconds since 1970; 0: not known */
	uint64_t seq; /* of the event that tells of it (SPEC 13.2) */
	uint64_t version; /* of the release; 0: none */
	uint8_t release[ROTA_SHA256_LEN]; /* digest of its release.json; zeros: none */
	uint8_t image[ROTA_SHA256_LEN]; /* of its first component; zeros: not known */
	uint32_t counter; /* counter floor that was known */
	uint8_t kind; /* enum rota_event_kind */
	uint8_t clause; /* enum rota_clause */
	uint8_t err; /* enum rota_err */
	uint8_t attempt;
};

/* Append *entry, whose number becomes from->count. On ROTA_OK it is durable and was read back, and *to (which may be
 * `from`) is what the journal is to say. What the last sector does not take, and what comes behind damage, goes into
 * the next one.
 * ROTA_ERR_ARGUMENT: a region of fewer than two sectors, or whose sectors do not hold one entry. ROTA_ERR_IO: the
 * flash takes it nowhere; `to` is as it was. */
ROTA_MUST_USE enum rota_err rota_devlog_append(const struct rota_flash *flash,
	const struct rota_crypto *crypto, const struct rota_logged *from,
	struct rota_devlog_entry *entry, struct rota_logged *to);

/* Those that are kept, oldest first, up to what the journal says. What `take` returns but ROTA_OK is the result.
 * ROTA_ERR_CORRUPT: entries before those handed out were lost or changed; without any, no chain leads to `logged`. */
ROTA_MUST_USE enum rota_err rota_devlog_read(const struct rota_flash *flash,
	const struct rota_crypto *crypto, const struct rota_logged *logged, void *ctx,
	enum rota_err (*take)(void *ctx, const struct rota_devlog_entry *entry));

#endif
