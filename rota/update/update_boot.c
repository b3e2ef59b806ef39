/* SPDX-License-Identifier: Apache-2.0 */
/* What to make of the boot. Each slot is seen as one of a few things; with the phase that the journal holds, a
 * table says what is to be done about it, and the gravest answer decides for all, since the components of a
 * release are confirmed or reverted together. A power cut anywhere leads back here: there is no other recovery.
 *
 * Nothing here needs the network, so nothing that has expired there stands in the way (SPEC 5.3).
 *
 * A trial that the journal does not know of (a journal restored, or lost and made anew) is given up: what
 * runs then is what the journal speaks of. */
#include "rota/update/update_parts.h"
#include "rota/base/mem.h"
#include "rota/store/binding.h"

/* Reboots asked for while the boot stage does not start the trial: then it never will. */
#define REBOOTS_MAX 8

enum seen {
	SEEN_TRIAL, /* the image put on trial runs on trial */
	SEEN_STRANGER, /* an image on trial that was not put there by this installation */
	SEEN_NEW, /* the image put on trial is the confirmed one */
	SEEN_OLD, /* another image is the confirmed one */
	SEEN_BLIND, /* a confirmed image; the backend cannot tell which */
	SEEN_BACK, /* back on the confirmed image, after a trial that was not confirmed */
	SEEN_COUNT
};

/* By rising gravity. */
enum verdict {
	GO_ON,
	DONE, /* confirmed */
	KEEP, /* confirm it */
	PROVE, /* is it well? */
	ASK, /* put it on trial */
	WAIT, /* it is on trial: boot */
	GIVE_UP,
};

static const uint8_t verdicts[][SEEN_COUNT] = {
	[ROTA_INSTALL_NONE] = { [SEEN_STRANGER] = GIVE_UP },
	[ROTA_INSTALL_WRITING] = { [SEEN_TRIAL] = GIVE_UP, [SEEN_STRANGER] = GIVE_UP },
	[ROTA_INSTALL_WRITTEN] = { [SEEN_TRIAL] = PROVE,
		[SEEN_STRANGER] = GIVE_UP,
		[SEEN_NEW] = PROVE,
		[SEEN_OLD] = ASK,
		[SEEN_BLIND] = ASK,
		[SEEN_BACK] = ASK },
	[ROTA_INSTALL_TRIAL] = { [SEEN_TRIAL] = PROVE,
		[SEEN_STRANGER] = GIVE_UP,
		[SEEN_NEW] = PROVE,
		[SEEN_OLD] = WAIT,
		[SEEN_BLIND] = WAIT,
		[SEEN_BACK] = GIVE_UP },
	[ROTA_INSTALL_BOOTED] = { [SEEN_TRIAL] = PROVE,
		[SEEN_STRANGER] = GIVE_UP,
		[SEEN_NEW] = PROVE,
		[SEEN_OLD] = GIVE_UP,
		[SEEN_BLIND] = GIVE_UP,
		[SEEN_BACK] = GIVE_UP },
	/* All were well; a cut between two slots left some behind, which go on trial once more. */
	[ROTA_INSTALL_CONFIRM] = { [SEEN_TRIAL] = KEEP,
		[SEEN_STRANGER] = GIVE_UP,
		[SEEN_NEW] = DONE,
		[SEEN_OLD] = ASK,
		[SEEN_BLIND] = DONE,
		[SEEN_BACK] = ASK },
	[ROTA_INSTALL_REVERT] = { [SEEN_TRIAL] = GIVE_UP, [SEEN_STRANGER] = GIVE_UP },
};

/* What all slots together come to. */
struct judgement {
	enum verdict worst;
	bool trial_runs; /* in some slot */
	bool mixed; /* in some slot it runs, in another not */
	uint8_t verdict[ROTA_STATE_COMPONENTS_MAX]; /* by component */
};

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* ---- slots by tag ---- */

static void slot_tag(
	const struct rota_update *u, uint8_t slot, uint8_t tag[static ROTA_FLOOR_TAG_LEN])
{
	rota_floor_tag(u->config.session.crypto, tag, u->config.slots[slot].name);
}

const struct rota_slots *rota_update_slots(const struct rota_update *u, const uint8_t *tag)
{
	uint8_t own[ROTA_FLOOR_TAG_LEN];

	for (uint8_t i = 0; i < u->config.slots_count; i++) {
		slot_tag(u, i, own);
		if (memcmp(own, tag, sizeof(own)) == 0)
			return u->config.slots[i].slots;
	}
	return NULL;
}

