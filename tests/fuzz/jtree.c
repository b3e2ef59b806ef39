/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/jtree.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 12 /* SPEC 2.1 */
#define INTEGER_MAX ((INT64_C(1) << 53) - 1)

void *jt_take(struct jroom *room, size_t len)
{
	void *at = room->p + room->used;

	len = (len + 15) & ~(size_t)15;
	if (len > room->len - room->used)
		return NULL;
	room->used += len;
	return memset(at, 0, len);
}

/* ---- reading what is written here by hand ---- */

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static struct rota_span take_string(struct jroom *room, const char **at)
{
	size_t len = strcspn(*at + 1, "\""), out = 0;
	uint8_t *copy = must(jt_take(room, len + 1));

	for (const char *c = *at + 1; *c != '"'; c++) {
		bool newline = c[0] == '\\' && c[1] == 'n';

		copy[out++] = newline ? '\n' : (uint8_t)*c;
		c += newline;
	}
	*at += len + 2;
	return rota_span(copy, out);
}

static struct jnode *take_value(struct jroom *room, const char **at);

static void take_children(struct jroom *room, const char **at, struct jnode *parent)
{
	struct jnode **link = &parent->child;

	while (*++*at != ']' && **at != '}') {
		struct rota_span name = { NULL, 0 };

		if (parent->type == JT_OBJECT) {
			name = take_string(room, at);
			++*at;
		}
		*link = take_value(room, at);
		(*link)->name = name;
		link = &(*link)->next;
		if (**at != ',')
			break;
	}
	++*at;
}

static struct jnode *take_value(struct jroom *room, const char **at)
{
	struct jnode *node = must(jt_take(room, sizeof(*node)));

	switch (**at) {
	case '{':
	case '[':
		node->type = **at == '{' ? JT_OBJECT : JT_ARRAY;
		take_children(room, at, node);
		return node;
	case '"':
		node->type = JT_STRING;
		node->text = take_string(room, at);
		return node;
	case 't':
	case 'f':
		node->type = **at == 't' ? JT_TRUE : JT_FALSE;
		*at += **at == 't' ? 4 : 5;
		return node;
	default:
		node->type = JT_INT;
		node->number = strtoll(*at, (char **)(uintptr_t)at, 10);
		return node;
	}
}

struct jnode *jt_parse(struct jroom *room, const char *text)
{
	struct jnode *top = take_value(room, &text);

	if (*text != '\0')
		abort();
	return top;
}

/* ---- looking and copying ---- */

struct jnode *jt_clone(struct jroom *room, const struct jnode *node)
{
	struct jnode *copy = jt_take(room, sizeof(*copy)), **link;

	if (copy == NULL)
		return NULL;
	*copy = *node;
	copy->next = copy->child = NULL;
	link = &copy->child;
	for (const struct jnode *c = node->child; c != NULL; c = c->next) {
		*link = jt_clone(room, c);
		if (*link == NULL)
			return NULL;
		link = &(*link)->next;
	}
	return copy;
}

struct jnode *jt_get_span(const struct jnode *object, struct rota_span name)
{
	if (object == NULL || object->type != JT_OBJECT)
		return NULL;
	for (struct jnode *c = object->child; c != NULL; c = c->next) {
		if (rota_span_eq(c->name, name))
			return c;
	}
	return NULL;
}

struct jnode *jt_get(const struct jnode *object, const char *name)
{
	return jt_get_span(object, rota_span_cstr(name));
}

bool jt_is(const struct jnode *node, const char *text)
{
	return node != NULL && node->type == JT_STRING &&
		rota_span_eq(node->text, rota_span_cstr(text));
}

/* Counts down *n over the matching nodes. */
static struct jnode **seek(struct jnode *top, unsigned *n, int type)
{
	for (struct jnode **link = &top->child; *link != NULL; link = &(*link)->next) {
		struct jnode **below;

		if ((type < 0 || (*link)->type == (enum jtype)type) && (*n)-- == 0)
			return link;
		below = seek(*link, n, type);
		if (below != NULL)
			return below;
	}
	return NULL;
}

struct jnode **jt_nth(struct jnode *top, unsigned n, int type)
{
	unsigned all = UINT32_MAX;

	(void)!seek(top, &all, type);
	all = UINT32_MAX - all; /* so many matched */
	if (all == 0)
		return NULL;
	n %= all;
	return seek(top, &n, type);
}

static bool ascend(struct rota_span a, struct rota_span b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int order = both > 0 ? memcmp(a.p, b.p, both) : 0;

	return order != 0 ? order < 0 : a.len < b.len;
}

static bool sound(const struct jnode *node, unsigned depth)
{
	const struct jnode *before = NULL;

	if (node->type == JT_INT)
		return node->number >= -INTEGER_MAX && node->number <= INTEGER_MAX;
	if (node->type < JT_ARRAY)
		return true;
	if (depth == DEPTH_MAX)
		return false;
	for (const struct jnode *c = node->child; c != NULL; before = c, c = c->next) {
		if (before != NULL && node->type == JT_OBJECT && !ascend(before->name, c->name))
			return false;
		if (!sound(c, depth + 1))
			return false;
	}
	return true;
}

bool jt_sound(const struct jnode *node)
{
	return sound(node, 1); /* the file's own object is around it */
}

/* ---- writing ---- */

struct out {
	uint8_t *p;
	size_t room, len;
	bool canonical;
};

static void put(struct out *o, const char *bytes, size_t len)
{
	if (len > o->room - o->len)
		len = o->room - o->len;
	memcpy(o->p + o->len, bytes, len);
	o->len += len;
}

static void put_string(struct out *o, struct rota_span text)
{
	size_t done = 0;

	put(o, "\"", 1);
	for (size_t i = 0; i < text.len && !o->canonical; i++) {
		if (text.p[i] != '\n')
			continue;
		put(o, (const char *)text.p + done, i - done);
		put(o, "\\n", 2);
		done = i + 1;
	}
	if (done < text.len)
		put(o, (const char *)text.p + done, text.len - done);
	put(o, "\"", 1);
}

static void put_number(struct out *o, int64_t number)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t n = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (number < 0)
		digits[--at] = '-';
	put(o, &digits[at], sizeof(digits) - at);
}

static void put_value(struct out *o, const struct jnode *node)
{
	static const char *const words[] = { "null", "false", "true" };

	if (node->type <= JT_TRUE) {
		put(o, words[node->type], strlen(words[node->type]));
		return;
	}
	if (node->type == JT_INT) {
		put_number(o, node->number);
		return;
	}
	if (node->type == JT_STRING) {
		put_string(o, node->text);
		return;
	}
	put(o, node->type == JT_ARRAY ? "[" : "{", 1);
	for (const struct jnode *c = node->child; c != NULL; c = c->next) {
		if (node->type == JT_OBJECT) {
			put_string(o, c->name);
			put(o, ":", 1);
		}
		put_value(o, c);
		if (c->next != NULL)
			put(o, ",", 1);
	}
	put(o, node->type == JT_ARRAY ? "]" : "}", 1);
}

size_t jt_write(const struct jnode *node, bool canonical, uint8_t *out, size_t room)
{
	struct out o = { out, room, 0, canonical };

	put_value(&o, node);
	return o.len;
}
