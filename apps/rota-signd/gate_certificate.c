/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/gate_certificate.h"
#include "apps/rota-signd/offices.h"
#include "host/repo/judge.h"

#include <string.h>

/* Between when a certificate begins and its arrival here. */
#define BEGUN_MAX_S 600
/* SPEC 29.4 */
#define LIFE_MAX_S ((uint64_t)400 * 86400)

static enum rota_err wrong(struct rota_fail *why, const char *what)
{
	return rota_fail(why, ROTA_ERR_ARGUMENT, "a certificate %s", what);
}

/* An IDevID is all of the request; an LDevID begins now, and ends in its time, which the entry says. */
static enum rota_err check_times(const struct rota_tbs_plan *wanted, const struct rota_tbs_plan *is,
	const struct rota_leaf *leaf, uint64_t now, struct rota_fail *why)
{
	if (leaf->version != (wanted->profile == ROTA_TBS_IDEVID ? 0 : is->to_s))
		return wrong(why, "that ends at another time than its entry says");
	if (wanted->profile == ROTA_TBS_IDEVID)
		return is->from_s == wanted->from_s &&
				memcmp(is->serial, wanted->serial, sizeof(is->serial)) == 0
			? ROTA_OK
			: wrong(why,
				  "with another serial or beginning than follows from its device");
	if ((is->from_s > now ? is->from_s - now : now - is->from_s) > BEGUN_MAX_S ||
		is->to_s - is->from_s > LIFE_MAX_S)
		return wrong(why, "of another time, or for too long");
	return ROTA_OK;
}

/* What is signed stands in the private record. */
static enum rota_err check_tbs(const struct rota_certify *c, const struct rota_certify_answer *a,
	const struct rota_leaf *leaf, struct rota_span tbs, uint64_t now, struct rota_fail *why)
{
	const struct rota_tbs_plan wanted = rota_certify_plan(c, a);
	struct rota_tbs_plan is = wanted;
	uint8_t digest[ROTA_DIGEST_LEN];

	ROTA_TRY(rota_tbs_is(&is, tbs, why));
	ROTA_TRY(check_times(&wanted, &is, leaf, now, why));
	rota_digest_of(tbs, digest);
	if (memcmp(digest, leaf->message, sizeof(digest)) != 0 ||
		memcmp(a->device, leaf->digest, sizeof(a->device)) != 0)
		return wrong(why, "that its entry does not name");
	return ROTA_OK;
}

/* The bytes that will be signed, out of the private record. */
static enum rota_err read_tbs(struct rota_span record, uint8_t tbs[static ROTA_TBS_MAX],
	size_t *len, struct rota_fail *why)
{
	json_t *value;
	const char *text;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_json_parse_strict(record, &value, why));
	text = rota_judge_text(json_object_get(value, "certificate"), "tbs");
	*len = strlen(text) / 2;
	if (*len > ROTA_TBS_MAX || !rota_unhex(text, rota_buf(tbs, *len)))
		err = wrong(why, "that its private record does not have");
	json_decref(value);
	return err;
}

/* The request, of this kind and of the leaf's scope and role; rota_ask_free() after success. */
static enum rota_err read_ask(const struct rota_leaf *leaf, enum rota_ask_kind kind,
	struct rota_span bytes, struct rota_ask *ask, struct rota_fail *why)
{
	struct rota_bytes copy = { 0 };

	rota_bytes_add(&copy, bytes);
	ROTA_TRY(rota_ask_parse(copy, ask, why));
	if (ask->kind == kind && rota_span_eq(leaf->scope, rota_span_cstr(ask->scope)) &&
		rota_span_eq(leaf->role, rota_span_cstr(ask->role)))
		return ROTA_OK;
	rota_ask_free(ask);
	return wrong(why, "of another request");
}

static enum rota_err check_ask(const struct plan *plan, const struct rota_revocations *revoked,
	const struct rota_leaf *leaf, struct rota_span record, const struct rota_ask *ask,
	uint64_t now, struct rota_fail *why)
{
	const struct rota_certify *c = offices_find(plan, ask->scope);
	uint8_t tbs[ROTA_TBS_MAX];
	struct rota_certify_answer a;
	enum rota_err err;
	size_t len;

	if (!c || strcmp(rota_judge_text(ask->body, "party"), ask->role) != 0)
		return wrong(why, "of another request");
	ROTA_TRY(rota_certify(c, ask->body, now, &a, why));
	err = rota_certify_standing(&a, revoked, ask->scope, why);
	if (err == ROTA_OK)
		err = read_tbs(record, tbs, &len, why);
	if (err == ROTA_OK)
		err = check_tbs(c, &a, leaf, rota_span(tbs, len), now, why);
	rota_certify_free(&a);
	return err;
}

enum rota_err gate_certificate(const struct plan *plan, const struct rota_revocations *revoked,
	const struct rota_leaf *leaf, struct rota_span record, struct rota_span bytes, uint64_t now,
	struct rota_fail *why)
{
	struct rota_ask ask;
	enum rota_err err;

