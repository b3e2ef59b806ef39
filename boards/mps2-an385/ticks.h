/* SPDX-License-Identifier: Apache-2.0 */
/* boards/mps2-an385/ticks.h -- the board's timer 0 as a clock of 25 MHz (Arm DAI 0385; CMSDK APB timer, Arm DDI 0479).
 *
 * In QEMU with -icount shift=6 an instruction takes 64 ns, so that ticks count instructions, each time the same.
 * It runs round after 171 seconds.
 */
#ifndef BOARDS_MPS2_AN385_TICKS_H
#define BOARDS_MPS2_AN385_TICKS_H

#include <stdint.h>

#define TICK_NS 40u

struct ticks_timer {
	volatile uint32_t ctrl, value, reload, intstatus;
};

#define TICKS_TIMER ((struct ticks_timer *)0x40000000u)

static inline void ticks_start(void)
{
	TICKS_TIMER->reload = UINT32_MAX;
	TICKS_TIMER->value = UINT32_MAX;
	TICKS_TIMER->ctrl = 1; /* enabled, no interrupt */
}

static inline uint32_t ticks_since_start(void)
{
	return UINT32_MAX - TICKS_TIMER->value;
}

#endif
