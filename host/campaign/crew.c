/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/crew.h"

#include <string.h>

bool rota_crew_take(struct rota_crew *crew, uint32_t *unit)
{
	if (atomic_load(&crew->stop))
		return false;
	*unit = atomic_fetch_add(&crew->next, 1);
	return *unit < crew->units;
}

static void *run(void *arg)
{
	struct rota_crew *crew = arg;
	struct rota_fail why = { 0 };

	if (crew->work(crew->ctx, crew, &why) == ROTA_OK)
		return NULL;
	pthread_mutex_lock(&crew->one);
	if (!atomic_exchange(&crew->stop, true))
		crew->why = why;
	pthread_mutex_unlock(&crew->one);
	return NULL;
}

enum rota_err rota_crew_run(unsigned threads, uint32_t units,
	enum rota_err (*work)(void *ctx, struct rota_crew *crew, struct rota_fail *why), void *ctx,
	struct rota_fail *why)
{
	struct rota_crew crew = { .units = units, .ctx = ctx, .work = work };
	pthread_t thread[ROTA_CREW_MAX];
	unsigned started = 1; /* who calls is one of them */
	int code = 0;

	if (threads == 0 || threads > ROTA_CREW_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%u threads", threads);
	pthread_mutex_init(&crew.one, NULL);
	while (started < threads && code == 0) {
		code = pthread_create(&thread[started], NULL, run, &crew);
		started += code == 0;
	}
	run(&crew);
	for (unsigned i = 1; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&crew.one);
	if (!atomic_load(&crew.stop))
		return ROTA_OK;
	*why = crew.why;
	return why->err;
}
