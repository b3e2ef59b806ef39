/* SPDX-License-Identifier: Apache-2.0 */
/* boards/cortexm/semihosting.h -- a debugger's or QEMU's console and exit status, by Arm's semihosting
 * (Arm IHI 0105, "Semihosting for AArch32 and AArch64"). Without a debugger attached these calls fault.
 */
#ifndef BOARDS_CORTEXM_SEMIHOSTING_H
#define BOARDS_CORTEXM_SEMIHOSTING_H

#include <stddef.h>

/* A NUL-terminated string to the console. */
void semihosting_write(const char *text);

/* A file of the host for reading, by its name in the folder that QEMU was started in: a handle, or -1. */
int semihosting_open(const char *name);

/* The next bytes, at most `len`: how many there were, 0 at the end. */
size_t semihosting_read(int handle, void *to, size_t len);

void semihosting_close(int handle);

/* End the program with this exit status. */
_Noreturn void semihosting_exit(int status);

#endif
