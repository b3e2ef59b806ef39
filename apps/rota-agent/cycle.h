/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/cycle.h -- one update cycle on Linux: what rota/update wants, done with files and HTTP.
 *
 * A metadata file whose digest is known comes from the disk if it is there; the network is asked for the
 * rest, and the bytes go from the socket into the update and, for metadata, into a staged file. Components
 * go straight into their slots.
 */
#ifndef APPS_ROTA_AGENT_CYCLE_H
#define APPS_ROTA_AGENT_CYCLE_H

#include "apps/rota-agent/carrier.h"
#include "apps/rota-agent/device.h"
#include "apps/rota-agent/identity.h"
#include "apps/rota-agent/keys.h"
#include "apps/rota-agent/report.h"
#include "apps/rota-agent/rot.h"
#include "apps/rota-agent/sealed.h"
#include "rota/update/keys.h"

enum agent_end {
	AGENT_END_IDLE, /* nothing to do until the next poll */
	AGENT_END_REBOOT, /* boot again, then run another cycle */
	AGENT_END_STOPPED, /* refused or failed; it was said why */
};

struct agent {
	const struct agent_config *config;
	struct agent_device device;
	struct agent_rot
		rot; /* with [identity] directory; its port is NULL where it does not open */
	struct agent_identity identity; /* likewise */
	struct agent_keys keys; /* likewise: data keys */
	struct agent_sealed sealed; /* with them */
	struct rota_update_keys rotation; /* of them, in a cycle */
	struct rota_key_desk key_desk;
	uint64_t renew_after_s, renew_wait_s; /* no LDevID is asked for before; CLOCK_MONOTONIC */
	struct agent_report report;
	struct rota_fetch *fetch;
	struct agent_carrier carrier; /* of recovery orders */
	uint32_t
		again_s; /* the repository's server asks not to be asked for so long; 0: it did not */
	const volatile sig_atomic_t *stop;
};

/* `why` of a cycle that could not even begin is printed by the caller; all else is said here. */
ROTA_MUST_USE enum rota_err agent_cycle_run(
	struct agent *a, enum agent_end *end, struct rota_fail *why);

#endif
