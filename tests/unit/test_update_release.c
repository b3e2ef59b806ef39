/* SPDX-License-Identifier: Apache-2.0 */
/* Releases that are not for this device, or go back: refused, and by which clause. */
#include "tests/unit/update_cycles.h"

static void another_product(struct world *w)
{
	w->release.product = "lamp";
}

static void other_hardware(struct world *w)
{
	w->release.hardware = "demo-2";
}

static void no_such_slot(struct world *w)
{
	w->release.slot = "radio";
}

static void above_minimum(struct world *w)
{
	w->release.minimum = "1.5.0";
}

static void older(struct world *w)
{
	w->release.version = "0.9.0";
}

static void wrong_digest(struct world *w)
{
	w->release.wrong_digest = true;
}

static void wrong_sha256(struct world *w)
{
	w->release.wrong_sha256 = true;
}

static void image_of_another_product(struct world *w)
{
	w->release.image_product = "lamp";
}

static void image_with_another_counter(struct world *w)
{
	w->release.listed_counter = 7;
}

static void image_newer_than_its_release(struct world *w)
{
	w->release.image_version = "2.0.1";
}

static void policy_names_another_digest(struct world *w)
{
	w->policy.wrong_sha256 = true;
}

static void policy_names_another_path(struct world *w)
{
	w->policy.path = "releases/sensor/2.0.0/app.bin";
}

static void policy_names_no_release(struct world *w)
{
	w->policy.path = "releases/sensor/9.9.9/release.json";
}

static void policy_names_itself(struct world *w)
{
	w->policy.path = "rollouts/sensor.json";
}

static void policy_of_another_product(struct world *w)
{
	w->policy.product = "lamp";
}

static void policy_with_an_unknown_stage(struct world *w)
{
	w->policy.stages = "{\"kind\":\"sometimes\"}";
}

static void growth_of_nothing(struct world *w)
{
	w->release.growth = 0;
}

static const struct {
	const char *reason;
	void (*make)(struct world *w);
	enum rota_err err;
	enum rota_clause clause;
	const char *step;
} refusals[] = {
	{ "another product", another_product, ROTA_ERR_PRODUCT, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "other hardware", other_hardware, ROTA_ERR_HARDWARE, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "no such slot", no_such_slot, ROTA_ERR_HARDWARE, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "below its minimum", above_minimum, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_3_MINIMUM,
		"release" },
	{ "a downgrade", older, ROTA_ERR_DOWNGRADE, ROTA_CLAUSE_SPEC_7_3, "release" },
	{ "growth 0", growth_of_nothing, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_7_1, "release" },
	{ "another image digest", wrong_digest, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "another file digest", wrong_sha256, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_7_3,
		"download" },
	{ "an image of another product", image_of_another_product, ROTA_ERR_PRODUCT,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "an image with another counter", image_with_another_counter, ROTA_ERR_COUNTER,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "an image newer than its release", image_newer_than_its_release, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "a policy that names another digest", policy_names_another_digest, ROTA_ERR_HASH,
		ROTA_CLAUSE_SPEC_8_2, "release" },
	{ "a policy that names another file", policy_names_another_path, ROTA_ERR_HASH,
		ROTA_CLAUSE_SPEC_8_2, "release" },
	{ "a policy that names no release", policy_names_no_release, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4, "releases" },
	{ "a policy that names what is not for the role", policy_names_itself, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4, "targets" },
	{ "a policy of another product", policy_of_another_product, ROTA_ERR_PRODUCT,
		ROTA_CLAUSE_SPEC_8_1, "policy" },
	{ "a stage that nobody knows", policy_with_an_unknown_stage, ROTA_ERR_UNSUPPORTED,
		ROTA_CLAUSE_SPEC_8_1, "policy" },
};

TEST(what_is_not_for_this_device_is_refused_by_its_clause)
{
	for (size_t i = 0; i < ROWS(refusals); i++) {
		struct world *w = &world;

		ROW(refusals[i].reason);
		world_init(w);
		w->release.version = "2.0.0";
		refusals[i].make(w);
		world_release(w);
		world_policy(w);
		CHECK_STOPPED(w, refusals[i].err, refusals[i].clause);
		CHECK(rota_span_eq(w->outcome.step, rota_span_cstr(refusals[i].step)));
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(w->slots[0].trials, 0);
		CHECK_EQ(w->state.failed.tries, 0);
	}
	ROW(NULL);
}

TEST(a_way_back_is_the_version_before_or_what_the_release_names)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "1.5.0");
	CHECK_STOPPED(w, ROTA_ERR_DOWNGRADE, ROTA_CLAUSE_SPEC_7_3);
	w->release.issued_s++;
	offer(w, "2.0.0"); /* confirmed before */
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
	w->release.revert_to = "\"1.5.0\"";
	offer(w, "4.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.revert_to = "";
	w->release.issued_s++;
	offer(w, "1.5.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("1.5.0"));
}

TESTS(T(what_is_not_for_this_device_is_refused_by_its_clause),
	T(a_way_back_is_the_version_before_or_what_the_release_names))
