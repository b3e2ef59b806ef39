/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/factory_tpm.h -- the counters of a device that is enrolled, in its TPM (SPEC 12.1, field 10).
 *
 * Counters that are there are those of an earlier enrolment, and say whose. Whoever takes them over ends that device:
 * its numbers jump, and it takes recovery orders alone. So they are refused, unless that is asked for; then
 * they are made anew, and the line of the new device in `enrolments` says whom it replaces.
 */
#ifndef APPS_ROTA_FACTORY_TPM_H
#define APPS_ROTA_FACTORY_TPM_H

#include "host/pki/enrol.h"

struct factory_tpm {
	const char *tcti;
	bool take_over; /* counters of an earlier enrolment */
	const struct rota_authdir *dir;
	char replaces[65]; /* device id whose counters were taken over, "unknown", or "" */
	unsigned made; /* of the counters, from the first on, in this run */
};

/* rota_enrol_plan's `counters`; ctx is a struct factory_tpm. Nothing is changed where one of them is refused. */
ROTA_MUST_USE enum rota_err factory_tpm_make(
	void *ctx, struct rota_rom *rom, struct rota_fail *why);

/* The enrolment failed after all: what was made goes, so that the next one need not take it over. */
void factory_tpm_undo(struct factory_tpm *t);

#endif
