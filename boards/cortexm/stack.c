/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/cortexm/stack.h"

#include <stdint.h>

#define PAINT 0xA5A5A5A5u

extern uint32_t stack_bottom[]; /* boards/cortexm/sections.ld */

static uint32_t *painted_from;

/* In no function that is called from here is there a frame to spoil: it has none. */
void stack_paint(void)
{
	uint32_t *here;

	__asm__ volatile("mov %0, sp" : "=r"(here));
	painted_from = here;
	for (volatile uint32_t *p = stack_bottom; p < here; p++)
		*p = PAINT;
}

size_t stack_used(void)
{
	const uint32_t *p = stack_bottom;

	while (p < painted_from && *p == PAINT)
		p++;
	return (size_t)(painted_from - p) * sizeof(*p);
}
