/* SPDX-License-Identifier: Apache-2.0 */
/* Components into slots. Bytes are written as they come, and verified on the way; a slot is put on trial only
 * after every component of the release was read to its end and found right, so what a hostile server or a cut
 * leaves in a slot is never asked for. A failed download is no failed installation (SPEC 7.4): who can break
 * downloads could else make a release never installed.
 *
 * The slots' backend says how much of a component is durable. After a cut that is read back from the slot through
 * the same verifier. Where the whole then proves wrong, the slot's part of it may be to blame, so the component
 * is fetched once more from its first byte. */
#include "rota/update/update_parts.h"
#include "rota/base/mem.h"

static const struct rota_component *at_hand(const struct rota_update *u)
{
	return &u->components.components[u->state.pending.component];
}

static void tag_of(const struct rota_update *u, struct rota_span name, uint8_t *tag)
{
	rota_floor_tag(u->config.session.crypto, tag, name);
}

/* ---- the plan ---- */

/* Whether the confirmed image of the component's slot is the component already. */
static enum rota_err runs_already(const struct rota_slots *slots, const uint8_t *digest, bool *yes)
{
	struct rota_booted booted;

	ROTA_TRY(slots->booted(slots->ctx, &booted));
	*yes = booted.kind != ROTA_BOOT_FALLBACK &&
		memcmp(booted.digest, digest, ROTA_SHA256_LEN) == 0;
	return ROTA_OK;
}

static enum rota_err plan_component(
	struct rota_update *u, const struct rota_component *c, struct rota_pending_component *to)
{
	const struct rota_slots *slots;
	bool already;

	tag_of(u, rota_name_span(&c->name), to->name);
	tag_of(u, rota_name_span(&c->slot), to->slot);
	memcpy(to->digest, c->has_digest ? c->digest : c->sha256, ROTA_SHA256_LEN);
	slots = rota_update_slots(u, to->slot);
	if (slots == NULL)
		return ROTA_ERR_NOT_FOUND; /* rota_release_fits() found it */
	ROTA_TRY(runs_already(slots, to->digest, &already));
	if (already)
		memset(to->slot, 0, sizeof(to->slot));
	return ROTA_OK;
}

static enum rota_err make_plan(struct rota_update *u, struct rota_pending_install *p)
{
	const struct rota_release *r = &u->release;

	memset(p, 0, sizeof(*p));
	p->phase = ROTA_INSTALL_WRITING;
	memcpy(p->release, u->campaign.sha256, ROTA_SHA256_LEN);
	p->attempt = u->campaign.attempt;
	p->version = r->version;
	p->revert_to_count = r->revert_count;
	memcpy(p->revert_to, r->revert_to, sizeof(p->revert_to));
	p->component_count = r->component_count;
	for (uint8_t i = 0; i < r->component_count; i++)
		ROTA_TRY(plan_component(u, &u->components.components[i], &p->components[i]));
	return ROTA_OK;
}

_Static_assert(ROTA_STATE_REVERT_MAX == ROTA_RELEASE_REVERT_MAX, "one list, kept");
_Static_assert(ROTA_STATE_COMPONENTS_MAX == ROTA_RELEASE_COMPONENTS_MAX, "one list, kept");

/* Whether the journal holds the beginning of just this plan. */
static bool begun(const struct rota_pending_install *old, const struct rota_pending_install *plan)
{
	return old->phase == ROTA_INSTALL_WRITING &&
		old->component_count == plan->component_count &&
		memcmp(old->release, plan->release, ROTA_SHA256_LEN) == 0 &&
		memcmp(old->components, plan->components, sizeof(plan->components)) == 0;
}

_Static_assert(
	sizeof(struct rota_pending_install) <= ROTA_STATE_LEN_MAX, "a plan fits the scratch");

/* The plan is made in the scratch, which nothing else needs before the commit: it would be the largest thing on the
 * stack of a microcontroller. */
