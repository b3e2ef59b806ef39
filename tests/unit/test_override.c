/* SPDX-License-Identifier: Apache-2.0 */
/* Keys go that devices still need: whose approvals count, of what (SPEC 38.3). */
#include "host/notary/override.h"
#include "host/sign/p256.h"
#include "rota/codec/purpose.h"
#include "tests/unit/notary_scene.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define AT 1800000000

static struct notary n;
static struct rota_named_key officers[2];
static struct rota_bytes file;
static const struct rota_override wanted = { .product = "p",
	.purpose = ROTA_PURPOSE_STORAGE,
	.generation = 7,
	.need = 3,
	.silent = 1,
	.reason = "a gateway burnt down" };

static bool begin(void)
{
	file = (struct rota_bytes){ 0 };
	if (!notary_begin(&n))
		return false;
	officers[0].name = "anna";
	officers[1].name = "bert";
	return rota_p256_of_pkey(n.s.soft.key[ANNA], officers[0].key) &&
		rota_p256_of_pkey(n.s.soft.key[BERT], officers[1].key) &&
		rota_override_write(&wanted, &file, &n.s.why) == ROTA_OK;
}

static void end(void)
{
	rota_bytes_free(&file);
	notary_end(&n);
}

static void approve(int officer, uint64_t expires_s, bool refuse)
{
	struct rota_override o = { .product = "p" };
	struct rota_bytes line = { 0 };
	struct rota_approval a;
	struct rota_span rest;
	struct rota_ask ask;

	if (rota_override_read(rota_bytes_span(&file), &o, &rest, &n.s.why) != ROTA_OK)
		abort();
	memcpy(ask.digest, o.digest, sizeof(ask.digest));
	notary_approve(&n, officer, &ask, expires_s, refuse, &a);
	rota_approval_write(&a, &line);
	rota_bytes_add(&file, rota_bytes_span(&line));
	rota_bytes_add_text(&file, "\n");
	rota_bytes_free(&line);
}

static enum rota_err judge(const struct rota_override *now)
{
	struct rota_override copy = *now;

	return rota_override_judge(officers, 2, rota_bytes_span(&file), AT, &copy, &n.s.why);
}

TEST(two_officers)
{
	struct rota_override now = wanted;

	CHECK(begin());
	CHECK_EQ(judge(&wanted), ROTA_ERR_THRESHOLD);
	approve(ANNA, AT + 60, false);
	CHECK_EQ(judge(&wanted), ROTA_ERR_THRESHOLD);
	approve(ANNA, AT + 61, false); /* one who says yes twice is one */
	approve(BERT, AT, false); /* over */
	approve(CARL, AT + 60, false); /* nobody's officer */
	CHECK_EQ(judge(&wanted), ROTA_ERR_THRESHOLD);
	approve(BERT, AT + 60, false);
	now.reason[0] = '\0';
	CHECK_OK(rota_override_judge(officers, 2, rota_bytes_span(&file), AT, &now, &n.s.why));
	CHECK(strcmp(now.reason, wanted.reason) == 0);
	approve(BERT, AT + 60, true);
	CHECK_EQ(judge(&wanted), ROTA_ERR_DENIED);
	end();
}

TEST(what_they_saw)
{
	static const struct {
		const char *reason;
		uint8_t purpose;
		uint32_t generation;
		uint64_t need;
		enum rota_err err;
	} rows[] = {
		{ "the very same", ROTA_PURPOSE_STORAGE, 7, 3, ROTA_OK },
		{ "fewer devices by now", ROTA_PURPOSE_STORAGE, 7, 2, ROTA_OK },
		{ "one more", ROTA_PURPOSE_STORAGE, 7, 4, ROTA_ERR_STATE },
		{ "another purpose", ROTA_PURPOSE_FIRMWARE, 7, 3, ROTA_ERR_STATE },
		{ "a higher generation", ROTA_PURPOSE_STORAGE, 8, 3, ROTA_ERR_STATE },
		{ "a lower one", ROTA_PURPOSE_STORAGE, 6, 3, ROTA_ERR_STATE },
	};

	CHECK(begin());
	approve(ANNA, AT + 60, false);
	approve(BERT, AT + 60, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_override now = wanted;

		ROW(rows[i].reason);
		now.purpose = rows[i].purpose;
		now.generation = rows[i].generation;
		now.need = rows[i].need;
		CHECK_EQ(judge(&now), rows[i].err);
	}
	ROW(NULL);
	end();
}

/* Another first line in the same file: of it nobody approved anything. */
TEST(changed_behind_them)
{
	static const struct {
		const char *reason, *from, *to;
		enum rota_err err;
	} rows[] = {
		{ "for more devices", "\"need\":3", "\"need\":9", ROTA_ERR_THRESHOLD },
		{ "for another reason", "burnt", "drown", ROTA_ERR_THRESHOLD },
		{ "another product", "\"p\"", "\"q\"", ROTA_ERR_PRODUCT },
		{ "no generation", "\"generation\":7", "\"generation\":0", ROTA_ERR_FORMAT },
		{ "another format", "\"format\":1", "\"format\":2", ROTA_ERR_FORMAT },
		{ "another type", "override\"", "overhead\"", ROTA_ERR_FORMAT },
		{ "no such purpose", "\"storage\"", "\"storing\"", ROTA_ERR_FORMAT },
		{ "a member more", "\"need\"", "\"near\"", ROTA_ERR_FORMAT },
		{ "no line", "\n", " ", ROTA_ERR_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *at;

		ROW(rows[i].reason);
		CHECK(begin());
		if (strcmp(rows[i].from, "\n") != 0) {
			approve(ANNA, AT + 60, false);
			approve(BERT, AT + 60, false);
		}
		rota_bytes_add_text(&file, "");
		at = memmem(file.p, file.len, rows[i].from, strlen(rows[i].from));
		CHECK(at != NULL);
		memcpy(at, rows[i].to, strlen(rows[i].to));
		CHECK_EQ(judge(&wanted), rows[i].err);
		end();
	}
}

TEST(reasons)
{
	struct rota_override o = wanted, again = { .product = "p" };
	struct rota_bytes line = { 0 };
	struct rota_span rest;
	struct rota_fail why;

	memset(o.reason, 'x', ROTA_OVERRIDE_REASON_MAX);
	CHECK_OK(rota_override_write(&o, &line, &why));
	CHECK_OK(rota_override_read(rota_bytes_span(&line), &again, &rest, &why));
	CHECK_EQ(rest.len, 0);
	CHECK(strcmp(again.reason, o.reason) == 0 && again.need == 3 && again.silent == 1);
	rota_bytes_free(&line);
	line = (struct rota_bytes){ 0 };
	o.reason[0] = '\0';
	CHECK_OK(rota_override_write(&o, &line, &why));
	CHECK_EQ(rota_override_read(rota_bytes_span(&line), &again, &rest, &why), ROTA_ERR_FORMAT);
	rota_bytes_free(&line);
}

TESTS(T(two_officers), T(what_they_saw), T(changed_behind_them), T(reasons))
