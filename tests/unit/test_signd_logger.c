/* SPDX-License-Identifier: Apache-2.0 */
/* The log writer of rota-signd against a parser that somebody has taken over, and with a full disk: what it hands on to who
 * holds the keys. Here the test is parser and holder. */
#include "apps/rota-signd/beside.h"
#include "apps/rota-signd/ledger.h"
#include "apps/rota-signd/logger.h"
#include "apps/rota-signd/turn.h"
#include "host/base/when.h"
#include "host/sign/p256.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD "{\"approvals\":[],\"kind\":\"metadata\",\"rule\":\"%s\"}"

static struct notary n;
static struct plan plan;
static struct ledger ledger;
static pid_t writer;
static uint64_t tag;

static void heard(void *ctx, const struct signd_logged *logged)
{
	*(struct signd_logged *)ctx = *logged;
}

/* The holder of token t7 has the key of all online roles, and that of ci-image. */
static size_t key_named(const char *label)
{
	size_t i = 0;

	while (strcmp(plan.holders[0].keys[i].label, label) != 0)
		i++;
	return i;
}

/* Slots of a series: one of now, one whose overlap is over, one whose hour has not come, one of another product. */
enum { SLOT_NOW = 1, SLOT_OVER, SLOT_TO_COME, SLOT_OF_ANOTHER };

static void add_slots(void)
{
	const int64_t from_s[] = { -7200, -18001, 3700, -7200 };
	static struct rota_authdir another;

	another = *rota_policy_scope_at(n.policy, 0);
	another.product = "motors";
	for (uint64_t i = 0; i < 4; i++) {
		struct holder *h =
			plan_add(&plan, i == 3 ? &another : rota_policy_scope_at(n.policy, 0));
		uint64_t from = rota_when_now() + (uint64_t)from_s[i];
		uint64_t end = from + (i == 1 ? 3U : 4U) * 3600;

		h->slot = (struct rota_timeslot){ i + 2, from, end };
		turn_name(h, i + 2);
		for (size_t k = 0; k < 2; k++)
			memset(h->id[k], 0x20 + (int)(2 * i + k), ROTA_DIGEST_LEN);
	}
}

static bool begin(void)
{
	int ready[2];
	char byte;

	if (!notary_begin(&n) || plan_make(&plan, n.policy, &n.s.why) != ROTA_OK)
		return false;
	add_slots();
	if (plan_connect(&plan, &n.s.why) != ROTA_OK ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, ready) != 0 ||
		!rota_p256_of_pkey(n.s.soft.key[7], plan.log.keys[0].point))
		return false;
	for (size_t i = 0; i < plan.holders[0].key_count; i++)
		memset(plan.holders[0].id[i], 0x70 + (int)i, ROTA_DIGEST_LEN);
	writer = fork();
	if (writer == 0) {
		close(STDERR_FILENO);
		close(ready[0]);
		plan_keep(&plan, PLAN_LOGGER);
		_exit(logger_run(&plan, ready[1]));
	}
	close(ready[1]);
	close(plan.entries[0]);
	for (size_t i = 0; i < plan.holder_count; i++)
		close(plan.holders[i].order[1]);
	close(plan.registrar.order[1]);
	close(plan.log.order[0]); /* no checkpoint is waited for */
	close(plan.log.order[1]);
	ledger = (struct ledger){ .plan = &plan, .logged = heard };
	return recv(ready[0], &byte, 1, 0) == 1 && close(ready[0]) == 0;
}

static void end(void)
{
	close(plan.entries[1]);
	for (size_t i = 0; i < plan.holder_count; i++)
		close(plan.holders[i].order[0]);
	close(plan.registrar.order[0]);
	waitpid(writer, NULL, 0);
	ledger_close(&ledger);
	notary_end(&n);
}

/* ---- orders ---- */

struct draft {
	struct rota_leaf leaf;
	struct signd_order order;
	char record[8192];
	struct rota_span ask;
};

/* A grant of the next timestamp, as it should be. */
static struct draft good(void)
{
	struct draft d = { .leaf = { .kind = ROTA_LEAF_GRANTED,
				   .at_s = rota_when_now(),
				   .version = 1,
				   .scope = ROTA_STR("sensor"),
				   .role = ROTA_STR("timestamp") },
		.order = { .count = 1, .key = { (uint16_t)key_named("key") } } };

