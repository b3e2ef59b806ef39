/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/ticket.h"
#include "rota/codec/magic.h"

#define MAGIC "ROTATKT\x01" /* the last byte is the format */

enum rota_err rota_ticket_decode(struct rota_span in, struct rota_ticket *out)
{
	struct rota_reader r = rota_reader(in);

	if (in.len > ROTA_TICKET_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	out->number = rota_read_le32(&r);
	out->seconds = rota_read_le32(&r);
	rota_timesig_read(&r, &out->by);
	return rota_reader_end(&r);
}

static bool sound(const struct rota_timesig *by)
{
	return by->key.len > 0 && by->key.len <= ROTA_TIMESIG_KEY_MAX && by->sig.len > 0 &&
		by->sig.len <= ROTA_TIMESIG_SIG_MAX;
}

enum rota_err rota_ticket_encode(
	const struct rota_ticket *ticket, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	if (!sound(&ticket->by))
		return ROTA_ERR_ARGUMENT;
	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_le32(&w, ticket->number);
	rota_write_le32(&w, ticket->seconds);
	rota_timesig_write(&w, &ticket->by);
	return rota_writer_end(&w, out);
}
