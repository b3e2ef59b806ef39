/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/doctor_users.h -- rota doctor: does each process of a daemon of three users reach what it needs, and nothing that is
 * another's?
 *
 *     reads requests   ca, keys, repo, staging, trust of the authority, to judge by; records and pending of the state are its own
 *     writes the log   log of the state is its own; whoever publishes reads log/public there
 *     holds tokens     PIN files, and below tokens/ those of the online side, are its own
 *
 * Each of them passes the folders on the way. A finding ends with the command that mends it.
 */
#ifndef APPS_ROTA_DOCTOR_USERS_H
#define APPS_ROTA_DOCTOR_USERS_H

#include "apps/rota/doctor_signd.h"
#include "host/notary/policy.h"

/* Nothing where all of the daemon is one user. Gives whether all was found to be right. */
bool doctor_users(
	struct session *s, const struct rota_policy *policy, const struct doctor_sink *sink);

#endif
