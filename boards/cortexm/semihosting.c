/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/cortexm/semihosting.h"

#include <stdint.h>

enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITE0 = 0x04,
	SYS_READ = 0x06,
	SYS_EXIT_EXTENDED = 0x20,
};

#define MODE_RB 1u /* of SYS_OPEN */
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

/* Operation in r0, its argument in r1, and the breakpoint that a debugger knows; its answer is in r0. */
static uint32_t call(uint32_t operation, const void *argument)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

void semihosting_write(const char *text)
{
	call(SYS_WRITE0, text);
}

int semihosting_open(const char *name)
{
	const char *end = name;

	while (*end != '\0')
		end++;
	const uint32_t block[3] = { (uint32_t)(uintptr_t)name, MODE_RB, (uint32_t)(end - name) };

	return (int)call(SYS_OPEN, block);
}

size_t semihosting_read(int handle, void *to, size_t len)
{
	const uint32_t block[3] = { (uint32_t)handle, (uint32_t)(uintptr_t)to, (uint32_t)len };

	return len - call(SYS_READ, block); /* which says how many bytes it left */
}

void semihosting_close(int handle)
{
	const uint32_t block[1] = { (uint32_t)handle };

	call(SYS_CLOSE, block);
}

void semihosting_exit(int status)
{
	const uint32_t reason_and_status[2] = { ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status };

	call(SYS_EXIT_EXTENDED, reason_and_status);
	for (;;)
		;
}
