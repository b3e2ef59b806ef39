/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles between two machines in one process: the authority with its repository in a folder, a vault that has nothing
 * of it but the first root, and tokens in memory. */
#include "tests/unit/test.h"
#include "tests/unit/signer_soft.h"
#include "tests/unit/tempdir.h"
#include "host/base/when.h"
#include "host/repo/bins.h"
#include "host/repo/bundle_diff.h"
#include "host/repo/bundle_import.h"
#include "host/repo/bundle_make.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"
#include "host/repo/pending.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <stdlib.h>

#define NOW 1800000000

struct scene {
	struct soft soft;
	struct rota_authdir online, vault;
	struct rota_tokens tokens, cards;
	struct rota_desk desk, bench;
	struct rota_fail why;
};

static void seat(struct rota_authdir *dir, const char *role, const char *tokens, unsigned threshold)
{
	struct rota_party *party = &dir->parties[dir->party_count++];

	*party = (struct rota_party){ .name = role,
		.is_role = true,
		.threshold = threshold,
		.lifetime_s = rota_duty_find(role)->lifetime_s };
	for (; *tokens; tokens++)
		party->seats[party->seat_count++] =
			(struct rota_seat){ .token = &dir->tokens[*tokens - '0'], .key = "key" };
}

/* Token 7 is online. */
static void fill_authority(struct rota_authdir *dir, const char *folder)
{
	soft_authdir(dir, 0, 1);
	dir->party_count = 0;
	dir->product = "sensor";
	dir->tokens[7].online = true;
	snprintf(dir->dir, sizeof(dir->dir), "%s", tempdir_path(folder));
	snprintf(dir->repo, sizeof(dir->repo), "%s/repo", tempdir_path(folder));
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const char *name = rota_duties[i].name;

		if (strcmp(name, "root") == 0)
			seat(dir, name, "012", 2);
		else if (strcmp(name, "targets") == 0)
			seat(dir, name, "345", 2);
		else if (strcmp(name, "releases") == 0 || strcmp(name, "retirements") == 0)
			seat(dir, name, "016", 2);
		else
			seat(dir, name, "7", 1);
	}
}

static enum rota_err first(struct scene *s, const char *role, json_t *content)
{
	uint64_t version;
	enum rota_err err = rota_metadata_sign(&s->desk, role, content, 0, &version, &s->why);

	json_decref(content);
	return err;
}

static enum rota_err publish(struct scene *s)
{
	const struct rota_publish_plan plan = { 0 };
	struct rota_publish_role done[ROTA_DUTY_COUNT];

	return rota_publish(&s->desk, &plan, done, &s->why);
}

/* Every role once, and the anchor in the vault. */
static enum rota_err fill_repository(struct scene *s)
{
	struct rota_bytes anchor;
	json_t *content;
	char *path;
	enum rota_err err;

	ROTA_TRY(rota_store_make(&s->online, &s->why));
	ROTA_TRY(rota_metadata_root(&s->desk, &content, &s->why));
	ROTA_TRY(first(s, "root", content));
	ROTA_TRY(rota_metadata_targets(&s->desk, &content, &s->why));
	ROTA_TRY(first(s, "targets", content));
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++)
		ROTA_TRY(first(s, rota_duties[i].name, rota_metadata_empty()));
	ROTA_TRY(publish(s));
	path = rota_text("%s/trust", s->vault.dir);
	err = rota_file_mkdirs(path, 0755, &s->why);
	free(path);
	ROTA_TRY(err);
	ROTA_TRY(rota_file_read(tempdir_path("online/trust/root.json"), 65536, &anchor, &s->why));
	err = rota_file_write(
		tempdir_path("vault/trust/root.json"), rota_bytes_span(&anchor), 0644, &s->why);
	rota_bytes_free(&anchor);
	return err;
}

static bool begin(struct scene *s)
{
	tempdir_fresh();
	memset(s, 0, sizeof(*s));
	soft_make(&s->soft);
	fill_authority(&s->online, "online");
	fill_authority(&s->vault, "vault");
	rota_tokens_init(&s->tokens, &s->online, soft_opener(&s->soft));
	rota_tokens_init(&s->cards, &s->vault, soft_opener(&s->soft));
	s->desk = (struct rota_desk){ .dir = &s->online, .tokens = &s->tokens, .now = NOW };
	s->bench = (struct rota_desk){ .dir = &s->vault, .tokens = &s->cards, .now = NOW };
	return fill_repository(s) == ROTA_OK;
}

static void end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	rota_tokens_close(&s->cards);
	soft_free(&s->soft);
	tempdir_remove();
}

