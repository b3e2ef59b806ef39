/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an auditor believes: keys as lines, files of them, and checkpoints that are good by them or not. */
#include "host/log/policy.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static const struct rota_crypto *const crypto = &rota_crypto_openssl;

static struct log_scene scene, witness[3];
static struct rota_log_policy policy;
static struct rota_fail why;
static char log_line[ROTA_VKEY_TEXT_MAX], line[3][ROTA_VKEY_TEXT_MAX];

static void write_key(const struct log_scene *of, const char *name, bool is_witness, char *to)
{
	struct rota_vkey key;

	if (rota_vkey_make(crypto, name, is_witness, of->point, &key, &why) == ROTA_OK)
		rota_vkey_write(&key, to);
}

static void begin(void)
{
	(void)tempdir_fresh();
	log_scene_end(&scene);
	log_scene_begin(&scene, tempdir_path(""));
	write_key(&scene, LOG_SCENE_ORIGIN, false, log_line);
	for (int i = 0; i < 3; i++) {
		char name[8];

		log_scene_end(&witness[i]);
		log_scene_begin(&witness[i], tempdir_path(""));
		snprintf(name, sizeof(name), "w%d", i);
		write_key(&witness[i], name, true, line[i]);
	}
}

/* A file of the log's key, the first `keys` witnesses, and `more`. */
static enum rota_err load(int keys, const char *more)
{
	char text[4096];
	int at = snprintf(text, sizeof(text), "# whom to believe\n\nlog %s\n", log_line);

	for (int i = 0; i < keys; i++)
		at += snprintf(
			text + at, sizeof(text) - (size_t)at, "witness w%d %s\n", i, line[i]);
	snprintf(text + at, sizeof(text) - (size_t)at, "%s", more);
	tempdir_put("policy", text);
	return rota_log_policy_load(crypto, tempdir_path("policy"), &policy, &why);
}

TEST(files_that_are_good)
{
	begin();
	CHECK_OK(load(0, ""));
	CHECK_EQ(policy.need, 0);
	CHECK_OK(load(3, "group g 2 w0 w1 w2\nquorum g\n"));
	CHECK_EQ(policy.need, 2);
	CHECK_EQ(policy.quorum, 0xe);
	CHECK_OK(load(3, "group g any w0 w2\nquorum g\n"));
	CHECK_EQ(policy.need, 1);
	CHECK_EQ(policy.quorum, 0xa);
	CHECK_OK(load(3, "group g all w0 w2\nquorum g\n"));
	CHECK_EQ(policy.need, 2);
	CHECK_OK(load(1, "quorum w0\n"));
	CHECK_EQ(policy.need, 1);
	CHECK_OK(load(1, "quorum none\n"));
	CHECK_EQ(policy.need, 0);
}

TEST(files_that_are_none)
{
	static const char *const rows[] = { "group g 0 w0\n", "group g 3 w0 w1\n", "group g 1 w9\n",
		"group g 1 w0 w0\n", "group g 1x w0\n", "group w0 1 w1\n", "group g 1\n",
		"quorum g\n", "quorum w0\nquorum w1\n", "quorum\n", "believe me\n",
		"group g 1 w0\ngroup g 1 w1\n" };
	char text[2 * ROTA_VKEY_TEXT_MAX];

	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_EQ(load(2, rows[i]), ROTA_ERR_FORMAT);
	snprintf(text, sizeof(text), "witness w9 %s\n", line[0]); /* twice the same key */
	CHECK_EQ(load(2, text), ROTA_ERR_FORMAT);
	snprintf(text, sizeof(text), "witness w0 %s\n", line[2]); /* twice the same name */
	CHECK_EQ(load(2, text), ROTA_ERR_FORMAT);
	snprintf(text, sizeof(text), "witness w9 %s\n", log_line);
	CHECK_EQ(load(2, text), ROTA_ERR_FORMAT);
	snprintf(text, sizeof(text), "log %s\n", line[2]);
	CHECK_EQ(load(2, text), ROTA_ERR_FORMAT);
	tempdir_put("policy", "quorum none\n");
	CHECK_EQ(rota_log_policy_load(crypto, tempdir_path("policy"), &policy, &why),
		ROTA_ERR_FORMAT);
}

