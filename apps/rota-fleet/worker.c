/* SPDX-License-Identifier: Apache-2.0 */
/* One poll of one device, as its thread does it: what the core wants is asked of the repository's files and of the server, and sometimes
 * the power goes, or an answer is lost. */
#include "apps/rota-fleet/worker.h"
#include "host/identity/cert.h"
#include "host/identity/escaped.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

#include <stdio.h>
#include <string.h>

#define CUT_OPS                                                                                    \
	80 /* the power goes at one of so many operations of flash: a rotation takes about as many */

/* SplitMix64 (Steele, Lea, Flood): chance that needs no more than to be spread. */
static uint64_t throw(struct fleet_worker * w)
{
	uint64_t z = w->dice += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static void note(
	struct fleet_worker *w, const char *what, enum rota_err err, enum rota_clause clause)
{
	pthread_mutex_lock(&w->fleet->lock);
	snprintf(w->fleet->trouble, sizeof(w->fleet->trouble), "device %s: %s: %s (%s)",
		w->device.id_text, what, rota_err_str(err), rota_clause_section(clause));
	pthread_mutex_unlock(&w->fleet->lock);
}

/* ---- what is outside ---- */

static enum rota_err file(void *ctx, const char *path, struct rota_span *out)
{
	struct fleet_worker *w = ctx;

	return w->fronted ? front_file(w->front, path, REPOSITORY_FILE_MAX, out)
			  : repository_file(&w->repository, path, out);
}

static enum rota_err call(struct fleet_worker *w, const char *target, struct rota_span body,
	struct rota_buf room, struct server_answer *answer)
{
	enum rota_err err;

	if (!w->fronted)
		return server_call(&w->server, w->member->certificate, target, body, room, answer);
	err = front_call(w->front, target, body, room, answer);
	w->fleet->figures.fronted += err == ROTA_OK;
	return err;
}

/* Later, or an answer that is none of these. */
static enum rota_err other_status(struct fleet_worker *w, unsigned status)
{
	if (status != 429 && status != 503)
		return ROTA_ERR_NET;
	w->fleet->figures.busy++;
	return ROTA_ERR_BUSY;
}

static enum rota_err bundle(void *ctx, const uint8_t campaign[static ROTA_SHA256_LEN],
	struct rota_buf room, size_t *len)
{
	struct fleet_worker *w = ctx;
	char target[32 + 2 * ROTA_SHA256_LEN] = "/api/v1/keys/";
	struct server_answer answer;

	rota_hex(rota_span(campaign, ROTA_SHA256_LEN), &target[strlen(target)]);
	ROTA_TRY(call(w, target, rota_span(NULL, 0), room, &answer));
	if (answer.status == 404)
		return ROTA_ERR_NOT_FOUND;
	if (answer.status != 200)
		return other_status(w, answer.status);
	w->fleet->figures.bundles++;
	*len = answer.len;
	return ROTA_OK;
}

/* Whether this proof is lost: 0 it is not, 1 before the server, 2 its answer. */
static int lost(struct fleet_worker *w, uint8_t kind)
{
	int left;

	if (kind != ROTA_STATEMENT_PROVED || atomic_load(&w->fleet->lose) <= 0)
		return 0;
	left = atomic_fetch_sub(&w->fleet->lose, 1);
	if (left <= 0)
		return 0;
	w->fleet->figures.lost++;
	return 1 + (left & 1);
}

static enum rota_err hear(
	struct fleet_worker *w, const struct server_answer *answer, char *text, uint32_t *counter)
{
	unsigned number;

	switch (answer->status) {
	case 204:
		w->fleet->figures.statements++;
		return ROTA_OK;
	case 422:
		return ROTA_ERR_DENIED;
	case 409:
		text[answer->len] = 0;
		if (sscanf(text, "{\"counter\":%u}", &number) != 1)
			return ROTA_ERR_NET;
		*counter = number;
		return ROTA_ERR_VERSION;
	default:
		return other_status(w, answer->status);
	}
}

static enum rota_err say(void *ctx, struct rota_span statement, uint32_t *counter)
{
	struct fleet_worker *w = ctx;
	struct server_answer answer;
	struct rota_statement s;
	char text[1025];
	enum rota_err err;
	int fate;

	ROTA_TRY(rota_statement_decode(statement, &s));
	fate = lost(w, s.kind);
	if (fate == 1)
		return ROTA_ERR_NET;
	ROTA_TRY(call(w, "/api/v1/statement", statement,
		rota_buf((uint8_t *)text, sizeof(text) - 1), &answer));
	err = hear(w, &answer, text, counter);
	if (err == ROTA_OK && (s.kind == ROTA_STATEMENT_PROVED || s.kind == ROTA_STATEMENT_ANEW))
		messages_write(&w->fleet->said, rota_span(NULL, 0), statement);
	return fate == 2 ? ROTA_ERR_NET : err;
}

/* ---- a poll ---- */

static void plan_cut(struct fleet_worker *w)
{
	static const enum rota_sim_fault cuts[] = { ROTA_SIM_CUT_BEFORE, ROTA_SIM_CUT_WEAK,
		ROTA_SIM_CUT_TORN, ROTA_SIM_CUT_DONE, ROTA_SIM_CUT_UNSYNCED };
	uint64_t at = 0;

	if (throw(w) % 1000000 < w->fleet->cut_ppm)
		at = 1 + throw(w) % CUT_OPS;
	rota_sim_supply_plan(&w->device.supply, at,
		at > 0 ? cuts[throw(w) % (sizeof(cuts) / sizeof(cuts[0]))] : ROTA_SIM_NONE,
		throw(w));
}

static void look(struct fleet_worker *w, enum rota_err err)
{
	const struct fleet_device *d = &w->device;

	if (err != ROTA_OK) {
		w->fleet->figures.stopped++;
		note(w, "its cycle stopped", err, d->outcome.why.clause);
	} else if (d->keys_why.err != ROTA_OK) {
		w->fleet->figures.troubles++;
		note(w, "its keys", d->keys_why.err, d->keys_why.clause);
	}
}

/* What is left of its messages; false: the power went. */
static bool talk(struct fleet_worker *w, uint64_t at_s, uint32_t *left)
{
	struct fleet_member *m = w->member;
	uint32_t before = m->sent;
	struct rota_key_held held;
	enum rota_err err;

	rota_keyslots_held(&w->device.slots, ROTA_PURPOSE_TELEMETRY, &held);
	m->generation = held.active;
	err = messages_send(&w->fleet->messages, &w->device, at_s, *left, &m->sent);
	*left -= m->sent - before;
	w->fleet->figures.messages += m->sent - before;
	if (w->device.supply.off)
		return false;
	if (err != ROTA_OK && (err != ROTA_ERR_NOT_FOUND || m->sent > 0)) {
		w->fleet->figures.mute += *left;
		note(w, "it cannot seal", err, ROTA_CLAUSE_NONE);
	}
	return true;
}

/* A start, of who has the key to go through nginx: a handshake of its own. */
static void enter(struct fleet_worker *w)
{
	const struct fleet_member *m = w->member;
	enum rota_err err;

	w->fronted = w->front != NULL && m->login != NULL;
	if (!w->fronted)
		return;
	err = front_enter(w->front, &w->device.soft.port, m->certificate);
	if (err != ROTA_OK && !w->device.supply.off)
		note(w, "its certificate", err, ROTA_CLAUSE_NONE);
}

bool fleet_poll_task(struct fleet_worker *w, struct fleet_member *m, uint64_t at_s)
{
	const struct fleet_outside outside = { w, file, bundle, say };
	uint32_t left = w->fleet->settings.each;

	if (m->sleeps_until_s > at_s)
		return true;
	w->member = m;
	if (fleet_device_wake(&w->device, m->id, m->point, &m->sleeper, &m->images) != ROTA_OK)
		return false;
	plan_cut(w);
	for (int i = 0; i < WORKER_STARTS_MAX; i++) {
		enum rota_err err;

		enter(w);
		err = fleet_device_cycle(&w->device, at_s, &outside);
		w->fleet->figures.polls++;
		if (!w->device.supply.off) {
			look(w, err);
			if (!w->device.reboots && talk(w, at_s, &left))
				break;
		}
		if (w->device.supply.off)
			w->fleet->figures.cuts++;
		rota_sim_supply_on(&w->device.supply);
		fleet_images_boot(&m->images);
	}
	if (w->fronted)
		front_leave(w->front);
	rota_sim_supply_plan(&w->device.supply, 0, ROTA_SIM_NONE, 1);
	return fleet_device_sleep(&w->device, &m->sleeper) == ROTA_OK;
}

/* ---- the factory ---- */

/* In the census, where it was looked at. */
static void secret_of(const char *hex, uint8_t out[static 32])
{
	(void)!rota_hex_decode(rota_span((const uint8_t *)hex, 64), rota_buf(out, 32));
}

/* The point of a key that logs in is that of its certificate. */
static enum rota_err point_of(struct rota_span certificate, uint8_t out[static ROTA_P256_KEY_LEN])
{
	uint8_t der[ROTA_CERT_DER_MAX];
	struct rota_cert cert;
	size_t len;

	ROTA_TRY(rota_escaped_cert(certificate, ROTA_BUF(der), &len));
	ROTA_TRY(rota_cert_read(rota_span(der, len), &cert));
	if (cert.spki.len < ROTA_P256_KEY_LEN)
		return ROTA_ERR_FORMAT;
	memcpy(out, cert.spki.p + cert.spki.len - ROTA_P256_KEY_LEN, ROTA_P256_KEY_LEN);
	return ROTA_OK;
}

static enum rota_err read_birth(const struct fleet_member *m, struct fleet_birth *out)
{
	*out = (struct fleet_birth){ .has_login = m->login != NULL,
		.has_factory = m->factory != NULL };
	memcpy(out->secret, m->secret, sizeof(out->secret));
	memcpy(out->point, m->point, sizeof(out->point));
	if (out->has_factory)
		secret_of(m->factory, out->factory);
	if (!out->has_login)
		return ROTA_OK;
	secret_of(m->login, out->login_secret);
	return point_of(m->certificate, out->login_point);
}

bool fleet_factory_task(struct fleet_worker *w, struct fleet_member *m, uint64_t at_s)
{
	uint8_t room[ROTA_STATEMENT_MAX];
	struct rota_span statement;
	struct fleet_birth birth;
	enum rota_err err;

	(void)at_s;
	w->member = m;
	err = fleet_device_wake(&w->device, m->id, m->point, NULL, &m->images);
	if (err == ROTA_OK)
		err = read_birth(m, &birth);
	if (err == ROTA_OK)
		err = fleet_device_factory(&w->device, &birth, ROTA_BUF(room), &statement);
	rota_wipe(&birth, sizeof(birth));
	rota_wipe(m->secret, sizeof(m->secret));
	if (err == ROTA_OK)
		err = fleet_device_sleep(&w->device, &m->sleeper);
	if (err != ROTA_OK) {
		note(w, "the factory", err, ROTA_CLAUSE_NONE);
		return false;
	}
	messages_write(&w->fleet->said, rota_span(NULL, 0), statement);
	return true;
}
