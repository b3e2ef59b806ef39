/* SPDX-License-Identifier: Apache-2.0 */
/* Rollout policies that the signing daemon refuses, by their codes: no wider, no sooner (SPEC 19.2). */
#include "tests/unit/judge_scene.h"
#include "tests/unit/test.h"

static struct court c;

TEST(rollouts)
{
	static const char wide[] = "[{\"kind\":\"ppm\",\"ppm\":1001}]";
	static const char group[] = "[{\"kind\":\"group\",\"name\":\"all\"}]";
	static const char canaries[] =
		"[{\"kind\":\"canary\",\"tags\":[\"00000000000000000000000000000000\","
		"\"00000000000000000000000000000001\"]}]";
	static const char everyone[] = "[{\"kind\":\"everyone\"}]";
	static const char other[] = "[{\"kind\":\"ppm\",\"ppm\":1000},{\"kind\":\"everyone\"}]";

	CHECK(court_begin(&c));
	CHECK(court_roll(&c, 2, LAB, 0, "active") != ROTA_OK);
	CODE("version");
	CHECK(court_roll(&c, 1, wide, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(court_roll(&c, 1, group, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(court_roll(&c, 1, canaries, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(court_roll(&c, 1, everyone, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(court_roll(&c, 1, LAB, 1, "active") != ROTA_OK); /* not from the first */
	CODE("ceiling");
	CHECK_OK(court_roll(&c, 1, LAB, 0, "active"));
	CHECK(court_roll(&c, 2, LAB, 1, "active") != ROTA_OK); /* no soak yet */
	CODE("ceiling");
	CHECK(court_roll(&c, 2, other, 0, "active") != ROTA_OK); /* what is open is changed */
	CODE("ceiling");
	c.judge.now += SOAK_S;
	CHECK_OK(court_roll(&c, 2, LAB, 1, "active"));
	CHECK(court_roll(&c, 3, LAB, 3, "active") !=
		ROTA_OK); /* no such stage: a device refuses it */
	CODE("member");
	CHECK_OK(court_roll(&c, 3, LAB, 1, "aborted"));
	CHECK(court_roll(&c, 4, LAB, 1, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK_OK(court_restart(&c));
	CHECK(court_roll(&c, 4, LAB, 1, "active") != ROTA_OK);
	CODE("ceiling");
	court_end(&c);
}

/* ppm may rise with the soaks that went by, and not before. */
TEST(ceiling_grows)
{
	static const char ten[] = "[{\"kind\":\"ppm\",\"ppm\":10000}]";

	CHECK(court_begin(&c));
	c.judge.now += SOAK_S - 1;
	CHECK(court_roll(&c, 1, ten, 0, "active") != ROTA_OK);
	CODE("ceiling");
	c.judge.now++;
	CHECK_OK(court_roll(&c, 1, ten, 0, "active"));
	court_end(&c);
}

TEST(withdrawn)
{
	json_t *content, *files = json_object();

	CHECK(court_begin(&c));
	CHECK_OK(court_roll(&c, 1, LAB, 0, "active"));
	content = court_next(&c, "revocations");
	court_list(content, files, "revocations/sensor.json",
		json_pack("{s:s,s:[],s:i,s:s,s:[],s:i,s:[s]}", "_type", "revocations", "crls",
			"format", 1, "product", "sensor", "quarantined", "sequence", 1, "withdrawn",
			c.release));
	CHECK_OK(court_sign(&c, "revocations", content, files));
	CHECK(court_roll(&c, 2, LAB, 0, "done") != ROTA_OK);
	CODE("withdrawn");
	CHECK_OK(court_restart(&c));
	CHECK(court_roll(&c, 2, LAB, 0, "active") != ROTA_OK);
	CODE("withdrawn");
	CHECK_OK(court_roll(&c, 2, LAB, 0, "aborted"));
	court_end(&c);
}

TESTS(T(rollouts), T(ceiling_grows), T(withdrawn))
