/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/due.h"
#include "apps/rota-signd/parser_parts.h"
#include "apps/rota-signd/say.h"
#include "apps/rota-signd/turn.h"
#include "host/base/when.h"

#include <string.h>
#include <sys/socket.h>

/* Longer than a holder gives its module; then the signature will not come. */
#define TOKEN_MS 40000
#define LOG_MS 40000

static void answer(struct parser *p, struct conn *c)
{
	struct rota_bytes body = { 0 };
	uint64_t retry_s = c->deed.wait_s;
	int status = desk_status(&c->deed);

	standing_count(&p->standing, status);
	if (status == 503)
		retry_s = 10;
	if (status == 200 && c->deed.receipt.len > 0)
		rota_bytes_add(&body, rota_bytes_span(&c->deed.receipt));
	else
		rota_answer_write(&c->deed.answer, &body);
	conn_answer(c, status, rota_bytes_span(&body), retry_s, parser_now_ms());
	rota_bytes_free(&body);
}

void request_order(struct parser *p, uint64_t tag, const struct deed *deed)
{
	const struct ledger_parts parts = { .leaf = deed->leaf,
		.record = rota_bytes_span(&deed->record),
		.ask = deed->shown ? desk_shown(deed) : ROTA_STR("") };

	p->broken |= !ledger_order(&p->ledger, tag, &deed->order, &parts);
	if (tag == 0) /* the deed does not stay */
		p->broken |= !ledger_send(&p->ledger);
}

/* The deed of a request is known: it is entered, or answered. */
static void proceed(struct parser *p, struct conn *c)
{
	if (c->deed.unsaid) {
		answer(p, c);
		return;
	}
	c->tag = crowd_tag(&p->crowd, c);
	c->phase = CONN_LOG;
	c->until_ms = parser_now_ms() + LOG_MS;
	request_order(p, c->tag, &c->deed);
}

static void ask(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), parser_now_ms() };

	desk_ask(&p->desk, &c->who, conn_body(c), &when, &c->deed);
	proceed(p, c);
}

static void approve(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), parser_now_ms() };
	struct rota_bytes body = conn_body(c);

	desk_approve(&p->desk, &c->who, rota_bytes_span(&body), &when, &c->deed);
	rota_bytes_free(&body);
	proceed(p, c);
}

static void artifact(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), parser_now_ms() };

	desk_artifact(&p->desk, &c->who, c->route.word[0], c->reader, &when, &c->deed);
	proceed(p, c);
}

static void state(struct parser *p, struct conn *c)
{
	const struct desk_time when = { rota_when_now(), parser_now_ms() };

	if (desk_ask_again(&p->desk, &c->who, c->route.word[0], &when, &c->deed))
		proceed(p, c);
	else
		conn_answer(c, 404, ROTA_STR(""), 0, parser_now_ms());
}

static bool stand(struct parser *p, enum route_kind kind, struct rota_bytes *out)
{
	p->standing.entries = p->ledger.entries;
	p->standing.pending = p->ledger.pending.count;
	p->standing.connections = crowd_count(&p->crowd);
	if (kind == ROUTE_METRICS)
		standing_metrics(&p->standing, p->plan, out);
	else
		standing_json(&p->standing, p->plan, out);
	return true;
}

