/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/seal_parts.h -- what the parts of a sealing share. */
#ifndef HOST_CAMPAIGN_SEAL_PARTS_H
#define HOST_CAMPAIGN_SEAL_PARTS_H

#include "host/campaign/copies.h"
#include "host/campaign/crew.h"
#include "host/campaign/resume.h"
#include "host/campaign/seal.h"

/* Chunks between two syncs, at most: ten seconds of work are lost. */
#define SEAL_BATCH 64

/* What the next book says of a device beside its psk, noted when its row was last judged: so it need not be read once more. */
struct seal_known {
	uint8_t device[ROTA_DEVICE_LEN];
	uint32_t counter, proved;
};

struct sealing {
	const struct rota_seal_plan *plan;
	uint8_t export_sha256[ROTA_SHA256_LEN];
	struct rota_export head;
	struct rota_book_tools tools;
	struct rota_index_plan look;
	struct rota_earlier earlier;
	struct rota_index index;
	char own_book[ROTA_FILE_PATH_MAX], next_book[ROTA_FILE_PATH_MAX];
	char factory_book[ROTA_FILE_PATH_MAX];
	struct rota_part keys, copies, confirm;
	struct rota_resume resume, before; /* before: as it was found, for all threads to read */
	uint8_t campaign_key[ROTA_KEYWRAP_KEY_LEN];
	struct rota_copies_key copies_key;
	uint8_t (*psk)[ROTA_PSK_LEN]; /* what follows from each secret, in the order of the tree */
	struct seal_known *known; /* likewise */

	uint32_t batch_len; /* of a whole one */
	pthread_mutex_t one; /* over all below */
	uint32_t batch[SEAL_BATCH], batched;
	uint32_t base, again, devices;
	pthread_mutex_t syncing; /* over the files' sync and `resume` */
};

/* All chunks, in the plan's threads: those that are noted are read, the others made. Afterwards all are durable. */
ROTA_MUST_USE enum rota_err seal_chunks(struct sealing *s, struct rota_fail *why);

/* The book of the next campaign: begun, made in units by any threads, and put into the place of this one's. After a failed begin too
 * it is ended with seal_book_end(). */
struct seal_book;
ROTA_MUST_USE enum rota_err seal_book_begin(
	struct sealing *s, struct seal_book **out, struct rota_fail *why);
uint32_t seal_book_units(const struct seal_book *b);
ROTA_MUST_USE enum rota_err seal_book_unit(
	struct seal_book *b, uint32_t unit, struct rota_fail *why);
ROTA_MUST_USE enum rota_err seal_book_place(struct seal_book *b, struct rota_fail *why);
void seal_book_end(struct seal_book *b);

#endif
