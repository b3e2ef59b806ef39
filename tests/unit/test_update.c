/* SPDX-License-Identifier: Apache-2.0 */
/* Whole update cycles on a device in memory (world.h): what is installed, what is refused and why, what is told.
 * Power cuts are in test_update_cut.c. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/mem.h"
#include "rota/codec/version.h"
#include "rota/trust/tag.h"
#include "tests/unit/test.h"
#include "tests/unit/world.h"

#include <stdlib.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define HOUR_S UINT64_C(3600)
#define DAY_S UINT64_C(86400)

static struct world world;

enum { FACTORY, FACTORY_DATA, FIRST, SECOND, THIRD };

static uint64_t version_of(const char *text)
{
	uint64_t version = 0;

	if (rota_version_parse(rota_span_cstr(text), &version) != ROTA_OK)
		test_fail(__FILE__, __LINE__, text);
	return version;
}

/* A device and a server that offers `version` to everyone. */
static struct world *offered(const char *version)
{
	struct world *w = &world;

	world_init(w);
	w->release.version = version;
	world_release(w);
	world_policy(w);
	return w;
}

static void offer(struct world *w, const char *version)
{
	w->release.version = version;
	world_release(w);
	world_policy(w);
}

/* Server and clock go on by so much. */
static void later(struct world *w, uint64_t seconds)
{
	w->clock_s += seconds;
	for (int i = MAKER_TIMESTAMP; i < w->m.role_count; i++) {
		struct maker_role *r = &w->m.role[i];
		uint64_t life_s = r->expires_s - r->issued_s;

		r->version++;
		r->issued_s = w->clock_s;
		r->expires_s = w->clock_s + life_s;
	}
	maker_publish(&w->m);
}

#define CHECK_OUTCOME(w, e, c)                                                                     \
	do {                                                                                       \
		CHECK((w)->broken == NULL);                                                        \
		CHECK_EQ((w)->outcome.why.err, e);                                                 \
		CHECK_EQ((w)->outcome.why.clause, c);                                              \
	} while (0)
#define CHECK_IDLE(w, c)                                                                           \
	do {                                                                                       \
		CHECK_EQ(world_settle(w), ROTA_UPDATE_IDLE);                                       \
		CHECK_OUTCOME(w, ROTA_OK, c);                                                      \
	} while (0)
#define CHECK_STOPPED(w, e, c)                                                                     \
	do {                                                                                       \
		CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);                                    \
		CHECK_OUTCOME(w, e, c);                                                            \
	} while (0)

/* Of the last event of a kind. */
static enum rota_clause clause_of(const struct world *w, enum rota_event_kind kind)
{
	enum rota_clause clause = ROTA_CLAUSE_NONE;

	for (int i = 0; i < w->event_count; i++)
		if (w->event[i].kind == kind)
			clause = w->event[i].why.clause;
	return clause;
}

/* ---- the good ways ---- */

TEST(nothing_to_do_is_told_once_and_costs_nothing)
{
	struct world *w = &world;

	world_init(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event_count, 2);
	CHECK_EQ(w->event[0].kind, ROTA_EVENT_STARTED);
	CHECK_EQ(w->event[0].seq, 1000 * w->clock_s + 1);
	CHECK_EQ(w->event[1].kind, ROTA_EVENT_CHECKED);
	CHECK_EQ(w->event[1].why.clause, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event_count, 2);
	CHECK_EQ(w->commits, 0);
}

TEST(without_a_clock_events_are_numbered_from_1)
{
	struct world *w = &world;

	world_init(w);
	w->clock_s = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event[0].seq, 1);
	CHECK_EQ(w->event[1].seq, 2);
	w->clock_s = WORLD_NOW + 3600; /* it has been set: the numbers go on as they began */
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.next_seq, 3);
}

