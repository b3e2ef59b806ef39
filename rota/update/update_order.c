/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery orders. They are looked for before anything that rests on TUF, a clock or a certificate, and what is wrong
 * with one stops nothing: a server that could make a device wait for an order would hold it up.
 *
 * A new order is judged in RAM, written to the place that does not count, and made to count by one commit of the
 * boot state. From then on only what the boot state names is followed, judged anew from flash by the anchor: what is
 * to be done next follows from its phase and from whether the device journal speaks of it already. So a cut
 * anywhere leads back to the same question:
 *
 *     the journal does not speak of it     its root becomes the device's, and all that hung on the old one goes
 *     stored, trial                        its image is written and put on trial, as a release's would be
 *     confirmed                            epoch and retirements are asked for, and burnt by the next boot
 *     failed                               it is told
 */
#include "rota/base/mem.h"
#include "rota/update/update_parts.h"

/* ---- what is held ---- */

/* The boot state, and what it names onto the desk. */
static enum rota_err look(struct rota_update *u, struct rota_bootstate *boot)
{
	const struct rota_order_config *c = u->config.order;

	ROTA_TRY(u->config.boot->begin(u->config.boot->ctx, boot));
	u->config.boot->end(u->config.boot->ctx);
	u->held = rota_orderbook_look(c->desk, c->places, boot, c->rom, u->config.session.crypto,
			  &u->holds) == ROTA_OK;
	return ROTA_OK;
}

static const struct rota_order *held(const struct rota_update *u)
{
	return &u->config.order->desk->order.order;
}

/* One change of the boot state, held while it is made. */
static enum rota_err change(struct rota_update *u,
	enum rota_err (*make)(const struct rota_update *u, struct rota_bootstate *boot))
{
	const struct rota_boot_access *access = u->config.boot;
	struct rota_bootstate boot;
	enum rota_err err;

	ROTA_TRY(access->begin(access->ctx, &boot));
	err = make(u, &boot);
	if (err == ROTA_OK)
		err = access->commit(access->ctx, &boot);
	access->end(access->ctx);
	return err;
}

/* ---- a trial that is on its way ---- */

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

bool rota_update_order_tried(const struct rota_update *u)
{
	const struct rota_pending_install *p = &u->state.pending;

	return u->held && held(u)->has_image && p->component_count == 1 &&
		is_zero(p->release, ROTA_SHA256_LEN) &&
		memcmp(p->components[0].digest, held(u)->image.digest, ROTA_SHA256_LEN) == 0;
}

static void tag_image(const struct rota_update *u, uint8_t tag[static ROTA_FLOOR_TAG_LEN])
{
	rota_floor_tag(u->config.session.crypto, tag, rota_name_span(&held(u)->image.component));
}

/* The boot stage took an order without us and started its image: it is pending as if we had asked for it. */
static enum rota_err adopt(struct rota_update *u)
{
	struct rota_pending_install *p = &u->state.pending;
	const struct rota_order_image *image = &held(u)->image;
	const struct rota_slots *slots;
	struct rota_booted booted;