/* The pending component that goes to a slot of the device, or component_count. */
static uint8_t component_of(const struct rota_update *u, uint8_t slot)
{
	const struct rota_pending_install *p = &u->state.pending;
	uint8_t tag[ROTA_FLOOR_TAG_LEN], i = 0;

	slot_tag(u, slot, tag);
	while (i < p->component_count &&
		memcmp(p->components[i].slot, tag, ROTA_FLOOR_TAG_LEN) != 0)
		i++;
	return i;
}

/* ---- the judgement ---- */

static enum seen see(const struct rota_booted *booted, const uint8_t *digest)
{
	bool blind = is_zero(booted->digest, ROTA_SHA256_LEN);
	bool same = digest != NULL && memcmp(booted->digest, digest, ROTA_SHA256_LEN) == 0;

	switch (booted->kind) {
	case ROTA_BOOT_TRIAL:
		return digest != NULL && (blind || same) ? SEEN_TRIAL : SEEN_STRANGER;
	case ROTA_BOOT_CONFIRMED:
		if (blind)
			return SEEN_BLIND;
		return same ? SEEN_NEW : SEEN_OLD;
	case ROTA_BOOT_REVERTED:
	case ROTA_BOOT_FALLBACK:
	default:
		return SEEN_BACK;
	}
}

static enum rota_err judge_slot(struct rota_update *u, uint8_t slot, struct judgement *j)
{
	const struct rota_pending_install *p = &u->state.pending;
	const struct rota_slots *slots = u->config.slots[slot].slots;
	uint8_t at = component_of(u, slot);
	bool ours = at < p->component_count;
	struct rota_booted booted;
	enum verdict verdict;
	enum seen seen;

	ROTA_TRY(slots->booted(slots->ctx, &booted));
	seen = see(&booted, ours ? p->components[at].digest : NULL);
	j->trial_runs = j->trial_runs || booted.kind == ROTA_BOOT_TRIAL;
	if (!ours && seen != SEEN_STRANGER)
		return ROTA_OK; /* not a part of this installation */
	verdict = (enum verdict)verdicts[p->phase][seen];
	if (ours)
		j->verdict[at] = (uint8_t)verdict;
	if (verdict > j->worst)
		j->worst = verdict;
	return ROTA_OK;
}

static enum rota_err judge(struct rota_update *u, struct judgement *j)
{
	const struct rota_pending_install *p = &u->state.pending;

	memset(j, 0, sizeof(*j));
	for (uint8_t i = 0; i < u->config.slots_count; i++)
		ROTA_TRY(judge_slot(u, i, j));
	for (uint8_t i = 0; i < p->component_count; i++) {
		const uint8_t *tag = p->components[i].slot;

		j->mixed = j->mixed || j->verdict[i] == ASK || j->verdict[i] == WAIT;
		/* A slot that the configuration has no more: the rest of the release is worth nothing. */
		if (p->phase > ROTA_INSTALL_WRITING && p->phase < ROTA_INSTALL_REVERT &&
			!is_zero(tag, ROTA_FLOOR_TAG_LEN) && rota_update_slots(u, tag) == NULL)
			j->worst = GIVE_UP;
	}
	j->mixed = j->mixed && j->trial_runs;
	return ROTA_OK;
}

/* ---- giving up ---- */

static enum rota_err revert_all(struct rota_update *u)
{
	for (uint8_t i = 0; i < u->config.slots_count; i++) {
		const struct rota_slots *slots = u->config.slots[i].slots;

		ROTA_TRY(slots->revert(slots->ctx));
	}
	return ROTA_OK;
}

/* SPEC 7.4 */
static void count_failure(struct rota_update *u)
{
	const struct rota_pending_install *p = &u->state.pending;
	struct rota_failed_install *f = &u->state.failed;

	if (is_zero(p->release, ROTA_SHA256_LEN))
		return;
	if (memcmp(f->release, p->release, ROTA_SHA256_LEN) != 0 || f->attempt != p->attempt)
		f->tries = 0;
	memcpy(f->release, p->release, ROTA_SHA256_LEN);
	f->attempt = p->attempt;
	f->tries = f->tries == UINT8_MAX ? UINT8_MAX : (uint8_t)(f->tries + 1);
	f->at_s = rota_session_now(&u->session);
}

static enum rota_update_state reverted(struct rota_update *u)
{
	const struct rota_why why = { ROTA_OK, ROTA_CLAUSE_SPEC_10_2 };
	enum rota_err err;

	rota_update_note(u, ROTA_EVENT_REVERTED, why);
	memset(&u->state.pending, 0, sizeof(u->state.pending));
	err = rota_update_commit(u);
	rota_update_about(u, NULL, 0, 0);
	return err == ROTA_OK ? ROTA_UP_REFRESH : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

/* The trial runs, and is not to be kept: that is put down first, so that a cut between two slots does not
 * make it look well again. */
static enum rota_update_state give_up_running(struct rota_update *u, enum rota_err why)
{
	enum rota_err err;