TEST(a_release_is_installed_proved_and_confirmed)
{
	static const enum rota_event_kind kinds[] = { ROTA_EVENT_STARTED, ROTA_EVENT_DOWNLOADING,
		ROTA_EVENT_INSTALLED, ROTA_EVENT_BOOTED, ROTA_EVENT_CONFIRMED };
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	CHECK(world_runs(w, FACTORY));
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(w->event_count, ROWS(kinds));
	for (size_t i = 0; i < ROWS(kinds); i++)
		CHECK_EQ(w->event[i].kind, kinds[i]);
	for (size_t i = 1; i < ROWS(kinds); i++) {
		CHECK(w->event[i].has_release);
		CHECK_MEM(w->event[i].release, w->release_sha256, 32);
		CHECK_EQ(w->event[i].version, version_of("2.0.0"));
		CHECK_EQ(w->event[i].at_s, w->clock_s);
	}
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
	CHECK_EQ(w->state.installed.previous_version, version_of("1.0.0"));
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->commits, 0);
	CHECK_EQ(w->slots[0].trials, 1);
}

TEST(one_release_follows_another)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(w->state.installed.previous_version, version_of("2.0.0"));
}

TEST(pieces_of_one_byte_give_the_same)
{
	struct world *w = offered("2.0.0");

	w->piece = 1;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(builds_come_from_the_role_ci)
{
	struct world *w = &world;

	world_init(w);
	w->role = "ci";
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	/* and a production device takes none of them */
	world_init(w);
	w->role = "ci";
	offer(w, "2.0.0");
	w->role = "releases";
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
}

TEST(two_components_are_confirmed_together)
{
	struct world *w = &world;

	world_init(w);
	w->slots_count = 2;
	w->slots[1].blind = true;
	w->release.two = true;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK(memcmp(w->slots[1].bytes[w->slots[1].confirmed], "data of 2.0.0", 13) == 0);
	CHECK_EQ(w->state.installed.component_count, 2);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
	/* the image crashes: the data go back with it */
	w->release.crashes = true;
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FIRST));
	CHECK(memcmp(w->slots[1].bytes[w->slots[1].confirmed], "data of 2.0.0", 13) == 0);
}

TEST(dependencies_are_what_earlier_releases_brought)
{
	struct world *w = &world;

	world_init(w);
	w->slots_count = 2;
	w->release.depends = "{\"min\":\"2.0.0\",\"name\":\"data\"}";
	offer(w, "2.0.0");
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_2);
	w->release.two = true;
	offer(w, "2.0.1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.two = false;
	offer(w, "2.0.2");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.2"));
	w->release.depends = "{\"min\":\"2.0.2\",\"name\":\"data\"}";
	offer(w, "2.0.3");
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_2);
}

/* The image that runs already is not written again: the release is another word for it. */
TEST(the_same_image_under_another_release_is_not_written)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.image_version = "2.0.0";
	w->release.issued_s++;
	w->slots[0].written = 0;
	offer(w, "2.0.0+1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->slots[0].written, 0);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0+1"));
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 2);
}

/* ---- what is not kept ---- */

TEST(a_crash_goes_back_and_is_not_tried_again)
{
	struct world *w = &world;

	world_init(w);
	w->release.crashes = true;
	offer(w, "2.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_IDLE); /* with no further boot */
	CHECK_OUTCOME(w, ROTA_OK, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_REVERTED), ROTA_CLAUSE_SPEC_10_2);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 0);
	CHECK_EQ(w->state.failed.tries, 1);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_EQ(w->commits, 0);
	/* a mended release is */
	w->release.crashes = false;
	offer(w, "2.0.1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(w->state.failed.tries, 0);
}

TEST(retries_are_counted_and_wait)
{
	struct world *w = &world;

	world_init(w);
	w->release.crashes = true;
	w->policy.retry_max = 2;
	w->policy.backoff_s = 600;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	w->clock_s += 599;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	w->clock_s += 1;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 2);
	w->clock_s += 600;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 3);
	w->clock_s += 6000;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 3);
	w->policy.attempt = 1; /* another attempt counts anew */
	world_policy(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 4);
	CHECK_EQ(w->state.failed.tries, 1);
}

