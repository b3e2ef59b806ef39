/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/sealed.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <string.h>

#define MAGIC "ROTASLOT"
#define FORMAT 2
#define HEAD_LEN (sizeof(MAGIC) - 1 + 2 + 24)
#define DOMAIN "rota-series-v2"
#define AAD_MAX (sizeof(DOMAIN) - 1 + 1 + 24 + ROTA_SEALED_SCOPE_MAX)

static enum rota_err write_aad(const struct rota_sealed *what, uint8_t room[static AAD_MAX],
	struct rota_span *aad, struct rota_fail *why)
{
	struct rota_writer w = rota_writer(rota_buf(room, AAD_MAX));

	rota_write_span(&w, ROTA_STR(DOMAIN));
	rota_write_u8(&w, (uint8_t)what->kind);
	rota_write_le64(&w, what->version);
	rota_write_le64(&w, what->from_s);
	rota_write_le64(&w, what->until_s);
	rota_write_span(&w, rota_span(what->scope, strlen(what->scope)));
	if (rota_writer_end(&w, aad) == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_LIMIT, "a product's name has at most %d bytes",
		ROTA_SEALED_SCOPE_MAX);
}

enum rota_err rota_sealed_make(const struct rota_sealer *sealer, const struct rota_sealed *what,
	struct rota_span plain, struct rota_bytes *file, struct rota_fail *why)
{
	uint8_t head[HEAD_LEN], room[AAD_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(head));
	struct rota_bytes sealed;
	struct rota_span aad;

	ROTA_TRY(write_aad(what, room, &aad, why));
	ROTA_TRY(sealer->seal(sealer->ctx, aad, plain, &sealed, why));
	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, (uint8_t)what->kind);
	rota_write_le64(&w, what->version);
	rota_write_le64(&w, what->from_s);
	rota_write_le64(&w, what->until_s);
	*file = (struct rota_bytes){ 0 };
	rota_bytes_add(file, rota_writer_span(&w));
	rota_bytes_add(file, rota_bytes_span(&sealed));
	rota_bytes_free(&sealed);
	return ROTA_OK;
}

enum rota_err rota_sealed_peek(
	struct rota_span file, struct rota_sealed *what, struct rota_fail *why)
{
	struct rota_reader r =
		rota_reader(rota_span(file.p, file.len < HEAD_LEN ? file.len : HEAD_LEN));
	struct rota_span magic = rota_read_span(&r, sizeof(MAGIC) - 1);
	uint8_t format = rota_read_u8(&r), kind = rota_read_u8(&r);
	uint64_t version = rota_read_le64(&r);

	what->from_s = rota_read_le64(&r);
	what->until_s = rota_read_le64(&r);
	if (rota_reader_end(&r) == ROTA_OK && rota_span_eq(magic, ROTA_STR(MAGIC)) &&
		format == FORMAT && kind == what->kind && version == what->version)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "not a sealed file of slot %llu (SPEC 23.3)",
		(unsigned long long)what->version);
}

enum rota_err rota_sealed_open(const struct rota_sealer *sealer, const struct rota_sealed *what,
	struct rota_span file, struct rota_bytes *plain, struct rota_fail *why)
{
	uint8_t room[AAD_MAX];
	struct rota_span aad;

	if (file.len < HEAD_LEN)
		return rota_fail(why, ROTA_ERR_CORRUPT, "a sealed file that is cut short");
	ROTA_TRY(write_aad(what, room, &aad, why));
	return sealer->open(
		sealer->ctx, aad, rota_span(file.p + HEAD_LEN, file.len - HEAD_LEN), plain, why);
}
