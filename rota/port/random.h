/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/random.h -- bytes that nobody can foretell.
 *
 * What they are drawn from has been tested by whoever provides the port; where there is no such source the
 * port says so each time, and what needs them (a nonce, SPEC 5.5) is not done. Never a weaker source instead.
 */
#ifndef ROTA_PORT_RANDOM_H
#define ROTA_PORT_RANDOM_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_random {
	void *ctx;
	/* Fill all of `room`. ROTA_ERR_IO: not now. ROTA_ERR_UNSUPPORTED: there is no source. In both cases
	 * nothing of `room` may be used. */
	enum rota_err (*fill)(void *ctx, struct rota_buf room);
};

#endif
