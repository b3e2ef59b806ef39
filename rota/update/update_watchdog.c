/* SPDX-License-Identifier: Apache-2.0 */
/* A refresh that was verified gives the boot stage's watchdog a whole period (SPEC 10.8), and leaves it the keys of the
 * role `time`, under which tickets count until the next refresh. */
#include "rota/update/update_parts.h"
#include "rota/base/mem.h"
#include "rota/store/watchdog.h"

bool rota_update_watched(const struct rota_update *u)
{
	return u->config.boot != NULL && u->config.watchdog != NULL &&
		u->config.watchdog->period_s > 0;
}

enum rota_update_state rota_watchdog_look(struct rota_update *u)
{
	enum rota_err err;

	memset(&u->bound.keys, 0, sizeof(u->bound.keys));
	err = rota_session_find_in(&u->session, ROTA_STR("time"), ROTA_STR("time/now"));
	return err == ROTA_OK ? ROTA_UP_FIND_TICKET_KEYS
			      : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_5_5);
}

enum rota_update_state rota_up_ticket_keys(struct rota_update *u)
{
	const struct rota_boot_access *boot = u->config.boot;
	struct rota_bootstate state;
	enum rota_err err = boot->begin(boot->ctx, &state);

	if (err == ROTA_OK) {
		if (rota_watchdog_refreshed(u->config.watchdog, &u->bound.keys, &state))
			err = boot->commit(boot->ctx, &state);
		boot->end(boot->ctx);
	}
	return err == ROTA_OK ? rota_update_retirements(u)
			      : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_10);
}

enum rota_update_state rota_up_ticket_keys_lacking(struct rota_update *u)
{
	enum rota_err err = rota_session_pass_over(&u->session);

	return err == ROTA_OK ? rota_up_ticket_keys(u)
			      : rota_update_trouble(u, err, ROTA_CLAUSE_SPEC_5_5);
}
