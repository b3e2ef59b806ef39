/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority does beside certificates of devices (SPEC 19.10, 19.11): who is over, the list of those, and who may answer for it. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/pki/csr.h"
#include "host/pki/idevid.h"
#include "host/repo/judge.h"

#include <stdlib.h>
#include <string.h>

static enum rota_err malformed(struct rota_fail *why, const char *member)
{
	return rota_refuse(why, ROTA_REFUSED_MEMBER,
		"'%s' is malformed, or files came along (SPEC 18.3)", member);
}

static const X509 *authority_of(const struct trial *t)
{
	return strcmp(t->ask->role, "device-ca") == 0 ? t->j->certify->device_ca
						      : t->j->certify->operational_ca;
}

static enum rota_err check_office(const struct trial *t, struct rota_fail *why)
{
	if (!t->j->certify)
		return rota_refuse(why, ROTA_REFUSED_KIND,
			"the daemon has no certificates of this scope's authorities");
	return json_object_size(t->ask->files) == 0 ? ROTA_OK : malformed(why, "files");
}

/* ---- revoke ---- */

/* Nobody's certificate ends with another's: an IDevID's serial makes its device's id (SPEC 13.4). */
static enum rota_err check_owner(const struct trial *t, struct rota_span serial,
	const uint8_t device[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	uint8_t id[ROTA_DIGEST_LEN];

	if (strcmp(t->ask->role, "device-ca") != 0)
		return ROTA_OK;
	rota_device_id(authority_of(t), serial, id);
	if (memcmp(id, device, sizeof(id)) == 0)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_IDENTITY,
		"the device of this id has another certificate than of that serial");
}

enum rota_err judge_revoke(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const char *text = rota_judge_text(t->ask->body, "serial");
	uint8_t serial[ROTA_REVOKED_SERIAL_MAX];
	size_t len = strlen(text) / 2;
	const struct rota_revocations *r = rota_records_revocations(t->j->records);

	ROTA_TRY(check_office(t, why));
	if (len > sizeof(serial) || !rota_unhex(text, rota_buf(serial, len)) ||
		!rota_revoked_serial_ok(rota_span(serial, len)))
		return malformed(why, "serial");
	if (!rota_unhex(rota_judge_text(t->ask->body, "device"), ROTA_BUF(out->leaf.digest)))
		return malformed(why, "device");
	ROTA_TRY(check_owner(t, rota_span(serial, len), out->leaf.digest, why));
	if (rota_revocations_serial(r, t->ask->scope, t->ask->role, rota_span(serial, len)))
		return rota_refuse(
			why, ROTA_REFUSED_REPLAY, "the log has it that this certificate is over");
	if (!rota_revocations_room(r, t->ask->scope, t->ask->role, out->leaf.digest, t->j->now))
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"an authority's list has room for %d certificates, and is full",
			ROTA_REVOKED_MAX);
	out->leaf.kind = ROTA_LEAF_REVOKED;
	return ROTA_OK;
}

/* ---- crl ---- */

enum rota_err judge_crl(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const struct rota_revocations *r = rota_records_revocations(t->j->records);
	uint64_t life = t->rule->lifetime_s < ROTA_CRL_LIFE_MAX_S ? t->rule->lifetime_s
								  : ROTA_CRL_LIFE_MAX_S;
	struct rota_crl_plan plan;

	ROTA_TRY(check_office(t, why));
	plan = (struct rota_crl_plan){ .issuer = authority_of(t),
		.number = rota_revocations_next(r, t->ask->scope, t->ask->role),
		.from_s = t->j->now,
		.next_s = t->j->now + life };
	if (rota_revocations_crl(r, t->ask->scope, t->ask->role, &plan, &out->tbs, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	out->leaf.kind = ROTA_LEAF_CRL;
	out->leaf.version = plan.number;
	rota_digest_of(rota_bytes_span(&out->tbs), out->leaf.message);
	t->certificate = json_pack(
		"{s:I,s:I}", "from", (json_int_t)plan.from_s, "next", (json_int_t)plan.next_s);
	return ROTA_OK;
}

/* ---- ocsp ---- */

enum rota_err judge_responder(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	uint64_t life = t->rule->lifetime_s < ROTA_RESPONDER_LIFE_MAX_S ? t->rule->lifetime_s
									: ROTA_RESPONDER_LIFE_MAX_S;
	struct rota_responder responder;
	struct rota_tbs_plan plan;
	char point[2 * ROTA_P256_KEY_LEN + 1], text[2 * ROTA_TBS_MAX + 1];

	ROTA_TRY(check_office(t, why));
	ROTA_TRY(
		rota_certify_responder(t->j->certify, t->ask->role, t->ask->body, &responder, why));
	plan = rota_certify_responder_plan(&responder);
	judge_draw_serial(plan.serial);
	plan.from_s = t->j->now;
	plan.to_s = t->j->now + life;
	if (rota_tbs_make(&plan, &out->tbs, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	out->leaf.kind = ROTA_LEAF_RESPONDER;
	out->leaf.version = plan.to_s;
	rota_digest_of(rota_bytes_span(&out->tbs), out->leaf.message);
	rota_hex(ROTA_SPAN(responder.point), point);
	rota_hex(rota_bytes_span(&out->tbs), text);
	t->certificate =
		json_pack("{s:s,s:s,s:s}", "name", responder.name, "point", point, "tbs", text);
	return ROTA_OK;
}
