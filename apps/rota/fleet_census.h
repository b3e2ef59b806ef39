/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/fleet_census.h -- the census of SPEC 25.8 out of rotad's database, which rota.ini names. */
#ifndef APPS_ROTA_FLEET_CENSUS_H
#define APPS_ROTA_FLEET_CENSUS_H

#include "apps/rota/session.h"
#include "host/keys/census.h"

/* Where rotad's database lies, its socket for operators, and its journal: by [fleet] of rota.ini, else below `state` of [serve] where `rota serve` has made them.
 * false: nobody says. */
bool fleet_database(struct session *s, char out[static ROTA_FILE_PATH_MAX]);
bool fleet_operators(struct session *s, char out[static ROTA_FILE_PATH_MAX]);
bool fleet_journal(struct session *s, char out[static ROTA_FILE_PATH_MAX]);

/* For rota_census_free(). NULL and ROTA_OK: [fleet] database is not set, or there is no repository here. */
ROTA_MUST_USE enum rota_err fleet_census_open(struct session *s, struct rota_census **out);

#endif
