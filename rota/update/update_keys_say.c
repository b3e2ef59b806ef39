/* SPDX-License-Identifier: Apache-2.0 */
/* Statements (SPEC 35): each is made durable in what it promises before it goes out, so that after a cut the same one goes
 * out again, which the server takes for a repeat. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"
#include "rota/crypto/possession.h"

/* How far another number that the server knows may be above the own one (SPEC 34.4). */
#define JUMP_MAX ((uint32_t)1 << 16)

#define DAY_S 86400u
#define WEEK_S (7u * DAY_S)
#define SEALS_RENEW (UINT64_C(1) << 31) /* SPEC 31.7: half of what a key may seal */

/* ---- making ---- */

static struct rota_statement statement(const struct rota_update *u, enum rota_statement_kind kind)
{
	struct rota_statement s = { .kind = (uint8_t)kind };

	memcpy(s.device, rota_key_slots(u)->device, sizeof(s.device));
	return s;
}

/* Signed, into the desk. */
static enum rota_err sign(struct rota_update *u, const struct rota_statement *s)
{
	const struct rota_rot *rot = rota_key_slots(u)->rot;
	struct rota_key_desk *d = rota_key_desk(u);
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span body;

	d->statement_len = 0;
	ROTA_TRY(rota_statement_encode(
		s, rota_buf(d->statement, ROTA_STATEMENT_MAX - ROTA_P256_SIG_LEN), &body));
	rota_statement_digest(u->config.session.crypto, body, digest);
	ROTA_TRY(rot->sign(rot->ctx, ROTA_ROT_IDENTITY, digest, &d->statement[body.len]));
	d->statement_len = (uint16_t)(body.len + ROTA_P256_SIG_LEN);
	d->saying = s->kind;
	return ROTA_OK;
}

enum rota_err rota_key_say_proved(struct rota_update *u, const struct rota_key_slot *staged)
{
	const struct rota_crypto *crypto = u->config.session.crypto;
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);
	struct rota_statement s = statement(u, ROTA_STATEMENT_PROVED);
	struct rota_agree_next next;
	uint8_t confirm[32];
	enum rota_err err;

	s.purpose = staged->purpose;
	s.generation = d->generation = staged->generation;
	memcpy(s.campaign, staged->campaign, sizeof(s.campaign));
	memcpy(s.nonce, d->answer.head.nonce, sizeof(s.nonce));
	ROTA_TRY(rota_keyslots_prove(k, s.purpose, s.generation, &next));
	s.number = next.counter;
	memcpy(s.point, next.point, sizeof(s.point));
	err = rota_keyslots_key(
		k, s.purpose, s.generation, ROTA_USE_CONFIRM, false, ROTA_BUF(confirm));
	if (err == ROTA_OK)
		rota_possession(crypto, ROTA_SPAN(confirm), &s, s.proof);
	rota_wipe(confirm, sizeof(confirm));
	return err == ROTA_OK ? sign(u, &s) : err;
}

enum rota_err rota_key_say_anew(struct rota_update *u)
{
	struct rota_statement s = statement(u, ROTA_STATEMENT_ANEW);
	struct rota_agree_next next;

	ROTA_TRY(rota_keyslots_announce(rota_key_slots(u), &next));
	s.number = next.counter;
	memcpy(s.point, next.point, sizeof(s.point));
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		struct rota_key_held held;

		rota_keyslots_held(rota_key_slots(u), purpose, &held);
		if (held.proved != 0)
			s.holding[s.count++] =
				(struct rota_holding){ .purpose = purpose, .proved = held.proved };
	}
	return sign(u, &s);
}

enum rota_err rota_key_say_gone(struct rota_update *u)
{
	struct rota_statement s = statement(u, ROTA_STATEMENT_GONE);

	ROTA_TRY(rota_keyslots_statement(rota_key_slots(u), NULL, &s.number));
	return sign(u, &s);
}

/* ---- the report ---- */

static struct rota_holding holding(const struct rota_update *u, uint8_t purpose)
{
	const struct rota_update_keys *config = rota_key_config(u);
	const struct rota_keyslots *k = rota_key_slots(u);
	struct rota_holding h = { .purpose = purpose };
	struct rota_key_held held;

	rota_keyslots_held(k, purpose, &held);
	h.active = held.active;
	h.staged = held.staged;
	h.proved = held.proved;
	h.held_from = held.oldest;
	if (config->needs != NULL)
		h.needed_from = config->needs(config->vault_ctx, purpose);
	if (config->records != NULL)
		h.records = config->records(config->vault_ctx, purpose) & ~ROTA_HOLDING_RENEW;
	if (k->spent[purpose - 1] >= SEALS_RENEW)
		h.records |= ROTA_HOLDING_RENEW;
	return h;
}

