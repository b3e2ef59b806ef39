/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/attempts.h"
#include "host/repo/judge.h"

#include <stdlib.h>
#include <string.h>

static void digest_of(json_t *value, uint8_t out[static ROTA_DIGEST_LEN])
{
	struct rota_bytes text;
	struct rota_fail why;

	if (rota_json_encode(value, ROTA_JSON_FILE, &text, &why) != ROTA_OK)
		abort(); /* parts of a text that was parsed strictly */
	rota_digest_of(rota_bytes_span(&text), out);
	rota_bytes_free(&text);
	json_decref(value);
}

bool rota_attempt_stages(
	const json_t *campaign, uint64_t count, uint8_t out[static ROTA_DIGEST_LEN])
{
	const json_t *all = json_object_get(campaign, "stages");
	json_t *first = json_array();

	if (count > json_array_size(all)) {
		json_decref(first);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append(first, json_array_get(all, i));
	digest_of(first, out);
	return true;
}

void rota_attempt_of(const char *scope, const json_t *campaign, struct rota_attempt *out)
{
	const json_t *release = json_object_get(campaign, "release");

	*out = (struct rota_attempt){ 0 };
	out->open = (uint64_t)json_integer_value(json_object_get(campaign, "open"));
	out->aborted = strcmp(rota_judge_text(campaign, "state"), "aborted") == 0;
	digest_of(json_pack("[s,s,s,O]", scope, rota_judge_text(campaign, "channel"),
			  rota_judge_text(release, "sha256"), json_object_get(campaign, "attempt")),
		out->key);
	if (!rota_attempt_stages(campaign, out->open + 1, out->stages))
		abort(); /* `open` has a stage (SPEC 8.2) */
}

json_t *rota_attempt_json(const struct rota_attempt *t)
{
	char key[ROTA_DIGEST_HEX], stages[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(t->key), key);
	rota_hex(ROTA_SPAN(t->stages), stages);
	return json_pack("{s:b,s:s,s:I,s:s}", "aborted", t->aborted, "key", key, "open",
		(json_int_t)t->open, "stages", stages);
}

bool rota_attempt_of_json(const json_t *value, struct rota_attempt *out)
{
	*out = (struct rota_attempt){ 0 };
	out->open = (uint64_t)json_integer_value(json_object_get(value, "open"));
	out->aborted = json_is_true(json_object_get(value, "aborted"));
	return rota_unhex(rota_judge_text(value, "key"), ROTA_BUF(out->key)) &&
		rota_unhex(rota_judge_text(value, "stages"), ROTA_BUF(out->stages));
}

json_t *rota_attempts_of_policy(const char *scope, const json_t *policy)
{
	const json_t *campaigns = json_object_get(policy, "campaigns");
	json_t *attempts = json_array();

	for (size_t i = 0; i < json_array_size(campaigns); i++) {
		struct rota_attempt attempt;

		rota_attempt_of(scope, json_array_get(campaigns, i), &attempt);
		json_array_append_new(attempts, rota_attempt_json(&attempt));
	}
	return attempts;
}
