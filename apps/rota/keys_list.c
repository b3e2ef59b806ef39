/* SPDX-License-Identifier: Apache-2.0 */
/* rota keys list: every key, what it signs, where it is in its life, and who is late. */
#include "apps/rota/fleet_census.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/keys/depends.h"
#include "host/keys/keys.h"

#include <stdio.h>
#include <stdlib.h>

#define BAR 12

static bool json, metrics, all;

static const struct opts_row rows[] = {
	{ "all", NULL, "destroyed keys too", OPTS_FLAG, &all },
	{ "json", NULL, "as JSON, with all keys", OPTS_FLAG, &json },
	{ "metrics", NULL, "as Prometheus reads it (node_exporter's textfile collector)", OPTS_FLAG,
		&metrics },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota keys list [OPTION]...",
	.text = "Shows per key: the first digits of its id, its state after NIST SP 800-57, how "
		"much "
		"of its\n"
		"period is over, when its successor is due, how many files that count carry its "
		"signature, how\n"
		"many devices need it still although its successor came, where it lies, and what "
		"it signs. Devices\n"
		"are counted in the database of [fleet]; one that told nothing needs every key. "
		"Needs no token.",
	.examples = "  rota keys list\n"
		    "  rota keys list --metrics >/var/lib/node_exporter/rota_keys.prom",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* What is shown of the keys. */
struct listed {
	const struct rota_keys *keys;
	unsigned *depends; /* beside each */
	struct rota_census *census; /* NULL: nobody counts */
	uint64_t now;
};

/* Of a destroyed key nobody can say that he needs it. */
static struct rota_census_count count_of(const struct listed *l, const struct rota_key_info *key)
{
	struct rota_census_count count = { 0 };

	if (l->census && key->state != ROTA_KEY_DESTROYED)
		rota_census_of(l->census, key, &count);
	return count;
}

static void print_row(const struct listed *l, size_t n)
{
	const struct rota_key_info *key = rota_keys_at(l->keys, n);
	struct rota_census_count count = count_of(l, key);
	char bar[BAR + 1], left[ROTA_DURATION_LEN] = "-", trouble[96], need[24] = "-";
	uint64_t now = l->now;
	uint64_t used = now > key->from_s ? now - key->from_s : 0;
	uint64_t life = key->until_s > key->from_s ? key->until_s - key->from_s : 1;

	for (size_t i = 0; i < BAR; i++)
		bar[i] = key->until_s && used * BAR >= life * (i + 1) ? '#' : '.';
	bar[BAR] = 0;
	if (key->until_s)
		rota_duration_text(key->replace_s > now ? key->replace_s - now : 0, left);
	if (count.counted)
		snprintf(need, sizeof(need), "%llu", (unsigned long long)count.need);
	rota_keys_trouble_text(key, now, trouble);
	printf("%.16s %-11s [%s] %8s %5u %9s  %-14s %s%s%s%s\n", key->id,
		rota_key_state_text(key->state), bar, left, l->depends[n], need,
		key->owner[0] ? key->owner : "-", key->uses,
		key->compromised ? ", compromised" : "", trouble[0] ? ": " : "", trouble);
}

static void add_time(json_t *object, const char *name, uint64_t at_s)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at_s, text);
	json_object_set_new(object, name, at_s ? json_string(text) : json_null());
}

static json_t *needed_json(const struct listed *l, const struct rota_key_info *key)
{
	struct rota_census_count count = count_of(l, key);

	if (!count.counted)
		return json_null();
	return json_pack("{s:I,s:I,s:I}", "devices", (json_int_t)count.need, "silent",
		(json_int_t)count.silent, "total", (json_int_t)count.total);
}

