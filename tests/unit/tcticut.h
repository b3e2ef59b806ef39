/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tcticut.h -- somebody on the bus between a program and its TPM.
 *
 * A TCTI that tpm2-tss loads by its path, over another one: "PATH:swtpm:path=...". It keeps all that passes, can stop
 * after so many commands as if the program had been killed there, and can put other bytes into answers. After each
 * command it asks the TPM itself how many objects and sessions are loaded.
 */
#ifndef TESTS_UNIT_TCTICUT_H
#define TESTS_UNIT_TCTICUT_H

#include <stdbool.h>
#include <stddef.h>

/* From now on: `after` commands pass, the next is not sent, nor any later one. 0: all pass. Nothing has passed yet, and
 * nothing is replaced. */
void tcticut_begin(unsigned after);

unsigned tcticut_commands(void); /* that passed */
unsigned tcticut_objects(void); /* most transient objects that were loaded after any of them */
unsigned tcticut_sessions(void);
bool tcticut_overflowed(void); /* more passed than is kept */

/* Whether these bytes passed, in a command or an answer. */
bool tcticut_saw(const void *bytes, size_t len);

/* In each answer put `to` wherever it has `from`. Both outlive their use. */
void tcticut_replace(const void *from, const void *to, size_t len);

#endif
