/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/checkpoints.h"
#include "host/log/head.h"
#include "host/log/tiles.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>
#include <string.h>

/* Of the log as it is published now. */
static enum rota_err find_root(const char *folder, uint64_t size, uint8_t *root)
{
	struct rota_tiles files = rota_tiles_in(folder);
	char *path = rota_text("%s/checkpoint", folder);
	struct rota_log_head head;
	struct rota_fail why;
	enum rota_err err = rota_log_head_read(path, &head, &why);

	free(path);
	ROTA_TRY(err);
	err = rota_tiles_root(&rota_crypto_openssl, &files, size, head.at.size, root, &why);
	rota_log_head_free(&head);
	return err;
}

enum rota_err checkpoints_look(void *ctx, uint64_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	struct checkpoints *c = ctx;

	if (c->size == 0 || c->size != size) {
		c->size = 0;
		if (find_root(c->folder, size, c->root) != ROTA_OK)
			return ROTA_ERR_NOT_FOUND;
		c->size = size;
	}
	return memcmp(c->root, root, sizeof(c->root)) == 0 ? ROTA_OK : ROTA_ERR_HASH;
}