	memset(p, 0, sizeof(*p));
	p->phase = ROTA_INSTALL_TRIAL;
	p->version = image->version;
	p->component_count = 1;
	tag_image(u, p->components[0].name);
	tag_image(u, p->components[0].slot);
	memcpy(p->components[0].digest, image->digest, ROTA_SHA256_LEN);
	slots = rota_update_slots(u, p->components[0].slot);
	if (slots == NULL)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(slots->booted(slots->ctx, &booted));
	if (booted.kind != ROTA_BOOT_TRIAL ||
		memcmp(booted.digest, image->digest, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_STATE;
	return rota_update_commit(u);
}

enum rota_update_state rota_up_order(struct rota_update *u)
{
	struct rota_pending_install before = u->state.pending;
	struct rota_bootstate boot;

	if (u->config.order == NULL || look(u, &boot) != ROTA_OK)
		return ROTA_UP_JUDGE; /* which finds out what is wrong with the boot state */
	if (u->held && held(u)->has_image && boot.phase == ROTA_TRIAL_STARTED &&
		boot.kind == ROTA_TRIAL_ORDER && !rota_update_order_tried(u) && adopt(u) != ROTA_OK)
		u->state.pending = before;
	return ROTA_UP_JUDGE;
}

/* ---- a new order ---- */

enum rota_update_state rota_up_order_begin(struct rota_update *u)
{
	static const uint8_t unknown[ROTA_SHA256_LEN];
	const struct rota_order_config *c = u->config.order;
	struct rota_bootstate boot;
	enum rota_err err;

	if (c == NULL)
		return rota_bound_session(u);
	err = look(u, &boot);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	rota_orderbook_begin_order(c->desk, u->config.session.crypto, c->rom);
	rota_update_read(u, rota_span(NULL, 0),
		c->order.len < ROTA_ORDER_MAX ? c->order.len : ROTA_ORDER_MAX, unknown);
	return ROTA_UP_ORDER_LOOK;
}

void rota_up_order_ask(const struct rota_update *u, struct rota_update_want *want)
{
	(void)u;
	want->part = ROTA_PACK_ORDER;
}

/* Into a room as well as into its reader. */
static enum rota_err put(struct rota_update *u, struct rota_buf room, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	if (r->why.err != ROTA_OK)
		return r->why.err;
	if (piece.len > r->length - r->got) {
		r->why.err = ROTA_ERR_LIMIT;
		return ROTA_ERR_LIMIT;
	}
	memcpy(&room.p[r->got], piece.p, piece.len);
	r->got += piece.len;
	return ROTA_OK;
}

enum rota_err rota_up_order_feed(struct rota_update *u, struct rota_span piece)
{
	const struct rota_order_config *c = u->config.order;

	ROTA_TRY(put(u, c->order, piece));
	u->reading.why.err = rota_order_feed(&c->desk->order, piece);
	return u->reading.why.err;
}

/* The order is refused; the cycle goes on with the one that is held. */
static enum rota_update_state refuse(
	struct rota_update *u, enum rota_err err, enum rota_clause clause)
{
	u->order_why = (struct rota_why){ .err = err, .clause = clause };
	return ROTA_UP_ORDER_NEXT;
}

enum rota_update_state rota_up_order_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_order_config *c = u->config.order;
	const struct rota_order_reader *r = &c->desk->order;
	struct rota_bootstate boot;
	enum rota_err err = u->reading.why.err;

	if (err == ROTA_OK && how != ROTA_OK)
		return ROTA_UP_ORDER_NEXT; /* there is none, or nobody can be reached */
	if (err == ROTA_OK)
		err = rota_order_end(&c->desk->order);
	if (err != ROTA_OK)
		return refuse(u, err, ROTA_CLAUSE_SPEC_15_2);
	err = u->config.boot->begin(u->config.boot->ctx, &boot);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	u->config.boot->end(u->config.boot->ctx);
	if (u->held && memcmp(r->file_sha256, boot.order, ROTA_SHA256_LEN) == 0)
		return ROTA_UP_ORDER_NEXT; /* the one that is held */
	err = rota_orderbook_concerns(c->desk, &boot, c->rom, &u->holds);
	if (err != ROTA_OK)
		return refuse(u, err, ROTA_CLAUSE_SPEC_15_3);
	u->order_len = (uint16_t)u->reading.got;
	rota_orderbook_begin_record(c->desk, u->config.session.crypto);
	rota_update_read(u, rota_span(NULL, 0),
		c->record.len < ROTA_KEYSET_MAX ? c->record.len : ROTA_KEYSET_MAX,
		c->rom->recovery_sha256.p);
	return ROTA_UP_ORDER_RECORD;
}

void rota_up_record_ask(const struct rota_update *u, struct rota_update_want *want)
{
	(void)u;
	want->part = ROTA_PACK_RECORD;
}

enum rota_err rota_up_record_feed(struct rota_update *u, struct rota_span piece)
{
	const struct rota_order_config *c = u->config.order;

	ROTA_TRY(put(u, c->record, piece));
	u->reading.why.err = rota_keyset_feed(&c->desk->record, piece);
	return u->reading.why.err;
}

/* Both files are read, and lie in the other place: the boot state may name it. */
static enum rota_err name_it(const struct rota_update *u, struct rota_bootstate *boot)
{
	const struct rota_order_config *c = u->config.order;
	uint8_t place = rota_orderbook_place(boot);

	ROTA_TRY(
		rota_orderbook_accepts(c->desk, boot, c->rom, u->config.session.crypto, &u->holds));
	ROTA_TRY(rota_orderplace_write(c->places, place, rota_span(c->record.p, u->record_len),
		rota_span(c->order.p, u->order_len)));
	if (rota_orderbook_again(c->desk, boot))
		rota_orderbook_move(boot, place);
	else
		rota_orderbook_put(boot, place, &c->desk->order, c->rom, &u->holds);
	return ROTA_OK;
}

enum rota_update_state rota_up_record_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_order_config *c = u->config.order;
	enum rota_err err = u->reading.why.err;