	memcpy(d.leaf.key, plan.holders[0].id[d.order.key[0]], sizeof(d.leaf.key));
	memset(d.leaf.message, 0x11, sizeof(d.leaf.message));
	snprintf(d.record, sizeof(d.record), RECORD, "timestamp");
	return d;
}

/* Send it and wait for what is said to it; the error. */
static int32_t enter(struct draft *d)
{
	uint8_t room[ROTA_LEAF_MAX];
	struct ledger_parts parts = {
		.leaf = room, .record = rota_span_cstr(d->record), .ask = d->ask
	};
	struct pollfd p = { .fd = plan.entries[1], .events = POLLIN };
	struct signd_logged logged = { .err = -1 };
	struct rota_span leaf;

	if (rota_leaf_encode(&d->leaf, ROTA_BUF(room), &leaf) != ROTA_OK)
		return -1;
	d->order.leaf_len = (uint16_t)leaf.len;
	d->order.record_len = (uint32_t)parts.record.len;
	ledger.ctx = &logged;
	if (!ledger_order(&ledger, ++tag, &d->order, &parts) || !ledger_send(&ledger))
		return -1;
	while (logged.tag != tag && poll(&p, 1, 60000) == 1)
		if (!ledger_hear(&ledger))
			return -1;
	return logged.err;
}

/* The round as the writer has it now. */
static void catch_up(void)
{
	CHECK_OK(ledger_read(&ledger, &n.s.why));
}

/* What the holder got since it was asked last: how many orders, and the last of them. */
static int handed_on(struct rota_pool_order *last)
{
	struct draft note = { .leaf = { .kind = ROTA_LEAF_REFUSED, .at_s = rota_when_now() },
		.record = "{}" };
	int count = 0;

	/* once this is answered, all before it is handed on */
	if (enter(&note) != ROTA_OK || enter(&note) != ROTA_OK)
		return -1;
	while (recv(plan.holders[0].order[0], last, sizeof(*last), MSG_DONTWAIT) ==
		(ssize_t)sizeof(*last))
		count++;
	return count;
}

TEST(what_the_entry_says_is_signed)
{
	struct rota_pool_order order;
	struct draft d;

	CHECK(begin());
	d = good();
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK_EQ(handed_on(&order), 1);
	CHECK_MEM(order.digest, d.leaf.message, sizeof(order.digest));
	CHECK_EQ(order.key, d.order.key[0]);
	CHECK_EQ(order.tag, signd_sig_tag(tag - 2, 0));
	end();
}

