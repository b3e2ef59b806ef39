/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/magic.h"

#define NAME_LEN (ROTA_MAGIC_LEN - 1)

enum rota_err rota_magic_read(struct rota_reader *r, struct rota_span magic)
{
	struct rota_span name = rota_read_span(r, NAME_LEN);
	uint8_t version = rota_read_u8(r);

	if (r->failed || !rota_span_eq(name, rota_span_slice(magic, 0, NAME_LEN)))
		return ROTA_ERR_FORMAT;
	return version == magic.p[NAME_LEN] ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}
