/* SPDX-License-Identifier: Apache-2.0 */
/* An authority that publishes through a series of online keys (SPEC 23.5, 23.6): which roots stand in the repository, and
 * who signed snapshot and timestamp. */
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/publish.h"
#include "host/repo/store.h"
#include "host/series/series.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <openssl/ec.h>
#include <stdlib.h>

#define HOUR 3600
#define DAY 86400
#define SLOTS 3
#define FROM (NOW + DAY)
#define SLOT (6 * HOUR)

/* Tokens of slots: version 2 is pair 0. Each knows two keys. */
struct slots {
	EVP_PKEY *key[SLOTS + 1][2];
	unsigned opened[SLOTS + 1];
	uint64_t stolen; /* version whose token has another's keys; 0: none */
};

struct one {
	struct slots *slots;
	size_t at;
};

static enum rota_err slot_sign(void *ctx, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why)
{
	const struct one *one = ctx;
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(
		one->slots->key[one->at][strncmp(key, "timestamp-", 10) == 0], NULL);
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);
	bool good = sign && EVP_PKEY_sign_init(sign) == 1 &&
		EVP_PKEY_sign(sign, der, &len, digest, ROTA_SHA256_LEN) == 1;

	EVP_PKEY_CTX_free(sign);
	if (good &&
		rota_der_ecdsa_decode(rota_span(der, len), rota_buf(sig, ROTA_P256_SIG_LEN)) ==
			ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_IO, "key %s", key);
}

static enum rota_err slot_open(
	void *ctx, uint64_t version, bool landing, struct rota_signer *out, struct rota_fail *why)
{
	struct slots *slots = ctx;
	struct one *one = malloc(sizeof(*one));

	(void)why;
	if (!one || landing != (version == SLOTS + 2) || version < 2 || version > SLOTS + 2)
		abort();
	slots->opened[version - 2]++;
	*one = (struct one){ slots, (version == slots->stolen ? version - 1 : version) - 2 };
	*out = (struct rota_signer){ .ctx = one, .sign = slot_sign, .close = free };
	return ROTA_OK;
}

struct life {
	struct scene s;
	struct slots slots;
	struct rota_slot_opener opener;
	struct rota_publish_role done[ROTA_DUTY_COUNT];
};

static bool make_roots(struct life *l, json_t *before, json_t **roots)
{
	const struct rota_series_plan plan = { .issued_s = NOW,
		.from_s = FROM,
		.period_s = SLOT,
		.slots = SLOTS,
		.landing_s = 90 * DAY };
	struct rota_series_pair pairs[SLOTS + 1];
	bool good = true;

	for (size_t i = 0; i <= SLOTS; i++) {
		l->slots.key[i][0] = EVP_EC_gen("P-256");
		l->slots.key[i][1] = EVP_EC_gen("P-256");
		good = good && rota_p256_of_pkey(l->slots.key[i][0], pairs[i].snapshot) &&
			rota_p256_of_pkey(l->slots.key[i][1], pairs[i].timestamp);
	}
	return good && rota_series_make(before, &plan, pairs, roots, &l->s.why) == ROTA_OK;
}

/* Root 1, then a series of roots 2 to 4 and the landing root 5, signed and kept. */
static bool begin(struct life *l)
{
	json_t *before, *roots;
	bool good = true;

	*l = (struct life){ 0 };
	if (!scene_begin(&l->s) || rota_ahead_newest(&l->s.online, &before, &l->s.why) != ROTA_OK ||
		!make_roots(l, before, &roots))
		return false;
	if (rota_ahead_begin(&l->s.online, 2, &l->s.why) != ROTA_OK)
		return false;
	for (size_t i = 0; i < json_array_size(roots); i++) {
		const struct rota_notary_file what = { .party = rota_authdir_party(
							       &l->s.online, "root"),
			.role = "root",
			.content = json_array_get(roots, i) };
		struct rota_bytes file;

		if (rota_envelope_sign(&l->s.notary, &what, &file, &l->s.why) != ROTA_OK)
			return false;
		good = good &&
			rota_ahead_put(&l->s.online, &before, rota_bytes_span(&file), &l->s.why) ==
				ROTA_OK;
		rota_bytes_free(&file);
	}
	json_decref(before);
	json_decref(roots);
	good = good && rota_ahead_end(&l->s.online, &l->s.why) == ROTA_OK;
	l->opener = (struct rota_slot_opener){ &l->slots, slot_open };
	l->s.desk.slots = &l->opener;
	return good;
}