TEST(orders_that_do_not_fit_their_entry)
{
	static const struct {
		const char *why;
		uint8_t kind, count, holder;
		const char *key, *role, *scope;
		bool other_id;
	} rows[] = {
		{ "an entry that grants nothing", ROTA_LEAF_INCIDENT, 1, 0, "key", "timestamp",
			"sensor", false },
		{ "a grant without a signature", ROTA_LEAF_GRANTED, 0, 0, "key", "timestamp",
			"sensor", false },
		{ "three signatures", ROTA_LEAF_GRANTED, 3, 0, "key", "timestamp", "sensor",
			false },
		{ "the id of another key", ROTA_LEAF_GRANTED, 1, 0, "key", "timestamp", "sensor",
			true },
		{ "the key of another role", ROTA_LEAF_GRANTED, 1, 0, "ci-image", "timestamp",
			"sensor", false },
		{ "a role that there is not", ROTA_LEAF_GRANTED, 1, 0, "key", "other", "sensor",
			false },
		{ "another product", ROTA_LEAF_GRANTED, 1, 0, "key", "timestamp", "other", false },
		{ "an authority's key for what is no certificate", ROTA_LEAF_GRANTED, 1, 0, "o",
			"operational-ca", "sensor", false },
		{ "a certificate of no authority", ROTA_LEAF_ISSUED, 1, 0, "key", "timestamp",
			"sensor", false },
		{ "a certificate without its request", ROTA_LEAF_ISSUED, 1, 0, "o",
			"operational-ca", "sensor", false },
		{ "a list that nobody may ask for", ROTA_LEAF_CRL, 1, 0, "o", "operational-ca",
			"sensor", false },
		{ "a responder that nobody may ask for", ROTA_LEAF_RESPONDER, 1, 0, "o",
			"operational-ca", "sensor", false },
		{ "a revocation that nobody may ask for", ROTA_LEAF_REVOKED, 0, 0, "o",
			"operational-ca", "sensor", false },
		{ "a list by a key of no authority", ROTA_LEAF_CRL, 1, 0, "key", "timestamp",
			"sensor", false },
		{ "a holder that there is not", ROTA_LEAF_GRANTED, 1, 9, "key", "timestamp",
			"sensor", false },
	};
	struct rota_pool_order order;

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft d = good();

		ROW(rows[i].why);
		d.leaf.kind = rows[i].kind;
		d.leaf.role = rota_span_cstr(rows[i].role);
		d.leaf.scope = rota_span_cstr(rows[i].scope);
		d.order.count = rows[i].count;
		d.order.holder[0] = rows[i].holder;
		d.order.key[0] = (uint16_t)key_named(rows[i].key);
		memcpy(d.leaf.key, plan.holders[0].id[d.order.key[0]], sizeof(d.leaf.key));
		d.leaf.key[0] ^= rows[i].other_id;
		CHECK(enter(&d) != ROTA_OK);
		CHECK_EQ(handed_on(&order), 0);
		catch_up();
	}
	end();
}

/* SPEC 23.6: a slot's keys sign for their own role of their own scope, in their time. */
TEST(a_slot_signs_what_is_its_own)
{
	static const struct {
		const char *why;
		uint8_t holder, key;
		const char *role, *scope;
		bool good;
	} rows[] = {
		{ "its turn", SLOT_NOW, 1, "timestamp", "sensor", true },
		{ "the other role's key", SLOT_NOW, 0, "timestamp", "sensor", false },
		{ "that role", SLOT_NOW, 0, "snapshot", "sensor", true },
		{ "a role without slots", SLOT_NOW, 0, "rollouts", "sensor", false },
		{ "another product", SLOT_NOW, 1, "timestamp", "other", false },
		{ "another product's slot", SLOT_OF_ANOTHER, 1, "timestamp", "sensor", false },
		{ "its overlap is over", SLOT_OVER, 1, "timestamp", "sensor", false },
		{ "its hour has not come", SLOT_TO_COME, 1, "timestamp", "sensor", false },
		{ "a key that there is not", SLOT_NOW, 2, "timestamp", "sensor", false },
	};
	struct rota_pool_order order;

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft d = good();
		int fd = plan.holders[rows[i].holder].order[0];

		ROW(rows[i].why);
		d.leaf.role = rota_span_cstr(rows[i].role);
		d.leaf.scope = rota_span_cstr(rows[i].scope);
		snprintf(d.record, sizeof(d.record), RECORD, rows[i].role);
		d.order.holder[0] = rows[i].holder;
		d.order.key[0] = rows[i].key;
		memcpy(d.leaf.key, plan.holders[rows[i].holder].id[rows[i].key],
			sizeof(d.leaf.key));
		CHECK_EQ(enter(&d) == ROTA_OK, rows[i].good);
		CHECK_EQ(handed_on(&order), 0);
		CHECK_EQ(recv(fd, &order, sizeof(order), MSG_DONTWAIT) == (ssize_t)sizeof(order),
			rows[i].good);
		catch_up();
	}
	end();
}

