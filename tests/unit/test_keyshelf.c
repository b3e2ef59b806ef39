/* SPDX-License-Identifier: Apache-2.0 */
/* What a server hands out of sealed campaigns (SPEC 33.6): each device its own, of its newest tree, with a proof that leads to
 * that tree's root; and whom it believes that he has the secret (35.3). */
#include "host/campaign/confirm.h"
#include "host/registry/keyshelf.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/crypto/possession.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CRYPTO (&rota_crypto_openssl)
#define COUNT 300

static struct seal_scene s;
static struct rota_keyshelf *shelf;
static const uint8_t nonce[32] = "a nonce that somebody made today";
static uint8_t answer[ROTA_KEYANSWER_MAX];
static size_t answer_len;
static struct rota_keyanswer got; /* `answer`, read */
static uint8_t root[32]; /* that it leads to */

static void seal(uint16_t tree)
{
	s.plan.tree = tree;
	if (rota_seal_run(&s.plan, &s.result, &s.why) != ROTA_OK)
		test_fail(__FILE__, __LINE__, s.why.text);
}

/* A fleet, and tree 0 of a campaign for it. */
static void begin(void)
{
	seal_scene_begin(&s, COUNT);
	seal(0);
	shelf = rota_keyshelf_new(s.dir, CRYPTO);
}

static void end(void)
{
	rota_keyshelf_free(shelf);
	tempdir_remove();
}

static enum rota_err ask(uint32_t device)
{
	const struct rota_keyshelf_ask a = { s.plan.campaign, s.rows[device].identity };
	enum rota_err err = rota_keyshelf_answer(shelf, &a, nonce, answer, &answer_len, &s.why);

	if (err != ROTA_OK)
		return err;
	rota_keyanswer_begin(&got, CRYPTO);
	ROTA_TRY(rota_keyanswer_feed(&got, rota_span(answer, answer_len)));
	return rota_keyanswer_end(&got, root);
}

/* The statement of a device that opened what it was sent. */
static struct rota_statement proof_of(uint32_t device)
{
	const struct rota_datakey of = { s.plan.purpose, s.plan.cipher, s.plan.generation,
		s.rows[device].device };
	struct rota_statement st = { .kind = ROTA_STATEMENT_PROVED,
		.number = 2,
		.purpose = s.plan.purpose,
		.generation = s.plan.generation };
	uint8_t secret[32], confirm[32];

	if (seal_scene_open(&s, device, NULL, 0, secret) != ROTA_OK ||
		rota_datakey_derive(CRYPTO, secret, &of, ROTA_USE_CONFIRM, ROTA_BUF(confirm)) !=
			ROTA_OK)
		abort();
	memcpy(st.device, s.rows[device].device, sizeof(st.device));
	memcpy(st.campaign, s.plan.campaign, sizeof(st.campaign));
	memcpy(st.nonce, nonce, sizeof(st.nonce));
	memcpy(st.point, s.agree, sizeof(st.point));
	rota_possession(CRYPTO, ROTA_SPAN(confirm), &st, st.proof);
	return st;
}

static enum rota_err proved(uint32_t device, const struct rota_statement *st)
{
	return rota_keyshelf_proved(shelf, s.rows[device].identity, st, &s.why);
}

TEST(each_device_gets_its_own)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	uint32_t index;

	begin();
	for (uint32_t i = 0; i < COUNT; i++) {
		CHECK_OK(ask(i));
		CHECK(seal_scene_find(&s, i, &index, bundle));
		CHECK_MEM(got.bundle, bundle, sizeof(bundle));
		CHECK_MEM(got.head.nonce, nonce, sizeof(nonce));
		CHECK_MEM(root, s.result.root, sizeof(root));
		CHECK_EQ(got.head.size, COUNT);
		CHECK_EQ(got.head.tree, 0);
	}
	end();
}

TEST(who_has_none)
{
	static const uint8_t other[32] = { 1 };
	struct rota_keyshelf_ask a;

	begin();
	a = (struct rota_keyshelf_ask){ other, s.rows[0].identity };
	CHECK_EQ(rota_keyshelf_answer(shelf, &a, nonce, answer, &answer_len, &s.why),
		ROTA_ERR_NOT_FOUND);
	s.rows[0].identity[5] ^= 1;
	CHECK_EQ(ask(0), ROTA_ERR_NOT_FOUND);
	end();
	shelf = rota_keyshelf_new("/nonexistent/campaigns", CRYPTO);
	CHECK_EQ(ask(1), ROTA_ERR_NOT_FOUND);
	rota_keyshelf_free(shelf);
}

/* A supplement (SPEC 32.6) that appears while the shelf is in use; who is in none of it keeps tree 0. */
TEST(the_newest_tree_that_has_the_device)
{
	struct rota_statement before;
	uint8_t first[32];

	begin();
	CHECK_OK(ask(3));
	before = proof_of(3);
	memcpy(first, s.result.root, sizeof(first));
	s.count = 10;
	seal_scene_agree(&s);
	seal(5);
	CHECK_OK(ask(3));
	CHECK_EQ(got.head.tree, 5);
	CHECK_MEM(root, s.result.root, sizeof(root));
	CHECK_OK(ask(20));
	CHECK_EQ(got.head.tree, 0);
	CHECK_MEM(root, first, sizeof(first));
	CHECK_OK(proved(3, &before)); /* it had taken the other one, and has one secret */
	before = proof_of(3);
	CHECK_OK(proved(3, &before));
	CHECK(unlink(seal_scene_path(&s, "keys")) == 0); /* of tree 5 */
	usleep(150000); /* longer than a tick: the folder is believed to be settled */
	CHECK_OK(ask(3));
	CHECK_EQ(got.head.tree, 0);
	end();
}

