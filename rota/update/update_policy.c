/* SPDX-License-Identifier: Apache-2.0 */
/* What to install, and whether: the policy says which release, the release says who may have it when. Both are
 * read as they stream by and believed when their digest is right; the rules are pure functions in rota/trust. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"
#include "rota/trust/release.h"

/* ---- policy ---- */

enum rota_update_state rota_up_seek_policy(struct rota_update *u)
{
	enum rota_err err;

	if (u->config.keys != NULL && !u->keyed) { /* data keys first: no release stops them */
		u->keyed = true;
		return ROTA_UP_KEYS;
	}
	err = rota_update_find(u, ROTA_STR("rollouts"));
	return err == ROTA_OK ? ROTA_UP_FIND_POLICY
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_8_1);
}

/* The verified role says that there is none: nothing to install. */
enum rota_update_state rota_up_policy_lacking(struct rota_update *u)
{
	return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_1_POLICY);
}

enum rota_update_state rota_up_policy_found(struct rota_update *u)
{
	const struct rota_target *target = rota_session_target(&u->session);
	const struct rota_device *d = u->config.device;
	const struct rota_campaign_device device = { .product = d->product,
		.channel = d->channel,
		.group = d->group,
		.region = d->region,
		.spki = d->spki };

	if (target->length > ROTA_POLICY_MAX)
		return rota_update_stop(u, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_8_1);
	rota_update_read(u, rota_span(u->path, u->path_len), target->length, target->sha256);
	rota_campaign_begin(
		&u->reading.as.policy, u->config.session.crypto, &device, u->names, u->value);
	return ROTA_UP_POLICY;
}

enum rota_err rota_up_policy_feed(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	ROTA_TRY(rota_update_take(u, piece));
	if (r->why.err == ROTA_OK)
		r->why.err = rota_campaign_feed(&r->as.policy, piece);
	r->why.clause = r->why.err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_8_1;
	return ROTA_OK; /* whether it was the listed file shows at its end */
}

/* SPEC 8.9, against what the journal kept. */
static enum rota_err sequence_rises(const struct rota_update *u, uint64_t sequence)
{
	static const uint8_t none[ROTA_SHA256_LEN];
	const struct rota_state *s = &u->state;

	if (s->policy_sequence == 0 && memcmp(s->policy_sha256, none, sizeof(none)) == 0)
		return ROTA_OK;
	return rota_rollout_sequence(
		s->policy_sequence, s->policy_sha256, sequence, u->reading.sha256);
}

static bool failed_before(const struct rota_update *u)
{
	const struct rota_failed_install *f = &u->state.failed;

	return f->tries > 0 && f->attempt == u->campaign.attempt &&
		memcmp(f->release, u->campaign.sha256, ROTA_SHA256_LEN) == 0;
}

static bool admitted_before(const struct rota_update *u)
{
	const struct rota_admission *a = &u->state.admission;

	return a->attempt == u->campaign.attempt &&
		memcmp(a->release, u->campaign.sha256, ROTA_SHA256_LEN) == 0;
}

static uint32_t draw(const struct rota_update *u)
{
	return rota_rollout_draw(u->config.session.crypto, u->campaign.sha256, u->campaign.attempt,
		u->config.device->id);
}

/* Whether any open stage speaks of the device: what the release's signers allow is seen later, and a device
 * that nothing speaks of need not fetch the release. */
static bool spoken_of(const struct rota_update *u)
{
	const struct rota_rollout_facts *f = &u->facts;

	return f->canary > 0 || f->group || f->region || f->everyone || draw(u) < f->ppm;
}

/* What the policy means for this device now. */
static enum rota_update_state follow(struct rota_update *u, bool found)
{
	const struct rota_campaign *c = &u->campaign;
	const struct rota_failed_install *f = &u->state.failed;
	uint64_t now_s = rota_session_now(&u->session);

