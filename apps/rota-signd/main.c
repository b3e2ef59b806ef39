/* SPDX-License-Identifier: Apache-2.0 */
/* rota-signd: the signing daemon. Arguments and wiring. */
#include "apps/rota-signd/keeper.h"
#include "apps/rota-signd/logkey.h"
#include "apps/rota-signd/remote.h"
#include "apps/rota-signd/supervise.h"
#include "host/base/apart.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: rota-signd [--config FILE]           run in the foreground until SIGTERM\n"
	"       rota-signd --check [--config FILE]   say whether the configuration is usable\n"
	"       rota-signd --nginx [--config FILE]   print the configuration of nginx for clients "
	"from "
	"afar\n"
	"       rota-signd --log-key [--config FILE] print the log's key as a line of "
	"trust/log-policy\n"
	"       rota-signd --keeper FILE [--make]    keep the slots of a series until their hour\n"
	"       rota-signd --help | --version\n"
	"\n"
	"Signs what clients may ask for, after it has entered it into its log, with keys of tokens "
	"that\n"
	"only its own processes reach. The default FILE is /etc/rota/signd.ini.\n"
	"\n"
	"Examples:\n"
	"  rota-signd --check --config /etc/rota/signd.ini\n"
	"  rota-signd --config /etc/rota/signd.ini\n"
	"  rota-signd --log-key >>authority/trust/log-policy\n"
	"  rota-signd --nginx >/etc/rota/signd-nginx.conf\n"
	"  rota-signd --keeper /etc/rota/keeper.ini --make    once: its AES key\n"
	"  rota-signd --keeper /etc/rota/keeper.ini\n"
	"\n"
	"Exit status: 0 ended as asked; 1 failed; 2 wrong usage; 3 a token refuses its PIN, or "
	"holds other\n"
	"keys than before: not to be started again before that is mended.\n";

static int failed(const struct rota_fail *why)
{
	fprintf(stderr, "rota-signd: %s\n", why->text);
	return 1;
}

enum task { TASK_RUN, TASK_CHECK, TASK_NGINX, TASK_LOG_KEY, TASK_KEEPER };

static int run(const char *config, enum task task)
{
	struct rota_fail why = { 0 };
	struct plan *plan;
	int status = 0;

	if (task == TASK_RUN)
		return supervise(config);
	if (plan_load(config, &plan, &why) != ROTA_OK)
		return failed(&why);
	if (remote_check(plan, &why) != ROTA_OK)
		status = failed(&why);
	else if (task == TASK_NGINX)
		status = remote_write_nginx(plan->policy, config);
	else if (task == TASK_LOG_KEY)
		status = logkey_print(plan, &why) == ROTA_OK ? 0 : failed(&why);
	else
		printf("%s is usable: keys of %zu token%s, and the log's\n", config,
			plan->holder_count, plan->holder_count == 1 ? "" : "s");
	plan_free(plan);
	return status;
}

static int keep(const char *config, bool make)
{
	struct keeper_config *keeper = calloc(1, sizeof(*keeper));
	struct rota_fail why;
	int status;

	if (!keeper)
		abort();
	if (keeper_config_load(config, keeper, &why) != ROTA_OK) {
		status = failed(&why);
	} else {
		status = make ? keeper_make(keeper) : keeper_run(keeper);
		rota_ini_free(&keeper->ini);
	}
	free(keeper);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "nginx", no_argument, NULL, 'n' },
		{ "log-key", no_argument, NULL, 'l' },
		{ "keeper", required_argument, NULL, 'e' },
		{ "make", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = "/etc/rota/signd.ini";
	enum task task = TASK_RUN;
	bool make = false;
	int c;

	rota_keep_private();
	umask(027);
	opterr = 0; /* one line of ours, not two */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			task = TASK_CHECK;
			break;
		case 'n':
			task = TASK_NGINX;
			break;
		case 'l':
			task = TASK_LOG_KEY;
			break;
		case 'e':
			config = optarg;
			task = TASK_KEEPER;
			break;
		case 'm':
			make = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'v':
			printf("rota-signd %s\n", ROTA_VERSION);
			return 0;
		default:
			fprintf(stderr,
				"rota-signd: '%s' is unknown or lacks its value; see: rota-signd "
				"--help\n",
				argv[optind - 1]);
			return 2;
		}
	}
	if (make && task != TASK_KEEPER) {
		fprintf(stderr, "rota-signd: --make goes with --keeper; see: rota-signd --help\n");
		return 2;
	}
	if (optind == argc)
		return task == TASK_KEEPER ? keep(config, make) : run(config, task);
	fprintf(stderr, "rota-signd: '%s' is not understood; see: rota-signd --help\n",
		argv[optind]);
	return 2;
}