static json_t *row_json(const struct listed *l, size_t n)
{
	const struct rota_key_info *key = rota_keys_at(l->keys, n);
	char trouble[96];
	json_t *row;

	rota_keys_trouble_text(key, l->now, trouble);
	row = json_pack("{s:b,s:i,s:s,s:s,s:b,s:o,s:s,s:s,s:s,s:s,s:s}", "compromised",
		(int)key->compromised, "depends", (int)l->depends[n], "id", key->id, "label",
		key->label, "named", (int)key->named, "needed", needed_json(l, key), "owner",
		key->owner, "state", rota_key_state_text(key->state), "token", key->token,
		"trouble", trouble, "uses", key->uses);
	add_time(row, "made", key->made_s);
	add_time(row, "from", key->from_s);
	add_time(row, "until", key->until_s);
	add_time(row, "replace", key->replace_s);
	return row;
}

static void print_needed(const struct listed *l)
{
	printf("# HELP rota_key_needed_devices Devices that need a key whose successor came.\n"
	       "# TYPE rota_key_needed_devices gauge\n");
	for (size_t i = 0; i < rota_keys_count(l->keys); i++) {
		const struct rota_key_info *key = rota_keys_at(l->keys, i);
		struct rota_census_count count = count_of(l, key);

		if (count.counted)
			printf("rota_key_needed_devices{id=\"%.16s\",uses=\"%s\"} %llu\n", key->id,
				key->uses, (unsigned long long)count.need);
	}
}

static void print_metrics(const struct listed *l)
{
	const struct rota_keys *k = l->keys;
	uint64_t now = l->now;

	printf("# HELP rota_key_period_end_seconds End of the period of an active key, since "
	       "1970.\n"
	       "# TYPE rota_key_period_end_seconds gauge\n");
	for (size_t i = 0; i < rota_keys_count(k); i++) {
		const struct rota_key_info *key = rota_keys_at(k, i);

		if (key->until_s)
			printf("rota_key_period_end_seconds{id=\"%.16s\",uses=\"%s\"} %llu\n",
				key->id, key->uses, (unsigned long long)key->until_s);
	}
	printf("# HELP rota_key_trouble 0 well, 1 successor due, 2 period over, 3 not active and "
	       "still counts.\n# TYPE rota_key_trouble gauge\n");
	for (size_t i = 0; i < rota_keys_count(k); i++) {
		const struct rota_key_info *key = rota_keys_at(k, i);

		if (key->state != ROTA_KEY_DESTROYED || key->named)
			printf("rota_key_trouble{id=\"%.16s\",uses=\"%s\"} %d\n", key->id,
				key->uses, (int)rota_keys_trouble(key, now));
	}
	if (l->census)
		print_needed(l);
}

static void print_json(const struct listed *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rota_keys_count(l->keys); i++)
		json_array_append_new(list, row_json(l, i));
	json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	printf("\n");
	json_decref(list);
}

static void print_table(const struct listed *l)
{
	printf("key              state        period over  successor files needed by  owner        "
	       "  "
	       "signs\n");
	for (size_t i = 0; i < rota_keys_count(l->keys); i++) {
		const struct rota_key_info *key = rota_keys_at(l->keys, i);

		if (all || key->state != ROTA_KEY_DESTROYED || key->named)
			print_row(l, i);
	}
}

/* Where devices cannot be counted the rest is worth showing. */
static struct rota_census *look_at_fleet(struct session *s)
{
	struct rota_census *census;

	if (fleet_census_open(s, &census) != ROTA_OK)
		fprintf(stderr, "rota: devices are not counted: %s\n", s->why.text);
	return census;
}

static enum rota_err run(struct session *s)
{
	struct listed l = { .now = s->desk.now };
	struct rota_keys *k;

	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	l.keys = k;
	l.depends = rota_keys_depends(&s->dir, k);
	l.census = look_at_fleet(s);
	if (json)
		print_json(&l);
	else if (metrics)
		print_metrics(&l);
	else
		print_table(&l);
	rota_census_free(l.census);
	free(l.depends);
	rota_keys_free(k);
	return ROTA_OK;
}

int verb_keys_list(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (json && metrics)
		return opts_wrong(&usage, "give one of --json and --metrics");
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s));
}
