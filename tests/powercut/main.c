/* SPDX-License-Identifier: Apache-2.0 */
/* powercut -- cut the power of simulated devices at every operation, and see that none is lost. */
#include "tests/powercut/cut.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: powercut [options]\n"
	"Cut the power at every operation of every scenario on every board.\n"
	"  --scenario NAME   this scenario alone\n"
	"  --board NAME      this board alone\n"
	"  --seed N          of keys, signatures and torn bits (7)\n"
	"  --stride N        cut every N-th operation on the bytes of an image (1: all)\n"
	"  --thin N          of the scenarios that are thinned out every N-th cut (1: all)\n"
	"  --doubles N       after one cut in N a second one (0: none)\n"
	"  --share K/N       the K-th of N processes that divide the cuts (0/1)\n"
	"  --replay NAME     the one cut that a failure named, traced\n"
	"  --list            scenarios and boards\n"
	"Examples: powercut --scenario update --board f4\n"
	"          powercut --replay update/f4/1432/torn/7\n";

static int list(void)
{
	for (int i = 0; i < SCENARIOS; i++)
		printf("%-12s %s\n", scenarios[i].name, scenarios[i].what);
	for (int i = 0; i < SIM_BOARDS; i++)
		printf("%-12s %s\n", sim_boards[i].name, sim_boards[i].like);
	return 0;
}

static int wrong_usage(const char *what)
{
	fprintf(stderr, "powercut: %s\n%s", what, usage);
	return 2;
}

static bool number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *out <= most;
}

/* One line a scenario and board, and the sum. */
static int run(
	const struct scenario *scenario, const struct sim_board *board, const struct cut_plan *plan)
{
	uint64_t cuts = 0, failed = 0;
	bool good = true;

	for (int i = 0; i < SCENARIOS; i++) {
		for (int k = 0; k < SIM_BOARDS; k++) {
			struct cut_counts n;

			if ((scenario != NULL && scenario != &scenarios[i]) ||
				(board != NULL && board != &sim_boards[k]))
				continue;
			good = cut_all(&scenarios[i], &sim_boards[k], plan, &n) && good;
			printf("%-12s %-4s %8" PRIu64 " operations %9" PRIu64 " cuts %7" PRIu64
			       " of them twice %5" PRIu64 " failed\n",
				scenarios[i].name, sim_boards[k].name, n.ops, n.cuts, n.doubles,
				n.failed);
			fflush(stdout);
			cuts += n.cuts;
			failed += n.failed;
		}
	}
	printf("seed %" PRIu64 ": %" PRIu64 " cuts, %" PRIu64 " failed\n", plan->seed, cuts,
		failed);
	return good && failed == 0 && cuts > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "scenario", required_argument, NULL, 's' },
		{ "board", required_argument, NULL, 'b' }, { "seed", required_argument, NULL, 'e' },
		{ "stride", required_argument, NULL, 't' },
		{ "doubles", required_argument, NULL, 'd' },
		{ "thin", required_argument, NULL, 'n' }, { "share", required_argument, NULL, 'p' },
		{ "replay", required_argument, NULL, 'r' }, { "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct cut_plan plan = { .seed = 7, .shares = 1, .stride = 1 };
	const struct scenario *scenario = NULL;
	const struct sim_board *board = NULL;
	uint64_t n = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			scenario = scenario_find(optarg);
			if (scenario == NULL)
				return wrong_usage("no such scenario");
			break;
		case 'b':
			board = sim_board_find(optarg);
			if (board == NULL)
				return wrong_usage("no such board");
			break;
		case 'e':
			if (!number(optarg, UINT32_MAX, &plan.seed))
				return wrong_usage("the seed is no number");
			break;
		case 't':
			if (!number(optarg, 100000, &n) || n == 0)
				return wrong_usage("the stride is a number from 1");
			plan.stride = (uint32_t)n;
			break;
		case 'n':
			if (!number(optarg, 100000, &n) || n == 0)
				return wrong_usage("thin is a number from 1");
			plan.thin = (uint32_t)n;
			break;
		case 'd':
			if (!number(optarg, 100000, &n))
				return wrong_usage("doubles: one in how many?");
			plan.doubles = (uint32_t)n;
			break;
		case 'p':
			if (sscanf(optarg, "%u/%u", &plan.share, &plan.shares) != 2 ||
				plan.share >= plan.shares)
				return wrong_usage("a share is K/N, K below N");
			break;
		case 'r':
			if (!cut_parse(optarg, &plan, &scenario, &board))
				return wrong_usage("that names no cut");
			break;
		case 'l':
			return list();
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return wrong_usage("unknown option");
		}
	}
	if (optind < argc)
		return wrong_usage("no arguments are taken");
	return run(scenario, board, &plan);
}
