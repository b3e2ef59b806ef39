/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/delivery.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

enum rota_err rota_delivery_begin(struct rota_span certificate, struct rota_buf room, size_t *len)
{
	struct rota_writer w = rota_writer(room);
	struct rota_span out;

	*len = 0;
	if (certificate.len > UINT16_MAX)
		return ROTA_ERR_LIMIT;
	rota_write_le16(&w, (uint16_t)certificate.len);
	rota_write_span(&w, certificate);
	ROTA_TRY(rota_writer_end(&w, &out));
	*len = out.len;
	return ROTA_OK;
}

enum rota_err rota_delivery_read(struct rota_span in, struct rota_delivery *out)
{
	struct rota_reader r = rota_reader(in);
	size_t len = rota_read_le16(&r);

	out->certificate = rota_read_span(&r, len);
	out->body = r.rest;
	return r.failed ? ROTA_ERR_FORMAT : ROTA_OK;
}