/* What a device takes for the entry of a release (SPEC 22.3). */
TEST(a_release_is_entered_under_its_own_role)
{
	static const struct {
		const char *why;
		uint8_t kind, count;
		const char *role, *path;
		bool good;
		const char *scope; /* NULL: sensor */
	} rows[] = {
		{ "of a scope that is a release of another", ROTA_LEAF_RELEASE, 0, "releases",
			"releases/sensor/1.0.0/release.json", false, "sensor/1.0.0" },
		{ "of a scope that there is not", ROTA_LEAF_RELEASE, 0, "releases",
			"releases/other/1.0.0/release.json", false, "other" },
		{ "adopted at another place", ROTA_LEAF_OPENED, 0, "releases",
			"releases/motors/1.0.0/release.json", false, NULL },
		{ "adopted under another role", ROTA_LEAF_OPENED, 0, "timestamp",
			"releases/sensor/1.0.0/release.json", false, NULL },
		{ "a grant with a path", ROTA_LEAF_GRANTED, 1, "timestamp",
			"releases/sensor/1.0.0/release.json", false, NULL },
		{ "under another role", ROTA_LEAF_RELEASE, 0, "timestamp",
			"releases/sensor/1.0.0/release.json", false, NULL },
		{ "of another product", ROTA_LEAF_RELEASE, 0, "releases",
			"releases/motors/1.0.0/release.json", false, NULL },
		{ "of a product whose name begins alike", ROTA_LEAF_RELEASE, 0, "releases",
			"releases/sensors/1.0.0/release.json", false, NULL },
		{ "of no place", ROTA_LEAF_RELEASE, 0, "releases", "", false, NULL },
		{ "of another role's place", ROTA_LEAF_RELEASE, 0, "releases",
			"rollouts/sensor/1.0.0/release.json", false, NULL },
		{ "as it should be", ROTA_LEAF_RELEASE, 0, "releases",
			"releases/sensor/1.0.0/release.json", true, NULL },
	};
	struct rota_pool_order order;

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft d = good();

		ROW(rows[i].why);
		d.leaf.kind = rows[i].kind;
		d.leaf.role = rota_span_cstr(rows[i].role);
		d.leaf.path = rota_span_cstr(rows[i].path);
		if (rows[i].scope)
			d.leaf.scope = rota_span_cstr(rows[i].scope);
		d.order.count = rows[i].count;
		CHECK_EQ(enter(&d) == ROTA_OK, rows[i].good);
		CHECK_EQ(handed_on(&order), 0);
		catch_up();
	}
	end();
}

/* What is adopted needs nobody's approval: no more once something was signed (SPEC 19.6). */
TEST(nothing_is_adopted_later)
{
	struct draft opened, d;

	CHECK(begin());
	opened = d = good();
	opened.leaf.kind = ROTA_LEAF_OPENED;
	opened.leaf.role = ROTA_STR("releases");
	opened.leaf.path = ROTA_STR("releases/sensor/1.0.0/release.json");
	opened.order.count = 0;
	CHECK_EQ(enter(&opened), ROTA_OK);
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK(enter(&opened) != ROTA_OK);
	end();
}

/* Names that are read as "sensor" by who looks at a text, or at its beginning alone; and times. */
TEST(an_entry_is_of_now_and_of_a_scope_that_there_is)
{
	const struct {
		const char *why;
		uint8_t kind;
		struct rota_span scope;
		int64_t later_s;
		bool good;
	} rows[] = {
		{ "as it should be", ROTA_LEAF_INCIDENT, ROTA_STR("sensor"), 0, true },
		{ "a name with an end inside", ROTA_LEAF_OPENED, rota_span("sensor\0x", 8), 0,
			false },
		{ "no name", ROTA_LEAF_OPENED, ROTA_STR(""), 0, false },
		{ "an event of nobody", ROTA_LEAF_INCIDENT, ROTA_STR("other"), 0, false },
		{ "a refusal of nobody", ROTA_LEAF_REFUSED, ROTA_STR("other"), 0, true },
		{ "settings", ROTA_LEAF_POLICY, ROTA_STR("sensor"), 0, false },
		{ "an hour ago", ROTA_LEAF_INCIDENT, ROTA_STR("sensor"), -3600, false },
		{ "in an hour", ROTA_LEAF_INCIDENT, ROTA_STR("sensor"), 3600, false },
		{ "a refusal of an hour ago", ROTA_LEAF_REFUSED, ROTA_STR("sensor"), -3600, false },
		{ "a minute ago", ROTA_LEAF_INCIDENT, ROTA_STR("sensor"), -60, true },
	};

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft d = good();

		ROW(rows[i].why);
		d.leaf.kind = rows[i].kind;
		d.leaf.role = ROTA_STR("timestamp");
		d.leaf.scope = rows[i].scope;
		d.leaf.at_s += (uint64_t)rows[i].later_s;
		d.order.count = 0;
		CHECK_EQ(enter(&d) == ROTA_OK, rows[i].good);
		catch_up();
	}
	end();
}

