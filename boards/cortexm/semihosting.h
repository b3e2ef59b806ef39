/* SPDX-License-Identifier: Apache-2.0 */
/* boards/cortexm/semihosting.h -- a debugger's or QEMU's console and exit status, by Arm's semihosting
 * (Arm IHI 0105, "Semihosting for AArch32 and AArch64"). Without a debugger attached these calls fault.
 */
#ifndef BOARDS_CORTEXM_SEMIHOSTING_H
#define BOARDS_CORTEXM_SEMIHOSTING_H

/* A NUL-terminated string to the console. */
void semihosting_write(const char *text);

/* End the program with this exit status. */
_Noreturn void semihosting_exit(int status);

#endif
