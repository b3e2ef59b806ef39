/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/bound_device.h -- a device of a world whose flash is bound to a state counter (SPEC 9.6), a service that
 * signs time for it (5.5), and a thief who reads its flash out and puts it back.
 *
 * One device at a time, in the world that the test gives. What goes wrong in here ends up in w->broken.
 */
#ifndef TESTS_UNIT_BOUND_DEVICE_H
#define TESTS_UNIT_BOUND_DEVICE_H

#include "ports/counter_sim/counter_sim.h"
#include "tests/unit/time_maker.h"
#include "tests/unit/world.h"

/* What it has beside what the world holds. */
struct bound_parts {
	struct rota_sim_supply supply;
	struct rota_counter_sim counters;
	struct rota_counter counter;
	struct rota_bootstate boot;
	enum rota_err boot_error; /* of the next begin */
	int boot_commits; /* so far */
	bool boot_fails; /* each commit, from now on */
};
extern struct bound_parts parts;

/* What the time service says, and what is wrong with it. */
struct time_service {
	int key;
	uint64_t now_s; /* 0: the world's clock */
	uint64_t takes_s;
	bool other_nonce, long_answer;
	uint8_t nonces[4]; /* asked with, the first byte of each */
	int count;
};
extern struct time_service service;

/* What the thief read out. */
struct stolen {
	struct flash_mem flash;
	struct world_slots slots[2];
	struct rota_bootstate boot;
};
extern struct stolen stolen;

/* Fresh from the factory, and bound at 0. */
struct world *bound_device(struct world *w);
/* One that ran 2.0.0, which the server still offers, and has the flash of before back. */
struct world *restored_device(struct world *w);

void read_out(const struct world *w);
/* And switch the device on. */
void put_back(struct world *w);

/* The functions of w->time and w->random that bound_device() sets, for a test that takes them away. */
enum rota_err tell_time(struct world *w, struct rota_update *u, const uint8_t *nonce);
extern const struct rota_random bound_random;

/* Publish one more root; `key` is the first of its three keys. */
void next_root(struct world *w, int key);

/* Counter and both journals stand at `number`, and nobody thinks of old flash. */
#define CHECK_BOUND(w, number)                                                                     \
	do {                                                                                       \
		CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], number);                        \
		CHECK_EQ(parts.boot.binding, number);                                              \
		CHECK_EQ((w)->state.bound.binding, number);                                        \
		CHECK(!(w)->state.bound.restored);                                                 \
	} while (0)

#endif
