/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main() on a Cortex-M, and what an exception means to a test: the end of it.
 *
 * boards/cortexm/sections.ld says where the symbols below lie. The stack lies lowest in RAM, so that an
 * overflow runs off its end and faults, and spoils no variable in silence.
 */
#include "boards/cortexm/semihosting.h"

#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];

int main(void);
_Noreturn void reset_handler(void);

_Noreturn void reset_handler(void)
{
	const uint32_t *from = data_load;

	for (uint32_t *to = data_start; to < data_end;)
		*to++ = *from++;
	for (uint32_t *to = bss_start; to < bss_end;)
		*to++ = 0;
	semihosting_exit(main());
}

/* In place of the C library's, which wants signals. */
void abort(void)
{
	semihosting_write("abort\n");
	semihosting_exit(98);
}

static void exception(void)
{
	semihosting_write("exception: a fault, or an interrupt that nobody asked for\n");
	semihosting_exit(99);
}

struct vectors {
	uint32_t *stack;
	void (*reset)(void);
	void (*exceptions[14])(void);
};

/* Armv6-M B1.5.3, Armv7-M B1.5.3: stack, reset, then exceptions 2 to 15. */
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
	.stack = stack_top,
	.reset = reset_handler,
	.exceptions = { exception, exception, exception, exception, exception, exception, exception,
		exception, exception, exception, exception, exception, exception, exception },
};