TEST(an_image_that_is_not_well_is_given_up)
{
	struct world *w = offered("2.0.0");

	w->health = ROTA_ERR_TIMEOUT;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(world_events(w, ROTA_EVENT_BOOTED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	CHECK_EQ(w->state.failed.tries, 1);
}

/* The agent is no part of the image: it crashes, the old one is back, and that one is well. */
TEST(an_image_that_crashes_while_it_is_proved_is_not_kept)
{
	for (int obliging = 0; obliging < 2; obliging++) {
		struct world *w = offered("2.0.0");

		w->slots[0].obliging = obliging != 0;
		w->resets = true;
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 0);
		CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
		CHECK_EQ(w->state.installed.version, version_of("1.0.0"));
		CHECK_EQ(w->state.failed.tries, 1);
	}
}

/* What was found well once is kept, whatever is thought of it after the cut. */
TEST(a_decision_to_keep_outlives_a_cut)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	w->cut_at = w->slot_ops + 1; /* the confirmation */
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK(w->flash.off);
	w->health = ROTA_ERR_TIMEOUT;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(a_boot_stage_that_never_starts_the_trial_is_seen)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT); /* and nothing boots */
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_OUTCOME(w, ROTA_OK, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trial, WORLD_NONE);
	CHECK_EQ(w->state.failed.tries, 1);
}

/* The journal of a device on which nothing was under way: restored, or made anew. */
static void forget_pending(struct world *w)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;
	struct rota_state state;

	CHECK_OK(rota_journal_load(&w->journal, ROTA_BUF(room), &payload));
	CHECK_OK(rota_state_decode(payload, &state));
	memset(&state.pending, 0, sizeof(state.pending));
	CHECK_OK(rota_state_encode(&state, ROTA_BUF(room), &payload));
	CHECK_OK(rota_journal_commit(&w->journal, payload));
}

TEST(a_trial_that_the_journal_does_not_know_is_given_up)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_EQ(w->slots[0].kind, ROTA_BOOT_TRIAL);
	forget_pending(w);
	w->policy.state = "paused";
	world_policy(w);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_STATE);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(w->state.failed.tries, 0);
}

TEST(what_expired_blocks_installing_and_not_confirming)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	w->clock_s += 5 * DAY_S;
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK(rota_span_eq(w->outcome.role, ROTA_STR("timestamp")));
	CHECK(rota_span_eq(w->outcome.step, ROTA_STR("timestamp")));
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	/* the same refusal again is no news and no write */
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	CHECK_EQ(w->commits, 0);
	/* and news again once it had gone */
	later(w, 60);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->clock_s += 5 * DAY_S;
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 2);
}

/* ---- downloads ---- */

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

/* ---- releases that are refused ---- */

static void another_product(struct world *w)
{
	w->release.product = "lamp";
}

static void other_hardware(struct world *w)
{
	w->release.hardware = "demo-2";
}

static void no_such_slot(struct world *w)
{
	w->release.slot = "radio";
}

static void above_minimum(struct world *w)
{
	w->release.minimum = "1.5.0";
}

static void older(struct world *w)
{
	w->release.version = "0.9.0";
}

static void wrong_digest(struct world *w)
{
	w->release.wrong_digest = true;
}

static void wrong_sha256(struct world *w)
{
	w->release.wrong_sha256 = true;
}

static void image_of_another_product(struct world *w)
{
	w->release.image_product = "lamp";
}

static void image_with_another_counter(struct world *w)
{
	w->release.listed_counter = 7;
}

static void image_newer_than_its_release(struct world *w)
{
	w->release.image_version = "2.0.1";
}

static void policy_names_another_digest(struct world *w)
{
	w->policy.wrong_sha256 = true;
}

