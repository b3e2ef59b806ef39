/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"
#include "tests/unit/signer_soft.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

/* A party of three with threshold two, and what verifies it. */
struct scene {
	struct soft soft;
	struct rota_authdir dir;
	struct rota_tokens tokens;
	json_t *content, *keys, *ids;
	struct rota_fail why;
};

static void begin(struct scene *s)
{
	soft_make(&s->soft);
	soft_authdir(&s->dir, 3, 2);
	rota_tokens_init(&s->tokens, &s->dir, soft_opener(&s->soft));
	s->content = json_pack("{s:s,s:i}", "text", "line\nline", "version", 1);
	s->keys = json_object();
	s->ids = json_array();
	for (size_t i = 0; i < 3; i++) {
		uint8_t point[ROTA_P256_KEY_LEN];
		char id[ROTA_DIGEST_HEX];

		if (!rota_p256_of_pkey(s->soft.key[i], point))
			continue;
		rota_p256_key_id(point, id);
		json_object_set_new(s->keys, id, rota_p256_key_object(point));
		json_array_append_new(s->ids, json_string(id));
	}
}

static void end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	soft_free(&s->soft);
	json_decref(s->content);
	json_decref(s->keys);
	json_decref(s->ids);
}

static enum rota_err sign(struct scene *s, struct rota_bytes *file)
{
	const struct rota_notary notary = rota_notary_at_hand(&s->tokens);
	const struct rota_notary_file what = {
		.party = &s->dir.parties[0], .role = s->dir.parties[0].name, .content = s->content
	};

	return rota_envelope_sign(&notary, &what, file, &s->why);
}

static enum rota_err verify(struct scene *s, struct rota_span file, unsigned threshold)
{
	json_t *content;
	enum rota_err err =
		rota_envelope_verify(file, s->keys, s->ids, threshold, &content, &s->why);

	json_decref(content);
	return err;
}

TEST(signs_and_verifies)
{
	struct rota_bytes file;
	struct scene s;

	begin(&s);
	CHECK_OK(sign(&s, &file));
	CHECK_OK(verify(&s, rota_bytes_span(&file), 2));
	CHECK_EQ(verify(&s, rota_bytes_span(&file), 3), ROTA_ERR_THRESHOLD);
	CHECK_EQ(verify(&s, rota_bytes_span(&file), 0), ROTA_ERR_THRESHOLD);
	CHECK_EQ(s.soft.opened[2], 0); /* two are enough, nobody else is asked */
	rota_bytes_free(&file);
	end(&s);
}

TEST(absent_and_lying_tokens)
{
	static const struct {
		const char *reason;
		enum soft_mood mood[3];
		enum rota_err want;
	} rows[] = {
		{ "all there", { SOFT_WELL, SOFT_WELL, SOFT_WELL }, ROTA_OK },
		{ "first absent", { SOFT_ABSENT, SOFT_WELL, SOFT_WELL }, ROTA_OK },
		{ "last absent", { SOFT_WELL, SOFT_WELL, SOFT_ABSENT }, ROTA_OK },
		{ "two absent", { SOFT_ABSENT, SOFT_ABSENT, SOFT_WELL }, ROTA_ERR_THRESHOLD },
		{ "one lies", { SOFT_LIES, SOFT_WELL, SOFT_WELL }, ROTA_OK },
		{ "two lie", { SOFT_WELL, SOFT_LIES, SOFT_LIES }, ROTA_ERR_THRESHOLD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bytes file;
		struct scene s;

		ROW(rows[i].reason);
		begin(&s);
		memcpy(s.soft.mood, rows[i].mood, sizeof(rows[i].mood));
		CHECK_EQ(sign(&s, &file), rows[i].want);
		CHECK(rows[i].want == ROTA_OK || strstr(s.why.text, "token t"));
		if (rows[i].want == ROTA_OK) {
			CHECK_OK(verify(&s, rota_bytes_span(&file), 2));
			rota_bytes_free(&file);
		}
		end(&s);
	}
}

TEST(a_token_that_did_not_open_is_not_asked_again)
{
	struct rota_bytes file;
	struct scene s;

	begin(&s);
	s.soft.mood[0] = SOFT_ABSENT;
	for (int i = 0; i < 3; i++) {
		CHECK_OK(sign(&s, &file));
		rota_bytes_free(&file);
	}
	CHECK_EQ(s.soft.opened[0], 1); /* a token counts wrong PINs */
	end(&s);
}

/* Take a signed file apart, let `change` at it, verify with threshold two. */
static enum rota_err changed(void (*change)(json_t *whole, struct scene *s))
{
	struct rota_bytes file, again;
	struct scene s;
	json_t *whole;
	enum rota_err err;

	begin(&s);
	if (sign(&s, &file) != ROTA_OK ||
		rota_json_parse(rota_bytes_span(&file), &whole, &s.why) != ROTA_OK)
		return ROTA_ERR_STATE;
	change(whole, &s);
	if (rota_json_encode(whole, ROTA_JSON_FILE, &again, &s.why) != ROTA_OK)
		return ROTA_ERR_STATE;
	err = verify(&s, rota_bytes_span(&again), 2);
	json_decref(whole);
	rota_bytes_free(&file);
	rota_bytes_free(&again);
	end(&s);
	return err;
}

static void edit_content(json_t *whole, struct scene *s)
{
	(void)s;
	json_object_set_new(json_object_get(whole, "signed"), "version", json_integer(2));
}

static void drop_one(json_t *whole, struct scene *s)
{
	(void)s;
	json_array_remove(json_object_get(whole, "signatures"), 0);
}

static void same_id_twice(json_t *whole, struct scene *s)
{
	json_t *list = json_object_get(whole, "signatures");

	(void)s;
	json_array_set(list, 1, json_array_get(list, 0));
}

/* One key under a second id must count once (SPEC 4.2). */
static void same_key_twice(json_t *whole, struct scene *s)
{
	json_t *list = json_object_get(whole, "signatures");
	json_t *copy = json_deep_copy(json_array_get(list, 0));
	const char *id = json_string_value(json_object_get(copy, "keyid"));

	json_object_set(s->keys, "alias", json_object_get(s->keys, id));
	json_array_append_new(s->ids, json_string("alias"));
	json_object_set_new(copy, "keyid", json_string("alias"));
	json_array_set_new(list, 1, copy);
}

static void not_of_the_role(json_t *whole, struct scene *s)
{
	(void)whole;
	json_array_remove(s->ids, 0);
}

static void add_garbage(json_t *whole, struct scene *s)
{
	(void)s;
	json_array_append_new(json_object_get(whole, "signatures"),
		json_pack("{s:s,s:s}", "keyid", "other", "sig", "zz"));
}

TEST(changes)
{
	static const struct {
		const char *reason;
		void (*change)(json_t *whole, struct scene *s);
		enum rota_err want;
	} rows[] = {
		{ "content edited", edit_content, ROTA_ERR_THRESHOLD },
		{ "one signature gone", drop_one, ROTA_ERR_THRESHOLD },
		{ "a key id twice", same_id_twice, ROTA_ERR_FORMAT },
		{ "a key under two ids", same_key_twice, ROTA_ERR_THRESHOLD },
		{ "a signer left the role", not_of_the_role, ROTA_ERR_THRESHOLD },
		{ "a foreign signature beside", add_garbage, ROTA_OK },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(changed(rows[i].change), rows[i].want);
	}
}

TESTS(T(signs_and_verifies), T(absent_and_lying_tokens),
	T(a_token_that_did_not_open_is_not_asked_again), T(changes))
