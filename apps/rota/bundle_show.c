/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/bundle_show.h"
#include "host/base/when.h"
#include "host/repo/bundle_diff.h"
#include "host/repo/metadata.h"

#include <stdio.h>
#include <stdlib.h>

/* A value as JSON in ASCII: nothing of it moves the cursor or turns the line around. The caller frees. */
static char *plain(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);

	if (!text)
		abort();
	for (char *c = text; *c; c++)
		if (*c == 0x7F)
			*c = '?';
	return text;
}

static void print_value(char mark, const char *path, const json_t *value)
{
	char *text = plain(value);

	printf("  %c %s = %s\n", mark, path, text);
	free(text);
}

void bundle_show_change(const char *path, const json_t *was, const json_t *now)
{
	if (was)
		print_value('-', path, was);
	if (now)
		print_value('+', path, now);
}

void bundle_show_text(const char *name, const char *text)
{
	json_t *value = json_string(text);
	char *out = plain(value);

	printf("  %s %s\n", name, out);
	free(out);
	json_decref(value);
}

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	json_t *list = ctx, *one;

	if (list) {
		one = json_pack("{s:s}", "path", path);
		if (was)
			json_object_set(one, "was", (json_t *)(uintptr_t)was);
		if (now)
			json_object_set(one, "now", (json_t *)(uintptr_t)now);
		json_array_append_new(list, one);
		return;
	}
	bundle_show_change(path, was, now);
}

static void print_head(const struct rota_bundle_item *item, const char *hex, uint64_t left_s)
{
	char left[ROTA_DURATION_LEN];

	rota_duration_text(left_s, left);
	printf("role %s, version %llu after %llu, expires in %s\n", item->role,
		(unsigned long long)rota_chain_version(item->now),
		(unsigned long long)rota_chain_version(item->was), left);
	printf("  SHA-256 that is signed: %s\n", hex);
	for (size_t i = 0; i < item->who_count; i++)
		printf("  signatures%s: %u of %u\n", i ? " under the new keys" : "",
			rota_bundle_have(item, i), item->who[i].threshold);
}

/* One item; as JSON an object, else NULL. */
static json_t *show_item(const struct rota_bundle_view *view, const struct rota_bundle_item *item,
	uint64_t now, bool json)
{
	json_t *changes = json ? json_array() : NULL;
	const struct rota_bundle_sink sink = { .ctx = changes, .change = on_change };
	char hex[ROTA_DIGEST_HEX];
	uint64_t issued, expires;

	rota_hex(ROTA_SPAN(item->digest), hex);
	if (!json && rota_metadata_times(item->now, &issued, &expires))
		print_head(item, hex, expires - now);
	rota_bundle_diff(view, item, &sink);
	if (!json)
		return NULL;
	return json_pack("{s:o,s:b,s:s,s:s,s:i,s:i,s:I}", "changes", changes, "complete",
		(int)rota_bundle_complete(item), "digest", hex, "role", item->role, "signatures",
		(int)json_array_size(item->signatures), "threshold",
		(int)item->who[item->who_count - 1].threshold, "version",
		(json_int_t)rota_chain_version(item->now));
}

void bundle_show(const struct rota_bundle_view *view, uint64_t now, bool json)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->count; i++)
		json_array_append_new(list, show_item(view, &view->items[i], now, json));
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	fflush(stdout);
	json_decref(list);
}
