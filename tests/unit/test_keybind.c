/* SPDX-License-Identifier: Apache-2.0 */
/* Which campaigns and key bundles a device takes (SPEC 32.3, 32.5, 33.7): each refusal once, against bundles that are
 * sealed here as whoever signs a campaign would. */
#include "rota/trust/keybind.h"
#include "rota/base/mem.h"
#include "rota/crypto/datakey.h"
#include "rota/trust/rollout.h"
#include "rota/trust/tag.h"
#include "tests/unit/secrets.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NOW 1800000000u

static const uint8_t spki[] = "SubjectPublicKeyInfo of the device";
static const uint8_t other_spki[] = "SubjectPublicKeyInfo of another device";
static const uint8_t campaign_id[32] = { 7 }, other_id[32] = { 8 };
static const uint8_t device[32] = { 1 }, other_device[32] = { 2 };
static const uint8_t secret[32] = "the secret that was delivered...";
static const char device_hex[] = "0100000000000000000000000000000000000000000000000000000000000000";

static struct rota_hpke hpke(void)
{
	return (struct rota_hpke){ test_crypto, test_aead };
}

/* A key in memory that agrees, as a root of trust's does. */
struct pair {
	uint8_t secret[32], point[65];
};

static enum rota_err pair_dh(void *ctx, const uint8_t peer[static 65], uint8_t dh[static 32])
{
	const struct pair *p = ctx;

	return test_p256()->agree(test_p256()->ctx, p->secret, peer, dh);
}

static struct pair now_key, next_key, gone_key;
static uint8_t psk[3][32], psk_id[3][8]; /* newest proved, factory's, and one that is not held */

static void make_keys(void)
{
	struct pair *all[] = { &now_key, &next_key, &gone_key };

	for (size_t i = 0; i < ROWS(all); i++)
		if (test_p256()->make(test_p256()->ctx, all[i]->secret, all[i]->point) != ROTA_OK)
			test_fail(__FILE__, __LINE__, "no key");
	for (size_t i = 0; i < 3; i++) {
		memset(psk[i], (int)(0x40 + i), 32);
		rota_psk_id(test_crypto, psk[i], psk_id[i]);
	}
}

static struct rota_hpke_psk psk_of(int i)
{
	return (struct rota_hpke_psk){ ROTA_SPAN(psk[i]), ROTA_SPAN(psk_id[i]) };
}

/* A device that holds both agree keys and so many psks. */
static struct rota_key_opener opener(uint8_t psks)
{
	return (struct rota_key_opener){
		.hpke = hpke(),
		.spki = ROTA_SPAN(spki),
		.agree_count = 2,
		.agree = { { &now_key, now_key.point, pair_dh },
			{ &next_key, next_key.point, pair_dh } },
		.psk_count = psks,
		.psk = { psk_of(0), psk_of(1) },
	};
}

static struct rota_keybundle_terms terms(void)
{
	return (struct rota_keybundle_terms){
		.suite = 1,
		.purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 2,
		.tree = 3,
		.generation = 12,
		.activation_s = NOW,
		.campaign = campaign_id,
		.device = device,
	};
}

/* What is sealed, and how. */
struct order {
	struct rota_keybundle_terms t;
	struct rota_span spki;
	const struct pair *to;
	int psk; /* -1: base mode */
	uint32_t index;
	bool says_other_psk; /* names psk 0, whatever it is sealed under */
};

static struct order order(void)
{
	return (struct order){ terms(), ROTA_SPAN(spki), &now_key, 0, 5, false };
}

