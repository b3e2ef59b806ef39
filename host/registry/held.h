/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/held.h -- the root that a device says it holds, event by event (SPEC 25.8).
 *
 * Apart from report.h, for it refuses nothing: what is no version of a root is silence, and no reason not to take a report.
 */
#ifndef HOST_REGISTRY_HELD_H
#define HOST_REGISTRY_HELD_H

#include "host/registry/report.h"

/* Of each event of a report that rota_report_read() took; 0: it says none. */
void rota_held_read(struct rota_span body, uint64_t roots[static ROTA_REPORT_EVENTS_MAX]);

#endif
