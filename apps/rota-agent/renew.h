/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/renew.h -- the next LDevID, in time or after it is too late (SPEC 29.9).
 *
 * From a third of its life before an LDevID ends the device makes a key in the other place, asks for a certificate of it, and
 * keeps that beside the old one; which of the two is shown and when the old one goes is identity.h's. While the LDevID is
 * valid it asks as itself; when it has expired, was turned away or was lost, as the IDevID, which never ends. What was
 * cut off is done again: a key without a certificate is made anew.
 */
#ifndef APPS_ROTA_AGENT_RENEW_H
#define APPS_ROTA_AGENT_RENEW_H

#include "apps/rota-agent/cycle.h"

/* At the beginning of a cycle; `now` as the device believes it. Says what it did, and warns of what went wrong; asks again
 * after an hour, doubled up to a day. Nothing to do without a root of trust. */
void agent_renew(struct agent *a, uint64_t now_s);

#endif