enum rota_update_state rota_update_plan(struct rota_update *u)
{
	struct rota_pending_install *p = &u->state.pending;
	struct rota_pending_install *plan = (struct rota_pending_install *)(void *)u->scratch.p;
	enum rota_err err = make_plan(u, plan);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	if (begun(p, plan)) {
		plan->component = p->component;
		plan->offset = p->offset;
	} else {
		memset(u->state.refused, 0, sizeof(u->state.refused));
		rota_update_note(
			u, ROTA_EVENT_DOWNLOADING, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	}
	*p = *plan;
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_COMPONENT : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

/* ---- verify and write ---- */

static void begin_verifier(struct rota_update *u)
{
	const struct rota_component *c = at_hand(u);

	rota_update_read(u, rota_path_span(&c->path), c->length, c->sha256);
	if (c->has_digest)
		rota_image_begin(&u->reading.as.image, u->config.session.crypto);
}

/* The next bytes through the verifier. An image is hashed by its own parser, once for both digests. */
static enum rota_err verify(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;
	enum rota_err err;

	if (!at_hand(u)->has_digest)
		return rota_update_take(u, piece);
	if (piece.len > r->length - r->got) {
		r->why = (struct rota_why){ ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3 };
		return ROTA_ERR_LENGTH;
	}
	err = rota_image_update(&r->as.image, piece);
	if (err != ROTA_OK) {
		/* The digest inside an image is there to see damage: these are not the listed bytes. */
		r->why.err = err;
		r->why.clause = err == ROTA_ERR_HASH ? ROTA_CLAUSE_TUF_5_7_3 : ROTA_CLAUSE_SPEC_6;
		return err;
	}
	r->got += piece.len;
	return ROTA_OK;
}

/* Read the durable beginning back through the verifier. */
static enum rota_err reread(struct rota_update *u, uint64_t offset)
{
	while (u->reading.got < offset) {
		uint64_t left = offset - u->reading.got;
		struct rota_buf room = u->scratch;

		if (left < room.len)
			room.len = (size_t)left;
		ROTA_TRY(u->slots->read(u->slots->ctx, u->reading.got, room));
		ROTA_TRY(verify(u, rota_span(room.p, room.len)));
	}
	return ROTA_OK;
}

/* Make what was written so far durable, where it can be gone on with. */
static enum rota_err save_progress(struct rota_update *u)
{
	if (u->config.resume_every == 0 || u->slots->read == NULL ||
		u->reading.got == u->state.pending.offset)
		return ROTA_OK;
	ROTA_TRY(u->slots->finish(u->slots->ctx, u->reading.got));
	u->state.pending.offset = u->reading.got;
	return ROTA_OK;
}

/* ---- one component ---- */

static enum rota_update_state component_done(struct rota_update *u);

/* Begin to write, or go on behind what is there and reads back. */
static enum rota_err begin_writing(struct rota_update *u)
{
	struct rota_pending_install *p = &u->state.pending;
	const struct rota_component *c = at_hand(u);
	uint64_t durable;

	ROTA_TRY(u->slots->begin(
		u->slots->ctx, p->components[p->component].digest, c->length, &durable));
	begin_verifier(u);
	u->resumed = durable != 0 && durable <= c->length && !u->spoilt && u->slots->read != NULL &&
		reread(u, durable) == ROTA_OK;
	if (!u->resumed)
		begin_verifier(u);
	p->offset = u->reading.got;
	return ROTA_OK;
}

static enum rota_update_state begin_component(struct rota_update *u)
{
	const struct rota_component *c = at_hand(u);
	struct rota_slot slot;
	enum rota_err err = u->slots->inactive(u->slots->ctx, &slot);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	if (c->length == 0)
		return rota_update_stop(u, ROTA_ERR_LENGTH, ROTA_CLAUSE_SPEC_7_1);
	if (c->length > slot.capacity)
		return rota_update_stop(u, ROTA_ERR_FULL, ROTA_CLAUSE_SPEC_10);
	err = begin_writing(u);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	return u->reading.got == c->length ? component_done(u) : ROTA_UP_WRITE;
}

enum rota_update_state rota_up_component(struct rota_update *u)
{
	struct rota_pending_install *p = &u->state.pending;
	bool writes = false;
	enum rota_err err;

	for (; p->component < p->component_count; p->component++) {
		u->slots = rota_update_slots(u, p->components[p->component].slot);
		if (u->slots != NULL)
			return begin_component(u);
	}
	for (uint8_t i = 0; i < p->component_count; i++)
		writes = writes || rota_update_slots(u, p->components[i].slot) != NULL;
	if (!writes) { /* every image runs already: the release is another word for the same */
		err = rota_update_installed(u);
		return err == ROTA_OK ? rota_update_idle(u, ROTA_CLAUSE_NONE)
				      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
	}
	p->phase = ROTA_INSTALL_WRITTEN;
	p->offset = 0;
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_ASK : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

enum rota_err rota_up_write_feed(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;
	uint64_t at = r->got;

	if (r->why.err != ROTA_OK)
		return r->why.err;
	if (piece.len == 0)
		return ROTA_OK;
	ROTA_TRY(verify(u, piece));
	r->why.clause = ROTA_CLAUSE_SPEC_10;
	r->why.err = u->slots->write(u->slots->ctx, at, piece);
	if (r->why.err == ROTA_OK && r->got - u->state.pending.offset >= u->config.resume_every)
		r->why.err = save_progress(u);
	if (r->why.err == ROTA_OK)
		r->why.clause = ROTA_CLAUSE_NONE;
	return r->why.err;
}

/* The image is the release's and the device's. */
static struct rota_why judge_image(struct rota_update *u)
{
	const struct rota_component *c = at_hand(u);
	const struct rota_image_info *info = &u->reading.as.image.info;
	enum rota_err err = rota_image_finish(&u->reading.as.image);
	bool ours = false;

	if (err != ROTA_OK)
		return (struct rota_why){ err, ROTA_CLAUSE_SPEC_6 };
	if (memcmp(info->file_sha256, c->sha256, ROTA_SHA256_LEN) != 0)
		return (struct rota_why){ ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3 };
	for (uint8_t i = 0; i < info->hardware_count; i++)
		ours = ours ||
			rota_span_eq(
				rota_name_span(&info->hardware[i]), u->config.device->hardware);
	if (memcmp(info->digest, c->digest, ROTA_SHA256_LEN) != 0)
		err = ROTA_ERR_HASH;
	else if (!rota_span_eq(rota_name_span(&info->product), u->config.device->product))
		err = ROTA_ERR_PRODUCT;
	else if (!ours)
		err = ROTA_ERR_HARDWARE;
	else if (info->counter != c->counter)
		err = ROTA_ERR_COUNTER;
	else if (info->version >
		u->release.version) /* a component that did not change keeps its own */
		err = ROTA_ERR_VERSION;
	return (struct rota_why){ err, err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_6_5 };
}

static struct rota_why judge_component(struct rota_update *u, enum rota_err how)
{
	struct rota_reading *r = &u->reading;

	if (r->why.err != ROTA_OK)
		return r->why;
	if (!at_hand(u)->has_digest)
		return rota_update_verdict(u, how);
	if (how != ROTA_OK)
		return (struct rota_why){ how, ROTA_CLAUSE_TUF_5_7_3 };
	if (r->got != r->length)
		return (struct rota_why){ ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3 };
	return judge_image(u);
}

/* What is in the slot is not what was listed: worth nothing. */
static enum rota_update_state spoilt(struct rota_update *u, struct rota_why why)
{
	u->state.pending.offset = 0;
	u->spoilt = u->resumed;
	return u->spoilt ? ROTA_UP_COMPONENT : rota_update_stop(u, why.err, why.clause);
}

static enum rota_update_state component_done(struct rota_update *u)
{
	struct rota_why why = judge_component(u, ROTA_OK);
	enum rota_err err;

	if (why.err != ROTA_OK)
		return spoilt(u, why);
	err = u->slots->finish(u->slots->ctx, at_hand(u)->length);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	u->state.pending.component++;
	u->state.pending.offset = 0;
	u->spoilt = false;
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_COMPONENT : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

/* The download broke off: what is there is gone on with in the next cycle. */
static enum rota_update_state broke_off(struct rota_update *u, struct rota_why why)
{
	enum rota_err err = save_progress(u);

	if (err == ROTA_OK)
		err = rota_update_commit(u);
	return err == ROTA_OK ? rota_update_stop(u, why.err, why.clause)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
}

enum rota_update_state rota_up_write_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_reading *r = &u->reading;
	struct rota_why why = r->why;

	if (r->why.err == ROTA_OK && how == ROTA_OK)
		return component_done(u);
	if (r->why.err == ROTA_OK) {
		why = (struct rota_why){ how, ROTA_CLAUSE_TUF_5_7_3 };
		return broke_off(u, why);
	}
	if (rota_err_class(why.err) == ROTA_CLASS_STORAGE)
		return rota_update_stop(u, why.err, why.clause);
	return spoilt(u, why);
}

/* ---- on trial ---- */

enum rota_err rota_update_switch(struct rota_update *u)
{
	for (uint8_t i = 0; i < u->config.slots_count; i++) {
		const struct rota_slots_set *set = u->config.slots[i].slots->set;

		if (set != NULL)
			ROTA_TRY(set->switch_all(
				set->ctx)); /* of a set that switched before: nothing */
	}
	return ROTA_OK;
}

static enum rota_err ask_all(struct rota_update *u)
{
	struct rota_pending_install *p = &u->state.pending;

	for (uint8_t i = 0; i < p->component_count; i++) {
		const struct rota_slots *slots = rota_update_slots(u, p->components[i].slot);

		if (slots != NULL)
			ROTA_TRY(slots->trial(slots->ctx, p->components[i].digest));
	}
	return rota_update_switch(u);
}

enum rota_update_state rota_up_ask(struct rota_update *u)
{
	enum rota_err err = ask_all(u);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	u->state.pending.phase = ROTA_INSTALL_TRIAL;
	rota_update_note(u, ROTA_EVENT_INSTALLED, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	return rota_update_reboot(u);
}