/* A file of a kind that nobody reads waits for the release signers. */
static enum rota_err wait_for(struct scene *s, const char *path, const char *text)
{
	struct rota_store_target target;
	json_t *entries = json_object();
	enum rota_err err =
		rota_store_put_target(&s->online, path, rota_span_cstr(text), &target, &s->why);

	json_object_set_new(entries, path, rota_store_target_object(&target));
	if (err == ROTA_OK)
		err = rota_pending_add(&s->online, "releases", entries, &s->why);
	json_decref(entries);
	return err;
}

/* A target whose file is a byte shorter than is listed. */
static enum rota_err wait_for_too_long(struct scene *s, const char *path, const char *text)
{
	struct rota_store_target target;
	json_t *entries = json_object();
	enum rota_err err =
		rota_store_put_target(&s->online, path, rota_span_cstr(text), &target, &s->why);

	target.len++;
	json_object_set_new(entries, path, rota_store_target_object(&target));
	if (err == ROTA_OK)
		err = rota_pending_add(&s->online, "releases", entries, &s->why);
	json_decref(entries);
	return err;
}

/* Roles by their places in rota_duties. */
enum { ROOT = 1, TARGETS = 2, RELEASES = 16, RETIREMENTS = 1 << 11 };

static enum rota_err make(struct scene *s, unsigned roles, struct rota_bundle *out)
{
	struct rota_bundle_order order = { 0 };

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		order.roles[i] = roles >> i & 1;
	return rota_bundle_make(&s->desk, &order, out, &s->why);
}

static enum rota_err view_at(
	struct scene *s, const struct rota_bundle *b, uint64_t now, struct rota_bundle_view *view)
{
	const struct rota_bundle_base base = { .roots = b->roots, .targets = b->targets };

	return rota_bundle_view_open(&s->vault, b, &base, now, view, &s->why);
}

/* As `rota repo sign` with these tokens of the vault. */
static enum rota_err sign(struct scene *s, struct rota_bundle *b, const char *token, bool again)
{
	const struct rota_bundle_hand hand = { .tokens = token ? &token : NULL,
		.token_count = token != NULL };
	struct rota_bundle_view view;
	unsigned added;
	enum rota_err err = view_at(s, b, s->bench.now, &view);

	ROTA_TRY(err);
	err = rota_bundle_record_check(&s->vault, &view, again, &s->why);
	if (err == ROTA_OK)
		err = rota_bundle_sign(&s->bench, &view, &hand, &added, &s->why);
	rota_bundle_view_close(&view);
	return err;
}

static enum rota_err import(struct scene *s, struct rota_bundle *copies, size_t count)
{
	struct rota_publish_role done[ROTA_DUTY_COUNT];

	return rota_bundle_import(&s->desk, copies, count, done, &s->why);
}

TEST(signs_and_imports)
{
	struct rota_bundle b;
	struct scene s;
	json_t *content;

	CHECK(begin(&s));
	CHECK_OK(wait_for(&s, "releases/sensor/2.0.0/app.img", "image"));
	CHECK_OK(make(&s, ROOT | TARGETS | RELEASES, &b));
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(sign(&s, &b, "t0", false));
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(sign(&s, &b, NULL, false));
	CHECK_OK(import(&s, &b, 1));
	CHECK_OK(import(&s, &b, 1)); /* cut off after the last write */
	CHECK_OK(rota_store_signed(&s.online, "releases", &content, &s.why));
	CHECK_EQ(rota_chain_version(content), 2);
	CHECK(json_object_get(
		json_object_get(content, "targets"), "releases/sensor/2.0.0/app.img"));
	json_decref(content);
	rota_bundle_free(&b);
	end(&s);
}

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
	err = view_at(s, &bad, NOW, &view);
	if (err == ROTA_OK)
		rota_bundle_view_close(&view);
	rota_bundle_free(&bad);
	return err;
}