static void seal(const struct order *o, uint8_t out[static ROTA_KEYBUNDLE_LEN])
{
	uint8_t locator[16], agree[8], none[8] = { 0 }, enc[65], data[32], tag[16];
	uint8_t aad[ROTA_KEYBUNDLE_AAD_LEN], info[ROTA_KEYBUNDLE_INFO_LEN];
	const struct rota_hpke h = hpke();
	struct rota_hpke_psk p = { 0 };
	struct rota_hpke_text text = { ROTA_SPAN(info), ROTA_SPAN(aad) };
	struct rota_keybundle b = { .mode = o->psk >= 0, .index = o->index };

	rota_tag(test_crypto, rota_span(o->t.campaign, 32), o->spki, locator);
	rota_agree_id(test_crypto, o->to->point, agree);
	if (o->psk >= 0)
		p = psk_of(o->psk);
	b.locator = ROTA_SPAN(locator);
	b.agree_id = ROTA_SPAN(agree);
	b.psk_id = o->psk < 0 ? ROTA_SPAN(none) : o->says_other_psk ? ROTA_SPAN(psk_id[0]) : p.id;
	rota_keybundle_aad(&b, aad);
	rota_keybundle_info(&o->t, info);
	memcpy(data, secret, sizeof(data));
	if (rota_hpke_seal(&h, test_p256(), o->to->point, &p, &text, ROTA_BUF(data), enc, tag) !=
		ROTA_OK)
		test_fail(__FILE__, __LINE__, "not sealed");
	b.enc = ROTA_SPAN(enc);
	b.sealed = ROTA_SPAN(data);
	b.tag = ROTA_SPAN(tag);
	rota_keybundle_encode(&b, out);
}

/* What the device makes of it; the secret came out only if it was taken. */
static enum rota_err open_as(const struct rota_key_opener *o,
	const uint8_t bundle[static ROTA_KEYBUNDLE_LEN], int want_key)
{
	static const uint8_t zeros[32];
	struct rota_keybundle_terms t = terms();
	uint8_t got[32], which = 9;
	enum rota_err err = rota_keybundle_open(o, &t, bundle, got, &which);

	if (memcmp(got, err == ROTA_OK ? secret : zeros, 32) != 0)
		test_fail(__FILE__, __LINE__, "another secret");
	if (err == ROTA_OK && which != want_key)
		test_fail(__FILE__, __LINE__, "another agree key");
	return err;
}

TEST(a_bundle_of_its_own_opens_with_either_key_and_either_psk)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];

	make_keys();
	for (int key = 0; key < 2; key++)
		for (int p = -1; p < 2; p++) {
			struct rota_key_opener device_now = opener(p < 0 ? 0 : 2);
			struct order o = order();

			o.to = key ? &next_key : &now_key;
			o.psk = p;
			seal(&o, bundle);
			CHECK_OK(open_as(&device_now, bundle, key));
		}
}

/* The line that a thief of the role's keys needs gone: all else in his bundle is right. */
TEST(who_has_a_psk_takes_no_bundle_without)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	struct rota_key_opener one = opener(1), two = opener(2), none = opener(0);
	struct order o = order();

	make_keys();
	o.psk = -1;
	seal(&o, bundle);
	CHECK_EQ(open_as(&one, bundle, 0), ROTA_ERR_DENIED);
	CHECK_EQ(open_as(&two, bundle, 0), ROTA_ERR_DENIED);
	CHECK_OK(open_as(&none, bundle, 0));
}

static void for_tree(struct order *o)
{
	o->t.tree = 4;
}
static void for_suite(struct order *o)
{
	o->t.suite = 2;
}
static void for_purpose(struct order *o)
{
	o->t.purpose = ROTA_PURPOSE_AUTH;
}
static void for_cipher(struct order *o)
{
	o->t.cipher = 1;
}
static void for_generation(struct order *o)
{
	o->t.generation = 11;
}
static void for_activation(struct order *o)
{
	o->t.activation_s++;
}
static void for_device(struct order *o)
{
	o->t.device = other_device;
}
static void for_campaign(struct order *o)
{
	o->t.campaign = other_id;
}
static void for_spki(struct order *o)
{
	o->spki = ROTA_SPAN(other_spki);
}
static void to_gone(struct order *o)
{
	o->to = &gone_key;
}
static void with_unknown_psk(struct order *o)
{
	o->psk = 2;
}
static void with_wrong_psk(struct order *o)
{
	o->psk = 2, o->says_other_psk = true;
}