	count_failure(u);
	u->state.pending.phase = ROTA_INSTALL_REVERT;
	rota_update_note(u, ROTA_EVENT_FAILED, (struct rota_why){ why, ROTA_CLAUSE_SPEC_10 });
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_REVERT : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

static enum rota_update_state give_up(struct rota_update *u, const struct judgement *j)
{
	enum rota_err err;

	if (u->state.pending.phase == ROTA_INSTALL_REVERT)
		return ROTA_UP_REVERT;
	if (j->trial_runs)
		return give_up_running(u, ROTA_ERR_DENIED);
	err = revert_all(u); /* also a trial that was asked for and never ran */
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	count_failure(u);
	return reverted(u);
}

enum rota_update_state rota_update_give_up(struct rota_update *u)
{
	struct judgement j;
	enum rota_err err = judge(u, &j);

	if (err == ROTA_OK && j.trial_runs) {
		u->state.pending.phase = ROTA_INSTALL_REVERT;
		err = rota_update_commit(u);
		return err == ROTA_OK ? ROTA_UP_REVERT
				      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
	}
	if (err == ROTA_OK)
		err = revert_all(u);
	return err == ROTA_OK ? reverted(u) : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
}

enum rota_update_state rota_up_revert(struct rota_update *u)
{
	enum rota_err err = revert_all(u);

	return err == ROTA_OK ? rota_update_reboot(u)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
}

/* ---- keeping ---- */

static enum rota_update_state prove(struct rota_update *u)
{
	enum rota_err err;

