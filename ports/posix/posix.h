/* SPDX-License-Identifier: Apache-2.0 */
/* ports/posix/posix.h -- randomness and elapsed time, as Linux gives them. */
#ifndef PORTS_POSIX_POSIX_H
#define PORTS_POSIX_POSIX_H

#include "rota/port/clock.h"
#include "rota/port/random.h"

/* getrandom(2). It waits for the kernel's pool to be filled, once after boot. */
extern const struct rota_random rota_random_posix;

/* CLOCK_BOOTTIME, which runs on while the machine sleeps. */
extern const struct rota_uptime rota_uptime_posix;

#endif