/* A log is never shortened: one entry that the reader of it stops at, and the daemon starts no more. */
TEST(what_the_next_start_could_not_read)
{
	static const struct {
		const char *why;
		uint8_t kind;
		const char *role, *record;
	} rows[] = {
		{ "an officer's no to nothing", ROTA_LEAF_REFUSED, "rollouts",
			"{\"approval\":\"x\"}" },
		{ "a request without its digest", ROTA_LEAF_ASKED, "rollouts", "{}" },
		{ "a request that is no JSON", ROTA_LEAF_ASKED, "rollouts", "{" },
		{ "an approval that is none", ROTA_LEAF_APPROVED, "rollouts",
			"{\"approval\":\"x\",\"ask\":\"\"}" },
		{ "an artifact of nothing", ROTA_LEAF_BUILD, "ci", "{}" },
		{ "approvals of no request", ROTA_LEAF_INCIDENT, "timestamp",
			"{\"approvals\":[\"x\"]}" },
		{ "an event that is no JSON", ROTA_LEAF_INCIDENT, "timestamp", "x" },
	};

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft d = good();

		ROW(rows[i].why);
		d.leaf.kind = rows[i].kind;
		d.leaf.role = rota_span_cstr(rows[i].role);
		snprintf(d.record, sizeof(d.record), "%s", rows[i].record);
		d.order.count = 0;
		CHECK(enter(&d) != ROTA_OK);
		catch_up();
	}
	end();
}

TEST(what_was_judged_after_it_falls_too)
{
	struct rota_pool_order order;
	struct draft bad, next;

	CHECK(begin());
	bad = good();
	next = good();
	bad.order.count = 0;
	CHECK(enter(&bad) != ROTA_OK);
	CHECK_EQ(enter(&next), ROTA_ERR_STATE);
	CHECK_EQ(handed_on(&order), 0); /* refusals are entered all the same */
	catch_up();
	CHECK_EQ(enter(&next), ROTA_OK);
	CHECK_EQ(handed_on(&order), 1);
	end();
}

/* No file of the writer's may grow, but for what goes beside a message. */
static bool fill_disk(bool full)
{
	const struct rlimit limit = { full ? 64 : RLIM_INFINITY, RLIM_INFINITY };

	return prlimit(writer, RLIMIT_FSIZE, &limit, NULL) == 0;
}

TEST(what_is_not_durable_is_not_handed_on)
{
	struct rota_pool_order order;
	struct draft d;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(begin());
	d = good();
	CHECK(fill_disk(true));
	CHECK_EQ(enter(&d), ROTA_ERR_FULL);
	CHECK(fill_disk(false));
	CHECK_EQ(handed_on(&order), 0);
	CHECK_EQ(enter(&d), ROTA_ERR_STATE);
	catch_up();
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK_EQ(handed_on(&order), 1);
	end();
}

/* ---- approvals ---- */

/* A rollout that takes those of anna and bert, with theirs. */
static struct draft approved(struct rota_ask *ask, int second)
{
	struct draft d = good();
	struct rota_approval a[2];
	struct rota_bytes text[2] = { { 0 } };
	json_t *record;
	char *dump, hex[ROTA_DIGEST_HEX];

