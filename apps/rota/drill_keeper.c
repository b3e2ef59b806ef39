/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper of a drill: rota-signd --keeper beside the copy, with a token and officers that are made for it. The real one is asked for
 * nothing: what it gave to a drill it would not have for the real series. */
#include "apps/rota/daemon.h"
#include "apps/rota/drill.h"
#include "apps/rota/sibling.h"
#include "host/repo/ahead.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_S 60
#define STOP_S 50
#define TICK_MS 10
#define OFFICERS 2
#define OFFICER_KEY "drill-officer"

char *drill_keeper_socket(const struct drill *d)
{
	return rota_text("%s/keeper/sock", d->base);
}

/* ---- officers ---- */

/* Two of the copy's offline tokens get a key for approvals, and rota.ini names them. */
static enum rota_err make_officers(struct drill *d)
{
	const struct rota_party *people = rota_authdir_party(&d->mine.dir, "targets");
	char *path = rota_text("%s/rota.ini", d->ours), *section;
	const char *name[OFFICERS];
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < OFFICERS && err == ROTA_OK; i++) {
		if (i >= people->seat_count) {
			err = rota_fail(&d->why, ROTA_ERR_STATE,
				"targets has fewer than %d signers: no tokens for officers",
				OFFICERS);
			break;
		}
		name[i] = people->seats[i].token->name;
		err = drill_rota(d, d->ours, "keys", "make", "--token", name[i], "--label",
			OFFICER_KEY, "--use", "approval", NULL);
	}
	if (err == ROTA_OK) {
		section = rota_text("\n[keys approval]\nsigners = %s:" OFFICER_KEY
				    " %s:" OFFICER_KEY "\n",
			name[0], name[1]);
		err = rota_file_append(path, rota_span_cstr(section), 0644, &d->why);
		free(section);
	}
	free(path);
	return err == ROTA_OK ? drill_reload(d) : err;
}

static enum rota_err add_officers(struct drill *d, struct rota_bytes *ini)
{
	const struct rota_party *party = rota_authdir_party(&d->mine.dir, "approval");

	if (!party) {
		ROTA_TRY(make_officers(d));
		party = rota_authdir_party(&d->mine.dir, "approval");
	}
	if (!party || party->seat_count < OFFICERS)
		return rota_fail(&d->why, ROTA_ERR_STATE,
			"[keys approval] names fewer than %d officers; an emergency takes %d "
			"(SPEC 23.9)",
			OFFICERS, OFFICERS);
	for (size_t i = 0; i < party->seat_count; i++) {
		uint8_t point[ROTA_P256_KEY_LEN];
		char hex[2 * ROTA_P256_KEY_LEN + 1];

		ROTA_TRY(rota_tokens_public(&d->mine.tokens, &party->seats[i], point, &d->why));
		rota_hex(ROTA_SPAN(point), hex);
		rota_bytes_print(ini, "[officer o%zu]\nkey = %s\n", i + 1, hex);
	}
	return ROTA_OK;
}

/* ---- settings and token ---- */

static enum rota_err write_text(struct drill *d, const char *name, const char *text)
{
	char *path = rota_text("%s/%s", d->keeper.folder, name);
	enum rota_err err = rota_file_write(path, rota_span_cstr(text), 0600, &d->why);

	free(path);
	return err;
}

static enum rota_err write_pin(struct drill *d, const char *name)
{
	uint8_t raw[12];
	char pin[2 * sizeof(raw) + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return rota_fail(&d->why, ROTA_ERR_IO, "the system gives no random bytes");
	rota_hex(ROTA_SPAN(raw), pin);
	return write_text(d, name, pin);
}

static enum rota_err make_folder(struct drill *d)
{
	const char *const parts[] = { "store", "kept" };
	char *conf = rota_text("directories.tokendir = %s/store\nobjectstore.backend = file\n"
			       "log.level = ERROR\n",
		d->keeper.folder);
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && err == ROTA_OK; i++) {
		char *part = rota_text("%s/%s", d->keeper.folder, parts[i]);

		err = rota_file_mkdirs(part, 0700, &d->why);
		free(part);
	}
	if (err == ROTA_OK)
		err = write_text(d, "softhsm2.conf", conf);
	if (err == ROTA_OK)
		err = write_pin(d, "pin");
	if (err == ROTA_OK)
		err = write_pin(d, "so-pin");
	free(conf);
	return err;
}