static void policy_names_another_path(struct world *w)
{
	w->policy.path = "releases/sensor/2.0.0/app.bin";
}

static void policy_names_no_release(struct world *w)
{
	w->policy.path = "releases/sensor/9.9.9/release.json";
}

static void policy_names_itself(struct world *w)
{
	w->policy.path = "rollouts/sensor.json";
}

static void policy_of_another_product(struct world *w)
{
	w->policy.product = "lamp";
}

static void policy_with_an_unknown_stage(struct world *w)
{
	w->policy.stages = "{\"kind\":\"sometimes\"}";
}

static void growth_of_nothing(struct world *w)
{
	w->release.growth = 0;
}

static const struct {
	const char *reason;
	void (*make)(struct world *w);
	enum rota_err err;
	enum rota_clause clause;
	const char *step;
} refusals[] = {
	{ "another product", another_product, ROTA_ERR_PRODUCT, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "other hardware", other_hardware, ROTA_ERR_HARDWARE, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "no such slot", no_such_slot, ROTA_ERR_HARDWARE, ROTA_CLAUSE_SPEC_7_2, "release" },
	{ "below its minimum", above_minimum, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_3_MINIMUM,
		"release" },
	{ "a downgrade", older, ROTA_ERR_DOWNGRADE, ROTA_CLAUSE_SPEC_7_3, "release" },
	{ "growth 0", growth_of_nothing, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_7_1, "release" },
	{ "another image digest", wrong_digest, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "another file digest", wrong_sha256, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_7_3,
		"download" },
	{ "an image of another product", image_of_another_product, ROTA_ERR_PRODUCT,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "an image with another counter", image_with_another_counter, ROTA_ERR_COUNTER,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "an image newer than its release", image_newer_than_its_release, ROTA_ERR_VERSION,
		ROTA_CLAUSE_SPEC_6_5, "download" },
	{ "a policy that names another digest", policy_names_another_digest, ROTA_ERR_HASH,
		ROTA_CLAUSE_SPEC_8_2, "release" },
	{ "a policy that names another file", policy_names_another_path, ROTA_ERR_HASH,
		ROTA_CLAUSE_SPEC_8_2, "release" },
	{ "a policy that names no release", policy_names_no_release, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4, "releases" },
	{ "a policy that names what is not for the role", policy_names_itself, ROTA_ERR_NOT_FOUND,
		ROTA_CLAUSE_SPEC_4_4, "targets" },
	{ "a policy of another product", policy_of_another_product, ROTA_ERR_PRODUCT,
		ROTA_CLAUSE_SPEC_8_1, "policy" },
	{ "a stage that nobody knows", policy_with_an_unknown_stage, ROTA_ERR_UNSUPPORTED,
		ROTA_CLAUSE_SPEC_8_1, "policy" },
};

TEST(what_is_not_for_this_device_is_refused_by_its_clause)
{
	for (size_t i = 0; i < ROWS(refusals); i++) {
		struct world *w = &world;

		ROW(refusals[i].reason);
		world_init(w);
		w->release.version = "2.0.0";
		refusals[i].make(w);
		world_release(w);
		world_policy(w);
		CHECK_STOPPED(w, refusals[i].err, refusals[i].clause);
		CHECK(rota_span_eq(w->outcome.step, rota_span_cstr(refusals[i].step)));
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(w->slots[0].trials, 0);
		CHECK_EQ(w->state.failed.tries, 0);
	}
	ROW(NULL);
}

