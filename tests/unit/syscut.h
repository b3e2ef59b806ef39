/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/syscut.h -- end a process at a durable system call.
 *
 * The test program's own write, pwrite, ftruncate, rename, renameat, unlink, unlinkat, mkdir, fsync, fdatasync and syncfs stand
 * in the place of the C library's and count. What is tried runs in a child that ends at the n-th of them: before it, after it, or,
 * where it writes, with the first half of its bytes written. Then the parent looks at what is left.
 */
#ifndef TESTS_UNIT_SYSCUT_H
#define TESTS_UNIT_SYSCUT_H

#include <stdbool.h>

enum syscut_tear { SYSCUT_BEFORE, SYSCUT_HALF, SYSCUT_AFTER, SYSCUT_TEARS };

/* Run `what` in a child and cut it at call `at`, from 1. true: it was cut there; false: it ended before, and
 * what it returned was 0. Anything else ends the program. */
bool syscut_run(unsigned at, enum syscut_tear tear, int (*what)(void *ctx), void *ctx);

/* What a power cut does to files that got their names and were never synced: their bytes are gone. Those of the last child, since
 * syscut_watch_names() was called before it was run. */
void syscut_watch_names(void);
void syscut_lose_unsynced(void);

/* From here on in this process: the next `count` writes of more than 1,000 bytes say that they wrote and do not, as a
 * worn-out card does. */
void syscut_lie(unsigned count);

/* From here on in this process: the next `count` fdatasyncs do nothing and fail with EIO, as where a disk is lost. */
void syscut_fail_syncs(unsigned count);

/* From here on in this process: after `spared` writes and pwrites, or preads, the next `count` do nothing and fail with
 * `error`. Of a count of 0 none does. */
void syscut_fail_writes(unsigned spared, unsigned count, int error);
void syscut_fail_reads(unsigned spared, unsigned count, int error);

/* From here on in this process: after each fsync and fdatasync that went well, do this, as a disk that now has it all. It must
 * write by other calls than those above. NULL: nothing. */
void syscut_synced(void (*what)(int fd));

/* From here on in this process: before each fdatasync, do this too, as another thread could while the first one waits.
 * NULL: nothing. */
void syscut_meanwhile(void (*what)(void));

#endif
