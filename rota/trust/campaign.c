/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/campaign.h"
#include "rota/base/mem.h"

static bool same(struct rota_span device, const struct rota_name *name)
{
	return device.len > 0 && rota_span_eq(device, rota_name_span(name));
}

/* The canary list of the stage that ends now had `len` tags, the device's among them. */
static void add_canary(struct rota_rollout_facts *facts, uint32_t len)
{
	if (facts->canary == 0 || len < facts->canary)
		facts->canary = len;
}

static void add_stage(struct rota_campaign_finder *f, const struct rota_stage *stage)
{
	switch ((enum rota_stage_kind)stage->kind) {
	case ROTA_STAGE_CANARY:
		if (f->tag_in_list)
			add_canary(&f->facts, stage->tag_count);
		break;
	case ROTA_STAGE_PPM:
		if (stage->ppm > f->facts.ppm)
			f->facts.ppm = stage->ppm;
		break;
	case ROTA_STAGE_GROUP:
		f->facts.group |= same(f->device.group, &stage->name);
		break;
	case ROTA_STAGE_REGION:
		f->facts.region |= same(f->device.region, &stage->name);
		break;
	case ROTA_STAGE_EVERYONE:
		f->facts.everyone = true;
		break;
	}
}

static enum rota_err on_campaign(struct rota_campaign_finder *f, const struct rota_campaign *c)
{
	if (f->found)
		return ROTA_ERR_FORMAT; /* SPEC 8.1: one per channel */
	f->found = true;
	f->tag_in_list = false;
	rota_tag(f->crypto, ROTA_SPAN(c->sha256), f->device.spki, f->tag);
	return ROTA_OK;
}

static enum rota_err on_event(void *ctx, const struct rota_policy_event *e)
{
	struct rota_campaign_finder *f = ctx;

	if (!same(f->device.channel, &e->campaign->channel))
		return ROTA_OK;
	switch (e->kind) {
	case ROTA_POLICY_CAMPAIGN:
		return on_campaign(f, e->campaign);
	case ROTA_POLICY_TAG:
		if (memcmp(e->tag, f->tag, ROTA_TAG_LEN) == 0)
			f->tag_in_list = true;
		break;
	case ROTA_POLICY_STAGE:
		if (e->stage->index <= e->campaign->open) /* SPEC 8.3 */
			add_stage(f, e->stage);
		f->tag_in_list = false;
		break;
	case ROTA_POLICY_CAMPAIGN_END:
		f->campaign = *e->campaign;
		break;
	}
	return ROTA_OK;
}

void rota_campaign_begin(struct rota_campaign_finder *f, const struct rota_crypto *crypto,
	const struct rota_campaign_device *device, struct rota_buf names, struct rota_buf value)
{
	memset(f, 0, sizeof(*f));
	f->crypto = crypto;
	f->device = *device;
	rota_policy_begin(
		&f->policy, (struct rota_policy_sink){ .ctx = f, .event = on_event }, names, value);
}

enum rota_err rota_campaign_feed(struct rota_campaign_finder *f, struct rota_span piece)
{
	return rota_policy_feed(&f->policy, piece);
}

enum rota_err rota_campaign_end(struct rota_campaign_finder *f)
{
	ROTA_TRY(rota_policy_end(&f->policy));
	return same(f->device.product, &f->policy.product) ? ROTA_OK : ROTA_ERR_PRODUCT;
}
