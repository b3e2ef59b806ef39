/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/restores.h -- a thief with a programmer puts earlier flash back.
 *
 * A device lives through an update whose security counter is burnt, and on. At each step its chips are read
 * out; at each later step of a copy they are put back: all of them, one journal, both, or the slots. What
 * hardware counts stays. Then the device is switched on, in front of a server that shows it nothing newer than the
 * day of the theft, and lives on for some polls.
 *
 * Accepted is what must not be where hardware counts:
 *   older       an older version runs than was confirmed when the flash was put back, and after a poll the
 *               device does not say that it was restored. A confirmation counts from the rise of the state counter that
 *               ends it: what is put back in the moment before is as if the power had gone
 *   burnt       an image runs below the security counter of the hardware
 *   installed   a device that was put back installs a release
 * Where the slots alone were put back the journals are of today: the device finds that what it confirmed is gone, falls
 * back to what it confirmed before, as far as the security counter allows, knows it, and installs again. That is counted
 * as `fell back`. Where hardware does not count, older versions are taken for the truth: the exact
 * numbers stand here and in THREATS.md.
 */
#ifndef TESTS_POWERCUT_RESTORES_H
#define TESTS_POWERCUT_RESTORES_H

#include "host/sim/board.h"

/* Each step put back at `later` of the later ones, spread over all. Prints a line a kind of theft; how many were
 * accepted. */
uint32_t restores_run(const struct sim_board *board, int later);

#endif
