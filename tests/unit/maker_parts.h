/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/maker_parts.h -- what the files of the maker of repositories (repo_maker.h) have of each other; tests do not
 * see it. */
#ifndef TESTS_UNIT_MAKER_PARTS_H
#define TESTS_UNIT_MAKER_PARTS_H

#include "tests/unit/repo_maker.h"

/* ---- maker_keys.c ---- */

/* The canonical bytes of text in which a newline is the only escape. */
struct maker_bytes maker_canonical(const char *text);

/* A key's id, and the key object of the pair that stands behind it, as text. */
const char *maker_key_id(int key);
const char *maker_key_object(int key);

/* ---- maker_meta.c ---- */

/* What a role's file says: the value of `signed`. */
void maker_put_signed(struct maker_text *t, struct maker *m, int role);

#endif
