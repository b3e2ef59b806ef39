/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records into SQLite: counted once, bounded, and the same when made again from zero. */
#include "host/registry/registry.h"
#include "host/registry/report.h"
#include "ports/db_sqlite/db_sqlite.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct rota_fail why;
static char path[64];
static struct rota_db_sqlite *sqlite;
static struct rota_db db;
static struct rota_registry_alarm news;
static const struct rota_registry_log *log_here; /* NULL: none */
static const char id[] = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

static bool open_fresh(void)
{
	strcpy(path, "/tmp/rota-registry.XXXXXX");
	close(mkstemp(path));
	return rota_db_sqlite_open(path, &sqlite, &db, &why) == ROTA_OK;
}

static void shut(void)
{
	char other[80];

	rota_db_sqlite_close(sqlite);
	unlink(path);
	snprintf(other, sizeof(other), "%s-wal", path);
	unlink(other);
	snprintf(other, sizeof(other), "%s-shm", path);
	unlink(other);
}

static enum rota_err apply(uint64_t sequence, const char *body)
{
	struct rota_record r = { .sequence = sequence,
		.type = ROTA_RECORD_REPORT,
		.time_ms = 1000 * sequence,
		.payload = rota_span_cstr(body) };
	enum rota_err err;

	memset(r.device, 0xdd, sizeof(r.device));
	if (db.begin(db.ctx, &why) != ROTA_OK)
		return ROTA_ERR_IO;
	err = rota_registry_apply(&db, log_here, &r, &news, &why);
	if (err != ROTA_OK) {
		db.rollback(db.ctx);
		return err;
	}
	return db.commit(db.ctx, &why);
}

static struct rota_db_device device(void)
{
	struct rota_db_device d = { 0 };

	if (db.begin(db.ctx, &why) != ROTA_OK || db.device(db.ctx, id, &d, &why) != ROTA_OK)
		d.events = 9999;
	db.rollback(db.ctx);
	return d;
}

static uint64_t position(void)
{
	uint64_t out = 9999;

	if (db.begin(db.ctx, &why) == ROTA_OK && db.position(db.ctx, &out, &why) != ROTA_OK)
		out = 9999;
	db.rollback(db.ctx);
	return out;
}

#define EVENT(seq, name, more)                                                                     \
	"{\"events\":[{\"at\":null,\"event\":\"" name "\",\"seq\":" seq more "}]}"

TEST(reports_make_the_device)
{
	struct rota_db_device d;

	CHECK(open_fresh());
	CHECK_EQ(position(), 0);
	CHECK_OK(apply(1, EVENT("1", "started", "")));
	CHECK_OK(apply(2, EVENT("2", "confirmed", ",\"version\":\"2.0.0\",\"release\":\"r2\"")));
	CHECK_OK(apply(3, EVENT("3", "reverted", ",\"version\":\"3.0.0\",\"reason\":\"crash\"")));
	d = device();
	CHECK_EQ(d.events, 3);
	CHECK_EQ(d.last_seq, 3);
	CHECK_EQ(d.last_seen_ms, 3000);
	CHECK(strcmp(d.state, "reverted") == 0);
	CHECK(strcmp(d.version, "2.0.0") == 0); /* what it runs, not what it tried */
	CHECK(strcmp(d.release, "r2") == 0);
	CHECK(strcmp(d.reason, "crash") == 0);
	CHECK_EQ(position(), 3);
	shut();
}

#define LOG(count, head) ",\"log\":\"" count " " head "\""

/* SPEC 11.4 */
TEST(a_log_that_does_not_go_on_is_told)
{
	CHECK(open_fresh());
	CHECK_OK(apply(1, EVENT("1", "started", LOG("1", "aa"))));
	CHECK_OK(apply(2, EVENT("2", "checked", LOG("2", "bb"))));
	CHECK_OK(apply(3, EVENT("2", "checked", LOG("2", "bb")))); /* the same again */
	CHECK(!news.forked);
	CHECK_OK(apply(4, EVENT("5", "checked", LOG("7", "cc")))); /* some were lost on the way */
	CHECK(!news.forked);
	CHECK_OK(apply(5, EVENT("6", "checked", ""))); /* its log takes no more */
	CHECK(!news.forked);
	CHECK(news.silent); /* which is told once */
	CHECK_OK(apply(6, EVENT("7", "checked", "")));
	CHECK(!news.silent);
	CHECK_OK(apply(7, EVENT("3", "checked", ""))); /* late: what came after it goes on */
	CHECK(!news.silent);
	CHECK_EQ(device().log_forks, 0);
	CHECK_OK(apply(
		8, EVENT("2", "refused", LOG("2", "dd")))); /* flash put back: it says others */
	CHECK(news.forked);
	CHECK_EQ(news.seq, 2);
	CHECK(strcmp(news.device, id) == 0);
	CHECK_OK(apply(9, EVENT("8", "checked", LOG("7", "ee")))); /* a new one with as many */
	CHECK(news.forked);
	CHECK_OK(apply(10, EVENT("9", "checked", LOG("8", "ff"))));
	CHECK(!news.forked && !news.silent);
	CHECK_OK(apply(11, EVENT("10", "started", LOG("1", "aa")))); /* begun anew: told once */
	CHECK(news.forked);
	CHECK_OK(apply(12, EVENT("11", "checked", LOG("2", "bb"))));
	CHECK(!news.forked);
	CHECK_EQ(device().log_forks, 3);
	CHECK_EQ(device().log_count, 2);
	shut();
}

