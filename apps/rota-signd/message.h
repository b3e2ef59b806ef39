/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/message.h -- what the daemon's processes say to each other.
 *
 *     client --HTTP--> parser --order--> log writer --rota_pool_order--> session holder
 *       ^                |  <---logged---'                                    |
 *       '----------------'  <---------------rota_pool_done--------------------'
 *
 * Unix sockets of type SOCK_SEQPACKET, so one message is one order, whole; numbers are native, all is one machine. The parser
 * has no way to a holder but through the log writer, and the log writer hands on the digest of the entry that it has just made
 * durable, no other.
 */
#ifndef APPS_ROTA_SIGND_MESSAGE_H
#define APPS_ROTA_SIGND_MESSAGE_H

#include "host/log/entry.h"

/* Parser to log writer; behind it leaf_len bytes of leaf and record_len of private record. */
struct signd_order {
	uint64_t tag;
	uint32_t record_len; /* at most ROTA_LOG_PRIVATE_MAX */
	uint16_t leaf_len; /* 1 to ROTA_LEAF_MAX */
	uint16_t key; /* of the holder */
	uint8_t holder;
	uint8_t count; /* signatures wanted: 0, an entry alone; 1 */
};

#define SIGND_ORDER_MAX (sizeof(struct signd_order) + ROTA_LEAF_MAX + ROTA_LOG_PRIVATE_MAX)

/* The answer: the entry is durable, or nothing will be signed. A rota_pool_done of the same tag follows from the holder. */
struct signd_logged {
	uint64_t tag, index;
	int32_t err; /* enum rota_err */
};

#endif