	if (!found)
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	if (!rota_campaign_installs(c->state))
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_2_STATE);
	if (memcmp(u->state.installed.release, c->sha256, ROTA_SHA256_LEN) == 0)
		return rota_update_idle(u, ROTA_CLAUSE_NONE);
	rota_update_about(u, c->sha256, 0, c->attempt);
	if (failed_before(u) && !rota_retry_allowed(&c->retry, f->tries, f->at_s, now_s))
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_7_4);
	if (!rota_window_open(&c->window, now_s))
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_2_WINDOW);
	if (!admitted_before(u) && !spoken_of(u))
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_7);
	return rota_update_consider(u);
}

enum rota_update_state rota_update_choose(struct rota_update *u)
{
	enum rota_err err = rota_session_find_in(
		&u->session, u->config.device->release_role, rota_path_span(&u->campaign.release));

	return err == ROTA_OK ? ROTA_UP_FIND_RELEASE
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_8_2);
}

enum rota_update_state rota_up_policy_done(struct rota_update *u, enum rota_err how)
{
	struct rota_campaign_finder *f = &u->reading.as.policy;
	struct rota_why why = rota_update_verdict(u, how);
	enum rota_err err;

	if (why.err != ROTA_OK)
		return rota_update_stop(u, why.err, why.clause);
	err = rota_campaign_end(f);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_8_1);
	err = sequence_rises(u, f->policy.sequence);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_8_9);
	u->policy_new = memcmp(u->state.policy_sha256, u->reading.sha256, ROTA_SHA256_LEN) != 0;
	u->state.policy_sequence = f->policy.sequence;
	memcpy(u->state.policy_sha256, u->reading.sha256, ROTA_SHA256_LEN);
	u->has_campaign = f->found;
	u->campaign = f->campaign;
	u->facts = f->facts;
	return follow(u, f->found);
}

/* ---- release ---- */

enum rota_update_state rota_up_release_found(struct rota_update *u)
{
	const struct rota_target *target = rota_session_target(&u->session);
	struct rota_release_want *want = &u->components;

	if (memcmp(target->sha256, u->campaign.sha256, ROTA_SHA256_LEN) != 0)
		return rota_update_stop(u, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_8_2);
	if (target->length > ROTA_RELEASE_MAX)
		return rota_update_stop(u, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_7_1);
	want->hardware = u->config.device->hardware;
	want->group = u->config.device->group;
	rota_update_read(u, rota_path_span(&u->campaign.release), target->length, target->sha256);
	rota_release_begin(&u->reading.as.release, want, u->names, u->value);
	return ROTA_UP_RELEASE;
}

enum rota_err rota_up_release_feed(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	ROTA_TRY(rota_update_take(u, piece));
	if (r->why.err == ROTA_OK)
		r->why.err = rota_release_feed(&r->as.release, piece);
	r->why.clause = r->why.err == ROTA_OK ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_7_1;
	return ROTA_OK;
}

/* The components on the device that the release depends on. The journal knows them by tags; their names are
 * those that the release uses. */
static size_t known_components(
	const struct rota_update *u, struct rota_installed known[ROTA_STATE_COMPONENTS_MAX])
{
	const struct rota_installed_release *i = &u->state.installed;
	uint8_t tag[ROTA_FLOOR_TAG_LEN];
	size_t count = 0;

	for (uint8_t c = 0; c < u->release.component_count; c++) {
		const struct rota_component *of = &u->components.components[c];

		for (uint8_t d = 0; d < of->depend_count; d++) {
			struct rota_span name = rota_name_span(&of->depends[d].name);

			rota_floor_tag(u->config.session.crypto, tag, name);
			for (uint8_t k = 0;
				k < i->component_count && count < ROTA_STATE_COMPONENTS_MAX; k++) {
				if (memcmp(i->component[k].name, tag, sizeof(tag)) == 0)
					known[count++] = (struct rota_installed){ name,
						i->component[k].version };
			}
		}
	}
	return count;
}

