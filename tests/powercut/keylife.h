/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/keylife.h -- the other side of a device that rotates its data keys while its power is cut, and who judges
 * what became of them.
 *
 * Campaigns are signed before any device lives: each tree has a bundle for each of a pool of agree keys, and the device's root of
 * trust draws its agree keys from that pool, in turn. What a server remembers of a device (its row, and how far the pool is
 * drawn) is a value that a cut device gets along with its flash.
 *
 * The device's application keeps records in a vault under its storage keys: after each poll it reads all of them, puts some, and
 * seals anew what an older key sealed. Each nonce is noted with its key.
 */
#ifndef TESTS_POWERCUT_KEYLIFE_H
#define TESTS_POWERCUT_KEYLIFE_H

#include "host/sim/device.h"
#include "tests/unit/key_server.h"

#define KEYLIFE_RECORDS 6
#define KEYLIFE_SEALS_MAX 1024 /* in a life */

/* What the server knows of the device that lives at the moment: a copy is a snapshot. */
struct keylife_row {
	uint32_t counter, count, proved[ROTA_PURPOSES_MAX];
	uint8_t agree[ROTA_P256_KEY_LEN];
	uint8_t nonce;
	uint32_t drawn; /* of the pool */
	uint32_t highest[ROTA_PURPOSES_MAX]; /* that the device had taken: it never falls */
	uint32_t needs; /* what the application knows of its vault: in RAM */
	uint32_t asked[KEYLIFE_RECORDS], held[KEYLIFE_RECORDS]; /* versions; 0: none */
	uint32_t seals;
};

struct keylife {
	struct key_server server;
	struct rota_p256 p256; /* draws from the pool */
	uint32_t drawn;
	uint32_t highest[ROTA_PURPOSES_MAX];
	uint8_t secret[KEY_POOL][ROTA_P256_SECRET_LEN], point[KEY_POOL][ROTA_P256_KEY_LEN];
	struct sim_key_parts parts;
	struct keylife_row row; /* needs, versions and seals of it: the application's */
	uint64_t seal[KEYLIFE_SEALS_MAX]; /* tags of (key, nonce) */
	bool twice; /* a nonce came twice under one key */
	const char *wrong; /* the first thing, or NULL */
};

/* Roles and pool; the factory secret. */
void keylife_init(struct keylife *l, struct maker *m, uint64_t now_s);

/* The device `d`, fresh from the factory, is the one that the server knows. */
void keylife_enrol(struct keylife *l, struct sim_device *d);

void keylife_save(const struct keylife *l, struct keylife_row *row);
void keylife_restore(struct keylife *l, const struct keylife_row *row);

/* The power came back: what stood in RAM is gone. */
void keylife_power(struct keylife *l);

/* For struct sim_world. */
enum rota_err keylife_answer(
	struct keylife *l, const uint8_t *campaign, struct rota_buf room, struct rota_span *out);
enum rota_err keylife_take(struct keylife *l, struct rota_span statement, uint32_t *counter);

/* After a cycle that ended idle: the application's turn, and what a device may never have lost. */
void keylife_application(struct keylife *l, struct sim_device *d);

/* Whether the key of a generation is the one that its campaign delivered. */
bool keylife_opens(
	const struct keylife *l, const struct sim_device *d, uint8_t purpose, uint32_t generation);

/* In the end: these generations are held, each opens, nothing in the root of trust is of no use. */
void keylife_judge_end(struct keylife *l, const struct sim_device *d);

#endif
