/* SPDX-License-Identifier: Apache-2.0 */
/* rota-boot -- the boot stage of a Linux device. See docs/man/rota-boot.8. */
#include "apps/rota-boot/recorded.h"
#include "apps/rota-boot/recover.h"
#include "apps/rota-boot/show.h"
#include "apps/rota-boot/supervise.h"
#include "apps/rota-boot/ticket.h"
#include "ports/tpm2/pcr.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESET_TIMEOUT_S 60 /* an image of 1 GiB is verified in a few seconds */
#define RESET_TIMEOUT_MAX_S 3600
#define PCR 8 /* the first of those that are the system's loader's */

enum action {
	ACTION_BOOT,
	ACTION_SUPERVISE,
	ACTION_RESET,
	ACTION_SHOW,
	ACTION_RECORD,
	ACTION_TICKET
};

struct options {
	const char *device;
	const char *log;
	const char *ticket;
	const char *tcti;
	const char *recovery;
	enum action action;
	unsigned timeout_s;
	unsigned pcr;
	int actions; /* asked for: one at most */
	bool json, pcr_set, timeout_set;
};

static void help(void)
{
	puts("Usage: rota-boot --device DIR                        boot once: become the image\n"
	     "       rota-boot --device DIR --supervise            boot, and again whenever it "
	     "ends\n"
	     "       rota-boot --device DIR --reset                reset a supervised device, "
	     "wait\n"
	     "       rota-boot --device DIR --show [--json]        state, and both slots verified\n"
	     "       rota-boot --device DIR --record [--json]      what the last boot measured\n"
	     "       rota-boot --device DIR --ticket FILE          more time for the watchdog\n"
	     "\n"
	     "Chooses a slot of DIR/flash by the boot state, verifies its image against "
	     "DIR/rom.bin and\n"
	     "runs the very bytes that it verified. An image on trial runs once; unless it is "
	     "confirmed\n"
	     "the next boot is back on the old one.\n"
	     "\n"
	     "  --device DIR      the device's directory\n"
	     "  --supervise       stay as reset circuit; SIGHUP resets, SIGTERM powers off\n"
	     "  --log FILE        with --supervise: the image's output (DIR/run/log; - is "
	     "inherited)\n"
	     "  --reset           exit 0 once an image was booted after the reset\n"
	     "  --timeout SECONDS with --reset: the deadline (60)\n"
	     "  --show, --json    print and change nothing\n"
	     "  --record          print DIR/run/record and its chain, as a PCR would have it\n"
	     "  --ticket FILE     signed by a key of role time; refused tickets change nothing\n"
	     "  --tpm TCTI        the TPM, as in swtpm:path=SOCKET (device:/dev/tpmrm0, if the "
	     "ROM\n"
	     "                    has counters in one); what is measured is extended into a PCR\n"
	     "  --pcr N           which one (8)\n"
	     "  --recovery FROM   when nothing may run, wait there for a recovery pack: a file, a "
	     "folder\n"
	     "                    in which recovery.pack appears, or a serial line\n"
	     "  --help, --version\n"
	     "\n"
	     "Examples:\n"
	     "  rota-boot --device /var/lib/rota/device --supervise\n"
	     "  rota-boot --device /var/lib/rota/device --supervise --recovery /dev/ttyS0\n"
	     "  rota-boot --device /var/lib/rota/device --show --json");
}

static int usage(const char *what)
{
	say("%s; see: rota-boot --help", what);
	return 2;
}

/* -1: go on; else the exit status. */
static int parse_pcr(const char *text, struct options *o)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > ROTA_PCR_MAX)
		return usage("--pcr takes 0 to 23");
	o->pcr = (unsigned)value;
	o->pcr_set = true;
	return -1;
}

/* -1: go on; else the exit status. */
static int parse_timeout(const char *text, struct options *o)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 ||
		value > RESET_TIMEOUT_MAX_S)
		return usage("--timeout takes 1 to 3600 seconds");
	o->timeout_s = (unsigned)value;
	o->timeout_set = true;
	return -1;
}

