/* SPDX-License-Identifier: Apache-2.0 */
/* The signing daemon's parser against who comes to it: whom the kernel says he is, how many places he gets, how much he may send,
 * how many of his refusals are entered, how many requests wait (SPEC 18.2, 18.6, 20.3). Connections are pairs of sockets. */
#include "apps/rota-signd/crowd.h"
#include "apps/rota-signd/desk.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW_MS ((uint64_t)1000000)

static struct notary n;
static struct plan plan;
static struct crowd crowd;
static struct desk desk;
static struct pending pending;
static int theirs[CROWD_MAX + 1]; /* clients' ends */

/* A policy that knows the user of this test as `engineer`, or does not. */
static bool begin(bool known)
{
	char uid[32];

	snprintf(uid, sizeof(uid), "uid = %u\n", (unsigned)geteuid());
	if (!notary_begin(&n) ||
		notary_policy(&n, known ? "uid = 1000\n" : NULL, known ? uid : NULL) != ROTA_OK)
		return false;
	plan = (struct plan){ .policy = n.policy };
	crowd = (struct crowd){ 0 };
	pending = (struct pending){ 0 };
	desk = (struct desk){ .plan = &plan, .pending = &pending };
	return rota_records_open(tempdir_path("."), &desk.records, &n.s.why) == ROTA_OK &&
		pending_open(&pending, tempdir_path("."), &n.s.why) == ROTA_OK;
}

static void end(void)
{
	crowd_close(&crowd);
	rota_records_free(desk.records);
	notary_end(&n);
}

/* One more comes; false: he is shut. */
static bool come(size_t i, struct rota_remote *remote)
{
	size_t before = crowd_count(&crowd);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	theirs[i] = pair[1];
	crowd_admit(&crowd, pair[0], &plan, remote, NOW_MS);
	return crowd_count(&crowd) == before + 1;
}

static void leave(size_t count)
{
	crowd_close(&crowd);
	for (size_t i = 0; i < count; i++)
		close(theirs[i]);
}

/* ---- who, and how many ---- */

TEST(who_the_kernel_says)
{
	CHECK(begin(true));
	CHECK(come(0, NULL));
	CHECK_EQ(crowd.conns[0].who.uid, geteuid());
	CHECK_EQ(crowd.conns[0].peer, geteuid());
	CHECK(!crowd.conns[0].who.remote && !crowd.conns[0].stranger);
	leave(1);
	end();
	CHECK(begin(false));
	CHECK(come(0, NULL));
	CHECK(crowd.conns[0].stranger);
	leave(1);
	end();
}

TEST(nginx_alone_at_the_other_door)
{
	struct rota_remote *remote = (struct rota_remote *)&crowd; /* is not looked at */

	CHECK(begin(false));
	plan.nginx.uid = geteuid() + 1;
	CHECK(!come(0, remote));
	plan.nginx.uid = geteuid();
	CHECK(come(1, remote));
	CHECK(!crowd.conns[0].stranger);
	leave(2);
	end();
}

TEST(of_one_user)
{
	CHECK(begin(true));
	for (size_t i = 0; i < CROWD_OF_ONE_MAX; i++)
		CHECK(come(i, NULL));
	CHECK(!come(CROWD_OF_ONE_MAX, NULL));
	conn_leave(&crowd.conns[7]);
	CHECK_EQ(crowd_count(&crowd), CROWD_OF_ONE_MAX - 1);
	CHECK(come(0, NULL));
	leave(CROWD_OF_ONE_MAX + 1);
	end();
}

TEST(of_strangers)
{
	CHECK(begin(false));
	for (size_t i = 0; i < CROWD_OF_STRANGERS_MAX; i++)
		CHECK(come(i, NULL));
	CHECK(!come(CROWD_OF_STRANGERS_MAX, NULL));
	/* of another user each */
	for (size_t i = 0; i < CROWD_OF_STRANGERS_MAX; i++)
		crowd.conns[i].peer = (uid_t)(geteuid() + 1 + i);
	CHECK(!come(CROWD_OF_STRANGERS_MAX, NULL));
	leave(CROWD_OF_STRANGERS_MAX);
	end();
}

