/* SPDX-License-Identifier: Apache-2.0 */
/* rota-agent -- keeps a Linux device up to date. See docs/man/rota-agent.8. */
#include "apps/rota-agent/doctor.h"
#include "apps/rota-agent/factory.h"
#include "apps/rota-agent/held.h"
#include "apps/rota-agent/log.h"
#include "apps/rota-agent/messages.h"
#include "apps/rota-agent/records.h"
#include "apps/rota-agent/recovery.h"
#include "apps/rota-agent/rotate.h"
#include "apps/rota-agent/run.h"
#include "apps/rota-agent/say.h"
#include "apps/rota-agent/status.h"
#include "apps/rota-agent/wipe.h"
#include "host/base/apart.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/rota/agent.ini"

struct options {
	const char *config;
	const char *verb; /* NULL: run */
	const char *of; /* of records: which vault; of messages: which purpose */
	bool once, check, verbose, json, verify, offline, yes;
	struct agent_recover recover;
};

static void help(void)
{
	puts("Usage: rota-agent [--config FILE] [--once] [--verbose] [--json]\n"
	     "       rota-agent status [--config FILE] [--json]\n"
	     "       rota-agent log [--config FILE] [--verify] [--json]\n"
	     "       rota-agent vault [--config FILE] [--json]\n"
	     "       rota-agent records [--config FILE] NAME\n"
	     "       rota-agent messages [--config FILE] PURPOSE\n"
	     "       rota-agent doctor [--config FILE]\n"
	     "       rota-agent recover [--config FILE] PACK\n"
	     "       rota-agent recover [--config FILE] --line TTY [--wait SECONDS]\n"
	     "       rota-agent wipe [--config FILE] [--offline] --yes\n"
	     "       rota-agent factory --at DIR --root-of-trust KIND [OPTION]...\n"
	     "\n"
	     "Fetches metadata from the update server, verifies it, installs the release that the\n"
	     "rollout policy gives to this device, and after the reboot confirms or reverts it.\n"
	     "\n"
	     "Verbs:\n"
	     "  status   what is trusted, installed and pending\n"
	     "  log      what this device decided, as a chain; --verify: whether it holds\n"
	     "  vault    of each vault: records by generation of their keys, and what waits to be "
	     "rewritten\n"
	     "  records  keep and read sealed records of a vault, for a program at the other end "
	     "of "
	     "a pipe\n"
	     "  messages seal messages to the server, and open those from it, likewise\n"
	     "  doctor   what is wrong with this set-up, step by step\n"
	     "  recover  take the recovery order of a pack (a file, or the folder of a stick), or "
	     "of one\n"
	     "           that `rota recovery send` sends over a serial line; no server is asked\n"
	     "  wipe     tell the server that this device ends, and destroy its data keys for "
	     "good\n"
	     "  factory  make this device's keys and folder, with `rota factory station`\n"
	     "\n"
	     "Options:\n"
	     "  --config FILE   settings (" CONFIG_DEFAULT "); see rota-agent.ini(5)\n"
	     "  --once          one cycle, then exit: 0 up to date, confirmed or rebooted,\n"
	     "                  1 refused or failed, 3 a reboot is wanted and none configured\n"
	     "  --check         check the settings, and that hooks and TPM are there; exit\n"
	     "  --line TTY      with recover: wait for a pack on this serial line\n"
	     "  --wait SECONDS  and give up when nobody sends one for so long (0: never)\n"
	     "  --verbose       say each file and each wait\n"
	     "  --json          one JSON object per line\n"
	     "  --verify        of log: only whether it holds\n"
	     "  --yes           of wipe: yes, for good\n"
	     "  --offline       of wipe: tell nobody; for a device that changes hands\n"
	     "  --help, --version\n"
	     "\n"
	     "Examples:\n"
	     "  rota-agent --config /etc/rota/agent.ini --once\n"
	     "  rota-agent doctor --config /etc/rota/agent.ini\n"
	     "  rota-agent recover /media/stick\n"
	     "  rota-agent recover --line /dev/ttyS0\n"
	     "  kill -HUP $(pidof rota-agent)     look for an update now");
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "rota-agent: %s%s; see: rota-agent --help\n", what, arg);
	return AGENT_EXIT_USAGE;
}

