/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of signd.ini: each one that can sign, for a client and a scope that there are. */
#include "host/base/when.h"
#include "host/notary/policy_parts.h"
#include "host/sign/duty.h"

#include <stdlib.h>
#include <string.h>

/* SPEC 29.4 */
#define ISSUED_S ((uint64_t)90 * 86400)
#define ISSUED_MAX_S ((uint64_t)400 * 86400)

/* Every word is a kind, and what it asks for can be signed here. */
static enum rota_err check_kinds(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	const struct rota_authdir *dir = rota_policy_scope(p, r->scope);
	size_t known = 0, words = 0, len;
	const char *at = r->kinds;

	for (at = policy_next_word(at, &len); len; at = policy_next_word(at + len, &len))
		words++;
	for (size_t i = 0; i < ROTA_ASK_KINDS; i++) {
		const char *name = rota_policy_party((enum rota_ask_kind)i, r->role);
		const struct rota_party *party = name ? rota_authdir_party(dir, name) : NULL;

		if (!policy_has_word(r->kinds, rota_ask_word((enum rota_ask_kind)i)))
			continue;
		known++;
		if (rota_policy_is_authoritys((enum rota_ask_kind)i) != rota_policy_issues(r->role))
			return policy_wrong(p, why, section, "kinds",
				"certificate, revoke, crl and ocsp are of roles device-ca and "
				"operational-ca, and no others are");
		if ((i == ROTA_ASK_ROWS) != rota_policy_keeps(r->role))
			return policy_wrong(p, why, section, "kinds",
				"of role registry is rows, and of no other role");
		if (name && (!party || !rota_party_online(party)))
			return rota_fail(why, ROTA_ERR_FORMAT,
				"%s: [%s] is for keys of %s, whose seats in rota.ini of %s are not "
				"online: people sign those (rota repo export)",
				p->ini.path, section, name, r->scope);
		if (r->approvals &&
			(i == ROTA_ASK_TIME || i == ROTA_ASK_TICKET || i == ROTA_ASK_ROWS))
			return policy_wrong(p, why, section, "approvals",
				"cannot be for kinds time, ticket and rows, which devices wait "
				"for");
		if (party && party->threshold > ROTA_ANSWER_SIGS_MAX)
			return policy_wrong(p, why, section, "role", "has a threshold above 2");
	}
	if (words == known && known > 0)
		return ROTA_OK;
	return policy_wrong(p, why, section, "kinds",
		"is not a list of distinct ones of metadata, image, time, ticket, build, record, "
		"key, series, campaign, certificate, rows, revoke, crl, ocsp");
}

/* The key that rows are made with. */
static enum rota_err check_registry(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	if (!rota_policy_keeps(r->role))
		return ROTA_OK;
	for (size_t i = 0; i < p->registry_count; i++)
		if (strcmp(p->registries[i].scope, r->scope) == 0)
			return ROTA_OK;
	return policy_wrong(p, why, section, "kinds", "rows takes a section [registry SCOPE]");
}

static enum rota_err check_approvers(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	size_t words = 0, known = 0, len;
	const char *at = r->approvers;

	for (at = policy_next_word(at, &len); len; at = policy_next_word(at + len, &len))
		words++;
	for (size_t i = 0; i < p->officer_count; i++)
		known += rota_policy_approves(r, p->officers[i].name);
	if (words != known)
		return policy_wrong(
			p, why, section, "approvers", "names one who is no [officer], or twice");
	if (r->approvals <= known)
		return ROTA_OK;
	return policy_wrong(p, why, section, "approvals", "are more than its approvers");
}

/* Only where releases are judged. */
static enum rota_err load_need(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	bool judged = (strcmp(r->role, "ci") == 0 && policy_has_word(r->kinds, "metadata")) ||
		(strcmp(r->role, "releases") == 0 && policy_has_word(r->kinds, "record"));
	uint64_t need;

	ROTA_TRY(rota_ini_number(
		&p->ini, section, "builders", 0, ROTA_NAMED_KEYS_MAX, 0, &need, why));
	r->builders = (unsigned)need;
	if (need > 0 && !judged)
		return policy_wrong(p, why, section, "builders",
			"is for kind metadata of role ci, and kind record of role releases");
	if (need <= p->builder_count)
		return ROTA_OK;
	return policy_wrong(
		p, why, section, "builders", "are more than there are [builder] sections");
}

/* "60/1h"; without one a request a second, of rows a hundred. */
static enum rota_err load_rate(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, "rate");
	uint64_t span = 3600;
	char *end;
	unsigned long count = rota_policy_keeps(r->role) ? 360000 : 3600;

	if (text) {
		count = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '/' ||
			!rota_duration_parse(end + 1, &span) || count < 1 || count > 1000000000 ||
			span < 1 || span > 86400)
			return policy_wrong(p, why, section, "rate",
				"is not COUNT/DURATION of at most a day, like 60/1h");
	}
	r->rate = (uint32_t)count;
	r->rate_s = (uint32_t)span;
	return ROTA_OK;
}

