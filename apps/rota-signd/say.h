/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/say.h -- what the daemon says while it runs. */
#ifndef APPS_ROTA_SIGND_SAY_H
#define APPS_ROTA_SIGND_SAY_H

/* One line on standard error, with time, cut at 700 bytes. Any thread. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
