/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign is asked for: the registry's rows are exported, the request names their digest, and the signing daemon gets it. The
 * request lies in DIR/campaigns before it is sent, and the export beside it, under the id that the request makes. */
#include "apps/rota/campaign.h"
#include "host/base/when.h"
#include "host/notary/client.h"
#include "host/notary/proxy.h"
#include "host/registry/needs.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SUITE 1

/* ---- which generation ---- */

/* One above all that were ever asked for, and all that any device has proved; or a higher one that somebody wants. */
static enum rota_err next_generation(struct session *s, const struct campaign_fleet *fleet,
	const struct campaign_book *book, const struct campaign_wish *wish, uint32_t *out)
{
	const uint8_t purpose = wish->purpose;
	static const uint32_t newest[ROTA_PURPOSES_MAX];
	struct rota_key_counts counts[ROTA_PURPOSES_MAX];
	uint32_t highest;

	ROTA_TRY(rota_key_counts(&fleet->reg, newest, counts, &s->why));
	highest = counts[purpose - 1].newest;
	for (size_t i = 0; i < book->count; i++) {
		const struct rota_key_campaign *c = &book->at[i].request.campaign;

		if (c->purpose == purpose && c->generation > highest)
			highest = c->generation;
	}
	*out = wish->generation ? wish->generation : highest + 1;
	if (wish->generation && wish->generation <= highest)
		return rota_fail(&s->why, ROTA_ERR_VERSION,
			"generation %u of %s was asked for or proved already", (unsigned)highest,
			rota_purpose_word(purpose));
	return highest < UINT32_MAX ? ROTA_OK
				    : rota_fail(&s->why, ROTA_ERR_LIMIT,
					      "no generation is left above %u", (unsigned)highest);
}

/* Two of one purpose are not made side by side. An emergency overtakes all but another emergency. */
static enum rota_err check_coming(
	struct session *s, const struct campaign_book *book, const struct campaign_wish *wish)
{
	const struct campaign *c = campaign_coming(book, wish->purpose, s->desk.now);

	if (!c || (wish->emergency && !c->request.campaign.emergency))
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_BUSY,
		"%s generation %u, campaign %.16s, is %s: it comes first%s",
		rota_purpose_word(wish->purpose), (unsigned)c->request.campaign.generation, c->id,
		campaign_stand_word(c->stand), wish->emergency ? "" : "; --emergency overtakes it");
}

/* ---- the export ---- */

enum rota_err campaign_export(struct session *s, const struct campaign_fleet *fleet,
	const char *devices, struct rota_exported *out)
{
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_export_plan plan = { .product = product, .path = path };
	struct rota_query *query;
	enum rota_err err;

	rota_authdir_path(&s->dir, CAMPAIGN_FOLDER, path);
	ROTA_TRY(rota_file_mkdirs(path, 0750, &s->why));
	campaign_path(s, CAMPAIGN_NEW, "export", path);
	rota_row_product(&rota_crypto_openssl, rota_span_cstr(s->dir.product), product);
	ROTA_TRY(rota_query_parse(devices, &query, &s->why));
	plan.query = query;
	err = rota_export_write(&fleet->reg, &plan, out, &s->why);
	rota_query_free(query);
	return err;
}

/* ---- the request ---- */

/* A time, or how long from now. */
static enum rota_err set_activation(
	struct session *s, const struct campaign_wish *wish, struct rota_key_campaign *c)
{
	uint64_t after, now = s->desk.now;

	if (!wish->activation)
		return ROTA_OK;
	if (rota_duration_parse(wish->activation, &after))
		c->activation_s = now + after;
	else if (!rota_when_parse(wish->activation, &c->activation_s))
		return rota_fail(&s->why, ROTA_ERR_FORMAT,
			"activation %s is no time, and no duration", wish->activation);
	if (c->activation_s <= now + ROTA_AHEAD_MOST_S)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_LIMIT,
		"activation %s is more than 90 days ahead (SPEC 32.5)", wish->activation);
}

static enum rota_err set_terms(
	struct session *s, const struct campaign_wish *wish, struct rota_key_campaign *c)
{
	uint64_t overlap;

	*c = (struct rota_key_campaign){ .purpose = wish->purpose,
		.suite = SUITE,
		.cipher = wish->cipher,
		.generation = c->generation,
		.emergency = wish->emergency };
	rota_schedule_plan(c, s->desk.now);
	if (wish->stages)
		ROTA_TRY(rota_schedule_stages(c, wish->stages, s->desk.now, &s->why));
	ROTA_TRY(set_activation(s, wish, c));
	if (!wish->overlap)
		return ROTA_OK;
	if (!rota_duration_parse(wish->overlap, &overlap) || overlap > UINT32_MAX)
		return rota_fail(
			&s->why, ROTA_ERR_FORMAT, "overlap %s is no duration", wish->overlap);
	c->overlap_s = (uint32_t)overlap;
	return ROTA_OK;
}

/* Who joins late has room as well: the daemon lists no more devices than the request says. */
static void set_devices(const struct campaign_wish *wish, const struct rota_exported *exported,
	struct rota_key_request *r)
{
	uint64_t late = wish->late == UINT64_MAX ? exported->count / 10 + 1 : wish->late;
	uint64_t most = exported->count + late;

