/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signatures in a bundle count, and what the machine that signs remembers of what it signed. */
#include "host/repo/bins.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

TEST(signatures_in_the_bundle)
{
	struct rota_bundle b;
	struct scene s;
	json_t *list, *copy;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, RELEASES, &b));
	CHECK_OK(scene_sign(&s, &b, "t0", false));
	list = json_object_get(json_array_get(b.parts, 0), "signatures");
	CHECK_EQ(json_array_size(list), 1);
	CHECK_OK(scene_sign(&s, &b, "t0", false)); /* who has signed is passed over */
	CHECK_EQ(json_array_size(list), 1);
	copy = json_deep_copy(json_array_get(list, 0));
	json_array_append(list, copy);
	CHECK_EQ(scene_sign(&s, &b, "t1", false), ROTA_ERR_FORMAT);
	json_object_set_new(copy, "keyid", json_loads(DIGEST, JSON_DECODE_ANY, NULL));
	CHECK_EQ(scene_sign(&s, &b, "t1", false), ROTA_ERR_SIGNATURE);
	json_array_remove(list, 1);
	json_decref(copy);
	json_object_set_new(json_object_get(json_array_get(b.parts, 0), "signed"), "expires",
		json_string("2027-12-15T08:00:00Z"));
	CHECK_EQ(scene_sign(&s, &b, "t1", false), ROTA_ERR_SIGNATURE); /* of something else */
	rota_bundle_free(&b);
	scene_end(&s);
}

/* A root that was never judged may name one key twice. */
TEST(one_key_under_two_ids)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_bundle_item item = { .role = "releases", .who_count = 1 };
	struct rota_seat_sig sig;
	struct rota_seat seat = { .key = "key" };
	struct scene s;
	json_t *keys, *ids, *one, *other;

	CHECK(scene_begin(&s));
	seat.token = &s.vault.tokens[0];
	CHECK_OK(rota_tokens_public(&s.cards, &seat, point, &s.why));
	CHECK_OK(rota_tokens_sign(&s.cards, &seat, item.digest, &sig, &s.why));
	keys = json_pack(
		"{s:o,s:o}", "a", rota_p256_key_object(point), "b", rota_p256_key_object(point));
	ids = json_pack("[s,s]", "a", "b");
	one = rota_envelope_signature(&sig);
	other = json_deep_copy(one);
	json_object_set_new(one, "keyid", json_string("a"));
	json_object_set_new(other, "keyid", json_string("b"));
	item.signatures = json_pack("[o,o]", one, other);
	item.who[0] = (struct rota_delegation){ .keys = keys, .keyids = ids, .threshold = 2 };
	CHECK_EQ(rota_bundle_have(&item, 0), 1);
	CHECK(!rota_bundle_complete(&item));
	item.who[0].threshold = 0;
	CHECK(!rota_bundle_complete(&item));
	json_decref(item.signatures);
	json_decref(keys);
	json_decref(ids);
	scene_end(&s);
}

/* Two files of one version, and a state that went back. */
TEST(record)
{
	struct rota_bundle old, one, other, third;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, RETIREMENTS, &old)); /* under the first root */
	CHECK_OK(scene_make(&s, ROOT | TARGETS | RELEASES, &one));
	CHECK_OK(scene_sign(&s, &one, NULL, false));
	s.desk.now++;
	s.bench.now++;
	CHECK_OK(scene_make(&s, RELEASES, &other));
	CHECK_EQ(scene_sign(&s, &other, NULL, false), ROTA_ERR_STATE);
	CHECK_OK(scene_sign(&s, &other, NULL, true));
	CHECK_OK(scene_import(&s, &one, 1));
	CHECK_EQ(scene_import(&s, &other, 1), ROTA_ERR_VERSION);
	CHECK_OK(scene_sign(
		&s, &old, NULL, false)); /* no file was signed under the second root yet */
	CHECK_OK(scene_make(&s, RELEASES, &third));
	CHECK_OK(scene_sign(&s, &third, NULL, false));
	CHECK_EQ(scene_sign(&s, &old, NULL, true), ROTA_ERR_VERSION);
	CHECK_EQ(scene_sign(&s, &other, NULL, true), ROTA_ERR_VERSION);
	rota_bundle_free(&old);
	rota_bundle_free(&one);
	rota_bundle_free(&other);
	rota_bundle_free(&third);
	scene_end(&s);
}

