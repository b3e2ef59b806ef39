/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/period.h -- for how long a key may be used, by what it is used for (SPEC 25.3). */
#ifndef HOST_KEYS_PERIOD_H
#define HOST_KEYS_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

/* One use: a role, a set of keys of rota.ini, or "approval", "log", "witness", "builder". *period_s 0: as long as the
 * devices live. False: there is no such use. */
bool rota_key_period(const char *use, uint64_t *period_s);

/* The least period of the uses in a list between blanks; unknown ones have none. 0: no end. */
uint64_t rota_key_period_of(const char *uses);

/* Whether `use` stands in such a list. */
bool rota_key_has_use(const char *uses, const char *use);

#endif
