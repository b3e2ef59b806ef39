/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/record.h -- entries UNWRAPPED of the signing log: before keys of devices are handed to a back end (SPEC 37.11). */
#ifndef APPS_ROTA_SEALD_RECORD_H
#define APPS_ROTA_SEALD_RECORD_H

#include "apps/rota-seald/config.h"
#include "host/campaign/backkeys.h"
#include "host/notary/client.h"

struct unwrapped {
	const char *service;
	const struct rota_backkeys *tree;
	const uint8_t *device; /* NULL: all of the tree */
};

/* The entry is durable on return. *client is opened when it is NULL, and closed, NULL again, where the daemon went away. */
ROTA_MUST_USE enum rota_err record_unwrapped(const struct config *c, struct rota_client **client,
	const struct unwrapped *what, struct rota_fail *why);

#endif
