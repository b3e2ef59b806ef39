/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/incident_steps.h -- what the steps of single incidents ask (incident_state.c), and do (incident_do.c). */
#ifndef APPS_ROTA_INCIDENT_STEPS_H
#define APPS_ROTA_INCIDENT_STEPS_H

#include "apps/rota/incident.h"

/* Of the key c->at. */
bool incident_is_marked(const struct incident_scene *c);
bool incident_is_made(const struct incident_scene *c);
bool incident_is_seated(const struct incident_scene *c); /* in rota.ini */
bool incident_is_destroyed(const struct incident_scene *c);
bool incident_is_recorded(
	const struct incident_scene *c); /* trust/image-keys.json has its successor */

/* None of the keys counts any more. */
bool incident_is_replaced(const struct incident_scene *c);

/* The folder of its ceremony is there; all in it is signed. */
bool incident_has_folder(const struct incident_scene *c);
bool incident_has_signatures(const struct incident_scene *c);

/* A ceremony that replaces them; each also where they are replaced, or a series takes their place. */
bool incident_is_prepared(const struct incident_scene *c);
bool incident_is_signed(const struct incident_scene *c);
bool incident_is_finished(const struct incident_scene *c);

/* What the keeper's officers approve is written; two of them did; each also where no keeper has a root of the series. */
bool incident_is_asked(const struct incident_scene *c);
bool incident_is_approved(const struct incident_scene *c);

/* Lines of approvals in that file; 0: it is not there either. */
size_t incident_approvals(const struct incident_scene *c);
/* Whether a keeper has roots of the series. */
bool incident_is_sealed(const struct incident_scene *c);

/* No series is under way; it has been ended; all roots, roles, snapshot and timestamp that are signed are out. */
bool incident_is_plain(const struct incident_scene *c);
bool incident_is_ahead(const struct incident_scene *c);
bool incident_is_published(const struct incident_scene *c);

/* A new policy, the boot keys' floor, the releases that were named. */
bool incident_is_rolled(const struct incident_scene *c);
bool incident_has_floor_folder(const struct incident_scene *c);
bool incident_is_floor_signed(const struct incident_scene *c);
bool incident_is_floored(const struct incident_scene *c);
bool incident_is_floor_waiting(const struct incident_scene *c);
bool incident_is_withdrawn(const struct incident_scene *c);

/* The new root and the order that names it. */
bool incident_has_root(const struct incident_scene *c);
bool incident_is_root_signed(const struct incident_scene *c);
bool incident_has_order(const struct incident_scene *c);
bool incident_is_ordered(const struct incident_scene *c);
bool incident_has_pack(const struct incident_scene *c);
bool incident_is_sent(const struct incident_scene *c);
bool incident_is_anchored(const struct incident_scene *c);
bool incident_orders(const struct incident_scene *c);

/* An emergency campaign of the role was listed since it began, or the role never listed one. */
bool incident_is_rekeyed(const struct incident_scene *c);

/* The new device CA has its certificate; the old one is waiting to be retired, its folder is signed, and it is. */
bool incident_is_certified(const struct incident_scene *c);
bool incident_is_ca_waiting(const struct incident_scene *c);
bool incident_has_ca_folder(const struct incident_scene *c);
bool incident_is_ca_signed(const struct incident_scene *c);
bool incident_is_ca_retired(const struct incident_scene *c);

/* The certificate of the old one: DIR/ca/device-ca-ID.pem. */
void incident_old_ca(const struct incident_scene *c, char out[static ROTA_FILE_PATH_MAX]);

/* The digest of the policy that counts; "": none. The caller frees. */
char *incident_policy(const struct incident_scene *c);

enum rota_err incident_seat(struct incident_scene *c);
enum rota_err incident_record(struct incident_scene *c);
enum rota_err incident_certify(struct incident_scene *c);

#endif
