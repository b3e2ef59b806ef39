/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/selections.h -- what the tests of each selector (ports/slots_part/selector.h) share: the six things that
 * one can say, and a change of it that is cut off. */
#ifndef TESTS_UNIT_SELECTIONS_H
#define TESTS_UNIT_SELECTIONS_H

#include "ports/slots_part/selector.h"
#include "tests/unit/syscut.h"

/* Those of place A, then those of B; none, asked, started. */
#define SELECTIONS 6u
extern const struct rota_selection selections[SELECTIONS];

bool selection_same(const struct rota_selection *a, const struct rota_selection *b);

enum rota_err selection_read(const struct rota_selector *s, struct rota_selection *out);
enum rota_err selection_set(const struct rota_selector *s, const struct rota_selection *to);

/* The same in a child process that is cut off as syscut_run() says; false: it ended before. */
bool selection_set_cut(const struct rota_selector *s, const struct rota_selection *to, unsigned at,
	enum syscut_tear tear);

#endif
