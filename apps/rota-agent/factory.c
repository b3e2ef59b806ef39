/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/factory.h"
#include "apps/rota-agent/birth.h"
#include "apps/rota-agent/run.h"
#include "host/base/apart.h"
#include "ports/slots_boot/format.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define PROGRAM "app" /* name of component 0 */

static void help(void)
{
	puts("Usage: rota-agent factory --at DIR --root-of-trust KIND [OPTION]...\n"
	     "\n"
	     "The device's side of `rota factory station`, on standard input and output: makes "
	     "this device's\n"
	     "keys in its root of trust, and the folder that rota-agent and rota-boot work with.\n"
	     "\n"
	     "Options:\n"
	     "  --at DIR            the device's folder; absolute\n"
	     "  --root-of-trust KIND  tpm, pkcs11, or soft: keys in the clear, for simulation\n"
	     "  --tpm TCTI          the TPM (" AGENT_TPM_USUAL ")\n"
	     "  --module FILE --token LABEL --pin-file FILE [--environment TEXT]\n"
	     "                      the token of kind pkcs11\n"
	     "  --serial TEXT       hardware serial (default: what the station says)\n"
	     "  --hardware ID       hardware id (default: what the station says)\n"
	     "  --image FILE        first image: make flash with it confirmed in slot 0\n"
	     "  --component NAME=FILE  a further component (at most 7)\n"
	     "  --slot-size MIB     size of each slot (default 64)\n"
	     "  --take-over         with a TPM: end the device whose counters it keeps\n"
	     "  --help");
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "rota-agent: %s%s; see: rota-agent factory --help\n", what, arg);
	return AGENT_EXIT_USAGE;
}

static bool take_kind(const char *text, enum rota_rot_kind *kind)
{
	for (*kind = ROTA_ROT_TPM; *kind <= ROTA_ROT_SOFT; (*kind)++)
		if (strcmp(text, agent_rot_kind(*kind)) == 0)
			return true;
	return false;
}

static bool take_component(struct birth_flash *f, char *text)
{
	char *file = strchr(text, '=');

	if (!file || !file[1] || f->count == 0 || f->count == ROTA_SET_MAX)
		return false;
	*file = 0;
	f->name[f->count] = text;
	f->image[f->count++] = file + 1;
	return true;
}

static bool take_size(const char *text, uint64_t *capacity)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*capacity = (uint64_t)value * MIB;
	return *text >= '0' && *text <= '9' && *end == 0 && value > 0 &&
		*capacity <= ROTA_SLOT_CAPACITY_MAX;
}

static const struct option longs[] = {
	{ "at", required_argument, NULL, 'a' },
	{ "root-of-trust", required_argument, NULL, 'r' },
	{ "tpm", required_argument, NULL, 't' },
	{ "module", required_argument, NULL, 'm' },
	{ "token", required_argument, NULL, 'k' },
	{ "pin-file", required_argument, NULL, 'p' },
	{ "environment", required_argument, NULL, 'e' },
	{ "serial", required_argument, NULL, 's' },
	{ "hardware", required_argument, NULL, 'w' },
	{ "image", required_argument, NULL, 'i' },
	{ "component", required_argument, NULL, 'c' },
	{ "slot-size", required_argument, NULL, 'z' },
	{ "take-over", no_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* One option; false: its value is none. */
static bool take(struct birth *b, int option)
{
	switch (option) {
	case 'a':
		b->at = optarg;
		return *optarg == '/' && strlen(optarg) < ROTA_FILE_PATH_MAX / 2;
	case 'r':
		return take_kind(optarg, &b->config.rot);
	case 't':
		b->config.tpm = optarg;
		return strlen(optarg) < ROTA_TPM2_TCTI_MAX;
	case 'm':
		b->config.token.module = optarg;
		return *optarg == '/';
	case 'k':
		b->config.token.label = optarg;
		return strlen(optarg) <= 32;
	case 'p':
		b->config.token.pin_file = optarg;
		return *optarg == '/';
	case 'e':
		b->config.token.environment = optarg;
		return true;
	case 's':
		b->serial = optarg;
		return true;
	case 'w':
		b->hardware = optarg;
		return true;
	case 'i':
		b->flash.image[0] = optarg;
		b->flash.name[0] = PROGRAM;
		b->flash.count = 1;
		return true;
	case 'c':
		return take_component(&b->flash, optarg);
	case 'z':
		return take_size(optarg, &b->flash.capacity);
	case 'o':
		return b->take_over = true;
	default:
		return false;
	}
}

/* -1: go on; else the exit status. */
static int parse(struct birth *b, int argc, char **argv)
{
	int got;

	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (got == 'h') {
			help();
			return AGENT_EXIT_OK;
		}
		if (got == ':' || got == '?')
			return usage(
				got == ':' ? "no value for " : "unknown option ", argv[optind - 1]);
		if (!take(b, got))
			return usage("this is not what the option takes: ", argv[optind - 1]);
	}
	if (optind < argc)
		return usage("too much: ", argv[optind]);
	if (!b->at || b->config.rot == ROTA_ROT_NONE)
		return usage("--at and --root-of-trust are needed", "");
	return -1;
}

static enum rota_err talk(struct birth *b, struct rota_fail *why)
{
	ROTA_TRY(rota_talk_begin(&b->talk, why));
	ROTA_TRY(birth_begin(b, why));
	if (agent_rot_warning(&b->rot))
		fprintf(stderr, "rota-agent: warning: %s\n", agent_rot_warning(&b->rot));
	ROTA_TRY(birth_made(b, why));
	ROTA_TRY(birth_asks(b, why));
	return birth_ready(b, why);
}

int agent_factory_main(int argc, char **argv)
{
	static struct birth b;
	struct rota_fail why = { 0 };
	int status;

	b.talk = (struct rota_talk){ .in = STDIN_FILENO, .out = STDOUT_FILENO };
	b.flash.capacity = ROTA_SLOT_CAPACITY_DEFAULT;
	b.lock = -1;
	status = parse(&b, argc, argv);
	if (status >= 0)
		return status;
	rota_keep_private();
	signal(SIGPIPE, SIG_IGN);
	if (talk(&b, &why) == ROTA_OK) {
		fprintf(stderr, "rota-agent: device %s is made: %s\n", b.device_hex, b.at);
		status = AGENT_EXIT_OK;
	} else {
		rota_talk_no(&b.talk, &why);
		fprintf(stderr, "rota-agent: %s\n", why.text);
		status = AGENT_EXIT_FAILED;
	}
	birth_end(&b);
	return status;
}
