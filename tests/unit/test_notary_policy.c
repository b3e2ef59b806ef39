/* SPDX-License-Identifier: Apache-2.0 */
/* signd.ini: what is a rule, whom it fits, how often (SPEC 19.1, 19.4). */
#include "host/notary/rate.h"
#include "host/notary/refusal.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <sys/stat.h>

static struct notary n;

static const char *code(void)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(&n.s.why, &text);

	return row ? row->code : n.s.why.text;
}

TEST(loads)
{
	const struct rota_rule *rule;
	uint8_t digest[ROTA_DIGEST_LEN], other[ROTA_DIGEST_LEN];
	const struct rota_named_key *builders;
	size_t count;

	CHECK(notary_begin(&n));
	rule = rota_policy_rule(n.policy, "ci");
	CHECK(rule && rule->rate == 3 && rule->rate_s == 60 && rule->lifetime_s == 2 * 86400);
	rule = rota_policy_rule(n.policy, "everyone");
	CHECK(rule && rule->approvals == 2 && rota_policy_approves(rule, "anna"));
	CHECK(!rota_policy_approves(rule, "carl") && !rota_policy_approves(rule, "ann"));
	CHECK(rota_policy_scope(n.policy, "sensor") == rota_policy_scope_at(n.policy, 0));
	CHECK(!rota_policy_scope(n.policy, "other") && !rota_policy_scope_at(n.policy, 1));
	builders = rota_policy_builders(n.policy, &count);
	CHECK(count == 1 && strcmp(builders[0].name, "farm") == 0);
	CHECK(strcmp(rota_policy_log(n.policy)->origin, "sensor.rota.invalid/log") == 0);
	CHECK(strcmp(rota_policy_log(n.policy)->key.key, "log") == 0);
	CHECK_EQ(rota_policy_daemon(n.policy)->threads, 2);
	CHECK(rota_policy_registry(n.policy, "sensor") && !rota_policy_registry(n.policy, "motor"));
	CHECK(strcmp(rota_policy_registry(n.policy, "sensor")->label, "seald") == 0);
	CHECK_EQ(rota_policy_rule(n.policy, "rows")->rate, 360000);
	CHECK(rota_policy_lets(n.policy, ROTA_STR("sensor"), ROTA_STR("registry"), ROTA_ASK_ROWS));
	CHECK(!rota_policy_lets(n.policy, ROTA_STR("senso"), ROTA_STR("registry"), ROTA_ASK_ROWS));
	CHECK(!rota_policy_lets(n.policy, ROTA_STR("sensor"), ROTA_STR("time"), ROTA_ASK_ROWS));
	rota_policy_digest(n.policy, digest);
	CHECK_OK(notary_policy(&n, "3/1m", "4/1m"));
	rota_policy_digest(n.policy, other);
	CHECK(memcmp(digest, other, sizeof(digest)) != 0);
	notary_end(&n);
}

