/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of a log, once with each port of rota/port/crypto.h: made by tests/vectors/logproof.py from the texts of C2SP. */
#include TEST_CRYPTO_HEADER
#include "rota/base/hex.h"
#include "rota/trust/logproof.h"
#include "tests/unit/test.h"

#define DASH "\xE2\x80\x94 "
#include "tests/vectors/logproof.inc"

static const struct rota_crypto *const port = &TEST_CRYPTO;

static uint8_t point[4][ROTA_P256_KEY_LEN], digest[ROTA_SHA256_LEN];
static struct rota_log_demand demand;
static struct rota_logproof proof;
static char changed[ROTA_LOGPROOF_MAX + 8]; /* a proof */

static struct rota_note_key key(
	enum rota_note_kind kind, const char *name, const char *hex, size_t n)
{
	struct rota_note_key out = {
		.kind = kind, .name = rota_span_cstr(name), .raw = ROTA_SPAN(point[n])
	};

	if (rota_hex_decode(rota_span_cstr(hex), ROTA_BUF(point[n])) != ROTA_OK)
		out.raw.len = 0;
	rota_note_key_id(port, &out);
	return out;
}

static enum rota_err begin(uint8_t need)
{
	demand.log = key(ROTA_NOTE_LOG_P256, "sensor.rota.invalid/log", log_point, 0);
	demand.witness[0] =
		key(ROTA_NOTE_WITNESS_P256, "witness-0.rota.invalid", witness_0_point, 1);
	demand.witness[1] =
		key(ROTA_NOTE_WITNESS_P256, "witness-1.rota.invalid", witness_1_point, 2);
	demand.witness[2] =
		key(ROTA_NOTE_WITNESS_P256, "witness-2.rota.invalid", witness_2_point, 3);
	demand.count = 3;
	demand.need = need;
	ROTA_TRY(rota_hex_decode(rota_span_cstr(release_digest), ROTA_BUF(digest)));
	rota_logproof_begin(&proof, port, &demand, ROTA_STR(PROOF_PATH), digest);
	return ROTA_OK;
}

static enum rota_err judge(struct rota_span text, uint8_t need, struct rota_log_seen *seen)
{
	enum rota_err err;

	ROTA_TRY(begin(need));
	err = rota_logproof_feed(&proof, text);
	return err == ROTA_OK ? rota_logproof_end(&proof, seen) : err;
}

static enum rota_err judge_text(const char *text, uint8_t need)
{
	struct rota_log_seen seen = { 0 };

	return judge(rota_span_cstr(text), need, &seen);
}

/* proof_good with the first `from` in it replaced. */
static const char *edited(const char *from, const char *to)
{
	const char *at = strstr(proof_good, from);
	size_t before = (size_t)(at - proof_good);

	memcpy(changed, proof_good, before);
	strcpy(changed + before, to);
	strcat(changed, at + strlen(from));
	return changed;
}

TEST(a_good_proof_is_taken_in_pieces_of_any_size)
{
	for (size_t step = 1; step < sizeof(proof_good); step += step < 4 ? 1 : 97) {
		struct rota_span rest = rota_span_cstr(proof_good);
		struct rota_log_seen seen = { 0 };

		CHECK_OK(begin(2));
		for (; rest.len > 0; rest = rota_span_skip(rest, step))
			CHECK_OK(rota_logproof_feed(&proof, rota_span_slice(rest, 0, step)));
		CHECK_OK(rota_logproof_end(&proof, &seen));
		CHECK_EQ(seen.size, 7);
	}
	CHECK_OK(judge_text(proof_granted, 3));
}

TEST(it_is_of_this_release_alone)
{
	struct rota_log_seen seen = { 0 };

	CHECK_OK(begin(2));
	rota_logproof_begin(&proof, port, &demand, ROTA_STR(PROOF_PATH "x"), digest);
	CHECK_EQ(rota_logproof_feed(&proof, rota_span_cstr(proof_good)), ROTA_ERR_HASH);
	CHECK_EQ(rota_logproof_end(&proof, &seen), ROTA_ERR_HASH);
	digest[31] ^= 1;
	rota_logproof_begin(&proof, port, &demand, ROTA_STR(PROOF_PATH), digest);
	CHECK_EQ(rota_logproof_feed(&proof, rota_span_cstr(proof_good)), ROTA_ERR_HASH);
	CHECK_EQ(judge_text(proof_refused, 1), ROTA_ERR_HASH);
	CHECK_EQ(seen.size, 0);
}

