/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-tuf/options.h"
#include "host/base/when.h"
#include "host/tuf/trust.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CA_DEFAULT "/etc/ssl/certs/ca-certificates.crt"
#define USAGE 2

/* A stall ends a target of any length sooner than its deadline. */
#define CONNECT_S 20
#define STALL_S 20
#define METADATA_S 600
#define TARGET_S (24 * 3600)

/* Of a deadline: what takes longer than a week is not coming. */
#define DEADLINE_MAX_S (7 * 86400)

static void help(void)
{
	puts("Usage: rota-tuf --metadata-dir DIR init ROOT\n"
	     "       rota-tuf --metadata-dir DIR --metadata-url URL refresh\n"
	     "       rota-tuf --metadata-dir DIR --metadata-url URL --target-name NAME...\n"
	     "                --target-base-url URL --target-dir DIR download\n"
	     "\n"
	     "A plain client for any TUF repository (specification 1.0.34).\n"
	     "\n"
	     "Verbs:\n"
	     "  init      begin trust with the file ROOT; asks nothing of the network\n"
	     "  refresh   bring root, timestamp, snapshot and targets up to date\n"
	     "  download  refresh, then fetch the named targets in order\n"
	     "\n"
	     "Options:\n"
	     "  --metadata-dir DIR     trusted metadata, under plain names\n"
	     "  --metadata-url URL     where the repository's metadata is; http or https\n"
	     "  --target-name NAME     path of a target; may be given again\n"
	     "  --target-base-url URL  where the repository's targets are\n"
	     "  --target-dir DIR       where to put them, each under its percent-encoded path\n"
	     "  --ca FILE              PEM file of whom to trust for https\n"
	     "                         (" CA_DEFAULT ")\n"
	     "  --connect-timeout T    give up on a connection after T: 30s, 10m, 2h (20s)\n"
	     "  --stall-timeout T      give up on a server that sends less than 1,024 bytes a "
	     "second\n"
	     "                         for T (20s)\n"
	     "  --metadata-timeout T   give up on a metadata file after T (10m)\n"
	     "  --target-timeout T     give up on a target after T (24h)\n"
	     "  --max-roots N          follow at most N new roots in one refresh (4096)\n"
	     "  --help, --version\n"
	     "\n"
	     "Exit status: 0 done, 1 refused or failed (the reason names file, step and clause), "
	     "2\n"
	     "wrong usage.\n"
	     "\n"
	     "Examples:\n"
	     "  rota-tuf --metadata-dir trust init root.json\n"
	     "  rota-tuf --metadata-dir trust --metadata-url https://tuf.example/metadata refresh");
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "rota-tuf: %s%s; see: rota-tuf --help\n", what, arg);
	return USAGE;
}

static int set_verb(struct tuf_options *o, const char *name)
{
	static const char *const names[] = {
		[TUF_INIT] = "init", [TUF_REFRESH] = "refresh", [TUF_DOWNLOAD] = "download"
	};

	for (size_t i = TUF_INIT; i <= TUF_DOWNLOAD; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		o->verb = (enum tuf_verb)i;
		o->verb_name = names[i];
		return -1;
	}
	return usage("there is no verb ", name);
}

/* Whether libcurl would be asked for something else than the web: FILE, another protocol, an option's name. */
static bool is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static int check_urls(const struct tuf_options *o)
{
	if (o->metadata_url && !is_web(o->metadata_url))
		return usage(
			"--metadata-url begins with http:// or https://; not ", o->metadata_url);
	if (o->target_base_url && !is_web(o->target_base_url))
		return usage("--target-base-url begins with http:// or https://; not ",
			o->target_base_url);
	return -1;
}

