/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/swtpm.h -- a software TPM of a test's own: real TPM semantics, its state in a folder. */
#ifndef TESTS_UNIT_SWTPM_H
#define TESTS_UNIT_SWTPM_H

/* Run one with its state in `dir`; the TCTI that reaches it, valid until the next call; NULL: it did not start. */
const char *swtpm_start(const char *dir);

/* End it, as a machine that is switched off. The state stays. */
void swtpm_stop(void);

#endif
