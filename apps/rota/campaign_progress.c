/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/campaign_progress.h"
#include "host/campaign/row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000)

struct walk {
	struct session *s;
	struct campaign_progress *out;
	uint32_t generation;
	uint64_t silent_ms;
	FILE *rows; /* the export; NULL: all of the fleet are meant */
	uint32_t left; /* rows that were not read */
	char next[ROTA_DB_ID_LEN]; /* id of the row at hand; "": none */
};

/* ---- the export ---- */

static void next_row(struct walk *w)
{
	uint8_t bytes[ROTA_ROW_LEN];
	struct rota_row row;

	w->next[0] = '\0';
	if (w->left == 0 || fread(bytes, sizeof(bytes), 1, w->rows) != 1)
		return;
	w->left--;
	if (rota_row_read(bytes, &row) == ROTA_OK)
		rota_hex(ROTA_SPAN(row.device), w->next);
}

static enum rota_err open_export(struct walk *w, const char *id)
{
	uint8_t bytes[ROTA_EXPORT_HEAD_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_export head;

	campaign_path(w->s, id, "export", path);
	w->rows = fopen(path, "rbe");
	if (!w->rows && errno == ENOENT)
		return ROTA_OK;
	if (!w->rows)
		return rota_fail_errno(&w->s->why, errno, "%s", path);
	if (fread(bytes, sizeof(bytes), 1, w->rows) != 1 ||
		rota_export_decode(bytes, &head) != ROTA_OK)
		return rota_fail(&w->s->why, ROTA_ERR_FORMAT, "%s is no export (SPEC 30.3)", path);
	w->left = head.count;
	w->out->exported = true;
	next_row(w);
	return ROTA_OK;
}

/* Both ascend by id. */
static bool is_meant(struct walk *w, const char *id)
{
	if (!w->rows)
		return true;
	while (w->next[0] && strcmp(w->next, id) < 0)
		next_row(w);
	return strcmp(w->next, id) == 0;
}

/* ---- counting ---- */

/* The longest unseen first; who does not fit is seen more lately than all that are kept. */
static void keep_slow(
	struct campaign_progress *p, const struct rota_reg_line *line, enum rota_reach reach)
{
	size_t at = p->slow_count;

	while (at > 0 && p->slow[at - 1].seen_ms > line->seen_ms)
		at--;
	if (at == CAMPAIGN_SLOWEST_MAX)
		return;
	if (p->slow_count < CAMPAIGN_SLOWEST_MAX)
		p->slow_count++;
	memmove(&p->slow[at + 1], &p->slow[at], (p->slow_count - 1 - at) * sizeof(p->slow[0]));
	p->slow[at] = (struct campaign_slow){ .seen_ms = line->seen_ms, .reach = reach };
	memcpy(p->slow[at].id, line->id, sizeof(p->slow[at].id));
	memcpy(p->slow[at].serial, line->serial, sizeof(p->slow[at].serial));
}

static void count_need(struct walk *w, const struct rota_reg_line *line)
{
	enum rota_need need = w->generation > 1
		? rota_need_of(line, w->generation - 1, w->silent_ms)
		: ROTA_NEED_NONE;

	w->out->need += need != ROTA_NEED_NONE;
	w->out->silent += need == ROTA_NEED_SILENT;
}

static enum rota_err take(void *to, const struct rota_reg_line *line)
{
	const struct rota_holding *held = &line->holding.held;
	enum rota_reach reach = ROTA_REACH_WAITING;
	struct walk *w = to;
	struct campaign_progress *p = w->out;

	if (!is_meant(w, line->id) ||
		(line->state != ROTA_REG_ENROLLED && line->state != ROTA_REG_ACTIVE))
		return ROTA_OK;
	if (line->known)
		reach = rota_reach_of(held, w->generation);
	p->all++;
	p->reached[reach]++;
	count_need(w, line);
	p->wanting += held->active >= w->generation && (held->records & ROTA_HOLDING_RENEW) != 0;
	if (reach < ROTA_REACH_PROVED)
		keep_slow(p, line, reach);
	else if (line->holding.proved_ms > p->last_proved_ms)
		p->last_proved_ms = line->holding.proved_ms;
	return ROTA_OK;
}

enum rota_err campaign_progress(struct session *s, const struct campaign *c,
	const struct campaign_fleet *fleet, struct campaign_progress *out)
{
	struct walk w = { .s = s, .out = out, .generation = c->request.campaign.generation };
	uint64_t silent_s;
	enum rota_err err;

	*out = (struct campaign_progress){ 0 };
	ROTA_TRY(
		campaign_setting(s, "silent", 0, ROTA_PERIOD_MOST_S, CAMPAIGN_SILENT_S, &silent_s));
	w.silent_ms = s->desk.now > silent_s ? (s->desk.now - silent_s) * MS : 0;
	err = open_export(&w, c->id);
	if (err == ROTA_OK)
		err = fleet->reg.lines(
			fleet->reg.ctx, c->request.campaign.purpose, take, &w, &s->why);
	if (w.rows)
		fclose(w.rows);
	return err;
}

uint64_t campaign_proved(const struct campaign_progress *p)
{
	uint64_t proved = 0;

	for (size_t i = ROTA_REACH_PROVED; i < ROTA_REACHES; i++)
		proved += p->reached[i];
	return proved;
}
