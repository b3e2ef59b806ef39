/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/checkpoint.h -- the log writer's second thread: tiles, and a signed checkpoint of what is durable. */
#ifndef APPS_ROTA_SIGND_CHECKPOINT_H
#define APPS_ROTA_SIGND_CHECKPOINT_H

#include "apps/rota-signd/plan.h"
#include "host/log/tiler.h"
#include "rota/codec/note.h"

#include <pthread.h>

#define CHECKPOINT_COUNT "checkpoints"

struct checkpoint_maker {
	struct plan *plan;
	char dir[ROTA_FILE_PATH_MAX]; /* of the log */
	struct rota_tiler_config config;
	struct rota_tiler *tiler;
	struct rota_note_key key;
	uint64_t tag;
	uint64_t
		asked; /* how often the log's key was asked to sign, ever: CHECKPOINT_COUNT in the log's folder */
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t news;
	uint64_t durable;
	bool ends;
	bool waits; /* for news: nobody is woken who does not */
};

/* `m` is zeroed. */
ROTA_MUST_USE enum rota_err checkpoint_start(struct checkpoint_maker *m, struct plan *plan,
	const char *dir, uint64_t durable, struct rota_fail *why);

/* So many entries are durable. */
void checkpoint_durable(struct checkpoint_maker *m, uint64_t durable);

/* A last checkpoint, then the end of the thread. */
void checkpoint_stop(struct checkpoint_maker *m);

#endif
