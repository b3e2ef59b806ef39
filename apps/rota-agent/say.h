/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/say.h -- what the agent says on standard output.
 *
 * One line per step: a word, then key=value, values in quotes where they hold more than a word:
 *
 *     refused step=timestamp role=timestamp clause="TUF 5.4.4" reason="past its expiry"
 *
 * or, as JSON, one object per line with the word as "line". A transfer has a progress bar where standard
 * output is a terminal and nothing where it is not.
 */
#ifndef APPS_ROTA_AGENT_SAY_H
#define APPS_ROTA_AGENT_SAY_H

#include <stdbool.h>
#include <stdint.h>

struct say_field {
	const char *key;
	const char *value; /* NULL or "": the field is left out */
};

void say_begin(bool json, bool verbose);

/* A line; `fields` ends with one without key. NULL: none. */
void say(const char *word, const struct say_field *fields);

/* The same, only where --verbose was given. */
void say_more(const char *word, const struct say_field *fields);

/* The bar of a transfer, whose first `from` bytes are there already. */
void say_progress_begin(const char *what, uint64_t from);
void say_progress(uint64_t done, uint64_t all);
/* Take the bar away. */
void say_progress_end(void);

#endif