static const struct {
	const char *reason;
	void (*edit)(struct order *o);
	enum rota_err err;
} foreign[] = {
	{ "another device's", for_spki, ROTA_ERR_HARDWARE },
	{ "another campaign's", for_campaign, ROTA_ERR_HARDWARE },
	{ "another device's, under our locator", for_device, ROTA_ERR_SIGNATURE },
	{ "another tree's", for_tree, ROTA_ERR_SIGNATURE },
	{ "of another suite", for_suite, ROTA_ERR_SIGNATURE },
	{ "of another purpose", for_purpose, ROTA_ERR_SIGNATURE },
	{ "of another cipher", for_cipher, ROTA_ERR_SIGNATURE },
	{ "of another generation", for_generation, ROTA_ERR_SIGNATURE },
	{ "with another activation", for_activation, ROTA_ERR_SIGNATURE },
	{ "to an agree key that is gone", to_gone, ROTA_ERR_NOT_FOUND },
	{ "under a psk that is not held", with_unknown_psk, ROTA_ERR_NOT_FOUND },
	{ "under another psk than it says", with_wrong_psk, ROTA_ERR_SIGNATURE },
};

TEST(what_was_not_sealed_for_this_device_and_campaign_is_refused)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	struct rota_key_opener o = opener(2);

	make_keys();
	for (size_t i = 0; i < ROWS(foreign); i++) {
		struct order what = order();

		ROW(foreign[i].reason);
		foreign[i].edit(&what);
		seal(&what, bundle);
		CHECK_EQ(open_as(&o, bundle, 0), foreign[i].err);
	}
	ROW(NULL);
}

TEST(no_bit_of_a_bundle_can_be_another_one)
{
	uint8_t bundle[ROTA_KEYBUNDLE_LEN];
	struct rota_key_opener o = opener(2);
	struct order what = order();

	make_keys();
	seal(&what, bundle);
	for (size_t at = 0; at < sizeof(bundle); at++) {
		bundle[at] ^= (uint8_t)(1 << at % 8);
		CHECK(open_as(&o, bundle, 0) != ROTA_OK);
		bundle[at] ^= (uint8_t)(1 << at % 8);
	}
	CHECK_OK(open_as(&o, bundle, 0));
}

/* ---- campaigns ---- */

static struct rota_key_campaign campaign(void)
{
	struct rota_key_campaign c = {
		.purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 1,
		.suite = 1,
		.state = ROTA_CAMPAIGN_ACTIVE,
		.stage_count = 1,
		.generation = 5,
		.activation_s = NOW + 1000,
		.stage = { { NOW, ROTA_KEYS_PPM } },
	};

	memcpy(c.id, campaign_id, sizeof(c.id));
	return c;
}

static struct rota_key_facts facts(void)
{
	return (struct rota_key_facts){ .role = ROTA_STR("keys-store"),
		.device_hex = ROTA_STR(device_hex),
		.now_s = NOW,
		.highest = 4 };
}

