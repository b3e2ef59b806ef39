/* SPDX-License-Identifier: Apache-2.0 */
/* All campaigns that anybody knows of: those that wait and those that were approved, as the daemon says; then what the
 * repository lists of them. */
#include "apps/rota/campaign.h"
#include "host/notary/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const roles[] = { "keys-link", "keys-store" };

struct making {
	struct session *s;
	struct campaign_book *book;
	struct campaign *last; /* of the list at hand */
};

/* A new one behind the others. */
static struct campaign *add(struct campaign_book *b, const char *id)
{
	struct campaign *c;

	b->at = realloc(b->at, (b->count + 1) * sizeof(*b->at));
	if (!b->at)
		abort();
	c = &b->at[b->count++];
	*c = (struct campaign){ 0 };
	memcpy(c->id, id, sizeof(c->id));
	return c;
}

static struct campaign *find(const struct campaign_book *b, const char *id)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->at[i].id, id) == 0)
			return &b->at[i];
	return NULL;
}

/* ---- the daemon ---- */

static enum rota_err take_ask(
	struct making *m, const struct rota_ask *ask, enum campaign_stand stand)
{
	char id[ROTA_DIGEST_HEX];
	struct campaign *c;

	if (ask->kind != ROTA_ASK_CAMPAIGN || strcmp(ask->scope, m->s->dir.product) != 0)
		return ROTA_OK;
	rota_hex(ROTA_SPAN(ask->digest), id);
	if (find(m->book, id))
		return ROTA_OK;
	c = add(m->book, id);
	c->stand = stand;
	snprintf(c->reason, sizeof(c->reason), "%s", ask->reason);
	return rota_key_request_read(ask->body, &c->request, &m->s->why);
}

static enum rota_err take_approved(struct making *m, struct rota_client *c)
{
	static uint8_t ids[ROTA_CLIENT_CAMPAIGNS_MAX][ROTA_DIGEST_LEN];
	size_t count = 0;
	enum rota_err err = rota_client_campaigns(c, m->s->dir.product, ids, &count, &m->s->why);

	for (size_t i = 0; err == ROTA_OK && i < count; i++) {
		struct rota_ask ask;

		err = rota_client_campaign(c, ids[i], &ask, &m->s->why);
		if (err != ROTA_OK)
			break;
		err = take_ask(m, &ask, CAMPAIGN_APPROVED);
		rota_ask_free(&ask);
	}
	return err;
}

/* What stops waiting while it is asked for is no error. */
static enum rota_err take_waiting(struct making *m, struct rota_client *c)
{
	static uint8_t digests[ROTA_CLIENT_PENDING_MAX][ROTA_DIGEST_LEN];
	size_t count = 0;
	enum rota_err err = rota_client_pending(c, digests, &count, &m->s->why);

	for (size_t i = 0; err == ROTA_OK && i < count; i++) {
		struct rota_ask ask;
		json_t *was;

		err = rota_client_shown(c, digests[i], &ask, &was, &m->s->why);
		if (err == ROTA_ERR_NOT_FOUND) {
			err = ROTA_OK;
			continue;
		}
		if (err != ROTA_OK)
			break;
		err = take_ask(m, &ask, CAMPAIGN_WAITING);
		json_decref(was);
		rota_ask_free(&ask);
	}
	return err;
}

static enum rota_err take_daemons(struct making *m)
{
	struct rota_client *c;
	enum rota_err err;

	ROTA_TRY(campaign_client(m->s, &c));
	err = campaign_settle(m->s, c);
	if (err == ROTA_OK)
		err = take_approved(m, c);
	if (err == ROTA_OK)
		err = take_waiting(m, c);
	rota_client_close(c);
	return err;
}

/* ---- the repository ---- */

static enum campaign_stand stand_of(uint8_t state)
{
	static const enum campaign_stand stands[] = {
		[ROTA_CAMPAIGN_ACTIVE] = CAMPAIGN_ACTIVE,
		[ROTA_CAMPAIGN_PAUSED] = CAMPAIGN_PAUSED,
		[ROTA_CAMPAIGN_ABORTED] = CAMPAIGN_ABORTED,
		[ROTA_CAMPAIGN_DONE] = CAMPAIGN_DONE,
	};

	return stands[state];
}

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *listed)
{
	struct making *m = ctx;
	char id[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(listed->id), id);
	m->last = find(m->book, id);
	if (!m->last) {
		m->last = add(m->book, id);
		m->last->request.campaign = *listed;
	}
	m->last->stand = stand_of(listed->state);
	return ROTA_OK;
}

