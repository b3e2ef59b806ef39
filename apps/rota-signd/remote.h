/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/remote.h -- the daemon's second door: clients from afar, behind nginx (SPEC 18.8).
 *
 * TLS is nginx's. Its user alone may connect to the remote socket, and each request there says in X-Rota-Certificate who
 * the client is; who comes by the other socket has no use for that header.
 */
#ifndef APPS_ROTA_SIGND_REMOTE_H
#define APPS_ROTA_SIGND_REMOTE_H

#include "apps/rota-signd/plan.h"
#include "host/notary/remote.h"

/* Whether nginx's user, and the files that certificates are judged by, are there. plan->nginx is set. */
ROTA_MUST_USE enum rota_err remote_check(struct plan *plan, struct rota_fail *why);

/* The door; plan->remote_listener is -1 where signd.ini has no remote_socket. */
ROTA_MUST_USE enum rota_err remote_listen(struct plan *plan, struct rota_fail *why);

/* Judge of certificates, for the parser; NULL where there is no such door. */
ROTA_MUST_USE enum rota_err remote_open(
	const struct plan *plan, struct rota_remote **out, struct rota_fail *why);

/* Whether the peer of this connection is nginx. */
bool remote_is_nginx(const struct plan *plan, int fd);

/* Who sent this head. */
void remote_identify(struct rota_remote *r, struct rota_span head, struct rota_identity *who);

/* `rota-signd --nginx`: nginx's configuration to standard output. The exit status. */
int remote_write_nginx(const struct rota_policy *policy, const char *config);

#endif