static const struct {
	const char *reason;
	uint8_t purpose, cipher, suite, state;
	uint32_t generation, highest, seen_as;
	int64_t activation; /* from now */
	int64_t stage; /* likewise */
	bool lost;
	enum rota_err err;
} judged[] = {
	{ "good", 3, 1, 1, 0, 5, 4, 0, 0, 0, false, ROTA_OK },
	{ "the first of all", 3, 2, 1, 0, 1, 0, 0, 0, 0, false, ROTA_OK },
	{ "the first of a device that joins late", 3, 2, 1, 0, 900, 0, 0, 0, 0, false, ROTA_OK },
	{ "the other purposes of its role", 5, 2, 1, 0, 1, 0, 0, 0, 0, false, ROTA_OK },
	{ "done, for who comes late", 3, 1, 1, 3, 5, 4, 0, 0, 0, false, ROTA_OK },
	{ "seen before as what it is", 3, 1, 1, 0, 5, 4, 5, 0, 0, false, ROTA_OK },
	{ "as far ahead as may be", 3, 1, 1, 0, 20, 4, 0, 90 * 86400, 0, false, ROTA_OK },
	{ "once more after its loss", 3, 1, 1, 0, 4, 4, 0, 0, 0, true, ROTA_OK },
	{ "a purpose that is not known", 0, 1, 1, 0, 5, 4, 0, 0, 0, false, ROTA_ERR_UNSUPPORTED },
	{ "a cipher that is not known", 3, 3, 1, 0, 5, 4, 0, 0, 0, false, ROTA_ERR_UNSUPPORTED },
	{ "cipher 0", 3, 0, 1, 0, 5, 4, 0, 0, 0, false, ROTA_ERR_UNSUPPORTED },
	{ "a suite that is not known", 3, 1, 2, 0, 5, 4, 0, 0, 0, false, ROTA_ERR_UNSUPPORTED },
	{ "a purpose of the other role", 2, 1, 1, 0, 5, 4, 0, 0, 0, false, ROTA_ERR_ROLE },
	{ "aborted", 3, 1, 1, 2, 5, 4, 0, 0, 0, false, ROTA_ERR_WITHDRAWN },
	{ "paused", 3, 1, 1, 1, 5, 4, 0, 0, 0, false, ROTA_ERR_BUSY },
	{ "its own generation (downgrade)", 3, 1, 1, 0, 4, 4, 0, 0, 0, false, ROTA_ERR_VERSION },
	{ "an older generation", 3, 1, 1, 0, 3, 4, 0, 0, 0, false, ROTA_ERR_VERSION },
	{ "an older one, after its loss", 3, 1, 1, 0, 3, 4, 0, 0, 0, true, ROTA_ERR_VERSION },
	{ "seen with another generation", 3, 1, 1, 0, 6, 4, 5, 0, 0, false, ROTA_ERR_VERSION },
	{ "far future", 3, 1, 1, 0, 21, 4, 0, 0, 0, false, ROTA_ERR_CEILING },
	{ "the highest first one", 3, 1, 1, 0, 65536, 0, 0, 0, 0, false, ROTA_OK },
	{ "a first one that leaves no room", 3, 1, 1, 0, 65537, 0, 0, 0, 0, false,
		ROTA_ERR_CEILING },
	{ "as far as can be", 3, 1, 1, 0, UINT32_MAX, 1, 0, 0, 0, false, ROTA_ERR_CEILING },
	{ "post-dated", 3, 1, 1, 0, 5, 4, 0, 90 * 86400 + 1, 0, false, ROTA_ERR_TIME },
	{ "its stage is to come", 3, 1, 1, 0, 5, 4, 0, 0, 1, false, ROTA_ERR_BUSY },
};

TEST(a_campaign_is_judged_by_what_the_device_has)
{
	for (size_t i = 0; i < ROWS(judged); i++) {
		struct rota_key_campaign c = campaign();
		struct rota_key_facts f = facts();

		ROW(judged[i].reason);
		c.purpose = judged[i].purpose;
		c.cipher = judged[i].cipher;
		c.suite = judged[i].suite;
		c.state = judged[i].state;
		c.generation = judged[i].generation;
		c.activation_s = (uint64_t)(NOW + judged[i].activation);
		c.stage[0].from_s = (uint64_t)(NOW + judged[i].stage);
		f.highest = judged[i].highest;
		f.seen_as = judged[i].seen_as;
		f.lost = judged[i].lost;
		CHECK_EQ(rota_key_campaign_judge(test_crypto, &c, &f), judged[i].err);
	}
	ROW(NULL);
}

static const struct {
	const char *reason;
	int64_t highest; /* its activation, from now; 0: not known */
	uint32_t generation;
	enum rota_err err;
} slept[] = {
	{ "for a year", -365 * 86400, 20 + 365, ROTA_OK },
	{ "for a year, and one too many", -365 * 86400, 21 + 365, ROTA_ERR_CEILING },
	{ "for a day", -86400, 21, ROTA_OK },
	{ "nobody knows how long", 0, 21, ROTA_ERR_CEILING },
	{ "its key is to be activated yet", 86400, 21, ROTA_ERR_CEILING },
};

