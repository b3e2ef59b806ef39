/* SPDX-License-Identifier: Apache-2.0 */
/* The data keys of a device, in a cycle: a table of states behind those of every device (update_steps.c), in the same
 * manner. First what the server must be told before it can seal anything to this device; then the two lists, each read
 * once for what concerns this device, and for each bundle that comes of it once more (update_keys_turn.c); in the end what time
 * brings, and a report.
 *
 * Where the session fails on the way, time goes on all the same, and the cycle begins its refresh anew behind it. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

_Static_assert(ROTA_KEYS_NAMES_ROOM <= ROTA_POLICY_NAMES_ROOM, "one room for all decoders");
_Static_assert(ROTA_KEYS_VALUE_ROOM <= ROTA_POLICY_VALUE_ROOM, "one room for all decoders");

/* ---- common ---- */

void rota_key_trouble(struct rota_update *u, enum rota_err err, enum rota_clause clause)
{
	struct rota_key_desk *d = rota_key_desk(u);

	if (d->why.err == ROTA_OK)
		d->why = (struct rota_why){ err, clause };
}

static const char *role_name(const struct rota_update *u)
{
	return rota_key_desk(u)->role == ROTA_KEYS_LINK ? "keys-link" : "keys-store";
}

bool rota_key_takes(const struct rota_update *u, uint8_t purpose)
{
	uint32_t purposes = rota_key_config(u)->purposes;

	return purposes == 0 || (purposes >> purpose & 1) != 0;
}

bool rota_key_listed(const struct rota_update *u, uint8_t purpose)
{
	const char *role = rota_purpose_role(purpose);

	return role != NULL && rota_span_is(rota_span_cstr(role), role_name(u));
}

/* ---- from the beginning to the lists ---- */

static enum rota_update_state begin(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	enum rota_err err = ROTA_OK;

	if (!d->ready)
		return rota_key_state(ROTA_UP_KEYS_END);
	d->now_s = rota_session_floor_now(&u->session);
	d->role = ROTA_KEYS_LINK;
	if (rota_key_config(u)->decommission)
		err = rota_key_say_gone(u);
	else if ((rota_key_slots(u)->state.flags & ROTA_KEYS_ANEW) != 0)
		err = rota_key_say_anew(u);
	else
		return rota_key_state(ROTA_UP_KEYS_LIST);
	if (err == ROTA_OK)
		return rota_key_state(ROTA_UP_KEYS_SAY);
	rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_35);
	return rota_key_state(ROTA_UP_KEYS_LIST);
}

/* keys/link/PRODUCT.json: the path of the list at hand. */
static enum rota_err name_list(struct rota_update *u)
{
	bool link = rota_key_desk(u)->role == ROTA_KEYS_LINK;
	struct rota_writer w = rota_writer(ROTA_BUF(u->path));
	struct rota_span path;

	rota_write_span(&w, link ? ROTA_STR("keys/link/") : ROTA_STR("keys/store/"));
	rota_write_span(&w, u->config.device->product);
	rota_write_span(&w, ROTA_STR(".json"));
	ROTA_TRY(rota_writer_end(&w, &path));
	u->path_len = (uint8_t)path.len;
	return ROTA_OK;
}

static enum rota_update_state list(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	enum rota_err err;

	if (d->failed || d->role == ROTA_KEYS_ROLES)
		return rota_key_state(ROTA_UP_KEYS_TICK);
	err = name_list(u);
	if (err == ROTA_OK)
		err = rota_session_find_in(
			&u->session, rota_span_cstr(role_name(u)), rota_span(u->path, u->path_len));
	if (err == ROTA_OK)
		return rota_key_state(ROTA_UP_KEYS_FIND);
	rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_32_2);
	return rota_key_state(ROTA_UP_KEYS_TICK);
}

enum rota_update_state rota_key_next_list(struct rota_update *u)
{
	rota_key_desk(u)->role++;
	return rota_key_state(ROTA_UP_KEYS_LIST);
}

/* ---- a list ---- */

/* What the device holds decides; nothing of it counts before the file was verified to its end. */
static struct rota_key_facts facts(const struct rota_update *u, const struct rota_key_campaign *c)
{
	const struct rota_keystate *s = &rota_key_slots(u)->state;
	struct rota_key_facts f = { .role = rota_span_cstr(role_name(u)),
		.device_hex = u->config.device->id,
		.now_s = rota_key_desk(u)->now_s };

	if (c->purpose != 0)
		f.highest = s->of[c->purpose - 1].highest;
	for (uint8_t i = 0; i < s->slot_count; i++) {
		const struct rota_key_slot *slot = &s->slot[i];

		if (slot->purpose == c->purpose && slot->generation == f.highest)
			f.highest_s = slot->activation_s;
		if (memcmp(slot->campaign, c->id, ROTA_SHA256_LEN) == 0)
			f.seen_as = slot->generation;
	}
	return f;
}

