/* SPDX-License-Identifier: Apache-2.0 */
/* What a witness cosigns: a log of three entries that grows, another log, and each request that is to be refused. */
#include "host/log/cosigner.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/base64.h"
#include "rota/crypto/merkle.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#define NOW 1800000000
#define OTHER "other.rota.invalid/log"

static const struct rota_crypto *const crypto = &rota_crypto_openssl;

static struct log_scene scene, stranger;
static struct rota_log_policy logs;
static struct rota_cosigner *cosigner;
static struct rota_cosigner_config config;
static struct rota_fail why;
static char state[256];
static uint8_t leaf[4][ROTA_SHA256_LEN], root[4][ROTA_SHA256_LEN]; /* leaf 3 is of no honest tree */
static unsigned signatures;
static bool away, alarmed;

static enum rota_err sign(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN],
	uint8_t sig[static ROTA_P256_SIG_LEN], struct rota_fail *out)
{
	(void)ctx;
	if (away)
		return rota_fail(out, ROTA_ERR_IO, "the token is away");
	memcpy(sig, digest, ROTA_SHA256_LEN);
	memcpy(sig + ROTA_SHA256_LEN, digest, ROTA_SHA256_LEN);
	signatures++;
	return ROTA_OK;
}

static bool reopen(void)
{
	rota_cosigner_close(cosigner);
	return rota_cosigner_open(&config, &cosigner, &why) == ROTA_OK;
}

/* Trees of 0 to 3 entries. */
static void make_trees(void)
{
	struct rota_merkle_edge edge = { .size = 0 };

	for (uint8_t n = 0; n < 4; n++) {
		rota_merkle_leaf(crypto, rota_span(&n, 1), leaf[n]);
		rota_merkle_root(crypto, &edge, root[n]);
		rota_merkle_append(crypto, &edge, leaf[n]);
	}
}

static bool begin(void)
{
	static uint8_t point[ROTA_P256_KEY_LEN] = { 4 };

	(void)tempdir_fresh();
	log_scene_end(&scene);
	log_scene_end(&stranger);
	log_scene_begin(&scene, tempdir_path(""));
	log_scene_begin(&stranger, tempdir_path(""));
	make_trees();
	logs = (struct rota_log_policy){ .count = 2, .logs = 3, .note = { scene.key, scene.key } };
	logs.note[1].name = ROTA_STR(OTHER);
	snprintf(state, sizeof(state), "%s", tempdir_path("state"));
	config = (struct rota_cosigner_config){ .crypto = crypto,
		.logs = &logs,
		.own = { .kind = ROTA_NOTE_WITNESS_P256,
			.name = ROTA_STR("w"),
			.raw = ROTA_SPAN(point) },
		.state = state,
		.sign = sign };
	rota_note_key_id(crypto, &config.own);
	signatures = 0;
	away = false;
	return reopen();
}

/* A checkpoint of `origin`, signed by the key of `by` under `name`. */
static void put_note(struct rota_bytes *to, const char *origin, uint64_t size, const uint8_t *of,
	struct log_scene *by, const char *name)
{
	struct rota_checkpoint c = { .origin = rota_span_cstr(origin), .size = size };
	uint8_t room[ROTA_NOTE_TEXT_MAX];
	struct rota_span text, was = by->key.name;

	memcpy(c.root, of, sizeof(c.root));
	if (rota_checkpoint_write(&c, ROTA_BUF(room), &text) != ROTA_OK)
		return;
	rota_bytes_add(to, text);
	rota_bytes_add_text(to, "\n");
	by->key.name = rota_span_cstr(name);
	(void)!by->tiler.sign(by, text, to, &why);
	by->key.name = was;
}

static enum rota_cosigner_status ask(const struct rota_bytes *request, struct rota_bytes *answer)
{
	*answer = (struct rota_bytes){ 0 };
	return rota_cosigner_add(
		cosigner, rota_span(request->p, request->len), NOW, answer, &alarmed, &why);
}

/* One whole request: "old N", `count` hashes of the proof, a note of our log. */
static enum rota_cosigner_status add(
	const char *old, const uint8_t *proof, size_t count, uint64_t size, const uint8_t *of)
{
	struct rota_bytes request = { 0 }, answer;
	enum rota_cosigner_status status;
	uint8_t letters[44];
	size_t len;

	rota_bytes_print(&request, "%s\n", old);
	for (size_t i = 0; i < count; i++) {
		(void)!rota_base64_encode(
			rota_span(proof, ROTA_SHA256_LEN), ROTA_BUF(letters), &len);
		rota_bytes_print(&request, "%.*s\n", (int)len, (const char *)letters);
	}
	rota_bytes_add_text(&request, "\n");
	put_note(&request, LOG_SCENE_ORIGIN, size, of, &scene, LOG_SCENE_ORIGIN);
	status = ask(&request, &answer);
	rota_bytes_free(&request);
	rota_bytes_free(&answer);
	return status;
}

