/* SPDX-License-Identifier: Apache-2.0 */
/* vaultlife -- cut the power of a vault at every operation of its life (vaultcut.h). */
#include "tests/powercut/vaultcut.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
	"usage: vaultlife [options]\n"
	"Cut the power at every operation of a vault's life, on every board.\n"
	"  --seed N          of torn bits (7)\n"
	"  --stride N        every N-th operation (1)\n"
	"  --doubles N       after one cut in N a second one (0: none)\n"
	"  --share K/N       the K-th of N processes that divide the cuts (0/1)\n"
	"Example: vaultlife --stride 8\n";

static int wrong_usage(const char *what)
{
	fprintf(stderr, "vaultlife: %s\n%s", what, usage);
	return 2;
}

static bool number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static int run(const struct vaultcut_plan *plan)
{
	bool good = true;

	for (int i = 0; i < VAULT_BOARDS; i++) {
		struct vaultcut_counts n;

		good = vaultcut_board(plan, &vault_boards[i], &n) && good;
		printf("%-12s %-4s %8" PRIu64 " operations %9" PRIu64 " cuts %7" PRIu64
		       " of them twice %5" PRIu64 " failed\n",
			"vault", vault_boards[i].name, n.ops, n.cuts, n.twice, n.failed);
		fflush(stdout);
	}
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "seed", required_argument, NULL, 'e' },
		{ "stride", required_argument, NULL, 't' },
		{ "doubles", required_argument, NULL, 'd' },
		{ "share", required_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	struct vaultcut_plan plan = { .seed = 7, .stride = 1, .shares = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			if (!number(optarg, &plan.seed))
				return wrong_usage("the seed is no number");
			break;
		case 't':
			if (!number(optarg, &plan.stride) || plan.stride == 0)
				return wrong_usage("the stride is a number from 1");
			break;
		case 'd':
			if (!number(optarg, &plan.doubles))
				return wrong_usage("doubles: one in how many?");
			break;
		case 'p':
			if (sscanf(optarg, "%" SCNu64 "/%" SCNu64, &plan.share, &plan.shares) !=
					2 ||
				plan.share >= plan.shares)
				return wrong_usage("a share is K/N, K below N");
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return wrong_usage("unknown option");
		}
	}
	if (optind < argc)
		return wrong_usage("no arguments are taken");
	return run(&plan);
}
