/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/listener.h -- the Unix socket.
 *
 * Mode 0660, group as the directory gives it (set-group-id directory: nginx's group). A socket that a dead
 * rotad left behind is taken over; one that answers belongs to a living process and is left alone.
 */
#ifndef APPS_ROTAD_LISTENER_H
#define APPS_ROTAD_LISTENER_H

#include "host/base/fail.h"

/* ROTA_ERR_BUSY: somebody listens there. */
ROTA_MUST_USE enum rota_err listener_open(const char *path, int *fd, struct rota_fail *why);

/* Close and remove the socket. */
void listener_close(const char *path, int fd);

#endif
