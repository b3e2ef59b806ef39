/* SPDX-License-Identifier: Apache-2.0 */
/* A root and those that are to follow it, {"before","roots"}: the series that the judge takes can be shown, and is the one
 * that is made of its own times and keys. */
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/series/series.h"
#include "host/sign/p256.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define YEAR_S (365 * 86400)

static uint64_t time_of(const json_t *root, const char *name)
{
	uint64_t at = 0;

	if (!rota_when_parse(json_string_value(json_object_get(root, name)), &at))
		abort();
	return at;
}

static void point_of(const json_t *root, const char *role, uint8_t out[static ROTA_P256_KEY_LEN])
{
	const json_t *of = json_object_get(json_object_get(root, "roles"), role);
	const char *id = json_string_value(json_array_get(json_object_get(of, "keyids"), 0));

	if (!id ||
		rota_p256_of_object(json_object_get(json_object_get(root, "keys"), id), out) != 0)
		abort();
}

static void make_again(const json_t *before, const json_t *roots)
{
	static struct rota_series_pair pairs[ROTA_SERIES_MAX];
	const json_t *first = json_array_get(roots, 0), *root;
	struct rota_series_plan plan = { .issued_s = time_of(first, "x-rota-issued"),
		.from_s = time_of(first, "x-rota-not-before"),
		.slots = (unsigned)json_array_size(roots) - 1 };
	struct rota_bytes shown = { 0 };
	struct rota_fail why;
	json_t *same;
	size_t i;

	plan.period_s = time_of(first, "x-rota-slot-end") - plan.from_s;
	json_array_foreach(roots, i, root)
	{
		point_of(root, "snapshot", pairs[i].snapshot);
		point_of(root, "timestamp", pairs[i].timestamp);
		plan.landing_s = time_of(root, "expires") - time_of(root, "x-rota-not-before");
	}
	if (rota_series_make(before, &plan, pairs, &same, &why) != ROTA_OK ||
		!json_equal(same, roots) ||
		rota_series_show(before, roots, &shown, &why) != ROTA_OK)
		abort();
	rota_bytes_free(&shown);
	json_decref(same);
	if (rota_series_end(first, pairs, NOW, YEAR_S, &same, &why) != ROTA_OK)
		abort();
	json_decref(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const json_t *before, *roots;
	struct rota_fail why;
	json_t *input;

	if (rota_json_parse(rota_span(data, len), &input, &why) != ROTA_OK)
		return 0;
	before = json_object_get(input, "before");
	roots = json_object_get(input, "roots");
	if (rota_series_judge(before, roots, YEAR_S, NOW, &why) == ROTA_OK)
		make_again(before, roots);
	json_decref(input);
	return 0;
}
