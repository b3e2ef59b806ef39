/* SPDX-License-Identifier: Apache-2.0 */
/* rota-boot -- the boot stage of a Linux device. See docs/man/rota-boot.8. */
#include "apps/rota-boot/show.h"
#include "apps/rota-boot/supervise.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESET_TIMEOUT_S 60 /* an image of 1 GiB is verified in a few seconds */
#define RESET_TIMEOUT_MAX_S 3600

enum action { ACTION_BOOT, ACTION_SUPERVISE, ACTION_RESET, ACTION_SHOW };

struct options {
	const char *device;
	const char *log;
	enum action action;
	unsigned timeout_s;
	bool json;
};

static void help(void)
{
	puts("Usage: rota-boot --device DIR                        boot once: become the image\n"
	     "       rota-boot --device DIR --supervise            boot, and again whenever it "
	     "ends\n"
	     "       rota-boot --device DIR --reset                reset a supervised device, "
	     "wait\n"
	     "       rota-boot --device DIR --show [--json]        state, and both slots verified\n"
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
	     "  --help, --version\n"
	     "\n"
	     "Examples:\n"
	     "  rota-boot --device /var/lib/rota/device --supervise\n"
	     "  rota-boot --device /var/lib/rota/device --show --json");
}

static int usage(const char *what)
{
	say("%s; see: rota-boot --help", what);
	return 2;
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
	return -1;
}

static int check(const struct options *o, int actions, bool timeout)
{
	if (o->device == NULL)
		return usage("--device is missing");
	if (actions > 1)
		return usage("--supervise, --reset and --show exclude each other");
	if (o->json && o->action != ACTION_SHOW)
		return usage("--json goes with --show");
	if (o->log != NULL && o->action != ACTION_SUPERVISE)
		return usage("--log goes with --supervise");
	if (timeout && o->action != ACTION_RESET)
		return usage("--timeout goes with --reset");
	return -1;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "supervise", no_argument, NULL, 's' },
		{ "reset", no_argument, NULL, 'r' },
		{ "show", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "log", required_argument, NULL, 'l' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c, actions = 0, status;
	bool timeout = false;

	*o = (struct options){ .action = ACTION_BOOT, .timeout_s = RESET_TIMEOUT_S };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->device = optarg;
			break;
		case 's':
			o->action = ACTION_SUPERVISE;
			actions++;
			break;
		case 'r':
			o->action = ACTION_RESET;
			actions++;
			break;
		case 'w':
			o->action = ACTION_SHOW;
			actions++;
			break;
		case 'j':
			o->json = true;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 't':
			timeout = true;
			status = parse_timeout(optarg, o);
			if (status >= 0)
				return status;
			break;
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
	if (optind < argc)
		return usage("no arguments are taken besides options");
	return check(o, actions, timeout);
}

static int boot_once(struct device *d)
{
	struct rota_booted_file last;
	struct loaded image;

	if (rota_booted_read(d->fd, &last) == ROTA_OK)
		d->boot = last.boot;
	if (!boot_load(d, &image))
		return 1;
	boot_exec(d, &image);
	rota_booted_remove(d->fd);
	boot_unload(&image);
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
	}
	return 2;
}

int main(int argc, char **argv)
{
	static struct device device;
	struct options options;
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	status = device_open(&device, options.device) ? act(&device, &options) : 1;
	device_close(&device);
	return status;
}
