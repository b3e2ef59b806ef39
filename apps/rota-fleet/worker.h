/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/worker.h -- within a thread: its device, its connection, its view of the repository. */
#ifndef APPS_ROTA_FLEET_WORKER_H
#define APPS_ROTA_FLEET_WORKER_H

#include "apps/rota-fleet/fleet.h"
#include "apps/rota-fleet/repository.h"
#include "apps/rota-fleet/server.h"
#include "host/sim/memo.h"

#define WORKER_STARTS_MAX 8 /* in one poll, by cuts: each is planned once */

struct fleet_worker {
	struct fleet *fleet;
	const struct fleet_job *job;
	unsigned number; /* it has each device whose place leaves this, divided by the threads */
	pthread_t thread;
	bool started, failed;
	_Atomic uint64_t *done; /* devices, of all threads */
	struct fleet_model model;
	struct sim_memo memo; /* all devices verify the same signatures */
	struct fleet_device device;
	struct server server;
	struct front *front; /* NULL: none goes there */
	struct repository repository;
	struct fleet_member *member; /* that is awake */
	bool fronted; /* it is in `front` */
	uint64_t dice;
};

#endif
