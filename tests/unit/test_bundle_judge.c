/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault refuses to sign: each row is a bundle with one value changed. */
#include "host/repo/bins.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* What stands at a path like "parts 0 signed version"; its last name into *last. */
static json_t *walk(json_t *at, const char *path, char last[static 80])
{
	for (;;) {
		size_t len = strcspn(path, " ");

		snprintf(last, 80, "%.*s", (int)len, path);
		if (!path[len])
			return at;
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(last))
				       : json_object_get(at, last);
		path += len + 1;
	}
}

static void set(json_t *at, const char *name, json_t *value)
{
	if (json_is_array(at))
		json_array_set_new(at, (size_t)atoi(name), value);
	else
		json_object_set_new(at, name, value);
}

/* The bundle with one value set to a JSON text, or taken away, through the reader again. */
static enum rota_err edited(
	struct scene *s, const struct rota_bundle *b, const char *path, const char *text)
{
	json_t *whole = json_deep_copy(b->whole), *at;
	struct rota_bundle_view view;
	struct rota_bundle bad;
	struct rota_bytes file;
	char last[80];
	enum rota_err err;

	at = walk(whole, path, last);
	if (text)
		set(at, last, json_loads(text, JSON_DECODE_ANY, NULL));
	else
		json_object_del(at, last);
	ROTA_TRY(rota_json_encode(whole, ROTA_JSON_FILE, &file, &s->why));
	json_decref(whole);
	err = rota_bundle_parse(rota_bytes_span(&file), &bad, &s->why);
	rota_bytes_free(&file);
	ROTA_TRY(err);
	err = scene_view(s, &bad, NOW, &view);
	if (err == ROTA_OK)
		rota_bundle_view_close(&view);
	rota_bundle_free(&bad);
	return err;
}

#define ENTRY "{\"hashes\":{\"sha256\":" DIGEST "},\"length\":1}"
#define NOW_TEXT "\"2027-01-15T08:00:00Z\""
#define DELEGATION "parts 0 signed delegations roles 0 "
#define LISTED "parts 0 signed targets releases/sensor/"