static int failed(const struct rota_fail *why)
{
	fprintf(stderr, "rota-agent: %s\n", why->text);
	return AGENT_EXIT_FAILED;
}

/* ---- options ---- */

static int check_options(const struct options *o)
{
	bool recover = o->verb && strcmp(o->verb, "recover") == 0;
	bool log = o->verb && strcmp(o->verb, "log") == 0;
	bool status = o->verb && strcmp(o->verb, "status") == 0;
	bool vault = o->verb && strcmp(o->verb, "vault") == 0;
	bool wipe = o->verb && strcmp(o->verb, "wipe") == 0;
	bool records = o->verb && strcmp(o->verb, "records") == 0;
	bool messages = o->verb && strcmp(o->verb, "messages") == 0;

	if (records && !o->of)
		return usage("records takes the name of a vault", "");
	if (messages && !o->of)
		return usage("messages takes a purpose: telemetry or link", "");
	if (recover && (o->recover.file != NULL) == (o->recover.line != NULL))
		return usage("recover takes a pack or --line TTY", "");
	if (!recover && (o->recover.line || o->recover.wait_s))
		return usage("--line and --wait go with ", "recover");
	if (o->verb && !recover && !log && !status && !vault && !wipe && !records && !messages &&
		strcmp(o->verb, "doctor") != 0)
		return usage("there is no verb ", o->verb);
	if (o->verb && (o->once || o->check || (o->verbose && !recover && !wipe)))
		return usage("--once, --check and --verbose do not go with ", o->verb);
	if (o->verb && o->json && !recover && !status && !log && !vault && !wipe)
		return usage("--json does not go with ", o->verb);
	if (o->verify && !log)
		return usage("--verify goes with ", "log");
	if ((o->offline || o->yes) && !wipe)
		return usage("--offline and --yes go with ", "wipe");
	if (wipe && !o->yes)
		return usage("wipe destroys this device's data keys for good; say --yes", "");
	return -1;
}

static bool parse_wait(const char *text, unsigned *seconds)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*seconds = (unsigned)value;
	return text[0] >= '0' && text[0] <= '9' && *end == 0 && value <= 86400;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "once", no_argument, NULL, 'o' },
		{ "check", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "line", required_argument, NULL, 'l' },
		{ "wait", required_argument, NULL, 'w' },
		{ "verify", no_argument, NULL, 'y' },
		{ "offline", no_argument, NULL, 'f' },
		{ "yes", no_argument, NULL, 'Y' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int got;

	*o = (struct options){ .config = CONFIG_DEFAULT };
	opterr = 0;
	while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (got) {
		case 'c':
			o->config = optarg;
			break;
		case 'o':
			o->once = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'l':
			o->recover.line = optarg;
			break;
		case 'w':
			if (!parse_wait(optarg, &o->recover.wait_s))
				return usage("--wait takes 0 to 86400 seconds, not ", optarg);
			break;
		case 'y':
			o->verify = true;
			break;
		case 'f':
			o->offline = true;
			break;
		case 'Y':
			o->yes = true;
			break;
		case 'h':
			help();
			return AGENT_EXIT_OK;
		case 'V':
			puts("rota-agent " ROTA_VERSION);
			return AGENT_EXIT_OK;
		default:
			return usage(
				got == ':' ? "no value for " : "unknown option ", argv[optind - 1]);
		}
	}
	if (optind < argc)
		o->verb = argv[optind++];
	if (optind < argc && strcmp(o->verb, "recover") == 0)
		o->recover.file = argv[optind++];
	if (optind < argc && (strcmp(o->verb, "records") == 0 || strcmp(o->verb, "messages") == 0))
		o->of = argv[optind++];
	if (optind < argc)
		return usage("too much: ", argv[optind]);
	return check_options(o);
}

/* ---- wiring ---- */

static void warn(const char *step, const struct rota_fail *why)
{
	say("warning",
		(struct say_field[]){ { "step", step }, { "reason", why->text }, { NULL, NULL } });
}

