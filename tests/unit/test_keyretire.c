/* SPDX-License-Identifier: Apache-2.0 */
/* What operators change in files of data keys: pairs of the retirements (SPEC 38.1), authorities, states of a campaign (32.4). */
#include "host/repo/keylist.h"
#include "host/repo/retire.h"
#include "tests/unit/test.h"

static struct rota_fail why;

/* What a device says of it, as its signers do before they sign. */
static enum rota_err read_as_device(json_t *file)
{
	struct rota_bytes text;
	enum rota_err err;

	json_object_set_new(file, "sequence", json_integer(1));
	if (rota_json_encode(file, ROTA_JSON_FILE, &text, &why) != ROTA_OK)
		return why.err;
	err = rota_retirements_kind.read(rota_bytes_span(&text));
	rota_bytes_free(&text);
	return err;
}

TEST(generations_only_rise)
{
	json_t *file = rota_retirements_kind.make("p");

	CHECK_EQ(rota_retired_generation(file, "storage"), 0);
	CHECK_OK(rota_retire_generation(file, "storage", 3, &why));
	CHECK_OK(rota_retire_generation(file, "auth", 9, &why));
	CHECK_OK(rota_retire_generation(file, "telemetry", 1, &why));
	CHECK_EQ(rota_retire_generation(file, "storage", 3, &why), ROTA_ERR_COUNTER);
	CHECK_EQ(rota_retire_generation(file, "storage", 2, &why), ROTA_ERR_COUNTER);
	CHECK_OK(rota_retire_generation(file, "storage", 4, &why));
	CHECK_EQ(rota_retired_generation(file, "storage"), 4);
	CHECK_EQ(rota_retired_generation(file, "auth"), 9);
	CHECK_EQ(json_array_size(json_object_get(file, "keys")), 3);
	CHECK_OK(read_as_device(file)); /* ascending, as 16.1 wants them */
	json_decref(file);
}

TEST(authorities)
{
	json_t *file = rota_retirements_kind.make("p");
	uint8_t a[ROTA_DIGEST_LEN] = { 2 }, b[ROTA_DIGEST_LEN] = { 1 };

	CHECK_OK(rota_retire_ca(file, a, &why));
	CHECK_OK(rota_retire_ca(file, b, &why));
	CHECK_EQ(rota_retire_ca(file, a, &why), ROTA_ERR_STATE);
	CHECK_OK(read_as_device(file));
	json_decref(file);
}

TEST(states_of_a_campaign)
{
	const char zeros[] = "00000000000000000000000000000000"
			     "00000000000000000000000000000000";
	uint8_t id[ROTA_SHA256_LEN] = { 0 }, other[ROTA_SHA256_LEN] = { 1 };
	json_t *list = json_pack("{s:[{s:s,s:s}]}", "campaigns", "id", zeros, "state", "active");

	CHECK_EQ(rota_keylist_set_state(list, other, "paused", &why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_keylist_set_state(list, id, "active", &why), ROTA_ERR_STATE);
	CHECK_OK(rota_keylist_set_state(list, id, "paused", &why));
	CHECK_OK(rota_keylist_set_state(list, id, "active", &why));
	CHECK_OK(rota_keylist_set_state(list, id, "aborted", &why));
	CHECK_EQ(rota_keylist_set_state(list, id, "active", &why), ROTA_ERR_STATE);
	CHECK_EQ(rota_keylist_set_state(list, id, "aborted", &why), ROTA_ERR_STATE);
	json_decref(list);
}

TEST(each_role_has_its_folder)
{
	CHECK(strcmp(rota_keylist_kind("keys-link")->folder, "keys/link") == 0);
	CHECK(strcmp(rota_keylist_kind("keys-store")->folder, "keys/store") == 0);
	CHECK(rota_keylist_kind("rollouts") == NULL);
}

TESTS(T(generations_only_rise), T(authorities), T(states_of_a_campaign),
	T(each_role_has_its_folder))