TEST(no_place_at_all)
{
	CHECK(begin(true));
	for (size_t i = 0; i < CROWD_MAX; i++)
		crowd.conns[i] = (struct conn){
			.phase = CONN_HEAD, .fd = -1, .peer = (uid_t)(geteuid() + 1 + i)
		};
	CHECK(!come(0, NULL));
	crowd.conns[CROWD_MAX - 1].phase = CONN_FREE;
	CHECK(come(1, NULL));
	leave(2);
	end();
}

/* An answer of the log writer or a token is for who asked, not for who has his place now. */
TEST(whose_answer)
{
	uint64_t first, second;

	crowd = (struct crowd){ 0 };
	first = crowd_tag(&crowd, &crowd.conns[5]);
	second = crowd_tag(&crowd, &crowd.conns[5]);
	CHECK(first != second);
	crowd.conns[5].tag = second;
	crowd.conns[5].phase = CONN_TOKEN;
	CHECK(crowd_find(&crowd, second, CONN_TOKEN) == &crowd.conns[5]);
	CHECK(crowd_find(&crowd, first, CONN_TOKEN) == NULL);
	CHECK(crowd_find(&crowd, second, CONN_LOG) == NULL);
	crowd.conns[0].phase = CONN_LOG;
	CHECK(crowd_find(&crowd, 0, CONN_LOG) == NULL); /* nobody waits for such an entry */
	crowd = (struct crowd){ 0 };
}

/* ---- how much ---- */

TEST(what_all_hold)
{
	struct conn *big = &crowd.conns[1], *other = &crowd.conns[2];

	crowd = (struct crowd){ 0 };
	other->in.len = CROWD_BYTES_MAX / 2;
	other->deed.ask.bytes.len = CROWD_BYTES_MAX / 2 - 100;
	big->in.len = CROWD_SMALL_BYTES + 1;
	CHECK_EQ(crowd_room(&crowd, big), 100);
	other->deed.ask.bytes.len += 200;
	CHECK_EQ(crowd_room(&crowd, big), 0);
	big->in.len = CROWD_SMALL_BYTES;
	CHECK_EQ(crowd_room(&crowd, big), 2 * CROWD_SMALL_BYTES);
	crowd = (struct crowd){ 0 };
}

/* The status of what the client's end got; 0: nothing. */
static int status_of(int fd)
{
	char text[64] = "";

	if (recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) < 13)
		return 0;
	return atoi(text + 9);
}

