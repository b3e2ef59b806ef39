/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/softhsm.h"
#include "host/base/bar.h"
#include "ports/pkcs11/pkcs11.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Tokens of one kind of person, and the keys that each holds. */
struct group {
	const char *name;
	unsigned count;
	bool online;
	const char *keys[12];
};

static const struct group groups[] = {
	{ "root", 3, false, { "root" } },
	{ "targets", 3, false, { "targets" } },
	{ "releases", 3, false, { "releases" } },
	{ "retirements", 3, false, { "retirements" } },
	{ "recovery", 3, false, { "recovery" } },
	{ "image", 2, false, { "image" } },
	{ "officer", 1, false, { "keys-store" } },
	{ "ca", 1, false, { "device-ca", "operational-ca", "server-ca" } },
	{ "online", 1, true,
		{ "timestamp", "snapshot", "rollouts", "ci", "ci-image", "keys-link", "keys-store",
			"time", "revocations", "log" } },
};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

/* The part of rota.ini behind the tokens. */
static const char parties[] =
	"\n# Who signs which role: TOKEN:KEY, how many of them it takes, how long it lives at "
	"most.\n"
	"[role root]\nsigners = root-1:root root-2:root root-3:root\nthreshold = 2\nlifetime = "
	"365d\n\n"
	"[role targets]\nsigners = targets-1:targets targets-2:targets targets-3:targets\n"
	"threshold = 2\nlifetime = 365d\n\n"
	"[role snapshot]\nsigners = online:snapshot\nthreshold = 1\nlifetime = 24h\n\n"
	"[role timestamp]\nsigners = online:timestamp\nthreshold = 1\nlifetime = 24h\n\n"
	"[role releases]\nsigners = releases-1:releases releases-2:releases releases-3:releases\n"
	"threshold = 2\nlifetime = 365d\n\n"
	"[role ci]\nsigners = online:ci\nthreshold = 1\nlifetime = 7d\n\n"
	"[role rollouts]\nsigners = online:rollouts\nthreshold = 1\nlifetime = 24h\n\n"
	"[role keys-link]\nsigners = online:keys-link\nthreshold = 1\nlifetime = 7d\n\n"
	"[role keys-store]\nsigners = online:keys-store officer:keys-store\nthreshold = 2\n"
	"lifetime = 365d\n\n"
	"[role time]\nsigners = online:time\nthreshold = 1\nlifetime = 7d\n\n"
	"[role revocations]\nsigners = online:revocations\nthreshold = 1\nlifetime = 24h\n\n"
	"[role retirements]\nsigners = retirements-1:retirements retirements-2:retirements "
	"retirements-3:retirements\nthreshold = 2\nlifetime = 365d\n\n"
	"# Keys outside the repository's roles. The second image key is cold: it signs only when "
	"the\n"
	"# first must go.\n"
	"[keys image]\nsigners = image-1:image image-2:image\n\n"
	"[keys ci-image]\nsigners = online:ci-image\n\n"
	"[keys recovery]\nsigners = recovery-1:recovery recovery-2:recovery recovery-3:recovery\n"
	"threshold = 2\n\n"
	"[keys device-ca]\nsigners = ca:device-ca\n\n"
	"[keys operational-ca]\nsigners = ca:operational-ca\n\n"
	"[keys server-ca]\nsigners = ca:server-ca\n\n"
	"# What `rota release add` writes where its options say nothing else. With everyone = "
	"human "
	"a rule\n# of signd.ini with approvals has to let the last stage open.\n"
	"[release]\nabort = revert\ncanary = 100\nfirst_ppm = 1000000\ngrowth = 10\nsoak = 1d\n"
	"everyone = auto\n\n"
	"# What `rota factory enrol` writes into a device's configuration where its options say "
	"nothing else.\n"
	"[factory]\nldevid_lifetime = 365d\n";

static enum rota_err find_module(
	const char *given, char out[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	glob_t found = { 0 };
	bool good;

	if (given) {
		snprintf(out, ROTA_FILE_PATH_MAX, "%s", given);
		return ROTA_OK;
	}
	good = glob("/usr/lib*/softhsm/libsofthsm2.so", 0, NULL, &found) == 0 ||
		glob("/usr/lib/*/softhsm/libsofthsm2.so", 0, NULL, &found) == 0 ||
		glob("/usr/lib*/pkcs11/libsofthsm2.so", 0, NULL, &found) == 0;
	if (good)
		snprintf(out, ROTA_FILE_PATH_MAX, "%s", found.gl_pathv[0]);
	globfree(&found);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"no libsofthsm2.so below /usr/lib; install softhsm2 or name it with --module");
}

/* "root-1", or "online" where there is one. */
static void token_name(const struct group *group, unsigned n, char out[static 32])
{
	if (group->count == 1)
		snprintf(out, 32, "%s", group->name);
	else
		snprintf(out, 32, "%s-%u", group->name, n + 1);
}