/* A log of 20 entries, each root of which begins with its size. */
static enum rota_err look(void *ctx, uint64_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	(void)ctx;
	if (size > 20)
		return ROTA_ERR_NOT_FOUND;
	return root[0] == size ? ROTA_OK : ROTA_ERR_HASH;
}

#define ROOT(first) first "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define SEEN(size, first) ",\"checkpoint\":\"" size " " ROOT(first) "\""

/* SPEC 22.5 */
TEST(a_checkpoint_of_another_log_is_told)
{
	const struct rota_registry_log log = { .look = look };
	static const struct {
		const char *body;
		enum rota_err err; /* ROTA_OK: nothing is told */
	} rows[] = {
		{ EVENT("1", "checked", ""), ROTA_OK },
		{ EVENT("2", "checked", SEEN("16", "10")), ROTA_OK },
		{ EVENT("3", "checked", SEEN("16", "10")), ROTA_OK },
		{ EVENT("4", "checked", SEEN("17", "10")), ROTA_ERR_HASH },
		{ EVENT("5", "checked", SEEN("17", "10")), ROTA_OK }, /* told once */
		{ EVENT("6", "checked", SEEN("21", "15")), ROTA_ERR_NOT_FOUND },
		{ EVENT("6", "checked", SEEN("3", "10")), ROTA_OK }, /* a repeat says nothing */
		{ EVENT("7", "checked", SEEN("020", "14")), ROTA_ERR_FORMAT },
		{ EVENT("8", "checked", SEEN("20", "1")), ROTA_ERR_FORMAT },
		{ EVENT("9", "checked", ",\"checkpoint\":\"20\""), ROTA_ERR_FORMAT },
		{ EVENT("10", "checked", SEEN("20", "14")), ROTA_OK },
		{ EVENT("11", "checked", ""), ROTA_OK },
	};

	CHECK(open_fresh());
	log_here = &log;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_OK(apply(i + 1, rows[i].body));
		CHECK_EQ(news.strange, rows[i].err != ROTA_OK);
		CHECK_EQ(news.strange_err, rows[i].err);
	}
	CHECK_EQ(device().checkpoints_strange, 5);
	CHECK(strcmp(device().checkpoint, "20 " ROOT("14")) == 0);
	log_here = NULL;
	CHECK_OK(apply(13, EVENT("12", "checked", SEEN("17", "10"))));
	CHECK(!news.strange);
	shut();
}

/* SPEC 25.8 */
TEST(the_root_that_it_holds)
{
	static const struct {
		const char *body;
		uint64_t root;
	} rows[] = {
		{ EVENT("5", "checked", ""), 0 }, { EVENT("6", "checked", ",\"root\":\"7\""), 7 },
		{ EVENT("7", "checked", ""), 7 }, /* of a release that does not say it */
		{ EVENT("8", "checked", ",\"root\":\"07\""), 7 },
		{ EVENT("9", "checked", ",\"root\":\"9007199254740992\""), 7 },
		{ EVENT("10", "checked", ",\"root\":\"9007199254740991\""), 9007199254740991 },
		{ EVENT("11", "checked", ",\"root\":\"2\""), 2 }, /* a recovery order's */
		{ EVENT("4", "checked", ",\"root\":\"9\""), 2 }, /* told late */
	};

	CHECK(open_fresh());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_OK(apply(i + 1, rows[i].body));
		CHECK_EQ(device().root, rows[i].root);
	}
	shut();
}

static void take_holding(void *to, const struct rota_db_holding *h)
{
	struct rota_db_holding *all = to;

	for (size_t i = 0; i < 4; i++)
		if (all[i].devices == 0) {
			all[i] = *h;
			return;
		}
}