/* What each byte of a proof is for (SPEC 35.3). */
TEST(whom_it_believes)
{
	struct rota_statement good, bad;

	begin();
	good = proof_of(7);
	CHECK_OK(proved(7, &good));
	bad = good;
	bad.number++; /* the signature's, not the proof's */
	CHECK_OK(proved(7, &bad));
	bad = good;
	bad.proof[31] ^= 1;
	CHECK_EQ(proved(7, &bad), ROTA_ERR_SIGNATURE);
	bad = good;
	bad.nonce[0] ^= 1;
	CHECK_EQ(proved(7, &bad), ROTA_ERR_SIGNATURE);
	bad = good;
	bad.generation++;
	CHECK_EQ(proved(7, &bad), ROTA_ERR_SIGNATURE);
	bad = good;
	bad.point[40] ^= 1;
	CHECK_EQ(proved(7, &bad), ROTA_ERR_SIGNATURE);
	CHECK_EQ(proved(8, &good), ROTA_ERR_SIGNATURE); /* another device's key */
	bad = good;
	bad.campaign[0] ^= 1;
	CHECK_EQ(proved(7, &bad), ROTA_ERR_NOT_FOUND);
	end();
}

/* Overwrite a byte of one of the tree's files. */
static void spoil(const char *kind, long at)
{
	FILE *f = fopen(seal_scene_path(&s, kind), "r+e");
	int c;

	if (f == NULL || fseek(f, at, SEEK_SET) != 0 || (c = getc(f)) == EOF ||
		fseek(f, at, SEEK_SET) != 0 || putc(c ^ 1, f) == EOF || fclose(f) != 0)
		abort();
}

TEST(what_is_damaged)
{
	static const struct {
		const char *why, *kind;
		long at, cut; /* -1: nothing of it */
		enum rota_err want;
	} rows[] = {
		{ "the bundles' head", "keys", 60, -1, ROTA_ERR_CORRUPT },
		{ "another file", "keys", 0, -1, ROTA_ERR_FORMAT },
		{ "cut short", "keys", -1, 270000, ROTA_ERR_CORRUPT },
		{ "the head of the confirmation keys", "confirm", 60, -1, ROTA_ERR_CORRUPT },
		{ "they are cut short", "confirm", -1, 200, ROTA_ERR_CORRUPT },
		{ "they are not here yet", "confirm", -1, 0, ROTA_ERR_NOT_FOUND },
		{ "the bundles are not here yet", "keys", -1, 0, ROTA_ERR_NOT_FOUND },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		begin();
		if (rows[i].at >= 0)
			spoil(rows[i].kind, rows[i].at);
		else if (rows[i].cut > 0)
			CHECK(truncate(seal_scene_path(&s, rows[i].kind), rows[i].cut) == 0);
		else
			CHECK(unlink(seal_scene_path(&s, rows[i].kind)) == 0);
		CHECK_EQ(ask(1), rows[i].want);
		CHECK_EQ(ask(1), rows[i].want);
		end();
	}
}

/* The files of one tree under the name of another one. */
TEST(a_tree_is_what_its_name_says)
{
	static const char *const kinds[] = { "keys", "confirm" };
	char from[256];

	for (size_t i = 0; i < 2; i++) {
		begin();
		seal_scene_agree(&s);
		seal(1);
		snprintf(from, sizeof(from), "%s", seal_scene_path(&s, kinds[i]));
		s.plan.tree = 0;
		CHECK(rename(from, seal_scene_path(&s, kinds[i])) == 0);
		CHECK_EQ(ask(1), ROTA_ERR_CORRUPT);
		end();
	}
}

/* More trees than may be open at once: each is served all the same. */
TEST(many_trees)
{
	begin();
	s.count = 3;
	for (uint16_t tree = 1; tree <= ROTA_KEYSHELF_TREE_MAX; tree++) {
		seal_scene_agree(&s);
		seal(tree);
	}
	memset(s.plan.campaign, 7, sizeof(s.plan.campaign));
	seal(0);
	for (int again = 0; again < 2; again++) {
		CHECK_OK(ask(2));
		CHECK_MEM(root, s.result.root, sizeof(root));
		memset(s.plan.campaign, 9, sizeof(s.plan.campaign));
		CHECK_EQ(ask(2), ROTA_ERR_NOT_FOUND);
		memset(s.plan.campaign, 7, sizeof(s.plan.campaign));
	}
	end();
}

TESTS(T(each_device_gets_its_own), T(who_has_none), T(the_newest_tree_that_has_the_device),
	T(whom_it_believes), T(what_is_damaged), T(a_tree_is_what_its_name_says), T(many_trees))