TEST(enough_witnesses_each_counted_once)
{
	const char *last = strstr(proof_good, DASH "witness-1");
	const char *first = strstr(proof_good, DASH "witness-0");
	size_t line = (size_t)(last - first);

	CHECK_EQ(judge_text(proof_good, 3), ROTA_ERR_THRESHOLD);
	memcpy(changed, proof_good, (size_t)(last - proof_good));
	memcpy(changed + (last - proof_good), first, line);
	changed[(size_t)(last - proof_good) + line] = 0;
	CHECK_EQ(judge_text(changed, 2), ROTA_ERR_THRESHOLD);
	CHECK_OK(judge_text(changed, 1));
	memcpy(changed, proof_good, (size_t)(first - proof_good));
	changed[first - proof_good] = 0;
	CHECK_EQ(judge_text(changed, 1), ROTA_ERR_THRESHOLD);
}

TEST(the_log_itself_signed_it)
{
	const char *first = strstr(proof_good, DASH "sensor");
	const char *next = strstr(proof_good, DASH "witness-0");

	memcpy(changed, proof_good, (size_t)(first - proof_good));
	strcpy(changed + (first - proof_good), next);
	CHECK_EQ(judge_text(changed, 2), ROTA_ERR_SIGNATURE);
	CHECK_EQ(judge_text(proof_other_log, 2), ROTA_ERR_ROLE);
	CHECK_EQ(judge_text(edited("sensor.rota.invalid/log\n7", "other.rota.invalid/log\n7"), 2),
		ROTA_ERR_SIGNATURE);
}

