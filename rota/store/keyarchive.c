/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/keyarchive.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FORMAT 1
#define CIPHER_MAX 2 /* SPEC 31.2 */
#define WRAP_PLACES 2 /* what holds data keys: the seed does not */

static bool archived_agrees(const struct rota_key_archived *a)
{
	return a->purpose >= 1 && a->purpose <= ROTA_PURPOSES_MAX && a->cipher >= 1 &&
		a->cipher <= CIPHER_MAX && a->uses >> (ROTA_USE_PSK + 1) == 0 &&
		a->generation >= 1 && a->wrapped[0] < WRAP_PLACES;
}

/* Ascending by (purpose, generation). */
static bool archive_agrees(const struct rota_key_archived *list, uint8_t count)
{
	if (count > ROTA_KEY_ARCHIVE_MAX)
		return false;
	for (uint8_t i = 0; i < count; i++) {
		if (!archived_agrees(&list[i]))
			return false;
		if (i > 0 &&
			(list[i - 1].purpose > list[i].purpose ||
				(list[i - 1].purpose == list[i].purpose &&
					list[i - 1].generation >= list[i].generation)))
			return false;
	}
	return true;
}

enum rota_err rota_key_archive_encode(const struct rota_key_archived *list, uint8_t count,
	struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	*out = rota_span(NULL, 0);
	if (!archive_agrees(list, count))
		return ROTA_ERR_ARGUMENT;
	rota_write_u8(&w, FORMAT);
	for (uint8_t i = 0; i < count; i++) {
		rota_write_u8(&w, list[i].purpose);
		rota_write_u8(&w, list[i].cipher);
		rota_write_u8(&w, list[i].uses);
		rota_write_u8(&w, 0);
		rota_write_le32(&w, list[i].generation);
		rota_write_span(&w, ROTA_SPAN(list[i].wrapped));
	}
	return rota_writer_end(&w, out);
}

enum rota_err rota_key_archive_decode(
	struct rota_span in, struct rota_key_archived *list, uint8_t *count)
{
	struct rota_reader r = rota_reader(in);
	uint8_t n = 0;

	*count = 0;
	if (in.len == 0)
		return ROTA_ERR_FORMAT;
	if (rota_read_u8(&r) != FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	while (r.rest.len > 0 && !r.failed && n < ROTA_KEY_ARCHIVE_MAX) {
		struct rota_key_archived *a = &list[n++];

		a->purpose = rota_read_u8(&r);
		a->cipher = rota_read_u8(&r);
		a->uses = rota_read_u8(&r);
		if (rota_read_u8(&r) != 0)
			rota_reader_fail(&r);
		a->generation = rota_read_le32(&r);
		rota_read_bytes(&r, ROTA_BUF(a->wrapped));
	}
	ROTA_TRY(rota_reader_end(&r));
	if (!archive_agrees(list, n))
		return ROTA_ERR_FORMAT;
	*count = n;
	return ROTA_OK;
}