TEST(what_one_sends)
{
	static const struct {
		const char *why, *text;
		size_t room;
		bool known, whole;
		int status; /* 0: he is heard */
	} rows[] = {
		{ "a request", "POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n{}",
			1000, true, true, 0 },
		{ "its beginning",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\n{}", 1000,
			true, false, 0 },
		{ "bytes behind it",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\n\r\n{}", 1000,
			true, false, 400 },
		{ "more than there is room for",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n{}", 20, true,
			false, 503 },
		{ "pieces of a length that is not said",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n",
			1000, true, false, 411 },
		{ "a client's 16 KiB and one",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 16385\r\n\r\n", 1000,
			true, false, 0 },
		{ "a stranger's 16 KiB and one",
			"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 16385\r\n\r\n", 1000,
			false, false, 413 },
		{ "bytes behind an artifact",
			"POST /v1/artifact/sensor HTTP/1.1\r\nHost: s\r\nContent-Length: "
			"1\r\n\r\n{}",
			1000, true, false, 400 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		ROW(rows[i].why);
		CHECK(begin(rows[i].known));
		CHECK(come(0, NULL));
		CHECK(send(theirs[0], rows[i].text, len, 0) == (ssize_t)len);
		CHECK_EQ(conn_read(&crowd.conns[0], rows[i].room, NOW_MS), rows[i].whole);
		CHECK_EQ(status_of(theirs[0]), rows[i].status);
		CHECK_EQ(crowd_count(&crowd), rows[i].status == 0);
		leave(1);
		end();
	}
}

/* Of who has no rule for images, nothing of an artifact is looked at. */
TEST(whose_artifact_is_read)
{
	static const char post[] =
		"POST /v1/artifact/sensor HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\n{}";

	CHECK(begin(true));
	CHECK(come(0, NULL));
	CHECK(send(theirs[0], post, sizeof(post) - 1, 0) == sizeof(post) - 1);
	CHECK(!conn_read(&crowd.conns[0], 1000, NOW_MS));
	CHECK_EQ(crowd.conns[0].phase, CONN_BODY);
	CHECK(crowd.conns[0].reader == NULL);
	leave(1);
	end();
}

static size_t late_count;

static void count_late(void *ctx, struct conn *c)
{
	(void)ctx;
	(void)c;
	late_count++;
}

TEST(who_is_slow)
{
	CHECK(begin(true));
	CHECK(come(0, NULL));
	late_count = 0;
	crowd_cut(&crowd, crowd.conns[0].until_ms - 1, count_late, NULL);
	CHECK_EQ(late_count, 0);
	crowd_cut(&crowd, crowd.conns[0].until_ms + 100, count_late, NULL);
	CHECK_EQ(late_count, 1);
	/* and who talks while an answer is due is gone, what he asked for goes on */
	crowd.conns[0].phase = CONN_LOG;
	CHECK(send(theirs[0], "x", 1, 0) == 1);
	CHECK(!conn_read(&crowd.conns[0], 1000, NOW_MS));
	CHECK(crowd.conns[0].gone && crowd.conns[0].phase == CONN_LOG);
	leave(1);
	end();
}

/* ---- how many refusals are entered (SPEC 18.6) ---- */

/* An ask that is none, of this user at this time: refused with this code. Whether it has an entry, and in *more what its record
 * counts. */
static bool refused(uint32_t uid, uint64_t ms, const char *as, json_int_t *more)
{
	const struct rota_identity who = { .uid = uid };
	const struct desk_time when = { 1800000000, ms };
	struct rota_bytes bytes = { 0 };
	struct rota_fail why;
	struct deed deed;
	json_t *record;
	bool said;

	rota_bytes_add_text(&bytes, "{}");
	desk_ask(&desk, &who, bytes, &when, &deed);
	if (desk_status(&deed) != 403 || strcmp(deed.answer.code, as) != 0)
		abort();
	said = !deed.unsaid;
	if (said && rota_json_parse(rota_bytes_span(&deed.record), &record, &why) == ROTA_OK) {
		*more = json_integer_value(json_object_get(record, "more"));
		json_decref(record);
	}
	deed_free(&deed);
	return said;
}

TEST(refusals_that_are_entered)
{
	json_int_t more = 0;

	CHECK(begin(false));
	for (int i = 0; i < DESK_REFUSALS_MAX; i++)
		CHECK(refused(1000, 60000, "member", &more) && more == 0);
	CHECK(!refused(1000, 61000, "member", &more));
	CHECK(!refused(1000, 119999, "member", &more));
	/* another client's are his own */
	CHECK(refused(1001, 119999, "member", &more) && more == 0);
	/* a minute later */
	CHECK(refused(1000, 120000, "member", &more) && more == 2);
	CHECK(refused(1000, 120000, "member", &more) && more == 0);
	/* strangers are one client, whoever they are */
	for (uint32_t i = 0; i < DESK_REFUSALS_MAX; i++)
		CHECK(refused(70000 + i, 120000, "identity", &more));
	CHECK(!refused(80000, 120000, "identity", &more));
	end();
}

/* ---- how many requests wait (SPEC 20.3) ---- */

static const char *code(void)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(&n.s.why, &text);

	return row ? row->code : "";
}

