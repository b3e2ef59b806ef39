/* SPDX-License-Identifier: Apache-2.0 */
/* tests/rotation/device.h -- a device that refreshes against what it is shown, and remembers what a device remembers.
 *
 * The session is the real core's, in the device profile. Between two polls nothing of it is left but the payload of its
 * journal (rota/store/state.h), from which each session begins.
 */
#ifndef TESTS_ROTATION_DEVICE_H
#define TESTS_ROTATION_DEVICE_H

#include "rota/update/session.h"
#include "tests/rotation/operator.h"

enum device_clock {
	DEVICE_CLOCK_RIGHT,
	DEVICE_CLOCK_NONE,
	DEVICE_CLOCK_FAST, /* by 50 minutes: less than the overlap */
	DEVICE_CLOCK_SLOW, /* by 9 minutes: issued is at most 10 ahead */
	DEVICE_CLOCK_LOST, /* shows 1970 after each sleep */
	DEVICE_CLOCKS,
};

struct device {
	enum device_clock clock;
	bool small; /* a microcontroller's limits */
	uint64_t poll_s; /* between two polls */
	uint64_t asleep_from_s, asleep_to_s; /* and one long sleep */
	uint64_t next_s;
	uint8_t journal[ROTA_STATE_LEN_MAX];
	size_t journal_len;
};

/* What a device finds where it looks for the repository: the operator's, or another's in its place. */
struct device_view {
	const struct operator* o;
	uint64_t roots; /* up to this version */
	const struct operator_file *snapshot, *timestamp;
};

struct device_view device_honest(const struct operator* o);

/* As it leaves the factory, with root 1. */
void device_make(struct device *d, const struct operator* o);

/* A refresh, and a look for a release. */
struct rota_why device_poll(struct device *d, const struct device_view *view, uint64_t now_s,
	const struct rota_crypto *crypto);

/* Its clock at that time; 0: none. */
uint64_t device_clock(const struct device *d, uint64_t now_s);

/* The version of the root that it trusts. */
uint64_t device_root(const struct device *d);

#endif
