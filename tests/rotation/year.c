/* SPDX-License-Identifier: Apache-2.0 */
/* tests/rotation/year.c -- a year in which the online keys change every six hours (SPEC 23, 4.5, 4.6).
 *
 *     year [DEVICES]     24 when nothing is said
 *
 * The operator publishes once an hour. Series follow each other a month at a time; one comes three days late, and the
 * landing root bridges them; in another a new root key and an emergency root end it half-way. Devices poll every six
 * hours, once a day, once a month, or sleep for ten months; their clocks are right, a little off, lost, or there
 * is none. Half of them poll between the two steps of publishing.
 *
 * Before each poll a thief, who has every retired online key, puts a snapshot and a timestamp of his own in the place of
 * the operator's, issued now and issued within his slot; beside all roots, and, once the root itself ends the slot,
 * with all later roots hidden. One thing only a clock ends, and it is not counted here: a device without one takes what
 * the keys of the root that it trusts sign for the time of that root's slot, as if it had just come from there (SPEC 4.6
 * d). After the last of these the same device sees what is true.
 *
 * An error is a refusal of what is true, an acceptance of what is the thief's, or a device that stays behind.
 */
#include "host/sim/memo.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/rotation/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600
#define DAY_S 86400
#define START_S UINT64_C(1800000000)
#define YEAR_S (365 * DAY_S)
#define STEP_S 600
#define SERIES_SLOTS 120
#define LATE_SERIES 5 /* is signed three days after the landing root came */
#define BROKEN_SERIES 8 /* ends half-way */
#define DEVICES_MAX 64
#define LOST_ERRORS 20 /* are told one by one */

struct year {
	struct operator* o;
	struct device device[DEVICES_MAX];
	struct device asleep; /* the one that polls, as it was */
	unsigned devices;
	struct sim_memo memo;
	unsigned series; /* that were signed */
	uint64_t next_series_s, emergency_s; /* 0: none is to come */
	uint64_t stamped_s;
	struct operator_file snapshot, timestamp; /* the thief's */
	uint64_t forged, forged_s; /* under that root, issued then */
	uint64_t polls, attacks, errors;
};

static void tell(struct year *y, size_t i, uint64_t now_s, const char *what, struct rota_why why)
{
	if (++y->errors > LOST_ERRORS)
		return;
	fprintf(stderr,
		"rotation: device %zu at hour %llu, root %llu of %llu: %s: %s (clause %d)\n", i,
		(unsigned long long)(now_s - START_S) / HOUR_S,
		(unsigned long long)device_root(&y->device[i]), (unsigned long long)y->o->published,
		what, rota_err_str(why.err), (int)why.clause);
}

/* ---- the operator's year ---- */

static uint64_t landing_s(const struct operator* o)
{
	return o->root[o->signed_to].slot.from_s;
}

/* A week before it is needed, but for one. */
static void plan_next(struct year *y)
{
	y->next_series_s = landing_s(y->o) - 7 * DAY_S;
	if (y->series + 1 == LATE_SERIES)
		y->next_series_s = landing_s(y->o) + 3 * DAY_S;
	if (y->series == BROKEN_SERIES)
		y->emergency_s = landing_s(y->o) - SERIES_SLOTS / 2 * 6 * HOUR_S + 2 * HOUR_S;
}

static void ceremonies(struct year *y, uint64_t now_s)
{
	if (y->emergency_s && now_s >= y->emergency_s) {
		operator_emergency(y->o, now_s, true);
		operator_series(y->o, now_s, now_s + DAY_S, SERIES_SLOTS);
		y->series++;
		y->emergency_s = 0;
		plan_next(y);
	} else if (now_s >= y->next_series_s) {
		uint64_t from_s = y->series ? landing_s(y->o) : now_s + DAY_S;

		operator_series(y->o, now_s, from_s > now_s ? from_s : now_s, SERIES_SLOTS);
		y->series++;
		plan_next(y);
	}
	if (now_s == START_S + YEAR_S / 2 / STEP_S * STEP_S)
		operator_release(y->o, now_s);
}

/* ---- devices ---- */

static void make_device(struct year *y, unsigned i)
{
	static const uint64_t polls_s[] = { 6 * HOUR_S, DAY_S, 30 * DAY_S, 6 * HOUR_S };
	static const enum device_clock clocks[] = { DEVICE_CLOCK_RIGHT, DEVICE_CLOCK_NONE,
		DEVICE_CLOCK_FAST, DEVICE_CLOCK_LOST, DEVICE_CLOCK_SLOW };
	struct device *d = &y->device[i];

	*d = (struct device){ .clock = clocks[i / 4 % DEVICE_CLOCKS],
		.small = i % 3 != 0,
		.poll_s = polls_s[i % 4],
		.next_s = START_S + i * 1700 };
	if (i % 4 == 3) {
		d->asleep_from_s = START_S + 10 * DAY_S + i * 5 * DAY_S / 2;
		d->asleep_to_s = d->asleep_from_s + 300 * DAY_S;
	}
	device_make(d, y->o);
}