TEST(keys_that_are_none)
{
	struct rota_vkey key;
	char text[ROTA_VKEY_TEXT_MAX];
	char *id;

	begin();
	CHECK_OK(rota_vkey_read(crypto, rota_span_cstr(log_line), &key, &why));
	rota_vkey_write(&key, text);
	CHECK(strcmp(text, log_line) == 0);
	id = strchr(text, '+') + 1;
	*id = *id == '0' ? '1' : '0';
	CHECK_EQ(rota_vkey_read(crypto, rota_span_cstr(text), &key, &why), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_vkey_read(crypto, rota_span_cstr("a b+00000000+AgAA"), &key, &why),
		ROTA_ERR_FORMAT);
	CHECK_EQ(rota_vkey_read(crypto, rota_span_cstr("a+00000000+%%%%"), &key, &why),
		ROTA_ERR_FORMAT);
	/* a type that is not known; a key of another length */
	CHECK_EQ(rota_vkey_read(crypto, rota_span_cstr("a+00000000+BgAA"), &key, &why),
		ROTA_ERR_UNSUPPORTED);
	snprintf(text, sizeof(text), "%s", log_line);
	text[strlen(text) - 4] = 0;
	CHECK_EQ(rota_vkey_read(crypto, rota_span_cstr(text), &key, &why), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(rota_vkey_make(crypto, "a+b", true, scene.point, &key, &why), ROTA_ERR_ARGUMENT);
}

static enum rota_err add_witness(unsigned n, struct rota_span text, struct rota_bytes *note)
{
	const struct rota_note_key *key = &policy.note[n + 1];
	uint8_t message[ROTA_NOTE_TEXT_MAX], room[ROTA_NOTE_LINE_MAX], sig[ROTA_P256_SIG_LEN];
	struct rota_span bytes, written;

	ROTA_TRY(rota_note_message(key, text, 5, ROTA_BUF(message), &bytes));
	if (!log_scene_raw(&witness[n], bytes, sig))
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_note_line(key, 5, ROTA_SPAN(sig), ROTA_BUF(room), &written));
	rota_bytes_add(note, written);
	return ROTA_OK;
}

/* A checkpoint with the line of the log under that name, and of those witnesses. */
static enum rota_err make(const char *origin, const char *name, unsigned witnesses, bool forged,
	struct rota_bytes *note)
{
	struct rota_checkpoint c = { .origin = rota_span_cstr(origin), .size = 7 };
	uint8_t room[ROTA_NOTE_TEXT_MAX], more[ROTA_NOTE_TEXT_MAX];
	struct rota_span text, other;

	ROTA_TRY(rota_checkpoint_write(&c, ROTA_BUF(room), &text));
	c.size = 8;
	ROTA_TRY(rota_checkpoint_write(&c, ROTA_BUF(more), &other));
	rota_bytes_add(note, text);
	rota_bytes_add_text(note, "\n");
	scene.key.name = rota_span_cstr(name);
	ROTA_TRY(scene.tiler.sign(&scene, forged ? other : text, note, &why));
	for (unsigned i = 0; i < 3; i++) {
		if (witnesses >> i & 1)
			ROTA_TRY(add_witness(i, text, note));
	}
	return ROTA_OK;
}

static enum rota_err judge(const char *origin, const char *name, unsigned witnesses, bool forged)
{
	struct rota_bytes note = { 0 };
	struct rota_checkpoint at;
	uint32_t who = 0;
	enum rota_err err = make(origin, name, witnesses, forged, &note);

	if (err == ROTA_OK)
		err = rota_log_policy_open(
			crypto, &policy, rota_bytes_span(&note), true, &at, &who, &why);
	rota_bytes_free(&note);
	return err;
}

TEST(checkpoints)
{
	begin();
	CHECK_OK(load(3, "group g 2 w0 w1\nquorum g\n"));
	CHECK_OK(judge(LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, 3, false));
	CHECK_EQ(judge(LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, 1, false), ROTA_ERR_THRESHOLD);
	/* one who is known and does not count */
	CHECK_EQ(judge(LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, 5, false), ROTA_ERR_THRESHOLD);
	CHECK_EQ(judge(LOG_SCENE_ORIGIN, "nobody", 3, false), ROTA_ERR_SIGNATURE);
	CHECK_EQ(judge("other.rota.invalid/log", LOG_SCENE_ORIGIN, 3, false), ROTA_ERR_ROLE);
	CHECK_EQ(judge(LOG_SCENE_ORIGIN, LOG_SCENE_ORIGIN, 3, true), ROTA_ERR_SIGNATURE);
}

TEST(what_a_device_can_demand)
{
	struct rota_log_demand demand;
	char second[ROTA_VKEY_TEXT_MAX], text[2 * ROTA_VKEY_TEXT_MAX];

	begin();
	CHECK_OK(load(3, "group g 2 w0 w1 w2\nquorum g\n"));
	CHECK_OK(rota_log_policy_demand(&policy, &demand, &why));
	CHECK_EQ(demand.need, 2);
	CHECK_EQ(demand.count, 3);
	CHECK_OK(load(3, "quorum none\n"));
	CHECK_EQ(rota_log_policy_demand(&policy, &demand, &why), ROTA_ERR_UNSUPPORTED);
	write_key(&witness[2], "second.rota.invalid/log", false, second);
	snprintf(text, sizeof(text), "log %s\nquorum w0\n", second);
	CHECK_OK(load(1, text));
	CHECK_EQ(rota_log_policy_demand(&policy, &demand, &why), ROTA_ERR_UNSUPPORTED);
	log_scene_end(&scene);
	for (int i = 0; i < 3; i++)
		log_scene_end(&witness[i]);
	tempdir_remove();
}

TESTS(T(files_that_are_good), T(files_that_are_none), T(keys_that_are_none), T(checkpoints),
	T(what_a_device_can_demand))
