/* SPDX-License-Identifier: Apache-2.0 */
/* A device that installs a release only with a proof that a log has it (SPEC 22.5): when it asks, and what follows. The
 * proof itself is test_logproof's, and here what these calls say. */
#include "tests/unit/update_cycles.h"

static struct {
	uint8_t sha256[ROTA_SHA256_LEN];
	unsigned begun;
	size_t fed;
	enum rota_err verdict;
} logged;

static struct rota_logproof room;

static void log_begin(struct rota_logproof *p, const struct rota_crypto *crypto,
	const struct rota_log_demand *demand, struct rota_span path,
	const uint8_t sha256[static ROTA_SHA256_LEN])
{
	(void)crypto;
	(void)demand;
	if (p == &room && rota_span_starts(path, ROTA_STR("releases/")))
		logged.begun++;
	memcpy(logged.sha256, sha256, sizeof(logged.sha256));
	logged.fed = 0;
}

static enum rota_err log_feed(struct rota_logproof *p, struct rota_span piece)
{
	(void)p;
	logged.fed += piece.len;
	return ROTA_OK;
}

static enum rota_err log_end(struct rota_logproof *p, struct rota_log_seen *seen)
{
	(void)p;
	if (logged.verdict == ROTA_OK) {
		seen->size = 77;
		memset(seen->root, 7, sizeof(seen->root));
	}
	return logged.verdict;
}

static const struct rota_logproof_calls calls = { log_begin, log_feed, log_end };
static const struct rota_update_demand demand = { .calls = &calls, .room = &room };

static enum rota_err serve(
	struct world *w, struct rota_update *u, const struct rota_update_want *want)
{
	if (memcmp(want->sha256, logged.sha256, sizeof(logged.sha256)) != 0 || want->offset != 0 ||
		want->length != ROTA_LOGPROOF_MAX || w->slots[0].trials != 0)
		return ROTA_ERR_STATE;
	return rota_update_feed(u, ROTA_STR("proof"));
}

static struct world *demanding(enum rota_err verdict)
{
	struct world *w;

	memset(&logged, 0, sizeof(logged));
	logged.verdict = verdict;
	w = offered("2.0.0");
	w->demand = &demand;
	w->proof = serve;
	return w;
}

TEST(with_a_proof_it_is_installed_and_the_checkpoint_kept)
{
	struct world *w = demanding(ROTA_OK);

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
	CHECK_EQ(logged.begun, w->proof_asked);
	CHECK(logged.begun > 0);
	CHECK_EQ(logged.fed, 5);
	CHECK_EQ(w->state.seen.size, 77);
	CHECK_EQ(w->state.seen.root[31], 7);
}

TEST(without_a_good_one_nothing_is_written)
{
	static const enum rota_err verdicts[] = { ROTA_ERR_HASH, ROTA_ERR_SIGNATURE,
		ROTA_ERR_THRESHOLD, ROTA_ERR_VERSION };

	for (size_t i = 0; i < ROWS(verdicts); i++) {
		struct world *w = demanding(verdicts[i]);

		CHECK_STOPPED(w, verdicts[i], ROTA_CLAUSE_SPEC_22_5);
		CHECK(rota_span_is(w->outcome.step, "proof"));
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(w->slots[0].trials, 0);
		CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
		CHECK_EQ(w->state.seen.size, 0);
	}
}

TEST(where_there_is_none_nothing_is_installed_until_there_is)
{
	struct world *w = demanding(ROTA_OK);

	w->proof = NULL;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_22_5);
	CHECK(world_runs(w, FACTORY));
	w->proof = serve;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
}

TEST(who_demands_none_is_not_asked_for_one)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->proof_asked, 0);
}

TESTS(T(with_a_proof_it_is_installed_and_the_checkpoint_kept),
	T(without_a_good_one_nothing_is_written),
	T(where_there_is_none_nothing_is_installed_until_there_is),
	T(who_demands_none_is_not_asked_for_one))
