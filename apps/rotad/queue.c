/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/queue.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool queue_init(struct queue *q, size_t room)
{
	*q = (struct queue){ .room = room };
	q->ring = calloc(room, sizeof(*q->ring));
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&q->lock, NULL);
	if (q->ring != NULL && q->fd >= 0)
		return true;
	queue_free(q);
	return false;
}

void queue_free(struct queue *q)
{
	free(q->ring);
	q->ring = NULL;
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
	pthread_mutex_destroy(&q->lock);
}

static void wake(struct queue *q)
{
	uint64_t one = 1;
	ssize_t put;

	/* It fails only when the counter is about to overflow; then it is readable already. */
	put = write(q->fd, &one, sizeof(one));
	(void)put;
}

bool queue_push(struct queue *q, void *message)
{
	bool ok;

	pthread_mutex_lock(&q->lock);
	ok = !q->closed && q->count < q->room;
	if (ok) {
		q->ring[(q->first + q->count) % q->room] = message;
		q->count++;
	}
	pthread_mutex_unlock(&q->lock);
	if (ok)
		wake(q);
	return ok;
}

void *queue_pop(struct queue *q)
{
	void *message = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->count > 0) {
		message = q->ring[q->first];
		q->first = (q->first + 1) % q->room;
		q->count--;
	}
	pthread_mutex_unlock(&q->lock);
	return message;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_mutex_unlock(&q->lock);
	wake(q);
}

bool queue_closed(struct queue *q)
{
	bool closed;

	pthread_mutex_lock(&q->lock);
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

void queue_rearm(struct queue *q)
{
	uint64_t count;
	ssize_t got = read(q->fd, &count, sizeof(count));

	(void)got; /* EAGAIN: somebody else's wake was already taken */
}

void queue_wait_ms(struct queue *q, int timeout_ms)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };

	while (poll(&p, 1, timeout_ms) < 0 && errno == EINTR)
		;
	queue_rearm(q);
}

void queue_wait(struct queue *q)
{
	queue_wait_ms(q, -1);
}