static void note_aborted(struct rota_update *u, const struct rota_key_campaign *c)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);
	const struct rota_key_slot *slot =
		rota_keystate_slot(&k->state, c->purpose, ROTA_KEY_STAGED);

	if (slot != NULL && memcmp(slot->campaign, c->id, ROTA_SHA256_LEN) == 0)
		d->aborted |= 1u << c->purpose;
}

/* The highest generation of a purpose is the one to take: what it overtakes was never used. */
static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	struct rota_update *u = ctx;
	struct rota_key_facts f = facts(u, c);
	struct rota_key_pick *pick;
	enum rota_err err;

	if (c->purpose == 0 || !rota_key_takes(u, c->purpose) || !rota_key_listed(u, c->purpose))
		return ROTA_OK;
	if (c->state == ROTA_CAMPAIGN_ABORTED)
		note_aborted(u, c);
	if (f.seen_as == c->generation)
		return ROTA_OK; /* held */
	err = rota_key_campaign_judge(u->config.session.crypto, c, &f);
	pick = &rota_key_desk(u)->pick[c->purpose - 1];
	if (err == ROTA_ERR_CEILING || err == ROTA_ERR_TIME || f.seen_as != 0)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_32_5);
	if (err != ROTA_OK || c->generation <= pick->generation)
		return ROTA_OK;
	pick->generation = c->generation;
	memcpy(pick->campaign, c->id, sizeof(pick->campaign));
	return ROTA_OK;
}

static enum rota_err on_tree(
	void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	(void)ctx;
	(void)tree;
	(void)size;
	(void)root;
	return ROTA_OK;
}

void rota_key_read_list(struct rota_update *u, struct rota_keys_sink sink)
{
	struct rota_key_desk *d = rota_key_desk(u);

	(void)!name_list(u); /* it did when the list was looked for */
	rota_update_read(u, rota_span(u->path, u->path_len), d->list_len, d->list_sha256);
	rota_keys_begin(&d->file, sink, u->names, u->value);
}

enum rota_err rota_key_list_feed(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	ROTA_TRY(rota_update_take(u, piece));
	if (r->why.err == ROTA_OK)
		r->why.err = rota_keys_feed(&rota_key_desk(u)->file, piece);
	r->why.clause = r->why.err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_32_2;
	return ROTA_OK; /* whether it was the listed file shows at its end */
}

struct rota_why rota_key_list_end(struct rota_update *u, enum rota_err how)
{
	struct rota_keys_decoder *file = &rota_key_desk(u)->file;
	struct rota_why why = rota_update_verdict(u, how);
	enum rota_err err;

	if (why.err != ROTA_OK)
		return why;
	err = rota_keys_end(file);
	if (err == ROTA_OK &&
		!rota_span_eq(rota_name_span(&file->product), u->config.device->product))
		err = ROTA_ERR_PRODUCT;
	return (struct rota_why){ err, ROTA_CLAUSE_SPEC_32_2 };
}

static enum rota_update_state list_found(struct rota_update *u)
{
	const struct rota_target *target = rota_session_target(&u->session);
	struct rota_key_desk *d = rota_key_desk(u);

	if (target->length > ROTA_KEYS_MAX) {
		rota_key_trouble(u, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_32_2);
		return rota_key_next_list(u);
	}
	memset(d->pick, 0, sizeof(d->pick));
	d->aborted = 0;
	d->purpose = 0;
	d->list_len = target->length;
	memcpy(d->list_sha256, target->sha256, sizeof(d->list_sha256));
	rota_key_read_list(u, (struct rota_keys_sink){ u, on_campaign, on_tree });
	return rota_key_state(ROTA_UP_KEYS_READ);
}

/* Nobody lists one: there are no campaigns. */
static enum rota_update_state list_lacking(struct rota_update *u)
{
	if (rota_session_pass_over(&u->session) != ROTA_OK)
		rota_key_desk(u)->failed = true;
	return rota_key_next_list(u);
}

/* The list was verified: it is the newest seen, and what it aborts is dropped. */
static enum rota_err accept_list(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);
	struct rota_keys_seen seen = { .sequence = d->file.sequence };

	memcpy(seen.sha256, d->list_sha256, sizeof(seen.sha256));
	ROTA_TRY(rota_keyslots_saw(k, d->role, &seen));
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		const struct rota_key_slot *slot =
			rota_keystate_slot(&k->state, purpose, ROTA_KEY_STAGED);
		uint8_t campaign[ROTA_SHA256_LEN];

		if ((d->aborted >> purpose & 1) == 0 || slot == NULL)
			continue;
		memcpy(campaign, slot->campaign, sizeof(campaign));
		ROTA_TRY(rota_keyslots_drop(k, campaign));
	}
	return ROTA_OK;
}