TEST(not_loaded)
{
	static const struct {
		const char *reason, *from, *to, *says;
	} rows[] = {
		{ "a misspelt setting", "socket =", "sockt = /x\nsocket =", "sockt" },
		{ "remote clients and nobody who checks them",
			"socket =", "remote_socket = /x\nsocket =", "client_ca" },
		{ "a flag that is none", "socket =", "lock = maybe\nsocket =", "yes nor no" },
		{ "another product's authority", "[scope sensor]", "[scope other]",
			"another product" },
		{ "a log key on no token", "t7:log", "t9:log", "TOKEN:KEY" },
		{ "an origin with a blank", "t7:log", "t7:log\norigin = a b", "blank" },
		{ "a client without identity", "uid = 1002", "x = 1", "lacks" },
		{ "a client of two identities", "uid = 1002", "uid = 1002\nspki = 11", "both" },
		{ "two clients of one uid", "uid = 1002", "uid = 1001", "another client" },
		{ "a client key that is none", "spki = 11", "spki = 1", "64 hex" },
		{ "an officer's key that is no point", "key = 04", "key = 05", "P-256" },
		{ "a rule for nobody", "who = ci", "who = cc", "no [client]" },
		{ "a rule for no scope", "scope = sensor", "scope = other", "no [scope]" },
		{ "a role that there is not", "role = ci", "role = cl", "SPEC 3.2" },
		{ "a kind that there is not", "kinds = metadata image", "kinds = metadata any",
			"kinds" },
		{ "a kind twice", "kinds = metadata image", "kinds = image image", "kinds" },
		{ "a role that people sign", "kinds = record", "kinds = metadata", "not online" },
		{ "production images", "kinds = record", "kinds = image", "not online" },
		{ "more approvals than approvers", "approvals = 2", "approvals = 3",
			"more than its approvers" },
		{ "approvals of what a device waits for", "kinds = metadata time ticket",
			"kinds = time\napprovals = 1\napprovers = anna", "devices wait" },
		{ "an approver who is none", "approvers = anna bert", "approvers = anna dora",
			"no [officer]" },
		{ "an approver twice", "approvers = anna bert", "approvers = anna anna", "twice" },
		{ "more builders than there are", "role = ci", "role = ci\nbuilders = 2",
			"more than there are" },
		{ "builders of what has none", "kinds = metadata time ticket",
			"kinds = metadata time ticket\nbuilders = 1", "role ci" },
		{ "a rate without a span", "rate = 3/1m", "rate = 3", "COUNT/DURATION" },
		{ "a rate of none", "rate = 3/1m", "rate = 0/1m", "COUNT/DURATION" },
		{ "a lifetime beyond the role's", "lifetime = 2d", "lifetime = 8d", "within" },
		{ "a list of no authority", "kinds = rows", "kinds = crl", "operational-ca" },
		{ "another kind of an authority", "kinds = certificate", "kinds = record",
			"operational-ca" },
		{ "a URL that is none", "authority =", "ocsp_url = ftp://x\nauthority =", "URL" },
		{ "rows of another role", "role = registry", "role = keys-store", "rows" },
		{ "another kind of its role", "kinds = rows", "kinds = rows record", "registry" },
		{ "rows without a registry",
			"[registry sensor]\nkey = registry.key\nmodule = /m.so\n"
			"label = seald\npin_file = pin\n",
			"", "[registry SCOPE]" },
		{ "a registry of no scope", "[registry sensor]", "[registry motor]", "no [scope]" },
		{ "a registry without its key", "key = registry.key", "kay = x", "key" },
		{ "rows that somebody approves", "kinds = rows",
			"kinds = rows\napprovals = 1\napprovers = anna", "devices wait" },
		{ "rows that end", "kinds = rows", "kinds = rows\nlifetime = 1d", "no end" },
		{ "two rules for one request", "who = chief", "who = engineer", "both for" },
	};

	CHECK(notary_begin(&n));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		CHECK(notary_policy(&n, rows[i].from, rows[i].to) != ROTA_OK);
		CHECK(strstr(n.s.why.text, rows[i].says));
	}
	notary_end(&n);
}

TEST(two_officers_of_one_key)
{
	EVP_PKEY *bert;
	enum rota_err err;

	CHECK(notary_begin(&n));
	bert = n.s.soft.key[BERT];
	n.s.soft.key[BERT] = n.s.soft.key[ANNA];
	err = notary_policy(&n, NULL, NULL);
	n.s.soft.key[BERT] = bert;
	CHECK_EQ(err, ROTA_ERR_FORMAT);
	CHECK(strstr(n.s.why.text, "another officer"));
	notary_end(&n);
}

TEST(two_builders_of_one_key)
{
	size_t count;
	char hex[2 * ROTA_P256_KEY_LEN + 1];
	char *twin;

	CHECK(notary_begin(&n));
	rota_hex(ROTA_SPAN(rota_policy_builders(n.policy, &count)[0].key), hex);
	twin = rota_text("[builder twin]\nkey = %s\n[builder farm]", hex);
	CHECK_EQ(notary_policy(&n, "[builder farm]", twin), ROTA_ERR_FORMAT);
	CHECK(strstr(n.s.why.text, "are one key"));
	free(twin);
	notary_end(&n);
}

TEST(others_may_write_it)
{
	/* tokens and their modules, thresholds and the anchor are the authority's; a folder is as good as what lies in it */
	static const struct {
		const char *name;
		mode_t mode, good;
	} rows[] = {
		{ "signd.ini", 0664, 0644 },
		{ "online/rota.ini", 0646, 0644 },
		{ "online/trust/root.json", 0664, 0644 },
		{ "online/trust", 0775, 0755 },
		{ "online", 0777, 0755 },
		{ ".", 0777, 01777 },
	};

	CHECK(notary_begin(&n));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].name);
		CHECK(chmod(tempdir_path(rows[i].name), rows[i].mode) == 0);
		rota_policy_free(n.policy);
		CHECK_EQ(rota_policy_load(tempdir_path("signd.ini"), &n.policy, &n.s.why),
			ROTA_ERR_DENIED);
		CHECK(chmod(tempdir_path(rows[i].name), rows[i].good) == 0);
		CHECK_OK(rota_policy_load(tempdir_path("signd.ini"), &n.policy, &n.s.why));
	}
	notary_end(&n);
}

