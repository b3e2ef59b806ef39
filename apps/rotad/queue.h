/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/queue.h -- messages between threads.
 *
 * A bounded first-in first-out queue of pointers. Who pushes gives the message away, who pops owns it: so no
 * struct is shared. The descriptor becomes readable when something was pushed, for an event loop or poll().
 */
#ifndef APPS_ROTAD_QUEUE_H
#define APPS_ROTAD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
	pthread_mutex_t lock;
	void **ring;
	size_t room, first, count;
	bool closed;
	int fd; /* eventfd */
};

/* false: out of memory or descriptors. */
bool queue_init(struct queue *q, size_t room);
void queue_free(struct queue *q);

/* false: full or closed; the message stays the caller's. */
bool queue_push(struct queue *q, void *message);

/* The oldest message, or NULL. */
void *queue_pop(struct queue *q);

/* No more pushes; wakes the receiver. */
void queue_close(struct queue *q);
bool queue_closed(struct queue *q);

/* Wait until something was pushed since the last wait, or closed. */
void queue_wait(struct queue *q);
/* The same for at most so long; -1: without end. */
void queue_wait_ms(struct queue *q, int timeout_ms);

/* After the descriptor became readable: make it wait for the next push. Then pop until NULL. */
void queue_rearm(struct queue *q);

#endif
