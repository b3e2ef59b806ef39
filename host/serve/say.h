/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/say.h -- what a daemon says while it runs. The one library that prints: lines are its purpose. */
#ifndef HOST_SERVE_SAY_H
#define HOST_SERVE_SAY_H

/* One line on standard error: the time, `program`, the text, cut at 700 bytes. A control character, which would begin a line of
 * its own, is shown as '?': texts are others' in part. Any thread. */
void rota_say(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
