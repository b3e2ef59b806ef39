/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/series.h -- what `rota series make` and `rota series end` have in common: signing roots ahead. */
#ifndef APPS_ROTA_SERIES_H
#define APPS_ROTA_SERIES_H

#include "apps/rota/session.h"

/* Sign these with the tokens of root and keep them behind *before: all of them are there, or none. */
ROTA_MUST_USE enum rota_err series_sign(struct session *s, json_t **before, const json_t *roots);

#endif
