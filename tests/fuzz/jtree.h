/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/jtree.h -- JSON values as trees that a fuzzer can cut and graft, and write in the one spelling.
 *
 * Nodes and texts live in a room that is given up as a whole. A tree is written as it stands: one with names out of
 * order or twice is written so, and jt_sound() says that no reader may take it. Nothing of rota/codec is used, so
 * that a mistake there does not hide.
 */
#ifndef TESTS_FUZZ_JTREE_H
#define TESTS_FUZZ_JTREE_H

#include "rota/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jroom {
	uint8_t *p;
	size_t len;
	size_t used;
};

enum jtype { JT_NULL, JT_FALSE, JT_TRUE, JT_INT, JT_STRING, JT_ARRAY, JT_OBJECT };

struct jnode {
	enum jtype type;
	int64_t number;
	struct rota_span name; /* in an object */
	struct rota_span text; /* of a string, control characters raw */
	struct jnode *child;
	struct jnode *next;
};

/* `len` zeroed bytes, aligned; NULL when the room is used up. */
void *jt_take(struct jroom *room, size_t len);

/* A NUL-terminated text of ours, written canonically; anything else aborts. */
struct jnode *jt_parse(struct jroom *room, const char *text);

/* A deep copy; NULL when the room is used up. */
struct jnode *jt_clone(struct jroom *room, const struct jnode *node);

struct jnode *jt_get(const struct jnode *object, const char *name);
struct jnode *jt_get_span(const struct jnode *object, struct rota_span name);
bool jt_is(const struct jnode *node, const char *text);

/* The n-th node below `top` in the order of the text, modulo their number, as the link that holds it; of one
 * type, or of any (type < 0). NULL: there is none. */
struct jnode **jt_nth(struct jnode *top, unsigned n, int type);

/* Whether the names of all objects ascend strictly and integers are within 2^53 - 1 (SPEC 2.1). */
bool jt_sound(const struct jnode *node);

/* The file's bytes, or with `canonical` those that are signed (SPEC 2.3). Cut at `room`. */
size_t jt_write(const struct jnode *node, bool canonical, uint8_t *out, size_t room);

#endif
