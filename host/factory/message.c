/* SPDX-License-Identifier: Apache-2.0 */
#include "host/factory/message.h"
#include "host/base/digest.h"
#include "rota/base/reader.h"

#define MAGIC "ROTAFAC\x01" /* the last byte is the format */
#define MAGIC_LEN 8

static const uint8_t fields[ROTA_FACTORY_KINDS] = {
	[ROTA_FACTORY_MAKE] = 5,
	[ROTA_FACTORY_MADE] = 3,
	[ROTA_FACTORY_BORN] = 4,
	[ROTA_FACTORY_ASKS] = 5,
	[ROTA_FACTORY_GIVE] = 6,
	[ROTA_FACTORY_READY] = 3,
	[ROTA_FACTORY_DONE] = 0,
	[ROTA_FACTORY_NO] = 1,
};

enum rota_err rota_factory_decode(struct rota_span in, struct rota_factory_message *out)
{
	struct rota_reader r = rota_reader(in);
	bool known = rota_span_eq(rota_read_span(&r, MAGIC_LEN), ROTA_STR(MAGIC));
	uint8_t kind = rota_read_u8(&r);

	*out = (struct rota_factory_message){ .kind = (enum rota_factory_kind)kind };
	if (!known || kind < ROTA_FACTORY_MAKE || kind >= ROTA_FACTORY_KINDS)
		return ROTA_ERR_FORMAT;
	for (uint8_t i = 0; i < fields[kind]; i++)
		out->field[i] = rota_read_span(&r, rota_read_le32(&r));
	return rota_reader_end(&r);
}

void rota_factory_encode(const struct rota_factory_message *m, struct rota_bytes *out)
{
	rota_bytes_add(out, ROTA_STR(MAGIC));
	rota_bytes_add_byte(out, (char)m->kind);
	for (uint8_t i = 0; i < fields[m->kind]; i++) {
		uint32_t len = (uint32_t)m->field[i].len;

		for (unsigned shift = 0; shift < 32; shift += 8)
			rota_bytes_add_byte(out, (char)(len >> shift & 0xFF));
		rota_bytes_add(out, m->field[i]);
	}
}

void rota_factory_ready_digest(
	struct rota_span said, struct rota_span images, uint8_t out[static 32])
{
	struct rota_digest *digest = rota_digest_new();

	rota_digest_add(digest, ROTA_STR(ROTA_READY_PREFIX));
	rota_digest_add(digest, said);
	rota_digest_add(digest, images);
	rota_digest_get(digest, out);
	rota_digest_free(digest);
}

void rota_factory_pcrs_write(uint32_t pcrs, uint8_t out[static 4])
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(pcrs >> 8 * i);
}

enum rota_err rota_factory_pcrs_read(struct rota_span in, uint32_t *pcrs)
{
	struct rota_reader r = rota_reader(in);

	*pcrs = rota_read_le32(&r);
	return rota_reader_end(&r) == ROTA_OK && *pcrs >> 24 == 0 ? ROTA_OK : ROTA_ERR_FORMAT;
}
