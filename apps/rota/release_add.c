/* SPDX-License-Identifier: Apache-2.0 */
/* rota release add: artifacts and their description, signed by the release signers. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/bar.h"
#include "host/base/when.h"
#include "host/repo/release.h"
#include "host/sign/duty.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *version, *product, *minimum, *build, *abort_rule, *sbom, *provenance;
static const char *canary, *first_ppm, *growth, *soak, *everyone;
static struct opts_list images, raws, hardware, groups, revert_to;
static bool ci, json, unsigned_;

static const struct opts_row rows[] = {
	{ "version", "VERSION", "major.minor.revision[+build]", OPTS_TEXT, &version },
	{ "image", "[C[@SLOT]=]FILE", "signed image; component C (default app), SLOT (default C)",
		OPTS_LIST, &images },
	{ "raw", "[C[@SLOT]=]FILE", "a payload that is no image, for slots of the exec backend",
		OPTS_LIST, &raws },
	{ "hardware", "ID", "hardware of the raw payloads; may repeat", OPTS_LIST, &hardware },
	{ "product", "NAME", "product (default: rota.ini's)", OPTS_TEXT, &product },
	{ "ci", NULL, "for the ci channel: role ci, signed online", OPTS_FLAG, &ci },
	{ "unsigned", NULL, "its signers are offline: leave it waiting for rota repo export",
		OPTS_FLAG, &unsigned_ },
	{ "minimum", "VERSION", "lowest version that may install this one (default 0.0.0)",
		OPTS_TEXT, &minimum },
	{ "revert-to", "VERSION", "older version that devices may go back to; may repeat",
		OPTS_LIST, &revert_to },
	{ "build", "ID", "build id (default: the version)", OPTS_TEXT, &build },
	{ "abort", "RULE", "revert or pause, when health is bad", OPTS_TEXT, &abort_rule },
	{ "canary", "N", "ceiling: longest canary list", OPTS_TEXT, &canary },
	{ "first-ppm", "N", "ceiling: first share of the fleet, in a million", OPTS_TEXT,
		&first_ppm },
	{ "growth", "N", "ceiling: factor per soak period", OPTS_TEXT, &growth },
	{ "soak", "TIME", "ceiling: soak period (90s, 10m, 2h, 1d)", OPTS_TEXT, &soak },
	{ "everyone", "WHO", "human or auto: who may open the last stage", OPTS_TEXT, &everyone },
	{ "group", "NAME", "group that a stage may name; may repeat", OPTS_LIST, &groups },
	{ "sbom", "FILE", "bill of materials to publish beside", OPTS_TEXT, &sbom },
	{ "provenance", "FILE", "provenance statement to publish beside", OPTS_TEXT, &provenance },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota release add --version VERSION [OPTION]...",
	.text = "Copies the artifacts into the repository, writes release.json and has the "
		"release\n"
		"signers sign it. Nothing changes for devices before `rota rollout set` names the "
		"release\n"
		"and `rota publish` publishes. What no option says comes from [release] of "
		"rota.ini.",
	.examples =
		"  rota release add --version 2.0.0 --image sensor-2.img\n"
		"  rota release add --version 2.0.0 --image app=a.img --image radio@modem=r.img\n"
		"  rota release add --version 3.0.0 --raw files=site.tar --hardware board-a",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* "[C[@SLOT]=]FILE" taken apart. */
static int add_part(struct rota_release_plan *plan, const char *text, bool raw)
{
	/* component and slot of each part; a name that is cut off here is too long for one anyway */
	static char names[ROTA_RELEASE_COMPONENTS_MAX][2 * ROTA_NAME_MAX + 3];
	struct rota_release_part *part = &plan->parts[plan->part_count];
	const char *equals = strchr(text, '=');
	char *name = names[plan->part_count % ROTA_RELEASE_COMPONENTS_MAX], *at;

	if (plan->part_count == ROTA_RELEASE_COMPONENTS_MAX)
		return opts_wrong(&usage, "a release has at most %d components (SPEC 7.1)",
			ROTA_RELEASE_COMPONENTS_MAX);
	snprintf(name, sizeof(names[0]), "%.*s", equals ? (int)(equals - text) : 3,
		equals ? text : "app");
	at = strchr(name, '@');
	if (at)
		*at++ = 0;
	*part = (struct rota_release_part){ .name = name,
		.slot = at ? at : name,
		.file = equals ? equals + 1 : text,
		.raw = raw,
		.order = plan->part_count };
	if (!rota_name_ok(part->name) || !rota_name_ok(part->slot))
		return opts_wrong(&usage, "'%s' is not [COMPONENT[@SLOT]=]FILE", text);
	for (size_t i = 0; raw && i < hardware.count; i++) {
		if (i == ROTA_RELEASE_HARDWARE_MAX)
			return opts_wrong(
				&usage, "more than %d hardware ids", ROTA_RELEASE_HARDWARE_MAX);
		part->hardware[part->hardware_count++] = hardware.at[i];
	}
	plan->part_count++;
	return 0;
}

static int fill_parts(struct rota_release_plan *plan)
{
	int status = 0;

	for (size_t i = 0; i < images.count && !status; i++)
		status = add_part(plan, images.at[i], false);
	for (size_t i = 0; i < raws.count && !status; i++)
		status = add_part(plan, raws.at[i], true);
	if (!status && plan->part_count == 0)
		status = opts_wrong(&usage, "--image FILE or --raw FILE is needed");
	if (!status && raws.count && hardware.count == 0)
		status = opts_wrong(&usage, "--raw needs --hardware ID");
	return status;
}

