/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/journal_life.h -- a journal's whole life on simulated chips: first commit, appends, a turn into each
 * sector, and an image of what each commit finds, from which tests go on with a fault of theirs.
 *
 * One life at a time stands in the globals below.
 */
#ifndef TESTS_UNIT_JOURNAL_LIFE_H
#define TESTS_UNIT_JOURNAL_LIFE_H

#include "ports/flash_sim/flash_sim.h"
#include "rota/store/journal.h"

#define COMMITS 20
#define AFTER 8 /* commits that follow a fault: more than any of the regions holds in two sectors */
#define PAYLOAD_MAX 160

struct board {
	const char *name;
	struct rota_flash_sim_chip chip;
	uint32_t sector_len,
		sectors; /* of the region, which begins at 0; 0: all of the chip's own */
	uint8_t worn; /* so many of its first sectors take no erase any more */
};

#define BOARDS 6
extern const struct board boards[BOARDS];

extern struct rota_sim_supply supply;
extern struct rota_flash_sim sim;
extern struct rota_flash_sim_region region;
extern struct rota_flash_sim_image before[COMMITS + 1]; /* [n]: what commit n finds */
extern struct rota_journal found[COMMITS + 1]; /* and the journal that makes it */

/* A blank chip with its region, and sectors worn out as the board says. */
enum rota_err be_born(const struct board *b);

/* be_born, then the life; kept in `before` and `found`. forget() frees it, also one that broke off. */
enum rota_err live(const struct board *b);
void forget(void);

/* Sectors of the region that take an erase. */
uint32_t usable(const struct board *b);

enum rota_err commit(struct rota_journal *j, int n);

/* The number of the current commit; 0 none, -1 not as any was committed. */
int current(const struct rota_journal *j);

/* current() as after a power-up, twice: what is current must not depend on when one looks. */
int reopened(struct rota_journal *j);

/* Commits from..to; the last that returned ROTA_OK. */
int go_on(struct rota_journal *j, int from, int to);

/* Whether AFTER more commits go through after the current one, `now`, seen after a power-up too. */
bool goes_on(struct rota_journal *j, int now);

#endif
