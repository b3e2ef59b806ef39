/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of bundles: what it accepts is spelled as it came, reads the same twice, and gets from a copy without
 * signatures to what it was by merging. What a bundle says is fuzz_judge.c's. */
#include "host/repo/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_spelling(const struct rota_bundle *b, struct rota_span text)
{
	struct rota_bytes again;
	struct rota_fail why;

	if (rota_json_encode(b->whole, ROTA_JSON_FILE, &again, &why) != ROTA_OK ||
		!rota_span_eq(rota_bytes_span(&again), text))
		abort();
	rota_bytes_free(&again);
}

/* Of signatures under one key the first is taken over, all others are. */
static void check_merged(const struct rota_bundle_part *part, const struct rota_bundle_part *merged)
{
	size_t at = 0;

	for (size_t i = 0; i < json_array_size(part->signatures); i++) {
		const json_t *one = json_array_get(part->signatures, i);
		const json_t *id = json_object_get(one, "keyid");
		size_t k = 0;

		while (!json_equal(
			json_object_get(json_array_get(part->signatures, k), "keyid"), id))
			k++;
		if (k == i && !json_equal(json_array_get(merged->signatures, at++), one))
			abort();
	}
	if (json_array_size(merged->signatures) != at)
		abort();
}

static void check_merge(const struct rota_bundle *b, struct rota_bundle *copy)
{
	struct rota_bundle_part part, merged;
	struct rota_fail why;
	size_t count = 0;

	for (; rota_bundle_part(copy, count, &merged); count++)
		json_array_clear(merged.signatures);
	if (rota_bundle_merge(copy, b, &why) != ROTA_OK)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (!rota_bundle_part(b, i, &part) || !rota_bundle_part(copy, i, &merged))
			abort();
		check_merged(&part, &merged);
	}
	json_object_set_new(json_object_get(copy->targets, "signed"), "another", json_true());
	if (!json_object_get(json_object_get(b->targets, "signed"), "another") &&
		rota_bundle_merge(copy, b, &why) != ROTA_ERR_HASH)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_bundle b, copy;
	struct rota_fail why;

	if (rota_bundle_parse(rota_span(data, len), &b, &why) != ROTA_OK)
		return 0;
	check_spelling(&b, rota_span(data, len));
	if (rota_bundle_parse(rota_span(data, len), &copy, &why) != ROTA_OK)
		abort();
	check_merge(&b, &copy);
	rota_bundle_free(&copy);
	rota_bundle_free(&b);
	return 0;
}
