/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/db_sqlite/registry.h"
#include "ports/db_sqlite/sql.h"

#include <string.h>

/* Of holdings many are alike: counting walks the index alone. */
const char rota_sql_registry[] =
	"CREATE TABLE IF NOT EXISTS registry(id TEXT PRIMARY KEY, state INTEGER NOT NULL,"
	" serial TEXT NOT NULL, hardware TEXT NOT NULL, channel TEXT NOT NULL,"
	" \"group\" TEXT NOT NULL, region TEXT NOT NULL, owner TEXT NOT NULL,"
	" replaces TEXT NOT NULL, row BLOB NOT NULL, agreed INTEGER NOT NULL,"
	" said INTEGER NOT NULL, last BLOB NOT NULL, enrolled_ms INTEGER NOT NULL,"
	" seen_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS registry_state ON registry(state);"
	"CREATE TABLE IF NOT EXISTS holdings(device TEXT NOT NULL, purpose INTEGER NOT NULL,"
	" active INTEGER NOT NULL, staged INTEGER NOT NULL, proved INTEGER NOT NULL,"
	" held_from INTEGER NOT NULL, needed_from INTEGER NOT NULL, records INTEGER NOT NULL,"
	" wants INTEGER NOT NULL, stated_ms INTEGER NOT NULL, proved_ms INTEGER NOT NULL,"
	" PRIMARY KEY(device, purpose)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS holdings_alike ON"
	" holdings(purpose, active, staged, proved, held_from, needed_from, wants);"
	"CREATE TABLE IF NOT EXISTS key_campaigns(id TEXT PRIMARY KEY, name TEXT NOT NULL,"
	" product TEXT NOT NULL, purpose INTEGER NOT NULL, state INTEGER NOT NULL,"
	" emergency INTEGER NOT NULL, generation INTEGER NOT NULL, overlap_s INTEGER NOT NULL,"
	" activation_s INTEGER NOT NULL, expected INTEGER NOT NULL, asked_ms INTEGER NOT NULL,"
	" changed_ms INTEGER NOT NULL, \"by\" TEXT NOT NULL, why TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;";

enum statement {
	DEVICE,
	ROW,
	EACH,
	SET_DEVICE,
	COUNT,
	HOLDING,
	SET_HOLDING,
	DROP_HOLDINGS,
	LINES,
	ALIKE,
	CAMPAIGN,
	CAMPAIGNS,
	SET_CAMPAIGN,
	STATEMENTS,
};

_Static_assert(STATEMENTS <= ROTA_SQL_REGISTRY, "there is room for all of them");

/* A report is something from the device as well. */
#define SEEN "max(r.seen_ms, ifnull(d.last_seen_ms, 0))"
#define DEVICES                                                                                    \
	"SELECT r.id, r.state, r.serial, r.hardware, r.channel, r.\"group\", r.region, r.owner,"   \
	" r.replaces, r.row, r.agreed, r.said, r.last, r.enrolled_ms, " SEEN                       \
	" FROM registry r LEFT JOIN devices d ON d.id = r.id"
#define HELD                                                                                       \
	"h.purpose, h.active, h.staged, h.proved, h.held_from, h.needed_from, h.records,"          \
	" h.stated_ms, h.proved_ms"
#define CAMPAIGN_COLUMNS                                                                           \
	"id, name, product, purpose, state, emergency, generation, overlap_s, activation_s,"       \
	" expected, asked_ms, changed_ms, \"by\", why"

