/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/retire.h"
#include "rota/codec/revocations.h"

#include <string.h>

/* ---- retirements ---- */

static json_t *make_retirements(const char *product)
{
	return json_pack("{s:s,s:[],s:[],s:i,s:i,s:[],s:s}", "_type", "retirements", "cas",
		"counter_floor", "format", 1, "key_floor", 0, "keys", "product", product);
}

enum rota_err rota_retirements_read(struct rota_retirements_decoder *d, struct rota_span text)
{
	uint8_t names[ROTA_RETIREMENTS_NAMES_ROOM], value[ROTA_RETIREMENTS_VALUE_ROOM];

	rota_retirements_begin(d, rota_span(NULL, 0), ROTA_BUF(names), ROTA_BUF(value));
	ROTA_TRY(rota_retirements_feed(d, text));
	return rota_retirements_end(d);
}

static enum rota_err read_retirements(struct rota_span text)
{
	static struct rota_retirements_decoder d;

	return rota_retirements_read(&d, text);
}

const struct rota_ledger_kind rota_retirements_kind = {
	.role = "retirements",
	.most = ROTA_RETIREMENTS_MAX,
	.make = make_retirements,
	.read = read_retirements,
};

enum rota_err rota_retire_counter(
	json_t *retirements, const char *hardware, uint32_t counter, struct rota_fail *why)
{
	json_t *floors = json_object_get(retirements, "counter_floor"), *entry;
	size_t at = 0;
	int order = -1;

	while (at < json_array_size(floors) && order < 0) {
		entry = json_array_get(floors, at);
		order = strcmp(json_string_value(json_object_get(entry, "hardware")), hardware);
		at += order < 0;
	}
	if (order == 0) {
		json_int_t now = json_integer_value(json_object_get(entry, "counter"));

		if (now >= (json_int_t)counter)
			return rota_fail(why, ROTA_ERR_COUNTER,
				"the counter floor of %s is %lld already; floors only rise",
				hardware, (long long)now);
		json_object_set_new(entry, "counter", json_integer((json_int_t)counter));
		return ROTA_OK;
	}
	json_array_insert_new(floors, at,
		json_pack("{s:I,s:s}", "counter", (json_int_t)counter, "hardware", hardware));
	return ROTA_OK;
}

enum rota_err rota_retire_boot_key(json_t *retirements, unsigned first, struct rota_fail *why)
{
	json_int_t now = json_integer_value(json_object_get(retirements, "key_floor"));

	if (now >= (json_int_t)first)
		return rota_fail(why, ROTA_ERR_COUNTER,
			"the first boot key that counts is %lld already; it only rises",
			(long long)now);
	json_object_set_new(retirements, "key_floor", json_integer((json_int_t)first));
	return ROTA_OK;
}

/* Pairs ascend by purpose and generation. A pair goes where a higher one of its purpose comes: that one says as much. */
enum rota_err rota_retire_generation(
	json_t *retirements, const char *purpose, uint32_t generation, struct rota_fail *why)
{
	json_t *keys = json_object_get(retirements, "keys");
	uint32_t now = rota_retired_generation(retirements, purpose);
	size_t at = 0;

	if (now >= generation)
		return rota_fail(why, ROTA_ERR_COUNTER,
			"keys of %s are retired up to generation %u already", purpose,
			(unsigned)now);
	while (at < json_array_size(keys)) {
		const char *word =
			json_string_value(json_object_get(json_array_get(keys, at), "purpose"));
		int order = strcmp(word, purpose);

		if (order > 0)
			break;
		if (order == 0)
			json_array_remove(keys, at);
		else
			at++;
	}
	json_array_insert_new(keys, at,
		json_pack("{s:I,s:s}", "generation", (json_int_t)generation, "purpose", purpose));
	return ROTA_OK;
}

uint32_t rota_retired_generation(const json_t *retirements, const char *purpose)
{
	const json_t *one;
	uint32_t highest = 0;
	size_t i;

	json_array_foreach(json_object_get(retirements, "keys"), i, one)
	{
		json_int_t generation = json_integer_value(json_object_get(one, "generation"));

		if (strcmp(json_string_value(json_object_get(one, "purpose")), purpose) == 0 &&
			generation > (json_int_t)highest)
			highest = (uint32_t)generation;
	}
	return highest;
}

enum rota_err rota_retire_ca(
	json_t *retirements, const uint8_t spki[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	json_t *cas = json_object_get(retirements, "cas");
	char hex[ROTA_DIGEST_HEX];
	size_t at = 0;
	int order = -1;

	rota_hex(rota_span(spki, ROTA_DIGEST_LEN), hex);
	while (at < json_array_size(cas) && order < 0) {
		order = strcmp(json_string_value(json_array_get(cas, at)), hex);
		at += order < 0;
	}
	if (order == 0)
		return rota_fail(why, ROTA_ERR_STATE, "authority %s is retired already", hex);
	json_array_insert_new(cas, at, json_string(hex));
	return ROTA_OK;
}

/* ---- revocations ---- */

static json_t *make_revocations(const char *product)
{
	return json_pack("{s:s,s:[],s:i,s:s,s:[],s:[]}", "_type", "revocations", "crls", "format",
		1, "product", product, "quarantined", "withdrawn");
}

enum rota_err rota_revocations_read(struct rota_span text, struct rota_name *product)
{
	static struct rota_revocations_decoder d;
	uint8_t names[ROTA_REVOCATIONS_NAMES_ROOM], value[ROTA_REVOCATIONS_VALUE_ROOM];

	rota_revocations_begin(&d, ROTA_BUF(names), ROTA_BUF(value));
	ROTA_TRY(rota_revocations_feed(&d, text));
	ROTA_TRY(rota_revocations_end(&d));
	*product = d.product;
	return ROTA_OK;
}

static enum rota_err read_revocations(struct rota_span text)
{
	struct rota_name product;

	return rota_revocations_read(text, &product);
}

const struct rota_ledger_kind rota_revocations_kind = {
	.role = "revocations",
	.most = ROTA_REVOCATIONS_MAX,
	.make = make_revocations,
	.read = read_revocations,
};

enum rota_err rota_withdraw(json_t *revocations, const uint8_t release[static ROTA_DIGEST_LEN],
	bool undo, struct rota_fail *why)
{
	json_t *list = json_object_get(revocations, "withdrawn");
	char hex[ROTA_DIGEST_HEX];
	size_t at = 0;
	int order = -1;

	rota_hex(rota_span(release, ROTA_DIGEST_LEN), hex);
	while (at < json_array_size(list) && order < 0) {
		order = strcmp(json_string_value(json_array_get(list, at)), hex);
		at += order < 0;
	}
	if ((order == 0) != undo)
		return rota_fail(why, ROTA_ERR_STATE, "release %s is %s", hex,
			undo ? "not withdrawn" : "withdrawn already");
	if (undo)
		json_array_remove(list, at);
	else
		json_array_insert_new(list, at, json_string(hex));
	return ROTA_OK;
}
