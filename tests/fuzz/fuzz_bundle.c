/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle on the machine that signs: what the reader accepts is spelled as it came, and judged and shown as far as it
 * goes without signatures. */
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

static void judge(const struct rota_bundle *b, struct rota_bundle_view *v)
{
	const struct rota_bundle_sink sink = { .change = on_change };
	static struct rota_authdir dir;
	struct rota_bundle_part part;
	struct rota_fail why;
	uint64_t now = 0;

	if (!dir.party_count)
		fill_authority(&dir);
	for (; rota_bundle_part(b, v->count, &part); v->count++) {
		const char *at = json_string_value(json_object_get(part.content, "x-rota-issued"));

		v->items[v->count] = (struct rota_bundle_item){ .role = part.role,
			.duty = rota_bundle_duty(part.role),
			.was = json_object_get(part.current, "signed"),
			.now = part.content };
		if (!at || !rota_when_parse(at, &now) ||
			rota_bundle_judge_role(&dir, &v->items[v->count], &why) != ROTA_OK ||
			rota_bundle_judge(&dir, owner_of(v), &v->items[v->count], now, &why) !=
				ROTA_OK)
			return;
	}
	if (rota_bundle_judge_files(v, &why) == ROTA_OK)
		for (size_t i = 0; i < v->count; i++)
			rota_bundle_diff(v, &v->items[i], &sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_bundle_view view = { 0 };
	struct rota_bytes again;
	struct rota_bundle b;
	struct rota_fail why;

	if (rota_bundle_parse(rota_span(data, len), &b, &why) != ROTA_OK)
		return 0;
	if (rota_json_encode(b.whole, ROTA_JSON_FILE, &again, &why) != ROTA_OK ||
		!rota_span_eq(rota_bytes_span(&again), rota_span(data, len)) ||
		rota_bundle_merge(&b, &b, &why) != ROTA_OK)
		abort();
	rota_bytes_free(&again);
	view.bundle = &b;
	judge(&b, &view);
	rota_bundle_free(&b);
	return 0;
}