	memcpy(r->export_sha256, exported->sha256, sizeof(r->export_sha256));
	r->expected = exported->count;
	r->most = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static enum rota_err set_names(
	struct session *s, const struct campaign_wish *wish, struct rota_key_request *r)
{
	if (wish->name)
		snprintf(r->name, sizeof(r->name), "%s", wish->name);
	else
		snprintf(r->name, sizeof(r->name), "%s-%u", rota_purpose_word(wish->purpose),
			(unsigned)r->campaign.generation);
	snprintf(r->product, sizeof(r->product), "%s", s->dir.product);
	snprintf(r->devices, sizeof(r->devices), "%s", wish->devices);
	if ((wish->name && strcmp(wish->name, r->name) != 0) ||
		strcmp(wish->devices, r->devices) != 0)
		return rota_fail(&s->why, ROTA_ERR_LIMIT, "a name has at most %d bytes, a query %d",
			ROTA_NAME_MAX, ROTA_KEY_DEVICES_MAX);
	return ROTA_OK;
}

/* The bytes whose SHA-256 is the campaign's id. */
static enum rota_err write_request(struct session *s, const struct campaign_wish *wish,
	const struct rota_key_request *r, struct rota_bytes *text)
{
	struct rota_ask ask = { .kind = ROTA_ASK_CAMPAIGN,
		.scope = s->dir.product,
		.role = rota_purpose_role(wish->purpose),
		.reason = wish->reason,
		.expires_s = s->desk.now + ROTA_PROXY_WAIT_S };
	struct rota_key_request again;
	enum rota_err err;

	if (getrandom(ask.id, sizeof(ask.id), 0) != (ssize_t)sizeof(ask.id))
		return rota_fail(&s->why, ROTA_ERR_IO, "the system gives no random numbers");
	ask.body = rota_key_request_write(r);
	err = rota_key_request_read(ask.body, &again, &s->why);
	if (err == ROTA_OK)
		err = rota_ask_write(&ask, text, &s->why);
	json_decref(ask.body);
	return err;
}

/* The export under its id first: a request without one would be of no use. */
static enum rota_err keep(struct session *s, const char *id, struct rota_span text)
{
	char from[ROTA_FILE_PATH_MAX], to[ROTA_FILE_PATH_MAX];

	campaign_path(s, CAMPAIGN_NEW, "export", from);
	campaign_path(s, id, "export", to);
	ROTA_TRY(rota_file_rename(from, to, &s->why));
	campaign_path(s, id, "ask", to);
	return rota_file_write(to, text, 0640, &s->why);
}

static enum rota_err send(struct session *s, struct campaign_asked *out)
{
	struct rota_answer answer = { 0 };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_fail ignored;
	struct rota_client *c;
	enum rota_err err;

	ROTA_TRY(campaign_client(s, &c));
	err = campaign_send(s, c, out->id, &answer);
	rota_client_close(c);
	out->granted = err == ROTA_OK;
	out->have = answer.have;
	out->need = answer.need;
	if (err == ROTA_OK || err == ROTA_ERR_BUSY)
		return ROTA_OK;
	if (answer.kind == ROTA_ANSWER_REFUSED && !rota_client_may_stand(&answer)) {
		campaign_path(s, out->id, "export", path);
		(void)!rota_file_remove(path, &ignored);
	}
	return rota_fail_in(&s->why, "campaign %.16s", out->id);
}

static enum rota_err prepare(struct session *s, const struct campaign_wish *wish,
	const struct campaign_fleet *fleet, struct campaign_asked *out)
{
	struct rota_key_request *r = &out->request;
	struct rota_exported exported;
	struct campaign_book book;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(campaign_book_open(s, &book));
	err = check_coming(s, &book, wish);
	if (err == ROTA_OK)
		err = next_generation(s, fleet, &book, wish, &r->campaign.generation);
	campaign_book_close(&book);
	if (err == ROTA_OK)
		err = set_terms(s, wish, &r->campaign);
	if (err == ROTA_OK)
		err = set_names(s, wish, r);
	if (err == ROTA_OK)
		err = campaign_export(s, fleet, wish->devices, &exported);
	ROTA_TRY(err);
	set_devices(wish, &exported, r);
	ROTA_TRY(write_request(s, wish, r, &text));
	rota_digest_hex(rota_bytes_span(&text), out->id);
	err = keep(s, out->id, rota_bytes_span(&text));
	rota_bytes_free(&text);
	return err;
}

enum rota_err campaign_ask(
	struct session *s, const struct campaign_wish *wish, struct campaign_asked *out)
{
	struct campaign_fleet fleet;
	enum rota_err err;

	*out = (struct campaign_asked){ 0 };
	ROTA_TRY(campaign_fleet_open(s, &fleet));
	err = prepare(s, wish, &fleet, out);
	campaign_fleet_close(&fleet);
	return err == ROTA_OK ? send(s, out) : err;
}

void campaign_say_asked(const struct campaign_asked *a, bool json)
{
	const struct rota_key_campaign *c = &a->request.campaign;
	char activation[ROTA_WHEN_LEN];

	rota_when_text(c->activation_s, activation);
	if (json) {
		printf("{\"activation\":\"%s\",\"approved\":%s,\"campaign\":\"%s\",\"devices\":%u,"
		       "\"generation\":%u,\"have\":%u,\"need\":%u,\"purpose\":\"%s\"}\n",
			activation, a->granted ? "true" : "false", a->id,
			(unsigned)a->request.expected, (unsigned)c->generation, a->have, a->need,
			rota_purpose_word(c->purpose));
		return;
	}
	printf("%s\n  %s generation %u for %u devices, activation %s\n", a->id,
		rota_purpose_word(c->purpose), (unsigned)c->generation,
		(unsigned)a->request.expected, activation);
	if (a->granted)
		printf("  approved; take " CAMPAIGN_FOLDER "/%.16s...export to rota-seald\n",
			a->id);
	else
		printf("  waits for approvals, %u of %u are there: rota approve %s\n", a->have,
			a->need, a->id);
}