TEST(refused)
{
	static const struct {
		const char *reason;
		unsigned roles;
		const char *path, *value;
		enum rota_err want;
	} rows[] = {
		{ "the same value", RELEASES, "parts 0 signed version", "3", ROTA_OK },
		{ "of another repository", RELEASES, "anchor", DIGEST, ROTA_ERR_HASH },
		{ "of another product", RELEASES, "product", "\"other\"", ROTA_ERR_PRODUCT },
		{ "another format", RELEASES, "format", "2", ROTA_ERR_UNSUPPORTED },
		{ "an unknown member", RELEASES, "extra", "1", ROTA_ERR_FORMAT },
		{ "an unknown member of a part", RELEASES, "parts 0 extra", "1", ROTA_ERR_FORMAT },
		{ "not all roots", ROOT, "roots", "[]", ROTA_ERR_VERSION },
		{ "a root edited", RELEASES, "roots 0 signed version", "3", ROTA_ERR_THRESHOLD },
		{ "targets edited", RELEASES, "targets signed version", "3", ROTA_ERR_THRESHOLD },
		{ "the current file edited", RELEASES, "parts 0 current signed version", "4",
			ROTA_ERR_THRESHOLD },
		{ "a role that is signed online", RELEASES, "parts 0 role", "\"ci\"",
			ROTA_ERR_ROLE },
		{ "a role that there is not", RELEASES, "parts 0 role", "\"x\"", ROTA_ERR_ROLE },
		{ "a bin alone", RELEASES, "parts 0 role", "\"releases-0\"", ROTA_ERR_FORMAT },
		{ "a lower version", RELEASES, "parts 0 signed version", "2", ROTA_ERR_VERSION },
		{ "a version left out", RELEASES, "parts 0 signed version", "4", ROTA_ERR_VERSION },
		{ "another type", RELEASES, "parts 0 signed _type", "\"root\"", ROTA_ERR_FORMAT },
		{ "another specification", RELEASES, "parts 0 signed spec_version", "\"2\"",
			ROTA_ERR_FORMAT },
		{ "an unknown member of what is signed", RELEASES, "parts 0 signed x", "1",
			ROTA_ERR_FORMAT },
		{ "delegates", RELEASES, "parts 0 signed delegations", "{}", ROTA_ERR_ROLE },
		{ "issued ahead", RELEASES, "parts 0 signed x-rota-issued",
			"\"2027-01-15T08:20:00Z\"", ROTA_ERR_TIME },
		{ "issued before", RELEASES, "parts 0 signed x-rota-issued",
			"\"2027-01-15T07:59:59Z\"", ROTA_ERR_TIME },
		{ "lives too long", RELEASES, "parts 0 signed expires", "\"2028-01-15T08:00:01Z\"",
			ROTA_ERR_TIME },
		{ "lives not at all", RELEASES, "parts 0 signed expires", NOW_TEXT, ROTA_ERR_TIME },
		{ "another role's path", RELEASES, "parts 0 signed targets ci/sensor/2.0.0/x",
			ENTRY, ROTA_ERR_ROLE },
		{ "no path", RELEASES, LISTED "../x", ENTRY, ROTA_ERR_FORMAT },
		{ "no digest", RELEASES, LISTED "2.0.0/x",
			"{\"hashes\":{\"sha256\":\"00\"},\"length\":1}", ROTA_ERR_FORMAT },
		{ "two digests", RELEASES, LISTED "2.0.0/x",
			"{\"hashes\":{\"sha256\":" DIGEST ",\"sha512\":\"\"},\"length\":1}",
			ROTA_ERR_FORMAT },
		{ "a custom member", RELEASES, LISTED "2.0.0/x",
			"{\"custom\":1,\"hashes\":{\"sha256\":" DIGEST "},\"length\":1}",
			ROTA_ERR_FORMAT },
		{ "a new file", RELEASES, LISTED "2.0.0/x", ENTRY, ROTA_OK },
		{ "a release changed", RELEASES, LISTED "1.0.0/app.img", ENTRY, ROTA_ERR_HASH },
		{ "a release without its text", RELEASES, LISTED "2.0.0/release.json", ENTRY,
			ROTA_ERR_NOT_FOUND },
		{ "a text of nothing", RELEASES, "files releases/sensor/2.0.0/x", "\"{}\"",
			ROTA_ERR_FORMAT },
		{ "another path for a role", TARGETS, DELEGATION "paths", "[\"*/*/*/*\"]",
			ROTA_ERR_ROLE },
		{ "another role", TARGETS, DELEGATION "name", "\"x\"", ROTA_ERR_ROLE },
		{ "a delegation that goes on", TARGETS, DELEGATION "terminating", "false",
			ROTA_ERR_ROLE },
		{ "a lower threshold", TARGETS, DELEGATION "threshold", "1", ROTA_ERR_THRESHOLD },
		{ "a key that is not there", TARGETS, DELEGATION "keyids 0", DIGEST,
			ROTA_ERR_FORMAT },
		{ "a role gone", TARGETS, "parts 0 signed delegations roles", "[]", ROTA_ERR_ROLE },
		{ "targets of its own", TARGETS, "parts 0 signed targets x", ENTRY, ROTA_ERR_ROLE },
		{ "targets that are no object", TARGETS, "parts 0 signed targets", "1",
			ROTA_ERR_ROLE },
		{ "a key that is none", TARGETS, "parts 0 signed delegations keys x", "{}",
			ROTA_ERR_FORMAT },
		{ "root's threshold", ROOT, "parts 0 signed roles root threshold", "1",
			ROTA_ERR_THRESHOLD },
		{ "a key that is not there, in root", ROOT, "parts 0 signed roles targets keyids 0",
			DIGEST, ROTA_ERR_FORMAT },
		{ "a fifth top-level role", ROOT, "parts 0 signed roles x", "{}", ROTA_ERR_FORMAT },
		{ "snapshots not consistent", ROOT, "parts 0 signed consistent_snapshot", "false",
			ROTA_ERR_FORMAT },
		{ "not before next year", ROOT, "parts 0 signed x-rota-not-before",
			"\"2028-01-01T00:00:00Z\"", ROTA_ERR_TIME },
		{ "a key that is none in root", ROOT, "parts 0 signed keys x", "{}",
			ROTA_ERR_FORMAT },
	};
	struct rota_bundle before, b;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_wait_for(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(scene_make(&s, ROOT | TARGETS | RELEASES, &before));
	CHECK_OK(scene_sign(&s, &before, NULL, false));
	CHECK_OK(scene_import(&s, &before, 1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		CHECK_OK(scene_make(&s, rows[i].roles, &b));
		CHECK_EQ(edited(&s, &b, rows[i].path, rows[i].value), rows[i].want);
		rota_bundle_free(&b);
	}
	rota_bundle_free(&before);
	scene_end(&s);
}

/* Another party's key in the place of its own, and the same key in another spelling. */
TEST(keys_of_root)
{
	struct rota_bundle b;
	struct scene s;
	json_t *root, *roles, *ids;
	char *text;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, ROOT, &b));
	root = json_object_get(json_array_get(b.parts, 0), "signed");
	roles = json_object_get(root, "roles");
	ids = json_object_get(json_object_get(roles, "root"), "keyids");
	text = json_dumps(json_array_get(ids, 0), JSON_ENCODE_ANY);
	ROW("root and targets share a key; one of targets is of nobody then");
	CHECK_EQ(edited(&s, &b, "parts 0 signed roles targets keyids 0", text), ROTA_ERR_FORMAT);
	ROW("a key twice");
	CHECK_EQ(edited(&s, &b, "parts 0 signed roles root keyids 1", text), ROTA_ERR_FORMAT);
	free(text);
	text = json_dumps(json_array_get(ids, 1), JSON_ENCODE_ANY);
	json_array_append_new(json_object_get(json_object_get(roles, "targets"), "keyids"),
		json_loads(text, JSON_DECODE_ANY, NULL));
	ROW("root and targets share a key");
	CHECK_EQ(edited(&s, &b, "product", "\"sensor\""), ROTA_ERR_ROLE);
	free(text);
	rota_bundle_free(&b);
	scene_end(&s);
}

