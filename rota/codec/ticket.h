/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/ticket.h -- more time for one device's watchdog, on any carrier (SPEC 10.9).
 *
 *     "ROTATKT" || 1 || number (u32) || seconds (u32) || signature (rota/codec/timesig.h)
 *
 * over "rota-ticket-v1" || device id (its 64 hex digits) || number (u32) || seconds (u32). The number is one above
 * that of the last ticket that the device took, so that each counts once, and in order.
 */
#ifndef ROTA_CODEC_TICKET_H
#define ROTA_CODEC_TICKET_H

#include "rota/codec/timesig.h"

#define ROTA_TICKET_HEAD_LEN (8 + 4 + 4)
#define ROTA_TICKET_MAX (ROTA_TICKET_HEAD_LEN + ROTA_TIMESIG_MAX)

struct rota_ticket {
	uint32_t number; /* from 1 */
	uint32_t seconds; /* that the device may run from when it takes the ticket */
	struct rota_timesig by; /* points into the ticket */
};

/* ROTA_ERR_FORMAT: not the layout. ROTA_ERR_UNSUPPORTED: a ticket of another format. ROTA_ERR_LIMIT: longer than
 * ROTA_TICKET_MAX. Nothing of it is believed yet: rota_ticket_verify(), rota/trust/signedtime.h. */
ROTA_MUST_USE enum rota_err rota_ticket_decode(struct rota_span in, struct rota_ticket *out);

/* The ticket into `room`; *out is the part used. ROTA_ERR_ARGUMENT: what decode would refuse. ROTA_ERR_LIMIT: too
 * little room. */
ROTA_MUST_USE enum rota_err rota_ticket_encode(
	const struct rota_ticket *ticket, struct rota_buf room, struct rota_span *out);

#endif
