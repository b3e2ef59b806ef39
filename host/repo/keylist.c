/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/keylist.h"
#include "host/base/digest.h"

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

/* ---- as a ledger ---- */

static json_t *make(const char *product)
{
	return json_pack("{s:s,s:[],s:i,s:s}", "_type", "keys", "campaigns", "format", 1, "product",
		product);
}

static enum rota_err read_link(struct rota_span text)
{
	struct rota_name product;

	return rota_keylist_read(text, "keys-link", &product);
}

static enum rota_err read_store(struct rota_span text)
{
	struct rota_name product;

	return rota_keylist_read(text, "keys-store", &product);
}

const struct rota_ledger_kind *rota_keylist_kind(const char *role)
{
	static const struct rota_ledger_kind kinds[] = {
		{ "keys-link", "keys/link", ROTA_KEYS_MAX, make, read_link },
		{ "keys-store", "keys/store", ROTA_KEYS_MAX, make, read_store },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].role, role) == 0)
			return &kinds[i];
	return NULL;
}

static json_t *find(const json_t *list, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(list, "campaigns"), i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
			return one;
	}
	return NULL;
}

enum rota_err rota_keylist_set_state(json_t *list, const uint8_t id[static ROTA_SHA256_LEN],
	const char *state, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	const char *was;
	json_t *one;

	rota_hex(rota_span(id, ROTA_SHA256_LEN), hex);
	one = find(list, hex);
	if (!one)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "campaign %s is not listed", hex);
	was = json_string_value(json_object_get(one, "state"));
	if (strcmp(was, "aborted") == 0 || strcmp(was, state) == 0)
		return rota_fail(why, ROTA_ERR_STATE, "campaign %s is %s", hex, was);
	json_object_set_new(one, "state", json_string(state));
	return ROTA_OK;
}
