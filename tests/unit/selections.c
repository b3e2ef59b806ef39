/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/selections.h"

const struct rota_selection selections[SELECTIONS] = {
	{ 0, ROTA_SELECTED_NONE },
	{ 0, ROTA_SELECTED_ASKED },
	{ 0, ROTA_SELECTED_STARTED },
	{ 1, ROTA_SELECTED_NONE },
	{ 1, ROTA_SELECTED_ASKED },
	{ 1, ROTA_SELECTED_STARTED },
};

bool selection_same(const struct rota_selection *a, const struct rota_selection *b)
{
	return a->confirmed == b->confirmed && a->trial == b->trial;
}

enum rota_err selection_read(const struct rota_selector *s, struct rota_selection *out)
{
	return s->read(s->ctx, out);
}

enum rota_err selection_set(const struct rota_selector *s, const struct rota_selection *to)
{
	return s->set(s->ctx, to);
}

struct change {
	const struct rota_selector *selector;
	const struct rota_selection *to;
};

static int set(void *change)
{
	const struct change *c = change;

	return (int)selection_set(c->selector, c->to);
}

bool selection_set_cut(const struct rota_selector *s, const struct rota_selection *to, unsigned at,
	enum syscut_tear tear)
{
	struct change change = { s, to };

	return syscut_run(at, tear, set, &change);
}
