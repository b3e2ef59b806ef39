/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/cortexm/semihosting.h"

#include <stdint.h>

enum {
	SYS_WRITE0 = 0x04,
	SYS_EXIT_EXTENDED = 0x20,
};

#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

/* Operation in r0, its argument in r1, and the breakpoint that a debugger knows. */
static void call(uint32_t operation, const void *argument)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void semihosting_write(const char *text)
{
	call(SYS_WRITE0, text);
}

void semihosting_exit(int status)
{
	const uint32_t reason_and_status[2] = { ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status };

	call(SYS_EXIT_EXTENDED, reason_and_status);
	for (;;)
		;
}