	if (err == ROTA_OK)
		err = how;
	if (err == ROTA_OK)
		err = rota_keyset_end(&c->desk->record, c->rom->recovery_sha256.p);
	if (err != ROTA_OK)
		return refuse(u, err, ROTA_CLAUSE_SPEC_15_3);
	u->record_len = (uint16_t)u->reading.got;
	err = change(u, name_it);
	if (rota_err_class(err) == ROTA_CLASS_REFUSED)
		return refuse(u, err, ROTA_CLAUSE_SPEC_15_3);
	return refuse(u, err, err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_15_6);
}

/* ---- its root ---- */

/* All that hung on the old root goes with it (SPEC 15.8), in one commit with the order's name. */
static void anchor(struct rota_update *u)
{
	const struct rota_order_root *root = &held(u)->root;
	struct rota_state *s = &u->state;

	memset(&s->trusted, 0, sizeof(s->trusted));
	s->trusted.root.version = root->version;
	memcpy(s->trusted.root.sha256, root->sha256, ROTA_SHA256_LEN);
	memset(&s->floors, 0, sizeof(s->floors));
	s->policy_sequence = 0;
	memset(s->policy_sha256, 0, sizeof(s->policy_sha256));
	memset(&s->admission, 0, sizeof(s->admission));
	s->retired.sequence = 0; /* what was retired stays so */
	memset(s->retired.sha256, 0, sizeof(s->retired.sha256));
	memset(&s->revoked, 0, sizeof(s->revoked));
	memset(s->refused, 0, sizeof(s->refused));
}

/* The device journal speaks of the order from here. */
static enum rota_update_state speak(struct rota_update *u)
{
	struct rota_ordered *o = &u->state.ordered;
	enum rota_err err;

	if (held(u)->has_root)
		anchor(u);
	o->epoch = held(u)->epoch;
	o->phase = ROTA_ORDER_STORED;
	memcpy(o->sha256, u->config.order->desk->order.file_sha256, ROTA_SHA256_LEN);
	rota_update_bind(u); /* SPEC 9.6 */
	err = rota_update_commit(u);
	if (err == ROTA_OK && held(u)->has_root)
		err = rota_update_session(u, u->config.session.start);
	return err == ROTA_OK ? ROTA_UP_ORDER_NEXT : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

static enum rota_update_state begin_anchor(struct rota_update *u)
{
	if (!held(u)->has_root)
		return speak(u);
	rota_update_read(u, rota_span(NULL, 0), held(u)->root.length, held(u)->root.sha256);
	return ROTA_UP_ORDER_ROOT;
}

void rota_up_root_ask(const struct rota_update *u, struct rota_update_want *want)
{
	want->part = ROTA_PACK_ROOT;
	want->meta.role = ROTA_STR("root");
	want->meta.version = held(u)->root.version;
}

enum rota_update_state rota_up_root_done(struct rota_update *u, enum rota_err how)
{
	struct rota_why why = rota_update_verdict(u, how);

	return why.err == ROTA_OK ? ROTA_UP_ORDER_KEEP
				  : rota_update_stop(u, why.err, ROTA_CLAUSE_SPEC_15_7);
}

void rota_up_keep_ask(const struct rota_update *u, struct rota_update_want *want)
{
	want->meta.kind = ROTA_WANT_KEEP;
	want->meta.role = ROTA_STR("root");
	want->meta.kept_version = held(u)->root.version;
}

enum rota_update_state rota_up_keep_done(struct rota_update *u, enum rota_err how)
{
	return how == ROTA_OK ? speak(u) : rota_update_stop(u, how, ROTA_CLAUSE_SPEC_15_7);
}

/* ---- its image ---- */

void rota_up_write_ask(const struct rota_update *u, struct rota_update_want *want)
{
	if (!u->ordering)
		return;
	want->kind = ROTA_UPDATE_FETCH_RECOVERY;
	want->part = ROTA_PACK_IMAGE;
}

static enum rota_err to_try(const struct rota_update *u, struct rota_bootstate *boot)
{
	(void)u;
	return rota_orderbook_try(boot);
}

static enum rota_err to_keep(const struct rota_update *u, struct rota_bootstate *boot)
{
	(void)u;
	return rota_orderbook_keep(boot);
}

/* As a release of one component: what writes, verifies, tries and confirms that does it for this one too. */
static void make_release(struct rota_update *u)
{
	const struct rota_order_image *image = &held(u)->image;
	struct rota_component *c = &u->components.components[0];

	memset(&u->campaign, 0, sizeof(u->campaign));
	memset(&u->release, 0, sizeof(u->release));
	memset(c, 0, sizeof(*c));
	u->release.version = image->version;
	u->release.component_count = 1;
	c->name = image->component;
	c->slot = image->component;
	c->counter = image->counter;
	c->length = image->length;
	c->has_digest = true;
	memcpy(c->digest, image->digest, ROTA_SHA256_LEN);
	memcpy(c->sha256, image->sha256, ROTA_SHA256_LEN);
	u->ordering = true;
}

/* Whether the order's image is the confirmed one. */
static enum rota_err runs_already(struct rota_update *u, bool *yes)
{
	uint8_t tag[ROTA_FLOOR_TAG_LEN];
	const struct rota_slots *slots;
	struct rota_booted booted;