/* Each of the three that may not go back, by itself. */
TEST(record_of_each)
{
	static const struct {
		const char *reason;
		unsigned moved, seen, old;
	} rows[] = {
		{ "the role", RELEASES, RELEASES, RELEASES },
		{ "root", ROOT, RELEASES, RETIREMENTS },
		{ "targets", TARGETS, RELEASES, RETIREMENTS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bundle old, moved, seen;
		struct scene s;

		ROW(rows[i].reason);
		CHECK(scene_begin(&s));
		CHECK_OK(scene_make(&s, rows[i].old, &old));
		CHECK_OK(scene_make(&s, rows[i].moved, &moved));
		CHECK_OK(scene_sign(&s, &moved, NULL, false));
		CHECK_OK(scene_import(&s, &moved, 1));
		CHECK_OK(scene_make(&s, rows[i].seen, &seen));
		CHECK_OK(scene_sign(&s, &old, NULL, false));
		CHECK_OK(scene_sign(&s, &seen, NULL, false));
		CHECK_EQ(scene_sign(&s, &old, NULL, true), ROTA_ERR_VERSION);
		rota_bundle_free(&old);
		rota_bundle_free(&moved);
		rota_bundle_free(&seen);
		scene_end(&s);
	}
}

/* That this machine signed the text of releases' current file as `role`. */
static enum rota_err sign_after(const char *role)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX], path[ROTA_FILE_PATH_MAX], *line;
	struct rota_bundle_part part;
	struct rota_bundle b;
	struct scene s;
	enum rota_err err;

	if (!scene_begin(&s) || scene_make(&s, RELEASES, &b) != ROTA_OK ||
		!rota_bundle_part(&b, 0, &part) ||
		rota_envelope_digest(json_object_get(part.current, "signed"), digest, &s.why) !=
			ROTA_OK)
		return ROTA_ERR_STATE;
	rota_hex(ROTA_SPAN(digest), hex);
	line = rota_text("{\"at\":\"2026-01-01T00:00:00Z\",\"digest\":\"%s\",\"role\":\"%s\","
			 "\"root\":1,\"targets\":1,\"version\":1}\n",
		hex, role);
	rota_authdir_path(&s.vault, "signed", path);
	err = rota_file_write(path, rota_span_cstr(line), 0600, &s.why);
	free(line);
	if (err == ROTA_OK)
		err = scene_sign(&s, &b, NULL, false);
	rota_bundle_free(&b);
	scene_end(&s);
	return err;
}

TEST(a_bin_for_its_role)
{
	CHECK_EQ(sign_after("releases-0"), ROTA_ERR_ROLE);
	CHECK_OK(sign_after("retirements")); /* empty, and made at the same time */
	CHECK(rota_bins_has("releases", 3, "releases-7"));
	CHECK(rota_bins_has("releases", 5, "releases-1f"));
	CHECK(!rota_bins_has("releases", 3, "releases-8"));
	CHECK(!rota_bins_has("releases", 3, "releases-07"));
	CHECK(!rota_bins_has("releases", 5, "releases-1"));
	CHECK(!rota_bins_has("releases", 0, "releases-"));
	CHECK(!rota_bins_has("releases", 3, "release-7"));
}

TESTS(T(signatures_in_the_bundle), T(one_key_under_two_ids), T(record), T(record_of_each),
	T(a_bin_for_its_role))
