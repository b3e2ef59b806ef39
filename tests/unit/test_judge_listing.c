/* SPDX-License-Identifier: Apache-2.0 */
/* What the signing daemon refuses of the targets that online roles list, by its codes (SPEC 19.2). */
#include "tests/unit/judge_scene.h"
#include "host/repo/store.h"
#include "tests/unit/test.h"

#include <unistd.h>

static struct court c;

TEST(policy_texts)
{
	json_t *content, *files, *policy;
	struct rota_store_target target;
	char hex[ROTA_DIGEST_HEX];

	CHECK(court_begin(&c));
	/* another text than is listed */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, POLICY_PATH, court_policy(&c, 1, LAB, 0, "active"));
	json_object_set_new(files, POLICY_PATH, json_string("{}"));
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* none at all */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, POLICY_PATH, court_policy(&c, 1, LAB, 0, "active"));
	json_object_clear(files);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* one that nothing lists */
	content = court_next(&c, "rollouts");
	CHECK(court_sign(&c, "rollouts", content, json_pack("{s:s}", POLICY_PATH, "{}")) !=
		ROTA_OK);
	CODE("member");
	/* of another product, by its path and by itself */
	content = court_next(&c, "rollouts");
	files = json_object();
	policy = court_policy(&c, 1, LAB, 0, "active");
	court_set(policy, "product", json_string("other"));
	court_list(content, files, "rollouts/other.json", policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("product");
	content = court_next(&c, "rollouts");
	files = json_object();
	policy = court_policy(&c, 1, LAB, 0, "active");
	court_set(policy, "product", json_string("other"));
	court_list(content, files, POLICY_PATH, policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("product");
	/* a path of another role */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, "ci/sensor/1.0.0/release.json", json_object());
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("path");
	/* a release that somebody put into the repository, and the log does not know */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, RELEASE_PATH, court_release("releases", "1.0.0", 2, &DIGEST[1]));
	CHECK_OK(rota_store_put_target(&c.n.s.online, RELEASE_PATH,
		rota_span_cstr(json_string_value(json_object_get(files, RELEASE_PATH))), &target,
		&c.n.s.why));
	json_decref(content);
	json_object_clear(files);
	content = court_next(&c, "rollouts");
	rota_hex(ROTA_SPAN(target.sha256), hex);
	policy = court_policy(&c, 1, LAB, 0, "active");
	json_object_set_new(
		json_object_get(json_array_get(json_object_get(policy, "campaigns"), 0), "release"),
		"sha256", json_string(hex));
	court_list(content, files, POLICY_PATH, policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* the policy goes */
	CHECK_OK(court_roll(&c, 1, LAB, 0, "active"));
	content = court_next(&c, "rollouts");
	json_object_clear(json_object_get(content, "targets"));
	CHECK(court_sign(&c, "rollouts", content, NULL) != ROTA_OK);
	CODE("vanished");
	court_end(&c);
}

TEST(ci)
{
	static const char path[] = "ci/sensor/1.0.0/release.json", app[] = "ci/sensor/1.0.0/app";
	struct rota_store_target target;
	json_t *content, *files;
	char hex[ROTA_DIGEST_HEX], file[ROTA_FILE_PATH_MAX];

	CHECK(court_begin(&c));
	CHECK_OK(rota_store_put_target(
		&c.n.s.online, app, ROTA_STR("program"), &target, &c.n.s.why));
	for (int bad = 7; bad >= 0; bad--) {
		static const char *const codes[] = { "", "bytes", "path", "bytes", "bytes", "bytes",
			"bytes", "bytes" };
		struct rota_store_target listed = target;

		CHECK_OK(notary_policy(&c.n, "rate = 3/1m", "rate = 9/1m"));
		c.judge.policy = c.n.policy;
		ROW(codes[bad]);
		content = court_next(&c, "ci");
		files = json_object();
		if (bad == 1) /* a file that is not there */
			listed.sha256[0] ^= 1;
		if (bad == 5) { /* one of other bytes in its place */
			listed.sha256[0] ^= 2;
			rota_store_target_path(&c.n.s.online, app, listed.sha256, file);
			CHECK_OK(rota_file_write(file, ROTA_STR("PROGRAM"), 0644, &c.n.s.why));
		}
		if (bad >=
			6) { /* one that it takes hours to read, as it lies there, and as it is listed */
			listed.sha256[0] ^= 3;
			listed.len = bad == 7 ? (uint64_t)17 << 30 : 7;
			rota_store_target_path(&c.n.s.online, app, listed.sha256, file);
			CHECK_OK(rota_file_write(file, ROTA_STR(""), 0644, &c.n.s.why));
			CHECK(truncate(file, (off_t)1 << 40) == 0);
		}
		rota_hex(ROTA_SPAN(listed.sha256), hex);
		court_list(content, files, path, court_release("ci", "1.0.0", 7, hex));
		json_object_set_new(json_object_get(content, "targets"), app,
			rota_store_target_object(&listed));
		if (bad == 2) /* outside the rule's paths */
			json_object_set_new(json_object_get(content, "targets"),
				"ci/other/1.0.0/app", rota_store_target_object(&listed));
		if (bad == 3) /* a release.json that nobody shows */
			json_object_clear(files);
		if (bad == 4) /* and one that names what is not listed */
			json_object_del(json_object_get(content, "targets"), app);
		CHECK_EQ(court_sign(&c, "ci", content, files) == ROTA_OK, bad == 0);
		CODE(codes[bad]);
		CHECK(bad != 7 || strstr(c.n.s.why.text, "too many bytes"));
	}
	/* a release is never changed */
	content = court_next(&c, "ci");
	files = json_object();
	court_list(content, files, path, court_release("ci", "1.0.0", 7, &DIGEST[1]));
	CHECK(court_sign(&c, "ci", content, files) != ROTA_OK);
	CODE("bytes");
	court_end(&c);
}

TEST(time_lists_nothing)
{
	json_t *content;

	CHECK(court_begin(&c));
	content = court_next(&c, "time");
	json_object_set_new(json_object_get(content, "targets"), "time/sensor.json", json_object());
	CHECK(court_sign(&c, "time", content, NULL) != ROTA_OK);
	CODE("member");
	CHECK_OK(court_sign(&c, "time", court_next(&c, "time"), NULL));
	court_end(&c);
}

TESTS(T(policy_texts), T(ci), T(time_lists_nothing))