TEST(devices_that_are_alike)
{
	struct rota_db_holding all[4] = { 0 };
	struct rota_db_device d = { .root = 3 };
	struct rota_db_sqlite *looking;
	struct rota_db look_on;

	CHECK(open_fresh());
	CHECK_OK(db.begin(db.ctx, &why));
	for (int i = 0; i < 5; i++) {
		snprintf(d.id, sizeof(d.id), "%064d", i);
		d.root = i < 3 ? 3 : 4;
		snprintf(d.version, sizeof(d.version), "%d.0.0", i == 4);
		CHECK_OK(db.set_device(db.ctx, &d, &why));
	}
	CHECK_OK(db.commit(db.ctx, &why));
	CHECK_OK(rota_db_sqlite_look(path, &looking, &look_on, &why)); /* beside who writes */
	CHECK_OK(look_on.holdings(look_on.ctx, take_holding, all, &why));
	rota_db_sqlite_close(looking);
	CHECK(all[0].root == 3 && all[0].devices == 3 && strcmp(all[0].version, "0.0.0") == 0);
	CHECK(all[1].root == 4 && all[1].devices == 1 && strcmp(all[1].version, "0.0.0") == 0);
	CHECK(all[2].root == 4 && all[2].devices == 1 && strcmp(all[2].version, "1.0.0") == 0);
	CHECK_EQ(all[3].devices, 0);
	shut();
	CHECK(rota_db_sqlite_look(path, &looking, &look_on, &why) != ROTA_OK); /* makes none */
	CHECK(!looking && access(path, F_OK) != 0);
}

TEST(repeats_count_once)
{
	struct rota_db_device d;

	CHECK(open_fresh());
	CHECK_OK(apply(1, EVENT("5", "started", "")));
	CHECK_OK(apply(2, EVENT("5", "started", "")));
	CHECK_OK(apply(3, EVENT("4", "checked", ""))); /* late, and new */
	d = device();
	CHECK_EQ(d.events, 2);
	CHECK_EQ(d.last_seq, 5);
	CHECK(strcmp(d.state, "started") == 0);
	CHECK_EQ(d.last_seen_ms, 3000);
	shut();
}

TEST(old_events_go_and_do_not_count_again)
{
	char body[200];
	struct rota_db_device d;

	CHECK(open_fresh());
	for (unsigned i = 1; i <= ROTA_REGISTRY_EVENTS_KEPT + 10; i++) {
		snprintf(body, sizeof(body),
			"{\"events\":[{\"at\":null,\"event\":\"checked\",\"seq\":%u}]}", i);
		CHECK_OK(apply(i, body));
	}
	d = device();
	CHECK_EQ(d.events, ROTA_REGISTRY_EVENTS_KEPT + 10);
	CHECK_EQ(d.floor_seq, 10);
	CHECK_OK(apply(ROTA_REGISTRY_EVENTS_KEPT + 11, EVENT("7", "checked", "")));
	d = device();
	CHECK_EQ(d.events, ROTA_REGISTRY_EVENTS_KEPT + 10);
	shut();
}

TEST(records_follow_each_other)
{
	CHECK(open_fresh());
	CHECK_OK(apply(1, EVENT("1", "started", "")));
	CHECK_EQ(apply(3, EVENT("2", "started", "")), ROTA_ERR_STATE);
	CHECK_EQ(apply(1, EVENT("2", "started", "")), ROTA_ERR_STATE);
	CHECK_EQ(device().events, 1);
	CHECK_EQ(position(), 1);
	CHECK_OK(apply(2, "{\"of a later\":\"release\"}")); /* moves on, changes nothing */
	CHECK_EQ(position(), 2);
	CHECK_EQ(device().events, 1);
	shut();
}

static void play(void)
{
	(void)!apply(1, EVENT("1", "started", ""));
	(void)!apply(2, EVENT("2", "refused", ",\"step\":\"timestamp\",\"clause\":\"TUF 5.4.3\""));
	(void)!apply(3, EVENT("2", "refused", ",\"step\":\"other\""));
	(void)!apply(4, EVENT("4", "installed", ""));
}

TEST(made_again_from_zero_it_is_the_same)
{
	struct rota_db_device first, again;

	CHECK(open_fresh());
	play();
	first = device();
	CHECK_OK(db.begin(db.ctx, &why));
	CHECK_OK(db.clear(db.ctx, &why));
	CHECK_OK(db.commit(db.ctx, &why));
	CHECK_EQ(device().events, 9999); /* gone */
	CHECK_EQ(position(), 0);
	play();
	again = device();
	CHECK_EQ(first.events, 3);
	CHECK(memcmp(&first, &again, sizeof(first)) == 0);
	shut();
}

