/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/rolearg.h -- values of options that say something of a role: ROLE=VALUE. */
#ifndef APPS_ROTA_ROLEARG_H
#define APPS_ROTA_ROLEARG_H

#include "host/sign/duty.h"

/* The role and what stands behind its "="; NULL when there is no such role, or nothing behind it. */
const char *rolearg(const char *text, const struct rota_duty **role);

/* The place in rota_duties of the role whose file names the keys of this one: root or targets. */
size_t rolearg_holder(const struct rota_duty *role);

#endif