static enum rota_err on_tree(
	void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	struct making *m = ctx;

	(void)tree;
	(void)root;
	m->last->sealed += size;
	m->last->trees++;
	return ROTA_OK;
}

static enum rota_err take_list(struct making *m, const json_t *file)
{
	uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	static struct rota_keys_decoder d;
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(file, ROTA_JSON_FILE, &text, &m->s->why));
	rota_keys_begin(&d, (struct rota_keys_sink){ m, on_campaign, on_tree }, ROTA_BUF(names),
		ROTA_BUF(value));
	err = rota_keys_feed(&d, rota_bytes_span(&text));
	if (err == ROTA_OK)
		err = rota_keys_end(&d);
	rota_bytes_free(&text);
	return err == ROTA_OK
		? ROTA_OK
		: rota_fail(&m->s->why, err, "a list of campaigns: %s", rota_err_str(err));
}

static enum rota_err take_listed(struct making *m, const char *role)
{
	struct rota_ledger ledger;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_ledger_open(
		&m->s->dir, rota_keylist_kind(role), m->s->dir.product, &ledger, &m->s->why));
	if (json_integer_value(json_object_get(ledger.file, "sequence")) > 0)
		err = take_list(m, ledger.file);
	rota_ledger_close(&ledger);
	return err;
}

enum rota_err campaign_book_open(struct session *s, struct campaign_book *out)
{
	struct making m = { .s = s, .book = out };
	enum rota_err err;

	*out = (struct campaign_book){ 0 };
	err = take_daemons(&m);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && err == ROTA_OK; i++)
		err = take_listed(&m, roles[i]);
	if (err != ROTA_OK)
		campaign_book_close(out);
	return err;
}

void campaign_book_close(struct campaign_book *b)
{
	free(b->at);
	*b = (struct campaign_book){ 0 };
}

/* ---- looking ---- */

enum rota_err campaign_find(struct session *s, const struct campaign_book *b, const char *id,
	const struct campaign **out)
{
	size_t len = strlen(id);

	*out = NULL;
	if (len < CAMPAIGN_ID_LEAST)
		return rota_fail(&s->why, ROTA_ERR_ARGUMENT, "'%s': give %d digits of an id", id,
			CAMPAIGN_ID_LEAST);
	for (size_t i = 0; i < b->count; i++) {
		if (strncmp(b->at[i].id, id, len) != 0)
			continue;
		if (*out)
			return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
				"more than one campaign's id begins with %s", id);
		*out = &b->at[i];
	}
	return *out ? ROTA_OK
		    : rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			      "no campaign's id begins with %s; rota campaign list", id);
}

const struct campaign *campaign_newest(const struct campaign_book *b, uint8_t purpose)
{
	const struct campaign *newest = NULL;

	for (size_t i = 0; i < b->count; i++) {
		const struct campaign *c = &b->at[i];

		if (c->request.campaign.purpose != purpose || c->trees == 0 ||
			c->stand == CAMPAIGN_ABORTED)
			continue;
		if (!newest || c->request.campaign.generation > newest->request.campaign.generation)
			newest = c;
	}
	return newest;
}

/* One that nobody listed although a higher generation is, was overtaken; one that nobody listed in time was given up. */
const struct campaign *campaign_coming(
	const struct campaign_book *b, uint8_t purpose, uint64_t now_s)
{
	const struct campaign *newest = campaign_newest(b, purpose);
	uint32_t above = newest ? newest->request.campaign.generation : 0;

	for (size_t i = b->count; i > 0; i--) {
		const struct campaign *c = &b->at[i - 1];

		if (c->request.campaign.purpose == purpose && c->trees == 0 &&
			c->request.campaign.generation > above &&
			now_s < c->request.campaign.activation_s + ROTA_LEAD_S)
			return c;
	}
	return NULL;
}

const char *campaign_stand_word(enum campaign_stand stand)
{
	static const char *const words[] = {
		[CAMPAIGN_WAITING] = "waiting",
		[CAMPAIGN_APPROVED] = "approved",
		[CAMPAIGN_ACTIVE] = "active",
		[CAMPAIGN_PAUSED] = "paused",
		[CAMPAIGN_ABORTED] = "aborted",
		[CAMPAIGN_DONE] = "done",
	};

	return words[stand];
}
