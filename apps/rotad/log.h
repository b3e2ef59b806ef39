/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/log.h -- what rotad says while it runs. */
#ifndef APPS_ROTAD_LOG_H
#define APPS_ROTAD_LOG_H

/* One line on standard error, with time, cut at 600 bytes. Any thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
