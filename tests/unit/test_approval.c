/* SPDX-License-Identifier: Apache-2.0 */
/* Officers' approvals: whose, of what, until when (SPEC 20). */
#include "host/notary/refusal.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/test.h"

static struct notary n;
static struct rota_ask ask;
static const struct rota_rule *rule;

static const char *code(void)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(&n.s.why, &text);

	return row ? row->code : n.s.why.text;
}

static bool begin(void)
{
	if (!notary_begin(&n))
		return false;
	rule = rota_policy_rule(n.policy, "everyone");
	return notary_ask(&n, "metadata", "rollouts", json_pack("{s:{}}", "signed"), NULL, &ask) ==
		ROTA_OK;
}

static void end(void)
{
	rota_ask_free(&ask);
	notary_end(&n);
}

static enum rota_err check(const struct rota_approval *all, size_t count)
{
	return rota_approvals_check(n.policy, rule, all, count, ask.digest, NOW, &n.s.why);
}

TEST(two_of_two)
{
	struct rota_approval a[3];

	CHECK(begin());
	notary_approve(&n, ANNA, &ask, NOW + 60, false, &a[0]);
	notary_approve(&n, BERT, &ask, NOW + 60, false, &a[1]);
	CHECK_OK(check(a, 2));
	CHECK_EQ(check(a, 1), ROTA_ERR_THRESHOLD);
	CHECK(strcmp(code(), "approvals") == 0);
	/* one who says yes twice, at two times, is one */
	notary_approve(&n, ANNA, &ask, NOW + 61, false, &a[1]);
	CHECK_EQ(check(a, 2), ROTA_ERR_THRESHOLD);
	notary_approve(&n, BERT, &ask, NOW + 60, true, &a[2]);
	CHECK_EQ(check(a, 3), ROTA_ERR_THRESHOLD);
	CHECK(strstr(n.s.why.text, "said no"));
	end();
}

TEST(refused)
{
	struct rota_approval a;
	struct rota_ask other;

	CHECK(begin());
	notary_approve(&n, CARL, &ask, NOW + 60, false, &a);
	CHECK_EQ(check(&a, 1), ROTA_ERR_SIGNATURE);
	CHECK(strcmp(code(), "approver") == 0);
	notary_approve(&n, ANNA, &ask, NOW + 60, false, &a);
	a.key[0] ^= 1;
	CHECK_EQ(check(&a, 1), ROTA_ERR_SIGNATURE);
	notary_approve(&n, ANNA, &ask, NOW, false, &a);
	CHECK_EQ(check(&a, 1), ROTA_ERR_EXPIRED);
	CHECK(strcmp(code(), "expired") == 0);
	notary_approve(&n, ANNA, &ask, NOW + 7 * 86400 + 1, false, &a);
	CHECK_EQ(check(&a, 1), ROTA_ERR_EXPIRED);
	CHECK_OK(notary_ask(&n, "metadata", "rollouts", json_pack("{s:{s:i}}", "signed", "a", 1),
		NULL, &other));
	notary_approve(&n, ANNA, &other, NOW + 60, false, &a);
	rota_ask_free(&other);
	CHECK_EQ(check(&a, 1), ROTA_ERR_VERSION);
	CHECK(strcmp(code(), "replay") == 0);
	end();
}

/* Nothing of it can be changed after it was signed. */
TEST(signature_covers_all)
{
	struct rota_approval a;

	CHECK(begin());
	for (int i = 0; i < 4; i++) {
		notary_approve(&n, ANNA, &ask, NOW + 60, true, &a);
		if (i == 0)
			a.sig[63] ^= 1;
		if (i == 1)
			a.expires_s++;
		if (i == 2)
			a.refuse = false;
		if (i == 3)
			notary_sign(&n, BERT, &a);
		CHECK_EQ(check(&a, 1), ROTA_ERR_SIGNATURE);
		CHECK(strcmp(code(), "approver") == 0);
	}
	end();
}

TEST(text)
{
	static const struct file_edit rows[] = {
		{ "another type", "rota-approval", "rota-ask", ROTA_ERR_FORMAT },
		{ "another format", "\"format\":1", "\"format\":2", ROTA_ERR_FORMAT },
		{ "a blank", "\"format\":1", "\"format\": 1", ROTA_ERR_FORMAT },
		{ "an unknown member", "\"format\":1", "\"format\":1,\"g\":1", ROTA_ERR_FORMAT },
		{ "no yes or no", "\"refuse\":false", "\"refuse\":0", ROTA_ERR_FORMAT },
		{ "expires that is no time", "\"expires\":\"2", "\"expires\":\"x",
			ROTA_ERR_FORMAT },
		{ "a signature that is no DER", "\"sig\":\"30", "\"sig\":\"31", ROTA_ERR_FORMAT },
	};
	struct rota_approval a, again;
	struct rota_bytes bytes = { 0 };
	char room[2 * ROTA_APPROVAL_MAX];

	CHECK(begin());
	notary_approve(&n, ANNA, &ask, NOW + 60, false, &a);
	rota_approval_write(&a, &bytes);
	CHECK(bytes.len < ROTA_APPROVAL_MAX);
	CHECK_OK(rota_approval_parse(rota_bytes_span(&bytes), &again, &n.s.why));
	CHECK_MEM(again.ask, a.ask, sizeof(a.ask));
	CHECK_MEM(again.key, a.key, sizeof(a.key));
	CHECK_MEM(again.sig, a.sig, sizeof(a.sig));
	CHECK(again.expires_s == a.expires_s && !again.refuse);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_span text =
			file_edited((const char *)bytes.p, &rows[i], room, sizeof(room));

		ROW(rows[i].reason);
		CHECK(text.len > 0);
		CHECK_EQ(rota_approval_parse(text, &again, &n.s.why), rows[i].err);
	}
	memset(room, ' ', sizeof(room));
	CHECK(rota_approval_parse(rota_span(room, ROTA_APPROVAL_MAX + 1), &again, &n.s.why) !=
		ROTA_OK);
	CHECK(strstr(n.s.why.text, "at most"));
	rota_bytes_free(&bytes);
	end();
}

TESTS(T(two_of_two), T(refused), T(signature_covers_all), T(text))
