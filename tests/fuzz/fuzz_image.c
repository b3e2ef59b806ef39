/* SPDX-License-Identifier: Apache-2.0 */
/* Images, with a hash that is always zero, so that the fuzzer passes the digest inside. The same bytes in
 * other pieces must give the same verdict. */
#include "rota/codec/image.h"

#include <stdlib.h>
#include <string.h>

static void no_init(struct rota_sha256 *h)
{
	h->opaque[0] = 0;
}

static void no_update(struct rota_sha256 *h, struct rota_span data)
{
	h->opaque[0] += data.len;
}

static void no_final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN])
{
	memset(out, h == NULL, ROTA_SHA256_LEN);
}

static enum rota_err parse(struct rota_image *im, struct rota_span rest, size_t piece)
{
	static const struct rota_crypto zeros = {
		.sha256_init = no_init, .sha256_update = no_update, .sha256_final = no_final
	};

	rota_image_begin(im, &zeros);
	for (; rest.len > 0; rest = rota_span_skip(rest, piece))
		ROTA_TRY(rota_image_update(im, rota_span_slice(rest, 0, piece)));
	return rota_image_finish(im);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_image whole, parts;
	enum rota_err err = parse(&whole, rota_span(data, len), len);

	if (parse(&parts, rota_span(data, len), 1 + len % 7) != err || whole.clause != parts.clause)
		abort();
	if (err == ROTA_OK && whole.info.file_len != len)
		abort();
	return 0;
}