TEST(who_slept_may_be_far_behind)
{
	for (size_t i = 0; i < ROWS(slept); i++) {
		struct rota_key_campaign c = campaign();
		struct rota_key_facts f = facts();

		ROW(slept[i].reason);
		c.generation = slept[i].generation;
		f.highest_s = slept[i].highest != 0 ? (uint64_t)(NOW + slept[i].highest) : 0;
		CHECK_EQ(rota_key_campaign_judge(test_crypto, &c, &f), slept[i].err);
	}
	ROW(NULL);
}

/* Stages open by time, and a device comes with the one that its draw lies in. */
TEST(a_device_takes_part_from_its_stage_on)
{
	struct rota_key_campaign c = campaign();
	struct rota_key_facts f = facts();
	uint32_t draw = rota_rollout_draw(test_crypto, c.id, 0, f.device_hex);

	c.stage_count = 3;
	c.stage[0] = (struct rota_key_stage){ NOW - 10, draw };
	c.stage[1] = (struct rota_key_stage){ NOW, draw + 1 };
	c.stage[2] = (struct rota_key_stage){ NOW + 10, ROTA_KEYS_PPM };
	CHECK_OK(rota_key_campaign_judge(test_crypto, &c, &f));
	f.now_s = NOW - 1;
	CHECK_EQ(rota_key_campaign_judge(test_crypto, &c, &f), ROTA_ERR_BUSY);
	c.stage[1].ppm = draw;
	f.now_s = NOW + 9;
	CHECK_EQ(rota_key_campaign_judge(test_crypto, &c, &f), ROTA_ERR_BUSY);
	f.now_s = NOW + 10;
	CHECK_OK(rota_key_campaign_judge(test_crypto, &c, &f));
}

/* ---- the tree that the role listed ---- */

static const struct {
	const char *reason;
	uint8_t id, root;
	uint16_t tree;
	uint32_t size;
	bool listed;
} trees[] = {
	{ "the very one", 7, 1, 2, 100, true },
	{ "another root", 7, 2, 2, 100, false },
	{ "another number", 7, 1, 1, 100, false },
	{ "another size", 7, 1, 2, 101, false },
	{ "of another campaign", 8, 1, 2, 100, false },
};

TEST(a_bundle_counts_only_if_its_very_tree_is_listed)
{
	for (size_t i = 0; i < ROWS(trees); i++) {
		struct rota_keyroot r = { .campaign_id = { trees[i].id },
			.root = { trees[i].root },
			.size = trees[i].size,
			.tree = trees[i].tree };
		struct rota_keys_sink sink = rota_keyroot_sink(&r);
		struct rota_key_campaign ours = campaign(), after = campaign();
		uint8_t root[32] = { 1 }, other[32] = { 9 };

		ROW(trees[i].reason);
		memcpy(after.id, other_id, 32);
		CHECK_OK(sink.campaign(sink.ctx, &ours));
		CHECK_OK(sink.tree(sink.ctx, 0, 100, other));
		CHECK_OK(sink.tree(sink.ctx, 2, 100, root));
		CHECK_OK(sink.campaign(sink.ctx, &after));
		CHECK_OK(sink.tree(sink.ctx, 0, 100, other));
		CHECK(r.listed == trees[i].listed);
		if (r.listed)
			CHECK_EQ(r.campaign.generation, ours.generation);
	}
	ROW(NULL);
}

TESTS(T(a_bundle_of_its_own_opens_with_either_key_and_either_psk),
	T(who_has_a_psk_takes_no_bundle_without),
	T(what_was_not_sealed_for_this_device_and_campaign_is_refused),
	T(no_bit_of_a_bundle_can_be_another_one), T(a_campaign_is_judged_by_what_the_device_has),
	T(who_slept_may_be_far_behind), T(a_device_takes_part_from_its_stage_on),
	T(a_bundle_counts_only_if_its_very_tree_is_listed))
