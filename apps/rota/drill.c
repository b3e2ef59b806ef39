/* SPDX-License-Identifier: Apache-2.0 */
/* rota drill: an incident is rehearsed on a copy, and its report is written. */
#include "apps/rota/drill.h"
#include "apps/rota/drill_keys.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEPS_MAX 64 /* of one incident: rows times keys */

static const char *report_dir;
static bool all, json, keep;

static const struct opts_row rows[] = {
	{ "all", NULL, "every incident, one after the other", OPTS_FLAG, &all },
	{ "report", "DIR", "write NAME.json and NAME.txt there", OPTS_TEXT, &report_dir },
	{ "keep", NULL, "leave the copies where they are, and say where", OPTS_FLAG, &keep },
	{ "json", NULL, "print the report as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota drill [OPTION]... --all | NAME",
	.text = "Rehearses an incident on a copy of the authority in memory, with simulated "
		"devices: a thief uses the\n"
		"stolen keys, the steps of rota incident are done, then each device must be well "
		"and each attack\n"
		"refused. Nothing of the authority itself is touched. Its tokens must be "
		"SoftHSM's, "
		"in its own\n"
		"folder: of others there is no copy; rehearse on one that rota init --softhsm "
		"made.",
	.examples = "  rota drill timestamp\n"
		    "  rota drill --all --report drills/2027-01",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 1,
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- devices ---- */

static struct sim_device *device_of(struct drill *d, const struct drill_attack *attack, size_t at)
{
	return &d->fleet->device[attack->on_ci ? DRILL_DEVICES : at];
}

/* Each of production runs the newest release, under the newest root. */
static enum rota_err all_well(struct drill *d)
{
	uint64_t root;

	ROTA_TRY(rota_store_newest(&d->mine.dir, "root", false, &root, &d->why));
	for (size_t i = 0; i < DRILL_DEVICES; i++) {
		struct sim_device *device = &d->fleet->device[i];
		enum sim_end end = drill_poll(d->fleet, device, 0);

		if (end == SIM_IDLE && !device->state.bound.restored) {
			sim_power(device); /* and a boot without anything new: floors are burnt */
			end = drill_poll(d->fleet, device, 0);
		}
		if (d->fleet->keys && !drill_keys_well(d->fleet->keys, device))
			return rota_fail(&d->why, ROTA_ERR_STATE,
				"device %zu does not use the newest data key: %s", i,
				rota_err_str(device->keys_why.err));
		if (end == SIM_IDLE && device->version == (uint64_t)d->major << 56 &&
			device->state.trusted.root.version == root && !device->state.bound.restored)
			continue;
		return rota_fail(&d->why, ROTA_ERR_STATE,
			"device %zu is not well: it runs %u.0.0 of %u.0.0, under root %llu of "
			"%llu%s; %s%s at %.*s",
			i, (unsigned)(device->version >> 56), d->major,
			(unsigned long long)device->state.trusted.root.version,
			(unsigned long long)root,
			device->state.bound.restored ? ", as restored flash" : "",
			device->why ? device->why : "", rota_err_str(device->outcome.why.err),
			(int)device->outcome.step.len, (const char *)device->outcome.step.p);
	}
	return ROTA_OK;
}

/* A new release, as of any day; published twice, as every hour does. */
static enum rota_err operate(struct drill *d)
{
	bool both = strcmp(d->of->name, "image") == 0;

	ROTA_TRY(drill_release(d, d->ours, ++d->major, false, both));
	ROTA_TRY(drill_rota(d, d->ours, "publish", "--all", NULL));
	ROTA_TRY(drill_release(d, d->ours, ++d->major, false, both));
	ROTA_TRY(drill_rota(d, d->ours, "publish", "--all", NULL));
	return drill_reload(d);
}

/* ---- the attacks ---- */

static enum rota_err attack_one(
	struct drill *d, const struct drill_attack *attack, struct sim_device *device)
{
	struct sim_image before;
	bool won = false, wins = attack->wins && !(attack->of_keeper && d->kept);
	enum rota_err err;

	ROTA_TRY(drill_clear_front(d));
	ROTA_TRY(drill_reload(d));
	if (sim_save(device, &before) != ROTA_OK)
		return rota_fail(&d->why, ROTA_ERR_FULL, "no memory for a device's flash");
	err = attack->run(d, device, &won);
	if (attack->scratch)
		sim_restore(device, &before);
	sim_image_free(&before);
	if (err != ROTA_OK)
		return rota_fail_in(&d->why, "attack '%s'", attack->name);
	if (!d->after && won != wins)
		return rota_fail(&d->why, ROTA_ERR_STATE,
			"attack '%s' %s before anything was done%s%s", attack->name,
			won ? "won" : "did not win", won ? "" : "; the drill shows nothing: ",
			won ? "" : rota_err_str(device->outcome.why.err));
	if (d->after && won)
		return rota_fail(&d->why, ROTA_ERR_STATE, "attack '%s' still wins", attack->name);
	d->refused += d->after;
	return ROTA_OK;
}

/* Before, on a device for each; after, on that and on one that the thief never met. */
static enum rota_err attack_all(struct drill *d)
{
	for (size_t i = 0; d->of->attack[i].name; i++) {
		const struct drill_attack *attack = &d->of->attack[i];

		ROTA_TRY(attack_one(d, attack, device_of(d, attack, i)));
		if (d->after)
			ROTA_TRY(
				attack_one(d, attack, device_of(d, attack, DRILL_DEVICES / 2 + i)));
	}
	return ROTA_OK;
}

/* ---- the steps ---- */

/* Of people's keys the first seats are those that were stolen; devices of ci are named. */
static enum rota_err begin_incident(struct drill *d, struct incident_scene *c)
{
	const struct opts_list nothing = { .count = 0 };
	struct opts_list keys = { .count = 0 };
	const struct opts_list hardware = { .at = { DRILL_HARDWARE }, .count = 1 };
	struct opts_list devices = { .count = 0 };
	const struct incident_begun told = { .reason = "drill",
		.keys = &keys,
		.tokens = &nothing,
		.devices = &devices,
		.hardware = &hardware,
		.releases = &nothing };
	const struct rota_party *party = d->incident->uses[0]
		? rota_authdir_party(&d->mine.dir, d->incident->uses[0])
		: NULL;
	char id[ROTA_DEVICE_ID_LEN + 1];

	for (size_t i = 0; i < rota_keys_count(c->keys) && d->incident->named; i++) {
		const struct rota_key_info *key = rota_keys_at(c->keys, i);

		for (unsigned n = 0; n < d->of->stolen; n++)
			if (strcmp(key->token, party->seats[n].token->name) == 0 &&
				strcmp(key->label, party->seats[n].key) == 0 && key->named)
				keys.at[keys.count++] = key->id;
	}
	if (strcmp(d->incident->name, "ci") == 0) {
		snprintf(id, sizeof(id), "%.*s", ROTA_DEVICE_ID_LEN,
			(const char *)d->fleet->device[DRILL_DEVICES].what.id.p);
		devices.at[devices.count++] = id;
	}
	return incident_begin(c, &told);
}

static void note_step(struct drill *d, const struct incident_step *step, uint64_t from_ms)
{
	json_array_append_new(d->steps,
		json_pack("{s:s,s:f,s:s}", "name", step->name, "seconds",
			(double)(now_ms() - from_ms) / 1000, "what", step->say));
}

/* One step, or the end: *over. */
static enum rota_err step_once(struct drill *d, bool *over)
{
	uint64_t from_ms = now_ms();
	const struct incident_step *step;
	struct incident_scene c;
	enum rota_err err;
	bool begun;

	ROTA_TRY(drill_reload(d));
	if (incident_open(&c, d->incident, &d->mine) != ROTA_OK) {
		d->why = d->mine.why;
		return d->why.err;
	}
	c.unasked = true;
	c.log = d->log;
	begun = c.record != NULL;
	step = begun ? incident_next(&c) : NULL;
	if (!begun)
		err = begin_incident(d, &c);
	else if (!step)
		err = incident_end(&c);
	else if (step->where == INCIDENT_HAND)
		err = d->of->mend(d, step);
	else
		err = incident_do(&c, step);
	*over = begun && !step;
	if (step)
		note_step(d, step, from_ms);
	incident_close(&c);
	if (err != ROTA_OK && d->mine.why.err == err)
		d->why = d->mine.why;
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&d->why, "see %s/log", d->base);
}

static enum rota_err do_steps(struct drill *d)
{
	bool over = false;

	for (int i = 0; i < STEPS_MAX && !over; i++)
		ROTA_TRY(step_once(d, &over));
	if (!over)
		return rota_fail(&d->why, ROTA_ERR_STATE,
			"the steps of incident %s lead nowhere: the last one is done again and "
			"again",
			d->incident->name);
	return drill_reload(d);
}

/* ---- the whole ---- */

static enum rota_err first_device(struct drill *d)
{
	enum rota_err err = drill_first_major(d);
	char *image = rota_text("%s/%u.img", d->base, d->major);

	if (err == ROTA_OK)
		err = drill_add(d, d->ours, d->major, false, false);
	if (err == ROTA_OK)
		err = drill_fleet_make(d->fleet, &d->mine.dir, image, &d->why);
	if (err == ROTA_OK)
		drill_honest_clock(d);
	free(image);
	return err;
}

static enum rota_err rehearse(struct drill *d, const char *authority)
{
	ROTA_TRY(drill_begin(d, authority));
	ROTA_TRY(first_device(d));
	ROTA_TRY(operate(d));
	ROTA_TRY(all_well(d));
	if (d->of->prepare)
		ROTA_TRY(d->of->prepare(d));
	ROTA_TRY(drill_steal(d));
	ROTA_TRY(attack_all(d));
	d->begun_ms = now_ms();
	ROTA_TRY(do_steps(d));
	d->begun_ms = now_ms() - d->begun_ms;
	d->after = true;
	ROTA_TRY(operate(d));
	ROTA_TRY(all_well(d));
	ROTA_TRY(attack_all(d));
	ROTA_TRY(operate(d));
	return all_well(d);
}

/* ---- the report ---- */

static json_t *report(const struct drill *d, bool well)
{
	char at[ROTA_WHEN_LEN];

	rota_when_text(rota_when_now(), at);
	return json_pack("{s:s,s:i,s:i,s:s,s:i,s:f,s:O,s:b,s:s*}", "at", at, "devices",
		DRILL_DEVICES + 1, "format", 1, "incident", d->incident->name, "refused_attacks",
		(int)d->refused, "seconds", (double)d->begun_ms / 1000, "steps", d->steps, "well",
		(int)well, "wrong", well ? NULL : d->why.text);
}

static void add_text(const json_t *whole, struct rota_bytes *to)
{
	const json_t *step;
	size_t i;

	rota_bytes_print(to,
		"drill %s, %s: %s after %.1f s of steps; %lld attacks refused, %lld devices\n",
		json_string_value(json_object_get(whole, "incident")),
		json_string_value(json_object_get(whole, "at")),
		json_is_true(json_object_get(whole, "well")) ? "well" : "NOT WELL",
		json_real_value(json_object_get(whole, "seconds")),
		(long long)json_integer_value(json_object_get(whole, "refused_attacks")),
		(long long)json_integer_value(json_object_get(whole, "devices")));
	json_array_foreach(json_object_get(whole, "steps"), i, step)
	{
		rota_bytes_print(to, "  %6.1f s  %-14s %s\n",
			json_real_value(json_object_get(step, "seconds")),
			json_string_value(json_object_get(step, "name")),
			json_string_value(json_object_get(step, "what")));
	}
}

static enum rota_err write_one(
	const char *name, const char *end, struct rota_span text, struct rota_fail *why)
{
	char *path = rota_text("%s/%s.%s", report_dir, name, end);
	enum rota_err err = rota_file_write(path, text, 0644, why);

	free(path);
	return err;
}

static enum rota_err tell(const struct drill *d, const json_t *whole, struct rota_fail *why)
{
	char *dump = json_dumps(whole, JSON_SORT_KEYS | JSON_INDENT(2));
	struct rota_bytes text = { 0 };
	enum rota_err err = ROTA_OK;

	add_text(whole, &text);
	printf("%s%s", json ? dump : (const char *)text.p, json ? "\n" : "");
	fflush(stdout);
	if (report_dir)
		err = rota_file_mkdirs(report_dir, 0755, why);
	if (report_dir && err == ROTA_OK)
		err = write_one(d->incident->name, "json", rota_span_cstr(dump), why);
	if (report_dir && err == ROTA_OK)
		err = write_one(d->incident->name, "txt", rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	free(dump);
	return err;
}

static void clean(struct drill *d)
{
	if (d->mine_open)
		session_drop(&d->mine);
	if (d->thief_open)
		session_drop(&d->thief);
	drill_keys_free(d->fleet->keys);
	drill_fleet_free(d->fleet);
	drill_keeper_end(d);
	if (d->log >= 0)
		close(d->log);
	if (keep || d->why.err != ROTA_OK)
		fprintf(stderr, "rota: the copies are in %s\n", d->base);
	else if (d->base)
		rota_file_remove_tree(d->base);
	json_decref(d->steps);
	free(d->fleet);
	free(d->base);
	free(d->ours);
	free(d->stolen);
	free(d->front);
}

static int drill_one(const char *authority, const struct drill_case *of)
{
	struct drill d = { .of = of, .incident = incident_find(of->name), .log = -1 };
	json_t *whole;
	enum rota_err err;

	d.fleet = calloc(1, sizeof(*d.fleet));
	d.steps = json_array();
	if (!d.fleet || !d.steps)
		abort();
	if (of->keyed)
		d.fleet->keys = drill_keys_new();
	err = rehearse(&d, authority);
	d.why.err = err;
	whole = report(&d, err == ROTA_OK);
	if (err == ROTA_OK)
		err = tell(&d, whole, &d.why);
	else
		rota_fail_in(&d.why, "drill %s", of->name);
	json_decref(whole);
	if (err != ROTA_OK)
		say_fail(&d.why);
	clean(&d);
	return err == ROTA_OK ? 0 : 1;
}

int verb_drill(int argc, char **argv)
{
	int at, status, worst = 0;
	const char *name;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	name = at < argc ? argv[at] : NULL;
	if (all == (name != NULL))
		return opts_wrong(&usage, "give a NAME, or --all");
	if (name && !incident_find(name))
		return opts_wrong(
			&usage, "there is no incident %s; rota incident lists them", name);
	for (const struct drill_case *c = drill_cases; c->name; c++) {
		if (name && strcmp(c->name, name) != 0)
			continue;
		status = drill_one(verb_dir(), c);
		worst = status > worst ? status : worst;
	}
	return worst;
}
