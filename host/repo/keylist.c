/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/keylist.h"

#include <stdint.h>
#include <string.h>

#define SUITE 1 /* SPEC 31.2 */
#define CIPHERS 2

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	const char *role = rota_purpose_role(c->purpose);

	if (!role || c->suite != SUITE || c->cipher < 1 || c->cipher > CIPHERS)
		return ROTA_ERR_UNSUPPORTED;
	return strcmp(role, ctx) == 0 ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err on_tree(
	void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	(void)ctx;
	(void)tree;
	(void)size;
	(void)root;
	return ROTA_OK; /* the decoder has judged it */
}

enum rota_err rota_keylist_read(struct rota_span text, const char *role, struct rota_name *product)
{
	static struct rota_keys_decoder d;
	uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	const struct rota_keys_sink sink = { (void *)(uintptr_t)role, on_campaign, on_tree };

	rota_keys_begin(&d, sink, ROTA_BUF(names), ROTA_BUF(value));
	ROTA_TRY(rota_keys_feed(&d, text));
	ROTA_TRY(rota_keys_end(&d));
	*product = d.product;
	return ROTA_OK;
}
