/* SPDX-License-Identifier: Apache-2.0 */
/* Device logs: whatever the flash holds, what is appended is handed out as the last one. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/store/devlog.h"
#include "tests/unit/flash_mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err take(void *ctx, const struct rota_devlog_entry *e)
{
	*(uint64_t *)ctx = e->number;
	return ROTA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct flash_mem flash;
	struct rota_logged at = { 0 };
	struct rota_devlog_entry e = { .seq = 1 };
	uint64_t last = UINT64_MAX;

	flash_mem_init(&flash, 512, 3, 4, 0xff);
	if (len > 0)
		at.count = data[0] % 8;
	memcpy(flash.bytes, data, len < 1536 ? len : 1536);
	(void)!rota_devlog_read(&flash.port, &rota_crypto_openssl, &at, &last, take);
	if (rota_devlog_append(&flash.port, &rota_crypto_openssl, &at, &e, &at) != ROTA_OK)
		abort();
	(void)!rota_devlog_read(&flash.port, &rota_crypto_openssl, &at, &last, take);
	if (last != at.count - 1)
		abort();
	return 0;
}