/* How long an LDevID lives; an IDevID has no end. */
static enum rota_err load_issued(struct rota_policy *p, const char *section, const char *text,
	struct rota_rule *r, struct rota_fail *why)
{
	r->lifetime_s = ISSUED_S;
	if (!text ||
		(rota_duration_parse(text, &r->lifetime_s) && r->lifetime_s > 0 &&
			r->lifetime_s <= ISSUED_MAX_S))
		return ROTA_OK;
	return policy_wrong(
		p, why, section, "lifetime", "is no duration of at most 400 days (SPEC 29.4)");
}

static enum rota_err load_lifetime(
	struct rota_policy *p, const char *section, struct rota_rule *r, struct rota_fail *why)
{
	const char *text = rota_ini_get(&p->ini, section, "lifetime");
	const struct rota_party *party =
		rota_authdir_party(rota_policy_scope(p, r->scope), r->role);
	const struct rota_duty *duty = rota_duty_find(r->role);

	if (rota_policy_issues(r->role))
		return load_issued(p, section, text, r, why);
	if (rota_policy_keeps(r->role))
		return text ? policy_wrong(p, why, section, "lifetime",
				      "is not for rows, which have no end")
			    : ROTA_OK;
	if (!duty || !party)
		return policy_wrong(p, why, section, "role", "is none of SPEC 3.2");
	r->lifetime_s = party->lifetime_s;
	if (!text)
		return ROTA_OK;
	if (rota_duration_parse(text, &r->lifetime_s) && r->lifetime_s > 0 &&
		r->lifetime_s <= party->lifetime_s)
		return ROTA_OK;
	return policy_wrong(
		p, why, section, "lifetime", "is no duration within the role's in rota.ini");
}

/* One rule at most for each (client, scope, role, kind). */
static enum rota_err check_alone(struct rota_policy *p, const char *section,
	const struct rota_rule *r, struct rota_fail *why)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rota_rule *o = &p->rules[i];

		if (strcmp(o->who, r->who) != 0 || strcmp(o->scope, r->scope) != 0 ||
			strcmp(o->role, r->role) != 0)
			continue;
		for (size_t k = 0; k < ROTA_ASK_KINDS; k++) {
			const char *word = rota_ask_word((enum rota_ask_kind)k);

			if (policy_has_word(o->kinds, word) && policy_has_word(r->kinds, word))
				return rota_fail(why, ROTA_ERR_FORMAT,
					"%s: [%s] and [rule %s] are both for %s of role %s by "
					"client %s",
					p->ini.path, section, o->name, word, r->role, r->who);
		}
	}
	return ROTA_OK;
}

static enum rota_err load_rule(struct rota_policy *p, const char *section, const char *name,
	struct rota_rule *r, struct rota_fail *why)
{
	const char *approvers = rota_ini_get(&p->ini, section, "approvers");
	bool known = false;
	uint64_t approvals;

	r->name = name;
	r->approvers = approvers ? approvers : "";
	ROTA_TRY(rota_ini_need(&p->ini, section, "who", &r->who, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "scope", &r->scope, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "role", &r->role, why));
	ROTA_TRY(rota_ini_need(&p->ini, section, "kinds", &r->kinds, why));
	r->paths = rota_ini_get(&p->ini, section, "paths");
	for (size_t i = 0; i < p->client_count; i++)
		known |= strcmp(p->clients[i].name, r->who) == 0;
	if (!known)
		return policy_wrong(p, why, section, "who", "is no [client]");
	if (!rota_policy_scope(p, r->scope))
		return policy_wrong(p, why, section, "scope", "is no [scope]");
	ROTA_TRY(rota_ini_number(
		&p->ini, section, "approvals", 0, ROTA_POLICY_APPROVALS_MAX, 0, &approvals, why));
	r->approvals = (unsigned)approvals;
	ROTA_TRY(load_lifetime(p, section, r, why));
	ROTA_TRY(load_rate(p, section, r, why));
	ROTA_TRY(check_kinds(p, section, r, why));
	ROTA_TRY(check_registry(p, section, r, why));
	ROTA_TRY(check_approvers(p, section, r, why));
	ROTA_TRY(load_need(p, section, r, why));
	return check_alone(p, section, r, why);
}

enum rota_err policy_load_rules(struct rota_policy *p, struct rota_fail *why)
{
	char section[POLICY_SECTION_MAX];
	const char *name;

	for (size_t i = 0; policy_section(p, "rule", i, section, &name); i++) {
		if (i == ROTA_POLICY_SECTIONS_MAX)
			return policy_wrong(p, why, section, "", "is one rule too many");
		ROTA_TRY(load_rule(p, section, name, &p->rules[i], why));
		p->rule_count++;
	}
	return ROTA_OK;
}
