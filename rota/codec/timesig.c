/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/timesig.h"

static struct rota_span read_part(struct rota_reader *r, size_t most)
{
	size_t len = rota_read_le16(r);

	if (len == 0 || len > most)
		rota_reader_fail(r);
	return rota_read_span(r, len);
}

void rota_timesig_read(struct rota_reader *r, struct rota_timesig *out)
{
	out->alg = (enum rota_alg)rota_read_u8(r);
	out->key = read_part(r, ROTA_TIMESIG_KEY_MAX);
	out->sig = read_part(r, ROTA_TIMESIG_SIG_MAX);
}

void rota_timesig_write(struct rota_writer *w, const struct rota_timesig *by)
{
	rota_write_u8(w, (uint8_t)by->alg);
	rota_write_le16(w, (uint16_t)by->key.len);
	rota_write_span(w, by->key);
	rota_write_le16(w, (uint16_t)by->sig.len);
	rota_write_span(w, by->sig);
}
