/* SPDX-License-Identifier: Apache-2.0 */
/* rota-seald: makes the keys of campaigns, on the signing host. Arguments, one verb. */
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/verbs.h"
#include "host/base/apart.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: rota-seald VERB [OPTION]...\n"
	"       rota-seald --help | --version\n"
	"\n"
	"Makes the data keys of a fleet, on the signing host. Whatever was cut off goes on where "
	"it "
	"was.\n"
	"\n"
	"Verbs:\n"
	"  make     the keys of its token, and the two that it wraps, where they are missing\n"
	"  import   take in the registry's export for a campaign: --campaign ID --export FILE "
	"[--tree N --sha256 HEX]\n"
	"  seal     a bundle for each device, their tree, and copies for the back end: --campaign "
	"ID\n"
	"           [--export FILE] [--tree N] [--sha256 HEX]; to rehearse, without a daemon: "
	"--request FILE "
	"--export FILE\n"
	"           --out DIR [--tree N]\n"
	"  publish  list what is sealed, which the signing daemon signs once: [--campaign ID]\n"
	"  run      all of this for each campaign that the signing daemon has approved: [--once]\n"
	"  secrets  take in what the factory left in devices: --enrolments FILE --device-ca FILE\n"
	"  serve    give services of seald.ini the keys of devices, until SIGTERM\n"
	"  hand     the keys of all devices of a tree, in a file that a service's token opens, or "
	"without --out\n"
	"           into that token: --campaign ID --service NAME [--out FILE] [--tree N]\n"
	"  destroy  what hand put into a token, once it is retired: --service NAME --purpose "
	"WORD\n"
	"           --generation N\n"
	"  nginx    print the configuration of the nginx before it\n"
	"\n"
	"Options:\n"
	"  --campaign ID    digest of the request that was approved, 64 hex digits\n"
	"  --config FILE    default /etc/rota/seald.ini\n"
	"  --device-ca FILE   certificate of the authority that issued the devices' IDevIDs\n"
	"  --enrolments FILE  the authority's list of devices\n"
	"  --export FILE    the registry's export\n"
	"  --generation N   of keys in a service's token\n"
	"  --json           say what came of it as one JSON object a line\n"
	"  --once           look once and end\n"
	"  --out PLACE      folder for the files of a rehearsal; file for a service\n"
	"  --purpose WORD   telemetry or link\n"
	"  --request FILE   a request, byte by byte\n"
	"  --service NAME   of [service NAME] of the configuration\n"
	"  --sha256 HEX     of a supplement's export, as rota campaign late says it\n"
	"  --tree N         0, or 1 to 63: a supplement for devices that come later\n"
	"\n"
	"Exit status: 0 all was done; 1 something failed or was refused; 2 wrong usage; 3 a token "
	"refuses\n"
	"its PIN: not to be started again before that is mended.\n"
	"\n"
	"Examples:\n"
	"  rota-seald make\n"
	"  rota-seald seal --campaign "
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --export p.export\n"
	"  rota-seald run\n";

/* What was given, as bits. */
enum given {
	CAMPAIGN = 1,
	REQUEST = 2,
	EXPORT = 4,
	OUT = 8,
	TREE = 16,
	JSON = 32,
	ONCE = 64,
	SERVICE = 128,
	ENROLMENTS = 256,
	DEVICE_CA = 512,
	DIGEST = 1024,
	PURPOSE = 2048,
	GENERATION = 4096,
};

/* A verb, and what it takes: all of `need`, any of `may`. One that is called in two ways stands twice. */
static const struct {
	const char *name;
	unsigned need, may;
	enum rota_err (*run)(
		const struct config *c, const struct arguments *a, struct rota_fail *why);
	const char *takes;
} verbs[] = {
	{ "make", 0, 0, verb_make, "make takes --config alone" },
	{ "import", CAMPAIGN | EXPORT, TREE | DIGEST | JSON, verb_import,
		"import takes --campaign and --export" },
	{ "seal", CAMPAIGN, EXPORT | TREE | DIGEST | JSON, verb_seal,
		"seal takes --campaign, or --request, --export and --out" },
	{ "seal", REQUEST | EXPORT | OUT, TREE | JSON, verb_seal, NULL },
	{ "publish", 0, CAMPAIGN | JSON, verb_publish, "publish takes --campaign, if anything" },
	{ "run", 0, ONCE | JSON, verb_run, "run takes --once, if anything" },
	{ "secrets", ENROLMENTS | DEVICE_CA, JSON, verb_secrets,
		"secrets takes --enrolments and --device-ca" },
	{ "serve", 0, 0, verb_serve, "serve takes --config alone" },
	{ "hand", CAMPAIGN | SERVICE, OUT | TREE | JSON, verb_hand,
		"hand takes --campaign and --service" },
	{ "destroy", SERVICE | PURPOSE | GENERATION, JSON, verb_destroy,
		"destroy takes --service, --purpose and --generation" },
	{ "nginx", 0, 0, verb_nginx, "nginx takes --config alone" },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "rota-seald: %s%s; see: rota-seald --help\n", what, which);
	return 2;
}

