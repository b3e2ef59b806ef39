/* SPDX-License-Identifier: Apache-2.0 */
/* How campaigns stand, told to rotad: steps of host/registry/campaignlog.h, by its socket for operators (SPEC 30.9). The registry says
 * itself what it has heard so far, and its own table of steps which ones lead from there to how it stands. */
#include "apps/rota/campaign.h"
#include "apps/rota/fleet_census.h"
#include "host/fetch/fetch.h"
#include "host/registry/campaignlog.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALL_S 20 /* rotad answers when it stands in the database */
#define OK 200

struct telling {
	struct session *s;
	struct rota_fetch *fetch;
	struct rota_fetch_server rotad;
	const struct rota_regdb *reg;
	char by[ROTA_REG_TEXT_LEN];
};

/* ---- which steps ---- */

static uint8_t state_of(const struct campaign *c)
{
	static const uint8_t states[] = {
		[CAMPAIGN_WAITING] = ROTA_KEYLOG_REQUESTED,
		[CAMPAIGN_APPROVED] = ROTA_KEYLOG_APPROVED,
		[CAMPAIGN_ACTIVE] = ROTA_KEYLOG_PUBLISHED,
		[CAMPAIGN_PAUSED] = ROTA_KEYLOG_PAUSED,
		[CAMPAIGN_ABORTED] = ROTA_KEYLOG_ABORTED,
		[CAMPAIGN_DONE] = ROTA_KEYLOG_DONE,
	};

	return states[c->stand];
}

/* Steps from one state to another, the fewest, without the first: *path has room for all states. 0: there is no way. */
static size_t find_way(uint8_t from, uint8_t to, uint8_t path[static ROTA_KEYLOG_STATES])
{
	uint8_t before[ROTA_KEYLOG_STATES] = { 0 }, queue[ROTA_KEYLOG_STATES];
	size_t head = 0, tail = 0, count = 0;

	queue[tail++] = from;
	before[from] = from;
	while (head < tail && !before[to]) {
		uint8_t at = queue[head++];

		for (uint8_t next = 1; next < ROTA_KEYLOG_STATES; next++)
			if (!before[next] && rota_keylog_may(at, next)) {
				before[next] = at;
				queue[tail++] = next;
			}
	}
	if (!before[to])
		return 0;
	for (uint8_t at = to; at != from; at = before[at])
		count++;
	for (uint8_t at = to, n = 0; at != from; at = before[at], n++)
		path[count - 1 - n] = at;
	return count;
}

/* ---- records ---- */

static json_t *step_record(const struct telling *t, const struct campaign *c, uint8_t state)
{
	return json_pack("{s:s,s:s,s:s,s:s}", "by", t->by, "campaign", c->id, "did",
		rota_keylog_word(state), "why",
		c->trees ? "as the list of campaigns says" : "as the signing daemon says");
}

static json_t *first_record(const struct telling *t, const struct campaign *c)
{
	const struct rota_key_request *r = &c->request;

	return json_pack("{s:I,s:s,s:s,s:s,s:b,s:I,s:I,s:s,s:I,s:s,s:s,s:s}", "activation",
		(json_int_t)r->campaign.activation_s, "by", t->by, "campaign", c->id, "did",
		rota_keylog_word(ROTA_KEYLOG_REQUESTED), "emergency", r->campaign.emergency,
		"expected", (json_int_t)r->expected, "generation",
		(json_int_t)r->campaign.generation, "name", r->name, "overlap_s",
		(json_int_t)r->campaign.overlap_s, "product", r->product, "purpose",
		rota_purpose_word(r->campaign.purpose), "why", c->reason);
}

static enum rota_err post(struct telling *t, json_t *record)
{
	struct rota_fetch_answer answer;
	struct rota_bytes text;
	enum rota_err err;

	err = rota_json_encode(record, ROTA_JSON_FILE, &text, &t->s->why);
	json_decref(record);
	ROTA_TRY(err);
	err = rota_fetch_post(t->fetch, &t->rotad, "v1/record/campaign", rota_bytes_span(&text),
		CALL_S, &answer, &t->s->why);
	rota_bytes_free(&text);
	if (err == ROTA_OK && answer.status != OK)
		err = rota_fail(&t->s->why, ROTA_ERR_DENIED, "it answers %u", answer.status);
	return err;
}

/* ---- telling ---- */

static enum rota_err tell_one(struct telling *t, const struct campaign *c)
{
	uint8_t path[ROTA_KEYLOG_STATES], to = state_of(c);
	struct rota_reg_campaign known = { .state = ROTA_KEYLOG_REQUESTED };
	enum rota_err err = t->reg->campaign(t->reg->ctx, c->id, &known, &t->s->why);
	size_t count;

	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	if (err == ROTA_ERR_NOT_FOUND && !c->reason[0])
		return ROTA_OK; /* nobody knows what was asked for */
	if (err == ROTA_ERR_NOT_FOUND)
		ROTA_TRY(post(t, first_record(t, c)));
	count = known.state == to ? 0 : find_way(known.state, to, path);
	for (size_t i = 0; i < count; i++)
		ROTA_TRY(post(t, step_record(t, c, path[i])));
	return ROTA_OK;
}

static void set_by(struct telling *t)
{
	const struct passwd *user = getpwuid(getuid());

	snprintf(t->by, sizeof(t->by), "%s", user ? user->pw_name : "rota");
}

static enum rota_err tell_all(
	struct session *s, const char *socket, const struct campaign_book *book)
{
	static const struct rota_fetch_settings settings = {
		.user_agent = "rota", .connect_s = 5, .stall_s = CALL_S
	};
	struct telling t = { .s = s,
		.rotad = { .url = "http://rotad", .socket = socket, .plain = true } };
	struct campaign_fleet fleet;
	enum rota_err err;

	ROTA_TRY(campaign_fleet_open(s, &fleet));
	t.reg = &fleet.reg;
	t.fetch = rota_fetch_new(&settings);
	err = t.fetch ? ROTA_OK : rota_fail(&s->why, ROTA_ERR_FULL, "libcurl does not start");
	set_by(&t);
	for (size_t i = 0; i < book->count && err == ROTA_OK; i++)
		err = tell_one(&t, &book->at[i]);
	rota_fetch_free(t.fetch);
	campaign_fleet_close(&fleet);
	return err;
}

void campaign_tell(struct session *s, const struct campaign_book *book)
{
	struct rota_fail kept = s->why;
	char path[ROTA_FILE_PATH_MAX];

	if (!fleet_operators(s, path))
		return;
	if (tell_all(s, path, book) != ROTA_OK)
		fprintf(stderr, "rota: the registry was not told how campaigns stand: %s\n",
			s->why.text);
	s->why = kept;
}

void campaign_tell_anew(struct session *s)
{
	struct rota_fail kept = s->why;
	char path[ROTA_FILE_PATH_MAX];
	struct campaign_book book;

	if (!fleet_operators(s, path))
		return;
	if (campaign_book_open(s, &book) == ROTA_OK) {
		campaign_tell(s, &book);
		campaign_book_close(&book);
	}
	s->why = kept;
}
