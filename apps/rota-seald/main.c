/* SPDX-License-Identifier: Apache-2.0 */
/* rota-seald: makes the keys of campaigns, on the signing host. Arguments, one verb. */
#include "apps/rota-seald/verbs.h"
#include "host/base/apart.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: rota-seald make [--config FILE]\n"
	"       rota-seald seal --request FILE --export FILE --out DIR [--tree N] [--json] "
	"[--config FILE]\n"
	"       rota-seald --help | --version\n"
	"\n"
	"make: the keys of its token, and the two that it wraps, where they are missing.\n"
	"seal: one bundle for each device of an export of the registry, their tree, and copies for "
	"the back\n"
	"end. A run that was cut off goes on where it was. Nothing is signed here: the root counts "
	"once\n"
	"rota-signd has signed the role's file, which it does only for a request that was "
	"approved.\n"
	"The default configuration is /etc/rota/seald.ini.\n"
	"\n"
	"Examples:\n"
	"  rota-seald make\n"
	"  rota-seald seal --request campaign.json --export p.export --out "
	"/var/lib/rota-seald/out\n";

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "rota-seald: %s%s; see: rota-seald --help\n", what, which);
	return 2;
}

static int run(const char *verb, const char *config_path, const struct arguments *a)
{
	struct config config;
	struct rota_fail why;
	enum rota_err err;

	err = config_load(config_path, &config, &why);
	if (err == ROTA_OK) {
		err = strcmp(verb, "make") == 0 ? verb_make(&config, &why)
						: verb_seal(&config, a, &why);
		config_free(&config);
	}
	if (err != ROTA_OK)
		fprintf(stderr, "rota-seald: %s\n", why.text);
	return err != ROTA_OK;
}

/* A tree's number; supplements begin at 1. false: none. */
static bool tree_of(const char *text, unsigned *tree)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*tree = (unsigned)value;
	return *text >= '0' && *text <= '9' && *end == 0 && value < 64;
}

static int check(const char *verb, const struct arguments *a)
{
	bool seal = strcmp(verb, "seal") == 0;

	if (!seal && strcmp(verb, "make") != 0)
		return wrong("no such verb: ", verb);
	if (seal && (!a->request || !a->export_path || !a->out))
		return wrong("seal takes --request, --export and --out", "");
	if (!seal && (a->request || a->export_path || a->out || a->json || a->tree))
		return wrong("make takes --config alone", "");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "request", required_argument, NULL, 'r' },
		{ "export", required_argument, NULL, 'e' }, { "out", required_argument, NULL, 'o' },
		{ "tree", required_argument, NULL, 't' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 } };
	const char *config = "/etc/rota/seald.ini";
	struct arguments a = { 0 };
	int got, status;

	rota_keep_private();
	umask(077);
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (got == 'c')
			config = optarg;
		else if (got == 'r')
			a.request = optarg;
		else if (got == 'e')
			a.export_path = optarg;
		else if (got == 'o')
			a.out = optarg;
		else if (got == 't' && !tree_of(optarg, &a.tree))
			return wrong("--tree is 0 to 63, not ", optarg);
		else if (got == 'j')
			a.json = true;
		else if (got == 'h')
			return printf("%s", usage) < 0;
		else if (got == 'v')
			return printf("rota-seald %s\n", ROTA_VERSION) < 0;
		else if (got != 't')
			return 2;
	}
	if (optind + 1 != argc)
		return wrong(optind < argc ? "too much: " : "which verb?",
			optind < argc ? argv[optind + 1] : "");
	status = check(argv[optind], &a);
	return status ? status : run(argv[optind], config, &a);
}
