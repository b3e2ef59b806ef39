/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/incident.h -- what is to be done when a key is stolen or lost, as tables of steps (SPEC 27).
 *
 * An incident is a table; a step is a command of `rota`, and a question to the state of the authority: is this done? Nobody
 * remembers how far it came, so it goes on wherever it was left, on whatever machine, and a step that a person did by
 * hand counts as well. What cannot be read from the state, since when and which keys, is written down when the incident
 * begins, in DIR/incidents/NAME/record.
 *
 * Commands are run as they are shown: the same words, in a process of their own.
 */
#ifndef APPS_ROTA_INCIDENT_H
#define APPS_ROTA_INCIDENT_H

#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "host/keys/keys.h"

#define INCIDENT_KEYS_MAX 8 /* of one incident: a role has as many signers */
#define INCIDENT_WORDS_MAX 48 /* of a command */
#define INCIDENT_STEPS_MAX 16 /* rows of a table */

/* One key that others know, or that is lost. */
struct incident_key {
	const char *id, *use, *token, *label; /* as they were when it began */
	const char *successor; /* what the new key is called */
	const char *to; /* the token that it is made in */
};

/* What steps are judged by, and filled in from. Texts are those of `record`. */
struct incident_scene {
	const struct incident *what;
	struct session *s;
	json_t *record; /* NULL: not begun */
	struct rota_keys *keys;
	struct incident_key key[INCIDENT_KEYS_MAX];
	size_t key_count;
	size_t at; /* the key that a step for each of them is about */
	bool unasked; /* commands do not ask: of a drill */
	int log; /* where they write instead of the terminal; -1: there */
};

enum incident_where {
	INCIDENT_HERE,
	INCIDENT_PEOPLE, /* on machines of signers, or here where their tokens are */
	INCIDENT_HAND, /* a person fills in the words in capitals */
};

struct incident_step {
	const char *name; /* as docs/playbook.md and reports call it */
	const char *say;
	/* Words between blanks; {name} is filled in (incident_words()). NULL where `act` does it. */
	const char *command;
	/* What no verb does: a line of rota.ini. */
	enum rota_err (*act)(struct incident_scene *);
	bool (*done)(const struct incident_scene *);
	enum incident_where where;
	bool each; /* once for each key */
};

struct incident {
	const char *name, *what;
	const char *uses[4]; /* whose keys these are, NULL-ended */
	bool named; /* --key says which: they are people's */
	const struct incident_step *steps; /* ends with a row without name */
};

/* Those of SPEC 27.1; ends with a row without name. */
extern const struct incident incidents[];

const struct incident *incident_find(const char *name);

/* DIR/incidents/NAME[/FILE]. */
void incident_path(
	const struct incident_scene *c, const char *file, char out[static ROTA_FILE_PATH_MAX]);

/* Read record and keys. `s` stays in use; without a record that is no error. */
ROTA_MUST_USE enum rota_err incident_open(
	struct incident_scene *c, const struct incident *what, struct session *s);
void incident_close(struct incident_scene *c);

/* What --begin was told. */
struct incident_begun {
	const char *reason;
	const struct opts_list *keys, *tokens, *devices, *hardware, *releases;
};

/* Write the record. ROTA_ERR_STATE: one is under way. ROTA_ERR_NOT_FOUND, ROTA_ERR_ARGUMENT: keys that are none of it. */
ROTA_MUST_USE enum rota_err incident_begin(
	struct incident_scene *c, const struct incident_begun *told);

/* All steps are done: the folder gets the name of its day, and another one can begin. */
ROTA_MUST_USE enum rota_err incident_end(struct incident_scene *c);

/* A line for DIR/incidents/log: what was done, when, by whom. */
ROTA_MUST_USE enum rota_err incident_note(struct incident_scene *c, const char *did);

/* Whether all of a step is done: for each key, where it is once for each. */
bool incident_done(struct incident_scene *c, const struct incident_step *step);

/* The first that is not done, with c->at its key; NULL: all are. */
const struct incident_step *incident_next(struct incident_scene *c);

/* The words of a step's command for c->at; each is the caller's to free. 0: it has none. */
size_t incident_words(struct incident_scene *c, const struct incident_step *step,
	char *words[static INCIDENT_WORDS_MAX]);
void incident_words_free(char **words, size_t count);

/* Do it. ROTA_ERR_DENIED: the command failed, and has said why. */
ROTA_MUST_USE enum rota_err incident_do(struct incident_scene *c, const struct incident_step *step);

#endif