static const char *const sql[STATEMENTS] = {
	[DEVICE] = DEVICES " WHERE r.id = ?1",
	[ROW] = "SELECT state, row FROM registry WHERE id = ?1",
	[EACH] = DEVICES " ORDER BY r.id",
	[SET_DEVICE] = "INSERT OR REPLACE INTO registry(id, state, serial, hardware, channel,"
		       " \"group\", region, owner, replaces, row, agreed, said, last, enrolled_ms,"
		       " seen_ms)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[COUNT] = "SELECT count(*) FROM registry WHERE state = ?1",
	[HOLDING] = "SELECT h.device, " HELD " FROM holdings h WHERE device = ?1 AND purpose = ?2",
	[SET_HOLDING] = "INSERT OR REPLACE INTO holdings(device, purpose, active, staged, proved,"
			" held_from, needed_from, records, wants, stated_ms, proved_ms)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[DROP_HOLDINGS] = "DELETE FROM holdings WHERE device = ?1",
	[LINES] = "SELECT r.id, " HELD ", r.serial, r.state, " SEEN
		  " FROM registry r LEFT JOIN devices d ON d.id = r.id"
		  " LEFT JOIN holdings h ON h.device = r.id AND h.purpose = ?1 ORDER BY r.id",
	[ALIKE] = "SELECT purpose, active, staged, proved, held_from, needed_from, wants, count(*)"
		  " FROM holdings"
		  " GROUP BY purpose, active, staged, proved, held_from, needed_from, wants",
	[CAMPAIGN] = "SELECT " CAMPAIGN_COLUMNS " FROM key_campaigns WHERE id = ?1",
	[CAMPAIGNS] =
		"SELECT " CAMPAIGN_COLUMNS " FROM key_campaigns ORDER BY purpose, generation, id",
	[SET_CAMPAIGN] = "INSERT OR REPLACE INTO key_campaigns(" CAMPAIGN_COLUMNS ")"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
};

/* What we never wrote: nobody else may have written here. */
static enum rota_err strange(
	struct rota_db_sqlite *s, const char *table, const char *id, struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_CORRUPT,
		"%s: table %s has a row of '%s' that is none; move the file away and run rotad "
		"--rebuild",
		s->path, table, id);
}

/* A walk is over: by an error of what was done with a row, else by how the rows ended. */
static enum rota_err walked(sqlite3_stmt *st, enum rota_err end, enum rota_err err)
{
	sqlite3_reset(st);
	if (err != ROTA_OK)
		return err;
	return end == ROTA_ERR_NOT_FOUND ? ROTA_OK : end;
}

static enum rota_err read_device(struct rota_db_sqlite *s, sqlite3_stmt *st,
	struct rota_reg_device *out, struct rota_fail *why)
{
	rota_sql_text(st, 0, out->id, sizeof(out->id));
	out->state = (uint8_t)rota_sql_number(st, 1);
	rota_sql_text(st, 2, out->serial, sizeof(out->serial));
	rota_sql_text(st, 3, out->hardware, sizeof(out->hardware));
	rota_sql_text(st, 4, out->channel, sizeof(out->channel));
	rota_sql_text(st, 5, out->group, sizeof(out->group));
	rota_sql_text(st, 6, out->region, sizeof(out->region));
	rota_sql_text(st, 7, out->owner, sizeof(out->owner));
	rota_sql_text(st, 8, out->replaces, sizeof(out->replaces));
	out->agreed = (uint32_t)rota_sql_number(st, 10);
	out->said = (uint32_t)rota_sql_number(st, 11);
	out->enrolled_ms = rota_sql_number(st, 13);
	out->seen_ms = rota_sql_number(st, 14);
	if (rota_sql_bytes(st, 9, out->row, sizeof(out->row)) != sizeof(out->row) ||
		rota_sql_bytes(st, 12, out->last, sizeof(out->last)) != sizeof(out->last) ||
		out->state == 0 || out->state >= ROTA_REG_STATES)
		return strange(s, "registry", out->id, why);
	return ROTA_OK;
}

static enum rota_err device(
	void *ctx, const char *id, struct rota_reg_device *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[DEVICE];
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	rota_sql_bind_text(st, 1, id);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK)
		err = read_device(s, st, out, why);
	sqlite3_reset(st);
	return err;
}