	ROTA_TRY(read_ask(leaf, ROTA_ASK_CERTIFICATE, bytes, &ask, why));
	err = check_ask(plan, revoked, leaf, record, &ask, now, why);
	rota_ask_free(&ask);
	return err;
}

/* ---- who answers OCSP ---- */

static enum rota_err check_responder(const struct plan *plan, const struct rota_leaf *leaf,
	struct rota_span record, const struct rota_ask *ask, uint64_t now, struct rota_fail *why)
{
	static const uint8_t nobody[ROTA_DIGEST_LEN];
	const struct rota_certify *c = offices_find(plan, ask->scope);
	uint8_t tbs[ROTA_TBS_MAX], digest[ROTA_DIGEST_LEN];
	struct rota_responder responder;
	struct rota_tbs_plan is;
	size_t len;

	if (!c)
		return wrong(why, "of another request");
	ROTA_TRY(rota_certify_responder(c, ask->role, ask->body, &responder, why));
	ROTA_TRY(read_tbs(record, tbs, &len, why));
	is = rota_certify_responder_plan(&responder);
	ROTA_TRY(rota_tbs_is(&is, rota_span(tbs, len), why));
	if ((is.from_s > now ? is.from_s - now : now - is.from_s) > BEGUN_MAX_S ||
		is.to_s - is.from_s > ROTA_RESPONDER_LIFE_MAX_S || is.to_s != leaf->version)
		return wrong(why, "of another time, or for too long");
	rota_digest_of(rota_span(tbs, len), digest);
	if (memcmp(digest, leaf->message, sizeof(digest)) == 0 &&
		memcmp(leaf->digest, nobody, sizeof(nobody)) == 0)
		return ROTA_OK;
	return wrong(why, "that its entry does not name");
}

enum rota_err gate_responder(const struct plan *plan, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_span bytes, uint64_t now, struct rota_fail *why)
{
	struct rota_ask ask;
	enum rota_err err;

	ROTA_TRY(read_ask(leaf, ROTA_ASK_OCSP, bytes, &ask, why));
	err = check_responder(plan, leaf, record, &ask, now, why);
	rota_ask_free(&ask);
	return err;
}

/* ---- what is over ---- */

static bool read_times(struct rota_span record, struct rota_crl_plan *out)
{
	struct rota_fail why;
	const json_t *times;
	json_t *value;
	bool good;

	if (rota_json_parse_strict(record, &value, &why) != ROTA_OK)
		return false;
	times = json_object_get(value, "certificate");
	good = rota_json_members(times, "from next") &&
		json_integer_value(json_object_get(times, "from")) > 0 &&
		json_integer_value(json_object_get(times, "next")) > 0;
	out->from_s = (uint64_t)json_integer_value(json_object_get(times, "from"));
	out->next_s = (uint64_t)json_integer_value(json_object_get(times, "next"));
	json_decref(value);
	return good;
}

/* All names are those of the settings, so their texts end where they do. */
static enum rota_err make_list(const struct rota_certify *c, const struct rota_revocations *revoked,
	const struct rota_leaf *leaf, struct rota_crl_plan *plan,
	uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	bool device = rota_span_eq(leaf->role, ROTA_STR("device-ca"));
	const char *role = device ? "device-ca" : "operational-ca";
	struct rota_bytes tbs;

	if (leaf->version != rota_revocations_next(revoked, c->product, role))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "a list of another number than the next");
	plan->issuer = device ? c->device_ca : c->operational_ca;
	plan->number = leaf->version;
	ROTA_TRY(rota_revocations_crl(revoked, c->product, role, plan, &tbs, why));
	rota_digest_of(rota_bytes_span(&tbs), digest);
	rota_bytes_free(&tbs);
	return ROTA_OK;
}

enum rota_err gate_crl(const struct plan *plan, const struct rota_revocations *revoked,
	const struct rota_leaf *leaf, struct rota_span record, uint64_t now, struct rota_fail *why)
{
	struct rota_crl_plan made = { .number = 0 };
	uint8_t digest[ROTA_DIGEST_LEN];
	const struct rota_certify *c = NULL;
	const struct rota_authdir *dir;

	for (size_t n = 0; !c && (dir = rota_policy_scope_at(plan->policy, n)) != NULL; n++)
		if (rota_span_eq(leaf->scope, rota_span_cstr(dir->product)))
			c = offices_find(plan, dir->product);
	if (!c || !read_times(record, &made))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "a list of no authority, or of no time");
	if ((made.from_s > now ? made.from_s - now : now - made.from_s) > BEGUN_MAX_S ||
		made.next_s <= made.from_s || made.next_s - made.from_s > ROTA_CRL_LIFE_MAX_S)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "a list of another time, or for too long");
	ROTA_TRY(make_list(c, revoked, leaf, &made, digest, why));
	if (memcmp(digest, leaf->message, sizeof(digest)) == 0)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_ARGUMENT, "a list of something else than the log says is over");
}