static enum rota_err write_pin(const char *path, struct rota_fail *why)
{
	uint8_t raw[12];
	char pin[2 * sizeof(raw) + 1];
	enum rota_err err;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
	rota_hex(ROTA_SPAN(raw), pin);
	err = rota_file_write(path, rota_span(pin, strlen(pin)), 0600, why);
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(pin, sizeof(pin));
	return err;
}

/* tokens/NAME/{softhsm2.conf,pin,so-pin,store/} */
static enum rota_err write_files(const char *dir, const char *name, struct rota_fail *why)
{
	char *base = rota_text("%s/tokens/%s", dir, name);
	char *store = rota_text("%s/store", base), *conf = rota_text("%s/softhsm2.conf", base);
	char *pin = rota_text("%s/pin", base), *so_pin = rota_text("%s/so-pin", base);
	char *text = rota_text("directories.tokendir = tokens/%s/store\n"
			       "objectstore.backend = file\nlog.level = ERROR\n",
		name);
	enum rota_err err = rota_file_mkdirs(store, 0700, why);

	if (err == ROTA_OK)
		err = rota_file_write(conf, rota_span(text, strlen(text)), 0600, why);
	if (err == ROTA_OK)
		err = write_pin(pin, why);
	if (err == ROTA_OK)
		err = write_pin(so_pin, why);
	free(base);
	free(store);
	free(conf);
	free(pin);
	free(so_pin);
	free(text);
	return err;
}

static enum rota_err make_token(const char *dir, const char *module, const struct group *group,
	const char *name, struct rota_fail *why)
{
	char label[48], pin[64], so_pin[64], environment[128];
	const struct rota_pkcs11_token token = { .name = name,
		.dir = dir,
		.module = module,
		.label = label,
		.pin_file = pin,
		.environment = environment };
	size_t keys = 0;

	snprintf(label, sizeof(label), "rota-%s", name);
	snprintf(pin, sizeof(pin), "tokens/%s/pin", name);
	snprintf(so_pin, sizeof(so_pin), "tokens/%s/so-pin", name);
	snprintf(environment, sizeof(environment), "SOFTHSM2_CONF=tokens/%s/softhsm2.conf", name);
	while (group->keys[keys])
		keys++;
	ROTA_TRY(write_files(dir, name, why));
	return rota_pkcs11_create(&token, so_pin, group->keys, keys, why);
}

static void describe_token(
	const struct group *group, const char *name, const char *module, struct rota_bytes *ini)
{
	rota_bytes_print(ini,
		"[token %s]\nmodule = %s\nlabel = rota-%s\npin_file = tokens/%s/pin\n"
		"environment = SOFTHSM2_CONF=tokens/%s/softhsm2.conf\nonline = %s\n\n",
		name, module, name, name, name, group->online ? "yes" : "no");
}

static enum rota_err make_tokens(
	const char *dir, const char *module, struct rota_bytes *ini, struct rota_fail *why)
{
	uint64_t total = 0, done = 0;
	struct rota_bar bar;
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		total += groups[i].count;
	rota_bar_begin(&bar, stderr, "tokens");
	for (size_t i = 0; i < GROUP_COUNT && err == ROTA_OK; i++) {
		for (unsigned n = 0; n < groups[i].count && err == ROTA_OK; n++) {
			char name[32];

			token_name(&groups[i], n, name);
			describe_token(&groups[i], name, module, ini);
			err = make_token(dir, module, &groups[i], name, why);
			bar.port.step(&bar, ++done, total);
		}
	}
	rota_bar_end(&bar);
	return err;
}

enum rota_err softhsm_make(const struct softhsm_plan *plan, const char *dir, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], ini_path[ROTA_FILE_PATH_MAX];
	/* RFC 3986, 3.2.2: an IPv6 address in a URL stands in brackets */
	const char *open = strchr(plan->host, ':') ? "[" : "";
	const char *close = *open ? "]" : "";
	struct rota_bytes ini = { 0 };
	enum rota_err err;

	ROTA_TRY(find_module(plan->module, path, why));
	rota_bytes_print(&ini,
		"# Authority of the product %s; rota.ini(5) explains each setting.\n"
		"[authority]\nproduct = %s\n%s\n[repository]\npath = repo\n\n"
		"# Tokens. Relative names are relative to this file's directory. A token without\n"
		"# pin_file asks on the terminal. Only tokens with online = yes are used by\n"
		"# rota publish.\n",
		plan->product, plan->product,
		plan->at_hand ? ""
			      : "# Who signs with the online token, as signd.ini allows.\n"
				"signd = signd/socket\n\n"
				"# Its log, which rota publish brings into the repository.\n"
				"[log]\npublic = signd/log/public\n");
	err = make_tokens(dir, path, &ini, why);
	rota_bytes_add_text(&ini, parties);
	rota_bytes_print(&ini,
		"repository_url = https://%s%s%s:8443/repo/\n"
		"server_url = https://%s%s%s:8444/\n",
		open, plan->host, close, open, plan->host, close);
	snprintf(ini_path, sizeof(ini_path), "%s/rota.ini", dir);
	if (err == ROTA_OK)
		err = rota_file_write(ini_path, rota_bytes_span(&ini), 0644, why);
	rota_bytes_free(&ini);
	return err;
}
