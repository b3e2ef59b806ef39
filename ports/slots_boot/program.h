/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/program.h -- whether a payload is a program that rota-boot can run by itself (SPEC 6.6).
 */
#ifndef PORTS_SLOTS_BOOT_PROGRAM_H
#define PORTS_SLOTS_BOOT_PROGRAM_H

#include "rota/base/err.h"

#include <stdint.h>

#define ROTA_PROGRAM_CLAUSE 6 /* of SPEC 6 */

/* Look at the program that begins at `off` of `fd`. ROTA_ERR_UNSUPPORTED, with what is wrong in *why
 * (static): not ELF, for another machine, no executable, or one that needs an interpreter, whose bytes
 * nobody verified. ROTA_ERR_IO. */
ROTA_MUST_USE enum rota_err rota_program_check(int fd, uint64_t off, const char **why);

#endif