TEST(a_way_back_is_the_version_before_or_what_the_release_names)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "1.5.0");
	CHECK_STOPPED(w, ROTA_ERR_DOWNGRADE, ROTA_CLAUSE_SPEC_7_3);
	w->release.issued_s++;
	offer(w, "2.0.0"); /* confirmed before */
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
	w->release.revert_to = "\"1.5.0\"";
	offer(w, "4.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.revert_to = "";
	w->release.issued_s++;
	offer(w, "1.5.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("1.5.0"));
}

/* ---- whose turn ---- */

static const struct {
	const char *reason;
	const char *stages; /* TAG stands for the device's own */
	unsigned open;
	unsigned canary, first_ppm;
	const char *groups;
	bool installs;
} turns[] = {
	{ "everyone", "{\"kind\":\"everyone\"}", 0, 0, 1000000, "", true },
	{ "everyone, under a ceiling of none", "{\"kind\":\"everyone\"}", 0, 0, 0, "", false },
	{ "every part of a million", "{\"kind\":\"ppm\",\"ppm\":1000000}", 0, 0, 1000000, "",
		true },
	{ "no part", "{\"kind\":\"ppm\",\"ppm\":0}", 0, 0, 1000000, "", false },
	{ "its group", "{\"kind\":\"group\",\"name\":\"lab\"}", 0, 0, 0, "\"lab\"", true },
	{ "its group, which the release does not list", "{\"kind\":\"group\",\"name\":\"lab\"}", 0,
		0, 1000000, "", false },
	{ "another group", "{\"kind\":\"group\",\"name\":\"yard\"}", 0, 0, 1000000, "\"yard\"",
		false },
	{ "its region", "{\"kind\":\"region\",\"name\":\"north\"}", 0, 0, 1000000, "", true },
	{ "its region, under a ceiling of none", "{\"kind\":\"region\",\"name\":\"north\"}", 0, 0,
		0, "", false },
	{ "another region", "{\"kind\":\"region\",\"name\":\"south\"}", 0, 0, 1000000, "", false },
	{ "canary", "{\"kind\":\"canary\",\"tags\":[TAG]}", 0, 1, 0, "", true },
	{ "canary, in a list that is too long", "{\"kind\":\"canary\",\"tags\":[TAG,TAG]}", 0, 1, 0,
		"", false },
	{ "a stage that is not open", "{\"kind\":\"ppm\",\"ppm\":0},{\"kind\":\"everyone\"}", 0, 0,
		1000000, "", false },
	{ "a second stage", "{\"kind\":\"ppm\",\"ppm\":0},{\"kind\":\"everyone\"}", 1, 0, 1000000,
		"", true },
};

static void with_tag(struct world *w, const char *stages, char out[512])
{
	uint8_t tag[ROTA_TAG_LEN];
	char hex[2 * ROTA_TAG_LEN + 1];
	size_t len = 0;

	rota_tag(&rota_crypto_openssl, ROTA_SPAN(w->release_sha256), w->device.spki, tag);
	maker_hex(tag, sizeof(tag), hex);
	while (*stages != '\0' && len < 400) {
		if (strncmp(stages, "TAG", 3) == 0) {
			len += (size_t)snprintf(out + len, 512 - len, "\"%s\"", hex);
			stages += 3;
		} else {
			out[len++] = *stages++;
		}
	}
	out[len] = '\0';
}

TEST(every_kind_of_stage_is_honoured)
{
	for (size_t i = 0; i < ROWS(turns); i++) {
		struct world *w = &world;
		char stages[512];

		ROW(turns[i].reason);
		world_init(w);
		w->device.group = ROTA_STR("lab");
		w->device.region = ROTA_STR("north");
		w->release.version = "2.0.0";
		w->release.canary = turns[i].canary;
		w->release.first_ppm = turns[i].first_ppm;
		w->release.groups = turns[i].groups;
		world_release(w);
		with_tag(w, turns[i].stages, stages);
		w->policy.stages = stages;
		w->policy.open = turns[i].open;
		world_policy(w);
		CHECK_IDLE(w, turns[i].installs ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_8_7);
		CHECK(world_runs(w, turns[i].installs ? FIRST : FACTORY));
	}
	ROW(NULL);
}

TEST(the_ceiling_rises_with_time_and_who_is_in_stays_in)
{
	struct world *w = &world;

	world_init(w);
	w->release.first_ppm = 1;
	w->release.growth = 1000;
	w->release.soak_s = 3600;
	w->release.issued_s = w->clock_s;
	w->resume_every = 512;
	w->break_at = 600;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_7);
	later(w, 3 * HOUR_S);
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3); /* admitted, and broken off */
	w->policy.stages = "{\"kind\":\"ppm\",\"ppm\":0}";
	world_policy(w);
	w->break_at = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

