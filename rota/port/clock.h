/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/clock.h -- what time it is, and whether that can be believed.
 *
 * A device without a clock, or whose clock is not known to be right, says so; the time floors of the
 * journal then stand in (SPEC 5.6).
 */
#ifndef ROTA_PORT_CLOCK_H
#define ROTA_PORT_CLOCK_H

#include "rota/base/err.h"
#include "rota/base/num.h"

#include <stdbool.h>
#include <stdint.h>

struct rota_time {
	rota_num unix_s; /* seconds since 1970, UTC; meaningless unless trusted */
	bool trusted;
};

struct rota_clock {
	void *ctx;
	struct rota_time (*now)(void *ctx);
};

/* How long something took. */
struct rota_uptime {
	void *ctx;
	/* Since some moment; never back, whatever the clock is set to, and not stopped while the device sleeps. */
	uint64_t (*seconds)(void *ctx);
};

#endif
