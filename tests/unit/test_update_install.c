/* SPDX-License-Identifier: Apache-2.0 */
/* Update cycles over a network that changes, cuts off and lengthens what is downloaded. */
#include "tests/unit/update_cycles.h"

#include <stdlib.h>

TEST(a_tampered_image_is_refused_and_harms_nothing)
{
	struct world *w = offered("2.0.0");

	w->tamper = true;
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3);
	CHECK(rota_span_eq(w->outcome.step, ROTA_STR("download")));
	CHECK_EQ(w->slots[0].trials, 0);
	CHECK_EQ(w->state.failed.tries, 0);
	CHECK_EQ(w->state.pending.offset, 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3);
	w->tamper = false;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

/* Behind what the image digest covers: only the file's digest sees it. */
TEST(a_tampered_signature_is_refused_too)
{
	struct world *w = offered("2.0.0");

	w->tamper = true;
	w->tamper_at = w->image[FIRST].bytes.len - 1;
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->slots[0].trials, 0);
}

static struct maker_target *target(struct world *w, const char *path)
{
	int i = 0;

	while (i < w->m.target_count && strcmp(w->m.target[i].path, path) != 0)
		i++;
	if (i == w->m.target_count)
		abort();
	return &w->m.target[i];
}

/* The file that the server gives for a target, to be changed. */
static struct maker_file *served(struct world *w, const char *path)
{
	struct maker_target *t = target(w, path);
	struct maker_file *f;
	uint8_t sha256[32], *copy;

	maker_sha256(t->bytes, sha256);
	f = maker_target_file(&w->m, path, sha256);
	if (f == NULL)
		abort();
	copy = maker_room(f->bytes.len);
	memcpy(copy, f->bytes.p, f->bytes.len);
	f->bytes.p = copy;
	return f;
}

/* One digit, so that only the digest can tell. */
TEST(a_tampered_policy_or_release_is_refused)
{
	static const char *const members[] = { "\"sequence\":", "\"counter\":" };

	for (int release = 0; release < 2; release++) {
		struct world *w = offered("2.0.0");
		struct maker_file *f =
			served(w, release ? w->release_path : "rollouts/sensor.json");
		size_t len = strlen(members[release]), at = 0;

		ROW(members[release]);
		while (memcmp(f->bytes.p + at, members[release], len) != 0)
			CHECK(++at + len < f->bytes.len);
		f->bytes.p[at + len]++;
		CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3);
		f->bytes.p[at + len]--;
		f->bytes.len--;
		CHECK_STOPPED(w, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3);
		CHECK_EQ(w->slots[0].written, 0);
	}
	ROW(NULL);
}

TEST(a_policy_or_release_listed_too_long_is_not_fetched)
{
	struct world *w = offered("2.0.0");

	target(w, "rollouts/sensor.json")->listed_length = ROTA_POLICY_MAX + 1;
	maker_next(&w->m, w->clock_s, MAKER_ROLLOUTS, -1);
	CHECK_STOPPED(w, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_8_1);
	w = offered("2.0.0");
	target(w, w->release_path)->listed_length = ROTA_RELEASE_MAX + 1;
	maker_next(&w->m, w->clock_s, MAKER_RELEASES, -1);
	CHECK_STOPPED(w, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_7_1);
}

TEST(a_byte_too_many_is_refused_at_once)
{
	struct world *w = offered("2.0.0");

	w->extend = true;
	CHECK_STOPPED(w, ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->slots[0].trials, 0);
}

TEST(a_download_that_breaks_off_goes_on_where_it_was)
{
	struct world *w = offered("2.0.0");
	size_t len = w->image[FIRST].bytes.len;

	w->resume_every = 1024;
	w->break_at = 1500;
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->state.pending.offset, 1500);
	w->flash.off = true;
	world_boot(w); /* what was not made durable is gone */
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->last_offset, 1500);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->last_offset, 3000);
	CHECK_EQ(w->slots[0].written, len);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(w->state.failed.tries, 0);
}

TEST(without_resuming_it_begins_again)
{
	struct world *w = offered("2.0.0");

	w->break_at = 1500;
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->state.pending.offset, 0);
	w->break_at = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->last_offset, 0);
}

TEST(another_release_meanwhile_begins_at_nothing)
{
	struct world *w = offered("2.0.0");

	w->resume_every = 1024;
	w->break_at = 1500;
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3);
	w->break_at = 0;
	offer(w, "2.0.1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->last_offset, 0);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(world_events(w, ROTA_EVENT_DOWNLOADING), 2);
}

/* The first part came from a hostile mirror that then broke off: the second try begins again, once. */
TEST(a_spoilt_beginning_is_fetched_again)
{
	struct world *w = offered("2.0.0");

	w->resume_every = 512;
	w->break_at = 2800; /* past the changed byte */
	w->tamper = true;
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3);
	CHECK_EQ(w->state.pending.offset, 2800);
	w->break_at = 0;
	w->tamper = false;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->last_offset, 0);
	CHECK(world_runs(w, FIRST));
}

TEST(a_slot_that_is_too_small_is_said_before_the_download)
{
	struct world *w = &world;

	world_init(w);
	w->release.payload_len = WORLD_SLOT_LEN;
	offer(w, "2.0.0");
	CHECK_STOPPED(w, ROTA_ERR_FULL, ROTA_CLAUSE_SPEC_10);
	CHECK_EQ(w->slots[0].written, 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
}

TESTS(T(a_tampered_image_is_refused_and_harms_nothing), T(a_tampered_signature_is_refused_too),
	T(a_tampered_policy_or_release_is_refused),
	T(a_policy_or_release_listed_too_long_is_not_fetched),
	T(a_byte_too_many_is_refused_at_once), T(a_download_that_breaks_off_goes_on_where_it_was),
	T(without_resuming_it_begins_again), T(another_release_meanwhile_begins_at_nothing),
	T(a_spoilt_beginning_is_fetched_again),
	T(a_slot_that_is_too_small_is_said_before_the_download))