static void attack(struct year *y, size_t i, uint64_t now_s, uint64_t version, uint64_t issued_s,
	uint64_t roots)
{
	const struct device_view view = { y->o, roots, &y->snapshot, &y->timestamp };
	struct rota_why why;

	if (y->forged != version || y->forged_s != issued_s)
		operator_forge(y->o, version, issued_s, &y->snapshot, &y->timestamp);
	y->forged = version;
	y->forged_s = issued_s;
	y->attacks++;
	y->device[i] = y->asleep; /* each attack is the first one */
	why = device_poll(&y->device[i], &view, now_s, &y->memo.port);
	if (why.err == ROTA_OK)
		tell(y, i, now_s, "takes what a retired key signed", why);
}

/* With the keys of this root, if they are retired: each way that there is. */
static void attack_with(struct year *y, size_t i, uint64_t now_s, uint64_t version)
{
	const struct rota_timeslot *slot = &y->o->root[version].slot;
	const struct device *d = &y->device[i];
	uint64_t clock_s = device_clock(d, now_s), kept = device_root(&y->asleep),
		 from_s = slot->from_s;
	bool knows = clock_s >= START_S; /* what time it is */
	bool ends = slot->end_s != ROTA_SLOT_OPEN &&
		(knows ? clock_s : y->stamped_s) > slot->end_s + HOUR_S;

	if (operator_retires(y->o, version) > y->stamped_s)
		return;
	if (knows || kept != version || ends)
		attack(y, i, now_s, version, y->stamped_s, y->o->published);
	if (knows || kept != version)
		attack(y, i, now_s, version, from_s + HOUR_S, y->o->published);
	if (!ends)
		return;
	attack(y, i, now_s, version, y->stamped_s, kept > version ? kept : version);
	if (knows)
		attack(y, i, now_s, version, from_s + HOUR_S, kept > version ? kept : version);
}

/* The newest that is retired, and that of the root which the device has. */
static void attacks(struct year *y, size_t i, uint64_t now_s)
{
	uint64_t newest = y->o->published, kept = device_root(&y->device[i]);

	while (newest > 1 && operator_retires(y->o, newest) > y->stamped_s)
		newest--;
	y->asleep = y->device[i];
	attack_with(y, i, now_s, newest);
	if (kept != newest)
		attack_with(y, i, now_s, kept);
}

static void poll(struct year *y, size_t i, uint64_t now_s)
{
	const struct device_view view = device_honest(y->o);
	struct device *d = &y->device[i];
	struct rota_why why;
	uint64_t behind;

	attacks(y, i, now_s);
	why = device_poll(d, &view, now_s, &y->memo.port);
	y->polls++;
	if (why.err != ROTA_OK)
		tell(y, i, now_s, "refuses what is true", why);
	behind = y->o->published - device_root(d);
	if (behind > (d->clock == DEVICE_CLOCK_SLOW ? 1 : 0))
		tell(y, i, now_s, "stays behind", why);
	d->next_s = now_s + d->poll_s;
	if (d->next_s > d->asleep_from_s && d->next_s < d->asleep_to_s)
		d->next_s = d->asleep_to_s;
}

/* Those that poll between the two steps of publishing, and those that do not. */
static void polls(struct year *y, uint64_t now_s, bool between)
{
	for (size_t i = 0; i < y->devices; i++)
		if (y->device[i].next_s <= now_s && (i / 2 % 2 == 0) == between)
			poll(y, i, now_s);
}

static void live(struct year *y)
{
	for (uint64_t now_s = START_S; now_s < START_S + YEAR_S; now_s += STEP_S) {
		uint64_t minute = now_s < START_S + YEAR_S / 2 ? 0 : 20; /* of each hour */
		bool publishes = (now_s - START_S) % HOUR_S == minute * 60;

		if ((now_s - START_S) % DAY_S == 0)
			sim_memo_init(&y->memo, &rota_crypto_openssl);
		if (publishes) {
			ceremonies(y, now_s);
			operator_stamp(y->o, now_s);
			y->stamped_s = now_s;
			polls(y, now_s, true);
			operator_publish(y->o, now_s);
		}
		polls(y, now_s, false);
	}
}

int main(int argc, char **argv)
{
	static struct year y;

	y.devices = argc > 1 ? (unsigned)atoi(argv[1]) : 24;
	if (y.devices < 1 || y.devices > DEVICES_MAX) {
		fprintf(stderr, "usage: year [DEVICES], 1 to %d\n", DEVICES_MAX);
		return 2;
	}
	y.o = operator_new(START_S);
	sim_memo_init(&y.memo, &rota_crypto_openssl);
	y.next_series_s = START_S;
	y.stamped_s = START_S;
	for (unsigned i = 0; i < y.devices; i++)
		make_device(&y, i);
	live(&y);
	printf("%u devices, %u series, %llu roots: %llu polls, %llu attacks\n", y.devices, y.series,
		(unsigned long long)y.o->published, (unsigned long long)y.polls,
		(unsigned long long)y.attacks);
	printf("rotation_year_errors %llu\n", (unsigned long long)y.errors);
	rota_bytes_free(&y.snapshot.file);
	rota_bytes_free(&y.timestamp.file);
	operator_free(y.o);
	return y.errors != 0;
}