/* The verb of this name that takes what was given; VERBS: there is none, which was told. */
static size_t find(const char *name, unsigned given)
{
	size_t named = VERBS;

	for (size_t i = VERBS; i > 0; i--) {
		const unsigned need = verbs[i - 1].need, may = verbs[i - 1].may;

		if (strcmp(verbs[i - 1].name, name) != 0)
			continue;
		if ((given & need) == need && (given & ~(need | may)) == 0)
			return i - 1;
		named = i - 1;
	}
	if (named == VERBS)
		(void)wrong("no such verb: ", name);
	else
		(void)wrong(verbs[named].takes, "");
	return VERBS;
}

static int run(size_t verb, const char *config_path, const struct arguments *a)
{
	struct config config;
	struct rota_fail why;
	enum rota_err err;

	err = config_load(config_path, &config, &why);
	if (err == ROTA_OK) {
		if (verbs[verb].run != verb_publish && verbs[verb].run != verb_nginx)
			err = config_needs_token(&config, &why);
		if (err == ROTA_OK)
			err = verbs[verb].run(&config, a, &why);
		config_free(&config);
	}
	if (err != ROTA_OK)
		fprintf(stderr, "rota-seald: %s\n", why.text);
	if (holders_refused())
		return HOLDERS_PIN_REFUSED;
	return err != ROTA_OK;
}

/* A tree's number; supplements begin at 1. false: none. */
static bool tree_of(const char *text, unsigned *tree)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*tree = (unsigned)value;
	return *text >= '0' && *text <= '9' && *end == 0 && value < ROTA_KEYS_TREES_MAX;
}

/* What an option says into `a`; its bit, 0: none of a verb. */
static unsigned take(int option, const char *value, struct arguments *a)
{
	const struct {
		char option;
		unsigned bit;
		const char **to;
	} texts[] = {
		{ 'i', CAMPAIGN, &a->campaign },
		{ 'r', REQUEST, &a->request },
		{ 'e', EXPORT, &a->export_path },
		{ 'o', OUT, &a->out },
		{ 's', SERVICE, &a->service },
		{ 'E', ENROLMENTS, &a->enrolments },
		{ 'D', DEVICE_CA, &a->device_ca },
		{ 'd', DIGEST, &a->sha256 },
		{ 'p', PURPOSE, &a->purpose },
		{ 'g', GENERATION, &a->generation },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].option == option) {
			*texts[i].to = value;
			return texts[i].bit;
		}
	if (option == 'j')
		a->json = true;
	if (option == 'n')
		a->once = true;
	return option == 'j' ? JSON : option == 'n' ? ONCE : 0;
}

static const struct option options[] = {
	{ "campaign", required_argument, NULL, 'i' },
	{ "config", required_argument, NULL, 'c' },
	{ "device-ca", required_argument, NULL, 'D' },
	{ "enrolments", required_argument, NULL, 'E' },
	{ "export", required_argument, NULL, 'e' },
	{ "generation", required_argument, NULL, 'g' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "once", no_argument, NULL, 'n' },
	{ "out", required_argument, NULL, 'o' },
	{ "purpose", required_argument, NULL, 'p' },
	{ "request", required_argument, NULL, 'r' },
	{ "service", required_argument, NULL, 's' },
	{ "sha256", required_argument, NULL, 'd' },
	{ "tree", required_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	const char *config = "/etc/rota/seald.ini";
	struct arguments a = { 0 };
	unsigned given = 0;
	size_t verb;
	int got;

	rota_keep_private();
	umask(077);
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (got == '?')
			return 2;
		if (got == 'h')
			return printf("%s", usage) < 0;
		if (got == 'v')
			return printf("rota-seald %s\n", ROTA_VERSION) < 0;
		if (got == 't' && !tree_of(optarg, &a.tree))
			return wrong("--tree is 0 to 63, not ", optarg);
		if (got == 'c')
			config = optarg;
		else
			given |= got == 't' ? TREE : take(got, optarg, &a);
	}
	if (optind + 1 != argc)
		return wrong(optind < argc ? "too much: " : "which verb?",
			optind < argc ? argv[optind + 1] : "");
	verb = find(argv[optind], given);
	if (verb != VERBS && (given & (CAMPAIGN | EXPORT)) == (CAMPAIGN | EXPORT) &&
		(a.tree > 0) != (a.sha256 != NULL))
		return wrong("--sha256 goes with the export of a supplement, which needs it", "");
	return verb == VERBS ? 2 : run(verb, config, &a);
}