static void end(struct life *l)
{
	for (size_t i = 0; i <= SLOTS; i++)
		for (size_t k = 0; k < 2; k++)
			EVP_PKEY_free(l->slots.key[i][k]);
	scene_end(&l->s);
}

static enum rota_err publish(struct life *l, uint64_t now)
{
	const struct rota_publish_plan plan = { 0 };

	l->s.desk.now = now;
	return rota_publish(&l->s.desk, &plan, l->done, &l->s.why);
}

/* Whether root N verifies the newest file of the role, as a device at that root would. */
static bool good_under(struct life *l, uint64_t root, const char *role)
{
	struct rota_bytes file;
	json_t *envelope, *content;
	uint64_t version;
	bool good;

	if (rota_store_newest(&l->s.online, role, false, &version, &l->s.why) != ROTA_OK ||
		rota_store_read(&l->s.online, role, version, &file, &l->s.why) != ROTA_OK)
		return false;
	if (rota_store_envelope(&l->s.online, "root", root, &envelope, &l->s.why) != ROTA_OK)
		return false;
	good = rota_chain_verify(json_object_get(envelope, "signed"), role, rota_bytes_span(&file),
		       &content, &l->s.why) == ROTA_OK;
	if (good)
		json_decref(content);
	json_decref(envelope);
	rota_bytes_free(&file);
	return good;
}

static bool both_good_under(struct life *l, uint64_t root)
{
	return good_under(l, root, "snapshot") && good_under(l, root, "timestamp");
}

TEST(around_a_change_both_keys_sign)
{
	struct life l;

	CHECK(begin(&l));
	CHECK_OK(publish(&l, FROM - 2 * HOUR));
	CHECK_EQ(l.done[0].version, 1);
	CHECK(both_good_under(&l, 1));
	CHECK_OK(publish(&l, FROM - HOUR));
	CHECK_EQ(l.done[0].version, 1); /* root 2 is not due */
	CHECK(both_good_under(&l, 1));
	CHECK_OK(publish(&l, FROM));
	CHECK_EQ(l.done[0].version, 2);
	CHECK(l.done[0].published);
	CHECK(both_good_under(&l, 1));
	CHECK(both_good_under(&l, 2));
	CHECK_OK(publish(&l, FROM + 2 * HOUR));
	CHECK(!good_under(&l, 1, "timestamp"));
	CHECK(both_good_under(&l, 2));
	CHECK_OK(publish(&l, FROM + SLOT + HOUR / 2));
	CHECK_EQ(l.done[0].version, 3);
	CHECK(both_good_under(&l, 2));
	CHECK(both_good_under(&l, 3));
	end(&l);
}

TEST(nobody_published_for_two_slots)
{
	struct life l;

	CHECK(begin(&l));
	CHECK_OK(publish(&l, FROM));
	CHECK_OK(publish(&l, FROM + 2 * SLOT + 2 * HOUR));
	CHECK_EQ(l.done[0].version, 4);
	CHECK(both_good_under(&l, 4));
	CHECK_EQ(l.slots.opened[1], 0);
	end(&l);
}

/* A snapshot of whom the newest key knows nothing is made anew, whatever its age. */
TEST(a_snapshot_stays_while_its_keys_do)
{
	struct life l;
	uint64_t first;

	CHECK(begin(&l));
	CHECK_OK(publish(&l, FROM + 2 * HOUR));
	first = l.done[2].version;
	CHECK_OK(publish(&l, FROM + 3 * HOUR));
	CHECK_EQ(l.done[2].version, first);
	CHECK_OK(publish(&l, FROM + 5 * HOUR));
	CHECK_EQ(l.done[2].version, first + 1);
	end(&l);
}

TEST(the_landing_root)
{
	struct life l;

	CHECK(begin(&l));
	CHECK_OK(publish(&l, FROM + 3 * SLOT));
	CHECK_EQ(l.done[0].version, 5);
	CHECK_OK(publish(&l, FROM + 80 * DAY));
	CHECK(both_good_under(&l, 5));
	CHECK_EQ(publish(&l, FROM + 91 * DAY), ROTA_ERR_EXPIRED);
	end(&l);
}

TEST(a_token_with_another_key_signs_nothing)
{
	struct life l;

	CHECK(begin(&l));
	l.slots.stolen = 3;
	CHECK_OK(publish(&l, FROM));
	CHECK_EQ(publish(&l, FROM + SLOT), ROTA_ERR_SIGNATURE);
	CHECK(both_good_under(&l, 2));
	l.s.desk.slots = NULL;
	CHECK_EQ(publish(&l, FROM + HOUR), ROTA_ERR_UNSUPPORTED);
	end(&l);
}

