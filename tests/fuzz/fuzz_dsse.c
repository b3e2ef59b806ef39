/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of signed statements: lines that are taken apart are the whole, and what one says is read again as it was
 * written. */
#include "host/build/dsse.h"
#include "rota/base/hex.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of the builder whose envelopes are in the corpus. */
#define BUILDER                                                                                    \
	"04e360b39d67b7bd78d6ccf09899e74acbda4887a2b1099b6653d097a4a20111761249edd614239e85f61e50" \
	"ccb81014c2f70a0612535479978dc2bcd9900c4c68"

/* C11 takes no pointer to an array for one to a constant array. */
#define CONST(points) ((const uint8_t(*)[ROTA_P256_KEY_LEN])(points))

static void again(struct rota_span statement, uint8_t (*points)[ROTA_P256_KEY_LEN])
{
	struct rota_seat_sig sig = { .sig = { 1 } };
	struct rota_bytes line = { 0 }, same;
	struct rota_fail why;
	size_t signer;

	sig.sig[ROTA_P256_SIG_LEN - 1] = 1;
	rota_dsse_write(statement, &sig, &line);
	if (rota_dsse_read(
		    rota_span(line.p, line.len - 1), CONST(points), 1, &same, &signer, &why) != 0 ||
		signer != 1 || !rota_span_eq(rota_bytes_span(&same), statement))
		abort();
	rota_bytes_free(&same);
	rota_bytes_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span rest = rota_span(data, len), line;
	uint8_t points[1][ROTA_P256_KEY_LEN];
	struct rota_bytes statement;
	struct rota_fail why;
	size_t signer;

	if (rota_hex_decode(ROTA_STR(BUILDER), ROTA_BUF(points[0])) != ROTA_OK)
		abort();
	while (rota_dsse_line(&rest, &line)) {
		if (rota_dsse_read(line, CONST(points), 1, &statement, &signer, &why) != ROTA_OK)
			continue;
		again(rota_bytes_span(&statement), points);
		rota_bytes_free(&statement);
	}
	return 0;
}