/* SPEC 32.4 */
static bool may_be_withdrawn(const struct rota_update *u)
{
	const struct rota_key_desk *d = rota_key_desk(u);

	for (uint8_t i = 0; d->role == ROTA_KEYS_STORE && i < ROTA_PURPOSES_MAX; i++) {
		if (d->pick[i].generation != 0)
			return u->state.revoked.sequence != 0;
	}
	return false;
}

static enum rota_update_state list_read(struct rota_update *u, enum rota_err how)
{
	struct rota_why why = rota_key_list_end(u, how);
	enum rota_err err;

	if (why.err == ROTA_OK) {
		err = accept_list(u);
		why = (struct rota_why){ err, ROTA_CLAUSE_SPEC_32_5 };
	}
	if (why.err != ROTA_OK) {
		rota_key_trouble(u, why.err, why.clause);
		return rota_key_next_list(u);
	}
	if (!may_be_withdrawn(u))
		return rota_key_state(ROTA_UP_KEYS_NEXT);
	err = rota_update_find(u, ROTA_STR("revocations"));
	if (err == ROTA_OK)
		return rota_key_state(ROTA_UP_KEYS_FIND_REVOKED);
	rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_16);
	return rota_key_next_list(u);
}

/* ---- whether what was picked was withdrawn ---- */

static enum rota_update_state revoked_found(struct rota_update *u)
{
	const struct rota_target *target = rota_session_target(&u->session);
	struct rota_revocations_decoder *r = &u->reading.as.revocations;
	struct rota_key_desk *d = rota_key_desk(u);

	if (target->length > ROTA_REVOCATIONS_MAX) {
		rota_key_trouble(u, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_16);
		return rota_key_next_list(u);
	}
	rota_update_read(u, rota_span(u->path, u->path_len), target->length, target->sha256);
	rota_revocations_begin(r, u->names, u->value);
	d->asked_count = 0;
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		if (d->pick[i].generation == 0)
			continue;
		rota_revocations_ask(r, d->pick[i].campaign);
		d->asked[d->asked_count++] = (uint8_t)(i + 1);
	}
	return rota_key_state(ROTA_UP_KEYS_REVOKED);
}

static enum rota_update_state revoked_lacking(struct rota_update *u)
{
	if (rota_session_pass_over(&u->session) != ROTA_OK)
		rota_key_desk(u)->failed = true;
	return rota_key_desk(u)->failed ? rota_key_next_list(u) : rota_key_state(ROTA_UP_KEYS_NEXT);
}

static enum rota_err revoked_feed(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	ROTA_TRY(rota_update_take(u, piece));
	if (r->why.err == ROTA_OK)
		r->why = (struct rota_why){ rota_revocations_feed(&r->as.revocations, piece),
			ROTA_CLAUSE_SPEC_16 };
	return ROTA_OK;
}

static enum rota_update_state revoked_read(struct rota_update *u, enum rota_err how)
{
	struct rota_revocations_decoder *r = &u->reading.as.revocations;
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_why why = rota_update_verdict(u, how);

	if (why.err == ROTA_OK)
		why = (struct rota_why){ rota_revocations_end(r), ROTA_CLAUSE_SPEC_16 };
	if (why.err == ROTA_OK &&
		!rota_span_eq(rota_name_span(&r->product), u->config.device->product))
		why.err = ROTA_ERR_PRODUCT;
	if (why.err != ROTA_OK) {
		rota_key_trouble(u, why.err, why.clause);
		return rota_key_next_list(u);
	}
	for (uint8_t i = 0; i < d->asked_count; i++) {
		if ((r->withdrawn >> i & 1) != 0)
			d->pick[d->asked[i] - 1].generation = 0;
	}
	return rota_key_state(ROTA_UP_KEYS_NEXT);
}

/* ---- the end ---- */

static enum rota_update_state tick(struct rota_update *u)
{
	const struct rota_update_keys *config = rota_key_config(u);
	struct rota_key_desk *d = rota_key_desk(u);
	bool due = false;
	enum rota_err err;

	err = rota_keyslots_tick(rota_key_slots(u), d->now_s, config->needs, config->vault_ctx);
	u->bound.rising = false;
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_34);
	err = rota_key_say_state(u, &due);
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_35);
	return rota_key_state(err == ROTA_OK && due ? ROTA_UP_KEYS_SAY : ROTA_UP_KEYS_END);
}

/* On to the rollout policy; with a session of its own, where this one failed. */
static enum rota_update_state end(struct rota_update *u)
{
	enum rota_err err = ROTA_OK;

