/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/doctor_signd.h -- rota doctor: is the signing daemon there, and do its rules fit rota.ini? */
#ifndef APPS_ROTA_DOCTOR_SIGND_H
#define APPS_ROTA_DOCTOR_SIGND_H

#include "apps/rota/session.h"

/* Each finding once; `text` is the callee's to copy. */
struct doctor_sink {
	void *ctx;
	void (*say)(void *ctx, bool good, const char *text);
};

/* For an authority whose rota.ini names a daemon. The rules are looked at where DIR or /etc/rota has a signd.ini. Gives
 * whether the daemon answers. */
bool doctor_signd(struct session *s, const struct doctor_sink *sink);

#endif
