/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/crew.h -- threads that share out numbered pieces of one job, and stop when one of them fails.
 */
#ifndef HOST_CAMPAIGN_CREW_H
#define HOST_CAMPAIGN_CREW_H

#include "host/base/fail.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* No machine that signs has more cores of use. */
#define ROTA_CREW_MAX 64

struct rota_crew {
	uint32_t units;
	_Atomic uint32_t next;
	_Atomic bool stop;
	pthread_mutex_t one; /* over `why` */
	struct rota_fail why; /* of who failed first */
	void *ctx;
	enum rota_err (*work)(void *ctx, struct rota_crew *crew, struct rota_fail *why);
};

/* Run `work` in 1 to ROTA_CREW_MAX threads; each takes units until there are none. The error is that of the first that
 * failed. ROTA_ERR_ARGUMENT: too many threads, or none. */
ROTA_MUST_USE enum rota_err rota_crew_run(unsigned threads, uint32_t units,
	enum rota_err (*work)(void *ctx, struct rota_crew *crew, struct rota_fail *why), void *ctx,
	struct rota_fail *why);

/* The next unit, from 0, that is this thread's; false: no more. */
bool rota_crew_take(struct rota_crew *crew, uint32_t *unit);

#endif
