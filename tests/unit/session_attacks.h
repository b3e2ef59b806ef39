/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/session_attacks.h -- tables of attacks on the TUF session, and what runs them. */
#ifndef TESTS_UNIT_SESSION_ATTACKS_H
#define TESTS_UNIT_SESSION_ATTACKS_H

#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

/* What an attacker does after a good refresh, what is then asked for (path NULL: a refresh), and how that must end. */
struct device_attack {
	const char *reason;
	void (*attack)(struct device *d);
	const char *role;
	const char *path;
	enum rota_err err;
	enum rota_clause clause;
};

#define FIND_RELEASE "releases", RELEASE
#define FIND_POLICY "rollouts", POLICY
#define REFRESH "", NULL

/* Each on a device of its own. Roots and versions never go back, whatever happens. */
static void device_attacks(const struct device_attack *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct device *d = device_new();
		struct rota_trusted before;

		ROW(rows[i].reason);
		CHECK_GOOD(device_session(d, "rollouts", POLICY));
		CHECK_GOOD(device_session(d, "releases", RELEASE));
		rows[i].attack(d);
		before = d->trusted;
		CHECK_WHY(
			device_session(d, rows[i].role, rows[i].path), rows[i].err, rows[i].clause);
		/* and it left nothing behind: the roots and floors stand */
		CHECK(d->trusted.root.version >= before.root.version);
		CHECK(d->trusted.timestamp_version >= before.timestamp_version);
	}
	ROW(NULL);
}

#endif