	if (u->state.pending.phase != ROTA_INSTALL_BOOTED) {
		u->state.pending.phase = ROTA_INSTALL_BOOTED;
		rota_update_note(
			u, ROTA_EVENT_BOOTED, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	}
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_HEALTH : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

enum rota_update_state rota_up_health(struct rota_update *u, enum rota_err how)
{
	if (how !=
		ROTA_OK) /* boot gives up an order's image, after as many boots as it has (SPEC 15.7) */
		return rota_update_order_tried(u) ? rota_update_reboot(u) : give_up_running(u, how);
	return rota_update_weigh(u, ROTA_UP_KEEP);
}

enum rota_update_state rota_up_keep(struct rota_update *u)
{
	struct judgement j;
	enum rota_err err = judge(u, &j);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	/* Reset while it was proved: what is well now is another image. */
	if (j.worst != PROVE)
		return ROTA_UP_JUDGE;
	u->state.pending.phase = ROTA_INSTALL_CONFIRM;
	rota_update_bind(u);
	err = rota_update_commit(u);
	return err == ROTA_OK ? ROTA_UP_CONFIRM : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

/* Put down with which release a component came. The oldest knowledge gives way where there is no room. */
static void know_component(struct rota_installed_release *i, const uint8_t *name, uint64_t version)
{
	uint8_t at = 0;

	while (at < i->component_count &&
		memcmp(i->component[at].name, name, ROTA_FLOOR_TAG_LEN) != 0)
		at++;
	if (at == ROTA_STATE_COMPONENTS_MAX) {
		at--;
		memmove(&i->component[0], &i->component[1], at * sizeof(i->component[0]));
	}
	if (at == i->component_count)
		i->component_count++;
	memcpy(i->component[at].name, name, ROTA_FLOOR_TAG_LEN);
	i->component[at].version = version;
}

enum rota_err rota_update_installed(struct rota_update *u)
{
	struct rota_installed_release *i = &u->state.installed;
	const struct rota_pending_install *p = &u->state.pending;

	if (i->version != p->version)
		i->previous_version = i->version;
	memcpy(i->release, p->release, ROTA_SHA256_LEN);
	i->version = p->version;
	i->revert_to_count = p->revert_to_count;
	memcpy(i->revert_to, p->revert_to, sizeof(i->revert_to));
	for (uint8_t k = 0; k < p->component_count; k++)
		know_component(i, p->components[k].name, p->version);
	rota_update_note(u, ROTA_EVENT_CONFIRMED, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	memset(&u->state.failed, 0, sizeof(u->state.failed));
	memset(&u->state.pending, 0, sizeof(u->state.pending));
	return rota_update_commit(u);
}

/* Confirm, and see that it is this image that is kept: one that was confirmed before a cut may be said to be on no
 * trial, and one that was reset a moment ago leaves another, which is confirmed. */
static enum rota_err keep_slot(
	const struct rota_slots *slots, const uint8_t digest[static ROTA_SHA256_LEN])
{
	enum rota_err err = slots->confirm(slots->ctx);
	struct rota_booted booted;
	enum seen seen;

	if (err != ROTA_OK && err != ROTA_ERR_STATE)
		return err;
	ROTA_TRY(slots->booted(slots->ctx, &booted));
	seen = see(&booted, digest);
	if (seen == SEEN_NEW || seen == SEEN_BLIND || (seen == SEEN_TRIAL && err == ROTA_OK))
		return ROTA_OK;
	return ROTA_ERR_STATE;
}

enum rota_update_state rota_up_confirm(struct rota_update *u)
{
	const struct rota_pending_install *p = &u->state.pending;
	enum rota_err err;

	for (uint8_t i = 0; i < p->component_count; i++) {
		const struct rota_slots *slots = rota_update_slots(u, p->components[i].slot);

		err = slots == NULL ? ROTA_OK : keep_slot(slots, p->components[i].digest);
		if (err != ROTA_OK)
			return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	}
	err = rota_bound_finish(u);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9_6);
	err = rota_update_installed(u);
	rota_update_about(u, NULL, 0, 0);
	return err == ROTA_OK ? ROTA_UP_REFRESH : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
}

/* ---- asking again ---- */

/* After a cut among several slots that were being confirmed: keep what runs, and put the rest on trial. */
static enum rota_err keep_and_ask(struct rota_update *u, const struct judgement *j)
{
	const struct rota_pending_install *p = &u->state.pending;

	for (uint8_t i = 0; i < p->component_count; i++) {
		const struct rota_pending_component *c = &p->components[i];
		const struct rota_slots *slots = rota_update_slots(u, c->slot);

		if (j->verdict[i] == KEEP)
			ROTA_TRY(keep_slot(slots, c->digest));
		else if (j->verdict[i] == ASK)
			ROTA_TRY(slots->trial(slots->ctx, c->digest));
	}
	return rota_update_switch(u);
}

static enum rota_update_state ask(struct rota_update *u, const struct judgement *j)
{
	enum rota_err err = ROTA_OK;

	if (u->state.pending.phase == ROTA_INSTALL_WRITTEN && !j->mixed)
		return ROTA_UP_ASK;
	if (u->state.pending.reboots == REBOOTS_MAX)
		return give_up(u, j);
	u->state.pending.reboots++;
	/* Cut while the trials were being asked for: those that started are ended, and all begin together. */
	err = u->state.pending.phase == ROTA_INSTALL_WRITTEN ? revert_all(u) : keep_and_ask(u, j);
	return err == ROTA_OK ? rota_update_reboot(u)
			      : rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
}

static enum rota_update_state wait(struct rota_update *u, const struct judgement *j)
{
	if (j->mixed || u->state.pending.reboots == REBOOTS_MAX)
		return give_up(u, j);
	u->state.pending.reboots++;
	return rota_update_reboot(u);
}

/* ---- the boot ---- */

/* A restored device goes on with no trial but that of an order, since what is on trial may be of any age (SPEC 9.6); but
 * where some slots are confirmed already the others follow, since a release is not to be mixed with another. */
static enum verdict restrained(const struct rota_update *u, const struct judgement *j)
{
	if (!rota_update_restored(u) || rota_update_order_tried(u))
		return j->worst;
	if (j->worst != PROVE && j->worst != ASK && j->worst != WAIT)
		return j->worst;
	return u->state.pending.phase == ROTA_INSTALL_CONFIRM && j->mixed ? j->worst : GIVE_UP;
}

enum rota_update_state rota_up_judge(struct rota_update *u)
{
	const struct rota_pending_install *p = &u->state.pending;
	struct judgement j;
	enum rota_err err;

	/* What cannot be bound now waits, but for an order. */
	if (u->bound.verdict == ROTA_BINDING_UNREADABLE && !rota_update_order_tried(u))
		return ROTA_UP_REFRESH;
	err = judge(u, &j);
	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_10);
	if (p->phase > ROTA_INSTALL_WRITING) /* the image of an order is of no release */
		rota_update_about(u, is_zero(p->release, ROTA_SHA256_LEN) ? NULL : p->release,
			p->version, p->attempt);
	switch (restrained(u, &j)) {
	case GO_ON:
		return p->phase == ROTA_INSTALL_REVERT ? reverted(u) : ROTA_UP_REFRESH;
	case DONE:
	case KEEP:
		return ROTA_UP_CONFIRM;
	case PROVE:
		return prove(u);
	case ASK:
		return rota_update_is_weighed(u) ? ask(u, &j) : rota_update_weigh(u, ROTA_UP_JUDGE);
	case WAIT:
		return rota_update_is_weighed(u) ? wait(u, &j)
						 : rota_update_weigh(u, ROTA_UP_JUDGE);
	case GIVE_UP:
	default:
		return give_up(u, &j);
	}
}