static enum rota_err row(void *ctx, const char *id, uint8_t *state,
	uint8_t out[static ROTA_REG_ROW_LEN], struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[ROW];
	enum rota_err err;

	*state = 0;
	rota_sql_bind_text(st, 1, id);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK) {
		*state = (uint8_t)rota_sql_number(st, 0);
		if (rota_sql_bytes(st, 1, out, ROTA_REG_ROW_LEN) != ROTA_REG_ROW_LEN ||
			*state == 0 || *state >= ROTA_REG_STATES)
			err = strange(s, "registry", id, why);
	}
	sqlite3_reset(st);
	return err;
}

static enum rota_err set_device(void *ctx, const struct rota_reg_device *d, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[SET_DEVICE];

	rota_sql_bind_text(st, 1, d->id);
	rota_sql_bind_number(st, 2, d->state);
	rota_sql_bind_text(st, 3, d->serial);
	rota_sql_bind_text(st, 4, d->hardware);
	rota_sql_bind_text(st, 5, d->channel);
	rota_sql_bind_text(st, 6, d->group);
	rota_sql_bind_text(st, 7, d->region);
	rota_sql_bind_text(st, 8, d->owner);
	rota_sql_bind_text(st, 9, d->replaces);
	rota_sql_bind_bytes(st, 10, ROTA_SPAN(d->row));
	rota_sql_bind_number(st, 11, d->agreed);
	rota_sql_bind_number(st, 12, d->said);
	rota_sql_bind_bytes(st, 13, ROTA_SPAN(d->last));
	rota_sql_bind_number(st, 14, d->enrolled_ms);
	rota_sql_bind_number(st, 15, d->seen_ms);
	return rota_sql_run(s, st, why);
}

static enum rota_err each(void *ctx,
	enum rota_err (*take)(void *to, const struct rota_reg_device *device), void *to,
	struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[EACH];
	struct rota_reg_device d = { 0 };
	enum rota_err err = ROTA_OK, end = ROTA_OK;

	while (err == ROTA_OK && (end = rota_sql_row(s, st, why)) == ROTA_OK) {
		err = read_device(s, st, &d, why);
		if (err == ROTA_OK)
			err = take(to, &d);
	}
	return walked(st, end, err);
}

static enum rota_err count(void *ctx, uint8_t state, uint64_t *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[COUNT];
	enum rota_err err;

	rota_sql_bind_number(st, 1, state);
	err = rota_sql_row(s, st, why);
	*out = err == ROTA_OK ? rota_sql_number(st, 0) : 0;
	sqlite3_reset(st);
	return err;
}

/* Columns id and HELD. */
static enum rota_err read_holding(struct rota_db_sqlite *s, sqlite3_stmt *st,
	struct rota_reg_holding *out, struct rota_fail *why)
{
	rota_sql_text(st, 0, out->id, sizeof(out->id));
	out->held.purpose = (uint8_t)rota_sql_number(st, 1);
	out->held.active = (uint32_t)rota_sql_number(st, 2);
	out->held.staged = (uint32_t)rota_sql_number(st, 3);
	out->held.proved = (uint32_t)rota_sql_number(st, 4);
	out->held.held_from = (uint32_t)rota_sql_number(st, 5);
	out->held.needed_from = (uint32_t)rota_sql_number(st, 6);
	out->held.records = (uint32_t)rota_sql_number(st, 7);
	out->stated_ms = rota_sql_number(st, 8);
	out->proved_ms = rota_sql_number(st, 9);
	if (out->held.purpose == 0 || out->held.purpose > ROTA_PURPOSES_MAX)
		return strange(s, "holdings", out->id, why);
	return ROTA_OK;
}

static enum rota_err holding(void *ctx, const char *id, uint8_t purpose,
	struct rota_reg_holding *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[HOLDING];
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	rota_sql_bind_text(st, 1, id);
	rota_sql_bind_number(st, 2, purpose);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK)
		err = read_holding(s, st, out, why);
	sqlite3_reset(st);
	return err;
}

