/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/post.h -- the log writer's messages to one process, told by as few calls as it takes. */
#ifndef APPS_ROTA_SIGND_POST_H
#define APPS_ROTA_SIGND_POST_H

#include "apps/rota-signd/message.h"

#include <stddef.h>
#include <sys/socket.h>

#define POST_MAX (SIGND_ORDERS_MAX * ROTA_ANSWER_SIGS_MAX)

/* Zeroed count: none. What is added stays the caller's until it is sent. */
struct post {
	size_t count;
	struct iovec part[POST_MAX];
	struct mmsghdr message[POST_MAX];
};

void post_add(struct post *p, void *what, size_t len);

/* All of them, in order; none is left. Who does not take them is gone: of a holder the parser's deadline answers, and of a
 * parser nothing more comes. */
void post_send(struct post *p, int fd);

#endif
