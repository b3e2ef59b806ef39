/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_diff.h"
#include "host/repo/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff {
	const struct rota_bundle_sink *sink;
	struct rota_bytes path;
};

/* Names of our own alphabet as they are, others as JSON in ASCII: nothing here moves a terminal's cursor. */
static void add_name(struct rota_bytes *path, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._+~=,@/-";
	bool good = *name && strspn(name, plain) == strlen(name);
	json_t *text = good ? NULL : json_string(name);
	char *dumped = text ? json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

	for (char *c = dumped; c && *c; c++)
		if (*c == 0x7F) /* which is no control character to JSON */
			*c = '?';
	if (path->len)
		rota_bytes_add_text(path, " ");
	rota_bytes_add_text(path, good ? name : dumped ? dumped : "?");
	free(dumped);
	json_decref(text);
}

static void compare(struct diff *d, const json_t *was, const json_t *now);

/* The member or element `name` of both. */
static void step(struct diff *d, const char *name, const json_t *was, const json_t *now)
{
	size_t len = d->path.len;

	add_name(&d->path, name);
	compare(d, was, now);
	d->path.len = len;
	d->path.p[len] = 0;
}

/* Members of either, those that were there first. */
static void members(struct diff *d, const json_t *was, const json_t *now)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)was, name, value)
		step(d, name, value, json_object_get(now, name));
	json_object_foreach((json_t *)(uintptr_t)now, name, value) if (!json_object_get(was, name))
		step(d, name, NULL, value);
}

static void elements(struct diff *d, const json_t *was, const json_t *now)
{
	size_t a = json_array_size(was), b = json_array_size(now);

	for (size_t i = 0; i < (a > b ? a : b); i++) {
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		step(d, number, json_array_get(was, i), json_array_get(now, i));
	}
}

static bool is_leaf(const json_t *value)
{
	return value && json_object_size(value) == 0 && json_array_size(value) == 0;
}

/* NULL is what is not there. Values of two kinds are told as one that goes and one that comes. */
static void compare(struct diff *d, const json_t *was, const json_t *now)
{
	bool mixed = was && now && json_typeof(was) != json_typeof(now);

	if (was && now && json_equal(was, now))
		return;
	if (mixed) {
		compare(d, was, NULL);
		compare(d, NULL, now);
	} else if (is_leaf(was) || is_leaf(now)) {
		d->sink->change(d->sink->ctx, (const char *)d->path.p, is_leaf(was) ? was : NULL,
			is_leaf(now) ? now : NULL);
		if (!is_leaf(was) && was)
			compare(d, was, NULL);
		if (!is_leaf(now) && now)
			compare(d, NULL, now);
	} else {
		members(d, was, now);
		elements(d, was, now);
	}
}

/* The text of a target that is new, value by value. */
static void show_text(struct diff *d, const char *path, const json_t *file)
{
	struct rota_fail why;
	json_t *value;

	if (rota_json_parse_strict(rota_span(json_string_value(file), json_string_length(file)),
		    &value, &why) != ROTA_OK)
		abort(); /* the judge has read it */
	step(d, path, NULL, value);
	json_decref(value);
}

void rota_bundle_compare(
	const char *name, const json_t *was, const json_t *now, const struct rota_bundle_sink *sink)
{
	struct diff d = { .sink = sink };

	if (name)
		step(&d, name, was, now);
	else
		compare(&d, was, now);
	rota_bytes_free(&d.path);
}

void rota_bundle_diff(const struct rota_bundle_view *view, const struct rota_bundle_item *item,
	const struct rota_bundle_sink *sink)
{
	struct diff d = { .sink = sink };
	const json_t *before = json_object_get(item->was, "targets");
	const char *path;
	json_t *entry;

	compare(&d, item->was, item->now);
	json_object_foreach(json_object_get(item->now, "targets"), path,
		entry) if (rota_judge_is_read(item->duty, path) &&
		!(json_object_get(before, path) &&
			json_equal(json_object_get(before, path), entry)))
		show_text(&d, path, json_object_get(view->bundle->files, path));
	rota_bytes_free(&d.path);
}