TEST(what_is_rolled_back_is_not_there)
{
	struct rota_record r = { .sequence = 1,
		.type = ROTA_RECORD_REPORT,
		.payload = ROTA_STR(EVENT("1", "started", "")) };

	CHECK(open_fresh());
	CHECK_OK(db.begin(db.ctx, &why));
	CHECK_OK(rota_registry_apply(&db, log_here, &r, &news, &why));
	db.rollback(db.ctx);
	CHECK_EQ(position(), 0);
	shut();
}

#define E0 "{\"events\":[{\"at\":null,\"event\":\"started\",\"seq\":1"

static const struct {
	const char *why, *body;
	enum rota_err err;
} reports[] = {
	{ "plain", E0 "}]}", ROTA_OK },
	{ "an unknown member", E0 ",\"colour\":[1,2]}]}", ROTA_OK },
	{ "a time",
		"{\"events\":[{\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"started\",\"seq\":1}]}",
		ROTA_OK },
	{ "not JSON", "hello", ROTA_ERR_FORMAT },
	{ "a list", "[]", ROTA_ERR_FORMAT },
	{ "no events", "{}", ROTA_ERR_FORMAT },
	{ "empty events", "{\"events\":[]}", ROTA_ERR_FORMAT },
	{ "an event that is none", "{\"events\":[1]}", ROTA_ERR_FORMAT },
	{ "no seq", "{\"events\":[{\"at\":null,\"event\":\"started\"}]}", ROTA_ERR_FORMAT },
	{ "seq 0", "{\"events\":[{\"event\":\"started\",\"seq\":0}]}", ROTA_ERR_FORMAT },
	{ "seq 2^53", "{\"events\":[{\"event\":\"started\",\"seq\":9007199254740992}]}",
		ROTA_ERR_FORMAT },
	{ "seq a string", "{\"events\":[{\"event\":\"started\",\"seq\":\"1\"}]}", ROTA_ERR_FORMAT },
	{ "seq twice", E0 "},{\"event\":\"started\",\"seq\":1}]}", ROTA_ERR_FORMAT },
	{ "unknown event", "{\"events\":[{\"event\":\"exploded\",\"seq\":1}]}", ROTA_ERR_FORMAT },
	{ "a time without Z",
		"{\"events\":[{\"at\":\"2026-01-02\",\"event\":\"started\",\"seq\":1}]}",
		ROTA_ERR_FORMAT },
	{ "a number as version", E0 ",\"version\":2}]}", ROTA_ERR_FORMAT },
	{ "a name twice", E0 ",\"seq\":2}]}", ROTA_ERR_FORMAT },
};

TEST(reports_are_judged)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		struct rota_report *r = NULL;

		ROW(reports[i].why);
		CHECK_EQ(rota_report_read(rota_span_cstr(reports[i].body), &r, &why),
			reports[i].err);
		rota_report_free(r);
	}
}

TEST(reports_have_limits)
{
	static char body[32768];
	struct rota_report *r = NULL;
	int n = snprintf(body, sizeof(body), E0 ",\"reason\":\"%0257d\"}]}", 0);

	CHECK_EQ(rota_report_read(rota_span(body, (size_t)n), &r, &why), ROTA_ERR_FORMAT);
	n = snprintf(body, sizeof(body), E0 ",\"reason\":\"%0256d\"}]}", 0);
	CHECK_OK(rota_report_read(rota_span(body, (size_t)n), &r, &why));
	rota_report_free(r);
	n = snprintf(body, sizeof(body), "{\"events\":[{\"event\":\"checked\",\"seq\":1}");
	for (int i = 2; i <= 65; i++)
		n += snprintf(body + n, sizeof(body) - (size_t)n,
			",{\"event\":\"checked\",\"seq\":%d}", i);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "]}");
	CHECK_EQ(rota_report_read(rota_span(body, (size_t)n), &r, &why), ROTA_ERR_LIMIT);
}

TESTS(T(reports_make_the_device), T(a_log_that_does_not_go_on_is_told),
	T(a_checkpoint_of_another_log_is_told), T(the_root_that_it_holds),
	T(devices_that_are_alike), T(repeats_count_once), T(old_events_go_and_do_not_count_again),
	T(records_follow_each_other), T(made_again_from_zero_it_is_the_same),
	T(what_is_rolled_back_is_not_there), T(reports_are_judged), T(reports_have_limits))
