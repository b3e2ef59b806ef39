/* SPDX-License-Identifier: Apache-2.0 */
/* What is over: retirements and revocations (SPEC 16), read after each refresh and before anything is installed.
 *
 * Both are read when they are others than those that the journal knows. What retirements say only rises: first in
 * the journal, then in the boot state, where it is burnt when its time has come. Of revocations no more than sequence
 * and digest is kept: the file is read once more, under that digest, for a release that is about to be chosen.
 *
 * An installation that waits for a boot, or was just found well, waits for all this too, so that a release that was
 * withdrawn meanwhile is given up. That the files cannot be had is no reason to wait longer: nothing that fails or
 * has expired on the network's side stands in the way of a confirmation (SPEC 5.3). */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"
#include "rota/trust/rollout.h"

/* Releases asked for, as bits of what a revocations file answers. */
enum { PENDING = 1, INSTALLED = 2, CHOSEN = 1 };
#define CAMPAIGNS 2 /* bits before those of campaigns of keys */

/* ---- the way on ---- */

enum rota_update_state rota_update_weighed(struct rota_update *u)
{
	enum rota_update_state next = (enum rota_update_state)u->after;

	u->after = ROTA_UP_SEEK_POLICY;
	u->weighed = true;
	return next;
}

/* An order's image cannot be withdrawn. */
bool rota_update_is_weighed(const struct rota_update *u)
{
	return u->weighed || rota_update_order_tried(u);
}

enum rota_update_state rota_update_weigh(struct rota_update *u, enum rota_update_state next)
{
	if (rota_update_is_weighed(u))
		return next;
	u->after = (uint8_t)next;
	return ROTA_UP_REFRESH;
}

enum rota_update_state rota_update_trouble(
	struct rota_update *u, enum rota_err err, enum rota_clause clause)
{
	return u->after != ROTA_UP_SEEK_POLICY ? rota_update_weighed(u)
					       : rota_update_stop(u, err, clause);
}

/* Look for DIR/PRODUCT.json in the role DIR. */
static enum rota_update_state look_for(
	struct rota_update *u, struct rota_span role, enum rota_update_state next)
{
	enum rota_err err = rota_update_find(u, role);

	return err == ROTA_OK ? next : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_16);
}

/* Whether the file that the session found is another one than that of this digest. */
static bool is_new(const struct rota_update *u, const uint8_t known[static ROTA_SHA256_LEN])
{
	return memcmp(rota_session_target(&u->session)->sha256, known, ROTA_SHA256_LEN) != 0;
}

/* Begin to read the file that was found; its decoder is the caller's business. */
static enum rota_err read_found(struct rota_update *u, uint64_t most)
{
	const struct rota_target *target = rota_session_target(&u->session);

	if (target->length > most)
		return ROTA_ERR_LIMIT;
	rota_update_read(u, rota_span(u->path, u->path_len), target->length, target->sha256);
	return ROTA_OK;
}

/* A piece that is of the file, and what its decoder says of it. */
static enum rota_err fed(struct rota_update *u, enum rota_err err)
{
	struct rota_reading *r = &u->reading;

	if (r->why.err == ROTA_OK && err != ROTA_OK)
		r->why = (struct rota_why){ err, ROTA_CLAUSE_SPEC_16 };
	return ROTA_OK; /* whether it was the listed file shows at its end */
}

/* The file is over: its form, its product, and a sequence that rises (SPEC 16.3). */
static struct rota_why verdict(
	struct rota_update *u, enum rota_err how, const struct rota_name *product)
{
	struct rota_why why = rota_update_verdict(u, how);

	if (why.err == ROTA_OK && !rota_span_eq(rota_name_span(product), u->config.device->product))
		why = (struct rota_why){ ROTA_ERR_PRODUCT, ROTA_CLAUSE_SPEC_16 };
	return why;
}

static struct rota_why rises(const struct rota_update *u, uint64_t kept,
	const uint8_t kept_sha256[static ROTA_SHA256_LEN], uint64_t sequence)
{
	enum rota_err err = kept == 0
		? ROTA_OK
		: rota_rollout_sequence(kept, kept_sha256, sequence, u->reading.sha256);

	return (struct rota_why){ err, ROTA_CLAUSE_SPEC_16_3 };
}

/* ---- the boot state ---- */

