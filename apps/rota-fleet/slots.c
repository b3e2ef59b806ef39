/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-fleet/slots.h"

#include <string.h>

/* ROTA_ERR_IO: no power. ROTA_ERR_BUSY: a trial runs, and the other place is what the next boot needs. */
static enum rota_err judge(const struct fleet_slots *s)
{
	if (s->supply->off)
		return ROTA_ERR_IO;
	return s->of->kind == ROTA_BOOT_TRIAL ? ROTA_ERR_BUSY : ROTA_OK;
}

static uint8_t other(const struct fleet_images *i)
{
	return i->confirmed ^ 1;
}

static enum rota_err inactive(void *ctx, struct rota_slot *out)
{
	const struct fleet_slots *s = ctx;

	ROTA_TRY(judge(s));
	*out = (struct rota_slot){ .id = other(s->of), .capacity = FLEET_IMAGE_MAX };
	return ROTA_OK;
}

static enum rota_err begin(
	void *ctx, const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	const struct fleet_slots *s = ctx;

	(void)digest;
	ROTA_TRY(judge(s));
	if (length > FLEET_IMAGE_MAX)
		return ROTA_ERR_FULL;
	s->of->asked = false;
	memset(s->of->digest[other(s->of)], 0, ROTA_SHA256_LEN);
	*durable = 0;
	return ROTA_OK;
}

static enum rota_err put(void *ctx, uint64_t off, struct rota_span data)
{
	ROTA_TRY(judge(ctx));
	return off <= FLEET_IMAGE_MAX && data.len <= FLEET_IMAGE_MAX - off ? ROTA_OK
									   : ROTA_ERR_FULL;
}

static enum rota_err finish(void *ctx, uint64_t len)
{
	(void)len;
	return judge(ctx);
}

static enum rota_err trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	const struct fleet_slots *s = ctx;

	ROTA_TRY(judge(s));
	memcpy(s->of->digest[other(s->of)], digest, ROTA_SHA256_LEN);
	s->of->asked = true;
	return ROTA_OK;
}

static enum rota_err booted(void *ctx, struct rota_booted *out)
{
	const struct fleet_slots *s = ctx;
	const struct fleet_images *i = s->of;

	*out = (struct rota_booted){ .id = i->runs, .kind = (enum rota_boot_kind)i->kind };
	memcpy(out->digest, i->digest[i->runs], sizeof(out->digest));
	return s->supply->off ? ROTA_ERR_IO : ROTA_OK;
}

static enum rota_err confirm(void *ctx)
{
	const struct fleet_slots *s = ctx;

	if (s->supply->off)
		return ROTA_ERR_IO;
	if (s->of->kind == ROTA_BOOT_TRIAL) {
		s->of->confirmed = s->of->runs;
		s->of->kind = ROTA_BOOT_CONFIRMED;
	}
	return ROTA_OK;
}

static enum rota_err revert(void *ctx)
{
	const struct fleet_slots *s = ctx;

	if (s->supply->off)
		return ROTA_ERR_IO;
	s->of->asked = false; /* a trial that runs ends with the next boot */
	return ROTA_OK;
}

void fleet_slots_init(struct fleet_slots *s, const struct rota_sim_supply *supply)
{
	*s = (struct fleet_slots){ .port = { .inactive = inactive,
					   .begin = begin,
					   .write = put,
					   .finish = finish,
					   .trial = trial,
					   .booted = booted,
					   .confirm = confirm,
					   .revert = revert },
		.supply = supply };
	s->port.ctx = s;
}

void fleet_images_boot(struct fleet_images *i)
{
	uint8_t before = i->kind;

	i->kind = ROTA_BOOT_CONFIRMED;
	i->runs = i->confirmed;
	if (i->asked) {
		i->kind = ROTA_BOOT_TRIAL;
		i->runs = other(i);
		i->asked = false;
	} else if (before == ROTA_BOOT_TRIAL) {
		i->kind = ROTA_BOOT_REVERTED;
	}
}

bool fleet_images_new(const struct fleet_images *i)
{
	static const uint8_t factory[ROTA_SHA256_LEN];

	return memcmp(i->digest[i->confirmed], factory, sizeof(factory)) != 0;
}
