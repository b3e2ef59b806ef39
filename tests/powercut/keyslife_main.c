/* SPDX-License-Identifier: Apache-2.0 */
/* keyslife -- cut the power of a device's data keys at every operation of their life (keycut.h). */
#include "tests/powercut/keycut.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: keyslife [options]\n"
	"Cut the power at every operation of the life of a device's data keys, on every board.\n"
	"  --board NAME      this board alone\n"
	"  --seed N          of torn bits (7)\n"
	"  --stride N        of programmed units cut every N-th; erases, keys and counters all "
	"(1)\n"
	"  --doubles N       after one cut in N a second one (0: none)\n"
	"  --share K/N       the K-th of N processes that divide the cuts (0/1)\n"
	"  --replay NAME     the one cut that a failure named\n"
	"  --restores        put each older state of the flash back instead, and count what was "
	"taken for the truth\n"
	"Examples: keyslife --board f4 --stride 8\n"
	"          keyslife --replay keys/f4/17/203/2/7\n";

/* ---- the program ---- */

static int wrong_usage(const char *what)
{
	fprintf(stderr, "keyslife: %s\n%s", what, usage);
	return 2;
}

static bool number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool replay(struct keycut_plan *plan, const char *name, char board[static 8])
{
	return sscanf(name, "keys/%7[a-z0-9]/%d/%" SCNu64 "/%d/%" SCNu64, board, &plan->only_step,
		       &plan->only_at, &plan->only_tear, &plan->seed) == 5 &&
		plan->only_step >= 0 && plan->only_tear >= 0 && plan->only_tear < KEYCUT_TEARS;
}

static bool cut_board(const struct keycut_plan *plan, const struct key_board *board, uint64_t *cuts)
{
	struct keycut_counts n;
	bool good = keycut_board(plan, board, &n);

	printf("%-12s %-4s %8" PRIu64 " operations %9" PRIu64 " cuts %7" PRIu64
	       " of them twice %5" PRIu64 " failed\n",
		"keys", board->name, n.ops, n.cuts, n.twice, n.failed);
	fflush(stdout);
	*cuts += n.cuts;
	return good;
}

static bool put_back(const struct key_board *board, bool counts)
{
	struct keycut_old n;
	bool good = keycut_put_back(board, counts, &n);

	printf("%-4s %-10s %6u put back, %6u told by the counter, %6u by the root of trust, %6u "
	       "taken\n",
		board->name, counts ? "counter" : "no counter", n.put_back, n.restored, n.told,
		n.taken);
	fflush(stdout);
	return good;
}

static int run(const struct keycut_plan *plan, const char *board, bool old)
{
	uint64_t cuts = 0;
	bool good = true, any = false;

	for (int i = 0; i < KEY_BOARDS; i++) {
		if (board != NULL && strcmp(board, key_boards[i].name) != 0)
			continue;
		any = true;
		if (!old)
			good = cut_board(plan, &key_boards[i], &cuts) && good;
		else
			good = put_back(&key_boards[i], true) && put_back(&key_boards[i], false) &&
				good;
	}
	if (!any)
		return wrong_usage("no such board");
	if (!old)
		printf("seed %" PRIu64 ": %" PRIu64 " cuts\n", plan->seed, cuts);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "board", required_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 'e' },
		{ "stride", required_argument, NULL, 't' },
		{ "doubles", required_argument, NULL, 'd' },
		{ "share", required_argument, NULL, 'p' },
		{ "replay", required_argument, NULL, 'r' }, { "restores", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct keycut_plan plan = { .seed = 7, .stride = 1, .shares = 1, .only_step = -1 };
	static char name[8];
	const char *board = NULL;
	bool old = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			board = optarg;
			break;
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
		case 'r':
			if (!replay(&plan, optarg, name))
				return wrong_usage("that names no cut");
			board = name;
			break;
		case 'o':
			old = true;
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
	return run(&plan, board, old);
}