/* A role that lists its targets itself becomes one with bins, signed by its own people. */
TEST(bins_on_the_way)
{
	struct rota_bundle b;
	struct scene s;
	json_t *keys, *ids, *delegations;
	char *text;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, RELEASES, &b));
	delegations = json_object_get(json_object_get(b.targets, "signed"), "delegations");
	keys = json_deep_copy(json_object_get(delegations, "keys"));
	ids = json_deep_copy(json_object_get(
		json_array_get(json_object_get(delegations, "roles"), 0), "keyids"));
	delegations = rota_bins_delegations("releases", 2, keys, ids, 2);
	text = json_dumps(delegations, 0);
	CHECK_EQ(edited(&s, &b, "parts 0 signed delegations", text), ROTA_ERR_ROLE);
	free(text);
	json_decref(delegations);
	rota_bundle_free(&b);
	scene_end(&s);
}

TEST(expires_on_the_way)
{
	struct rota_bundle_view view;
	struct rota_bundle b;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, RELEASES, &b));
	CHECK_OK(scene_view(&s, &b, NOW + 364 * 86400, &view));
	rota_bundle_view_close(&view);
	CHECK_EQ(scene_view(&s, &b, NOW + 365 * 86400, &view), ROTA_ERR_EXPIRED);
	CHECK_OK(scene_view(&s, &b, NOW - 600, &view));
	rota_bundle_view_close(&view);
	CHECK_EQ(scene_view(&s, &b, NOW - 601, &view), ROTA_ERR_TIME);
	rota_bundle_free(&b);
	s.desk.now--; /* the clock went back behind what was issued */
	CHECK_EQ(scene_make(&s, RELEASES, &b), ROTA_ERR_TIME);
	scene_end(&s);
}

TESTS(T(refused), T(keys_of_root), T(bins_on_the_way), T(expires_on_the_way))
