/* SPDX-License-Identifier: Apache-2.0 */
/* The present where no clock tells it: SPEC 5. A plain session has a clock. */
#include "rota/update/session_parts.h"

/* A clock below the time floor is no clock (SPEC 5.1, 5.2). */
void rota_clock_read(struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;
	rota_num floor_s = t->time_floor_s;

	if (s->config.start.trusted && s->config.start.unix_s < floor_s)
		s->config.start.trusted = false;
	if (t->timestamp_version != 0 && t->timestamp_issued_s > floor_s)
		floor_s = t->timestamp_issued_s;
	s->now_s = s->config.start.trusted ? s->config.start.unix_s : floor_s;
}