/* Its floors never fall; false: they are there already. */
static bool raise_floors(const struct rota_retired *r, struct rota_bootstate *s)
{
	bool rise = s->floor_wanted < r->counter_floor || s->key_floor_to < r->key_floor;

	if (s->floor_wanted < r->counter_floor)
		s->floor_wanted = r->counter_floor;
	if (s->key_floor_to < r->key_floor)
		s->key_floor_to = r->key_floor;
	return rise;
}

/* What the journal holds of retirements, also where a cut came between, or the boot journal was lost. */
static enum rota_err tell_boot(const struct rota_update *u)
{
	const struct rota_boot_access *boot = u->config.boot;
	const struct rota_retired *r = &u->state.retired;
	struct rota_bootstate state;
	enum rota_err err = ROTA_OK;

	if (boot == NULL || (r->counter_floor == 0 && r->key_floor == 0))
		return ROTA_OK;
	ROTA_TRY(boot->begin(boot->ctx, &state));
	if (raise_floors(r, &state))
		err = boot->commit(boot->ctx, &state);
	boot->end(boot->ctx);
	return err;
}

static enum rota_update_state retirements_known(struct rota_update *u)
{
	enum rota_err err = tell_boot(u);

	if (err != ROTA_OK)
		return rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_10);
	return look_for(u, ROTA_STR("revocations"), ROTA_UP_FIND_REVOCATIONS);
}

/* ---- retirements ---- */

enum rota_update_state rota_update_retirements(struct rota_update *u)
{
	return look_for(u, ROTA_STR("retirements"), ROTA_UP_FIND_RETIREMENTS);
}

enum rota_update_state rota_up_refreshed(struct rota_update *u)
{
	if (rota_update_restored(u))
		return rota_bound_recover(u);
	if (u->config.keys != NULL)
		u->config.keys->work->settle(u);
	if (u->weighed)
		return ROTA_UP_SEEK_POLICY;
	return rota_update_watched(u) ? rota_watchdog_look(u) : rota_update_retirements(u);
}

enum rota_update_state rota_up_retirements_found(struct rota_update *u)
{
	enum rota_err err;

	if (!is_new(u, u->state.retired.sha256))
		return retirements_known(u);
	err = read_found(u, ROTA_RETIREMENTS_MAX);
	if (err != ROTA_OK)
		return rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_16);
	rota_retirements_begin(
		&u->reading.as.retirements, u->config.device->hardware, u->names, u->value);
	if (u->config.keys != NULL)
		rota_retirements_ask(&u->reading.as.retirements, u->config.keys->work->pairs(u));
	return ROTA_UP_RETIREMENTS;
}

enum rota_update_state rota_up_retirements_lacking(struct rota_update *u)
{
	enum rota_err err = rota_session_pass_over(&u->session);

	return err == ROTA_OK ? retirements_known(u)
			      : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_16);
}

enum rota_err rota_up_retirements_feed(struct rota_update *u, struct rota_span piece)
{
	ROTA_TRY(rota_update_take(u, piece));
	return fed(u, rota_retirements_feed(&u->reading.as.retirements, piece));
}

/* What they say only rises; of a hardware id that they do not list, what was said before stays. */
static void retire(struct rota_retired *r, const struct rota_retirements_decoder *d)
{
	if (d->has_floor && d->counter_floor > r->counter_floor)
		r->counter_floor = d->counter_floor;
	if (d->key_floor > r->key_floor)
		r->key_floor = d->key_floor;
}

/* Of data keys first, in their own journal. As long as that cannot be, the file is read again at each poll. */
static bool keys_retired(struct rota_update *u)
{
	return u->config.keys == NULL || u->config.keys->work->retire(u);
}

enum rota_update_state rota_up_retirements_done(struct rota_update *u, enum rota_err how)
{
	struct rota_retirements_decoder *d = &u->reading.as.retirements;
	struct rota_retired *r = &u->state.retired;
	struct rota_why why;
	enum rota_err err;

	(void)fed(u, rota_retirements_end(d));
	why = verdict(u, how, &d->product);
	if (why.err == ROTA_OK)
		why = rises(u, r->sequence, r->sha256, d->sequence);
	if (why.err != ROTA_OK)
		return rota_update_trouble(u, why.err, why.clause);
	if (d->key_floor > r->key_floor)
		rota_update_bind(u); /* SPEC 9.6 */
	retire(r, d);
	if (keys_retired(u)) {
		r->sequence = d->sequence;
		memcpy(r->sha256, u->reading.sha256, ROTA_SHA256_LEN);
	}
	err = rota_update_commit(u); /* before it goes where nothing takes it back */
	return err == ROTA_OK ? retirements_known(u)
			      : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_9);
}