/* Of what is said, but its number. */
static enum rota_err tag(struct rota_update *u, const struct rota_statement *s,
	uint8_t out[static ROTA_KEY_REPORT_TAG_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span body;

	ROTA_TRY(rota_statement_encode(s, ROTA_BUF(rota_key_desk(u)->statement), &body));
	rota_sha256_of(u->config.session.crypto, body, digest);
	memcpy(out, digest, ROTA_KEY_REPORT_TAG_LEN);
	return ROTA_OK;
}

static enum rota_err sum_up(
	struct rota_update *u, const struct rota_statement *s, struct rota_key_report *r)
{
	uint64_t now_s = rota_key_desk(u)->now_s;
	struct rota_statement bare = *s;

	for (uint8_t i = 0; i < bare.count; i++)
		bare.holding[i].records &= ROTA_HOLDING_RENEW;
	r->at_s = now_s > UINT32_MAX ? UINT32_MAX : now_s == 0 ? 1 : (uint32_t)now_s;
	ROTA_TRY(tag(u, s, r->all));
	return tag(u, &bare, r->generations);
}

/* SPEC 35.5: other generations are told at once, other numbers of records a day after the last report, and all of it after
 * a week, as silence counts as need. One that was not taken goes out again as it was. */
static bool is_due(const struct rota_key_report *last, const struct rota_key_report *now)
{
	uint32_t since = now->at_s >= last->at_s ? now->at_s - last->at_s : WEEK_S;
	bool same = memcmp(now->all, last->all, sizeof(now->all)) == 0;

	if (memcmp(now->generations, last->generations, sizeof(now->generations)) != 0)
		return true;
	return same ? !last->taken || since >= WEEK_S : since >= DAY_S;
}

enum rota_err rota_key_say_state(struct rota_update *u, bool *due)
{
	struct rota_keyslots *k = rota_key_slots(u);
	struct rota_statement s = statement(u, ROTA_STATEMENT_STATE);
	struct rota_key_report now = { 0 };

	*due = false;
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		struct rota_holding h = holding(u, purpose);

		if (h.held_from != 0 || h.needed_from != 0)
			s.holding[s.count++] = h;
	}
	if (s.count == 0 && k->state.report.at_s == 0)
		return ROTA_OK; /* it never had a key */
	s.number = 1;
	ROTA_TRY(sum_up(u, &s, &now));
	if (k->state.report.at_s != 0 && !is_due(&k->state.report, &now))
		return ROTA_OK;
	ROTA_TRY(rota_keyslots_statement(k, &now, &s.number));
	*due = true;
	return sign(u, &s);
}

/* ---- what the server says of it ---- */

void rota_up_keys_say_ask(const struct rota_update *u, struct rota_update_want *want)
{
	const struct rota_key_desk *d = rota_key_desk(u);

	want->statement = rota_span(d->statement, d->statement_len);
}

void rota_update_out_of_turn(struct rota_update *u, uint32_t counter)
{
	rota_key_desk(u)->told = counter;
	rota_update_done(u, ROTA_ERR_VERSION);
}

static enum rota_err taken(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);

	switch (d->saying) {
	case ROTA_STATEMENT_PROVED:
		return rota_keyslots_acknowledged(k, d->purpose, d->generation);
	case ROTA_STATEMENT_ANEW:
		return rota_keyslots_announced(k);
	case ROTA_STATEMENT_STATE:
		return rota_keyslots_stated(k);
	default:
		return rota_keyslots_forget(k);
	}
}

/* Who answers in the server's place may not wear flash and counter out: as with troubles that are told, some, then one for
 * so many refreshes that brought a new timestamp. */
static bool may_follow(struct rota_update *u)
{
	if (u->state.told > (ROTA_UPDATE_TOLD_MAX - 1) * ROTA_UPDATE_TOLD_COST)
		return false;
	u->state.told = (uint8_t)(u->state.told + ROTA_UPDATE_TOLD_COST);
	return true;
}

/* A server that was broken into could use all numbers up, and the device would say nothing any more. */
static bool is_near(const struct rota_update *u)
{
	const struct rota_key_desk *d = rota_key_desk(u);
	const struct rota_keystate *s = &rota_key_slots(u)->state;
	bool of_keys = d->saying == ROTA_STATEMENT_PROVED || d->saying == ROTA_STATEMENT_ANEW;
	uint32_t own = of_keys ? s->counter : s->statements;

	return d->told <= own || d->told - own <= JUMP_MAX;
}

/* The server knows another number: take it, and say it again, once in a cycle. */
static enum rota_err again(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	bool due;

	if (!may_follow(u) || !is_near(u))
		return ROTA_ERR_VERSION;
	if (d->saying == ROTA_STATEMENT_PROVED || d->saying == ROTA_STATEMENT_ANEW) {
		if (d->renewed)
			return ROTA_ERR_VERSION;
		d->renewed = true;
		ROTA_TRY(rota_key_renew(u, d->told));
		return rota_key_say_anew(u);
	}
	if (d->counted)
		return ROTA_ERR_VERSION;
	d->counted = true;
	ROTA_TRY(rota_keyslots_outnumbered(rota_key_slots(u), d->told));
	if (d->saying != ROTA_STATEMENT_STATE)
		return rota_key_say_gone(u);
	ROTA_TRY(rota_key_say_state(u, &due));
	return due ? ROTA_OK : ROTA_ERR_VERSION;
}

/* Whatever came of it. */
static enum rota_update_state behind(uint8_t kind)
{
	switch (kind) {
	case ROTA_STATEMENT_PROVED:
		return rota_key_state(ROTA_UP_KEYS_NEXT);
	case ROTA_STATEMENT_ANEW:
		return rota_key_state(ROTA_UP_KEYS_LIST);
	default:
		return rota_key_state(ROTA_UP_KEYS_END);
	}
}

enum rota_update_state rota_up_keys_say_done(struct rota_update *u, enum rota_err how)
{
	struct rota_key_desk *d = rota_key_desk(u);
	uint8_t kind = d->saying;
	enum rota_err err = how;

	if (how == ROTA_ERR_VERSION) {
		err = again(u);
		if (err == ROTA_OK)
			return rota_key_state(ROTA_UP_KEYS_SAY);
	} else if (how == ROTA_OK) {
		err = taken(u);
	} else if (how == ROTA_ERR_DENIED && kind == ROTA_STATEMENT_PROVED) {
		/* Back to the old one: this generation is not taken again. */
		if (rota_keyslots_disproved(rota_key_slots(u), d->purpose, d->generation) !=
			ROTA_OK)
			err = ROTA_ERR_IO;
	}
	u->bound.rising = false;
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_35);
	return behind(kind);
}
