/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/listener.h -- a server's Unix socket.
 *
 * Its group is as the directory gives it (set-group-id directory: nginx's group). A socket that a dead server left
 * behind is taken over; one that answers belongs to a living process and is left alone.
 */
#ifndef HOST_SERVE_LISTENER_H
#define HOST_SERVE_LISTENER_H

#include "host/base/fail.h"

#include <sys/types.h>

/* Not blocking. ROTA_ERR_BUSY: somebody listens there. ROTA_ERR_LIMIT: the path is too long for a socket. */
ROTA_MUST_USE enum rota_err rota_listener_open(
	const char *path, mode_t mode, int *fd, struct rota_fail *why);

/* Close and remove the socket. */
void rota_listener_close(const char *path, int fd);

#endif
