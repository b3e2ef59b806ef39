/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/cells.h"

#include <stdlib.h>
#include <string.h>

enum rota_err rota_sim_cells_init(struct rota_sim_cells *c, uint32_t count, uint8_t erased)
{
	*c = (struct rota_sim_cells){ .count = count, .erased = erased };
	c->pages = calloc(count, sizeof(struct rota_sim_page *));
	return c->pages == NULL ? ROTA_ERR_FULL : ROTA_OK;
}

void rota_sim_cells_wipe(struct rota_sim_cells *c, uint32_t i)
{
	struct rota_sim_page *page = c->pages[i];

	c->pages[i] = NULL;
	if (page != NULL && --page->holders == 0)
		free(page);
}

void rota_sim_cells_free(struct rota_sim_cells *c)
{
	if (c->pages == NULL)
		return;
	for (uint32_t i = 0; i < c->count; i++)
		rota_sim_cells_wipe(c, i);
	free(c->pages);
	*c = (struct rota_sim_cells){ 0 };
}

void rota_sim_cells_copy(struct rota_sim_cells *to, const struct rota_sim_cells *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		if (to->pages[i] == from->pages[i])
			continue;
		rota_sim_cells_wipe(to, i);
		to->pages[i] = from->pages[i];
		if (to->pages[i] != NULL)
			to->pages[i]->holders++;
	}
}

struct rota_sim_page *rota_sim_cells_own(struct rota_sim_cells *c, uint32_t i)
{
	struct rota_sim_page *old = c->pages[i], *page;

	if (old != NULL && old->holders == 1)
		return old;
	page = malloc(sizeof(*page));
	if (page == NULL)
		return NULL;
	if (old != NULL) {
		*page = *old;
	} else {
		memset(page->bytes, c->erased, sizeof(page->bytes));
		memset(page->marks, 0, sizeof(page->marks));
		page->odd = false;
	}
	page->holders = 1;
	rota_sim_cells_wipe(c, i);
	c->pages[i] = page;
	return page;
}