/* What each verb needs. */
static int check(const struct tuf_options *o)
{
	const struct {
		const char *name;
		const char *value;
		unsigned verbs; /* bits */
	} rows[] = {
		{ "--metadata-dir", o->metadata_dir,
			1u << TUF_INIT | 1u << TUF_REFRESH | 1u << TUF_DOWNLOAD },
		{ "ROOT", o->root, 1u << TUF_INIT },
		{ "--metadata-url", o->metadata_url, 1u << TUF_REFRESH | 1u << TUF_DOWNLOAD },
		{ "--target-name", o->target_count ? o->targets[0] : NULL, 1u << TUF_DOWNLOAD },
		{ "--target-base-url", o->target_base_url, 1u << TUF_DOWNLOAD },
		{ "--target-dir", o->target_dir, 1u << TUF_DOWNLOAD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool wanted = (rows[i].verbs >> o->verb & 1u) != 0;

		if (wanted && (!rows[i].value || !rows[i].value[0])) {
			fprintf(stderr, "rota-tuf: %s needs %s; see: rota-tuf --help\n",
				o->verb_name, rows[i].name);
			return USAGE;
		}
	}
	return check_urls(o);
}

static int take_words(int argc, char **argv, struct tuf_options *o)
{
	int status;

	if (optind == argc)
		return usage("no verb given: init, refresh or download", "");
	status = set_verb(o, argv[optind++]);
	if (status >= 0)
		return status;
	if (o->verb == TUF_INIT && optind < argc)
		o->root = argv[optind++];
	if (optind < argc)
		return usage("too much: ", argv[optind]);
	return check(o);
}

static int add_target(struct tuf_options *o, const char *name)
{
	if (o->target_count == TUF_TARGETS_MAX)
		return usage("too many targets: ", name);
	if (!name[0])
		return usage("--target-name is empty", "");
	o->targets[o->target_count++] = name;
	return -1;
}

static int set_deadline(uint32_t *seconds, const char *text)
{
	uint64_t value;

	if (!rota_duration_parse(text, &value) || value == 0 || value > DEADLINE_MAX_S)
		return usage("a deadline is 1s to 7d, like 90s, 10m, 2h; not ", text);
	*seconds = (uint32_t)value;
	return -1;
}

static int set_roots(uint32_t *roots, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '1' || *text > '9' || *end || value > ROTA_TUF_ROOTS_MAX)
		return usage("--max-roots is 1 to 4096; not ", text);
	*roots = (uint32_t)value;
	return -1;
}

static const struct option longs[] = {
	{ "metadata-dir", required_argument, NULL, 'm' },
	{ "metadata-url", required_argument, NULL, 'u' },
	{ "target-name", required_argument, NULL, 'n' },
	{ "target-base-url", required_argument, NULL, 'b' },
	{ "target-dir", required_argument, NULL, 't' },
	{ "ca", required_argument, NULL, 'c' },
	{ "connect-timeout", required_argument, NULL, 'C' },
	{ "stall-timeout", required_argument, NULL, 'S' },
	{ "metadata-timeout", required_argument, NULL, 'M' },
	{ "target-timeout", required_argument, NULL, 'T' },
	{ "max-roots", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int take_option(struct tuf_options *o, int got, const char *word)
{
	switch (got) {
	case 'm':
		o->metadata_dir = optarg;
		return -1;
	case 'u':
		o->metadata_url = optarg;
		return -1;
	case 'n':
		return add_target(o, optarg);
	case 'b':
		o->target_base_url = optarg;
		return -1;
	case 't':
		o->target_dir = optarg;
		return -1;
	case 'c':
		o->ca = optarg;
		return -1;
	case 'R':
		return set_roots(&o->roots, optarg);
	case 'C':
		return set_deadline(&o->connect_s, optarg);
	case 'S':
		return set_deadline(&o->stall_s, optarg);
	case 'M':
		return set_deadline(&o->metadata_s, optarg);
	case 'T':
		return set_deadline(&o->target_s, optarg);
	case 'h':
		help();
		return 0;
	case 'V':
		puts("rota-tuf " ROTA_VERSION);
		return 0;
	default:
		return usage(got == ':' ? "no value for " : "unknown option ", word);
	}
}

int tuf_options_parse(int argc, char **argv, struct tuf_options *o)
{
	int got, status;

	*o = (struct tuf_options){ .ca = CA_DEFAULT,
		.roots = ROTA_TUF_ROOTS_MAX,
		.connect_s = CONNECT_S,
		.stall_s = STALL_S,
		.metadata_s = METADATA_S,
		.target_s = TARGET_S };
	opterr = 0;
	while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		status = take_option(o, got, argv[optind - 1]);
		if (status >= 0)
			return status;
	}
	return take_words(argc, argv, o);
}
