/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper has of a series: brought there, and back when it is due. */
#include "apps/rota/series.h"
#include "apps/rota/slots.h"
#include "host/base/when.h"
#include "host/repo/ahead.h"
#include "host/series/link.h"
#include "ports/pkcs11/handed.h"

#include <stdio.h>
#include <unistd.h>

/* A keeper that has been silent for so long since the hour of a slot is an alarm (it begins in an hour, then). */
#define SILENT_S 7200
/* People have to come together for the next series. */
#define WARN_S (7 * 86400)

/* Its own token, and nobody has its PIN here. */
static bool is_shut(const struct rota_ahead *a, size_t i)
{
	return a->kept[i] && !a->open[i];
}

static enum rota_err seal(struct session *s, int fd, const struct rota_timeslot *slot)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_ahead_file(&s->dir, slot->version, &file, &s->why));
	err = rota_link_put_root(fd, slot->version, slot->from_s, rota_bytes_span(&file), &s->why);
	rota_bytes_free(&file);
	ROTA_TRY(err);
	return rota_ahead_sealed(&s->dir, slot->version, &s->why);
}

/* Root, then PINs: those are forgotten there once they are durable here. */
static enum rota_err bring(struct session *s, int fd, uint64_t version)
{
	struct slots_token where;
	struct rota_bytes root;
	enum rota_err err;

	slots_token(&s->dir, version, false, true, &where);
	ROTA_TRY(rota_link_take(fd, version, &root, &s->why));
	err = rota_ahead_arrived(&s->dir, version, rota_bytes_span(&root), false, &s->why);
	rota_bytes_free(&root);
	ROTA_TRY(err);
	ROTA_TRY(rota_pkcs11_handed_take(&where.token, fd, &s->why));
	ROTA_TRY(rota_link_done(fd, &s->why));
	return series_record(s, json_pack("{s:s,s:I}", "did", "open", "slot", (json_int_t)version));
}

static enum rota_err seal_all(struct session *s, const struct rota_ahead *a, int fd)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		if (is_shut(a, i) && a->root[i])
			ROTA_TRY(seal(s, fd, &a->timeline.at[i]));
	return ROTA_OK;
}

static bool is_due(const struct session *s, const struct rota_ahead *a, size_t i)
{
	const struct rota_timeslot *slot = &a->timeline.at[i];

	return is_shut(a, i) && slot->from_s <= s->desk.now + ROTA_OVERLAP_S;
}

/* In order: a root is verified under the one before it. */
static enum rota_err bring_all(struct session *s, const struct rota_ahead *a, int fd)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		if (is_due(s, a, i))
			ROTA_TRY(bring(s, fd, a->timeline.at[i].version));
	return ROTA_OK;
}

static bool anything(const struct session *s, const struct rota_ahead *a)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		if ((is_shut(a, i) && a->root[i]) || is_due(s, a, i))
			return true;
	return false;
}

enum rota_err slots_tend(struct session *s)
{
	struct rota_ahead ahead;
	enum rota_err err;
	int fd = -1;

	ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	if (!anything(s, &ahead)) {
		rota_ahead_close(&ahead);
		return ROTA_OK;
	}
	if (!s->dir.keeper)
		err = rota_fail(&s->why, ROTA_ERR_STATE,
			"slots of this series are with a keeper, and [series] names none");
	else
		err = rota_link_open(s->dir.keeper, &fd, &s->why);
	if (err == ROTA_OK)
		err = seal_all(s, &ahead, fd);
	if (err == ROTA_OK)
		err = bring_all(s, &ahead, fd);
	if (fd >= 0)
		close(fd);
	rota_ahead_close(&ahead);
	if (err != ROTA_OK)
		fprintf(stderr, "rota: %s\n", s->why.text);
	return ROTA_OK;
}

static void warn_shut(const struct session *s, const struct rota_ahead *a)
{
	for (size_t i = 0; i < a->timeline.count; i++) {
		const struct rota_timeslot *slot = &a->timeline.at[i];
		char begin[ROTA_WHEN_LEN];

		if (!is_due(s, a, i))
			continue;
		rota_when_text(slot->from_s, begin);
		fprintf(stderr,
			"rota: %sslot %llu, which begins at %s, is not open: see to the keeper\n",
			s->desk.now + ROTA_OVERLAP_S >= slot->from_s + SILENT_S ? "ALARM: " : "",
			(unsigned long long)slot->version, begin);
		return; /* those behind it wait for it */
	}
}

/* The last of all is a landing root, and nothing is signed behind it. */
static void warn_landing(const struct session *s, const struct rota_ahead *a)
{
	size_t last = a->timeline.count - 1;
	const struct rota_timeslot *slot = &a->timeline.at[last];
	char when[ROTA_WHEN_LEN];

	if (!a->root[last] || !rota_root_lands(a->root[last]) ||
		s->desk.now + WARN_S < slot->from_s)
		return;
	rota_when_text(s->desk.now < slot->from_s ? slot->from_s : slot->end_s, when);
	fprintf(stderr,
		"rota: ALARM: no series is signed behind landing root %llu, which %s %s; rota "
		"series "
		"make\n",
		(unsigned long long)slot->version,
		s->desk.now < slot->from_s ? "begins at" : "ends at", when);
}

void slots_warn(struct session *s)
{
	struct rota_ahead ahead;

	if (rota_ahead_open(&s->dir, &ahead, &s->why) != ROTA_OK)
		return;
	if (ahead.timeline.count) {
		warn_shut(s, &ahead);
		warn_landing(s, &ahead);
	}
	rota_ahead_close(&ahead);
}
