/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/duty.h -- the roles of SPEC 3.2 as one table: what each may sign and for how long. */
#ifndef HOST_SIGN_DUTY_H
#define HOST_SIGN_DUTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROTA_DUTY_COUNT 12 /* four top-level ones, then the delegated ones */
#define ROTA_DUTY_TOP_COUNT 4

struct rota_duty {
	const char *name;
	const char *paths; /* pattern that a delegated role may sign; NULL for a top-level one */
	uint64_t lifetime_s; /* the most that expires may lie after x-rota-issued (SPEC 4.5) */
};

extern const struct rota_duty rota_duties[ROTA_DUTY_COUNT];

/* NULL when there is none of that name. */
const struct rota_duty *rota_duty_find(const char *name);

/* rota/codec's name and version of SPEC 1.2 and 1.3, for C strings. */
bool rota_name_ok(const char *name);
bool rota_version_of(const char *text, uint64_t *number);

#define ROTA_VERSION_CSTR_MAX 25
void rota_version_cstr(uint64_t number, char out[static ROTA_VERSION_CSTR_MAX]);

#endif
