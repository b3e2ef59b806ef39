/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/verify.h"

static enum rota_err flash_read(void *ctx, uint64_t off, struct rota_buf to)
{
	const struct rota_flash *flash = ctx;
	uint64_t size = rota_flash_size(flash->run);

	if (off > size || to.len > size - off || size > UINT32_MAX)
		return ROTA_ERR_LENGTH;
	return flash->read(flash->ctx, (uint32_t)off, to);
}

struct rota_boot_source rota_boot_source_flash(const struct rota_flash *flash)
{
	union {
		const struct rota_flash *in;
		void *ctx;
	} same = { .in = flash }; /* read only, whatever the type of a ctx says */

	return (struct rota_boot_source){ .ctx = same.ctx, .read = flash_read };
}

/* The part of a piece at `off` that is payload. The header is known by then: pieces end with it. */
static struct rota_span payload_of(
	const struct rota_image_info *info, uint64_t off, struct rota_span piece)
{
	uint64_t end = (uint64_t)ROTA_IMAGE_HEADER_LEN + info->payload_len;

	if (off < ROTA_IMAGE_HEADER_LEN || off >= end)
		return rota_span(NULL, 0);
	return rota_span_slice(piece, 0, end - off < piece.len ? (size_t)(end - off) : piece.len);
}

static enum rota_err read_through(
	const struct rota_boot_source *from, struct rota_buf room, struct rota_image *im)
{
	uint64_t off = 0, want;

	while ((want = rota_image_want(im)) > 0) {
		struct rota_buf piece = rota_buf(room.p, want < room.len ? (size_t)want : room.len);
		struct rota_span data = rota_span(piece.p, piece.len), payload;

		ROTA_TRY(from->read(from->ctx, off, piece));
		ROTA_TRY(rota_image_update(im, data));
		payload = payload_of(&im->info, off, data);
		if (from->sink != NULL && payload.len > 0)
			ROTA_TRY(from->sink(from->ctx, payload));
		off += piece.len;
	}
	return rota_image_finish(im);
}

enum rota_err rota_boot_verify(const struct rota_boot_source *from,
	const struct rota_boot_policy *policy, struct rota_buf room, struct rota_image *out,
	uint8_t *keys)
{
	enum rota_err err;

	if (room.len == 0)
		return ROTA_ERR_ARGUMENT;
	rota_image_begin(out, policy->crypto);
	ROTA_TRY(read_through(from, room, out));
	err = rota_boot_image_check(&out->info, policy, keys);
	if (err != ROTA_OK)
		out->clause = ROTA_BOOT_CHECK_CLAUSE;
	return err;
}
