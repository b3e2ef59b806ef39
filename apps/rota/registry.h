/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/registry.h -- devices that are over, as the signing daemon, the registry and everybody who looks at a certificate know them.
 *
 * Three have to hear of it: the daemon's log (kind `revoke`, SPEC 19.10), so that nothing is issued any more; rotad's registry (30.5), so that nothing is sealed and no
 * row made; and who reads the authorities' lists (29.7), which are made of the log. `rota registry decommission` tells the first two, in this order, and
 * `rota registry lists` brings the third.
 *
 * DIR/registry has ID.revoke, a request that waits for approvals, and `over`, a line of each device that the daemon is known to have as over.
 */
#ifndef APPS_ROTA_REGISTRY_H
#define APPS_ROTA_REGISTRY_H

#include "apps/rota/session.h"
#include "host/notary/client.h"

#define REGISTRY_FOLDER "registry"

/* The daemon, which is started where it is this desk's own; the caller closes. */
ROTA_MUST_USE enum rota_err registry_client(struct session *s, struct rota_client **out);

/* The certificate of an authority ("device-ca", "operational-ca") out of DIR/ca. The caller frees. */
ROTA_MUST_USE enum rota_err registry_authority(struct session *s, const char *role, X509 **out);

/* A file of DIR/registry, or of that folder. */
void registry_path(const struct session *s, const char *name, char out[static ROTA_FILE_PATH_MAX]);

/* What registry_lists() made. */
struct registry_lists {
	bool crl[2]; /* of device-ca, of operational-ca */
	bool responder;
};

/* Lists of both authorities, and the certificate of who answers OCSP where [serve] of rota.ini names its key; with `due` only what
 * is half over (of the certificate: two thirds), or not there. Each is verified before it takes the place of the one before. */
ROTA_MUST_USE enum rota_err registry_lists_make(
	struct session *s, struct rota_client *c, bool due, struct registry_lists *out);

/* Serials of an authority's list as registry_lists_make() left it: content octets, one after the other, to whom they concern. An error of take's ends it. */
ROTA_MUST_USE enum rota_err registry_listed(struct session *s, const char *role,
	enum rota_err (*take)(void *to, struct rota_span serial), void *to);

#endif