static enum rota_err set_holding(void *ctx, const struct rota_reg_holding *h, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[SET_HOLDING];

	rota_sql_bind_text(st, 1, h->id);
	rota_sql_bind_number(st, 2, h->held.purpose);
	rota_sql_bind_number(st, 3, h->held.active);
	rota_sql_bind_number(st, 4, h->held.staged);
	rota_sql_bind_number(st, 5, h->held.proved);
	rota_sql_bind_number(st, 6, h->held.held_from);
	rota_sql_bind_number(st, 7, h->held.needed_from);
	rota_sql_bind_number(st, 8, h->held.records);
	rota_sql_bind_number(st, 9, (h->held.records & ROTA_HOLDING_RENEW) != 0);
	rota_sql_bind_number(st, 10, h->stated_ms);
	rota_sql_bind_number(st, 11, h->proved_ms);
	return rota_sql_run(s, st, why);
}

static enum rota_err drop_holdings(void *ctx, const char *id, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;

	rota_sql_bind_text(s->reg[DROP_HOLDINGS], 1, id);
	return rota_sql_run(s, s->reg[DROP_HOLDINGS], why);
}

static enum rota_err read_line(struct rota_db_sqlite *s, sqlite3_stmt *st,
	struct rota_reg_line *out, struct rota_fail *why)
{
	memset(out, 0, sizeof(*out));
	out->known = sqlite3_column_type(st, 1) != SQLITE_NULL;
	if (out->known)
		ROTA_TRY(read_holding(s, st, &out->holding, why));
	rota_sql_text(st, 0, out->id, sizeof(out->id));
	rota_sql_text(st, 10, out->serial, sizeof(out->serial));
	out->state = (uint8_t)rota_sql_number(st, 11);
	out->seen_ms = rota_sql_number(st, 12);
	return ROTA_OK;
}

static enum rota_err lines(void *ctx, uint8_t purpose,
	enum rota_err (*take)(void *to, const struct rota_reg_line *line), void *to,
	struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[LINES];
	struct rota_reg_line line;
	enum rota_err err = ROTA_OK, end = ROTA_OK;

	rota_sql_bind_number(st, 1, purpose);
	while (err == ROTA_OK && (end = rota_sql_row(s, st, why)) == ROTA_OK) {
		err = read_line(s, st, &line, why);
		if (err == ROTA_OK)
			err = take(to, &line);
	}
	return walked(st, end, err);
}

static enum rota_err read_alike(struct rota_db_sqlite *s, sqlite3_stmt *st,
	struct rota_reg_alike *out, struct rota_fail *why)
{
	*out = (struct rota_reg_alike){
		.held.purpose = (uint8_t)rota_sql_number(st, 0),
		.held.active = (uint32_t)rota_sql_number(st, 1),
		.held.staged = (uint32_t)rota_sql_number(st, 2),
		.held.proved = (uint32_t)rota_sql_number(st, 3),
		.held.held_from = (uint32_t)rota_sql_number(st, 4),
		.held.needed_from = (uint32_t)rota_sql_number(st, 5),
		.wants = rota_sql_number(st, 6) != 0,
		.devices = rota_sql_number(st, 7),
	};
	if (out->held.purpose == 0 || out->held.purpose > ROTA_PURPOSES_MAX)
		return strange(s, "holdings", "some device", why);
	return ROTA_OK;
}

static enum rota_err alike(void *ctx,
	enum rota_err (*take)(void *to, const struct rota_reg_alike *group), void *to,
	struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[ALIKE];
	struct rota_reg_alike group;
	enum rota_err err = ROTA_OK, end = ROTA_OK;

	while (err == ROTA_OK && (end = rota_sql_row(s, st, why)) == ROTA_OK) {
		err = read_alike(s, st, &group, why);
		if (err == ROTA_OK)
			err = take(to, &group);
	}
	return walked(st, end, err);
}

