/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tempdir.h -- one folder of a test's own, empty at each tempdir_fresh(). */
#ifndef TESTS_UNIT_TEMPDIR_H
#define TESTS_UNIT_TEMPDIR_H

#include <stdbool.h>
#include <stddef.h>

/* Its path; the one before is removed with all that is in it. */
const char *tempdir_fresh(void);
void tempdir_remove(void);

/* Path of a file in it, valid until the next call. */
const char *tempdir_path(const char *name);

void tempdir_put(const char *name, const char *text);
/* The file's text, valid until the next call; NULL: there is no such file. */
const char *tempdir_get(const char *name);

size_t tempdir_count(void); /* files in it */

#endif
