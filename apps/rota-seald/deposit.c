/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/deposit.h"
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/trees.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum rota_err deposit_open(const struct service *s, uint8_t purpose, uint32_t generation,
	struct rota_pkcs11_deposit **out, struct rota_fail *why)
{
	char up[64], down[64];

	if (!s->token.module)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"[service %s] has no token_module; --out writes its keys into a file",
			s->name);
	snprintf(up, sizeof(up), "rota-%s-%" PRIu32 "-up", rota_purpose_word(purpose), generation);
	snprintf(down, sizeof(down), "rota-%s-%" PRIu32 "-down", rota_purpose_word(purpose),
		generation);
	return holders_saw(rota_pkcs11_deposit_open(&s->token, up, down, out, why));
}

static enum rota_err put(void *ctx, const uint8_t device[static ROTA_DEVICE_LEN],
	const struct rota_backkeys_keys *keys, struct rota_fail *why)
{
	return rota_pkcs11_deposit_put(
		ctx, device, rota_span(keys->up, keys->len), rota_span(keys->down, keys->len), why);
}

enum rota_err deposit_tree(struct rota_pkcs11_deposit *d, const struct rota_backkeys *tree,
	const struct rota_sealer *copies, struct rota_fail *why)
{
	struct rota_bar bar = { 0 };
	enum rota_err err;

	rota_bar_begin(&bar, stderr, "handing");
	err = rota_backkeys_each(tree, copies, &bar.port, put, d, why);
	rota_bar_end(&bar);
	return err;
}

/* ---- and out of it ---- */

static enum rota_err read_wanted(const struct config *c, const struct arguments *a,
	uint8_t *purpose, uint32_t *generation, struct rota_fail *why)
{
	static const uint8_t no_campaign[32];
	char *end;
	unsigned long value = strtoul(a->generation, &end, 10);

	*purpose = rota_purpose_of(rota_span_cstr(a->purpose));
	if (!rota_backkeys_for(*purpose))
		return rota_fail(
			why, ROTA_ERR_ARGUMENT, "no back end has keys of purpose %s", a->purpose);
	if (*a->generation < '1' || *a->generation > '9' || *end || value > UINT32_MAX - 2)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s is no generation", a->generation);
	*generation = (uint32_t)value;
	if (trees_overtake(c, no_campaign, *purpose, *generation + 2))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"generation %s of %s is not two below the newest that is sealed: messages still "
		"come under it (SPEC 38.2)",
		a->generation, a->purpose);
}

enum rota_err verb_destroy(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	const struct service *service = services_named(&c->services, a->service);
	struct rota_pkcs11_deposit *d;
	uint32_t generation = 0, count;
	uint8_t purpose = 0;
	enum rota_err err;

	if (!service)
		return rota_fail(
			why, ROTA_ERR_NOT_FOUND, "%s: no [service %s]", c->ini.path, a->service);
	ROTA_TRY(read_wanted(c, a, &purpose, &generation, why));
	ROTA_TRY(deposit_open(service, purpose, generation, &d, why));
	err = rota_pkcs11_deposit_destroy(d, &count, why);
	rota_pkcs11_deposit_close(d);
	ROTA_TRY(err);
	if (a->json)
		printf("{\"destroyed\":%" PRIu32 ",\"generation\":%" PRIu32
		       ",\"purpose\":\"%s\",\"service\":\"%s\"}\n",
			count, generation, a->purpose, a->service);
	else
		printf("rota-seald: %" PRIu32 " keys of generation %" PRIu32
		       " of %s are destroyed in the token of service %s\n",
			count, generation, a->purpose, a->service);
	return ROTA_OK;
}