#define DIGEST "\"0000000000000000000000000000000000000000000000000000000000000000\""
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
		{ "a release changed", RELEASES, LISTED "1.0.0/app.img", ENTRY, ROTA_ERR_ROLE },
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

	CHECK(begin(&s));
	CHECK_OK(wait_for(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(make(&s, ROOT | TARGETS | RELEASES, &before));
	CHECK_OK(sign(&s, &before, NULL, false));
	CHECK_OK(import(&s, &before, 1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		CHECK_OK(make(&s, rows[i].roles, &b));
		CHECK_EQ(edited(&s, &b, rows[i].path, rows[i].value), rows[i].want);
		rota_bundle_free(&b);
	}
	rota_bundle_free(&before);
	end(&s);
}

/* Another party's key in the place of its own, and the same key in another spelling. */
TEST(keys_of_root)
{
	struct rota_bundle b;
	struct scene s;
	json_t *root, *roles, *ids;
	char *text;

	CHECK(begin(&s));
	CHECK_OK(make(&s, ROOT, &b));
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
	end(&s);
}

TEST(signatures_in_the_bundle)
{
	struct rota_bundle b;
	struct scene s;
	json_t *list, *copy;

	CHECK(begin(&s));
	CHECK_OK(make(&s, RELEASES, &b));
	CHECK_OK(sign(&s, &b, "t0", false));
	list = json_object_get(json_array_get(b.parts, 0), "signatures");
	CHECK_EQ(json_array_size(list), 1);
	CHECK_OK(sign(&s, &b, "t0", false)); /* who has signed is passed over */
	CHECK_EQ(json_array_size(list), 1);
	copy = json_deep_copy(json_array_get(list, 0));
	json_array_append(list, copy);
	CHECK_EQ(sign(&s, &b, "t1", false), ROTA_ERR_FORMAT);
	json_object_set_new(copy, "keyid", json_loads(DIGEST, JSON_DECODE_ANY, NULL));
	CHECK_EQ(sign(&s, &b, "t1", false), ROTA_ERR_SIGNATURE);
	json_array_remove(list, 1);
	json_decref(copy);
	json_object_set_new(json_object_get(json_array_get(b.parts, 0), "signed"), "expires",
		json_string("2027-12-15T08:00:00Z"));
	CHECK_EQ(sign(&s, &b, "t1", false), ROTA_ERR_SIGNATURE); /* of something else */
	rota_bundle_free(&b);
	end(&s);
}

TEST(expires_on_the_way)
{
	struct rota_bundle_view view;
	struct rota_bundle b;
	struct scene s;

	CHECK(begin(&s));
	CHECK_OK(make(&s, RELEASES, &b));
	CHECK_OK(view_at(&s, &b, NOW + 364 * 86400, &view));
	rota_bundle_view_close(&view);
	CHECK_EQ(view_at(&s, &b, NOW + 365 * 86400, &view), ROTA_ERR_EXPIRED);
	CHECK_OK(view_at(&s, &b, NOW - 600, &view));
	rota_bundle_view_close(&view);
	CHECK_EQ(view_at(&s, &b, NOW - 601, &view), ROTA_ERR_TIME);
	rota_bundle_free(&b);
	s.desk.now--; /* the clock went back behind what was issued */
	CHECK_EQ(make(&s, RELEASES, &b), ROTA_ERR_TIME);
	end(&s);
}

/* Two files of one version, and a state that went back. */
TEST(record)
{
	struct rota_bundle old, one, other, third;
	struct scene s;

	CHECK(begin(&s));
	CHECK_OK(make(&s, RETIREMENTS, &old)); /* under the first root */
	CHECK_OK(make(&s, ROOT | TARGETS | RELEASES, &one));
	CHECK_OK(sign(&s, &one, NULL, false));
	s.desk.now++;
	s.bench.now++;
	CHECK_OK(make(&s, RELEASES, &other));
	CHECK_EQ(sign(&s, &other, NULL, false), ROTA_ERR_STATE);
	CHECK_OK(sign(&s, &other, NULL, true));
	CHECK_OK(import(&s, &one, 1));
	CHECK_EQ(import(&s, &other, 1), ROTA_ERR_VERSION);
	CHECK_OK(sign(&s, &old, NULL, false)); /* no file was signed under the second root yet */
	CHECK_OK(make(&s, RELEASES, &third));
	CHECK_OK(sign(&s, &third, NULL, false));
	CHECK_EQ(sign(&s, &old, NULL, true), ROTA_ERR_VERSION);
	CHECK_EQ(sign(&s, &other, NULL, true), ROTA_ERR_VERSION);
	rota_bundle_free(&old);
	rota_bundle_free(&one);
	rota_bundle_free(&other);
	rota_bundle_free(&third);
	end(&s);
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
		CHECK(begin(&s));
		CHECK_OK(make(&s, rows[i].old, &old));
		CHECK_OK(make(&s, rows[i].moved, &moved));
		CHECK_OK(sign(&s, &moved, NULL, false));
		CHECK_OK(import(&s, &moved, 1));
		CHECK_OK(make(&s, rows[i].seen, &seen));
		CHECK_OK(sign(&s, &old, NULL, false));
		CHECK_OK(sign(&s, &seen, NULL, false));
		CHECK_EQ(sign(&s, &old, NULL, true), ROTA_ERR_VERSION);
		rota_bundle_free(&old);
		rota_bundle_free(&moved);
		rota_bundle_free(&seen);
		end(&s);
	}
}

/* A role that lists its targets itself becomes one with bins, signed by its own people. */
TEST(bins_on_the_way)
{
	struct rota_bundle b;
	struct scene s;
	json_t *keys, *ids, *delegations;
	char *text;

	CHECK(begin(&s));
	CHECK_OK(make(&s, RELEASES, &b));
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
	end(&s);
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

	if (!begin(&s) || make(&s, RELEASES, &b) != ROTA_OK || !rota_bundle_part(&b, 0, &part) ||
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
		err = sign(&s, &b, NULL, false);
	rota_bundle_free(&b);
	end(&s);
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

TEST(copies)
{
	struct rota_bundle copies[2], other;
	struct scene s;

	CHECK(begin(&s));
	CHECK_OK(make(&s, RELEASES, &copies[0]));
	CHECK_OK(make(&s, RELEASES, &copies[1]));
	CHECK_OK(make(&s, TARGETS, &other));
	CHECK_OK(sign(&s, &copies[0], "t0", false));
	CHECK_OK(sign(&s, &copies[1], "t0", false));
	CHECK_EQ(import(&s, copies, 2), ROTA_ERR_THRESHOLD); /* one person twice */
	CHECK_EQ(rota_bundle_merge(&copies[0], &other, &s.why), ROTA_ERR_HASH);
	CHECK_OK(sign(&s, &copies[1], "t6", false));
	CHECK_OK(import(&s, copies, 2));
	rota_bundle_free(&copies[0]);
	rota_bundle_free(&copies[1]);
	rota_bundle_free(&other);
	end(&s);
}

TEST(artifacts_and_keys_at_the_import)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bundle b;
	struct scene s;
	uint64_t root;

	CHECK(begin(&s));
	CHECK_OK(wait_for(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(make(&s, ROOT | RELEASES, &b));
	CHECK_OK(sign(&s, &b, NULL, false));
	rota_digest_of(rota_span_cstr("image"), digest);
	rota_store_target_path(&s.online, "releases/sensor/1.0.0/app.img", digest, path);
	CHECK_OK(rota_file_write(path, rota_span_cstr("imagE"), 0644, &s.why));
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_HASH);
	CHECK(remove(path) == 0);
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_file_write(path, rota_span_cstr("image"), 0644, &s.why));
	rota_tokens_close(&s.tokens);
	s.soft.mood[7] = SOFT_ABSENT; /* who should sign snapshots under the new root */
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(rota_store_newest(&s.online, "root", true, &root, &s.why));
	CHECK_EQ(root, 1);
	rota_tokens_close(&s.tokens);
	s.soft.mood[7] = SOFT_WELL;
	CHECK_OK(import(&s, &b, 1));
	rota_bundle_free(&b);
	end(&s);
}

TEST(a_length_at_the_import)
{
	struct rota_bundle b;
	struct scene s;

	CHECK(begin(&s));
	CHECK_OK(wait_for_too_long(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(make(&s, RELEASES, &b));
	CHECK_OK(sign(&s, &b, NULL, false));
	CHECK_EQ(import(&s, &b, 1), ROTA_ERR_HASH);
	rota_bundle_free(&b);
	end(&s);
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

	CHECK(begin(&s));
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
	end(&s);
}

struct seen {
	size_t changes;
	bool escaped;
};

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	struct seen *seen = ctx;

	seen->changes += was || now;
	for (; *path; path++)
		seen->escaped &= *path >= ' ' && *path <= '~';
}

TEST(everything_is_shown)
{
	struct seen seen = { .escaped = true };
	const struct rota_bundle_sink sink = { .ctx = &seen, .change = on_change };
	json_t *was = json_loads("{\"a\":{\"x\":1},\"b\":[1,2],\"c\":{}}", 0, NULL);
	json_t *now = json_loads(
		"{\"a\":{\"x\":1,\"\\u001b[2J\":1},\"b\":[1],\"c\":{\"y\":\"z\"}}", 0, NULL);
	const struct rota_bundle_item item = {
		.role = "releases", .duty = rota_duty_find("releases"), .was = was, .now = now
	};
	const struct rota_bundle_view view = { 0 };

	rota_bundle_diff(&view, &item, &sink);
	CHECK_EQ(seen.changes, 4); /* a's new member, b's second element, c empty, c's y */
	CHECK(seen.escaped);
	json_decref(was);
	json_decref(now);
}

TESTS(T(signs_and_imports), T(refused), T(keys_of_root), T(signatures_in_the_bundle),
	T(expires_on_the_way), T(record), T(record_of_each), T(bins_on_the_way),
	T(a_bin_for_its_role), T(copies), T(artifacts_and_keys_at_the_import),
	T(a_length_at_the_import), T(one_key_under_two_ids), T(everything_is_shown))