	if (notary_ask(&n, "metadata", "rollouts", json_pack("{s:{s:i}}", "signed", "version", 7),
		    NULL, ask) != ROTA_OK)
		abort();
	notary_approve(&n, ANNA, ask, rota_when_now() + 3600, false, &a[0]);
	notary_approve(&n, second, ask, rota_when_now() + 3600, false, &a[1]);
	for (int i = 0; i < 2; i++)
		rota_approval_write(&a[i], &text[i]);
	rota_hex(ROTA_SPAN(ask->digest), hex);
	record = json_pack("{s:[s,s],s:s,s:s,s:s}", "approvals", text[0].p, text[1].p, "ask", hex,
		"kind", "metadata", "rule", "everyone");
	dump = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	snprintf(d.record, sizeof(d.record), "%s", dump);
	d.leaf.role = ROTA_STR("rollouts");
	d.leaf.version = 7;
	rota_digest_of(ask->signed_, d.leaf.message);
	d.ask = rota_bytes_span(&ask->bytes);
	for (int i = 0; i < 2; i++)
		rota_bytes_free(&text[i]);
	json_decref(record);
	free(dump);
	return d;
}

/* Refused, and nothing handed on. */
static void falls(const char *why, struct draft *d)
{
	struct rota_pool_order order;

	ROW(why);
	CHECK(enter(d) != ROTA_OK);
	CHECK_EQ(handed_on(&order), 0);
	catch_up();
}

TEST(approvals_are_checked_here_too)
{
	struct rota_pool_order order;
	struct rota_ask ask, other;
	struct draft d, again;

	CHECK(begin());
	d = approved(&other, CARL);
	falls("one is no approver", &d);
	rota_ask_free(&other);
	d = approved(&ask, BERT);
	d.ask = ROTA_STR("");
	falls("no request", &d);
	d.ask = rota_bytes_span(&ask.bytes);
	d.leaf.message[0] ^= 1;
	falls("another message than in the request", &d);
	d.leaf.message[0] ^= 1;
	d.leaf.version++;
	falls("another version", &d);
	d.leaf.version--;
	again = d;
	snprintf(again.record, sizeof(again.record), RECORD, "everyone");
	falls("none", &again);
	snprintf(again.record, sizeof(again.record), RECORD, "nobody");
	falls("a rule that there is not", &again);
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK_EQ(handed_on(&order), 1);
	/* an answer that was lost */
	snprintf(again.record, sizeof(again.record), RECORD, "everyone");
	again.ask = ROTA_STR("");
	CHECK_EQ(enter(&again), ROTA_OK);
	CHECK_EQ(handed_on(&order), 1);
	again.leaf.version = 1000;
	falls("but not as another version", &again);
	again.leaf.version = d.leaf.version;
	again.leaf.message[0] ^= 1;
	falls("and no other message", &again);
	rota_ask_free(&ask);
	end();
}

/* SPEC 20.7: whoever could would keep devices out for good. */
TEST(nobody_is_over_where_nobody_may_say_so)
{
	struct draft d;

	CHECK(begin());
	d = good();
	d.leaf.kind = ROTA_LEAF_REVOKED;
	d.leaf.role = ROTA_STR("operational-ca");
	d.order.count = 0;
	snprintf(d.record, sizeof(d.record), "%s",
		"{\"approvals\":[],\"kind\":\"revoke\",\"rule\":\"logins\",\"what\":{"
		"\"serial\":\"5a\"}}");
	CHECK(enter(&d) != ROTA_OK);
	end();
}

/* ---- rows of the registry (SPEC 20.6) ---- */

static uint8_t batch[] = "ROTAITM\x01\x02\0\0\0\x01\0\0\0a\x01\0\0\0b";
#define BATCH rota_span(batch, sizeof(batch) - 1)

static struct draft rows(void)
{
	struct draft d = good();

	d.leaf.kind = ROTA_LEAF_ROWS;
	d.leaf.role = ROTA_STR("registry");
	d.leaf.version = 2;
	memset(d.leaf.key, 0, sizeof(d.leaf.key));
	rota_digest_of(BATCH, d.leaf.message);
	d.order.count = 0;
	d.ask = BATCH;
	snprintf(d.record, sizeof(d.record),
		"{\"approvals\":[],\"kind\":\"rows\",\"rule\":\"rows\"}");
	return d;
}

/* What the registrar gets; false: nothing. */
static bool registrar_got(struct signd_rows_order *order, struct rota_bytes *file)
{
	struct draft note = { .leaf = { .kind = ROTA_LEAF_REFUSED, .at_s = rota_when_now() },
		.record = "{}" };

	/* once this is answered, all before it is handed on */
	if (enter(&note) != ROTA_OK || enter(&note) != ROTA_OK)
		return false;
	return beside_recv(plan.registrar.order[0], rota_buf((uint8_t *)order, sizeof(*order)),
		       MSG_DONTWAIT, ROTA_ROWS_BATCH_MAX, file) == (ssize_t)sizeof(*order);
}

