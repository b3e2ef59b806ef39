/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/memory.h -- anonymous memory that payloads are taken into (SPEC 6.6).
 *
 * A payload is written to it as it is hashed, and it is sealed once the verdict is good: nobody, not even its owner, can
 * change it after that, and it is that memory which is executed or handed on.
 */
#ifndef APPS_ROTA_BOOT_MEMORY_H
#define APPS_ROTA_BOOT_MEMORY_H

#include <stdbool.h>

/* Empty, to be written; closed by an exec. data: never to be executed. -1: errno says why. */
int memory_new(bool data);

/* Seal it against every change. What is data is opened anew, for reading and from its first byte, and *fd is that.
 * False: it may not be used; *fd is open all the same. */
bool memory_seal(int *fd, bool data);

#endif
