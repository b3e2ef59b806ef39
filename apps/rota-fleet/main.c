/* SPDX-License-Identifier: Apache-2.0 */
/* rota-fleet -- simulated devices that rotate their data keys against a real server. See docs/man/rota-fleet.1. */
#include "apps/rota-fleet/fleet.h"
#include "host/base/when.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_MAX_LEN 128 /* of what is told on standard input */

static const char usage[] =
	"Usage: rota-fleet --census FILE --repository DIR --server SOCKET --statements FILE "
	"--messages FILE [OPTION]...\n"
	"Simulated devices with data keys. What happens is told on standard input, a line each:\n"
	"\n"
	"  run DURATION          so much simulated time passes: each device polls, then sends "
	"messages\n"
	"  sleep COUNT DURATION  the first COUNT devices do not poll for so long\n"
	"  cut PPM               of a million polls so many lose power, each at a random operation "
	"of flash\n"
	"  lose COUNT            so many proofs are lost on the way\n"
	"\n"
	"Options:\n"
	"  --repository-url URL, --device-url URL, --ca FILE  of nginx: devices whose LDevID's key "
	"is in "
	"the census go\n"
	"                        there, over TLS\n"
	"  --poll DURATION       between two polls of a device (1h)\n"
	"  --each COUNT          messages behind each poll (1)\n"
	"  --threads COUNT       1 to 64 (8)\n"
	"  --start TIME          simulated time at first (now)\n"
	"  --product, --hardware, --channel NAME  what devices are (sensor, board-a, stable)\n"
	"  --json                a line of JSON for each line that was told\n"
	"  --help, --version\n";

struct options {
	struct fleet_settings fleet;
	const char *census, *statements, *messages;
	uint64_t start_s;
	bool json;
};

static bool number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == 0 && *out <= max;
}

static bool take(struct options *o, int option)
{
	unsigned long n = 0;

	switch (option) {
	case 'c':
		o->census = optarg;
		return true;
	case 'r':
		o->fleet.repository = optarg;
		return true;
	case 's':
		o->fleet.server = optarg;
		return true;
	case 't':
		o->statements = optarg;
		return true;
	case 'm':
		o->messages = optarg;
		return true;
	case 'R':
		o->fleet.front.repository_url = optarg;
		return true;
	case 'D':
		o->fleet.front.device_url = optarg;
		return true;
	case 'A':
		o->fleet.front.ca = optarg;
		return true;
	case 'p':
		return rota_duration_parse(optarg, &o->fleet.poll_s) && o->fleet.poll_s > 0;
	case 'e':
		if (!number(optarg, 10000, &n))
			return false;
		o->fleet.each = (uint32_t)n;
		return true;
	case 'T':
		if (!number(optarg, FLEET_THREADS_MAX, &n) || n == 0)
			return false;
		o->fleet.threads = (unsigned)n;
		return true;
	case 'S':
		return rota_when_parse(optarg, &o->start_s);
	case 'P':
		o->fleet.product = optarg;
		return true;
	case 'H':
		o->fleet.hardware = optarg;
		return true;
	case 'C':
		o->fleet.channel = optarg;
		return true;
	case 'j':
		o->json = true;
		return true;
	default:
		return false;
	}
}

static const struct option options[] = {
	{ "census", required_argument, NULL, 'c' },
	{ "repository", required_argument, NULL, 'r' },
	{ "server", required_argument, NULL, 's' },
	{ "statements", required_argument, NULL, 't' },
	{ "messages", required_argument, NULL, 'm' },
	{ "repository-url", required_argument, NULL, 'R' },
	{ "device-url", required_argument, NULL, 'D' },
	{ "ca", required_argument, NULL, 'A' },
	{ "poll", required_argument, NULL, 'p' },
	{ "each", required_argument, NULL, 'e' },
	{ "threads", required_argument, NULL, 'T' },
	{ "start", required_argument, NULL, 'S' },
	{ "product", required_argument, NULL, 'P' },
	{ "hardware", required_argument, NULL, 'H' },
	{ "channel", required_argument, NULL, 'C' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static bool whole_front(const struct front_settings *f)
{
	bool some = f->repository_url || f->device_url || f->ca;

	return !some || (f->repository_url && f->device_url && f->ca);
}

/* An exit status, or -1: go on. */
static int read_options(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options){ .fleet = { .product = "sensor",
				       .hardware = "board-a",
				       .channel = "stable",
				       .threads = 8,
				       .poll_s = 3600,
				       .each = 1 },
		.start_s = rota_when_now() };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			fputs(option == 'h' ? usage : "rota-fleet " ROTA_VERSION "\n", stdout);
			return 0;
		}
		if (option == '?')
			return 2;
		if (!take(o, option)) {
			fprintf(stderr, "rota-fleet: %s is not a value of this option\n", optarg);
			return 2;
		}
	}
	if (optind < argc || !o->census || !o->fleet.repository || !o->fleet.server ||
		!o->statements || !o->messages) {
		fputs("rota-fleet: --census, --repository, --server, --statements and --messages "
		      "are needed; "
		      "see --help\n",
			stderr);
		return 2;
	}
	if (!whole_front(&o->fleet.front)) {
		fputs("rota-fleet: --repository-url, --device-url and --ca go together\n", stderr);
		return 2;
	}
	return -1;
}

