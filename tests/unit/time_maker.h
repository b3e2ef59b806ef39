/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/time_maker.h -- the role time of a repository in memory, and what its key signs: answers (SPEC 5.5) and tickets (10.9).
 *
 * Put together by hand, with nothing of rota/codec.
 */
#ifndef TESTS_UNIT_TIME_MAKER_H
#define TESTS_UNIT_TIME_MAKER_H

#include "rota/base/span.h"
#include "tests/unit/repo_maker.h"

#define TIME_KEY KEY_OTHER

/* Top-level targets delegates to it from now on, for a week; not published yet. */
void time_delegate(struct maker *m, uint64_t now_s);

/* The answer to `nonce` (16 bytes) of device `id`: that it is `now_s`. It lies in `room`. */
struct rota_span time_answer(
	int key, uint64_t now_s, struct rota_span id, const uint8_t *nonce, struct rota_buf room);

/* A ticket for the watchdog of that device. It lies in `room`. */
struct rota_span time_ticket(
	int key, struct rota_span id, uint32_t number, uint32_t seconds, struct rota_buf room);

#endif