	tag_image(u, tag);
	slots = rota_update_slots(u, tag);
	if (slots == NULL)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(slots->booted(slots->ctx, &booted));
	*yes = booted.kind != ROTA_BOOT_FALLBACK && booted.kind != ROTA_BOOT_TRIAL &&
		memcmp(booted.digest, held(u)->image.digest, ROTA_SHA256_LEN) == 0;
	return ROTA_OK;
}

static enum rota_update_state install(struct rota_update *u, uint8_t phase)
{
	bool runs = false;
	enum rota_err err = runs_already(u, &runs);

	/* Once: who withholds the image would have the flash written at each poll. */
	if (err == ROTA_OK && (runs || phase == ROTA_ORDER_STORED))
		err = change(u, runs ? to_keep : to_try);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_15_7);
	if (runs)
		return ROTA_UP_ORDER_NEXT;
	make_release(u);
	rota_update_about(u, NULL, u->release.version, 0);
	return rota_update_plan(u);
}

/* ---- its end ---- */

static enum rota_err to_burn(const struct rota_update *u, struct rota_bootstate *boot)
{
	return rota_orderbook_burn(boot, held(u), u->config.order->rom) ? ROTA_OK : ROTA_ERR_STATE;
}

/* Said once; then the cycle goes on as ever. */
static enum rota_update_state over(struct rota_update *u, uint8_t phase)
{
	bool good = phase != ROTA_ORDER_FAILED;
	enum rota_err err;

	if (u->state.ordered.phase == phase)
		return rota_bound_session(u);
	u->state.ordered.phase = phase;
	rota_update_about(u, NULL, held(u)->has_image ? held(u)->image.version : 0, 0);
	rota_update_note(u, good ? ROTA_EVENT_CONFIRMED : ROTA_EVENT_FAILED,
		(struct rota_why){
			.err = good ? ROTA_OK : ROTA_ERR_DENIED, .clause = ROTA_CLAUSE_SPEC_15_7 });
	err = rota_update_commit(u);
	rota_update_about(u, NULL, 0, 0);
	return err == ROTA_OK ? rota_bound_session(u)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

static enum rota_update_state burn(struct rota_update *u)
{
	enum rota_err err = change(u, to_burn);

	if (err != ROTA_OK &&
		err != ROTA_ERR_STATE) /* nothing to ask for, or boot has yet to burn */
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	return over(u, ROTA_ORDER_DONE);
}

enum rota_update_state rota_up_order_next(struct rota_update *u)
{
	struct rota_bootstate boot;
	enum rota_err err = look(u, &boot);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	if (!u->held ||
		u->after != ROTA_UP_SEEK_POLICY) /* a release on trial comes to its end first */
		return rota_bound_session(u);
	if (memcmp(u->state.ordered.sha256, boot.order, ROTA_SHA256_LEN) != 0)
		return begin_anchor(u);
	switch (boot.order_phase) {
	case ROTA_ORDER_STORED:
	case ROTA_ORDER_TRIAL:
		return install(u, boot.order_phase);
	case ROTA_ORDER_CONFIRMED:
	case ROTA_ORDER_DONE:
		return burn(u);
	case ROTA_ORDER_FAILED:
		return over(u, ROTA_ORDER_FAILED);
	default:
		return rota_bound_session(u);
	}
}
