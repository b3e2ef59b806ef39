/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/fleet.h -- many simulated devices, one clock, and what happens to them.
 *
 *     census     a file, a line for each device: ID SECRET POINT CERTIFICATE [login=KEY] [factory=SECRET]
 *                id (64 hex digits, SPEC 1.1), secret (64) and point (130) of its identity, the LDevID as nginx escapes it; then,
 *                64 digits each, the LDevID's private key and the factory secret (SPEC 28.7) of a device that has them
 *
 * A device that has the key of its LDevID goes through nginx, where settings say how to get there (front.h); the others, and all
 * where they do not, are announced to rotad itself as nginx would (server.h).
 *
 * All devices have one simulated time. In fleet_run() each of them polls once in every interval, at a moment of its own, and then sends
 * its messages; the repository's files and the server's answers are real. Devices are shared out to threads, each with a connection and
 * RAM for one device. The devices of a census are made for a simulation: their secrets stand in a file.
 */
#ifndef APPS_ROTA_FLEET_FLEET_H
#define APPS_ROTA_FLEET_FLEET_H

#include "apps/rota-fleet/front.h"
#include "apps/rota-fleet/messages.h"
#include "host/base/bar.h"
#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stdatomic.h>

#define FLEET_DEVICES_MAX 1000000
#define FLEET_THREADS_MAX 64

struct fleet_settings {
	const char *repository; /* folder */
	const char *server; /* rotad's socket */
	struct front_settings front; /* nothing in it: none goes there */
	const char *product, *hardware, *channel;
	unsigned threads;
	uint64_t poll_s; /* between two polls of a device */
	uint32_t each; /* messages behind each poll */
};

struct fleet_member {
	uint8_t id[ROTA_DEVICE_LEN], point[ROTA_P256_KEY_LEN], secret[ROTA_P256_SECRET_LEN];
	struct rota_span certificate; /* in the census, as are, in hex, NULL where it has none: */
	const char *login, *factory;
	struct fleet_sleeper sleeper;
	struct fleet_images images;
	uint64_t sleeps_until_s; /* simulated; it does not poll before */
	uint32_t sent; /* messages */
	uint32_t generation; /* that was active after its last poll */
};

/* Since the fleet was made. */
struct fleet_figures {
	_Atomic uint64_t polls, messages, bundles, statements;
	_Atomic uint64_t fronted; /* of bundles and statements, those through nginx */
	_Atomic uint64_t cuts; /* of power */
	_Atomic uint64_t lost; /* proofs that were lost on the way */
	_Atomic uint64_t mute; /* messages that a device which had a key could not seal */
	_Atomic uint64_t busy; /* the server said: later */
	_Atomic uint64_t stopped; /* cycles that were refused or failed */
	_Atomic uint64_t troubles; /* with keys, in cycles */
};

struct fleet {
	struct fleet_settings settings;
	struct rota_bytes census;
	struct fleet_member *member;
	size_t count;
	uint8_t root_sha256[ROTA_SHA256_LEN];
	uint64_t now_s; /* simulated */
	struct messages messages; /* sealed */
	struct messages
		said; /* statements of kinds 1 and 3 that the server has: length (u32) || bytes each */
	struct fleet_figures figures;

	/* what happens to them */
	_Atomic uint32_t cut_ppm; /* of polls, at a random operation of flash */
	_Atomic int lose; /* so many proofs more; in turns before the server and behind it */

	pthread_mutex_t lock; /* of: */
	char trouble[256]; /* the last */
};

/* Read the census, and the repository's first root. The caller sets messages.out and said.out before it makes devices. */
ROTA_MUST_USE enum rota_err fleet_open(struct fleet *f, const struct fleet_settings *settings,
	const char *census, struct rota_fail *why);
void fleet_close(struct fleet *f);

/* All devices leave the factory; their first statements go into `said`. */
ROTA_MUST_USE enum rota_err fleet_make(
	struct fleet *f, const struct rota_progress *progress, struct rota_fail *why);

/* `seconds` pass, in whole intervals. */
ROTA_MUST_USE enum rota_err fleet_run(struct fleet *f, uint64_t seconds,
	const struct rota_progress *progress, struct rota_fail *why);

/* The newest generation that is in use, and how many devices use it. */
uint32_t fleet_newest(const struct fleet *f, size_t *users);

/* Devices that run another image than the factory's. */
size_t fleet_updated(const struct fleet *f);

/* ---- worker.c: one thread's ---- */

struct fleet_worker;

/* What a thread does with each of its devices. False: it ends, and the fleet's trouble says why. */
typedef bool fleet_task(struct fleet_worker *w, struct fleet_member *m, uint64_t at_s);

struct fleet_job {
	fleet_task *task;
	uint64_t from_s, until_s, step_s; /* once in each step; step 0: once */
};

/* Do it in all threads. */
ROTA_MUST_USE enum rota_err fleet_work(struct fleet *f, const struct fleet_job *job,
	const struct rota_progress *progress, struct rota_fail *why);

fleet_task fleet_factory_task, fleet_poll_task;

#endif