/* Who has the online keys says what time it is to a device without a clock. The ceiling is the release signers':
 * it rises with the time that a root tells. */
TEST(without_a_clock_only_a_root_raises_the_ceiling)
{
	struct world *w = &world;
	struct maker_role *root = &w->m.role[MAKER_ROOT];
	uint64_t then_s;

	world_init(w);
	w->release.first_ppm = 1;
	w->release.growth = 1000;
	w->release.soak_s = 3600;
	w->release.issued_s = w->clock_s;
	offer(w, "2.0.0");
	later(w, 300 * DAY_S);
	then_s = w->clock_s;
	w->clock_s = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_7);
	root->version++;
	root->not_before_s = then_s;
	maker_publish(&w->m);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(only_active_and_done_campaigns_install)
{
	static const struct {
		const char *state;
		bool installs;
	} states[] = { { "active", true }, { "done", true }, { "paused", false },
		{ "aborted", false } };

	for (size_t i = 0; i < ROWS(states); i++) {
		struct world *w = &world;

		ROW(states[i].state);
		world_init(w);
		w->policy.state = states[i].state;
		offer(w, "2.0.0");
		CHECK_IDLE(w, states[i].installs ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_8_2_STATE);
		CHECK(world_runs(w, states[i].installs ? FIRST : FACTORY));
	}
	ROW(NULL);
}

TEST(another_channel_s_campaign_is_not_ours)
{
	struct world *w = &world;

	world_init(w);
	w->policy.channel = "beta";
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK(world_runs(w, FACTORY));
}

TEST(the_window_is_waited_for)
{
	struct world *w = &world;
	char window[64];
	unsigned at = (unsigned)((WORLD_NOW + HOUR_S) % DAY_S);

	world_init(w);
	snprintf(window, sizeof(window), ",\"window\":{\"from_s\":%u,\"to_s\":%u}",
		(at + 600) % (unsigned)DAY_S, (at + 1200) % (unsigned)DAY_S);
	w->policy.window = window;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_WINDOW);
	CHECK(world_runs(w, FACTORY));
	w->clock_s += 600;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(the_sequence_does_not_go_back)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->policy.sequence = 1;
	world_policy(w);
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_8_9);
	w->policy.sequence = 2; /* the one that was seen, with another content */
	w->policy.state = "paused";
	world_policy(w);
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_8_9);
	/* the key of rollouts was replaced: its floor fell, and the sequence with it */
	w->m.role[MAKER_ROLLOUTS].keys[0] = KEY_ROLLOUTS2;
	w->m.role[MAKER_ROLLOUTS].signers[0] = KEY_ROLLOUTS2;
	w->m.role[MAKER_TARGETS].version++;
	w->policy.sequence = 1;
	world_policy(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_STATE);
	CHECK_EQ(w->state.policy_sequence, 1);
}

TEST(no_policy_at_all_is_nothing_to_do)
{
	struct world *w = &world;

	world_init(w);
	w->m.target_count = 0;
	maker_next(&w->m, WORLD_NOW, MAKER_ROLLOUTS, -1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_1_POLICY);
}

TEST(a_server_out_of_reach_is_no_event_and_no_write)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->m.file_count = 0;
	w->event_count = 0;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_4_1);
	CHECK_EQ(w->event_count, 0);
	CHECK_EQ(w->commits, 0);
}

/* ---- how a cycle begins ---- */

