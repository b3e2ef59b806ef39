/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/supervise.h -- start the daemon's processes, and end all of them together.
 *
 * The supervisor holds nothing and reads nothing from anybody. A holder that ended is started anew, on the same sockets, so
 * that orders which nobody has taken are not lost; unless its PIN was refused, which is never tried again. Without log writer
 * or parser nothing goes on.
 *
 * A slot's holder gets its PIN from the keeper each time (slotlink.h), and without one the rest goes on: it is tried again. When it is
 * another slot's turn all processes are started anew, as on SIGHUP; while a keeper that would have to give a held slot's PIN once
 * more is silent, they are not.
 */
#ifndef APPS_ROTA_SIGND_SUPERVISE_H
#define APPS_ROTA_SIGND_SUPERVISE_H

#include "apps/rota-signd/plan.h"

/* A PIN was refused: whoever starts the daemon again must have mended it first. */
#define SUPERVISE_PIN_REFUSED 3

/* With the settings of this file, until SIGTERM or SIGINT. On SIGHUP they are read anew: if they are usable, all processes end
 * in order and start with them, while clients wait at the same sockets; else it goes on as before. The exit status. */
int supervise(const char *config);

#endif