TEST(a_log_that_grows)
{
	CHECK(begin());
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_OK);
	CHECK(strncmp(tempdir_get("state"), LOG_SCENE_ORIGIN " 2 ", 26) == 0);
	CHECK_EQ(add("old 2", leaf[2], 1, 3, root[3]), ROTA_COSIGNER_OK);
	CHECK_EQ(add("old 3", NULL, 0, 3, root[3]), ROTA_COSIGNER_OK);
	CHECK_EQ(signatures, 3);
	CHECK(reopen()); /* it remembers */
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_CONFLICT);
	CHECK_EQ(add("old 3", NULL, 0, 3, root[3]), ROTA_COSIGNER_OK);
}

TEST(what_does_not_continue)
{
	CHECK(begin());
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_OK);
	CHECK_EQ(add("old 3", NULL, 0, 2, root[2]), ROTA_COSIGNER_MALFORMED);
	CHECK_EQ(add("old 1", leaf[1], 1, 3, root[3]), ROTA_COSIGNER_CONFLICT);
	CHECK(!alarmed);
	CHECK_EQ(add("old 2", NULL, 0, 2, root[1]), ROTA_COSIGNER_CONFLICT);
	CHECK(alarmed);
	CHECK_EQ(add("old 2", leaf[3], 1, 3, root[3]), ROTA_COSIGNER_INCONSISTENT);
	CHECK(alarmed);
	CHECK_EQ(add("old 2", NULL, 0, 3, root[3]), ROTA_COSIGNER_INCONSISTENT);
	CHECK_EQ(signatures, 1);
	CHECK_EQ(add("old 2", leaf[2], 1, 3, root[3]), ROTA_COSIGNER_OK);
}

TEST(who_signed_it)
{
	static const struct {
		const char *origin, *name;
		bool ours;
		enum rota_cosigner_status status;
	} rows[] = {
		{ "nobody.rota.invalid/log", "nobody.rota.invalid/log", true,
			ROTA_COSIGNER_UNKNOWN },
		{ LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, false, ROTA_COSIGNER_UNSIGNED },
		{ LOG_SCENE_ORIGIN, "nobody.rota.invalid/log", true, ROTA_COSIGNER_UNSIGNED },
		/* a log's key signs for no other log */
		{ LOG_SCENE_ORIGIN, OTHER, true, ROTA_COSIGNER_UNSIGNED },
		{ LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, true, ROTA_COSIGNER_OK },
		{ OTHER, OTHER, true, ROTA_COSIGNER_OK }, /* each log has its own history */
	};

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bytes request = { 0 }, answer;

		rota_bytes_add_text(&request, "old 0\n\n");
		put_note(&request, rows[i].origin, 2, root[2], rows[i].ours ? &scene : &stranger,
			rows[i].name);
		CHECK_EQ(ask(&request, &answer), rows[i].status);
		rota_bytes_free(&request);
		rota_bytes_free(&answer);
	}
	CHECK_EQ(signatures, 2);
}

TEST(requests_that_are_none)
{
	CHECK(begin());
	CHECK_EQ(add("new 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_MALFORMED);
	CHECK_EQ(add("old 00", NULL, 0, 2, root[2]), ROTA_COSIGNER_MALFORMED);
	CHECK_EQ(add("old 0\nAAAA", NULL, 0, 2, root[2]), ROTA_COSIGNER_MALFORMED);
	CHECK_EQ(add("old 0", leaf[0], ROTA_COSIGNER_PROOF_MAX + 1, 2, root[2]),
		ROTA_COSIGNER_MALFORMED);
	CHECK_EQ(add("old 0", leaf[0], 1, 2, root[2]), ROTA_COSIGNER_INCONSISTENT);
	CHECK_EQ(signatures, 0);
}

TEST(state_first_then_the_signature)
{
	CHECK(begin());
	away = true;
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_FAILED);
	away = false;
	/* it may have signed: from here on it is bound to this history */
	CHECK_EQ(add("old 0", NULL, 0, 3, root[3]), ROTA_COSIGNER_CONFLICT);
	CHECK_EQ(add("old 2", NULL, 0, 2, root[2]), ROTA_COSIGNER_OK);
	config.state = "/nowhere/state";
	CHECK(reopen());
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_FAILED);
	CHECK_EQ(signatures, 1);
}

TEST(a_state_that_is_damaged)
{
	static const char *const rows[] = { LOG_SCENE_ORIGIN "\n", LOG_SCENE_ORIGIN " 2\n",
		LOG_SCENE_ORIGIN " 02 ",
		/* in place of its newline another byte */
		LOG_SCENE_ORIGIN
		" 2 "
		"0000000000000000000000000000000000000000000000000000000000000000z" };

	CHECK(begin());
	CHECK_EQ(add("old 0", NULL, 0, 2, root[2]), ROTA_COSIGNER_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tempdir_put("state", rows[i]);
		CHECK(!reopen());
	}
	log_scene_end(&scene);
	log_scene_end(&stranger);
	tempdir_remove();
}

TESTS(T(a_log_that_grows), T(what_does_not_continue), T(who_signed_it), T(requests_that_are_none),
	T(state_first_then_the_signature), T(a_state_that_is_damaged))