TEST(finds_the_rule)
{
	struct rota_identity revoked = notary_ci;
	const struct {
		const char *reason;
		const struct rota_identity *who;
		const char *kind, *role, *want; /* rule, or code */
	} rows[] = {
		{ "the rule of a local client", &notary_engineer, "time", "time", "time" },
		{ "the same role by another client", &notary_chief, "metadata", "rollouts",
			"everyone" },
		{ "a client from afar", &notary_ci, "metadata", "ci", "ci" },
		{ "a stranger", &(struct rota_identity){ .uid = 0 }, "metadata", "rollouts",
			"identity" },
		{ "a stranger from afar, with a uid of ours",
			&(struct rota_identity){ .uid = 1000, .remote = true }, "metadata",
			"rollouts", "identity" },
		{ "a client whose certificate does not count", &revoked, "metadata", "ci",
			"identity" },
		{ "a client without rules", &notary_clerk, "metadata", "rollouts", "role" },
		{ "another's role", &notary_ci, "metadata", "rollouts", "role" },
		{ "a kind that is not his", &notary_ci, "time", "ci", "kind" },
	};

	CHECK(notary_begin(&n));
	revoked.refused = "revoked";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool time = strcmp(rows[i].kind, "time") == 0;
		const struct rota_rule *rule;
		const char *client;
		struct rota_ask ask;
		enum rota_err err;

		ROW(rows[i].reason);
		CHECK_OK(notary_ask(&n, rows[i].kind, rows[i].role,
			time ? json_pack("{s:s#,s:s#}", "device", &DIGEST[1], 64, "nonce",
				       &DIGEST[1], 32)
			     : json_pack("{s:{}}", "signed"),
			NULL, &ask));
		err = rota_policy_find(n.policy, rows[i].who, &ask, &rule, &client, &n.s.why);
		rota_ask_free(&ask);
		CHECK(strcmp(err == ROTA_OK ? rule->name : code(), rows[i].want) == 0);
	}
	notary_end(&n);
}

TEST(paths)
{
	CHECK(notary_begin(&n));
	CHECK(rota_policy_path(rota_policy_rule(n.policy, "ci"), "ci/sensor/1.0.0/release.json"));
	CHECK(!rota_policy_path(rota_policy_rule(n.policy, "ci"), "ci/other/1.0.0/release.json"));
	CHECK(rota_policy_path(rota_policy_rule(n.policy, "rollouts"), "rollouts/sensor.json"));
	CHECK(!rota_policy_path(rota_policy_rule(n.policy, "rollouts"), "ci/sensor/1.0.0/a"));
	CHECK(!rota_policy_path(rota_policy_rule(n.policy, "snapshot"), "rollouts/sensor.json"));
	notary_end(&n);
}

TEST(rate)
{
	const struct rota_rule rule = { .name = "ci", .rate = 3, .rate_s = 60 };
	struct rota_rate b = { 0 };
	uint64_t wait;

	for (int i = 0; i < 3; i++)
		CHECK_OK(rota_rate_take(&b, &rule, 1, 1000, &wait, &n.s.why));
	CHECK_EQ(rota_rate_take(&b, &rule, 1, 1000, &wait, &n.s.why), ROTA_ERR_BUSY);
	CHECK(strcmp(code(), "rate") == 0);
	CHECK_EQ(wait, 20);
	CHECK_EQ(rota_rate_take(&b, &rule, 1, 20999, &wait, &n.s.why), ROTA_ERR_BUSY);
	CHECK_OK(rota_rate_take(&b, &rule, 1, 21000, &wait, &n.s.why));
	CHECK_EQ(rota_rate_take(&b, &rule, 1, 21000, &wait, &n.s.why), ROTA_ERR_BUSY);
	/* several at once cost as much as one after the other, and what never fits is not waited for */
	CHECK_EQ(rota_rate_take(&b, &rule, 2, 41000, &wait, &n.s.why), ROTA_ERR_BUSY);
	CHECK_EQ(wait, 20);
	CHECK_OK(rota_rate_take(&b, &rule, 2, 61000, &wait, &n.s.why));
	CHECK_EQ(rota_rate_take(&b, &rule, 4, 200000, &wait, &n.s.why), ROTA_ERR_BUSY);
	CHECK_EQ(wait, 0);
	CHECK_EQ(rota_rate_take(&b, &rule, 1, 61000, &wait, &n.s.why), ROTA_ERR_BUSY);
	/* a clock that goes back gives nothing, one that leaps no more than a bucket */
	CHECK_EQ(rota_rate_take(&b, &rule, 1, 0, &wait, &n.s.why), ROTA_ERR_BUSY);
	for (int i = 0; i < 3; i++)
		CHECK_OK(rota_rate_take(&b, &rule, 1, UINT64_MAX / 2, &wait, &n.s.why));
	CHECK_EQ(rota_rate_take(&b, &rule, 1, UINT64_MAX / 2, &wait, &n.s.why), ROTA_ERR_BUSY);
}

TESTS(T(loads), T(not_loaded), T(two_officers_of_one_key), T(two_builders_of_one_key),
	T(others_may_write_it), T(finds_the_rule), T(paths), T(rate))
