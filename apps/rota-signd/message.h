/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/message.h -- what the daemon's processes say to each other.
 *
 *     client --HTTP--> parser --order--> log writer --rota_pool_order--> session holder
 *       ^                |  <---logged---'                                    |
 *       '----------------'  <---------------rota_pool_done--------------------'
 *                         <--signd_rows_done-- registrar <--signd_rows_order-- log writer
 *
 * Unix sockets of type SOCK_SEQPACKET, so what is in one message is there whole; numbers are native, all is one machine. A message
 * has several orders or answers, one behind the other, where they come at once: to send one and to wake somebody takes longer than
 * what is done with it. The parser has no way to a holder but through the log writer, and the log writer hands on the digest of the entry that it has just made
 * durable, no other.
 *
 * *Rounds.* What is granted is judged after what was granted before it, which may not be durable yet. When one entry is not
 * taken, all grants that were judged after it fall too: the writer counts a round up, and takes none of an older round. The
 * parser then asks for all entries anew, and gets the round with the answer.
 */
#ifndef APPS_ROTA_SIGND_MESSAGE_H
#define APPS_ROTA_SIGND_MESSAGE_H

#include "host/log/entry.h"
#include "host/notary/ask.h"
#include "host/notary/rows.h"

/* Parser to log writer; behind it leaf_len bytes of leaf and record_len of private record. The request that officers
 * approved, or of kind `rows` the batch of its items, is longer than a message and comes as a file in memory beside it; its order is alone in
 * its message. */
struct signd_order {
	uint64_t tag;
	uint32_t round;
	uint32_t ask_len; /* at most ROTA_ASK_MAX; 0: there is no file */
	uint32_t record_len; /* at most ROTA_LOG_PRIVATE_MAX */
	uint16_t leaf_len; /* at most ROTA_LEAF_MAX; 0: all entries that are there, please */
	uint16_t key[ROTA_ANSWER_SIGS_MAX]; /* of the holder */
	uint8_t holder[ROTA_ANSWER_SIGS_MAX];
	uint8_t count; /* signatures wanted: 0, an entry alone; to ROTA_ANSWER_SIGS_MAX */
};

/* Of one order: and of a message. */
#define SIGND_ORDER_MAX (sizeof(struct signd_order) + ROTA_LEAF_MAX + ROTA_LOG_PRIVATE_MAX)
/* In the turn of a wait that hears of all connections at once. */
#define SIGND_ORDERS_MAX 64

/* Of the i-th signature that an order wants. */
static inline uint64_t signd_sig_tag(uint64_t tag, size_t i)
{
	return tag * ROTA_ANSWER_SIGS_MAX + i;
}

/* The answer: the entry is durable, or nothing will be signed. A rota_pool_done of each signd_sig_tag() follows from holders.
 * Before the answer to the order for all entries, each of them in a message of its own: leaf_len is not 0, and leaf and record
 * follow. */
struct signd_logged {
	uint64_t tag, index;
	int32_t err; /* enum rota_err */
	uint32_t round;
	uint32_t record_len, leaf_len;
};

#define SIGND_LOGGED_MAX (sizeof(struct signd_logged) + ROTA_LEAF_MAX + ROTA_LOG_PRIVATE_MAX)

/* Log writer to registrar, when the entry ROWS is durable: rows of this scope, for the items of the batch (host/notary/rows.h) in the file
 * beside it, which has this digest. */
struct signd_rows_order {
	uint64_t tag;
	uint8_t digest[ROTA_DIGEST_LEN]; /* `message` of the entry */
	char scope[ROTA_LEAF_NAME_MAX + 1];
};

/* Registrar to parser: results of the items from `first` on, up to SIGND_ROWS_MAX, behind each other in as many messages as it takes. */
#define SIGND_ROWS_MAX 64
struct signd_rows_done {
	uint64_t tag;
	int32_t err; /* enum rota_err: of the batch, and then there are no results */
	uint32_t first, count, all;
	struct rota_rows_result result[SIGND_ROWS_MAX];
};

#endif
