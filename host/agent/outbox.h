/* SPDX-License-Identifier: Apache-2.0 */
/* host/agent/outbox.h -- events that the server has not acknowledged yet.
 *
 *     DIR/00000000000000000042-checked.json   one event, as SPEC 13.2 has it in its list
 *
 * An event is durable here before the device goes on, and stays until the server acknowledged its sequence
 * number. The number of files is bounded: where it would be passed, the oldest event of the kind "checked"
 * makes room, since the next poll says the same again; where there is none, the oldest of all.
 */
#ifndef HOST_AGENT_OUTBOX_H
#define HOST_AGENT_OUTBOX_H

#include "host/base/file.h"

/* SPEC 13.2 */
#define ROTA_BATCH_EVENTS_MAX 64
#define ROTA_BATCH_BYTES_MAX (16 * 1024 - ROTA_BATCH_SIGNATURE_MAX)
#define ROTA_BATCH_SIGNATURE_MAX                                                                   \
	1100 /* the report's own: 1,024 hex digits of RSA-4096, and its name */

/* Of one event: eight strings of 256 bytes with everything escaped, and the rest. */
#define ROTA_EVENT_BYTES_MAX (13 * 1024)

struct rota_outbox {
	char dir[ROTA_FILE_PATH_MAX];
	uint32_t most; /* events */
};

ROTA_MUST_USE enum rota_err rota_outbox_open(
	struct rota_outbox *o, const char *dir, uint32_t most, struct rota_fail *why);

/* Keep one event. kind: the event's name. */
ROTA_MUST_USE enum rota_err rota_outbox_add(struct rota_outbox *o, uint64_t seq, const char *kind,
	struct rota_span json, struct rota_fail *why);

/* {"events":[...]} of the oldest events, at most `most` of them and what a report may hold beside its signature. *last is the
 * greatest sequence in it; 0: the outbox is empty. An event that cannot be read is removed. */
ROTA_MUST_USE enum rota_err rota_outbox_batch(struct rota_outbox *o, uint32_t most,
	struct rota_bytes *out, uint64_t *last, struct rota_fail *why);

/* Remove the events up to `last`. */
void rota_outbox_acknowledge(struct rota_outbox *o, uint64_t last);

size_t rota_outbox_count(const struct rota_outbox *o);

#endif
