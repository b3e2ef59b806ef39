/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that are entered into a role's list (SPEC 32.2, 37.10): once, in order, with the terms that stand there, and what comes of
 * it a device reads. */
#include "host/campaign/keyentry.h"
#include "host/repo/keylist.h"
#include "tests/unit/test.h"

#define MOST 20 /* devices: trees have 7 */

static json_t *list;
static struct rota_fail why;

static void begin(void)
{
	json_decref(list);
	list = rota_keylist_kind("keys-link")->make("sensor");
	json_object_set_new(list, "sequence", json_integer(1));
}

static struct rota_key_campaign campaign(uint8_t purpose, uint32_t generation)
{
	struct rota_key_campaign c = { .purpose = purpose,
		.cipher = 1,
		.suite = 1,
		.generation = generation,
		.overlap_s = 3600,
		.activation_s = 1800000000,
		.stage_count = 1,
		.stage = { { .from_s = 1790000000, .ppm = 1000000 } } };

	memset(c.id, purpose * 16 + (int)generation, sizeof(c.id));
	return c;
}

static enum rota_err enter(
	uint8_t purpose, uint32_t generation, uint8_t tree, uint8_t root, bool *changed)
{
	const struct rota_key_campaign c = campaign(purpose, generation);
	struct rota_key_tree t = { .number = tree, .size = 7 };

	memset(t.root, root, sizeof(t.root));
	return rota_keyentry_add(list, &c, MOST, &t, changed, &why);
}

/* As a device reads it: so many campaigns. */
static bool reads(size_t campaigns)
{
	struct rota_bytes text = { 0 };
	struct rota_name product;
	enum rota_err err = rota_json_encode(list, ROTA_JSON_FILE, &text, &why);

	if (err == ROTA_OK)
		err = rota_keylist_read(rota_bytes_span(&text), "keys-link", &product);
	rota_bytes_free(&text);
	return err == ROTA_OK && json_array_size(json_object_get(list, "campaigns")) == campaigns;
}

TEST(a_tree_is_entered_once)
{
	bool changed;

	begin();
	CHECK_OK(enter(ROTA_PURPOSE_TELEMETRY, 1, 0, 0xaa, &changed));
	CHECK(changed && reads(1));
	CHECK_OK(enter(ROTA_PURPOSE_TELEMETRY, 1, 0, 0xaa, &changed));
	CHECK(!changed && reads(1));
	CHECK_EQ(enter(ROTA_PURPOSE_TELEMETRY, 1, 0, 0xbb, &changed), ROTA_ERR_ARGUMENT);
	CHECK(!changed && reads(1));
}

TEST(supplements_come_behind)
{
	bool changed;

	begin();
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 1, 1, 0xaa, &changed), ROTA_ERR_ARGUMENT);
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 0, 0xaa, &changed));
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 5, 0xbb, &changed));
	CHECK(changed && reads(1));
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 1, 4, 0xcc, &changed), ROTA_ERR_ARGUMENT);
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 5, 0xbb, &changed));
	CHECK(!changed && reads(1));
}

/* SPEC 37.10: the daemon would refuse the whole list, and with it all other campaigns' trees. */
TEST(no_more_devices_than_were_approved)
{
	const struct rota_key_campaign c = campaign(ROTA_PURPOSE_LINK, 1);
	struct rota_key_tree first = { .size = MOST + 1 };
	bool changed;

	begin();
	CHECK_EQ(rota_keyentry_add(list, &c, MOST, &first, &changed, &why), ROTA_ERR_CEILING);
	CHECK(!changed && reads(0));
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 0, 0xaa, &changed));
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 1, 0xbb, &changed));
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 1, 2, 0xcc, &changed), ROTA_ERR_CEILING);
	CHECK(!changed);
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 1, 0xbb, &changed));
	CHECK(!changed && reads(1));
}

TEST(of_a_purpose_two_stand)
{
	bool changed;

	begin();
	for (uint32_t generation = 1; generation <= 4; generation++) {
		CHECK_OK(enter(ROTA_PURPOSE_TELEMETRY, generation, 0, 0xaa, &changed));
		CHECK_OK(enter(ROTA_PURPOSE_LINK, generation, 0, 0xaa, &changed));
		CHECK(reads(generation == 1 ? 2 : 4));
	}
	for (uint32_t generation = 3; generation <= 4; generation++) {
		const struct rota_key_campaign c = campaign(ROTA_PURPOSE_LINK, generation);

		CHECK(rota_keyentry_find(list, c.id));
	}
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 2, 0, 0xaa, &changed), ROTA_ERR_COUNTER);
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 2, 1, 0xaa, &changed), ROTA_ERR_COUNTER);
	CHECK(reads(4));
}

TEST(nothing_that_is_listed_changes)
{
	struct rota_key_campaign c = campaign(ROTA_PURPOSE_LINK, 1);
	const struct rota_key_tree tree = { .number = 1, .size = 7 };
	json_t *listed;
	bool changed;

	begin();
	CHECK_OK(enter(ROTA_PURPOSE_LINK, 1, 0, 0xaa, &changed));
	c.overlap_s++;
	CHECK_EQ(rota_keyentry_add(list, &c, MOST, &tree, &changed, &why), ROTA_ERR_ARGUMENT);
	c.overlap_s--;
	listed = rota_keyentry_find(list, c.id);
	json_object_set_new(listed, "state", json_string("paused"));
	CHECK_OK(rota_keyentry_add(list, &c, MOST, &tree, &changed, &why)); /* whose state stays */
	CHECK(strcmp(json_string_value(json_object_get(listed, "state")), "paused") == 0);
	json_object_set_new(listed, "state", json_string("aborted"));
	CHECK_OK(rota_keyentry_add(list, &c, MOST, &tree, &changed, &why));
	CHECK(!changed);
	CHECK_EQ(enter(ROTA_PURPOSE_LINK, 1, 2, 0xaa, &changed), ROTA_ERR_STATE);
}

TESTS(T(a_tree_is_entered_once), T(supplements_come_behind), T(no_more_devices_than_were_approved),
	T(of_a_purpose_two_stand), T(nothing_that_is_listed_changes))
