/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/census.h -- how many devices still need a key whose successor came (SPEC 25.8).
 *
 * Counted is what devices told rotad: the version of the root that each holds, and the release that it confirmed. Roots and
 * images that this is held against are verified. Who said nothing, or of whose release nothing is here, needs the key.
 *
 * Keys that targets names are not counted: no device holds them for longer than till its next refresh.
 */
#ifndef HOST_KEYS_CENSUS_H
#define HOST_KEYS_CENSUS_H

#include "host/keys/keys.h"
#include "host/port/db.h"

struct rota_census;

struct rota_census_count {
	bool counted; /* the key is one of root's, or of images, that others take over from; else all is 0 */
	uint64_t need; /* devices that need it; those silent are among them */
	uint64_t silent; /* of whom what would say so is not known */
	uint64_t total;
};

/* Look at what devices told, what roots there are, and at the image of each release that some device runs. `dir` and `crypto` are
 * used in here only. Errors of the database, and as rota_trust_check() of root. */
ROTA_MUST_USE enum rota_err rota_census_open(const struct rota_authdir *dir,
	const struct rota_db *db, const struct rota_crypto *crypto, struct rota_census **out,
	struct rota_fail *why);
void rota_census_free(struct rota_census *c);

void rota_census_of(const struct rota_census *c, const struct rota_key_info *key,
	struct rota_census_count *out);

#endif
