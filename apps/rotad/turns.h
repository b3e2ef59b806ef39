/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/turns.h -- a device asks for one thing at a time, and not too often (SPEC 29.6, 35.4).
 *
 * What is judged by what came before it must not be judged beside it. A table of fixed size: a device is in one of its sets, and a
 * set holds the devices that spoke last. Who is pushed out has waited longest, and begins with all its turns again. Any thread.
 */
#ifndef APPS_ROTAD_TURNS_H
#define APPS_ROTAD_TURNS_H

#include "host/ingest/record.h"

#include <pthread.h>
#include <stdbool.h>

#define TURNS_SETS 1024
#define TURNS_WAYS 4

struct turn {
	uint8_t device[ROTA_DEVICE_ID_LEN];
	bool busy;
	uint32_t left;
	uint64_t at_ms; /* when `left` was counted; 0: nobody's */
};

struct turns {
	uint32_t at_once; /* and one more ... */
	uint32_t each_ms;
	pthread_mutex_t lock;
	struct turn set[TURNS_SETS][TURNS_WAYS];
};

void turns_init(struct turns *t, uint32_t at_once, uint32_t each_ms);

/* false: it has one already, has had too many, or too many others of its set have one. */
bool turns_take(struct turns *t, const uint8_t device[static ROTA_DEVICE_ID_LEN], uint64_t now_ms);

/* It is over. */
void turns_give(struct turns *t, const uint8_t device[static ROTA_DEVICE_ID_LEN]);

#endif
