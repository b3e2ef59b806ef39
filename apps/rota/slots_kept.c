/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper has of a series: brought there, and back when it is due: the root here, the PINs here too where no signing daemon gets
 * them. */
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

/* Its own token, and nobody here can sign with it. */
static bool is_shut(const struct rota_ahead *a, size_t i)
{
	return a->kept[i] && !a->open[i];
}

static enum rota_err seal(struct session *s, int fd, const struct rota_timeslot *slot)
{
	struct rota_bytes file;
	enum rota_err err;

	err = rota_ahead_file(&s->dir, slot->version, &file, &s->why);
	if (err == ROTA_ERR_NOT_FOUND) /* published, and with the keeper again */
		return ROTA_OK;
	ROTA_TRY(err);
	err = rota_link_put_root(fd, slot, rota_bytes_span(&file), &s->why);
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

/* The root alone: it is forgotten there once it is durable here. */
static enum rota_err bring_root(struct session *s, int fd, uint64_t version)
{
	struct rota_bytes root;
	enum rota_err err;

	ROTA_TRY(rota_link_root(fd, version, &root, &s->why));
	err = rota_ahead_arrived(&s->dir, version, rota_bytes_span(&root), false, &s->why);
	rota_bytes_free(&root);
	ROTA_TRY(err);
	return rota_link_arrived(fd, &s->why);
}

static bool is_due(const struct session *s, const struct rota_ahead *a, size_t i)
{
	const struct rota_timeslot *slot = &a->timeline.at[i];

	return is_shut(a, i) && slot->from_s <= s->desk.now + ROTA_OVERLAP_S;
}

/* Due ones too, which come back at once: the keeper lets a daemon hold no slot of which it never had the root. */
static bool is_to_seal(const struct rota_ahead *a, size_t i)
{
	return is_shut(a, i) && a->root[i];
}

static enum rota_err seal_all(struct session *s, const struct rota_ahead *a, int fd)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		if (is_to_seal(a, i))
			ROTA_TRY(seal(s, fd, &a->timeline.at[i]));
	return ROTA_OK;
}

/* In order: a root is verified under the one before it. */
static enum rota_err bring_all(struct session *s, const struct rota_ahead *a, int fd)
{
	bool held = rota_authdir_slots_held(&s->dir);

	for (size_t i = 0; i < a->timeline.count; i++)
		if (is_due(s, a, i))
			ROTA_TRY((held ? bring_root : bring)(s, fd, a->timeline.at[i].version));
	return ROTA_OK;
}

static bool anything(const struct session *s, const struct rota_ahead *a)
{
	for (size_t i = 0; i < a->timeline.count; i++)
		if (is_to_seal(a, i) || is_due(s, a, i))
			return true;
	return false;
}

static enum rota_err ask_keeper(struct session *s, const struct rota_ahead *a)
{
	enum rota_err err;
	int fd;

	if (!s->dir.keeper)
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"slots of this series are with a keeper, and [series] names none");
	ROTA_TRY(rota_link_open(s->dir.keeper, &fd, &s->why));
	err = seal_all(s, a, fd);
	if (err == ROTA_OK)
		err = bring_all(s, a, fd);
	close(fd);
	return err;
}

static enum rota_err mark_held(struct session *s, uint64_t version)
{
	ROTA_TRY(rota_ahead_held(&s->dir, version, &s->why));
	return series_record(s, json_pack("{s:s,s:I}", "did", "open", "slot", (json_int_t)version));
}

/* The daemon takes the slots whose turn it is, and lets others go; those that it has count from now on. */
static enum rota_err have_held(struct session *s, const struct rota_ahead *a)
{
	uint64_t want[2];
	bool fresh[2];
	size_t count = 0, held = 0;
	struct rota_due due;
	enum rota_err err;

	if (!rota_authdir_slots_held(&s->dir) || a->timeline.count == 0)
		return ROTA_OK;
	rota_timeline_due(&a->timeline, s->desk.now, &due);
	for (size_t i = 0; i < due.signers; i++) {
		size_t at = due.sign[i];

		if (!a->kept[at] || !a->root[at])
			continue;
		fresh[count] = !a->open[at];
		want[count++] = a->timeline.at[at].version;
	}
	err = rota_proxy_hold(&s->proxy, want, count, &held, &s->why);
	for (size_t i = 0; i < held; i++)
		if (fresh[i])
			ROTA_TRY(mark_held(s, want[i]));
	return err;
}

/* What goes wrong is said, and publishing goes on. */
static void say_so(const struct session *s, enum rota_err err)
{
	if (err != ROTA_OK)
		fprintf(stderr, "rota: %s\n", s->why.text);
}

enum rota_err slots_tend(struct session *s)
{
	struct rota_ahead ahead;

	ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	if (anything(s, &ahead)) {
		say_so(s, ask_keeper(s, &ahead));
		rota_ahead_close(&ahead);
		ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	}
	say_so(s, have_held(s, &ahead));
	rota_ahead_close(&ahead);
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