/* ---- revocations ---- */

/* The release that the policy names is to be chosen, unless it was withdrawn. */
enum rota_update_state rota_update_consider(struct rota_update *u)
{
	if (u->state.revoked.sequence == 0)
		return rota_update_choose(u);
	u->choosing = true;
	return look_for(u, ROTA_STR("revocations"), ROTA_UP_FIND_REVOCATIONS);
}

enum rota_update_state rota_up_revocations_lacking(struct rota_update *u)
{
	enum rota_err err = rota_session_pass_over(&u->session);

	if (err != ROTA_OK)
		return rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_16);
	return u->choosing ? rota_update_choose(u) : rota_update_weighed(u);
}

static void ask(struct rota_update *u)
{
	struct rota_revocations_decoder *d = &u->reading.as.revocations;

	rota_revocations_begin(d, u->names, u->value);
	if (u->choosing) {
		rota_revocations_ask(d, u->campaign.sha256);
		return;
	}
	rota_revocations_ask(d, u->state.pending.release);
	rota_revocations_ask(d, u->state.installed.release);
	if (u->config.keys != NULL)
		u->config.keys->work->ask(u, d);
}

enum rota_update_state rota_up_revocations_found(struct rota_update *u)
{
	enum rota_err err;

	if (!u->choosing && !is_new(u, u->state.revoked.sha256))
		return rota_update_weighed(u);
	err = read_found(u, ROTA_REVOCATIONS_MAX);
	if (err != ROTA_OK)
		return rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_16);
	ask(u);
	return ROTA_UP_REVOCATIONS;
}

enum rota_err rota_up_revocations_feed(struct rota_update *u, struct rota_span piece)
{
	ROTA_TRY(rota_update_take(u, piece));
	return fed(u, rota_revocations_feed(&u->reading.as.revocations, piece));
}

static void note_withdrawn(struct rota_update *u, const uint8_t *release, uint64_t version)
{
	rota_update_about(u, release, version, 0);
	rota_update_note(u, ROTA_EVENT_REFUSED,
		(struct rota_why){ ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4 });
}

/* SPEC 16.4: what becomes of the releases at hand. */
static enum rota_update_state withdraw(struct rota_update *u, uint8_t withdrawn)
{
	const struct rota_installed_release *i = &u->state.installed;
	struct rota_pending_install *p = &u->state.pending;

	if ((withdrawn & INSTALLED) != 0)
		note_withdrawn(u, i->release, i->version); /* what runs goes on running */
	if ((withdrawn & PENDING) != 0)
		note_withdrawn(u, p->release, p->version);
	if ((withdrawn & PENDING) != 0 && p->phase > ROTA_INSTALL_WRITING) {
		(void)rota_update_weighed(u);
		return rota_update_give_up(u);
	}
	if ((withdrawn & PENDING) != 0)
		memset(p, 0, sizeof(*p));
	rota_update_about(u, NULL, 0, 0);
	return rota_update_weighed(u);
}

enum rota_update_state rota_up_revocations_done(struct rota_update *u, enum rota_err how)
{
	struct rota_revocations_decoder *d = &u->reading.as.revocations;
	struct rota_revoked *r = &u->state.revoked;
	struct rota_why why;

	(void)fed(u, rota_revocations_end(d));
	why = verdict(u, how, &d->product);
	if (why.err == ROTA_OK)
		why = rises(u, r->sequence, r->sha256, d->sequence);
	if (why.err != ROTA_OK)
		return rota_update_trouble(u, why.err, why.clause);
	if (u->choosing)
		return (d->withdrawn & CHOSEN) == 0
			? rota_update_choose(u)
			: rota_update_stop(u, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	if (u->config.keys != NULL)
		u->config.keys->work->withdraw(u, d->withdrawn >> CAMPAIGNS);
	r->sequence = d->sequence;
	memcpy(r->sha256, u->reading.sha256, ROTA_SHA256_LEN);
	return withdraw(u, d->withdrawn);
}