	if (!rota_key_desk(u)->failed)
		return ROTA_UP_SEEK_POLICY;
	err = rota_update_session(u, u->config.session.start);
	return err == ROTA_OK ? ROTA_UP_SESSION : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_4_8);
}

static enum rota_update_state failed(struct rota_update *u, struct rota_why why)
{
	rota_key_trouble(u, why.err, why.clause);
	rota_key_desk(u)->failed = true;
	return rota_key_state(ROTA_UP_KEYS_TICK);
}

static bool is_due(const struct rota_keyslots *k, uint64_t now_s)
{
	bool due = false;

	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		due |= slot->state == ROTA_KEY_STAGED && (slot->flags & ROTA_KEY_PROVED) != 0 &&
			slot->activation_s <= now_s;
	}
	return due;
}

/* A server that is away holds up no switch that both sides agreed on, as long as what the device knows is of today: a campaign
 * may have been aborted since. */
static void late(struct rota_update *u)
{
	const struct rota_update_keys *config = rota_key_config(u);
	const struct rota_trusted *trusted = &u->state.trusted;
	struct rota_keyslots *k = rota_key_slots(u);
	struct rota_time now = u->config.session.start;
	enum rota_err err;

	if (!now.trusted || now.unix_s < trusted->time_floor_s ||
		now.unix_s >= trusted->timestamp_expires_s)
		return;
	if (rota_key_desk(u)->ready || u->bound.verdict != ROTA_BINDING_CURRENT ||
		k->phase < ROTA_KEYSLOTS_LOADED || !is_due(k, now.unix_s) ||
		rota_keyslots_settle(k) != ROTA_OK)
		return;
	err = rota_keyslots_tick(k, now.unix_s, config->needs, config->vault_ctx);
	u->bound.rising = false;
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_34);
}

/* ---- the table ---- */

#define AT(state) [(state) - (unsigned) ROTA_UP_KEYS]

static const struct rota_update_step steps[] = {
	AT(ROTA_UP_KEYS) = { .name = "keys", .word = "keys", .act = begin },
	AT(ROTA_UP_KEYS_SAY) = { .name = "keys-say",
		.word = "statement",
		.want = ROTA_UPDATE_SEND_STATEMENT,
		.ask = rota_up_keys_say_ask,
		.done = rota_up_keys_say_done },
	AT(ROTA_UP_KEYS_LIST) = { .name = "keys-list", .word = "keys", .act = list },
	AT(ROTA_UP_KEYS_FIND) = { .name = "keys-find",
		.word = "keys",
		.found = list_found,
		.lacking = list_lacking },
	AT(ROTA_UP_KEYS_READ) = { .name = "keys-read",
		.word = "keys",
		.want = ROTA_UPDATE_FETCH_TARGET,
		.feed = rota_key_list_feed,
		.done = list_read },
	AT(ROTA_UP_KEYS_FIND_REVOKED) = { .name = "keys-find-revoked",
		.word = "revocations",
		.found = revoked_found,
		.lacking = revoked_lacking },
	AT(ROTA_UP_KEYS_REVOKED) = { .name = "keys-revoked",
		.word = "revocations",
		.want = ROTA_UPDATE_FETCH_TARGET,
		.feed = revoked_feed,
		.done = revoked_read },
	AT(ROTA_UP_KEYS_NEXT) = { .name = "keys-next", .word = "keys", .act = rota_up_keys_next },
	AT(ROTA_UP_KEYS_ANSWER) = { .name = "keys-answer",
		.word = "bundle",
		.want = ROTA_UPDATE_FETCH_KEYS,
		.ask = rota_up_keys_answer_ask,
		.feed = rota_up_keys_answer_feed,
		.done = rota_up_keys_answer_done },
	AT(ROTA_UP_KEYS_ROOT) = { .name = "keys-root",
		.word = "bundle",
		.want = ROTA_UPDATE_FETCH_TARGET,
		.feed = rota_key_list_feed,
		.done = rota_up_keys_root_done },
	AT(ROTA_UP_KEYS_TICK) = { .name = "keys-tick", .word = "keys", .act = tick },
	AT(ROTA_UP_KEYS_END) = { .name = "keys-end", .word = "keys", .act = end },
};

const struct rota_key_work rota_key_work = {
	.steps = steps,
	.look = rota_key_look,
	.bind = rota_key_bind,
	.settle = rota_key_settle,
	.fell = rota_key_fell,
	.pairs = rota_key_pairs,
	.retire = rota_key_retire,
	.ask = rota_key_ask,
	.withdraw = rota_key_withdraw,
	.failed = failed,
	.late = late,
};

const struct rota_why *rota_update_keys_why(const struct rota_update *u)
{
	return &rota_key_desk(u)->why;
}
