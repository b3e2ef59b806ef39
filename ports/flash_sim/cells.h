/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/cells.h -- the contents of a simulated chip, in pages that copies share.
 *
 * A page that is blank takes no memory. A copy takes a pointer a page; a page is copied when one of its
 * holders changes it. The count of holders is not atomic: a chip and its copies belong to one thread.
 */
#ifndef PORTS_FLASH_SIM_CELLS_H
#define PORTS_FLASH_SIM_CELLS_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Bytes shared or copied at a time: every program unit divides it, and it divides every sector. */
#define ROTA_SIM_PAGE_LEN 256

/* What is known of a program unit beside its bytes. */
enum rota_sim_mark {
	ROTA_SIM_PROGRAMMED = 1, /* since the last erase, with whatever bytes */
	ROTA_SIM_WEAK = 2, /* a program of it was begun and cannot be read */
	ROTA_SIM_TORN = 4, /* its check bits are wrong: a chip with ECC cannot read it */
	ROTA_SIM_FLIPPED = 8, /* one bit is wrong: a chip with ECC mends it */
};

struct rota_sim_page {
	uint32_t holders;
	bool odd; /* a mark other than ROTA_SIM_PROGRAMMED stands in it */
	uint8_t bytes[ROTA_SIM_PAGE_LEN];
	uint8_t marks[ROTA_SIM_PAGE_LEN]; /* by unit */
};

struct rota_sim_cells {
	struct rota_sim_page **pages; /* `count`; NULL is blank */
	uint32_t count;
	uint8_t erased;
};

/* Blank. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err rota_sim_cells_init(
	struct rota_sim_cells *c, uint32_t count, uint8_t erased);
void rota_sim_cells_free(struct rota_sim_cells *c);

/* Let `to`, of the same size, hold what `from` holds. */
void rota_sim_cells_copy(struct rota_sim_cells *to, const struct rota_sim_cells *from);

/* Page `i` to change, no other's; NULL: no memory. */
struct rota_sim_page *rota_sim_cells_own(struct rota_sim_cells *c, uint32_t i);

/* Page `i` is blank again. */
void rota_sim_cells_wipe(struct rota_sim_cells *c, uint32_t i);

#endif
