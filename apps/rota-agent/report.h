/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/report.h -- events: a line for people, a file in the outbox, a report to the server.
 *
 * The server being away never holds anything up: what it did not acknowledge stays in the outbox, and
 * after one failure it is not asked again in that cycle, nor before the time that it asked for, an hour at most.
 */
#ifndef APPS_ROTA_AGENT_REPORT_H
#define APPS_ROTA_AGENT_REPORT_H

#include "apps/rota-agent/config.h"
#include "host/agent/outbox.h"
#include "rota/update/update.h"

struct agent_report {
	const struct agent_config *config;
	struct rota_outbox *outbox;
	struct rota_fetch *fetch;
	struct rota_span device; /* its id */
	const struct rota_update *update; /* of the cycle that is under way; NULL between cycles */
	/* More about what is being done, the fetch's words, and the error that they speak of; "" where there are none. */
	const char *detail;
	enum rota_err detail_err;
	bool away; /* the server did not answer in this cycle */
	bool taken; /* it took something, or it turned the device's certificate away, in this cycle */
	bool turned_away;
	uint64_t not_before_s; /* it asked not to be asked before; CLOCK_MONOTONIC */
};

/* rota_update_config's event: print and keep it. `ctx` is a struct agent_report. */
void agent_report_event(void *ctx, const struct rota_event *e);

/* Send what the outbox holds. */
void agent_report_send(struct agent_report *r);

/* Nothing is to be reported, and yet it matters whether the server lets this device in: r->taken or r->turned_away say so
 * afterwards, neither where it is away. */
void agent_report_knock(struct agent_report *r);

/* A line about something that was refused or that failed. role: empty where it is not about metadata. */
void agent_report_line(const struct agent_report *r, struct rota_why why, struct rota_span step,
	struct rota_span role, uint64_t version);

/* A line that says that there is nothing to do, and by which rule. */
void agent_report_idle(const struct rota_state *state, const struct rota_outcome *outcome);

/* What the server calls an event (SPEC 13.2); "?" for one of a later release. */
const char *agent_event_name(uint8_t kind);

#endif
