/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/signdini.h -- DIR/signd.ini as `rota init` makes it: whoever made the authority may have everything signed that
 * its online keys sign, with no approvals, and rotad the time. A beginning, to be made narrower; yet the daemon's own rules
 * hold from the first request on. */
#ifndef APPS_ROTA_SIGNDINI_H
#define APPS_ROTA_SIGNDINI_H

#include "apps/rota/session.h"

/* Write DIR/signd.ini and DIR/trust/log-policy, and make DIR/signd, for the daemon's state and socket. `softhsm`: tokens are
 * files, PINs too, so that nothing is gained where memory is kept out of swap. `users`: the daemon's three users, NULL: it stays one. ROTA_ERR_NOT_FOUND: no token is online, or
 * the first that is has no key `log`. */
ROTA_MUST_USE enum rota_err signdini_write(struct session *s, bool softhsm, const char *users);

#endif
