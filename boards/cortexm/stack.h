/* SPDX-License-Identifier: Apache-2.0 */
/* boards/cortexm/stack.h -- how deep the stack went, by paint: what lies below the caller is filled with a
 * pattern, and later the lowest byte that lost it is looked for. Interrupts would count, if there were any.
 */
#ifndef BOARDS_CORTEXM_STACK_H
#define BOARDS_CORTEXM_STACK_H

#include <stddef.h>

/* Paint what is free, from here down. */
void stack_paint(void);

/* Bytes below the last stack_paint() that were written since. */
size_t stack_used(void);

#endif
