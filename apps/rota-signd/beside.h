/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/beside.h -- a message between the daemon's processes with a file in memory beside it, for what is longer than a message.
 *
 * Who gets one reads it once, into his own memory: who sent it may still have it open.
 */
#ifndef APPS_ROTA_SIGND_BESIDE_H
#define APPS_ROTA_SIGND_BESIDE_H

#include "host/base/bytes.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* file: empty, nothing goes beside it. false: the other side is gone, or there is no memory. */
bool beside_send(int fd, struct iovec *part, size_t count, struct rota_span file);

/* The next message into `room`, as recv(); behind *file, which is freed first, up to max + 1 bytes of what came beside it. */
ssize_t beside_recv(int fd, struct rota_buf room, int flags, size_t max, struct rota_bytes *file);

#endif
