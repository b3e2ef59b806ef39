/* SPDX-License-Identifier: Apache-2.0 */
/* restores -- earlier flash put back, with counters in hardware and without (restores.h). */
#include "tests/powercut/restores.h"

#include <stdio.h>

#define LATER 40

int main(void)
{
	struct sim_board board = *sim_board_find("h7");
	uint32_t accepted, taken;

	printf("board %s, counters in hardware\n", board.name);
	accepted = restores_run(&board, LATER);
	board.counters = 0;
	printf("board %s, none\n", board.name);
	taken = restores_run(&board, LATER);
	printf("without counters in hardware %u are taken for the truth\n", taken);
	printf("restores_accepted %u\n", accepted);
	return accepted == 0 ? 0 : 1;
}
