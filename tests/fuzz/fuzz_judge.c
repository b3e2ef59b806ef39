/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle says, judged and shown as far as it goes without signatures. Large trees make it slow: it runs for a
 * while, and fuzz_bundle.c counts for the reader. */
#include "host/base/when.h"
#include "host/repo/bundle_diff.h"
#include "host/repo/bundle_judge.h"
#include "host/sign/duty.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	(void)ctx;
	if (!path || !*path || (!was && !now))
		abort();
}

/* The trust table with nobody at hand. */
static void fill_authority(struct rota_authdir *dir)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		dir->parties[dir->party_count++] = (struct rota_party){ .name = rota_duties[i].name,
			.threshold = i < 2 || i == 4 || i == 8 || i == 11 ? 2 : 1,
			.lifetime_s = rota_duties[i].lifetime_s };
}

/* The first item of the same role as the last one. */
static const struct rota_bundle_item *owner_of(const struct rota_bundle_view *v)
{
	size_t i = 0;

	while (v->items[i].duty != v->items[v->count].duty)
		i++;
	return &v->items[i];
}

/* The people of a role sign its bins. */
static struct rota_delegation signers(const json_t *was)
{
	const json_t *bins = json_object_get(json_object_get(was, "delegations"), "succinct_roles");

	return (struct rota_delegation){ .keyids = json_object_get(bins, "keyids"),
		.threshold = (unsigned)json_integer_value(json_object_get(bins, "threshold")) };
}

/* The hour of the first part is the machine's. */
static bool clock_of(const struct rota_bundle *b, uint64_t *now)
{
	struct rota_bundle_part first;
	const char *at = NULL;

	if (rota_bundle_part(b, 0, &first))
		at = json_string_value(json_object_get(first.content, "x-rota-issued"));
	return at && rota_when_parse(at, now);
}

static bool judge(const struct rota_bundle *b, struct rota_bundle_view *v)
{
	static struct rota_authdir dir;
	struct rota_bundle_part part;
	struct rota_fail why;
	uint64_t now = 0;

	if (!dir.party_count)
		fill_authority(&dir);
	if (!clock_of(b, &now))
		return false;
	for (; rota_bundle_part(b, v->count, &part); v->count++) {
		struct rota_bundle_item *item = &v->items[v->count];

		*item = (struct rota_bundle_item){ .role = part.role,
			.duty = rota_bundle_duty(part.role),
			.was = json_object_get(part.current, "signed"),
			.now = part.content };
		item->who[0] = signers(item->was);
		if (rota_bundle_judge_role(&dir, item, &why) != ROTA_OK ||
			rota_bundle_judge(&dir, owner_of(v), item, now, &why) != ROTA_OK)
			return false;
	}
	return rota_bundle_judge_files(v, &why) == ROTA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct rota_bundle_sink sink = { .change = on_change };
	struct rota_bundle_view view = { 0 };
	struct rota_bundle b;
	struct rota_fail why;

	if (rota_bundle_parse(rota_span(data, len), &b, &why) != ROTA_OK)
		return 0;
	view.bundle = &b;
	if (judge(&b, &view))
		for (size_t i = 0; i < view.count; i++)
			rota_bundle_diff(&view, &view.items[i], &sink);
	rota_bundle_free(&b);
	return 0;
}