static struct log {
	unsigned told, judged;
	bool full;
	struct rota_notary tokens;
} seen;

static enum rota_err log_record(
	void *ctx, const struct rota_notary_event *event, uint64_t *entry, struct rota_fail *why)
{
	(void)ctx;
	(void)event;
	*entry = seen.told++;
	return seen.full ? rota_fail(why, ROTA_ERR_FULL, "the log takes nothing") : ROTA_OK;
}

static enum rota_err log_sign(void *ctx, const struct rota_notary_file *file,
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], size_t *count, struct rota_fail *why)
{
	(void)ctx;
	seen.judged += strcmp(file->party->name, "timestamp") == 0;
	return seen.tokens.sign(seen.tokens.ctx, file, out, count, why);
}

/* Who keeps a log sees each file of a series, and that before a slot signs it. */
TEST(what_the_log_lacks_is_not_signed)
{
	struct life l;

	CHECK(begin(&l));
	seen = (struct log){ .tokens = l.s.notary };
	l.s.notary.record = log_record;
	l.s.notary.sign = log_sign;
	CHECK_OK(publish(&l, FROM + 2 * HOUR));
	CHECK(seen.told == 2 && seen.judged == 1); /* snapshot and timestamp */
	CHECK(both_good_under(&l, 2));
	seen.full = true;
	CHECK_EQ(publish(&l, FROM + SLOT), ROTA_ERR_FULL);
	CHECK(both_good_under(&l, 2));
	end(&l);
}

/* Another root in the place of one that waits: it has not the signatures. */
TEST(a_root_that_nobody_signed)
{
	struct rota_bytes file;
	struct life l;
	json_t *newest;

	CHECK(begin(&l));
	CHECK_OK(rota_ahead_newest(&l.s.online, &newest, &l.s.why));
	CHECK_EQ(rota_chain_version(newest), 5);
	CHECK_OK(rota_store_read(&l.s.online, "root", 1, &file, &l.s.why));
	CHECK_EQ(rota_ahead_put(&l.s.online, &newest, rota_bytes_span(&file), &l.s.why),
		ROTA_ERR_VERSION);
	json_decref(newest);
	rota_bytes_free(&file);
	end(&l);
}

TEST(what_is_over_is_dropped)
{
	struct rota_ahead ahead;
	struct life l;

	CHECK(begin(&l));
	CHECK_OK(publish(&l, FROM));
	CHECK_OK(publish(&l, FROM + SLOT));
	CHECK_OK(rota_ahead_open(&l.s.online, &ahead, &l.s.why));
	CHECK_EQ(ahead.timeline.count, 5);
	CHECK(rota_timeline_over(&ahead.timeline, 0, FROM + HOUR));
	rota_ahead_close(&ahead);
	CHECK_OK(rota_ahead_drop(&l.s.online, 2, &l.s.why));
	CHECK_OK(rota_ahead_open(&l.s.online, &ahead, &l.s.why));
	CHECK_EQ(ahead.timeline.count, 4);
	CHECK_EQ(ahead.timeline.at[0].version, 2);
	rota_ahead_close(&ahead);
	CHECK_OK(publish(&l, FROM + SLOT + 2 * HOUR));
	CHECK(both_good_under(&l, 3));
	end(&l);
}

/* A series of which only a part was put there is none; the next one takes its place. */
TEST(half_a_series_is_none)
{
	struct rota_ahead ahead;
	struct life l;

	CHECK(begin(&l));
	CHECK_OK(rota_file_write(
		tempdir_path("online/series/making"), ROTA_STR("4\n"), 0600, &l.s.why));
	CHECK_OK(rota_ahead_open(&l.s.online, &ahead, &l.s.why));
	CHECK_EQ(ahead.timeline.count, 3);
	rota_ahead_close(&ahead);
	CHECK_OK(rota_ahead_begin(&l.s.online, 4, &l.s.why));
	CHECK_OK(rota_ahead_end(&l.s.online, &l.s.why));
	CHECK_OK(rota_ahead_open(&l.s.online, &ahead, &l.s.why));
	CHECK_EQ(ahead.timeline.count, 3);
	rota_ahead_close(&ahead);
	end(&l);
}

TESTS(T(around_a_change_both_keys_sign), T(nobody_published_for_two_slots),
	T(a_snapshot_stays_while_its_keys_do), T(the_landing_root),
	T(a_token_with_another_key_signs_nothing), T(what_the_log_lacks_is_not_signed),
	T(a_root_that_nobody_signed), T(what_is_over_is_dropped), T(half_a_series_is_none))