/* 503: the slots are others than the daemon's, which hears of it. */
static int show_due(const struct parser *p, const struct route *r, struct rota_bytes *out)
{
	const struct rota_authdir *scope = rota_policy_scope(p->plan->policy, r->word[0]);
	uint64_t now = rota_when_now();

	if (!scope || strcmp(r->word[1], "due") != 0)
		return 404;
	if (turn_is_stale(p->plan, scope, now)) {
		(void)send(p->supervisor, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		return 503;
	}
	return due_json(p->plan, scope, now, out) ? 200 : 404;
}

/* What there is to read: 200, or 404. What waits is for those alone whom signd.ini knows; public keys are public. */
static void show(struct parser *p, struct conn *c)
{
	const struct route *r = &c->route;
	struct rota_bytes body = { 0 };
	bool found = false;
	int status = 0;

	if (r->kind == ROUTE_KEYS)
		found = desk_keys(&p->desk, r->word[0], r->word[1], &body);
	else if (r->kind == ROUTE_SHOW && desk_knows(&p->desk, &c->who))
		found = desk_show(&p->desk, r->word[0], &body);
	else if (r->kind == ROUTE_LIST && desk_knows(&p->desk, &c->who)) {
		desk_list(&p->desk, &body);
		found = true;
	} else if (r->kind == ROUTE_NONCE && desk_knows(&p->desk, &c->who)) {
		found = desk_nonce(&p->desk, r->word[0], r->word[1], rota_when_now(), &body);
	} else if (r->kind == ROUTE_CAMPAIGNS && desk_knows(&p->desk, &c->who)) {
		found = desk_campaigns(&p->desk, r->word[0], &body);
	} else if (r->kind == ROUTE_CAMPAIGN && desk_knows(&p->desk, &c->who)) {
		found = desk_campaign(&p->desk, r->word[0], &body);
	} else if (r->kind == ROUTE_DUE && desk_knows(&p->desk, &c->who)) {
		status = show_due(p, r, &body);
	} else if (r->kind == ROUTE_STANDING || r->kind == ROUTE_METRICS) {
		found = desk_knows(&p->desk, &c->who) && stand(p, r->kind, &body);
	}
	if (!status)
		status = found ? 200 : 404;
	conn_answer(c, status, rota_bytes_span(&body), status == 503, parser_now_ms());
	rota_bytes_free(&body);
}

void request_route(struct parser *p, struct conn *c)
{
	switch (c->route.kind) {
	case ROUTE_ASK:
		ask(p, c);
		return;
	case ROUTE_APPROVE:
		approve(p, c);
		return;
	case ROUTE_STATE:
		state(p, c);
		return;
	case ROUTE_ARTIFACT:
		artifact(p, c);
		return;
	case ROUTE_LIST:
	case ROUTE_SHOW:
	case ROUTE_STANDING:
	case ROUTE_METRICS:
	case ROUTE_KEYS:
	case ROUTE_DUE:
	case ROUTE_NONCE:
	case ROUTE_CAMPAIGNS:
	case ROUTE_CAMPAIGN:
		show(p, c);
		return;
	}
}

/* The token did not sign: say so, and enter it (SPEC 21.4). */
static void fail(struct parser *p, struct conn *c, const char *text)
{
	struct deed failed;

	desk_failed(&c->deed, c->deed.answer.entry, text, rota_when_now(), &failed);
	request_order(p, 0, &failed);
	deed_free(&failed);
	p->standing.failed++;
	say("entry %llu: %s", (unsigned long long)c->deed.answer.entry, text);
	desk_refuse(&c->deed, ROTA_REFUSED_TOKEN, text);
	answer(p, c);
}

void request_logged(struct parser *p, struct conn *c, const struct signd_logged *logged)
{
	if (c->deed.kind != DEED_APPROVED) /* which tells of the entry ASKED */
		c->deed.answer.entry = logged->index;
	if (logged->err != ROTA_OK)
		desk_refuse(&c->deed, ROTA_REFUSED_LOG, "the log does not take entries now");
	else
		desk_settled(&p->desk, &c->deed, logged->index);
	c->missing = c->deed.order.count;
	if (c->deed.grant.batch.len > 0)
		c->missing = 1;
	if (c->deed.answer.kind == ROTA_ANSWER_REFUSED || c->missing == 0) {
		answer(p, c);
		return;
	}
	c->phase = CONN_TOKEN;
	c->until_ms = parser_now_ms() + TOKEN_MS;
}

void request_signed(struct parser *p, struct conn *c, size_t n, const struct rota_pool_done *done)
{
	if (done->err != ROTA_OK) {
		fail(p, c, done->text);
		return;
	}
	memcpy(c->deed.answer.sig[n].sig, done->sig, sizeof(done->sig));
	if (--c->missing > 0)
		return;
	desk_signed(&c->deed);
	answer(p, c);
}

void request_rows(struct parser *p, struct conn *c, const struct signd_rows_done *done)
{
	if (done->err != ROTA_OK) {
		fail(p, c, "the registrar could not read the items");
		return;
	}
	if (!desk_rows(&c->deed, done)) {
		fail(p, c, "the registrar answers something else");
		return;
	}
	if (c->deed.receipt.len > 0)
		answer(p, c);
}

void request_late(void *ctx, struct conn *c)
{
	if (c->phase == CONN_TOKEN)
		fail(ctx, c,
			c->deed.grant.batch.len > 0 ? "the registrar does not answer"
						    : "the token does not answer");
	else
		conn_leave(c);
}