/* That a request of ours may wait too. */
static enum rota_err keep(struct rota_ask *ask)
{
	n.s.why = (struct rota_fail){ 0 };
	return pending_keep(&pending, "me", ask, &n.s.why);
}

TEST(requests_that_wait)
{
	struct rota_bytes bytes;
	struct rota_ask ask;
	char hex[ROTA_DIGEST_HEX], *path;

	CHECK(begin(false));
	CHECK_OK(notary_ask(&n, "metadata", "rollouts",
		json_pack("{s:{s:i}}", "signed", "version", 7), NULL, &ask));
	pending.count = PENDING_MAX;
	CHECK(keep(&ask) != ROTA_OK && strcmp(code(), "rate") == 0);
	pending.count = PENDING_MAX - 1;
	CHECK_OK(keep(&ask));
	pending.asks[3].len = PENDING_BYTES_MAX - ask.bytes.len + 1;
	CHECK(keep(&ask) != ROTA_OK && strcmp(code(), "rate") == 0);
	pending.asks[3].len--;
	CHECK_OK(keep(&ask));
	/* nobody alone fills the room */
	for (size_t i = 0; i < PENDING_MAX / PENDING_OF_ONE; i++)
		snprintf(pending.asks[i].client, sizeof(pending.asks[i].client), "me");
	pending.asks[3].len = 0;
	CHECK(keep(&ask) != ROTA_OK && strcmp(code(), "rate") == 0);
	pending.asks[0].client[0] = 'w';
	CHECK_OK(keep(&ask));
	pending.asks[3].len = PENDING_BYTES_MAX / PENDING_OF_ONE;
	CHECK(keep(&ask) != ROTA_OK && strcmp(code(), "rate") == 0);
	/* other bytes than were asked */
	CHECK_OK(pending_read(&pending, ask.digest, &bytes, &n.s.why));
	rota_bytes_free(&bytes);
	rota_hex(ROTA_SPAN(ask.digest), hex);
	path = rota_text("pending/%s", hex);
	tempdir_put(path, "{}");
	free(path);
	CHECK_EQ(pending_read(&pending, ask.digest, &bytes, &n.s.why), ROTA_ERR_HASH);
	rota_ask_free(&ask);
	end();
}

/* Entries ASKED beyond the most that wait. */
TEST(entries_that_wait)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_ASKED,
		.at_s = 1800000000,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("rollouts") };
	struct deed deed;

	CHECK(begin(false));
	for (size_t i = 0; i < PENDING_MAX + 2; i++) {
		char *record = rota_text(
			"{\"ask\":\"%064zx\",\"client\":\"chief\",\"rule\":\"everyone\"}", i);

		CHECK_OK(pending_entry(&pending, i, &leaf, rota_span_cstr(record)));
		free(record);
	}
	CHECK_EQ(pending.count, PENDING_MAX);
	/* each until its time */
	for (size_t i = 0; i < PENDING_MAX; i++)
		pending.asks[i].len = 10;
	CHECK(!desk_expire(&desk, leaf.at_s + PENDING_AGE_S - 1, &deed));
	CHECK(desk_expire(&desk, leaf.at_s + PENDING_AGE_S, &deed));
	CHECK_EQ(deed.kind, DEED_CLOSED);
	deed_free(&deed);
	end();
}

TESTS(T(who_the_kernel_says), T(nginx_alone_at_the_other_door), T(of_one_user), T(of_strangers),
	T(no_place_at_all), T(whose_answer), T(what_all_hold), T(what_one_sends),
	T(whose_artifact_is_read), T(who_is_slow), T(refusals_that_are_entered),
	T(requests_that_wait), T(entries_that_wait))
