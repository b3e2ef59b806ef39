/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of devices (SPEC 19.8): what is signed is made here, and the log writer makes it again of the same request. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void judge_draw_serial(uint8_t serial[static ROTA_TBS_SERIAL_LEN])
{
	if (getrandom(serial, ROTA_TBS_SERIAL_LEN, 0) != ROTA_TBS_SERIAL_LEN)
		abort();
	serial[0] = (uint8_t)((serial[0] & 0x3F) | 0x40);
}

/* SPEC 28.9: one key for one thing, and one thing for one key. */
static enum rota_err judge_once(
	const struct trial *t, const struct rota_certify_answer *a, struct rota_fail *why)
{
	if (rota_records_birth(t->j->records, t->ask->scope, a->name, a->point) != ROTA_BIRTH_OTHER)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_REPLAY,
		"hardware serial %s has a certificate for another key, or this key for another "
		"serial",
		a->name);
}

/* SPEC 19.10, 29.5: nothing for who is over, and not without end for who is not. */
static enum rota_err judge_standing(
	const struct trial *t, const struct rota_certify_answer *a, struct rota_fail *why)
{
	const struct rota_revocations *r = rota_records_revocations(t->j->records);

	ROTA_TRY(rota_certify_standing(a, r, t->ask->scope, why));
	if (a->profile == ROTA_TBS_LDEVID &&
		rota_revocations_today(r, t->ask->scope, a->device, t->j->now) >=
			ROTA_ISSUED_DAY_MAX)
		return rota_refuse(why, ROTA_REFUSED_RATE,
			"device %s got %d certificates today (SPEC 29.5)", a->name,
			ROTA_ISSUED_DAY_MAX);
	return ROTA_OK;
}

static json_t *told(const struct rota_certify_answer *a, struct rota_span tbs)
{
	char point[2 * ROTA_P256_KEY_LEN + 1], text[2 * ROTA_TBS_MAX + 1];

	rota_hex(ROTA_SPAN(a->point), point);
	rota_hex(tbs, text);
	return json_pack("{s:s,s:s,s:s}", "name", a->name, "point", point, "tbs", text);
}

static enum rota_err make(const struct trial *t, const struct rota_certify *c,
	const struct rota_certify_answer *a, struct rota_grant *out, struct rota_fail *why)
{
	struct rota_tbs_plan plan = rota_certify_plan(c, a);

	if (a->profile == ROTA_TBS_LDEVID) {
		judge_draw_serial(plan.serial);
		plan.from_s = t->j->now;
		plan.to_s = t->j->now + t->rule->lifetime_s;
		out->leaf.version = plan.to_s;
	}
	if (rota_tbs_make(&plan, &out->tbs, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	return ROTA_OK;
}

enum rota_err judge_certificate(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const struct rota_certify *c = t->j->certify;
	struct rota_certify_answer a;
	enum rota_err err;

	if (!c)
		return rota_refuse(why, ROTA_REFUSED_KIND,
			"the daemon has no certificates of this scope's authorities");
	if (strcmp(rota_judge_text(t->ask->body, "party"), t->ask->role) != 0)
		return rota_refuse(
			why, ROTA_REFUSED_MEMBER, "'party' is not the role that is asked for");
	if (json_object_size(t->ask->files) != 0)
		return rota_refuse(
			why, ROTA_REFUSED_MEMBER, "a request for a certificate brings no files");
	ROTA_TRY(rota_certify(c, t->ask->body, t->j->now, &a, why));
	err = judge_standing(t, &a, why);
	if (err == ROTA_OK && a.profile == ROTA_TBS_IDEVID)
		err = judge_once(t, &a, why);
	if (err == ROTA_OK)
		err = make(t, c, &a, out, why);
	if (err == ROTA_OK) {
		out->leaf.kind = ROTA_LEAF_ISSUED;
		memcpy(out->leaf.digest, a.device, sizeof(out->leaf.digest));
		rota_digest_of(rota_bytes_span(&out->tbs), out->leaf.message);
		t->certificate = told(&a, rota_bytes_span(&out->tbs));
	}
	rota_certify_free(&a);
	return err;
}