TEST(the_registrar_gets_what_the_entry_names)
{
	struct signd_rows_order order;
	struct rota_bytes file = { 0 };
	struct draft d;

	CHECK(begin());
	d = rows();
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK(registrar_got(&order, &file));
	CHECK_EQ(order.tag, tag - 2);
	CHECK_MEM(order.digest, d.leaf.message, sizeof(order.digest));
	CHECK(strcmp(order.scope, "sensor") == 0);
	CHECK(rota_span_eq(rota_bytes_span(&file), BATCH));
	CHECK(!registrar_got(&order, &file));
	rota_bytes_free(&file);
	end();
}

/* A parser that was taken over. */
TEST(rows_that_nobody_may_have)
{
	struct signd_rows_order order;
	struct rota_bytes file = { 0 };
	static const struct {
		const char *why, *role, *scope;
		uint8_t count, kind;
		bool other_bytes, other_count, nothing;
	} cases[] = {
		{ "a role without such a rule", "keys-store", "sensor", 0, ROTA_LEAF_ROWS, false,
			false, false },
		{ "a product without one", "registry", "motor", 0, ROTA_LEAF_ROWS, false, false,
			false },
		{ "other items than the entry names", "registry", "sensor", 0, ROTA_LEAF_ROWS, true,
			false, false },
		{ "more items than the entry says", "registry", "sensor", 0, ROTA_LEAF_ROWS, false,
			true, false },
		{ "no items", "registry", "sensor", 0, ROTA_LEAF_ROWS, false, false, true },
		{ "a signature beside them", "registry", "sensor", 1, ROTA_LEAF_ROWS, false, false,
			false },
	};

	CHECK(begin());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft d = rows();

		ROW(cases[i].why);
		d.leaf.role = rota_span_cstr(cases[i].role);
		d.leaf.scope = rota_span_cstr(cases[i].scope);
		d.leaf.kind = cases[i].kind;
		d.leaf.version -= cases[i].other_count;
		d.leaf.message[0] ^= cases[i].other_bytes;
		d.order.count = cases[i].count;
		if (cases[i].nothing)
			d.ask = ROTA_STR("");
		CHECK(enter(&d) != ROTA_OK);
		CHECK(!registrar_got(&order, &file));
		catch_up();
	}
	ROW("an entry of another kind");
	{
		struct draft d = rows();

		d.leaf.kind = ROTA_LEAF_INCIDENT;
		CHECK_EQ(enter(&d), ROTA_OK);
		CHECK(!registrar_got(&order, &file));
	}
	rota_bytes_free(&file);
	end();
}

TEST(no_rows_before_their_entry_is_durable)
{
	struct signd_rows_order order;
	struct rota_bytes file = { 0 };
	struct draft d;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(begin());
	d = rows();
	CHECK(fill_disk(true));
	CHECK_EQ(enter(&d), ROTA_ERR_FULL);
	CHECK(fill_disk(false));
	CHECK(!registrar_got(&order, &file));
	catch_up();
	CHECK_EQ(enter(&d), ROTA_OK);
	CHECK(registrar_got(&order, &file));
	rota_bytes_free(&file);
	end();
}

TESTS(T(what_the_entry_says_is_signed), T(orders_that_do_not_fit_their_entry),
	T(a_slot_signs_what_is_its_own), T(a_release_is_entered_under_its_own_role),
	T(nothing_is_adopted_later), T(an_entry_is_of_now_and_of_a_scope_that_there_is),
	T(what_the_next_start_could_not_read), T(what_was_judged_after_it_falls_too),
	T(what_is_not_durable_is_not_handed_on), T(approvals_are_checked_here_too),
	T(the_registrar_gets_what_the_entry_names), T(rows_that_nobody_may_have),
	T(no_rows_before_their_entry_is_durable), T(nobody_is_over_where_nobody_may_say_so))
