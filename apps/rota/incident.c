/* SPDX-License-Identifier: Apache-2.0 */
/* rota incident: how far it is, what is next, and doing it. */
#include "apps/rota/incident.h"
#include "apps/rota/verb.h"

#include <stdio.h>
#include <string.h>

static const char *reason;
static struct opts_list keys, tokens, devices, hardware, releases;
static bool begin, act, json;

static const struct opts_row rows[] = {
	{ "begin", NULL, "it has happened: write down since when, and which keys", OPTS_FLAG,
		&begin },
	{ "reason", "TEXT", "what happened, with --begin; it is kept with every key", OPTS_TEXT,
		&reason },
	{ "key", "ID",
		"with --begin: a key that others know or that is lost; may repeat (default, of "
		"keys that machines use: all of the role)",
		OPTS_LIST, &keys },
	{ "token", "NAME",
		"with --begin: where the new key is made; may repeat, in the order of the keys "
		"(default: where the old one is)",
		OPTS_LIST, &tokens },
	{ "hardware", "NAME", "with --begin: hardware ids that an order is for; may repeat",
		OPTS_LIST, &hardware },
	{ "device", "ID", "with --begin, of ci: devices that an order is for; may repeat",
		OPTS_LIST, &devices },
	{ "release", "DIGEST",
		"with --begin, of releases: SHA-256 of a release.json to withdraw; may repeat",
		OPTS_LIST, &releases },
	{ "do", NULL, "do the next step; after the last one the incident is put away", OPTS_FLAG,
		&act },
	{ "json", NULL, "print it as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota incident [OPTION]... [NAME]",
	.text = "Leads through what has to be done when a key is stolen or lost. Whether a step is "
		"done is judged\n"
		"from the state of the authority, so that it goes on wherever it was left. Without "
		"NAME it says\n"
		"which incidents there are. docs/playbook.md has the same steps; rota drill "
		"rehearses them.",
	.examples = "  rota incident\n"
		    "  rota incident --begin --reason 'server broken into' timestamp\n"
		    "  rota incident --do timestamp\n"
		    "  rota incident --begin --reason 'token stolen' --key 3f9a01c2 --token root-4 "
		    "root-below",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

const struct incident *incident_find(const char *name)
{
	for (const struct incident *i = incidents; i->name; i++)
		if (strcmp(i->name, name) == 0)
			return i;
	return NULL;
}

/* ---- steps ---- */

bool incident_done(struct incident_scene *c, const struct incident_step *step)
{
	size_t count = step->each ? c->key_count : 1;

	if (!c->record)
		return false;
	for (c->at = 0; c->at < count; c->at++)
		if (!step->done(c))
			return false;
	return true;
}

const struct incident_step *incident_next(struct incident_scene *c)
{
	for (const struct incident_step *step = c->what->steps; step->name; step++)
		if (!incident_done(c, step))
			return step;
	return NULL;
}

/* ---- showing ---- */

static const char *const where_text[] = {
	[INCIDENT_HERE] = "here", [INCIDENT_PEOPLE] = "people", [INCIDENT_HAND] = "hand"
};

/* As a shell takes it: what may mean something to it stands in quotes, and a quote by itself. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._+@:,=-";

	if (*word && word[strspn(word, plain)] == 0) {
		printf(" %s", word);
		return;
	}
	printf(" '");
	for (; *word; word++)
		if (*word == '\'')
			printf("'\\''");
		else
			putchar(*word);
	printf("'");
}

static void print_command(char *const *words, size_t count)
{
	printf("             rota");
	for (size_t i = 0; i < count; i++)
		print_word(words[i]);
	printf("\n");
}

static void print_step(
	struct incident_scene *c, const struct incident_step *step, const char *state)
{
	char *words[INCIDENT_WORDS_MAX];
	size_t count;

	printf("%-5s %-14s %s\n", state, step->name, step->say);
	if (strcmp(state, "next") != 0)
		return;
	count = incident_words(c, step, words);
	if (count)
		print_command(words, count);
	incident_words_free(words, count);
}

static json_t *step_json(
	struct incident_scene *c, const struct incident_step *step, const char *state)
{
	char *words[INCIDENT_WORDS_MAX];
	size_t count = incident_words(c, step, words);
	json_t *command = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(command, json_string(words[i]));
	incident_words_free(words, count);
	return json_pack("{s:o,s:b,s:s,s:s,s:s,s:s}", "command", command, "each", (int)step->each,
		"name", step->name, "say", step->say, "state", state, "where",
		where_text[step->where]);
}

static void show(struct incident_scene *c)
{
	const char *at = json_string_value(json_object_get(c->record, "at"));
	json_t *list = json_array(), *whole;
	bool next = true;

	if (!json && at)
		printf("%s: %s; since %s\n", c->what->name, c->what->what, at);
	else if (!json)
		printf("%s: %s; not begun, rota incident --begin --reason TEXT %s begins it\n",
			c->what->name, c->what->what, c->what->name);
	for (const struct incident_step *step = c->what->steps; step->name; step++) {
		/* what is published now lacks what the steps before it will have made */
		bool early = !next && strcmp(step->name, "publish") == 0;
		bool done = !early && incident_done(c, step);
		const char *state = done ? "done" : next && c->record ? "next" : "rest";

		next &= done;
		if (json)
			json_array_append_new(list, step_json(c, step, state));
		else
			print_step(c, step, state);
	}
	whole = json_pack("{s:s?,s:s,s:o,s:s}", "begun", at, "incident", c->what->name, "steps",
		list, "what", c->what->what);
	if (json) {
		json_dumpf(whole, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(whole);
}

static int list_all(void)
{
	json_t *list = json_array();

	for (const struct incident *i = incidents; i->name; i++) {
		if (json)
			json_array_append_new(
				list, json_pack("{s:s,s:s}", "incident", i->name, "what", i->what));
		else
			printf("%-11s %s\n", i->name, i->what);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
	return 0;
}

/* ---- doing ---- */

static enum rota_err do_next(struct incident_scene *c)
{
	const struct incident_step *step = incident_next(c);

	if (!c->record)
		return rota_fail(&c->s->why, ROTA_ERR_STATE,
			"it has not begun: rota incident --begin --reason TEXT %s", c->what->name);
	if (!step) {
		ROTA_TRY(incident_end(c));
		printf("%s: all is done; it is over\n", c->what->name);
		return ROTA_OK;
	}
	print_step(c, step, "next");
	if (step->where == INCIDENT_HAND)
		return rota_fail(&c->s->why, ROTA_ERR_ARGUMENT,
			"step %s: fill in the words in capitals, and run it yourself", step->name);
	return incident_do(c, step);
}

static enum rota_err run(struct session *s, const struct incident *what)
{
	const struct incident_begun told = { .reason = reason,
		.keys = &keys,
		.tokens = &tokens,
		.devices = &devices,
		.hardware = &hardware,
		.releases = &releases };
	struct incident_scene c;
	enum rota_err err;

	ROTA_TRY(incident_open(&c, what, s));
	err = begin ? incident_begin(&c, &told) : ROTA_OK;
	if (err == ROTA_OK && begin) {
		incident_close(&c);
		ROTA_TRY(incident_open(&c, what, s));
	}
	if (err == ROTA_OK && act)
		err = do_next(&c);
	else if (err == ROTA_OK)
		show(&c);
	incident_close(&c);
	return err;
}

static int check(const struct incident *what)
{
	if (begin && act)
		return opts_wrong(&usage, "give one of --begin and --do");
	if (!begin &&
		(reason || keys.count || tokens.count || devices.count || hardware.count ||
			releases.count))
		return opts_wrong(&usage, "what happened is said with --begin");
	if (!begin)
		return 0;
	if (!reason || !*reason || strlen(reason) > ROTA_KEYS_TEXT_MAX)
		return opts_wrong(
			&usage, "--reason TEXT is needed: 1 to %d bytes", ROTA_KEYS_TEXT_MAX);
	if (what->named && !keys.count)
		return opts_wrong(&usage, "--key ID is needed: whose? rota keys list shows them");
	if (strncmp(what->name, "root-", 5) == 0 && strcmp(what->name, "root-below") != 0 &&
		!hardware.count)
		return opts_wrong(&usage, "--hardware NAME is needed: an order says for which");
	return 0;
}

int verb_incident(int argc, char **argv)
{
	const struct incident *what;
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (at == argc)
		return begin || act ? opts_wrong(&usage, "which incident?") : list_all();
	what = incident_find(argv[at]);
	if (!what)
		return opts_wrong(
			&usage, "there is no incident %s; rota incident lists them", argv[at]);
	status = check(what);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), begin ? SESSION_WRITE : SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, what));
}
