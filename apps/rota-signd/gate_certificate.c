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

/* An IDevID is all of the request; an LDevID begins now, and ends in its time. */
static enum rota_err check_times(const struct rota_tbs_plan *wanted, const struct rota_tbs_plan *is,
	uint64_t now, struct rota_fail *why)
{
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
	ROTA_TRY(check_times(&wanted, &is, now, why));
	rota_digest_of(tbs, digest);
	if (memcmp(digest, leaf->message, sizeof(digest)) != 0 ||
		memcmp(a->device, leaf->digest, sizeof(a->device)) != 0)
		return wrong(why, "that its entry does not name");
	return ROTA_OK;
}

static enum rota_err check_record(const struct rota_certify *c, const struct rota_certify_answer *a,
	const struct rota_leaf *leaf, struct rota_span record, uint64_t now, struct rota_fail *why)
{
	uint8_t tbs[ROTA_TBS_MAX];
	json_t *value;
	const char *text;
	size_t len;
	enum rota_err err;

	ROTA_TRY(rota_json_parse_strict(record, &value, why));
	text = rota_judge_text(json_object_get(value, "certificate"), "tbs");
	len = strlen(text) / 2;
	if (len > sizeof(tbs) || !rota_unhex(text, rota_buf(tbs, len)))
		err = wrong(why, "that its private record does not have");
	else
		err = check_tbs(c, a, leaf, rota_span(tbs, len), now, why);
	json_decref(value);
	return err;
}

static enum rota_err check_ask(const struct plan *plan, const struct rota_leaf *leaf,
	struct rota_span record, const struct rota_ask *ask, uint64_t now, struct rota_fail *why)
{
	const struct rota_certify *c = offices_find(plan, ask->scope);
	struct rota_certify_answer a;
	enum rota_err err;

	if (!c || ask->kind != ROTA_ASK_CERTIFICATE ||
		!rota_span_eq(leaf->scope, rota_span_cstr(ask->scope)) ||
		!rota_span_eq(leaf->role, rota_span_cstr(ask->role)) ||
		strcmp(rota_judge_text(ask->body, "party"), ask->role) != 0)
		return wrong(why, "of another request");
	ROTA_TRY(rota_certify(c, ask->body, now, &a, why));
	err = check_record(c, &a, leaf, record, now, why);
	rota_certify_free(&a);
	return err;
}

enum rota_err gate_certificate(const struct plan *plan, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_span bytes, uint64_t now, struct rota_fail *why)
{
	struct rota_bytes copy = { 0 };
	struct rota_ask ask;
	enum rota_err err;

	rota_bytes_add(&copy, bytes);
	ROTA_TRY(rota_ask_parse(copy, &ask, why));
	err = check_ask(plan, leaf, record, &ask, now, why);
	rota_ask_free(&ask);
	return err;
}
