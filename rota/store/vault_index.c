/* SPDX-License-Identifier: Apache-2.0 */
/* A table by hash with open places: an id stands at its home or behind it, with no gap between. */
#include "rota/base/mem.h"
#include "rota/store/vault_parts.h"

static uint32_t home(const struct rota_vault *v, uint32_t id)
{
	uint32_t h = id * 0x9E3779B1u;

	return (h ^ h >> 15) & (v->c.index_len - 1);
}

/* The place of `id`, or the open one where it would go: there always is one (rota_vault_most). */
static struct rota_vault_place *slot(const struct rota_vault *v, uint32_t id)
{
	uint32_t i = home(v, id);

	while (v->c.index[i].at != 0 && v->c.index[i].id != id)
		i = (i + 1) & (v->c.index_len - 1);
	return &v->c.index[i];
}

struct rota_vault_place *rota_vault_find(const struct rota_vault *v, uint32_t id)
{
	struct rota_vault_place *p = slot(v, id);

	return p->at != 0 ? p : NULL;
}

uint32_t rota_vault_most(const struct rota_vault *v)
{
	return v->c.index_len - v->c.index_len / 5 - 1; /* no power of two is a multiple of five */
}

enum rota_err rota_vault_set(struct rota_vault *v, uint32_t id, uint32_t at)
{
	struct rota_vault_place *p = slot(v, id);

	if (p->at == 0 && v->records >= rota_vault_most(v))
		return ROTA_ERR_LIMIT;
	v->records += p->at == 0;
	*p = (struct rota_vault_place){ id, at };
	return ROTA_OK;
}

/* Whoever stands behind the gap and may come nearer to its home does. */
void rota_vault_drop(struct rota_vault *v, uint32_t id)
{
	uint32_t mask = v->c.index_len - 1, gap, i;
	struct rota_vault_place *all = v->c.index, *p = slot(v, id);

	if (p->at == 0)
		return;
	gap = (uint32_t)(p - all);
	for (i = (gap + 1) & mask; all[i].at != 0; i = (i + 1) & mask) {
		uint32_t far = (i - home(v, all[i].id)) & mask;

		if (far < ((i - gap) & mask))
			continue;
		all[gap] = all[i];
		gap = i;
	}
	all[gap].at = 0;
	v->records--;
}

struct rota_vault_place *rota_vault_in(
	const struct rota_vault *v, uint32_t sector, uint32_t *cursor)
{
	uint32_t len = rota_vault_sector_len(v), from = sector * len, mask = v->c.index_len - 1;
	struct rota_vault_place *all = v->c.index, *p = NULL;
	uint32_t i = *cursor & mask;

	for (uint32_t n = 0; n <= mask && p == NULL; n++) {
		if (all[i].at - from < len && all[i].at != 0)
			p = &all[i];
		else
			i = (i + 1) & mask;
	}
	*cursor = i;
	return p;
}

/* ---- counts ---- */

struct rota_vault_count *rota_vault_counted(struct rota_vault *v, uint32_t generation)
{
	for (uint32_t i = 0; i < v->generations; i++) {
		if (v->count[i].generation == generation)
			return &v->count[i];
	}
	return NULL;
}

enum rota_err rota_vault_count(struct rota_vault *v, uint32_t generation, uint16_t sealed_len)
{
	struct rota_vault_count *c = rota_vault_counted(v, generation);

	if (c == NULL && v->generations == ROTA_VAULT_GENERATIONS)
		return ROTA_ERR_LIMIT;
	if (c == NULL) {
		c = &v->count[v->generations++];
		*c = (struct rota_vault_count){ .generation = generation };
	}
	c->records++;
	v->live += rota_vault_entry_len(v->c.flash, sealed_len);
	return ROTA_OK;
}

void rota_vault_discount(struct rota_vault *v, uint32_t generation, uint16_t sealed_len)
{
	struct rota_vault_count *c = rota_vault_counted(v, generation);

	if (c == NULL)
		return;
	v->live -= rota_vault_entry_len(v->c.flash, sealed_len);
	if (--c->records == 0)
		*c = v->count[--v->generations];
}

enum rota_err rota_vault_tally(struct rota_vault *v)
{
	v->generations = 0;
	v->live = 0;
	for (uint32_t i = 0; i < v->c.index_len; i++) {
		uint32_t at = v->c.index[i].at, generation;
		uint16_t len;
		enum rota_err err;

		if (at == 0)
			continue;
		err = rota_vault_weigh(v, at, &len, &generation);
		if (err == ROTA_ERR_CORRUPT) /* it is counted when it is read again, or lost */
			continue;
		ROTA_TRY(err);
		ROTA_TRY(rota_vault_count(v, generation, len));
	}
	for (uint32_t i = 0; i < v->generations; i++)
		ROTA_TRY(rota_vault_probe(v, v->count[i].generation, &v->count[i].gone));
	return ROTA_OK;
}