/* SPEC 7.2 */
static enum rota_err suits(const struct rota_update *u)
{
	const struct rota_device *d = u->config.device;
	struct rota_installed known[ROTA_STATE_COMPONENTS_MAX];
	struct rota_span names[ROTA_STATE_COMPONENTS_MAX];
	const struct rota_release_device device = { .role = d->release_role,
		.path = rota_path_span(&u->campaign.release),
		.product = d->product,
		.slots = names,
		.slot_count = u->config.slots_count };

	for (uint8_t i = 0; i < u->config.slots_count; i++)
		names[i] = u->config.slots[i].name;
	ROTA_TRY(rota_release_agrees(&u->release, &device));
	ROTA_TRY(rota_release_fits(&u->release, &u->components, &device));
	return rota_release_depends_met(
		&u->release, &u->components, known, known_components(u, known));
}

/* SPEC 7.3 */
static enum rota_err follows(const struct rota_update *u)
{
	const struct rota_installed_release *i = &u->state.installed;
	const struct rota_release_running running = { .version = i->version,
		.has_before = i->previous_version != 0,
		.before = i->previous_version,
		.revert_to = i->revert_to,
		.revert_count = i->revert_to_count };

	return rota_release_follows(&u->release, &running);
}

/* SPEC 8.7, 8.8 */
static bool our_turn(const struct rota_update *u)
{
	const struct rota_ceilings *c = &u->release.ceilings;
	uint32_t ceiling =
		rota_rollout_ceiling(c, u->release.issued_s, rota_session_floor_now(&u->session));

	return admitted_before(u) ||
		rota_rollout_turn(&u->facts, c, draw(u), ceiling) == ROTA_TURN_YES;
}

/* SPEC 22.5 */
static enum rota_update_state seek_proof(struct rota_update *u)
{
	const struct rota_update_demand *demand = u->config.demand;

	demand->calls->begin(demand->room, u->config.session.crypto, demand->of,
		rota_path_span(&u->campaign.release), u->campaign.sha256);
	return ROTA_UP_PROOF;
}

enum rota_update_state rota_up_release_done(struct rota_update *u, enum rota_err how)
{
	struct rota_release_decoder *d = &u->reading.as.release;
	struct rota_why why = rota_update_verdict(u, how);
	enum rota_err err;

	if (why.err != ROTA_OK)
		return rota_update_stop(u, why.err, why.clause);
	err = rota_release_end(d);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_7_1);
	u->release = d->release;
	rota_update_about(u, u->campaign.sha256, u->release.version, u->campaign.attempt);
	err = suits(u);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_7_2);
	err = follows(u);
	if (err != ROTA_OK)
		return rota_update_stop(u, err,
			err == ROTA_ERR_VERSION ? ROTA_CLAUSE_SPEC_7_3_MINIMUM
						: ROTA_CLAUSE_SPEC_7_3);
	if (!our_turn(u))
		return rota_update_idle(u, ROTA_CLAUSE_SPEC_8_7);
	memcpy(u->state.admission.release, u->campaign.sha256, ROTA_SHA256_LEN);
	u->state.admission.attempt = u->campaign.attempt;
	return u->config.demand == NULL ? rota_update_plan(u) : seek_proof(u);
}

/* ---- the proof that it was logged ---- */

void rota_up_proof_ask(const struct rota_update *u, struct rota_update_want *want)
{
	memcpy(want->sha256, u->campaign.sha256, ROTA_SHA256_LEN);
	want->offset = 0;
	want->length = ROTA_LOGPROOF_MAX;
}

enum rota_err rota_up_proof_feed(struct rota_update *u, struct rota_span piece)
{
	return u->config.demand->calls->feed(u->config.demand->room, piece);
}

/* Before any byte of a component. */
enum rota_update_state rota_up_proof_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_update_demand *demand = u->config.demand;
	enum rota_err err = how;

	if (err == ROTA_OK)
		err = demand->calls->end(demand->room, &u->state.seen);
	return err == ROTA_OK ? rota_update_plan(u)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_22_5);
}
