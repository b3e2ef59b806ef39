/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/softhsm.h -- a store of SoftHSM2's in the test's folder (tests/unit/tempdir.h), for tokens that a test makes. */
#ifndef TESTS_UNIT_SOFTHSM_H
#define TESTS_UNIT_SOFTHSM_H

/* Where its module lies. */
const char *softhsm_module(void);

/* A file that its owner alone may read, as PINs are. */
void softhsm_put(const char *name, const char *text);

/* The folder `name`, made, is the store that softhsm2.conf names; so-pin is there, and `pin` in the file pin. */
void softhsm_store(const char *name, const char *pin);

#endif