/* ---- what is told ---- */

/* One line of what came of it. */
static void report(const struct options *o, struct fleet *f)
{
	struct fleet_figures *n = &f->figures;
	char now[ROTA_WHEN_LEN];
	size_t users;
	uint32_t newest = fleet_newest(f, &users);
	size_t bytes = mallinfo2().uordblks / f->count;

	rota_when_text(f->now_s, now);
	if (o->json)
		printf("{\"bundles\":%llu,\"busy\":%llu,\"bytes_per_device\":%zu,\"cuts\":%llu,"
		       "\"devices\":%zu,\"fronted\":%llu,"
		       "\"generation\":%u,\"lost_proofs\":%llu,\"messages\":%llu,\"mute\":%llu,"
		       "\"now\":\"%s\","
		       "\"polls\":%llu,\"statements\":%llu,\"stopped\":%llu,\"troubles\":%llu,"
		       "\"updated\":%zu,\"users\":%zu}\n",
			(unsigned long long)n->bundles, (unsigned long long)n->busy, bytes,
			(unsigned long long)n->cuts, f->count, (unsigned long long)n->fronted,
			newest, (unsigned long long)n->lost, (unsigned long long)n->messages,
			(unsigned long long)n->mute, now, (unsigned long long)n->polls,
			(unsigned long long)n->statements, (unsigned long long)n->stopped,
			(unsigned long long)n->troubles, fleet_updated(f), users);
	else
		printf("%s: %zu of %zu devices use generation %u; %llu polls, %llu messages, %llu "
		       "cuts\n",
			now, users, f->count, newest, (unsigned long long)n->polls,
			(unsigned long long)n->messages, (unsigned long long)n->cuts);
	if (f->trouble[0])
		fprintf(stderr, "rota-fleet: %s\n", f->trouble);
	f->trouble[0] = 0;
	fflush(stdout);
}

static enum rota_err run_for(struct fleet *f, uint64_t seconds, struct rota_fail *why)
{
	struct rota_bar bar;
	enum rota_err err;

	rota_bar_begin(&bar, stderr, "polls");
	err = fleet_run(f, seconds, &bar.port, why);
	rota_bar_end(&bar);
	return err;
}

static enum rota_err do_line(struct fleet *f, const char *line, struct rota_fail *why)
{
	char verb[16] = "", first[32] = "", second[32] = "", more[2] = "";
	unsigned long n = 0;
	uint64_t seconds = 0;
	int words = sscanf(line, "%15s %31s %31s %1s", verb, first, second, more);

	if (words == 2 && strcmp(verb, "run") == 0 && rota_duration_parse(first, &seconds))
		return run_for(f, seconds, why);
	if (words == 3 && strcmp(verb, "sleep") == 0 && number(first, f->count, &n) &&
		rota_duration_parse(second, &seconds)) {
		for (size_t i = 0; i < n; i++)
			f->member[i].sleeps_until_s = f->now_s + seconds;
		return ROTA_OK;
	}
	if (words == 2 && strcmp(verb, "cut") == 0 && number(first, 1000000, &n)) {
		f->cut_ppm = (uint32_t)n;
		return ROTA_OK;
	}
	if (words == 2 && strcmp(verb, "lose") == 0 && number(first, FLEET_DEVICES_MAX, &n)) {
		f->lose = (int)n;
		return ROTA_OK;
	}
	return rota_fail(why, ROTA_ERR_ARGUMENT, "not to be understood: %s", line);
}

static enum rota_err listen_to(const struct options *o, struct fleet *f, struct rota_fail *why)
{
	char line[LINE_MAX_LEN];

	report(o, f);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		ROTA_TRY(do_line(f, line, why));
		report(o, f);
	}
	return ROTA_OK;
}

/* ---- begin and end ---- */

static enum rota_err open_out(const char *path, FILE **out, struct rota_fail *why)
{
	*out = fopen(path, "wbe");
	if (*out == NULL)
		return rota_fail_errno(why, errno, "%s", path);
	return ROTA_OK;
}

static enum rota_err begin(const struct options *o, struct fleet *f, struct rota_fail *why)
{
	struct rota_bar bar;
	enum rota_err err;

	ROTA_TRY(fleet_open(f, &o->fleet, o->census, why));
	f->now_s = o->start_s;
	ROTA_TRY(open_out(o->messages, &f->messages.out, why));
	ROTA_TRY(open_out(o->statements, &f->said.out, why));
	rota_bar_begin(&bar, stderr, "factory");
	err = fleet_make(f, &bar.port, why);
	rota_bar_end(&bar);
	return err;
}

int main(int argc, char **argv)
{
	static struct fleet fleet;
	struct options o;
	struct rota_fail why;
	enum rota_err err;
	int status = read_options(argc, argv, &o);

	if (status >= 0)
		return status;
	umask(077);
	err = begin(&o, &fleet, &why);
	if (err == ROTA_OK)
		err = listen_to(&o, &fleet, &why);
	if (fleet.messages.out != NULL)
		fclose(fleet.messages.out);
	if (fleet.said.out != NULL)
		fclose(fleet.said.out);
	fleet_close(&fleet);
	if (err == ROTA_OK)
		return 0;
	fprintf(stderr, "rota-fleet: %s\n", why.text);
	return 1;
}