static int check(const struct options *o)
{
	if (o->device == NULL)
		return usage("--device is missing");
	if (o->actions > 1)
		return usage(
			"--supervise, --reset, --show, --record and --ticket exclude each other");
	if (o->json && o->action != ACTION_SHOW && o->action != ACTION_RECORD)
		return usage("--json goes with --show and --record");
	if (o->log != NULL && o->action != ACTION_SUPERVISE)
		return usage("--log goes with --supervise");
	if (o->timeout_set && o->action != ACTION_RESET)
		return usage("--timeout goes with --reset");
	if (o->tcti != NULL && strlen(o->tcti) >= ROTA_TPM2_TCTI_MAX)
		return usage("--tpm is too long");
	if (o->recovery != NULL && o->action != ACTION_BOOT && o->action != ACTION_SUPERVISE)
		return usage("--recovery goes with a boot");
	if (o->pcr_set && o->action != ACTION_BOOT && o->action != ACTION_SUPERVISE)
		return usage("--pcr goes with a boot");
	return -1;
}

static void act_is(struct options *o, enum action action)
{
	o->action = action;
	o->actions++;
}

/* One option. -1: go on; else the exit status. */
static int parse_one(int c, struct options *o)
{
	switch (c) {
	case 'd':
		o->device = optarg;
		return -1;
	case 's':
		act_is(o, ACTION_SUPERVISE);
		return -1;
	case 'r':
		act_is(o, ACTION_RESET);
		return -1;
	case 'w':
		act_is(o, ACTION_SHOW);
		return -1;
	case 'R':
		act_is(o, ACTION_RECORD);
		return -1;
	case 'f':
		o->recovery = optarg;
		return -1;
	case 'k':
		act_is(o, ACTION_TICKET);
		o->ticket = optarg;
		return -1;
	case 'j':
		o->json = true;
		return -1;
	case 'l':
		o->log = optarg;
		return -1;
	case 't':
		return parse_timeout(optarg, o);
	case 'p':
		o->tcti = optarg;
		return -1;
	case 'P':
		return parse_pcr(optarg, o);
	case 'h':
		help();
		return 0;
	case 'V':
		puts("rota-boot " ROTA_VERSION);
		return 0;
	default:
		return 2; /* getopt said what */
	}
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "supervise", no_argument, NULL, 's' },
		{ "reset", no_argument, NULL, 'r' },
		{ "show", no_argument, NULL, 'w' },
		{ "record", no_argument, NULL, 'R' },
		{ "recovery", required_argument, NULL, 'f' },
		{ "ticket", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "log", required_argument, NULL, 'l' },
		{ "timeout", required_argument, NULL, 't' },
		{ "tpm", required_argument, NULL, 'p' },
		{ "pcr", required_argument, NULL, 'P' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .action = ACTION_BOOT, .timeout_s = RESET_TIMEOUT_S, .pcr = PCR };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int status = parse_one(c, o);

		if (status >= 0)
			return status;
	}
	if (optind < argc)
		return usage("no arguments are taken besides options");
	return check(o);
}

static int boot_once(struct device *d)
{
	struct rota_booted_file last;
	struct loaded set;

	if (rota_booted_read(d->fd, &last) == ROTA_OK)
		d->boot = last.boot;
	while (!boot_load(d, &set)) {
		if (d->recovery == NULL || !recover(d, d->recovery))
			return 1;
	}
	if (set.turn.act == ROTA_WATCHDOG_RUN_UPDATER)
		(void)alarm(set.turn.run_s); /* outlives exec: nobody else is there to end it */
	boot_exec(d, &set);
	rota_booted_remove(d->fd);
	boot_unload(&set);
	return 1;
}

static int supervise_with_log(struct device *d, const char *log)
{
	char path[sizeof(d->path) + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, ROTA_LAYOUT_LOG);
	if (log == NULL)
		return supervise(d, path);
	return supervise(d, strcmp(log, "-") == 0 ? NULL : log);
}

static int act(struct device *d, const struct options *o)
{
	switch (o->action) {
	case ACTION_BOOT:
		return boot_once(d);
	case ACTION_SUPERVISE:
		return supervise_with_log(d, o->log);
	case ACTION_RESET:
		return request_reset(d, o->timeout_s);
	case ACTION_SHOW:
		return show(d, o->json);
	case ACTION_RECORD:
		return recorded_show(d, o->json);
	case ACTION_TICKET:
		return ticket_take(d, o->ticket);
	}
	return 2;
}

/* A descriptor that is handed on must not be one of the first three, which are output and input to a program. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	static struct device device;
	struct options options;
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	status = 1;
	open_standard();
	if (device_open(&device, options.device)) {
		device_tpm(&device, options.tcti, options.pcr);
		device.recovery = options.recovery;
		status = act(&device, &options);
	}
	device_close(&device);
	return status;
}
