/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rotation/device.h"
#include "host/base/digest.h"
#include "rota/store/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 4000 /* wants of one session; a walk without a hint takes 2 x 256 */

static void store(struct device *d, const struct rota_state *state)
{
	struct rota_span payload;

	if (rota_state_encode(state, ROTA_BUF(d->journal), &payload) != ROTA_OK)
		abort();
	d->journal_len = payload.len;
}

static void load(const struct device *d, struct rota_state *state)
{
	if (rota_state_decode(rota_span(d->journal, d->journal_len), state) != ROTA_OK)
		abort();
}

void device_make(struct device *d, const struct operator* o)
{
	uint8_t sha256[ROTA_DIGEST_LEN];
	struct rota_state state;

	rota_digest_of(rota_bytes_span(&o->root[1].file), sha256);
	rota_state_factory(&state, 1, sha256, o->root[1].slot.from_s, 0);
	store(d, &state);
}

uint64_t device_root(const struct device *d)
{
	struct rota_state state;

	load(d, &state);
	return state.trusted.root.version;
}

struct device_view device_honest(const struct operator* o)
{
	return (struct device_view){ o, o->published, &o->snapshot, &o->timestamp };
}

uint64_t device_clock(const struct device *d, uint64_t now_s)
{
	switch (d->clock) {
	case DEVICE_CLOCK_RIGHT:
		return now_s;
	case DEVICE_CLOCK_FAST:
		return now_s + 50 * 60;
	case DEVICE_CLOCK_SLOW:
		return now_s - 9 * 60;
	case DEVICE_CLOCK_LOST:
		return 1000;
	case DEVICE_CLOCK_NONE:
	case DEVICE_CLOCKS:
		break;
	}
	return 0;
}

static const struct rota_bytes *of_version(const struct operator_file *f, uint64_t version)
{
	return f->version == version ? &f->file : NULL;
}

/* The file that is wanted, or NULL. */
static const struct rota_bytes *find(const struct device_view *v, const struct rota_want *w)
{
	if (rota_span_eq(w->role, ROTA_STR("root")))
		return w->version <= v->roots ? &v->o->root[w->version].file : NULL;
	if (rota_span_eq(w->role, ROTA_STR("timestamp")))
		return &v->timestamp->file;
	if (rota_span_eq(w->role, ROTA_STR("snapshot")))
		return of_version(v->snapshot, w->version);
	if (rota_span_eq(w->role, ROTA_STR("targets")))
		return of_version(&v->o->targets, w->version);
	if (rota_span_eq(w->role, ROTA_STR("releases")))
		return of_version(&v->o->releases, w->version);
	/* A hint may say what it likes: it names what there is, whoever shows the rest. */
	return w->hint ? &v->o->hint : NULL;
}

static void fetch(struct rota_session *s, const struct device_view *v, const struct rota_want *w)
{
	const struct rota_bytes *file = find(v, w);
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (file)
		err = file->len > w->max_len ? ROTA_ERR_LIMIT
					     : rota_session_feed(s, rota_bytes_span(file));
	rota_session_fetched(s, err);
}

/* To the end of what was asked. */
static struct rota_why run(struct device *d, struct rota_session *s, struct rota_state *state,
	const struct rota_floors *raised, const struct device_view *view)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		const struct rota_want w = *rota_session_want(s);

		if (w.kind == ROTA_WANT_FETCH) {
			fetch(s, view, &w);
		} else if (w.kind == ROTA_WANT_KEEP) {
			state->trusted = *rota_session_trusted(s);
			state->floors = *raised;
			store(d, state);
			rota_session_kept(s, ROTA_OK);
		} else if (w.kind == ROTA_WANT_FAILED) {
			return *rota_session_why(s);
		} else {
			return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
		}
	}
	return (struct rota_why){ ROTA_ERR_LIMIT, ROTA_CLAUSE_NONE };
}

struct rota_why device_poll(struct device *d, const struct device_view *view, uint64_t now_s,
	const struct rota_crypto *crypto)
{
	uint64_t clock_s = device_clock(d, now_s);
	struct rota_state state;
	struct rota_floors raised;
	const struct rota_session_config config = { .crypto = crypto,
		.limits = d->small ? &rota_limits_m3 : &rota_limits_linux,
		.start = { .unix_s = rota_num_nearest(clock_s), .trusted = clock_s != 0 },
		.profile = &rota_session_device,
		.floors = &raised };
	struct rota_session s;
	struct rota_why why = { ROTA_OK, ROTA_CLAUSE_NONE };
	size_t len = rota_session_room(config.limits);
	uint8_t *room = malloc(len);

	if (!room)
		abort();
	load(d, &state);
	raised = state.floors;
	why.err = rota_session_init(&s, &config, &state.trusted, rota_buf(room, len));
	if (why.err == ROTA_OK)
		why = run(d, &s, &state, &raised, view);
	if (why.err == ROTA_OK)
		why.err = rota_session_find_in(
			&s, ROTA_STR("releases"), ROTA_STR("releases/lamp/2.0.0/release.json"));
	if (why.err == ROTA_OK)
		why = run(d, &s, &state, &raised, view);
	rota_session_drop(&s);
	free(room);
	return why;
}