static void read_campaign(sqlite3_stmt *st, struct rota_reg_campaign *out)
{
	memset(out, 0, sizeof(*out));
	rota_sql_text(st, 0, out->id, sizeof(out->id));
	rota_sql_text(st, 1, out->name, sizeof(out->name));
	rota_sql_text(st, 2, out->product, sizeof(out->product));
	out->purpose = (uint8_t)rota_sql_number(st, 3);
	out->state = (uint8_t)rota_sql_number(st, 4);
	out->emergency = rota_sql_number(st, 5) != 0;
	out->generation = (uint32_t)rota_sql_number(st, 6);
	out->overlap_s = (uint32_t)rota_sql_number(st, 7);
	out->activation_s = rota_sql_number(st, 8);
	out->expected = rota_sql_number(st, 9);
	out->asked_ms = rota_sql_number(st, 10);
	out->changed_ms = rota_sql_number(st, 11);
	rota_sql_text(st, 12, out->by, sizeof(out->by));
	rota_sql_text(st, 13, out->why, sizeof(out->why));
}

static enum rota_err campaign(
	void *ctx, const char *id, struct rota_reg_campaign *out, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[CAMPAIGN];
	enum rota_err err;

	rota_sql_bind_text(st, 1, id);
	err = rota_sql_row(s, st, why);
	if (err == ROTA_OK)
		read_campaign(st, out);
	sqlite3_reset(st);
	return err;
}

static enum rota_err set_campaign(
	void *ctx, const struct rota_reg_campaign *c, struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[SET_CAMPAIGN];

	rota_sql_bind_text(st, 1, c->id);
	rota_sql_bind_text(st, 2, c->name);
	rota_sql_bind_text(st, 3, c->product);
	rota_sql_bind_number(st, 4, c->purpose);
	rota_sql_bind_number(st, 5, c->state);
	rota_sql_bind_number(st, 6, c->emergency);
	rota_sql_bind_number(st, 7, c->generation);
	rota_sql_bind_number(st, 8, c->overlap_s);
	rota_sql_bind_number(st, 9, c->activation_s);
	rota_sql_bind_number(st, 10, c->expected);
	rota_sql_bind_number(st, 11, c->asked_ms);
	rota_sql_bind_number(st, 12, c->changed_ms);
	rota_sql_bind_text(st, 13, c->by);
	rota_sql_bind_text(st, 14, c->why);
	return rota_sql_run(s, st, why);
}

static enum rota_err campaigns(void *ctx,
	enum rota_err (*take)(void *to, const struct rota_reg_campaign *campaign), void *to,
	struct rota_fail *why)
{
	struct rota_db_sqlite *s = ctx;
	sqlite3_stmt *st = s->reg[CAMPAIGNS];
	struct rota_reg_campaign c;
	enum rota_err err = ROTA_OK, end = ROTA_OK;

	while (err == ROTA_OK && (end = rota_sql_row(s, st, why)) == ROTA_OK) {
		read_campaign(st, &c);
		err = take(to, &c);
	}
	return walked(st, end, err);
}

enum rota_err rota_db_sqlite_registry(
	struct rota_db_sqlite *s, struct rota_regdb *reg, struct rota_fail *why)
{
	for (int i = 0; i < STATEMENTS; i++)
		if (s->reg[i] == NULL)
			ROTA_TRY(rota_sql_prepare(s, sql[i], &s->reg[i], why));
	*reg = (struct rota_regdb){
		.ctx = s,
		.device = device,
		.row = row,
		.set_device = set_device,
		.each = each,
		.count = count,
		.holding = holding,
		.set_holding = set_holding,
		.drop_holdings = drop_holdings,
		.lines = lines,
		.alike = alike,
		.campaign = campaign,
		.set_campaign = set_campaign,
		.campaigns = campaigns,
	};
	return ROTA_OK;
}