TEST(a_cycle_says_what_it_lacks)
{
	struct world *w = &world;
	static struct rota_update u;
	static uint8_t room[65536];
	struct rota_update_config good, config;
	size_t need = rota_update_room(&rota_limits_m3);
	struct rota_state state;
	uint8_t digest[32] = { 1 };

	world_init(w);
	w->device.release_role = ROTA_STR("releases");
	good = (struct rota_update_config){ .session = { .crypto = &rota_crypto_openssl,
						    .limits = &rota_limits_m3,
						    .profile = &rota_session_device },
		.device = &w->device,
		.slots = w->named,
		.slots_count = 1,
		.journal = &w->journal };
	CHECK(need < sizeof(room));
	CHECK_EQ(rota_update_init(&u, &good, rota_buf(room, need / 2)), ROTA_ERR_LIMIT);
	config = good;
	config.slots_count = 0;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	config = good;
	config.session.profile = &rota_session_letter;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	config = good;
	config.journal = NULL;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_update_init(&u, &good, rota_buf(room, need)));
	CHECK_EQ(rota_update_feed(&u, ROTA_STR("x")), ROTA_ERR_SPELLING);
	rota_update_drop(&u);
	rota_state_factory(&state, 1, digest, 0, 0);
	CHECK_EQ(rota_update_factory(&w->journal, &state, ROTA_BUF(room)), ROTA_ERR_STATE);
	flash_mem_init(&w->flash, 4096, 2, 8, 0xff);
	CHECK_OK(rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE));
	CHECK_EQ(rota_update_init(&u, &good, ROTA_BUF(room)), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_update_factory(&w->journal, &state, rota_buf(room, 8)), ROTA_ERR_LIMIT);
}

TESTS(T(nothing_to_do_is_told_once_and_costs_nothing),
	T(without_a_clock_events_are_numbered_from_1),
	T(a_release_is_installed_proved_and_confirmed), T(one_release_follows_another),
	T(pieces_of_one_byte_give_the_same), T(builds_come_from_the_role_ci),
	T(two_components_are_confirmed_together), T(dependencies_are_what_earlier_releases_brought),
	T(the_same_image_under_another_release_is_not_written),
	T(a_crash_goes_back_and_is_not_tried_again), T(retries_are_counted_and_wait),
	T(an_image_that_is_not_well_is_given_up),
	T(an_image_that_crashes_while_it_is_proved_is_not_kept),
	T(a_decision_to_keep_outlives_a_cut), T(a_boot_stage_that_never_starts_the_trial_is_seen),
	T(a_trial_that_the_journal_does_not_know_is_given_up),
	T(what_expired_blocks_installing_and_not_confirming),
	T(a_tampered_image_is_refused_and_harms_nothing), T(a_tampered_signature_is_refused_too),
	T(a_tampered_policy_or_release_is_refused),
	T(a_policy_or_release_listed_too_long_is_not_fetched),
	T(a_byte_too_many_is_refused_at_once), T(a_download_that_breaks_off_goes_on_where_it_was),
	T(without_resuming_it_begins_again), T(another_release_meanwhile_begins_at_nothing),
	T(a_spoilt_beginning_is_fetched_again),
	T(a_slot_that_is_too_small_is_said_before_the_download),
	T(what_is_not_for_this_device_is_refused_by_its_clause),
	T(a_way_back_is_the_version_before_or_what_the_release_names),
	T(every_kind_of_stage_is_honoured), T(the_ceiling_rises_with_time_and_who_is_in_stays_in),
	T(without_a_clock_only_a_root_raises_the_ceiling),
	T(only_active_and_done_campaigns_install), T(another_channel_s_campaign_is_not_ours),
	T(the_window_is_waited_for), T(the_sequence_does_not_go_back),
	T(no_policy_at_all_is_nothing_to_do), T(a_server_out_of_reach_is_no_event_and_no_write),
	T(a_cycle_says_what_it_lacks))