static int fill_versions(struct rota_release_plan *plan)
{
	if (!version || !rota_version_of(version, &plan->version))
		return opts_wrong(
			&usage, "--version needs major.minor.revision[+build] (SPEC 1.3)");
	if (!rota_version_of(minimum ? minimum : "0.0.0", &plan->minimum))
		return opts_wrong(&usage, "--minimum %s is no version (SPEC 1.3)", minimum);
	if (revert_to.count > ROTA_RELEASE_REVERT_MAX)
		return opts_wrong(
			&usage, "--revert-to stands more than %d times", ROTA_RELEASE_REVERT_MAX);
	for (size_t i = 0; i < revert_to.count; i++)
		if (!rota_version_of(revert_to.at[i], &plan->revert_to[plan->revert_count++]))
			return opts_wrong(
				&usage, "--revert-to %s is no version (SPEC 1.3)", revert_to.at[i]);
	if (groups.count > ROTA_RELEASE_GROUPS_MAX)
		return opts_wrong(
			&usage, "--group stands more than %d times", ROTA_RELEASE_GROUPS_MAX);
	for (size_t i = 0; i < groups.count; i++)
		plan->groups[plan->group_count++] = groups.at[i];
	plan->build = build ? build : version;
	plan->sbom = sbom;
	plan->provenance = provenance;
	return 0;
}

/* The option, else [release] of rota.ini, else `fallback`. */
static const char *setting(
	struct session *s, const char *option, const char *name, const char *fallback)
{
	const char *value = option ? option : rota_ini_get(&s->dir.ini, "release", name);

	return value ? value : fallback;
}

static enum rota_err number_setting(struct session *s, const char *option, const char *name,
	const char *fallback, uint64_t most, uint64_t *value)
{
	const char *text = setting(s, option, name, fallback);

	if (opts_number(text, most, value))
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_FORMAT,
		"release setting %s = %s is no number up to %llu", name, text,
		(unsigned long long)most);
}

static enum rota_err fill_settings(struct session *s, struct rota_release_plan *plan)
{
	const char *soak_text = setting(s, soak, "soak", "1d");

	plan->product = product ? product : s->dir.product;
	plan->role = ci ? "ci" : "releases";
	plan->unsigned_ = unsigned_;
	plan->abort = setting(s, abort_rule, "abort", "revert");
	plan->everyone = setting(s, everyone, "everyone", "human");
	ROTA_TRY(number_setting(s, canary, "canary", "100", 32768, &plan->canary));
	ROTA_TRY(number_setting(s, first_ppm, "first_ppm", "1000000", 1000000, &plan->first_ppm));
	ROTA_TRY(number_setting(s, growth, "growth", "10", 1000, &plan->growth));
	if (!rota_duration_parse(soak_text, &plan->soak_s))
		return rota_fail(&s->why, ROTA_ERR_FORMAT, "release setting soak = %s is no time",
			soak_text);
	if (strcmp(plan->abort, "revert") != 0 && strcmp(plan->abort, "pause") != 0)
		return rota_fail(&s->why, ROTA_ERR_FORMAT,
			"release setting abort = %s is neither revert nor pause", plan->abort);
	if (strcmp(plan->everyone, "human") != 0 && strcmp(plan->everyone, "auto") != 0)
		return rota_fail(&s->why, ROTA_ERR_FORMAT,
			"release setting everyone = %s is neither human nor auto", plan->everyone);
	return ROTA_OK;
}

static void report(const struct rota_release_plan *plan, const struct rota_release_done *done)
{
	char hex[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(done->sha256), hex);
	if (json)
		printf("{\"path\":\"%s\",\"role\":\"%s\",\"role_version\":%llu,\"sha256\":\"%s\"}"
		       "\n",
			done->path, plan->role, (unsigned long long)done->role_version, hex);
	else if (plan->unsigned_)
		printf("%s\n  sha256 %s, waits for the signers of role %s: rota repo export --role "
		       "%s FILE\n",
			done->path, hex, plan->role, plan->role);
	else
		printf("%s\n  sha256 %s, role %s version %llu\n"
		       "  not yet installed anywhere: rota rollout set --version %s%s, "
		       "rota publish\n",
			done->path, hex, plan->role, (unsigned long long)done->role_version,
			version, ci ? " --channel ci" : "");
}

int verb_release_add(int argc, char **argv)
{
	struct rota_release_plan plan = { 0 };
	struct rota_release_done done;
	struct rota_bar bar;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (ci && unsigned_)
		return opts_wrong(&usage, "role ci is signed online; --unsigned is not for --ci");
	status = fill_versions(&plan);
	if (!status)
		status = fill_parts(&plan);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	rota_bar_begin(&bar, stderr, "copying");
	err = fill_settings(&s, &plan);
	if (err == ROTA_OK)
		err = rota_release_make(
			&s.desk, &plan, &rota_crypto_openssl, &bar.port, &done, &s.why);
	rota_bar_end(&bar);
	if (err == ROTA_OK)
		report(&plan, &done);
	return session_close(&s, err);
}
