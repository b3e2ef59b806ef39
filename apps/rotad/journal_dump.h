/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/journal_dump.h -- look at a journal from outside, also while rotad writes it. Both give an exit
 * status and print errors as one line. */
#ifndef APPS_ROTAD_JOURNAL_DUMP_H
#define APPS_ROTAD_JOURNAL_DUMP_H

/* Each record as a line of JSON on standard output. */
int journal_dump(const char *dir);

/* Read all of it; a line of counts, or segment and offset of the damage. */
int journal_check(const char *dir);

#endif