static enum rota_err write_settings(struct drill *d)
{
	const char *folder = d->keeper.folder;
	struct rota_bytes ini = { 0 };
	enum rota_err err;

	rota_bytes_print(&ini,
		"[keeper]\ndir = %s/kept\nsocket = %s/sock\nproduct = %s\nclient = %u\n\n", folder,
		folder, d->mine.dir.product, (unsigned)geteuid());
	rota_bytes_print(&ini,
		"[token]\nmodule = %s\nlabel = keeper\npin_file = %s/pin\nso_pin_file = %s/so-pin\n"
		"environment = SOFTHSM2_CONF=%s/softhsm2.conf\n\n[emergency]\napprovals = %d\n\n",
		d->mine.dir.tokens[0].module, folder, folder, folder, OFFICERS);
	err = add_officers(d, &ini);
	if (err == ROTA_OK)
		err = rota_file_write(d->keeper.ini, rota_bytes_span(&ini), 0600, &d->why);
	rota_bytes_free(&ini);
	return err;
}

/* ---- the process ---- */

static enum rota_err make_token(struct drill *d)
{
	struct drill_keeper *k = &d->keeper;
	int status = 0;

	k->argv[3] = "--make";
	ROTA_TRY(serve_child_run(&k->child, &status, &d->why));
	k->argv[3] = NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ROTA_OK;
	return rota_fail(
		&d->why, ROTA_ERR_STATE, "rota-signd --keeper --make failed; see %s", k->log);
}

static enum rota_err wait_ready(struct drill *d)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	char *socket = drill_keeper_socket(d);
	bool ready = false;

	for (int i = 0; i < READY_S * 1000 / TICK_MS && !ready; i++) {
		if (serve_child_ended(&d->keeper.child))
			break;
		ready = daemon_listens(socket);
		if (!ready)
			nanosleep(&tick, NULL);
	}
	free(socket);
	return ready ? ROTA_OK
		     : rota_fail(&d->why, ROTA_ERR_STATE, "the drill's keeper does not run; see %s",
			       d->keeper.log);
}

/* ---- the whole ---- */

/* A series that is under way has its roots with the real keeper, who is not asked. */
static enum rota_err check_ahead(struct drill *d)
{
	struct rota_ahead ahead;
	bool ends = false, sealed = false;

	for (const struct incident_step *step = d->incident->steps; step->name; step++)
		ends |= strcmp(step->name, "end-series") == 0;
	ROTA_TRY(rota_ahead_open(&d->mine.dir, &ahead, &d->why));
	for (size_t i = 0; i < ahead.timeline.count; i++)
		sealed |= !ahead.root[i];
	rota_ahead_close(&ahead);
	if (!ends || !sealed)
		return ROTA_OK;
	return rota_fail(&d->why, ROTA_ERR_STATE,
		"roots of the series that is under way are with the keeper, whom a drill does not "
		"ask; rehearse this on an authority without a series");
}

enum rota_err drill_keeper_begin(struct drill *d)
{
	struct drill_keeper *k = &d->keeper;

	ROTA_TRY(check_ahead(d));
	k->folder = rota_text("%s/keeper", d->base);
	k->ini = rota_text("%s/keeper.ini", k->folder);
	k->log = rota_text("%s/output", k->folder);
	k->program = sibling_find("rota-signd");
	k->argv[0] = k->program;
	k->argv[1] = "--keeper";
	k->argv[2] = k->ini;
	k->child = (struct serve_child){
		.name = "rota-signd", .argv = k->argv, .log = k->log, .stop_signal = SIGTERM
	};
	ROTA_TRY(make_folder(d));
	ROTA_TRY(write_settings(d));
	ROTA_TRY(make_token(d));
	ROTA_TRY(serve_child_start(&k->child, &d->why));
	return wait_ready(d);
}

void drill_keeper_end(struct drill *d)
{
	struct drill_keeper *k = &d->keeper;

	serve_child_stop(&k->child, STOP_S);
	free(k->folder);
	free(k->ini);
	free(k->log);
	free(k->program);
}