/* The device goes on without its keys: it takes releases and recovery orders, and reports wait. */
static void open_identity(struct agent *a)
{
	struct agent_device *d = &a->device;
	struct rota_fail why;

	if (!a->config->identity)
		return;
	if (agent_rot_open(&a->rot, a->config, d->rom.rot, d->rom.rot_name, &why) != ROTA_OK) {
		warn("root-of-trust", &why);
		return;
	}
	if (agent_rot_warning(&a->rot)) {
		rota_fail(&why, ROTA_ERR_UNSUPPORTED, "%s", agent_rot_warning(&a->rot));
		warn("root-of-trust", &why);
	}
	if (agent_identity_open(&a->identity, a->config, a->rot.port, d->rom.device_id, &why) !=
		ROTA_OK)
		warn("identity", &why);
	if (agent_rotate_open(a, &why) != ROTA_OK && why.err != ROTA_ERR_NOT_FOUND)
		warn("keys", &why);
}

static enum rota_err open_agent(struct agent *a, struct rota_fail *why)
{
	const struct rota_fetch_settings settings = {
		.user_agent = "rota-agent/" ROTA_VERSION,
		.connect_s = (uint32_t)a->config->connect_s,
		.rate = a->config->rate,
		.stall_s = (uint32_t)a->config->stall_s,
		.stop = a->stop,
	};

	ROTA_TRY(agent_key_private(a->config, why));
	ROTA_TRY(agent_device_open(&a->device, a->config, why));
	for (uint8_t i = 0; i < a->device.slots_count; i++) {
		a->device.hooks[i].stop = a->stop;
		a->device.hooks[i].patience = &a->device.patience;
	}
	ROTA_TRY(agent_state_open(&a->device, why));
	open_identity(a);
	a->carrier = (struct agent_carrier){ .path = a->config->recovery, .pack.fd = -1 };
	if (agent_log_open(&a->device, why) != ROTA_OK)
		warn("log", why);
	if (agent_device_tpm(&a->device, why) != ROTA_OK)
		warn("tpm", why);
	a->fetch = rota_fetch_new(&settings);
	if (!a->fetch)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	a->report = (struct agent_report){
		.config = a->config,
		.outbox = &a->device.outbox,
		.fetch = a->fetch,
		.device = a->device.rom.device_id,
		.detail = "",
	};
	return ROTA_OK;
}

static int run(const struct agent_config *config, const struct options *o)
{
	static struct agent a;
	struct rota_fail why;
	int status;

	a.config = config;
	agent_signals(&a);
	if (open_agent(&a, &why) != ROTA_OK)
		status = failed(&why);
	else if (o->verb && strcmp(o->verb, "wipe") == 0)
		status = agent_wipe(&a, o->offline);
	else if (o->verb)
		status = agent_recover(&a, &o->recover);
	else
		status = o->once ? agent_run_once(&a) : agent_run(&a);
	rota_fetch_free(a.fetch);
	agent_rotate_close(&a);
	agent_identity_close(&a.identity);
	agent_rot_close(&a.rot);
	agent_device_close(&a.device);
	return status;
}

static int check(const struct agent_config *config)
{
	struct rota_fail why;

	if (agent_config_there(config, &why) != ROTA_OK)
		return failed(&why);
	puts("the settings are well formed, and what they run is there");
	return AGENT_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct agent_config config;
	struct options o;
	struct rota_fail why;
	int status;

	if (argc > 1 && strcmp(argv[1], "factory") == 0)
		return agent_factory_main(argc - 1, argv + 1);
	status = parse(argc, argv, &o);
	if (status >= 0)
		return status;
	rota_keep_private();
	say_begin(o.json, o.verbose);
	if (o.verb && strcmp(o.verb, "doctor") == 0)
		return agent_doctor(o.config);
	if (agent_config_load(o.config, &config, &why) != ROTA_OK)
		return failed(&why);
	if (o.check)
		status = check(&config);
	else if (o.verb && strcmp(o.verb, "log") == 0)
		status = agent_log(&config, o.json, o.verify);
	else if (o.verb && strcmp(o.verb, "vault") == 0)
		status = agent_vaults(&config, o.json);
	else if (o.verb && strcmp(o.verb, "records") == 0)
		status = agent_records(&config, o.of);
	else if (o.verb && strcmp(o.verb, "messages") == 0)
		status = agent_messages(&config, o.of);
	else if (o.verb && strcmp(o.verb, "status") == 0)
		status = agent_status(&config, o.json);
	else
		status = run(&config, &o);
	agent_config_free(&config);
	return status;
}