TEST(another_place_or_another_tree)
{
	CHECK_EQ(judge_text(edited("index 4", "index 5"), 2), ROTA_ERR_HASH);
	CHECK_EQ(judge_text(edited("index 4", "index 7"), 2), ROTA_ERR_FORMAT);
	CHECK_EQ(judge_text(edited("index 4", "index 04"), 2), ROTA_ERR_FORMAT);
	CHECK_EQ(judge_text(edited("index 4\n", "index 4\nAAAA\n"), 2), ROTA_ERR_FORMAT);
	CHECK_EQ(judge_text(edited("index 4\n",
				    "index 4\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
			 2),
		ROTA_ERR_FORMAT);
	CHECK_EQ(judge_text(edited("@v1", "@v2"), 2), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(judge_text(edited("extra ", "other "), 2), ROTA_ERR_FORMAT);
}

TEST(what_was_seen_rises_and_tells_two_logs_apart)
{
	struct rota_log_seen seen = { 0 }, was;

	CHECK_OK(judge(rota_span_cstr(proof_earlier), 2, &seen));
	CHECK_EQ(seen.size, 6);
	CHECK_OK(judge(rota_span_cstr(proof_good), 2, &seen));
	CHECK_EQ(seen.size, 7);
	was = seen;
	CHECK_OK(judge(rota_span_cstr(proof_earlier), 2, &seen));
	CHECK_EQ(judge(rota_span_cstr(proof_fork), 2, &seen), ROTA_ERR_VERSION);
	CHECK_EQ(seen.size, was.size);
	CHECK_MEM(seen.root, was.root, sizeof(was.root));
}

TEST(lines_of_others_are_passed_over_however_long)
{
	size_t len = strlen(proof_good);
	struct rota_log_seen seen = { 0 };

	memcpy(changed, proof_good, len);
	memcpy(changed + len, DASH "x ", 6);
	memset(changed + len + 6, 'A', 3300);
	strcpy(changed + len + 3306, "\n");
	CHECK_OK(judge(rota_span_cstr(changed), 2, &seen));
	memset(changed + len, 'A', 3300);
	CHECK_EQ(judge(rota_span_cstr(changed), 2, &seen), ROTA_ERR_LIMIT);
	memcpy(changed + len, DASH "x ", 6);
	changed[ROTA_LOGPROOF_MAX - 1] = '\n';
	memset(changed + len + 6, 'A', ROTA_LOGPROOF_MAX - 1 - (len + 6));
	CHECK_OK(judge(rota_span(changed, ROTA_LOGPROOF_MAX), 2, &seen));
	memcpy(changed + ROTA_LOGPROOF_MAX - 1, "A\n", 2);
	CHECK_EQ(judge(rota_span(changed, ROTA_LOGPROOF_MAX + 1), 2, &seen), ROTA_ERR_LIMIT);
}

TEST(at_most_sixteen_lines)
{
	strcpy(changed, proof_good);
	for (int i = 3; i < ROTA_NOTE_SIGS_MAX; i++)
		strcat(changed, DASH "x AAAAAAAA\n");
	CHECK_OK(judge_text(changed, 2));
	strcat(changed, DASH "x AAAAAAAA\n");
	CHECK_EQ(judge_text(changed, 2), ROTA_ERR_LIMIT);
}

TEST(cut_anywhere_it_is_none)
{
	size_t len = strlen(proof_good);

	for (size_t at = 0; at < len; at += 13) {
		struct rota_log_seen seen = { 0 };

		CHECK(judge(rota_span(proof_good, at), 2, &seen) != ROTA_OK);
		CHECK_EQ(seen.size, 0);
	}
}

TEST(each_byte_matters)
{
	size_t len = strlen(proof_good);

	/* both witnesses are needed, so no line is spare */
	for (size_t at = 0; at < len; at += 29) {
		struct rota_log_seen seen = { 0 };

		memcpy(changed, proof_good, len);
		changed[at] ^= 1;
		CHECK(judge(rota_span(changed, len), 2, &seen) != ROTA_OK);
	}
}

TEST(a_demand_goes_both_ways)
{
	struct rota_log_demand back, bad;
	uint8_t room[1024];
	struct rota_span text;

	CHECK_OK(begin(2));
	CHECK_OK(rota_log_demand_write(port, &demand, ROTA_BUF(room), &text));
	CHECK_OK(rota_log_demand_read(port, text, &back));
	CHECK_EQ(back.need, 2);
	CHECK_EQ(back.count, 3);
	CHECK(rota_span_eq(back.log.name, demand.log.name));
	CHECK_MEM(back.log.id, demand.log.id, 4);
	CHECK_MEM(back.witness[2].id, demand.witness[2].id, 4);
	CHECK_EQ(back.witness[2].kind, ROTA_NOTE_WITNESS_P256);
	for (size_t len = 0; len < text.len; len++)
		CHECK_EQ(
			rota_log_demand_read(port, rota_span(text.p, len), &back), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_log_demand_read(port, rota_span(text.p, text.len + 1), &back),
		ROTA_ERR_FORMAT);
	room[1] = ROTA_WITNESSES_MAX + 1;
	CHECK_EQ(rota_log_demand_read(port, text, &back), ROTA_ERR_LIMIT);
	bad = demand;
	bad.need = 0;
	CHECK_EQ(rota_log_demand_write(port, &bad, ROTA_BUF(room), &text), ROTA_ERR_ARGUMENT);
	bad.need = 4;
	CHECK_EQ(rota_log_demand_write(port, &bad, ROTA_BUF(room), &text), ROTA_ERR_ARGUMENT);
	bad.need = 1;
	bad.witness[1].raw = bad.witness[0].raw;
	CHECK_EQ(rota_log_demand_write(port, &bad, ROTA_BUF(room), &text), ROTA_ERR_ARGUMENT);
	bad.witness[1].raw = bad.log.raw;
	CHECK_EQ(rota_log_demand_write(port, &bad, ROTA_BUF(room), &text), ROTA_ERR_ARGUMENT);
	bad = demand;
	bad.log.name = ROTA_STR("a b");
	CHECK_EQ(rota_log_demand_write(port, &bad, ROTA_BUF(room), &text), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_log_demand_write(port, &demand, rota_buf(room, 40), &text), ROTA_ERR_LIMIT);
}

TESTS(T(a_good_proof_is_taken_in_pieces_of_any_size), T(it_is_of_this_release_alone),
	T(enough_witnesses_each_counted_once), T(the_log_itself_signed_it),
	T(another_place_or_another_tree), T(what_was_seen_rises_and_tells_two_logs_apart),
	T(lines_of_others_are_passed_over_however_long), T(at_most_sixteen_lines),
	T(cut_anywhere_it_is_none), T(each_byte_matters), T(a_demand_goes_both_ways))
