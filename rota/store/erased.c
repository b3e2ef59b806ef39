/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/erased.h"

#define STAGE_LEN 128 /* bytes read at a time: small enough for any stack */

enum rota_err rota_flash_is_erased(
	const struct rota_flash *flash, uint32_t off, uint32_t len, bool *yes)
{
	uint8_t stage[STAGE_LEN];

	*yes = false;
	while (len > 0) {
		uint32_t n = len < STAGE_LEN ? len : STAGE_LEN;

		ROTA_TRY(flash->read(flash->ctx, off, rota_buf(stage, n)));
		for (uint32_t i = 0; i < n; i++) {
			if (stage[i] != flash->erased)
				return ROTA_OK;
		}
		off += n;
		len -= n;
	}
	*yes = true;
	return ROTA_OK;
}
